"""The program itself, when somebody writes over its journal while it runs."""

from __future__ import annotations

import time

from tests.house import house
from tests.load import Publisher


def test_run_puts_the_file_aside_starts_again_and_tells() -> None:
    with house() as h, Publisher(h.broker.port) as load:
        load.steady(100, 2.0)
        journal = h.config.parent / "data" / "journal.db"
        journal.write_bytes(bytes(journal.stat().st_size))
        h.started_again()
        load.steady(100, 1.0, start=10_000)
        for _ in range(100):
            if {"gateway/store:journal"} <= {device for device, _ in h.phone.messages.copy()}:
                break
            time.sleep(0.1)
        assert ("gateway/store:journal", "opened") in h.phone.messages
        assert [i["rule"] for i in h.get("incidents")] == ["store_replaced"]
        assert list(journal.parent.glob("journal-broken-*.db"))
        h.wait_delivered(100, 30)  # what came after it; raises when something is missing
        ledger = h.get("ledger")
        assert ledger["received"] == ledger["stored"] + sum(ledger["refused"].values())
