"""The reader of the record for one sink: after its bookmark, number by number, as points.

    cases.db ─ in order of commit ─▶ Story ─▶ points ─▶ sink.write_points ─▶ bookmark moves
                                       ▲                      ▲
                         what is due by the clock       Samples (bounded)

The bookmark lies in ``cases.db``, whose order it counts in. It follows lazily: what was sent before
a crash and not noted is sent again, and is the same points. While the sink is away one portion of
points waits here and everything else on disk.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, Protocol

import structlog

from gateway.clock import Signal, at_most
from gateway.model import SECOND, Site
from gateway.model.series import Point
from gateway.ports import Clock, Refused
from gateway.series.story import Story
from gateway.store import series
from gateway.store.cases import Cases
from gateway.store.journal_file import Quarantined
from gateway.store.series import Bookmark, Happening

PORTION: Final = 2_000
"""Points in one write."""
_PAGE: Final = 200
"""Numbers of the record looked up at once: an alarm waits for no longer look."""
MOST_SAMPLES: Final = 10_000
"""Of what is looked at now and then, while the sink is away; then the oldest go."""
_COMPANY: Final = 0.5
"""Seconds until what has happened is looked at: by then the people concerned are being told."""
_SETTLED: Final = 2 * SECOND
"""Ns after which whatever happened at a moment has been committed."""
_SAVE_EVERY: Final = 30 * SECOND
"""Ns between two writes of a bookmark: a commit of its own each time, in front of an alarm's."""
_SAVE_TIME: Final = 3_600 * SECOND
"""Ns between two writes of a bookmark whose number has not moved."""
_RECHECK: Final = 30 * SECOND
"""Ns between two looks at a clock that is not believed."""
_LISTED: Final = 900 * SECOND
"""The list of open cases is about the present: after an outage its past is not written."""
_CHAINS: Final = 100

Read = Callable[..., Awaitable[Any]]
"""``Cases.read``, or the same beside a running gateway."""


class Takes(Protocol):
    """What a sink may have besides ``write``, and is found by name."""

    async def write_points(self, points: Sequence[Point]) -> None:
        """As ``write``: kept over there, or the two errors; ``Refused`` names indices."""


class Samples:
    """Points of moments that do not come again; of too many the oldest go, and are counted."""

    def __init__(self, most: int = MOST_SAMPLES) -> None:
        self._points: deque[Point] = deque()
        self._most = most
        self.dropped = 0
        self.news = Signal()

    def __len__(self) -> int:
        return len(self._points)

    def add(self, points: Sequence[Point]) -> None:
        """Keep ``points``, oldest first."""
        self._points.extend(points)
        over = max(len(self._points) - self._most, 0)
        for _ in range(over):
            self._points.popleft()
        if over and not self.dropped:
            structlog.get_logger("series").warning("samples_dropped", most=self._most)
        self.dropped += over
        if points:
            self.news.notify()

    def take(self, most: int) -> list[Point]:
        """The oldest ones; they are the caller's now."""
        return [self._points.popleft() for _ in range(min(most, len(self._points)))]


