"""Any stretch of the past to a sink, from journal and record beside a running gateway, or a file.

The points are those that the gateway itself writes, so what is there already is written over by
itself, and a stretch that was broken off is begun again anywhere.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import partial
from itertools import islice
from typing import Final, Protocol

from gateway.model import SECOND, IncidentEvent, Reading, Record, Site
from gateway.model.series import Point
from gateway.ports import Clock, Refused, Unavailable
from gateway.series.export import Export
from gateway.series.gauges import NEVER
from gateway.series.story import ROOM, Story
from gateway.series.stream import PORTION, Read, story_at
from gateway.store import series
from gateway.store.lanes import put_right
from gateway.store.series import Happening

BATCH: Final = 5_000
"""Readings in one write."""
_PAGE: Final = 1_000
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 30.0
_SAID: Final = 3
"""Reasons of refused points that are told."""


class Takes(Protocol):
    """The sink."""

    async def write(self, batch: Sequence[Record]) -> None:
        """Of readings."""

    async def write_points(self, points: Sequence[Point]) -> None:
        """Of other series."""


class Backfill:
    """One stretch ``since`` to ``until`` (wall ns). Raises ``Unavailable`` after ``patience`` s."""

    def __init__(
        self,
        sink: Takes,
        clock: Clock,
        since: int,
        until: int,
        patience: float,
        waits: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        """``waits`` hears why the sink takes nothing for the moment."""
        self._sink = sink
        self._clock = clock
        self.since = since
        self.until = until
        self._patience = patience
        self._waits = waits
        self.points = 0
        self.readings = 0
        self.refused = 0
        self.reasons: list[str] = []
        """Why the first of them were."""
        self.reached = since
        """Wall ns up to which the readings are over there."""

    async def record(self, read: Read, site: Callable[[], Site]) -> None:
        """Everything about cases; ``read`` is a look at ``cases.db``."""
        begins = self.since - ROOM
        n = await read(series.before, begins)
        story = await story_at(read, n, site, begins=begins - 1, listed_from=NEVER)
        async for page in pages(read, story, self.until):
            await self._bring(point for each in page for point in story.take(each))
        await self._bring(story.upto(self.until - 1))

    async def export(self, export: Export) -> None:
        """The same from a file. Raises ``Refused`` where it makes no sense."""
        story = export.story()
        await self._bring(_points(export, story))
        await self._bring(story.upto(self.until - 1))

    async def journal(
        self,
        pages: Iterable[Sequence[Record]],
        offsets: Mapping[str, int],
        progress: Callable[[int], None],
    ) -> None:
        """The readings of ``pages``; ``progress`` hears how many records each write was."""
        for page in pages:
            for start in range(0, len(page), BATCH):
                part = page[start : start + BATCH]
                batch = [put_right(each, offsets) for each in part if _is_reading(each)]
                if batch:
                    refused = await self._patiently(partial(self._sink.write, batch))
                    self.readings += len(batch) - refused
                    self.reached = max(self.reached, batch[-1].wall)
                progress(len(part))

    async def _bring(self, points: Iterator[Point]) -> None:
        wanted = (point for point in points if self.since <= point.at < self.until)
        while portion := list(islice(wanted, PORTION)):
            refused = await self._patiently(partial(self._sink.write_points, portion))
            self.points += len(portion) - refused

    async def _patiently(self, write: Callable[[], Awaitable[None]]) -> int:
        """How many were refused for good."""
        began, wait = self._clock.now().mono, _FIRST_WAIT
        while True:
            try:
                await write()
                return 0
            except Refused as error:
                return self._count(error)
            except Unavailable as error:
                if self._clock.now().mono - began >= self._patience * SECOND:
                    raise
                self._waits(error.reason)
                await self._clock.sleep(max(wait, min(error.retry_after or 0.0, _LONGEST_WAIT)))
                wait = min(wait * 2, _LONGEST_WAIT)

    def _count(self, error: Refused) -> int:
        found = list((error.indices or {0: error.reason}).values())
        self.refused += len(found)
        for reason in found:
            if reason not in self.reasons and len(self.reasons) < _SAID:
                self.reasons.append(reason)
        return len(found)


async def pages(read: Read, story: Story, until: int) -> AsyncIterator[list[Happening]]:
    """What concerns the time before ``until`` (wall ns), page by page.

    Whoever gets a page brings ``story`` on by it before asking for the next.
    """
    while True:
        page, upto = await read(series.page, story.n, _PAGE)
        if upto == story.n or _is_beyond(page, until + ROOM):
            return
        chains = await read(series.chains, sorted(story.lacks(page)), story.n)
        for chain in chains.values():
            story.know(chain)
        yield page
        story.done(upto)


def _points(export: Export, story: Story) -> Iterator[Point]:
    try:
        for step in export.record(story):
            if isinstance(step, Happening):
                yield from story.take(step)
            else:
                story.know(step)
    except (ArithmeticError, LookupError, TypeError) as error:  # of numbers that no gateway writes
        raise export.refusal(f"it makes no sense: {error}") from None


def _is_reading(record: Record) -> bool:
    return isinstance(record.item, Reading)


def _is_beyond(page: Sequence[Happening], wall: int) -> bool:
    """Whether nothing of the page can be wanted any more."""
    events = [each.of.wall for each in page if isinstance(each.of, IncidentEvent)]
    return bool(events) and min(events) > wall
