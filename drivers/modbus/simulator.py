"""A small bus behind a real Modbus TCP server: climate, two smoke detectors, a siren.

The duct detector alarms for four polls, then for four it does not; the temperature crosses zero.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from gateway.ports import Clock
from gateway.simulate import free_port

_HOST: Final = "127.0.0.1"
_TURN: Final = 4
"""Polls until something changes."""
OPTIONS: Final[dict[str, Any]] = {
    "slaves": [
        {"unit": 1, "device": "climate", "map": "renke-rs-ws-n01", "every": "500ms"},
        {"unit": 2, "device": "duct", "map": "calectro-ug3", "every": "500ms"},
        {"unit": 255, "device": "stairs", "map": "novabo-sqr", "every": "500ms"},
    ],
    "outputs": {"siren": {"unit": 9, "coil": 0, "at_most": "10s"}},
}

Act = Callable[..., Coroutine[Any, Any, ExcCodes | None]]
"""What a device of the server does before a read or a write."""


class _Changing:
    """Puts the next of ``values`` into word ``at`` after every few reads; 16 bits are one word."""

    def __init__(self, at: int, values: tuple[int, ...]) -> None:
        self._at = at
        self._values = values
        self._reads = 0

    async def act(
        self, function: int, start: int, address: int, count: int, memory: list[int], put: object
    ) -> ExcCodes | None:
        """The hook of the server's device: before a read, and before a write."""
        if put is None:
            turn = self._reads // _TURN % len(self._values)
            memory[self._at - start] = self._values[turn]
            self._reads += 1
        return None


def device(
    unit: int,
    *,
    coils: tuple[int, ...] = (0,),
    inputs: tuple[int, ...] = (0,),
    registers: tuple[int, ...] = (0,),
    input_registers: tuple[int, ...] = (0,),
    act: Act | None = None,
) -> SimDevice:
    """A unit with its four tables, each from address 0 on."""
    bits = [
        [SimData(0, values=[bool(bit) for bit in table], datatype=DataType.BITS)]
        for table in (coils, inputs)
    ]
    words = [
        [SimData(0, values=list(table), datatype=DataType.REGISTERS)]
        for table in (registers, input_registers)
    ]
    tables = (bits[0], bits[1], words[0], words[1])
    return SimDevice(unit, tables, use_bit_addressing=True, action=act)


@asynccontextmanager
async def simulator(wanted: Mapping[str, Any], clock: Clock) -> AsyncIterator[dict[str, Any]]:
    """The server with its four units; yields the options that poll them."""
    port = free_port()
    units = [
        device(1, registers=(658, 215), act=_Changing(1, (215, 3, 0xFF9B, 3)).act),
        device(2, inputs=(1, 0, 0, 0), act=_Changing(0, (0b0001, 0b0101)).act),
        device(255, inputs=(1,) * 8),
        device(9, coils=(0,)),
    ]
    server = ModbusTcpServer(units, address=(_HOST, port))
    await server.serve_forever(background=True)
    try:
        yield {"bus": {"tcp": {"host": _HOST, "port": port}}} | OPTIONS
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]
