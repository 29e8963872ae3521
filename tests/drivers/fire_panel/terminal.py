"""A transmission device by the reference, built apart from the driver: its bytes, and a caller."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.model import Item

UNIT = bytes.fromhex("011000000000")
CENTRE = bytes.fromhex("010000000000")
NOW = bytes((0, 30, 8, 21, 11, 26))
"""2026-11-21 08:30:00."""
SMOKE = bytes.fromhex("01012A0C000300")


def frame(
    data: bytes = b"",
    *,
    serial: int = 7,
    command: int = 2,
    time: bytes = NOW,
    source: bytes = UNIT,
    target: bytes = CENTRE,
    wrong: int = 0,
) -> bytes:
    head = struct.pack("<HBB6s6s6sHB", serial, 1, 1, time, source, target, len(data), command)
    return b"@@" + head + data + bytes(((sum(head + data) + wrong) % 256,)) + b"##"


def component(
    word: int, text: str = "3号楼2层走廊", *, where: bytes = SMOKE, time: bytes = NOW
) -> bytes:
    padded = text.encode("gb18030")[:31].ljust(31, b"\0")
    return where + struct.pack("<H", word) + padded + time


def components(*words: int) -> bytes:
    return bytes((2, len(words))) + b"".join(component(word) for word in words)


def real(text: str) -> bytes:
    return bytes.fromhex(text.replace("|", " "))


class Said(NamedTuple):
    """What a frame from the centre says."""

    serial: int
    time: bytes
    source: bytes
    target: bytes
    command: int
    data: bytes


def said(raw: bytes) -> Said:
    """The parts of one whole frame, with everything about its form asserted."""
    assert raw[:2] == b"@@"
    assert raw[-2:] == b"##"
    serial, main, _, time, source, target, length, command = struct.unpack(
        "<HBB6s6s6sHB", raw[2:27]
    )
    assert main == 1
    assert length == len(raw) - 30
    assert sum(raw[2:-3]) % 256 == raw[-3]
    return Said(serial, time, source, target, command, raw[27:-3])


class Terminal:
    """A caller's end of the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def call(cls, port: int) -> Terminal:
        """Call until somebody listens."""
        while True:
            try:
                return cls(*await asyncio.open_connection("127.0.0.1", port))
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)

    async def send(self, raw: bytes) -> None:
        self._writer.write(raw)
        await self._writer.drain()

    async def raw(self, seconds: float = 30) -> bytes:
        """The next whole frame."""
        async with asyncio.timeout(seconds):
            head = await self._reader.readexactly(27)
            return head + await self._reader.readexactly(struct.unpack("<H", head[24:26])[0] + 3)

    async def hears(self, seconds: float = 30) -> Said:
        return said(await self.raw(seconds))

    async def hears_nothing(self, seconds: float = 0.15) -> None:
        try:
            heard = await self.raw(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"heard {heard.hex()}")

    async def is_hung_up(self) -> bool:
        async with asyncio.timeout(30):
            try:
                return await self._reader.read(1) == b""
            except ConnectionResetError:
                return True

    async def hang_up(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


class Door:
    """Collects what is emitted; while ``open`` is not set it is as slow as a dead disk."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.open = asyncio.Event()
        self.open.set()
        self._came = asyncio.Event()

    async def __call__(self, items: Sequence[Item]) -> None:
        await self.open.wait()
        self.items.extend(items)
        self._came.set()

    async def until(self, holds: Callable[[list[Item]], object], seconds: float = 30) -> list[Item]:
        async with asyncio.timeout(seconds):
            while not holds(self.items):
                self._came.clear()
                await self._came.wait()
        return self.items
