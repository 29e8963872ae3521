"""A clock that only moves when a test says so: sleepers wake in order, without tolerance."""

from __future__ import annotations

import asyncio
import heapq
import itertools

from gateway.model import SECOND, Stamp

START = 1_767_600_000 * SECOND
"""2026-01-05 08:00 UTC."""


class VirtualClock:
    """``advance`` moves both clocks; ``jump`` moves the wall clock alone."""

    def __init__(self, wall: int = START, *, boot: str = "boot-1", trusted: bool = True) -> None:
        self.boot = boot
        self.mono = 1_000 * SECOND
        self.wall = wall
        self.trusted = trusted
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def now(self) -> Stamp:
        return Stamp(self.boot, self.mono, self.wall, self.trusted)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = self.mono + int(seconds * SECOND)
        heapq.heappush(self._sleepers, (due, next(self._count), future))
        await future

    def jump(self, seconds: float) -> None:
        """The wall clock alone moves."""
        self.wall += int(seconds * SECOND)

    async def advance(self, seconds: float) -> None:
        """Move time forward, waking each sleeper at its own moment and letting it run."""
        end = self.mono + int(seconds * SECOND)
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            if future.done():
                continue
            self._move_to(due)
            future.set_result(None)
            await settle()
        self._move_to(end)
        await settle()

    def _move_to(self, mono: int) -> None:
        if mono > self.mono:
            self.wall += mono - self.mono
            self.mono = mono


async def settle() -> None:
    """Let everything that can run, run; writer threads included, for a moment each."""
    for _ in range(20):
        await asyncio.sleep(0)
    for _ in range(3):
        await asyncio.sleep(0.002)
        for _ in range(20):
            await asyncio.sleep(0)
