"""A driver on a simulated modem, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

from drivers.sms_modem import driver as module
from drivers.sms_modem.driver import Driver
from drivers.sms_modem.engine import Engine
from drivers.sms_modem.options import Options
from drivers.sms_modem.simulator import Modem, modem
from gateway.model import Action, Item, Person, Place, Reading, Site
from gateway.simulate import SerialPair, serial_pair
from tests.drivers.serial_line.door import Door
from tests.virtual import VirtualClock

OFFICER = "+8613800138000"
NEIGHBOUR = "+8613900139000"
SITE = Site(
    places={"11": Place("11", "", "city", "云河")},
    people={
        "p-1": Person("p-1", "李明", "11", "officer", "138 0013 8000"),
        "p-2": Person("p-2", "王芳", "11", "assistant", ""),
    },
)


class Rig(NamedTuple):
    clock: VirtualClock
    line: SerialPair
    modem: Modem
    driver: Driver
    door: Door
    running: asyncio.Future[None]

    async def until(self, holds: Callable[[], bool], step: float = 0.1, most: int = 2_000) -> None:
        """Let time pass until ``holds``."""
        for _ in range(most):
            if holds():
                return
            await self.clock.advance(step)
        raise AssertionError("it does not come to that")

    async def ready(self) -> Rig:
        await self.until(lambda: bool(self.readings) or self.running.done())
        assert not self.running.done(), self.running
        return self

    async def done(self, awaited: Coroutine[Any, Any, Any], step: float = 0.1) -> Any:
        """The result of ``awaited`` while time passes."""
        task = asyncio.ensure_future(awaited)
        await self.until(task.done, step)
        return task.result()

    async def falls(self) -> str:
        """Why the driver ends."""
        await self.until(self.running.done, 0.5)
        return str(self.running.exception())

    @property
    def actions(self) -> list[Action]:
        return [item for item in self.door.items if isinstance(item, Action)]

    @property
    def readings(self) -> list[Reading]:
        return [item for item in self.door.items if isinstance(item, Reading)]


class Watched(Engine):
    """Says whether an answer is on its way: virtual time must not overtake it."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        ENGINES.append(self)


ENGINES: list[Watched] = []


def answering(made: Modem) -> bool:
    """Whether a command waits for a modem that answers."""
    return not (made.silent or made.slow) and any(engine._asked is not None for engine in ENGINES)


Setup = Callable[[Modem], object]


def nothing(modem: Modem) -> None:
    pass


@asynccontextmanager
async def rig(
    setup: Setup = nothing, *, site: Site | None = SITE, **options: Any
) -> AsyncIterator[Rig]:
    """A driver that runs; ``setup`` changes the modem before."""
    clock = VirtualClock()
    ENGINES.clear()
    with serial_pair() as line, patch.object(module, "Engine", Watched):
        async with modem(line, clock) as made:
            setup(made)
            clock.busy = lambda: answering(made)
            given = Options.model_validate({"port": line.port} | options)
            driver = Driver("sms", given, clock)
            if site is not None:
                driver.follow(lambda: site)
            door = Door()
            running = asyncio.ensure_future(driver.run(door))
            try:
                yield Rig(clock, line, made, driver, door, running)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


def values(item: Item) -> dict[str, Any]:
    assert isinstance(item, Reading)
    return dict(item.values)
