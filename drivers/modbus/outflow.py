"""Hands readings on without making the bus wait for the disk at every answer.

    put ──▶ waiting ──▶ emit, one group at a time; an alarm starts its own group at once

While the disk takes nothing, some groups wait here, and then the poller waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from gateway.model import Item, Reading
from gateway.ports import Emit

MOST: Final = 256
"""Items that wait for company; more start a group of their own."""
GROUPS: Final = 8
"""Groups under way at once."""


class Outflow:
    """Enter it; leaving it cancels what is under way, as a driver's end does."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._waiting: list[Item] = []
        self._groups: set[asyncio.Future[None]] = set()
        self._error: BaseException | None = None

    async def __aenter__(self) -> Outflow:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._waiting.clear()
        groups = list(self._groups)
        for group in groups:
            group.cancel()
        await asyncio.gather(*groups, return_exceptions=True)

    @property
    def has_room(self) -> bool:
        """Whether ``put`` returns at once."""
        return len(self._groups) < GROUPS

    async def put(self, items: Sequence[Item]) -> None:
        """Returned: taken over. Raises what the door raised at an earlier group."""
        while not self.has_room and self._error is None:
            await asyncio.wait(self._groups, return_when=asyncio.FIRST_COMPLETED)
        if self._error is not None:
            raise self._error
        self._waiting += items
        urgent = any(isinstance(item, Reading) and item.urgent for item in items)
        if urgent or not self._groups or len(self._waiting) >= MOST:
            self._start()

    def _start(self) -> None:
        if self._waiting:
            items, self._waiting = self._waiting, []
            group = asyncio.ensure_future(self._emit(items))
            self._groups.add(group)
            group.add_done_callback(self._ended)

    def _ended(self, group: asyncio.Future[None]) -> None:
        self._groups.discard(group)
        if group.cancelled():
            return
        self._error = self._error or group.exception()
        if self._error is None and not self._groups:
            self._start()
