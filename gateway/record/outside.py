"""Where anchors go that nobody at this machine can change: a file on another disk, or a far end.

Only there is found that the whole data folder was replaced by an older copy of itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeVar

import aiohttp
import structlog

from gateway.clock import Signal, at_most
from gateway.options import Secret
from gateway.ports import Clock, Unavailable
from gateway.record import anchor as anchors
from gateway.record.log import AnchorLog
from gateway.store import record
from gateway.store.cases import Cases
from gateway.store.record import AnchorRow
from gateway.web import check_url, one_line, origin, read_start

_PAGE: Final = 50
"""Anchors handed over at once: 200 kB where each speaks of a few incidents."""
_LOOK_EVERY: Final = 300.0
"""Seconds until it is looked again without news."""
_TIMEOUT: Final = 15.0
_MOST_OF_AN_ANSWER: Final = 4_096

_T = TypeVar("_T")

log = structlog.get_logger("record")


class Place(Protocol):
    """Somewhere outside."""

    async def reached(self) -> int:
        """The number of the newest anchor that lies there. Raises ``Unavailable``."""

    async def take(self, rows: list[AnchorRow]) -> None:
        """Returned: they are kept there. Raises ``Unavailable``."""


class File:
    """A file on another disk or a share, only added to. Its last line says how far it is."""

    def __init__(self, path: Path) -> None:
        self._log = AnchorLog(path)

    async def reached(self) -> int:
        """See ``Place``."""
        newest = await self._do(self._log.newest)
        return newest.anchor.n if newest is not None else 0

    async def take(self, rows: list[AnchorRow]) -> None:
        """See ``Place``."""
        await self._do(partial(self._log.append, [anchors.parsed(row) for row in rows]))

    async def _do(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise Unavailable(f"record.anchors: {self._log.path}: {error.strerror}") from None


class FarEnd:
    """A server that is posted the lines of ``anchors.log`` as text; 2xx says that it has them.

    Lines may come again after a crash: their number tells.
    """

    def __init__(self, url: str | Secret, cases: Cases) -> None:
        self._url = url
        self._cases = cases

    async def reached(self) -> int:
        """See ``Place``."""
        return await self._cases.read(record.sent)

    async def take(self, rows: list[AnchorRow]) -> None:
        """See ``Place``."""
        text = "".join(f"{anchors.parsed(row).line}\n" for row in rows)
        url = self._revealed()
        where = origin(url)
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT)) as session,
                session.post(
                    url,
                    data=text.encode(),
                    headers={"Content-Type": "text/plain; charset=utf-8"},
                    allow_redirects=False,
                ) as answer,
            ):
                said = one_line(await read_start(answer.content, _MOST_OF_AN_ANSWER))
        except (aiohttp.ClientError, OSError) as error:
            # from None and by its class: aiohttp repeats the URL in some of its errors
            what = f"can not be reached: {type(error).__name__}"
            raise Unavailable(f"record.anchors: {where} {what}") from None
        if not 200 <= answer.status < 300:
            raise Unavailable(f"record.anchors: {where} answers {answer.status}: {said}")
        await self._cases.write(record.note_sent, rows[-1].n)

    def _revealed(self) -> str:
        """Read at every turn: a new secret counts without a restart."""
        try:
            return check_url(self._url if isinstance(self._url, str) else self._url.reveal())
        except ValueError as error:
            raise Unavailable(f"record.anchors: {error}") from None


def place_of(anchors: str | Secret | None, cases: Cases) -> Place | None:
    """What the option ``record.anchors`` names, if it names anything."""
    if anchors is None:
        return None
    if isinstance(anchors, str) and "://" not in anchors:
        return File(Path(anchors))
    return FarEnd(anchors, cases)


class Outside:
    """Hands every anchor over in order, and those that waited while the place was away."""

    def __init__(self, cases: Cases, place: Place, news: Signal, clock: Clock) -> None:
        self._cases = cases
        self._place = place
        self._news = news
        self._clock = clock

    async def run(self) -> None:
        """Live until cancelled. Raises ``Unavailable``; the supervisor brings it back."""
        while True:
            seen = self._news.count
            await self.deliver()
            await at_most(_LOOK_EVERY, self._clock, self._news.wait(seen))

    async def last(self) -> None:
        """What there is at a stop; where the place is away, it waits for the next start."""
        try:
            await self.deliver()
        except Unavailable as error:
            log.warning("anchors_not_handed_over", reason=error.reason)

    async def deliver(self) -> None:
        """Hand over what the place does not have yet."""
        after = await self._place.reached()
        while rows := await self._cases.read(record.anchors, after, _PAGE):
            await self._place.take(rows)
            after = rows[-1].n
