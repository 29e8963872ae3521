"""Telling people, killed before and after each of its writes, and what is true afterwards.

    python -m tests.crash.telling_rounds FOLDER [EVERY]

EVERY takes one round in so many. Forks for each round: the program's modules are read once. Prints a JSON line for each.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import structlog

from gateway.incidents.machine import NotAllowed
from gateway.model import Category, End, Notification, Quota, Receipt, TellingLimits
from gateway.ports import Unavailable
from gateway.store import telling
from tests.cases import house as cases_house
from tests.cases.build import alarmed, cleared
from tests.cases.house import House, StoryClock, living
from tests.notify.test_storms import grids

QUOTA = Quota(9, 60.0, spare=2)
MOST_WRITES = 200
"""Rounds end earlier: when the story ends before it is killed."""


class Robot:
    """Writes down at once what it was told, and fails now and then."""

    quotas = (QUOTA,)

    def __init__(self, log: Path) -> None:
        self.log = log
        self.house: House | None = None
        self.calls = 0

    async def tell(self, notification: Notification) -> Receipt:
        assert self.house is not None
        self.calls += 1
        line = [notification.key, notification.count, self.house.now, notification.category]
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps([*line, self.calls % 5 != 0]) + "\n")
        if self.calls % 5 == 0:
            raise Unavailable("busy")
        return Receipt("taken")


def _beams(numbers: range, where: Any, **more: Any) -> list[Any]:
    return [
        alarmed(
            f"ir{n}", rule="beam", same=f"device:{n}", category=Category.intrusion,
            place=where.devices[f"ir{n}"].place, **more,
        )
        for n in numbers
    ]  # fmt: skip


async def story(folder: Path, kill_at: float) -> None:
    """As far as it gets: writes are counted, and number ``kill_at`` is the last, or not made.

    A whole number kills before that write, one and a half after the first.
    """
    clock, where, robot = StoryClock(), grids(2), Robot(folder / "robot.ndjson")
    writes = 0
    plain = cases_house.WatchedCases._counted

    def counted(cases: Any, call: Any) -> Any:
        of_writer = call.__self__ is cases._writer
        watched = plain(cases, call)

        async def killed(*args: Any, **kwargs: Any) -> Any:
            nonlocal writes
            if not (of_writer and robot.house):
                return await watched(*args, **kwargs)
            writes += 1
            if writes == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            result = await watched(*args, **kwargs)
            if writes == int(kill_at):
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return killed

    cases_house.WatchedCases._counted = counted  # type: ignore[method-assign]
    limits = TellingLimits(first=2)
    async with living(folder / "c.db", clock, {"robot": robot}, where, limits) as house:
        robot.house = house
        await _go_on(house, clock, where)
        if kill_at > MOST_WRITES:
            await _end(house, clock)


async def _go_on(house: House, clock: StoryClock, where: Any) -> None:
    """From the first step that the rules' bookmark does not know yet."""
    position, _ = await house.cases.rules_start()
    house._n = position.n if position is not None else 0
    steps = [
        _beams(range(10), where),
        [alarmed(f"ir{n}", same=f"flat:{n}", place="1300") for n in range(20, 25)],
        _beams(range(10, 14), where),
        _beams(range(8), where, turn=cleared().turn),
    ]
    for number, changes in enumerate(steps, 1):
        if number > house._n:
            await house.take(*changes)
        await clock.advance(25)
    await clock.advance(100)


async def _end(house: House, clock: StoryClock) -> None:
    """All is well from here on, and somebody sees to everything."""
    await clock.advance(300)
    for incident in await house.cases.open_incidents():
        for verb in ("receive", "close"):
            try:
                await house.act(incident.key, verb, "p0", "real" if verb == "close" else "")
            except NotAllowed:
                continue
    await clock.advance(900)


async def faults(folder: Path) -> list[str]:
    """What is not as promised."""
    asked = [json.loads(line) for line in (folder / "robot.ndjson").read_text().splitlines()]
    taken = {key for key, _, _, _, well in asked if well}
    found = []
    async with cases_house.Cases(folder / "c.db", StoryClock()) as cases:
        if cases.put_aside is not None:
            found.append("the file is broken")
        rows = {row.id: row for row in await cases.read(telling.rows, range(1, 5_000))}
        opened = {row.incident for row in rows.values() if row.purpose == "opened"}
        if len(opened) != 19:
            found.append(f"{len(opened)} incidents have somebody to tell")
        found += await cases.verify()
    for row in rows.values():
        leader = rows[row.digest] if row.digest else row
        key = f"{leader.incident}/{leader.seq}/{leader.person}/{leader.channel}"
        if not row.end:
            found.append(f"{row} waits")
        elif leader.end == End.told.value and key not in taken:
            found.append(f"{row} counts as told, and nobody was")
        elif row.purpose == "opened" and not row.rung and leader.end != End.told.value:
            found.append(f"{row} ended otherwise")
    times = [at for _, _, at, _, _ in asked]
    span = int(QUOTA.per * 1e9)
    most = max(sum(at <= other < at + span for other in times) for at in times)
    if most > QUOTA.most:
        found.append(f"{most} messages within a minute")
    return found


def forked(*args: Any) -> int:
    """Run a round in a process of its own; the signal that ended it, or 0."""
    child = os.fork()
    if child == 0:
        structlog.configure(processors=[_drop])
        asyncio.run(story(*args))
        os._exit(0)
    return os.waitpid(child, 0)[1]


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent


def main() -> None:
    folder = Path(sys.argv[1])
    every = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for number in range(2, 2 * MOST_WRITES, every):
        place = folder / str(number)
        place.mkdir()
        ended = forked(place, number / 2)
        if ended not in (0, signal.SIGKILL):
            raise SystemExit(f"round {number}: the story fell with {ended}")
        if forked(place, MOST_WRITES + 1.0):
            raise SystemExit(f"round {number}: what was left could not be gone on with")
        print(json.dumps([number / 2, asyncio.run(faults(place))]), flush=True)
        if not ended:
            return


if __name__ == "__main__":
    main()
