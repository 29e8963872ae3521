"""Takes check-ins, and looks after each round whether one is missing."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta, tzinfo
from typing import Final

import structlog

from gateway.clock import Arrival, at_most
from gateway.clock import Signal as Moved
from gateway.incidents.desk import Desk
from gateway.model import (
    PATROL,
    PATROLLED,
    SECOND,
    Category,
    Change,
    CheckIn,
    Point,
    Severity,
    Site,
    Stamp,
    Text,
    Turn,
)
from gateway.patrol.beat import MOST, Beats, Walk, rounds_around
from gateway.patrol.report import GRACE, Line, counting, lines, missed
from gateway.patrol.rounds import Round, Spans, ended_between, local_day, next_end, rounds_of
from gateway.ports import Clock
from gateway.store import patrol as table
from gateway.store.cases import KEPT, Cases

_MOST: Final = 100_000
"""Check-ins of one look: 1,400 grids with 20 points and three rounds a day are 84,000."""
_LOOKED_BACK: Final = 2 * 86_400 * SECOND
"""After a longer pause the rounds before are in the report and ring nobody."""
_AT_ONCE: Final = 100
"""Grids decided in one transaction: an alarm waits for no more than these."""
_NAMED: Final = 5
"""Points that a sentence names; of the others it gives the number."""
_AGAIN: Final = 3_600.0
"""Seconds to the next look at the latest: a wall clock may be set."""
_EARTH: Final = 6_371_000.0
"""Metres: its mean radius."""

log = structlog.get_logger("patrol")


class Unknown(Exception):
    """There is no such point, or no such person; ``text`` says it to that person."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(zh, en)


