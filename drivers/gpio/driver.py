"""One GPIO chip: its inputs become readings, its outputs are switched.

edge ──▶ fd readable ──┐
                        ├─▶ levels ──▶ Contacts (debounced) ──▶ emit
a file, every 100 ms ──┘
switch() ──▶ Outputs ──▶ write ──▶ read back
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, NoReturn

from drivers._outputs import Outputs
from drivers.gpio.contacts import Contacts
from drivers.gpio.lines import Lines, gone, look, opened
from drivers.gpio.options import Options
from gateway.clock import Signal, at_most
from gateway.model import SECOND
from gateway.ports import Clock, Emit, Unavailable

_IDLE: Final = 10.0
"""Seconds after which levels are looked at though nothing has told of a change."""


class Driver:
    """One chip."""

    def __init__(
        self,
        name: str,
        options: Options,
        clock: Clock,
        open_lines: Callable[[Options], Lines] = opened,
    ) -> None:
        self._options = options
        self._clock = clock
        self._open = open_lines
        self._lines: Lines | None = None
        self._outputs = Outputs(options.chip, options.outputs, self._put, clock)
        self._contacts = Contacts(options.inputs)
        self._moved: set[str] = set()
        self._news = Signal()
        self._broken: OSError | None = None

    async def run(self, emit: Emit) -> None:
        """Live until cancelled. Unavailable when the chip is not there or goes away."""
        lines = self._open(self._options)
        self._lines, self._broken = lines, None
        for name in self._options.outputs:
            self._outputs.found(name, on=False)  # opening them switched them off
        if lines.fd is not None:
            asyncio.get_running_loop().add_reader(lines.fd, self._edge, lines)
        try:
            await _either(
                self._watch(lines, emit), self._outputs.end_in_time(), self._outputs.report(emit)
            )
        finally:
            self._lines = None
            if lines.fd is not None:
                asyncio.get_running_loop().remove_reader(lines.fd)
            lines.close()

    async def switch(self, output: str, on: bool) -> None:
        """Switch ``output``. Returned: its line reads back so.

        Refused: there is no such output. Else Unavailable.
        """
        await self._outputs.switch(output, on)

    async def check(self) -> str:
        """Say that the chip is there and has our lines; none is taken, none is switched."""
        return look(self._options)

    async def _watch(self, lines: Lines, emit: Emit) -> NoReturn:
        """Read the levels when something moved or is due, and say what follows."""
        while True:
            seen = self._news.count
            now = self._clock.now().mono
            moved, self._moved = self._moved, set()
            try:
                if self._broken is not None:
                    raise self._broken
                readings = self._contacts.readings(lines.read(), moved, now)
            except OSError as error:
                raise gone(self._options.chip, error) from None
            if readings:
                await emit(readings)
            await at_most(self._pause(lines), self._clock, self._news.wait(seen))

    def _pause(self, lines: Lines) -> float:
        """Seconds until the levels are looked at again by themselves."""
        most = _IDLE if lines.fd is not None else self._options.every
        left = (self._contacts.due - self._clock.now().mono) / SECOND
        return max(0.001, min(left, most))

    def _edge(self, lines: Lines) -> None:
        """Take the edges at once: what is not taken would wake us for ever."""
        try:
            self._moved |= lines.moved()
        except OSError as error:
            self._broken = error
            if lines.fd is not None:
                asyncio.get_running_loop().remove_reader(lines.fd)
        self._news.notify()

    async def _put(self, name: str, on: bool) -> None:
        lines, line = self._lines, self._options.outputs[name].line
        if lines is None:
            raise Unavailable(f"{name}: the lines of {self._options.chip} are not open")
        try:
            lines.write(line, on)
            reads = lines.read()[line]
        except OSError as error:
            raise Unavailable(f"{name}: {gone(self._options.chip, error).reason}") from None
        if reads is not on:
            back = "on" if reads else "off"
            raise Unavailable(f"{name}: line {line} was written, and reads back as {back}")


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
