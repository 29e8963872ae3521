"""The whole gateway as a process on a real broker, killed at random moments.

GRIDWARDEN_KILLS asks for more kills than the suite's 25.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from gateway.model import Lane, Reading
from gateway.store.journal_file import JournalFile
from tests.house import House, house
from tests.load import Publisher, alarm, reading


class Source(threading.Thread):
    """Publishes numbered readings and, every 40th, an alarm of a detector of its own."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.readings = 0
        self.alarms: list[str] = []
        self.stop = threading.Event()

    def run(self) -> None:
        with Publisher(self.port) as load:
            while not self.stop.wait(0.005):
                load.send(reading(self.readings, 10))
                self.readings += 1
                if self.readings % 40 == 0:
                    name = f"a{len(self.alarms)}"
                    load.send(alarm(name, len(self.alarms)))
                    self.alarms.append(name)


@pytest.mark.long
def test_killed_at_random_moments_nothing_acknowledged_is_lost_and_everybody_is_told() -> None:
    kills = int(os.environ.get("GRIDWARDEN_KILLS", "25"))
    chance = random.Random(20260105)
    with house(start=False) as h:
        h.start()
        _wait_until_subscribed(h)  # from now on the broker keeps what comes while we are away
        source = Source(h.broker.port)
        source.start()
        for _ in range(kills):
            h.kill()
            # the next start may be killed before it serves, in the middle of opening, or later
            h.start_without_waiting()
            time.sleep(chance.choice([chance.random() * 0.8, 0.8 + chance.random() * 1.2]))
        h.kill()
        source.stop.set()
        source.join(30)
        h.start()
        sent = source.readings + len(source.alarms)
        _wait_until_settled(h, source.alarms)
        ledger = h.get("ledger")
        incidents = h.get("incidents?limit=1000")
        told = {device.removeprefix("bench/") for device, _ in h.phone.messages}
        h.stop()
        keys = _keys(h.config.parent / "data" / "journal.db")
    keys = Counter({key: n for key, n in keys.items() if "probe" not in key})
    assert len(keys) == sent
    assert set(keys.values()) == {1}, "a numbered reading is stored more than once"
    opened = Counter(i["device"].removeprefix("bench/") for i in incidents)
    assert {device: n for device, n in opened.items() if device in source.alarms} == dict.fromkeys(
        source.alarms, 1
    )
    assert told >= set(source.alarms), "somebody was not told"
    assert ledger["received"] == ledger["stored"] + sum(ledger["refused"].values())
    for reader in ledger["readers"].values():
        parts = reader["delivered"] + reader["waiting"] + sum(reader["dropped"].values())
        assert parts == ledger["stored"]
        assert reader["waiting"] >= 0


def _wait_until_subscribed(h: House) -> None:
    with Publisher(h.broker.port, b"probe") as load:
        for number in range(100):
            load.send(alarm("probe", 900_000 + number, on=False))
            if any(device["address"] == "probe" for device in h.get("devices")):
                return
            time.sleep(0.1)
    raise AssertionError("the driver did not subscribe within 10 s")


def _wait_until_settled(h: House, alarms: list[str]) -> None:
    """Everybody was told, every reader is up to date and nothing more comes from the broker."""
    stored, since = -1, time.monotonic()
    for _ in range(600):
        ledger = h.get("ledger")
        if ledger["stored"] != stored:
            stored, since = ledger["stored"], time.monotonic()
        told = {device.removeprefix("bench/") for device, _ in h.phone.messages.copy()}
        waiting = [reader["waiting"] for reader in ledger["readers"].values()]
        if told >= set(alarms) and not any(waiting) and time.monotonic() - since > 1.5:
            return
        time.sleep(0.1)
    raise AssertionError(f"not settled after 60 s: {ledger}, {set(alarms) - told} not told")


def _keys(path: Path) -> Counter[str]:
    """How often each key of the driver is in the journal."""
    file = JournalFile(path)
    file.look()
    try:
        return Counter(
            f"{record.item.device} {record.item.key}"
            for chunk in file.chunks(0, Lane.everything, 10**9)
            for record in chunk.records
            if isinstance(record.item, Reading) and record.item.key
        )
    finally:
        file.reader.close()
