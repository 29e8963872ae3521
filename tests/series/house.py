"""The decision half of a gateway with a stream of its record, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from gateway.model.series import Point
from gateway.ports import Refused, Unavailable
from gateway.series.gauges import NEVER
from gateway.series.stream import Stream, Takes, story_at
from gateway.store import series
from gateway.store.cases import Cases
from gateway.store.databases import Database
from gateway.store.journal_file import Quarantined
from tests.cases import build
from tests.cases.house import House, Phone, StoryClock, living
from tests.virtual import START

Told = tuple[str, tuple[tuple[str, str], ...], int, tuple[tuple[str, Any], ...]]


class Kept:
    """What a sink does with points: keeps them, is away, or refuses some."""

    def __init__(self) -> None:
        self.points: dict[tuple[str, tuple[tuple[str, str], ...], int], dict[str, Any]] = {}
        self.writes = 0
        self.away = False
        self.poison = ""
        """A measurement that is never taken."""

    async def write_points(self, points: Sequence[Point]) -> None:
        self.writes += 1
        if self.away:
            raise Unavailable("away")
        bad = {n: "poison" for n, point in enumerate(points) if point.measurement == self.poison}
        for n, point in enumerate(points):
            if n not in bad:
                key = point.measurement, tuple(sorted(point.tags.items())), point.at
                self.points.setdefault(key, {}).update(point.fields)
        if bad:
            raise Refused("poison", bad)

    def of(self, measurement: str, **tags: str) -> list[dict[str, Any]]:
        """Fields and tags of the points of a series, oldest first."""
        return [
            {**dict(key[1]), **fields, "at": key[2]}
            for key, fields in sorted(self.points.items(), key=lambda item: item[0][2])
            if key[0] == measurement and tags.items() <= dict(key[1]).items()
        ]


class Watched(House):
    """A house whose stream can be stopped and begun again."""

    def begin(self, kept: Takes, name: str = "influx") -> None:
        self.set_aside: list[Quarantined] = []
        self.stream = Stream(
            self.cases, name, kept, lambda: self.site, self.clock, self.set_aside.extend
        )
        self.resume()

    def resume(self) -> None:
        self.task = asyncio.create_task(self.stream.run())

    async def end(self) -> BaseException | None:
        self.task.cancel()
        (found,) = await asyncio.gather(self.task, return_exceptions=True)
        return found


@contextlib.asynccontextmanager
async def watched(
    where: Database, clock: StoryClock, kept: Takes, kind: type[Watched] = Watched, **more: Any
) -> AsyncIterator[Watched]:
    async with living(where, clock, {"phone": Phone()}, build.site(), **more) as house:
        house.__class__ = kind
        assert isinstance(house, Watched)
        house.begin(kept)
        await clock.advance(0.1)
        try:
            yield house
        finally:
            await house.end()


async def afterwards(cases: Cases, n: int, until: int, page: int = 7) -> list[Told]:
    """The points of everything after number ``n``, as a backfill gives them."""
    story = await story_at(cases.read, n, build.site, begins=START, listed_from=NEVER)
    found: list[Point] = []
    while True:
        happenings, upto = await cases.read(series.page, story.n, page)
        if upto == story.n:
            return told([*found, *story.upto(until)])
        chains = await cases.read(series.chains, sorted(story.lacks(happenings)), story.n)
        for chain in chains.values():
            story.know(chain)
        for happening in happenings:
            found += story.take(happening)
        story.done(upto)


def told(points: Iterable[Point]) -> list[Told]:
    return [
        (
            point.measurement,
            tuple(sorted(point.tags.items())),
            point.at,
            tuple(sorted(point.fields.items())),
        )
        for point in points
    ]