class Patrol:
    """``check_in`` keeps that somebody was there; ``run`` tells of what was missed."""

    def __init__(
        self,
        cases: Cases,
        desk: Desk,
        points: Sequence[Point],
        spans: Spans,
        zone: tzinfo,
        site: Callable[[], Site],
        clock: Clock,
        arrival: Arrival,
        *,
        tell: bool,
    ) -> None:
        self._cases = cases
        self._desk = desk
        self._points: Mapping[str, Point] = {point.id: point for point in points}
        self._spans = spans
        self._zone = zone
        self._site = site
        self._clock = clock
        self._arrival = arrival
        self._tell = tell
        self._since: Mapping[str, int] | None = None
        """From when on each point is walked; None: to be read."""
        self._ended: Mapping[str, int] | None = None
        """How often the links of each person were ended; None: to be read."""
        self._beats: Beats | None = None
        """Of the newest picture that was asked about."""

    @property
    def points(self) -> list[Point]:
        """In the order of the file."""
        return list(self._points.values())

    async def check_in(
        self, point: str, person: str, position: tuple[float, float] | None = None
    ) -> CheckIn:
        """Returned: it is on disk. ``position`` is the phone's latitude and longitude.

        Raises ``Unknown`` and ``Unavailable``.
        """
        known = self._points.get(point)
        if known is None:
            raise Unknown("没有这个巡查点。", "There is no such patrol point.")
        site = self._site()
        if person not in site.people and person != self._desk.fallback.id:
            raise Unknown("名单上没有此人。", "The registry does not know this person.")
        stamp = self._clock.now()
        checkin = CheckIn(
            point, person, stamp.wall, self._arrival(stamp), stamp.trusted, _metres(known, position)
        )
        await self._cases.write(table.add, checkin)
        return checkin

    async def links_ended(self) -> Mapping[str, int]:
        """Person -> how often the links of theirs were ended. Raises ``Unavailable``."""
        if self._ended is None:
            self._ended = await self._cases.read(table.ended)
        return self._ended

    async def end_links(self, person: str) -> None:
        """Returned: no link that ``person`` has opens anything. Raises as ``check_in`` does."""
        if person not in self._site().people:
            raise Unknown("名单上没有此人。", "The registry does not know this person.")
        self._ended = await self._cases.write(table.end_links, person)
        log.info("patrol_links_ended", person=person)

    async def day(self, day: date) -> list[Line]:
        """Every point of every round that begins on ``day``. Raises ``Unavailable``."""
        return await self._lines(rounds_of(day, self._spans, self._zone))

    async def walk(self, person: str) -> Walk:
        """The points of ``person`` in today's rounds. Raises ``Unavailable``."""
        wall, site = self._clock.now().wall, self._site()
        known = site.people.get(person)
        if self._beats is None or self._beats.site is not site:
            self._beats = await asyncio.to_thread(Beats, self.points, site)
        own = self._beats.of(known, wall) if known is not None else []
        rounds = rounds_around(wall, self._spans, self._zone)
        found = await self._lines(rounds, own[:MOST])
        return Walk(tuple(found), counting(rounds, wall), len(own))

    def today(self) -> date:
        """The local date."""
        return local_day(self._clock.now().wall, self._zone)

    async def run(self) -> None:
        """Look at each round when it is over, until cancelled."""
        while True:
            stamp = self._clock.now()
            if stamp.trusted:
                self._since = await self._cases.write(table.know, list(self._points), stamp.wall)
                await self._look(stamp)
            await self._cases.write(table.forget, self._arrival(stamp) - int(KEPT * SECOND))
            await at_most(self._wait(stamp), self._clock, Moved().wait(0))

    async def _look(self, stamp: Stamp) -> None:
        """What has ended since the last look; a round is over when its grace is."""
        upto = stamp.wall - GRACE
        after = await self._cases.read(table.judged)
        if after > upto:
            if after - upto > _LOOKED_BACK:  # it was judged by a clock that was wrong
                await self._cases.write(table.put_judged, upto)
            return
        if after and self._tell:
            ended = ended_between(max(after, upto - _LOOKED_BACK), upto, self._spans, self._zone)
            for each in ended:
                await self._judge(each, stamp)
        await self._cases.write(table.put_judged, upto)

    async def _judge(self, one: Round, stamp: Stamp) -> None:
        """An incident for each grid where something was missed: it ends with a person's word."""
        site, arrival = self._site(), self._arrival(stamp)
        grids = missed(await self._lines([one]), site)
        changes = [_change(grid, found, one, stamp, arrival) for grid, found in grids.items()]
        if changes:
            log.info("patrol_missed", round=one.name, grids=len(grids))
        for first in range(0, len(changes), _AT_ONCE):
            part = changes[first : first + _AT_ONCE]
            await self._desk.take(part, None, {}, arrival, stamp, site)

    async def _lines(
        self, rounds: Sequence[Round], points: Sequence[Point] | None = None
    ) -> list[Line]:
        """Of all points, or of these."""
        if not rounds or points == []:
            return []
        begin = min(each.begins for each in rounds) - GRACE
        end = max(each.ends for each in rounds) + GRACE
        only = None if points is None else [point.id for point in points]
        found = await self._cases.read(table.between, begin, end, _MOST, only)
        around = self._around(rounds)
        if self._since is None:
            self._since = await self._cases.read(table.since)
        asked, wall = self.points if points is None else points, self._clock.now().wall
        every = lines(asked, around, found, self._since, wall)
        return [line for line in every if line.round in set(rounds)]

    def _around(self, rounds: Sequence[Round]) -> list[Round]:
        """With their neighbours: a check-in between two rounds counts for the nearer one."""
        days = {each.day + timedelta(days=n) for each in rounds for n in (-1, 0, 1)}
        return [each for day in sorted(days) for each in rounds_of(day, self._spans, self._zone)]

    def _wait(self, stamp: Stamp) -> float:
        end = next_end(stamp.wall - GRACE, self._spans, self._zone)
        if end is None:
            return _AGAIN
        return min(max((end + GRACE - stamp.wall) / SECOND, 1.0), _AGAIN)


def _change(grid: str, found: Sequence[Line], one: Round, stamp: Stamp, arrival: int) -> Change:
    device = f"{PATROLLED}{grid}"
    return Change(
        turn=Turn.alarmed,
        rule=PATROL,
        device=f"{device}:{one.day}:{one.name}",
        kind="gateway",
        same=f"grid:{grid}",
        place=grid,
        category=Category.facility,
        severity=Severity.notice,
        title=Text("巡查漏点", "Patrol points missed"),
        why=_why(found, one),
        at=one.ends,
        now=arrival,
        record=0,
    )


def _why(found: Sequence[Line], one: Round) -> Text:
    names = [line.point.name for line in found]
    count = Counter(names).total()
    shown = names[:_NAMED]
    zh, en = "、".join(shown), ", ".join(shown)
    if count > _NAMED:
        zh, en = f"{zh} 等", f"{en} and others"
    return Text(
        f"{one.day} {one.name}巡查漏 {count} 处:{zh}",
        f"{one.day}, round {one.name}: {count} missed: {en}",
    )


def _metres(point: Point, position: tuple[float, float] | None) -> float | None:
    """The distance on a sphere."""
    if position is None or point.latitude is None or point.longitude is None:
        return None
    one, other = math.radians(point.latitude), math.radians(position[0])
    across = math.radians(position[1] - point.longitude)
    part = (
        math.sin((other - one) / 2) ** 2
        + math.cos(one) * math.cos(other) * math.sin(across / 2) ** 2
    )
    return round(2 * _EARTH * math.asin(math.sqrt(min(part, 1.0))), 1)
