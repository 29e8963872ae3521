"""A clock for stories with real sockets: it runs like the machine's, and can be moved.

``jump`` moves the wall clock alone, as an operator or NTP does. ``forward`` lets time pass on
both clocks without anybody having to wait for it.
"""

from __future__ import annotations

import asyncio
import time

from gateway.model import SECOND, Stamp
from tests.virtual import START

DAY = 86_400.0
HOUR = 3_600.0
MINUTE = 60.0
_TURNS = 8
_TURN = 0.002


class Jumpable:
    """Begins at 2026-01-05 08:00 UTC, believed."""

    def __init__(self) -> None:
        self.trusted = True
        self._offset = 1_000 * SECOND - time.monotonic_ns()
        self._wall = START - 1_000 * SECOND
        self._moved = asyncio.Event()

    @property
    def mono(self) -> int:
        return time.monotonic_ns() + self._offset

    @property
    def wall(self) -> int:
        return self.mono + self._wall

    def now(self) -> Stamp:
        mono = self.mono
        return Stamp("boot-1", mono, mono + self._wall, self.trusted)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        due = self.mono + int(seconds * SECOND)
        while (left := due - self.mono) > 0:
            try:
                async with asyncio.timeout(left / SECOND):
                    await self._moved.wait()
            except TimeoutError:
                continue

    def jump(self, seconds: float) -> None:
        self._wall += int(seconds * SECOND)

    async def forward(self, seconds: float, step: float = 30.0) -> None:
        """Let ``seconds`` pass in steps; whoever slept through one acts before the next."""
        while seconds > 0:
            self._offset += int(min(step, seconds) * SECOND)
            seconds -= step
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
            for _ in range(_TURNS):  # a busy machine takes its time; what is due takes its turns
                await asyncio.sleep(_TURN)
