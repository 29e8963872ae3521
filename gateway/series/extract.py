"""A stretch of the past into the file of ``period``, beside a running gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gateway.model import Record, Site
from gateway.series.backfill import pages
from gateway.series.gauges import NEVER
from gateway.series.period import Writer
from gateway.series.story import ROOM
from gateway.series.stream import Read, story_at
from gateway.store import series
from gateway.store.lanes import put_right


async def record(
    writer: Writer,
    read: Read,
    site: Callable[[], Site],
    stretch: tuple[int, int],
    progress: Callable[[int], None],
) -> None:
    """What happened to cases; ``progress`` hears how many more numbers of the record were read.

    It goes along the story as a backfill does, for what that has to be told of cases from before.
    """

    async def noted(function: Callable[..., Any], *arguments: Any) -> Any:
        found = await read(function, *arguments)
        if function is series.chains:
            writer.known(found.values())
        return found

    since, until = stretch[0] - ROOM, stretch[1]
    n = await read(series.before, since)
    clock = await read(series.clock_at, n)
    apart = clock[0] - clock[1] if clock else None
    writer.before(n, apart, await read(series.merged_at, n))
    story = await story_at(noted, n, site, begins=since - 1, listed_from=NEVER)
    writer.begun()
    async for page in pages(noted, story, until):
        writer.record(page)
        for happening in page:
            for _ in story.take(happening):
                pass
        progress(len(page))


def journal(
    writer: Writer,
    found: Iterable[Sequence[Record]],
    offsets: Mapping[str, int],
    progress: Callable[[int], None],
) -> None:
    """The readings of ``found``; a clock that was put right later is right in the file."""
    for page in found:
        writer.journal(put_right(each, offsets) for each in page)
        progress(len(page))
