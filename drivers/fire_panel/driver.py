"""The fire_panel driver: a port that user information transmission devices call.

Devices call us; each caller is a ``Link``. The driver watches who is silent and holds what
has no end of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address
from typing import Any, Final, NoReturn

import structlog

from drivers._listen import listen
from drivers._momentary import Holds
from drivers.fire_panel.decode import Decoder
from drivers.fire_panel.desk import Desk
from drivers.fire_panel.link import Link
from drivers.fire_panel.memory import Memory, Supervision
from drivers.fire_panel.options import Options
from drivers.fire_panel.register import Register, load
from gateway.clock import Signal, at_most
from gateway.model import SECOND, DeviceSeen, Item, Reading
from gateway.ports import Clock, Emit, Unavailable

_ONLINE: Final = "extra.online"
_BATCH: Final = 500
"""Announcements of the register in one emit."""


class Driver:
    """One port. What is remembered of the devices outlives ``run``."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._holds = Holds(clock)
        self._memory = Memory(self._holds)
        self._supervision = Supervision(options.supervise, options.units)
        self._news = Signal()
        self._refused: set[str] = set()
        self._log = structlog.get_logger(name)

    async def run(self, emit: Emit) -> None:
        """Live until cancelled. Unavailable when the port can not be opened."""
        emit = partial(self._store, emit)
        register = await self._register()
        for problem in register.problems:
            self._log.warning("register_problem", file=str(self._options.components), what=problem)
        decoder = Decoder(self._options, register)
        desk = Desk(
            self._options, self._clock, decoder, self._memory, register, self._heard, emit,
            self._log,
        )  # fmt: skip

        async def talk(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, caller: str
        ) -> None:
            if self._may_call(caller):
                await Link(desk, reader, writer, caller).run()

        options = self._options
        async with listen(options.host, options.port, talk, most=options.connections) as port:
            self._log.info("listening", host=port.host, port=port.port)
            self._supervision.begin(self._clock.now().mono)
            await _first_of(
                port.forever(),
                self._holds.run(emit),
                self._watch(emit),
                self._announce(register.seen(), emit),
            )

    async def check(self) -> str:
        """The port can be opened and the register is sound; devices call by themselves."""
        register = await self._register()
        if register.problems:
            all_of_it = "; ".join(register.problems)
            raise Unavailable(f"{self._options.components}: {all_of_it}")
        async with listen(self._options.host, self._options.port, _nobody, most=1) as port:
            return f"devices can call port {port.port} of {port.host}"

    async def _register(self) -> Register:
        if self._options.components is None:
            return Register({})
        return await asyncio.to_thread(load, self._options.components)

    async def _announce(self, seen: Sequence[DeviceSeen], emit: Emit) -> NoReturn:
        for at in range(0, len(seen), _BATCH):
            if items := self._memory.items(seen[at : at + _BATCH]):
                await emit(items)
        await _forever()

    async def _store(self, emit: Emit, items: Sequence[Item]) -> None:
        """Emit; what was remembered of ``items`` counts only if they were taken."""
        taken = False
        try:
            await emit(items)
            taken = True
        finally:
            if not taken:
                self._memory.lost(items)
                for item in items:
                    if isinstance(item, Reading) and _ONLINE in item.values:
                        self._supervision.lost(item.device, item.values[_ONLINE] is True)

    def _heard(self, unit: str) -> bool:
        is_news = self._supervision.heard(unit, self._clock.now().mono)
        if is_news:
            self._news.notify()
        return is_news

    async def _watch(self, emit: Emit) -> NoReturn:
        """Say once of a device that it has been silent for too long."""
        while True:
            seen = self._news.count
            now = self._clock.now().mono
            if silent := self._supervision.silent(now):
                self._log.warning("devices_silent", units=silent)
                await emit([Reading(unit, "panel", {_ONLINE: False}) for unit in silent])
            due = self._supervision.due()
            if due is None:
                await self._news.wait(seen)
            else:
                left = max(due - self._clock.now().mono, 0) / SECOND
                await at_most(left, self._clock, self._news.wait(seen))

    def _may_call(self, caller: str) -> bool:
        """Whether ``callers`` allows this one; said once for each."""
        if not self._options.callers:
            return True
        host = caller.rpartition(":")[0]
        address = ip_address(host.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        if any(mapped in network for network in self._options.callers):
            return True
        if host not in self._refused and len(self._refused) < self._options.connections:
            self._refused.add(host)
            self._log.warning("caller_refused", caller=caller, reason="not among callers:")
        return False


async def _first_of(*parts: Any) -> None:
    """Run all until one fails; its failure is raised, and none of them is left."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _forever() -> NoReturn:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody finishes that")


async def _nobody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, caller: str) -> None:
    """Whoever calls during a check calls again."""
