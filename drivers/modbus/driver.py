"""One Modbus bus: its slaves are polled, its outputs are switched.

switch() ──▶ Outputs ─┐                    ┌─▶ Outflow ──▶ emit
                      ├─▶ Link ──▶ the bus ─┤
Poller ──▶ Station ───┘ (one question       └─▶ decode
                         at a time)
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from drivers.modbus.link import Link
from drivers.modbus.options import Options
from drivers.modbus.outflow import Outflow
from drivers.modbus.outputs import Outputs
from drivers.modbus.poller import Poller
from drivers.modbus.station import Station
from gateway.ports import Clock, Emit, Unavailable

_CHECKED = 8
"""Slaves that ``check`` asks."""


class Driver:
    """One bus."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._stations = [Station(name, options, slave, clock) for slave in options.slaves]
        self._poller = Poller(self._stations, clock)
        self._outputs = Outputs(options, clock)

    async def run(self, emit: Emit) -> None:
        """Live until cancelled. Unavailable when the port or the connection is gone."""
        while True:
            async with Link(self._options, self._clock) as link, Outflow(emit) as outflow:
                await _either(self._poller.run(link, outflow), self._outputs.run(link, outflow))

    async def switch(self, output: str, on: bool) -> None:
        """Switch ``output``, ahead of polling. Returned: the device confirmed it, read back.

        Refused: there is no such output, or the device has no such coil. Else Unavailable.
        """
        await self._outputs.switch(output, on)

    async def check(self) -> str:
        """Ask the slaves, the first few of them, for something."""
        asked = self._stations[:_CHECKED]
        async with Link(self._options, self._clock) as link:
            silent = [str(each.unit) for each in asked if not await each.answers(link)]
        where = f"{self._options.bus.name} ({link.form})"
        if not asked:
            return f"{where} can be opened"
        if len(silent) == len(asked):
            raise Unavailable(f"{where} is open, but no unit answers; check wiring, speed, address")
        told = f"; no answer from unit {', '.join(silent)}" if silent else ""
        return f"{where}: {len(asked) - len(silent)} of {len(asked)} units answer{told}"


async def _either(*lives: Coroutine[Any, Any, None]) -> None:
    """Until one of them ends, which ends the others; raises what it raised."""
    tasks = [asyncio.ensure_future(life) for life in lives]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()
