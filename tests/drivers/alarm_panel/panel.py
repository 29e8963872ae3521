"""A panel that follows the reference, written apart from the driver: frames, CRC, sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from drivers.alarm_panel.driver import Driver
from drivers.alarm_panel.options import Options
from gateway.model import Item
from gateway.ports import Clock
from gateway.simulate import free_port
from tests.virtual import VirtualClock

NOW = "_08:00:00,01-05-2026"
"""Where the virtual clock starts."""


def crc(body: bytes) -> int:
    """CRC-16/ARC, bit by bit."""
    value = 0
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


def frame(body: str | bytes, *, binary: bool = False) -> bytes:
    raw = body if isinstance(body, bytes) else body.encode()
    head = crc(raw).to_bytes(2) if binary else f"{crc(raw):04X}".encode()
    return b"\n" + head + f"{len(raw):04X}".encode() + raw + b"\r"


def checked(answer: bytes, *, binary: bool = False) -> str:
    """The answer's text from its first quote; its CRC and length are right."""
    assert answer[:1] == b"\n"
    assert answer[-1:] == b"\r"
    at = 3 if binary else 5
    body = answer[at + 4 : -1]
    assert int(answer[at : at + 4], 16) == len(body)
    stated = int.from_bytes(answer[1:3]) if binary else int(answer[1:5], 16)
    assert stated == crc(body)
    return body.decode()


class Door:
    """Collects what is emitted; while ``open`` is not set it is as slow as a dead disk."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = 0
        self._came = asyncio.Event()

    async def __call__(self, items: Sequence[Item]) -> None:
        self.waiting += 1
        await self.open.wait()
        self.waiting -= 1
        self.items.extend(items)
        self._came.set()

    async def has(self, count: int) -> list[Item]:
        async with asyncio.timeout(10):
            while len(self.items) < count:
                self._came.clear()
                await self._came.wait()
        return self.items


class Line:
    """One TCP connection of a panel."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def answer(self) -> bytes:
        async with asyncio.timeout(10):
            return await self._reader.readuntil(b"\r")

    async def silent(self, seconds: float = 0.05) -> bool:
        """Whether nothing is answered."""
        try:
            async with asyncio.timeout(seconds):
                return await self._reader.read(1) == b""
        except TimeoutError:
            return True

    async def ended(self) -> bytes:
        """What came before the driver hung up."""
        async with asyncio.timeout(10):
            return await self._reader.read()

    def close(self) -> None:
        self._writer.close()


class House:
    """A running driver and the way to it."""

    def __init__(
        self, door: Door, port: int, clock: VirtualClock, task: asyncio.Task[None]
    ) -> None:
        self.door = door
        self.port = port
        self.clock = clock
        self.task = task
        self._lines: list[Line] = []

    async def call(self) -> Line:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        line = Line(reader, writer)
        self._lines.append(line)
        return line

    def hang_up(self) -> None:
        for line in self._lines:
            line.close()


async def listening(port: int, task: asyncio.Task[None]) -> None:
    """Until the driver takes calls."""
    async with asyncio.timeout(10):
        while not task.done():
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.005)
                continue
            writer.close()
            await asyncio.sleep(0.03)  # the UDP port is opened after it
            return


@asynccontextmanager
async def running(options: dict[str, Any], clock: Clock | None = None) -> AsyncIterator[House]:
    """The driver with ``options`` (dc09 or surgard over TCP) on a free port."""
    port, door, chosen = free_port(), Door(), clock or VirtualClock()
    ((name, inner),) = options.items()
    both = {"udp_port": port} if name == "dc09" else {}
    wanted = {"host": "127.0.0.1", "tcp_port": port, **both} | inner
    driver = Driver("panels", Options.model_validate({name: wanted}), chosen)
    task = asyncio.create_task(driver.run(door))
    await listening(port, task)
    house = House(door, port, chosen, task)  # type: ignore[arg-type]
    try:
        yield house
    finally:
        house.hang_up()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
