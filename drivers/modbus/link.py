"""One bus through pymodbus: one question at a time, with the silence that a line needs before it.

pymodbus brings the transports, the frames that are sent and the PDUs. What it leaves open (seen in
3.16.1) is done here: it keeps no gap between frames; a stray byte, an echo or another unit's bytes
before the answer lose it (``wire`` finds it, through the library's trace hook); a wrong number of
registers is taken; it opens a lost connection again behind our back (``reconnect_delay=0``) and
gives a TCP connection up after a few silent slaves (``set_max_no_responses``).
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import socket
import termios
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU

from drivers._port import form, gone
from drivers.modbus.options import Options, Serial
from drivers.modbus.points import BITS, Table
from drivers.modbus.wire import Asked, answer_to, asked
from gateway.model import SECOND
from gateway.ports import Clock, Unavailable

_CONNECT: Final = 5.0
_PATIENT: Final = 1_000_000_000
"""Unanswered questions after which pymodbus would close: never, for a dead slave is no dead bus."""
_DEAD_PEER: Final = 20_000
"""Milliseconds without a TCP acknowledgement after which the kernel gives the connection up."""
_FRAMERS: Final = {"mbap": FramerType.SOCKET, "rtu": FramerType.RTU, "ascii": FramerType.ASCII}
_REASONS: Final = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value or count",
    4: "device failure",
    5: "acknowledged, still at work",
    6: "busy",
    7: "negative acknowledgement",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not respond",
}
_GATEWAY: Final = (10, 11)
"""Exceptions of a gateway: they say that the slave is *not* there."""

# a slave that is away is said once, by its device; the library would log every question
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class NoAnswer(Exception):
    """Nobody answered in time, or a gateway says that nobody did."""


class Denied(Exception):
    """The device answered with an exception: it lives. ``code`` as in the protocol."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{_REASONS.get(code, 'exception')} ({code})")
        self.code = code

    @property
    def for_good(self) -> bool:
        """What was asked does not exist over there; asking again changes nothing."""
        return self.code in (1, 2, 3)


