"""A user information transmission device that follows GB/T 26875.3, as a building has it.

Its bytes come from the client that was built apart from the driver; what is added here is a
device's manners: it waits for each confirm, and answers what the centre asks meanwhile.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self

from gateway.model import SECOND
from gateway.ports import Clock
from tests.drivers.fire_panel.terminal import Said, Terminal, frame

UNIT: Final = "000000001001"
SMOKE: Final = bytes.fromhex("01 01 2A 0C000300")
"""System 1-1, a point smoke detector (42), zone 12 point 3."""
SMOKE_ADDRESS: Final = f"{UNIT}/1-1/12-3"
OTHER: Final = bytes.fromhex("01 01 2A 0C000400")
OTHER_ADDRESS: Final = f"{UNIT}/1-1/12-4"
CONFIRM: Final = 3
DENY: Final = 6
NORMAL: Final = 0x0001
FIRE: Final = 0x0003
FAULT: Final = 0x0005
SHIELDED: Final = 0x0009
TESTED: Final = 0x0000
_REQUEST: Final = 4
_ANSWER: Final = 5
_CLOCK: Final = 88


class Transmitter:
    """One connection; enter it before use."""

    def __init__(self, port: int, clock: Clock, serial: int = 0) -> None:
        """``serial``: the number of the next report."""
        self._port = port
        self._clock = clock
        self.serial = serial
        self.answers: asyncio.Queue[Said] = asyncio.Queue()
        """Confirms and denials that have come."""
        self._terminal: Terminal
        self._listening: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(10):
            self._terminal = await Terminal.call(self._port)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self._terminal.hang_up()

    async def ended(self) -> None:
        """Until the centre has hung up."""
        async with asyncio.timeout(10):
            await asyncio.shield(self._listening)

    def report(self, data: bytes, *, wrong: int = 0) -> bytes:
        """The frame of a new report; ``wrong`` is added to its sum."""
        raw = frame(data, serial=self.serial, time=self.time(), wrong=wrong)
        self.serial += 1
        return raw

    def states(self, *words: int, where: bytes = SMOKE, text: str = "3号楼2层走廊") -> bytes:
        """The application data of component states, one after the other, of now."""
        padded = text.encode("gb18030").ljust(31, b"\0")
        each = [where + word.to_bytes(2, "little") + padded + self.time() for word in words]
        return bytes((2, len(words))) + b"".join(each)

    def reset(self) -> bytes:
        """The application data of an operation: operator 7 resets system 1-1 (8.2.1.4)."""
        return bytes((4, 1, 1, 1, 0x01, 7)) + self.time()

    async def put(self, raw: bytes) -> None:
        """Send a frame without waiting for what comes back."""
        await self._terminal.send(raw)

    async def answer(self, seconds: float = 30) -> Said:
        """The next confirm or denial."""
        async with asyncio.timeout(seconds):
            return await self.answers.get()

    async def tell(self, data: bytes) -> bytes:
        """Report and be confirmed; the frame."""
        raw = self.report(data)
        await self.put(raw)
        said = await self.answer()
        assert (said.command, said.serial) == (CONFIRM, self.serial - 1)
        return raw

    def time(self) -> bytes:
        """The six bytes of now, as clocks in China show it."""
        local = datetime.fromtimestamp(self._clock.now().wall // SECOND, UTC) + timedelta(hours=8)
        parts = (local.second, local.minute, local.hour, local.day, local.month, local.year - 2000)
        return bytes(parts)

    async def _listen(self) -> None:
        """Sort what comes: answers to us, and what the centre wants to know. Ends with the line."""
        try:
            while True:
                said = await self._terminal.hears(3600)
                if said.command == _REQUEST:
                    await self._reply(said)
                else:
                    self.answers.put_nowait(said)
        except (EOFError, ConnectionError):
            return

    async def _reply(self, asked: Said) -> None:
        known = asked.data[:1] == bytes((_CLOCK,))
        await self.put(
            frame(
                bytes((28, 1)) + self.time() if known else b"",
                serial=asked.serial,
                command=_ANSWER if known else DENY,
                time=self.time(),
                source=asked.target,
                target=asked.source,
            )
        )


def configuration(*components: tuple[bytes, str]) -> bytes:
    """The application data of a component configuration (8.2.1.7)."""
    objects = b"".join(
        where + text.encode("gb18030").ljust(31, b"\0") for where, text in components
    )
    return bytes((7, len(components))) + objects
