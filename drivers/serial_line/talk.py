"""What is said to the device: acknowledgements, questions, and our own echo taken out again."""

from __future__ import annotations

import asyncio
from typing import Final

from drivers._port import Inflow
from drivers.serial_line.options import Ask, Options
from gateway.clock import at_most
from gateway.model import SECOND
from gateway.ports import Clock, Unavailable

_PATIENCE: Final = 5.0
"""Seconds that a line may take no bytes: flow control, or nobody at the other end."""
_IDLE: Final = 3_600.0
_MOST_ECHO: Final = 4_096


class Echo:
    """Takes out of what comes what was sent just before. Pure."""

    def __init__(self) -> None:
        self._sent = b""
        self._held = b""

    def sent(self, data: bytes) -> None:
        """It will come back."""
        self._sent = (self._sent + data)[:_MOST_ECHO]

    def strip(self, data: bytes) -> bytes:
        """``data`` without it; if it turns out to be something else, all of it."""
        data = self._held + data
        wanted, self._held = self._sent, b""
        if len(data) < len(wanted) and wanted.startswith(data):
            self._held = data
            return b""
        self._sent = b""
        return data.removeprefix(wanted)


class Talk:
    """One open port's outgoing side."""

    def __init__(self, options: Options, inflow: Inflow, clock: Clock) -> None:
        self._options = options
        self._inflow = inflow
        self._clock = clock
        self._turn = asyncio.Lock()
        self._echo = Echo() if options.echo else None

    def heard(self, data: bytes) -> bytes:
        """What has come, without our own."""
        return data if self._echo is None else self._echo.strip(data)

    async def acknowledge(self, *, good: bool) -> None:
        """A report is on disk, or bytes were none."""
        wanted = self._options.acknowledge
        if wanted is not None and (reply := wanted.good if good else wanted.bad):
            await self._send(reply)

    async def ask(self) -> None:
        """Until cancelled: the questions, each in its own time, ``gap`` between any two."""
        line = self._options.line
        encoding = line.encoding if line is not None else "ascii"
        due = [(0, number) for number in range(len(self._options.ask))]
        while True:
            at, number = min(due, default=(0, -1))
            if number < 0:
                await self._clock.sleep(_IDLE)
                continue
            if (left := at - self._clock.now().mono) > 0:
                await self._clock.sleep(left / SECOND)
            question: Ask = self._options.ask[number]
            await self._send(question.send or question.text.encode(encoding))
            await self._clock.sleep(self._options.gap)
            now = self._clock.now().mono
            due[number] = (max(at + int(question.every * SECOND), now), number)

    async def _send(self, data: bytes) -> None:
        async with self._turn:
            if self._echo is not None:
                self._echo.sent(data)
            if not await at_most(_PATIENCE, self._clock, self._inflow.send(data)):
                port = self._options.port
                raise Unavailable(
                    f"serial port {port}: it takes no bytes; is the device on, flow control off?"
                )
