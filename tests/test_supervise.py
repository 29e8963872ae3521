"""What counts as a fall of a supervised task, and what as its return."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway.clock import Signal
from gateway.ports import Unavailable
from gateway.supervise import Health, keep_running
from tests.virtual import VirtualClock, settle


class Far:
    """A far end that answers nothing for ``patience`` seconds, until it is well."""

    def __init__(self, clock: VirtualClock, patience: float) -> None:
        self._clock = clock
        self._patience = patience
        self.proof = Signal()
        self.well = False
        self.tried = 0

    async def live(self) -> None:
        self.tried += 1
        if self.well:
            self.proof.notify()
            await asyncio.get_running_loop().create_future()
        await self._clock.sleep(self._patience)
        raise Unavailable(f"no answer within {self._patience:g} s")


@asynccontextmanager
async def kept(
    live: Callable[[], Any], clock: VirtualClock, health: Health
) -> AsyncIterator[list[bool]]:
    """Whether it is up, at every change."""
    turns: list[bool] = []
    task = asyncio.create_task(
        keep_running(live, clock, health, lambda each: turns.append(each.up))
    )
    try:
        await settle()
        yield turns
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_server_that_never_answers_is_down_once_however_long_it_is_waited_for() -> None:
    clock = VirtualClock()
    far = Far(clock, patience=40)
    async with kept(far.live, clock, Health("sink", far.proof)) as turns:
        await clock.advance(3_600)
        assert far.tried > 20
        assert turns == [False]
        far.well = True
        await clock.advance(120)
        assert turns == [False, True]


async def test_a_task_without_a_proof_is_back_when_it_has_lived_for_a_while() -> None:
    clock = VirtualClock()
    far = Far(clock, patience=20)
    async with kept(far.live, clock, Health("task")) as turns:
        await clock.advance(600)
        assert turns == [False]
        far.well = True
        await clock.advance(100)
        assert turns == [False, True]
