"""A transmission device that calls: configuration, states, a test, an alarm and its end, values.

It follows GB/T 26875.3: each frame waits for its confirm and is repeated without one, and it
answers what the centre asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from drivers.fire_panel.frame import (
    ANSWER,
    CONFIRM,
    CONTROL,
    DENY,
    REQUEST,
    SEND,
    Cutter,
    Frame,
    Layout,
    build,
    time_bytes,
)
from gateway.clock import at_most
from gateway.ports import Clock
from gateway.simulate import free_port

_AHEAD: Final = timedelta(hours=8)
_UNIT: Final = bytes.fromhex("011000000000")
_CENTRE: Final = bytes.fromhex("010000000000")
_VERSION: Final = b"\x01\x01"
_GAP: Final = 0.3
"""Seconds between two reports: slow enough to be read as they come."""
_PATIENCE: Final = 2.0
"""Seconds that a confirm may take here; the standard allows ten."""
_REPEATS: Final = 3
_SMOKE: Final = bytes.fromhex("01 01 2A 0C000300")
_CALL_POINT: Final = bytes.fromhex("01 01 17 0C000400")
_TANK: Final = bytes.fromhex("0B 01 5C 01000100")
_HEAT: Final = bytes.fromhex("01 01 1F 0C000500")
_CLOCK: Final = 88
_STATE: Final = 81


@asynccontextmanager
async def simulator(wanted: Mapping[str, Any], clock: Clock) -> AsyncIterator[dict[str, Any]]:
    """A device that calls a free port until somebody listens there; yields the port."""
    port = free_port()
    calling = asyncio.create_task(_Device(clock).call("127.0.0.1", port))
    try:
        yield {"host": "127.0.0.1", "port": port}
    finally:
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)


class _Device:
    """One transmission device with a smoke detector, a call point, a heat detector and a tank."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._serial = 0
        self._confirmed: asyncio.Future[int] | None = None

    async def call(self, host: str, port: int) -> None:
        """Until cancelled: call, tell the story, call again."""
        while True:
            try:
                reader, writer = await asyncio.open_connection(host, port)
            except OSError:
                await self._clock.sleep(_GAP)
                continue
            listening = asyncio.ensure_future(self._listen(reader, writer))
            telling = asyncio.ensure_future(self._tell(writer))
            try:
                await asyncio.wait((listening, telling), return_when=asyncio.FIRST_COMPLETED)
            finally:
                listening.cancel()
                telling.cancel()
                await asyncio.gather(listening, telling, return_exceptions=True)
                writer.close()
            await self._clock.sleep(_GAP)

    async def _tell(self, writer: asyncio.StreamWriter) -> None:
        while True:
            for data in story(self._time):
                await self._send(writer, data)
                await self._clock.sleep(_GAP)

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """One report, repeated until it is confirmed (6.3, 6.5)."""
        serial = self._serial.to_bytes(2, "little")
        self._serial = (self._serial + 1) % 65_536
        raw = build(Frame(serial, _VERSION, self._time(), _UNIT, _CENTRE, SEND, data, b""))
        for _ in range(1 + _REPEATS):
            confirmed = self._confirmed = asyncio.get_running_loop().create_future()
            writer.write(raw)
            await writer.drain()
            await at_most(_PATIENCE, self._clock, _wait(confirmed))
            if confirmed.done() and not confirmed.cancelled() and confirmed.result() == CONFIRM:
                return

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cutter = Cutter(Layout())
        while data := await reader.read(4096):
            for piece in cutter.feed(data):
                if piece.frame is not None and not piece.reason:
                    self._heard(piece.frame, writer)

    def _heard(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        if frame.command in (CONFIRM, DENY):
            if self._confirmed is not None and not self._confirmed.done():
                self._confirmed.set_result(frame.command)
            return
        command, data = DENY, b""
        if frame.command == CONTROL:
            command = CONFIRM
        elif frame.command == REQUEST and frame.data[:1] == bytes((_CLOCK,)):
            command, data = ANSWER, bytes((28, 1)) + self._time()
        elif frame.command == REQUEST and frame.data[:1] == bytes((_STATE,)):
            command, data = ANSWER, bytes((21, 1, 0x01)) + self._time()
        time, source, target = self._time(), frame.target, frame.source
        writer.write(
            build(
                frame._replace(time=time, source=source, target=target, command=command, data=data)
            )
        )

    def _time(self) -> bytes:
        return time_bytes(self._clock.now().wall, _AHEAD)


async def _wait(confirmed: asyncio.Future[int]) -> None:
    await confirmed


def story(time: Callable[[], bytes]) -> Iterator[bytes]:
    """The application data of each report; ``time()`` gives the six bytes of now."""
    smoke, call, heat, tank = "3号楼2层走廊", "3号楼2层楼梯口", "3号楼地下配电室", "屋顶水箱"
    yield _configuration((_SMOKE, smoke), (_CALL_POINT, call), (_HEAT, heat), (_TANK, tank))
    yield bytes((6, 1, 1, 1)) + _counted("3号楼火灾报警控制器")
    yield bytes((21, 1, 0x01)) + time()
    yield bytes((1, 1, 1, 1, 0x01, 0x00)) + time()
    yield _state(_SMOKE, 0x0001, smoke, time())
    yield _state(_SMOKE, 0x0000, smoke, time())  # tested
    yield _state(_SMOKE, 0x0003, smoke, time())  # fire
    yield _state(_CALL_POINT, 0x0003, call, time())
    yield _state(_SMOKE, 0x0001, smoke, time())  # over
    yield bytes((4, 1, 1, 1, 0x01, 7)) + time()  # operator 7 resets the panel
    yield _state(_HEAT, 0x0005, heat, time())  # fault
    yield _state(_HEAT, 0x0001, heat, time())
    yield _analog(_HEAT, 3, -55, time())  # -5.5 °C
    yield _analog(_TANK, 2, 312, time())  # 3.12 m
    yield bytes((24, 1, 0x40, 7)) + time()  # the device tests itself


def _configuration(*components: tuple[bytes, str]) -> bytes:
    objects = b"".join(where + _padded(text) for where, text in components)
    return bytes((7, len(components))) + objects


def _state(where: bytes, word: int, text: str, time: bytes) -> bytes:
    return b"\x02\x01" + where + word.to_bytes(2, "little") + _padded(text) + time


def _analog(where: bytes, quantity: int, raw: int, time: bytes) -> bytes:
    value = raw.to_bytes(2, "little", signed=True)
    return b"\x03\x01" + where + bytes((quantity,)) + value + time


def _padded(text: str) -> bytes:
    return text.encode("gb18030")[:31].ljust(31, b"\0")


def _counted(text: str) -> bytes:
    raw = text.encode("gb18030")
    return bytes((len(raw),)) + raw
