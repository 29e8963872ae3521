"""From an alarm to a person in a storm: 800 devices alarm within a minute.

    python -m tests.bench.telling [--seconds S]

A real gateway between a real broker and a webhook. Twice: as a site has it, where the rest of the
storm is merged, and one by one, so that each message is seen.
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import datetime
from typing import NamedTuple

from tests.house import ONE_BY_ONE, House, house
from tests.load import Publisher, alarm

DEVICES = 800
AS_SHIPPED = ""


class Delays(NamedTuple):
    """Milliseconds."""

    p50: float
    p99: float
    most: float

    def __str__(self) -> str:
        return f"p50 {self.p50:.0f}, p99 {self.p99:.0f}, max {self.most:.0f} ms"


class Storm(NamedTuple):
    """What one run shows."""

    opened: Delays
    """From publishing to the incident."""
    told: Delays
    """From publishing to the channel being handed the device's own message."""
    messages: int
    cpu: float
    """Per cent of a core during the storm."""


def storm(seconds: float, telling: str) -> Storm:
    """All devices once, evenly over ``seconds``."""
    with house(telling=telling) as h, Publisher(h.broker.port) as load:
        load.steady(200, 3.0)
        sent: dict[str, tuple[float, float]] = {}
        used, began = h.cpu(), time.monotonic()
        for number in range(DEVICES):
            left = began + number * seconds / DEVICES - time.monotonic()
            time.sleep(max(0.0, left))
            name = f"st{number}"
            sent[f"bench/{name}"] = time.time(), time.monotonic()
            load.send(alarm(name, number))
        spent = h.cpu() - used
        took = time.monotonic() - began
        opened = _opened(h, sent)
        time.sleep(1.0)
        came = {d: at for (d, what), at in h.phone.messages.copy().items() if what == "opened"}
        told = [(came[d] - mono) * 1e3 for d, (_, mono) in sent.items() if d in came]
        return Storm(_delays(opened), _delays(told), len(told), 100 * spent / took)


def _opened(h: House, sent: dict[str, tuple[float, float]]) -> list[float]:
    """How long each incident took, once all are there."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = {each["device"]: each["opened_at"] for each in h.get("incidents?limit=1000")}
        if set(sent) <= set(found):
            return [
                (datetime.fromisoformat(found[device]).timestamp() - wall) * 1e3
                for device, (wall, _) in sent.items()
            ]
        time.sleep(0.2)
    raise RuntimeError(f"{len(sent)} alarms, {len(found)} incidents")


def _delays(found: list[float]) -> Delays:
    found = sorted(found)
    return Delays(statistics.median(found), found[int(len(found) * 0.99)], found[-1])


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench.telling")
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    for name, telling in (("merged", AS_SHIPPED), ("one by one", ONE_BY_ONE)):
        found = storm(seconds, telling)
        what = f"{DEVICES} alarms in {seconds:g} s, {name}"
        print(f"{what:40} opened {found.opened}; told {found.messages}, {found.told};"
              f" CPU {found.cpu:.0f} % of a core  (limit: p99 under 1,000 ms)", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
