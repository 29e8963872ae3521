"""Server-sent events: a number that grows when there is something new to fetch.

The stream carries no data of its own, so a page that missed an event missed nothing: it
fetches what it shows. A change that comes while a page is being told waits for the pause.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from gateway.clock import at_most
from gateway.console.query import ApiError
from gateway.console.view import View
from gateway.ports import Clock

MAX_STREAMS: Final = 32
"""A wall, some desks and the officers' phones; one more is asked to poll."""
_HEARTBEAT: Final = 15.0
"""Seconds: below the usual 30 s after which proxies drop an idle stream."""
_PAUSE: Final = 0.2
"""Seconds between two events: what a person can notice, and a bound on an alarm storm."""


class Streams:
    """The open event streams; ``close`` ends them all, for a server waits for its streams."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view = view
        self._clock = clock
        self._closing = asyncio.Event()
        self._open = 0

    def __len__(self) -> int:
        return self._open

    async def close(self, _app: web.Application) -> None:
        """A shutdown signal."""
        self._closing.set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """``GET events``; 503 when too many are open."""
        if self._open >= MAX_STREAMS or self._closing.is_set():
            raise ApiError(503, f"{self._open} event streams are open; poll instead")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        self._open += 1
        try:
            await response.prepare(request)
            await response.write(b"retry: 3000\n\n")
            await self._feed(response)
        except ConnectionResetError:
            pass  # the page was closed: nothing is lost, see the module's first lines
        finally:
            self._open -= 1
        return response

    async def _feed(self, response: web.StreamResponse) -> None:
        counter = 0
        while not self._closing.is_set():
            grown = await self._next(counter)
            if grown is not None:
                counter = grown
                await response.write(b"event: change\ndata: %d\n\n" % counter)
                await at_most(_PAUSE, self._clock, self._closing.wait())
            elif not self._closing.is_set():
                await response.write(b": still here\n\n")

    async def _next(self, counter: int) -> int | None:
        """The grown counter; None when it was time for a heartbeat or the server ends."""
        changed = asyncio.ensure_future(self._view.changed(counter))
        others = [
            asyncio.ensure_future(self._clock.sleep(_HEARTBEAT)),
            asyncio.ensure_future(self._closing.wait()),
        ]
        waits = [changed, *others]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return changed.result() if changed.done() else None
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
