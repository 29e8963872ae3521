"""The conversation with the modem: one command at a time, and what it says unasked in between.

ask ──▶ command ──▶ [> prompt ──▶ PDU] ──▶ lines … OK          heard
                          ▲ unasked lines may come anywhere ──▶ +CMTI, +CDS, RING …
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Final

from drivers._port import Inflow
from drivers.sms_modem.codes import AtError, NoAnswer
from drivers.sms_modem.lines import PROMPT, Lines
from gateway.clock import at_most
from gateway.ports import Clock

ANSWER: Final = 5.0
"""Seconds for what needs no network."""
PROMPT_WITHIN: Final = 10.0
_WAKE: Final = 1.0
_WAKES: Final = 5
_QUIET: Final = 0.2
"""Seconds of silence after which an old answer is over."""
_QUIETS: Final = 20
_MOST_LINES: Final = 1_000
_DONE: Final = "OK"
_FAILED: Final = re.compile(r"\+(CM[ES]) ERROR: ?(\d{1,5})?.*|ERROR|COMMAND NOT SUPPORT")
_WITH_PDU: Final = ("+CDS:", "+CMT:", "+CBM:")
"""Said unasked, with a PDU on the next line."""
_UNASKED: Final = ("+CMTI:", "+CDSI:", "RING", "+CRING:", "+CLIP:", "NO CARRIER")
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")
_ABORT: Final = b"\x1b"
_SEND: Final = b"\x1a"

Heard = Callable[[str, str], None]
"""What was said unasked: the line, and the PDU behind it or ""."""


class _Asked:
    """The command that waits for its answer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[str] = []
        self.error: AtError | None = None
        self.prompted = asyncio.Event()
        """Also set by the end: a refused command prompts for nothing."""
        self.ended = asyncio.Event()

    def take(self, line: str) -> None:
        """One line of the answer, or its end."""
        failed = _FAILED.fullmatch(line)
        if failed is not None:
            code = int(failed[2]) if failed[2] else None
            self.error = AtError(self.name, failed[1] or "", code)
        elif line == PROMPT:
            self.prompted.set()
            return
        elif line != _DONE:
            if len(self.lines) < _MOST_LINES:
                self.lines.append(line)
            return
        self.ended.set()
        self.prompted.set()


class Engine:
    """One open port. Let ``run`` run beside what asks."""

    def __init__(self, inflow: Inflow, clock: Clock, heard: Heard) -> None:
        self._inflow = inflow
        self._clock = clock
        self._heard = heard
        self._lines = Lines()
        self._turn = asyncio.Lock()
        self._asked: _Asked | None = None
        self._header = ""
        self._came = 0

    async def run(self) -> None:
        """Hand on what comes, until cancelled. OSError: the port is gone."""
        while True:
            data = await self._inflow.take()
            self._came += len(data)
            for line in self._lines.feed(data):
                self._take(line)

    async def wake(self) -> None:
        """Bring the modem from whatever it was doing to where it takes commands. NoAnswer."""
        inside = False
        for _ in range(_WAKES):
            if inside:
                async with self._turn:
                    await self._write(_ABORT)
            try:
                await self.ask("AT", _WAKE)
            except (NoAnswer, AtError) as error:
                inside = isinstance(error, NoAnswer)  # it may wait for the end of a message
                continue
            for _ in range(_QUIETS):
                seen = self._came
                await self._clock.sleep(_QUIET)
                if seen == self._came:
                    return
        raise NoAnswer("no answer, or no end of it, to AT")

    async def ask(self, command: str, within: float = ANSWER, pdu: str = "") -> list[str]:
        """The lines of the answer before OK. AtError, NoAnswer; OSError: the port is gone.

        With a ``pdu`` the modem's prompt is waited for, and then it follows.
        """
        async with self._turn:
            asked = self._asked = _Asked(re.split(r"[=?]", command)[0])
            try:
                await self._write(command.encode("ascii") + b"\r")
                if pdu:
                    await self._hand_over(asked, pdu)
                if not await at_most(within, self._clock, asked.ended.wait()):
                    raise NoAnswer(f"{asked.name}: no answer within {within:g} s")
            finally:
                self._asked = None
        if asked.error is not None:
            raise asked.error
        return asked.lines

    async def _hand_over(self, asked: _Asked, pdu: str) -> None:
        if not await at_most(PROMPT_WITHIN, self._clock, asked.prompted.wait()):
            await self._write(_ABORT)
            raise NoAnswer(f"{asked.name}: no prompt within {PROMPT_WITHIN:g} s")
        if not asked.ended.is_set():
            await self._write(pdu.encode("ascii") + _SEND)

    async def _write(self, data: bytes) -> None:
        if not await at_most(ANSWER, self._clock, self._inflow.send(data)):
            raise NoAnswer("the port takes no bytes; is flow control off?")

    def _take(self, line: str) -> None:
        header, self._header = self._header, ""
        if header and _HEX.fullmatch(line):
            self._heard(header, line)
        elif line.startswith(_WITH_PDU):
            self._header = line
        elif line.startswith(_UNASKED):
            self._heard(line, "")
        elif self._asked is not None:
            self._asked.take(line)