class Link:
    """Enter it; ``ask`` and ``write`` may be called by several tasks and take turns in order."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._bus = options.bus
        self._timeout = options.timeout
        self._quiet = int(options.quiet * SECOND)
        self._clock = clock
        self._turn = asyncio.Lock()
        self._free = 0
        """Mono ns from when on the line may be used."""
        self._question: Asked | None = None
        self.heard = 0
        """Mono ns of the last answer, whoever's; of the opening before the first one."""
        self._client: AsyncModbusSerialClient | AsyncModbusTcpClient

    async def __aenter__(self) -> Link:
        self._client = self._made()
        self._client.set_max_no_responses(_PATIENT)
        try:
            connected = await self._client.connect()
            await self._turns()  # a serial transport is set up by the loop, later
            if _is_cancelled():
                raise asyncio.CancelledError
            if not connected or not self._client.connected:
                raise Unavailable(f"{self._bus.name}: no connection; {self._hint()}")
        except BaseException:
            self._client.close()
            raise
        self._watch_peer()
        self.heard = self._clock.now().mono
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.close()
        await self._turns()

    @property
    def form(self) -> str:
        """How the line is set, for people."""
        port = self._bus.serial
        return f"{port.framing}, {form(port)}" if port is not None else self._bus.framing

    async def ask(self, unit: int, table: Table, address: int, size: int) -> list[int]:
        """The registers, or the bits as 0 and 1. NoAnswer, Denied, or Unavailable."""
        client = self._client
        read: Callable[..., Awaitable[ModbusPDU]] = {
            "register": client.read_holding_registers,
            "input": client.read_input_registers,
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
        }[table]
        answer = await self._transaction(partial(read, address, count=size, device_id=unit))
        if table in BITS:
            return [int(bit) for bit in answer.bits[:size]]
        return list(answer.registers)

    async def write(self, unit: int, table: Table, address: int, value: int, many: bool) -> None:
        """Write one coil (1 is on) or register; returned: the device has confirmed it.

        ``many``: by the function that could write several.
        """
        client, bit = self._client, bool(value)
        send: Callable[[], Awaitable[ModbusPDU]]
        if table == "coil":
            one = partial(client.write_coil, address, bit, device_id=unit)
            send = partial(client.write_coils, address, [bit], device_id=unit) if many else one
        else:
            word = partial(client.write_register, address, value, device_id=unit)
            send = (
                partial(client.write_registers, address, [value], device_id=unit) if many else word
            )
        await self._transaction(send)

    async def _transaction(self, send: Callable[[], Awaitable[ModbusPDU]]) -> ModbusPDU:
        """One question and its answer, ``quiet`` after the one before."""
        async with self._turn:
            if (left := self._free - self._clock.now().mono) > 0:
                await self._clock.sleep(left / SECOND)
            if not self._client.connected:
                raise self._lost()
            try:
                async with asyncio.timeout(self._timeout):
                    answer = await send()
            except (TimeoutError, ModbusException):
                if not self._client.connected:
                    raise self._lost() from None
                raise NoAnswer(f"no answer within {self._timeout:g} s") from None
            finally:
                self._question = None
                self._free = self._clock.now().mono + self._quiet
        if _is_cancelled():
            raise asyncio.CancelledError
        self.heard = self._clock.now().mono
        if answer.isError():
            code = int(getattr(answer, "exception_code", 0))
            denied = Denied(code)
            raise NoAnswer(str(denied)) if code in _GATEWAY else denied
        return answer

    def _trace(self, sending: bool, data: bytes) -> bytes:
        """The library's hook: what it sends, and what it is to see of what has come."""
        framing = self._bus.framing
        if sending:
            self._question = asked(data, framing)
            return data
        return b"" if self._question is None else answer_to(self._question, framing, data)

    def _made(self) -> AsyncModbusSerialClient | AsyncModbusTcpClient:
        framer = _FRAMERS[self._bus.framing]
        if self._bus.tcp is not None:
            return AsyncModbusTcpClient(
                self._bus.tcp.host,
                port=self._bus.tcp.port,
                framer=framer,
                timeout=_CONNECT,
                retries=0,
                reconnect_delay=0,
                trace_packet=self._trace,
            )
        port = self._bus.serial
        assert port is not None  # noqa: S101  # the options hold one of the two
        _probe(port)
        return AsyncModbusSerialClient(
            port.port,
            framer=framer,
            baudrate=port.baud,
            bytesize=port.bytesize,
            parity=port.parity[0].upper(),
            stopbits=port.stopbits,
            timeout=_CONNECT,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._trace,
        )

    def _watch_peer(self) -> None:
        """A far end that loses its power says nothing: let the kernel notice."""
        found = self._client.ctx.transport.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_PEER)

    async def _turns(self) -> None:
        """Let the loop open or close what it was told to."""
        for _ in range(3):
            await self._clock.sleep(0)

    def _lost(self) -> Unavailable:
        port = self._bus.serial
        if port is not None:
            return gone(port.port, OSError(errno.EIO, ""))
        return Unavailable(f"{self._bus.name}: the connection was closed by the other end")

    def _hint(self) -> str:
        if self._bus.tcp is None:
            return "can the adapter do this speed and parity?"
        return "is the device on, the address right, and nobody else connected to it?"


def _is_cancelled() -> bool:
    """Whether we were cancelled and did not notice.

    The library waits by ``asyncio.wait_for``, which before Python 3.12 swallows a cancellation
    that comes in the same turn of the loop as the answer.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _probe(port: Serial) -> None:
    """Say plainly why a port can not be used; the library would only log it."""
    try:
        handle = os.open(port.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            termios.tcgetattr(handle)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(handle)
    except OSError as error:
        raise gone(port.port, error) from None
    except termios.error:
        raise gone(port.port, OSError(errno.ENOTTY, "")) from None