class Stream:
    """``run`` until cancelled; it raises what the sink raises, and goes on where it was."""

    def __init__(
        self,
        cases: Cases,
        name: str,
        sink: Takes,
        site: Callable[[], Site],
        clock: Clock,
        set_aside: Callable[[list[Quarantined]], None],
    ) -> None:
        self._cases = cases
        self.name = name
        self._sink = sink
        self._site = site
        self._clock = clock
        self._set_aside = set_aside
        self.samples = Samples(MOST_SAMPLES)
        self.proof = Signal()
        """Moves on whenever the sink has a portion, or nothing waits for it."""
        self.delivered = 0
        """Points since the start."""
        self.refused = 0
        self._story: Story | None = None
        self._source: Iterator[Point] = iter(())
        self._portion: list[Point] = []
        self._mark = Bookmark(0, 0)
        """Where everything is over there once source and portion are."""
        self._saved = Bookmark(0, 0)
        self._saved_at = 0
        self._log = structlog.get_logger("series")

    def account(self) -> dict[str, Any]:
        """As a reader of the ledger, in points since the start."""
        dropped = {"refused": self.refused, "too_old": self.samples.dropped}
        waiting = len(self._portion) + len(self.samples)
        return {
            "delivered": self.delivered,
            "waiting": waiting,
            "dropped": {why: count for why, count in dropped.items() if count},
        }

    async def run(self) -> None:
        """Feed the sink."""
        story = self._story = self._story or await self._begin()
        seen = -1  # look at once
        while True:
            if await self._send():
                continue
            await self._save()
            if seen != (count := self._cases.news.count):
                page, upto = await self._cases.read(series.page, story.n, _PAGE)
                if upto != story.n:
                    await self._open(story, page, upto)
                    continue
                seen = count
            if not self._look(story):
                await self._wait(story, seen)

    async def _begin(self) -> Story:
        """At the bookmark; a sink that was never here begins now."""
        read, now = self._cases.read, self._clock.now().wall
        mark = await read(series.bookmark, self.name)
        if mark is None:
            mark = Bookmark(await read(series.last), now)
            await self._cases.note(series.put_bookmark, self.name, mark)
        self._mark = self._saved = mark
        return await story_at(read, mark.n, self._site, begins=mark.wall, listed_from=now)

    async def _open(self, story: Story, page: list[Happening], upto: int) -> None:
        """The next portions are those of ``page``."""
        story.gauges.listed_from = self._clock.now().wall - _LISTED
        if lacking := story.lacks(page):
            chains = await self._cases.read(series.chains, sorted(lacking), story.n)
            for chain in chains.values():
                story.know(chain)
        self._source = _told(story, page, upto)

    def _look(self, story: Story) -> bool:
        """Take up what is due by the clock and what was sampled; whether there is anything."""
        stamp = self._clock.now()
        if not stamp.trusted:
            return False
        story.gauges.listed_from = stamp.wall - _LISTED
        due, sampled = story.upto(stamp.wall - _SETTLED), self.samples.take(PORTION)
        self._source = _both(due, sampled)
        self._portion = list(islice(self._source, PORTION))
        return bool(self._portion)

    async def _send(self) -> bool:
        """Bring the next portion over; False when there is none."""
        self._portion = self._portion or list(islice(self._source, PORTION))
        if not self._portion:
            if self._story is not None:
                self._mark = self._story.settled
            self.proof.notify()
            return False
        refused = 0
        try:
            await self._sink.write_points(self._portion)
        except Refused as error:
            refused = self._refuse(error)
        self.refused += refused
        self.delivered += len(self._portion) - refused
        self._portion = []
        self.proof.notify()
        return True

    def _refuse(self, error: Refused) -> int:
        """What will never be taken goes to quarantine with the reason."""
        indices = error.indices or dict.fromkeys(range(len(self._portion)), error.reason)
        wall = self._clock.now().wall
        self._set_aside(
            [
                Quarantined(wall, f"series {self.name}", 0, reason, _plain(self._portion[i]))
                for i, reason in indices.items()
            ]
        )
        self._log.warning("points_refused", sink=self.name, points=len(indices),
                          reason=error.reason)  # fmt: skip
        return len(indices)

    async def _save(self) -> None:
        mark, now = self._mark, self._clock.now().mono
        moved = mark.n != self._saved.n and now - self._saved_at >= _SAVE_EVERY
        if moved or mark.wall - self._saved.wall >= _SAVE_TIME:
            await self._cases.note(series.put_bookmark, self.name, mark)
            self._saved, self._saved_at = mark, now

    async def _wait(self, story: Story, seen: int) -> None:
        """For news of the record or of the samples, or until something is due."""
        now = self._clock.now()
        until = story.gauges.next + _SETTLED - now.wall if now.trusted else _RECHECK
        if self._mark.n != self._saved.n:
            until = min(until, _SAVE_EVERY)
        seconds = min(max(until, 0), _SAVE_TIME) / SECOND
        if await at_most(seconds, self._clock, self._news(seen, self.samples.news.count)):
            await self._clock.sleep(_COMPANY)

    async def _news(self, cases: int, samples: int) -> None:
        waits = [
            asyncio.ensure_future(self._cases.news.wait(cases)),
            asyncio.ensure_future(self.samples.news.wait(samples)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


async def story_at(
    read: Read, n: int, site: Callable[[], Site], *, begins: int, listed_from: int
) -> Story:
    """The story as it stands when number ``n`` is done; gauges count from ``begins`` (wall ns)."""
    clock = await read(series.clock_at, n)
    story = Story(
        n,
        site,
        apart=clock[0] - clock[1] if clock else None,
        merged=await read(series.merged_at, n),
        listed_from=listed_from,
    )
    after = ""
    while keys := await read(series.open_at, n, after, _CHAINS):
        for chain in (await read(series.chains, keys, n)).values():
            story.know(chain)
        after = keys[-1]
    story.begin(begins)
    return story


def _told(story: Story, page: list[Happening], upto: int) -> Iterator[Point]:
    for happening in page:
        yield from story.take(happening)
    story.done(upto)


def _both(due: Iterator[Point], sampled: list[Point]) -> Iterator[Point]:
    yield from due
    yield from sampled


def _plain(point: Point) -> bytes:
    return repr((point.measurement, dict(point.tags), dict(point.fields), point.at)).encode()
