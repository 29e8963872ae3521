"""What a replay costs: a month's worth of readings through two sets of rules, and decoding alone.

    python -m tests.bench.replay [READINGS] [--runs 3]

The journal is made here: a street's devices that report by turns, alarms among them. The first
figure is by the wall, both sides at once; the second by the CPU time of one side, as on a machine
with nothing else to do. What reading the journal costs anybody is a share of that CPU time.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import rules
from gateway.incidents.machine import World
from gateway.model import SECOND, Device, Person, Place, Reading, Record, Site, Value
from gateway.replay.archive import Archive
from gateway.replay.beside import Beside
from gateway.replay.past import Past
from gateway.replay.run import Played, Side, play, span
from gateway.replay.source import Source
from gateway.store.journal_file import JournalFile

BEGAN = 1_767_600_000 * SECOND
_KINDS = ("smoke", "smoke", "heat", "infrared", "manhole", "climate", "water", "lamp")
_DEVICES = 400
_GROUP = 100
"""Readings of one commit."""
_BETWEEN = SECOND // 4
_ALARMS = 0.0005


def site() -> Site:
    """Four grids below one root, and devices of many kinds in them."""
    root = Place("99", "", "district", "云河区")
    grids = [Place(f"99{n}", "99", "grid", f"第{n}网格") for n in range(1, 5)]
    devices = [
        Device(f"d{n}", "site", f"d{n}", _KINDS[n % len(_KINDS)], f"设备{n}", grids[n % 4].code)
        for n in range(_DEVICES)
    ]
    officer = Person("chen", "陈静", "99", "officer", channels=("phone",))
    return Site(
        1,
        {place.code: place for place in (root, *grids)},
        {device.id: device for device in devices},
        {officer.id: officer},
    )


def write(path: Path, count: int, seed: int = 7) -> None:
    """A journal of ``count`` readings, as the gateway's own commits would have written it."""
    chance = random.Random(seed)
    devices = list(site().devices.values())
    file = JournalFile(path)
    file.open(BEGAN, "bench")
    try:
        for first in range(1, count + 1, _GROUP):
            records = []
            for n in range(first, min(first + _GROUP, count + 1)):
                device, at = devices[n % _DEVICES], BEGAN + n * _BETWEEN
                values = _values(device.kind, chance)
                item = Reading(
                    device.id, device.kind, values, key=str(n), received_at=at, at=at - SECOND // 8
                )
                records.append(Record(n, at, "boot-1", at, at, True, item))
            file.append(records, first + len(records) - 1, None, (), {})
    finally:
        file.close()


def _values(kind: str, chance: random.Random) -> dict[str, Value]:
    alarm = chance.random() < _ALARMS
    common: dict[str, Value] = {"battery": 80.0 + chance.random()}
    own: dict[str, dict[str, Value]] = {
        "smoke": {"alarm": alarm, "density": chance.random()},
        "heat": {"alarm": alarm, "temperature": 20 + 5 * chance.random()},
        "infrared": {"alarm": alarm},
        "manhole": {"open": alarm, "water_level": chance.random() / 5},
        "climate": {"temperature": 20 + 9 * chance.random(), "humidity": 50.0},
        "water": {"leak": alarm, "pressure": 300 + chance.random()},
        "lamp": {"on": True, "current": chance.random()},
    }
    return common | own[kind]


class Cost(NamedTuple):
    seconds: float
    cpu: float
    decoding: float
    """CPU seconds, like ``cpu``."""
    incidents: int
    memory_before: int
    """KiB, at most, up to the beginning."""


def measured(path: Path) -> Cost:
    """One replay of the whole journal, and its plain decoding."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with _source(path) as source:
        cpu = time.process_time()
        decoded = sum(len(page) for page in source.pages(source.oldest, source.upto))
        decoding = time.process_time() - cpu
        over = span(source, BEGAN, None, 0.0, 0)
    here = site()
    shipped = rules.packs(rules.pack_names())
    changed = [(name, text.replace("for: 5s", "for: 9s")) for name, text in shipped]
    ruleset, other = rules.load(shipped), rules.load(changed)

    def world(site: Site) -> World:
        return World(site, {}, Person("duty", "值班员", "", "assistant"))

    sides = (
        Side(ruleset, here, world, follows_rules=True),
        Side(other, here, world, follows_rules=False),
    )

    def one(side: Side) -> Played:
        with _source(path) as source:
            return play(source, Archive(source.edition), Past([]), side, over, lambda _: None)

    began, cpu = time.perf_counter(), time.process_time()
    with Beside(partial(one, sides[0])) as beside:
        after = one(sides[1])
        cpu = time.process_time() - cpu
        before = beside.result()
        seconds = time.perf_counter() - began
    assert before.records == after.records == decoded, "a bench that skips records measures nothing"
    return Cost(seconds, cpu, decoding, before.totals.incidents, memory)


def costs(readings: int, runs: int) -> list[Cost]:
    """Each of ``runs`` over the same journal."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        write(path, readings)
        return [measured(path) for _ in range(runs)]


@contextmanager
def _source(path: Path) -> Iterator[Source]:
    file = JournalFile(path)
    start = file.look()
    with closing(file.reader):
        yield Source(file, start)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readings", nargs="?", type=int, default=300_000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    found = costs(asked.readings, asked.runs)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    other = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    before = found[0].memory_before
    seconds = statistics.median(cost.seconds for cost in found)
    cpu = statistics.median(cost.cpu for cost in found)
    share = statistics.median(cost.decoding / cost.cpu for cost in found)
    print(f"readings                     {asked.readings:>12,}  ({found[0].incidents:,} incidents)")
    print(f"two sets of rules            {asked.readings / seconds * 60:>12,.0f}  readings/min")
    print(f"  on a core of its own       {asked.readings / cpu * 60:>12,.0f}  readings/min")
    print(f"CPU per reading              {cpu / asked.readings * 1e6:>12.1f}  µs")
    print(f"of it decoding (same run)    {share:>12.0%}")
    print(f"memory, at most              {after / 1024:>12.0f}  MiB here")
    print(f"                             {other / 1024:>12.0f}  MiB beside"
          f" (before either: {before / 1024:.0f})")  # fmt: skip


if __name__ == "__main__":
    main()
