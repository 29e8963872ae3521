"""The charts: what a month of a detector takes to show, to fold and to keep.

A gateway of ``DEVICES`` smoke detectors that report once a minute, all of them within one commit
group of ``GROUP`` seconds: a journal of 30 days, folded from its beginning.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from gateway.clock import SystemClock, cpu_seconds, spin_ns
from gateway.history.keeper import Keeper
from gateway.history.picture import Asked
from gateway.model import SECOND, Reading, Record
from gateway.ports import Unavailable
from gateway.store.group import Limits
from gateway.store.journal import Journal
from gateway.store.journal_file import JournalFile

DEVICES: Final = 50
GROUP: Final = 10
DAYS: Final = 30
_DAY: Final = 86_400 * SECOND
_POINTS: Final = 800
_SPANS: Final = {"1 h": _DAY // 24, "1 d": _DAY, "7 d": 7 * _DAY, "30 d": 30 * _DAY}


class Cost(NamedTuple):
    """µs of CPU to fold one reading; bytes of the file for one; by span, seconds of the slowest
    answer and of CPU for the usual one."""

    fold: float
    bytes: float
    answer: dict[str, float]
    cpu: dict[str, float]


def groups(devices: int, days: float, until: int) -> Iterator[list[Record]]:
    """Commit groups of a site of detectors, oldest first."""
    chance = random.Random(6)
    number = 0
    for at in range(until - int(days * _DAY), until, GROUP * SECOND):
        records = []
        for device in range(at // SECOND // GROUP % (60 // GROUP), devices, 60 // GROUP):
            number += 1
            values = {
                "alarm": False,
                "density": round(chance.uniform(0, 0.05), 3),
                "temperature": round(20 + chance.gauss(0, 2), 1),
                "battery": 87.0,
            }
            wall = at + chance.randrange(GROUP * SECOND)
            reading = Reading(f"mqtt/smoke-{device:04}", "smoke", values, received_at=wall, at=wall)  # type: ignore[arg-type]
            records.append(Record(number, wall, "boot", wall, wall, True, reading))
        if records:
            yield records


def fill(path: Path, devices: int, days: float, until: int) -> int:
    """A journal of that time; how many records."""
    file, last = JournalFile(path), 0
    file.open(until, "bench")
    file.writer.execute("PRAGMA synchronous = OFF")
    for records in groups(devices, days, until):
        last = records[-1].n
        file.append(records, last, None, (), {})
    file.close()
    return last


async def cost(devices: int, days: float, runs: int) -> Cost:
    """Fold it all, then ask for each span, each value in turn."""
    clock = SystemClock()
    until = clock.now().wall // SECOND * SECOND
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        count = await asyncio.to_thread(fill, path, devices, days, until)
        limits = Limits(keep=400 * 86_400.0, max_size=10**12)
        async with Journal(path, limits, clock) as journal:
            kept = Path(folder) / "history.db"
            keeper = Keeper(kept, journal, clock, limits.keep, limits.max_size)
            began = cpu_seconds()
            running = asyncio.create_task(keeper.run())
            while keeper.behind:
                await asyncio.sleep(0.001)
                with suppress(Unavailable):  # not open yet
                    await keeper.catch_up()
            folding = (cpu_seconds() - began) / count * 1e6
            answer, cpu = await _answers(keeper, devices, until, runs)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        size = await asyncio.to_thread(lambda: kept.stat().st_size)
        return Cost(folding, size / count, answer, cpu)


async def _answers(
    keeper: Keeper, devices: int, until: int, runs: int
) -> tuple[dict[str, float], dict[str, float]]:
    answer: dict[str, float] = {}
    cpu: dict[str, float] = {}
    for name, span in _SPANS.items():
        took, used = [], []
        for run in range(max(4, runs)):
            device = f"mqtt/smoke-{run * 7 % devices:04}"
            value = ("density", "temperature", "alarm", "battery")[run % 4]
            asked = Asked(device, value, until - span, until, _POINTS, 2 * 3_600 * SECOND)
            started, began = spin_ns(), cpu_seconds()
            found = await keeper.ask(asked)
            took.append((spin_ns() - started) / SECOND)
            used.append(cpu_seconds() - began)
            if not (found.buckets or found.shares):
                raise RuntimeError(f"{name} of {device} shows nothing")
        answer[name], cpu[name] = max(took), statistics.median(used)
    return answer, cpu


def costs(devices: int, days: float, runs: int) -> Cost:
    """The same for whoever has no loop."""
    return asyncio.run(cost(devices, days, runs))
