"""An alarm panel that calls by SIA DC-09: it connects for each message and keeps its numbers.

Frames and CRC come from the panel that was written apart from the driver.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

from drivers.alarm_panel.cipher import Aes
from gateway.model import SECOND
from gateway.ports import Clock
from tests.drivers.alarm_panel.panel import checked, frame

ACCOUNT = "1234"


class Panel:
    """``say`` a message as often as its answer does not come."""

    def __init__(self, port: int, clock: Clock) -> None:
        self._port = port
        self._clock = clock
        self._number = 0

    def contact_id(self, data: str) -> bytes:
        """The next message: Contact ID as ``1111 01 003`` (qualifier and code, area, zone)."""
        self._number += 1
        return self._framed("ADM-CID", self._number, f"#{ACCOUNT}|{data}")

    def link_test(self) -> bytes:
        """The supervision message, which counts nothing."""
        return self._framed("NULL", 0, "")

    async def say(self, message: bytes, *, within: float = 10.0) -> str:
        """Call, send, and hang up; the answer, "" when none came ``within`` so many seconds."""
        reader, writer = await self._call()
        try:
            writer.write(message)
            async with asyncio.timeout(within):
                return checked(await reader.readuntil(b"\r"))
        except (TimeoutError, EOFError, ConnectionError):
            return ""
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def tell(self, data: str) -> bytes:
        """Say what is new and be acknowledged; the message."""
        message = self.contact_id(data)
        assert await self.say(message) == f'"ACK"{self._number:04}L0#{ACCOUNT}[]'
        return message

    async def _call(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(10):
            while True:
                try:
                    return await asyncio.open_connection("127.0.0.1", self._port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.01)

    def sealed(self, account: str, key: bytes, data: str) -> bytes:
        """The next message of an encrypted account."""
        self._number += 1
        sealed = Aes(key).encrypt(f"|#{account}|{data}]{self._stamp()}".encode())
        return frame(f'"*ADM-CID"{self._number:04}L0#{account}['.encode() + sealed)

    async def say_by_udp(self, message: bytes) -> str:
        """Send a datagram from a port of its own; the answer's datagram."""
        loop = asyncio.get_running_loop()
        came: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Answer(came), remote_addr=("127.0.0.1", self._port)
        )
        try:
            transport.sendto(message)
            async with asyncio.timeout(10):
                return checked(await came)
        finally:
            transport.close()
            await asyncio.sleep(0)

    def _framed(self, word: str, number: int, data: str) -> bytes:
        return frame(f'"{word}"{number:04}L0#{ACCOUNT}[{data}]{self._stamp()}')

    def _stamp(self) -> str:
        now = datetime.fromtimestamp(self._clock.now().wall // SECOND, UTC)
        return now.strftime("_%H:%M:%S,%m-%d-%Y")


class _Answer(asyncio.DatagramProtocol):
    """The first datagram that comes back."""

    def __init__(self, came: asyncio.Future[bytes]) -> None:
        self._came = came

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self._came.done():
            self._came.set_result(data)
