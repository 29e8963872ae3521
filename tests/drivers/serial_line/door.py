"""The door of a driver under test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from gateway.model import Item


class Door:
    """Collects what is emitted; while ``open`` is not set it is as slow as a dead disk."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.open = asyncio.Event()
        self.open.set()
        self._came = asyncio.Event()

    async def __call__(self, items: Sequence[Item]) -> None:
        await self.open.wait()
        self.items.extend(items)
        self._came.set()

    async def has(self, count: int, seconds: float = 30) -> list[Item]:
        """All items once there are ``count``."""
        return await self.until(lambda items: len(items) >= count, seconds)

    async def until(self, holds: Callable[[list[Item]], bool], seconds: float = 30) -> list[Item]:
        """All items once ``holds``."""
        async with asyncio.timeout(seconds):
            while not holds(self.items):
                self._came.clear()
                await self._came.wait()
        return self.items
