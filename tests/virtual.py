"""A clock that only moves when a test says so: sleepers wake in order, without tolerance."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from gateway.model import SECOND, Stamp

START = 1_767_600_000 * SECOND
"""2026-01-05 08:00 UTC."""
_CALM = 20
"""Turns of the loop in which nobody asked a thread for anything: everybody waits for time."""
_JOB = 5.0
"""Real seconds after which a thread's job counts as one that lasts, such as a camera's."""

_JOBS: WeakKeyDictionary[AbstractEventLoop, set[Future[Any]]] = WeakKeyDictionary()


class VirtualClock:
    """``advance`` moves both clocks; ``jump`` moves the wall clock alone.

    ``busy`` may say that something goes on which the loop does not show, such as a request.
    """

    def __init__(self, wall: int = START, *, boot: str = "boot-1", trusted: bool = True) -> None:
        self.boot = boot
        self.mono = 1_000 * SECOND
        self.wall = wall
        self.trusted = trusted
        self.busy: Callable[[], bool] = _never
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def now(self) -> Stamp:
        return Stamp(self.boot, self.mono, self.wall, self.trusted)

    async def sleep(self, seconds: float) -> None:
        jobs()
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
        await settle(self.busy)
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            if future.done():
                continue
            self._move_to(due)
            future.set_result(None)
            await settle(self.busy)
        self._move_to(end)
        await settle(self.busy)

    def _move_to(self, mono: int) -> None:
        if mono > self.mono:
            self.wall += mono - self.mono
            self.mono = mono


def _never() -> bool:
    return False


def jobs() -> set[Future[Any]]:
    """What the loop's threads have been asked to do and have not finished; counted from now on."""
    loop = asyncio.get_running_loop()
    if loop in _JOBS:
        return _JOBS[loop]
    found = _JOBS[loop] = set()
    plain = loop.run_in_executor

    def counted(executor: Any, function: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = plain(executor, function, *args)
        found.add(future)
        future.add_done_callback(found.discard)
        return future

    loop.run_in_executor = counted  # type: ignore[method-assign, assignment]
    return found


async def settle(busy: Callable[[], bool] = _never) -> None:
    """Let everything that can run, run, until nothing is left that does not wait for time.

    The disk is real and as slow as the machine is loaded: a job in a thread is waited for.
    Sockets get a moment, because nobody can see what is on its way in them.
    """
    pending = jobs()
    loop = asyncio.get_running_loop()
    for moment in (0.0, 0.0005):
        await asyncio.sleep(moment)
        calm, until = 0, loop.time() + _JOB
        while calm < _CALM:
            await asyncio.sleep(0)
            calm += 1
            if (pending or busy()) and loop.time() < until:
                calm = 0
                await asyncio.sleep(0.0002)
