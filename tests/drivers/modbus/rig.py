"""A bus for tests: a real pymodbus server behind a real serial line, whose bytes can be spoilt."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import SimDevice

from drivers.modbus.driver import Driver
from drivers.modbus.options import Options
from gateway.clock import SystemClock
from gateway.model import Item, Reading
from tests.drivers.serial_line.door import Door
from tests.servers import free_port

Spoil = Callable[[bytes], list[tuple[float, bytes]]]
"""What becomes of bytes on the line: pieces, each so many seconds later."""
CLIMATE = {
    "kind": "climate",
    "points": [
        {"value": "humidity", "register": 0, "scale": 0.1},
        {"value": "temperature", "register": 1, "type": "i16", "scale": 0.1},
    ],
}


def as_it_is(data: bytes) -> list[tuple[float, bytes]]:
    return [(0.0, data)]


class Cable:
    """Two pseudo-terminals joined in the middle: the driver has ``port``, the server the other."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._near, near = os.openpty()
        self._far, far = os.openpty()
        self._held = [near, far]
        for end in self._held:
            tty.setraw(end)
        self.port, self.far_port = os.ttyname(near), os.ttyname(far)
        self.to_server: Spoil = as_it_is
        self.to_driver: Spoil = as_it_is
        self._loop.add_reader(self._near, self._pump, self._near, self._far, "to_server")
        self._loop.add_reader(self._far, self._pump, self._far, self._near, "to_driver")

    def say(self, data: bytes) -> None:
        """Bytes that nobody asked for, to the driver."""
        os.write(self._near, data)

    def unplug(self) -> None:
        """Both adapters are gone."""
        for end in (self._near, self._far):
            self._loop.remove_reader(end)
        for end in (self._near, self._far, *self._held):
            with suppress(OSError):
                os.close(end)
        self._held = []

    def _pump(self, source: int, target: int, way: str) -> None:
        try:
            data = os.read(source, 4096)
        except OSError:
            return
        for seconds, piece in getattr(self, way)(data):
            if seconds:
                self._loop.call_later(seconds, self._put, target, piece)
            else:
                self._put(target, piece)

    def _put(self, target: int, piece: bytes) -> None:
        with suppress(OSError):
            os.write(target, piece)


@contextmanager
def cable() -> Iterator[Cable]:
    made = Cable()
    try:
        yield made
    finally:
        made.unplug()


@asynccontextmanager
async def serial_bus(*units: SimDevice, silent: set[int] | None = None) -> AsyncIterator[Cable]:
    """A server on a serial line; units of ``silent`` hear and say nothing."""
    with cable() as made:
        server = ModbusSerialServer(
            [*units, *_dead(silent)], port=made.far_port, trace_packet=_mute(silent or set(), 0)
        )
        await server.serve_forever(background=True)
        try:
            yield made
        finally:
            await server.shutdown()


@asynccontextmanager
async def tcp_bus(
    *units: SimDevice, silent: set[int] | None = None, port: int | None = None
) -> AsyncIterator[int]:
    """A server on loopback; its port."""
    port = port or free_port()
    server = ModbusTcpServer(
        [*units, *_dead(silent)],
        address=("127.0.0.1", port),
        trace_packet=_mute(silent or set(), 6),
    )
    await server.serve_forever(background=True)
    try:
        yield port
    finally:
        await server.shutdown()


def _dead(silent: set[int] | None) -> list[SimDevice]:
    from drivers.modbus.simulator import device

    return [device(unit) for unit in sorted(silent or ())]


def _mute(silent: set[int], at: int) -> Callable[[bool, bytes], bytes]:
    """The set may change while the server runs."""

    def trace(sending: bool, data: bytes) -> bytes:
        return b"" if sending and data[at] in silent else data

    return trace


def options(port: str | int, *slaves: dict[str, Any], **more: Any) -> Options:
    """Short times: a test waits for real bytes."""
    bus: dict[str, Any] = {"tcp": {"host": "127.0.0.1", "port": port}}
    if isinstance(port, str):
        bus = {"serial": {"port": port, "baud": 115_200}}
    given = {"bus": bus, "timeout": "100ms", "gap": "2ms", "slaves": slaves}
    return Options.model_validate(given | more)


def slave(unit: int = 1, **more: Any) -> dict[str, Any]:
    given = {"unit": unit, "device": f"d{unit}", "every": "50ms", "repeat": "0s", "map": CLIMATE}
    return given | more


@asynccontextmanager
async def running(given: Options) -> AsyncIterator[tuple[Driver, Door]]:
    """A driver that runs; what it raises is raised at the end."""
    door = Door()
    driver = Driver("bus", given, SystemClock())
    task = asyncio.create_task(driver.run(door))
    try:
        yield driver, door
    finally:
        if task.done():
            task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def of(items: list[Item], device: str) -> list[Reading]:
    return [item for item in items if isinstance(item, Reading) and item.device == device]
