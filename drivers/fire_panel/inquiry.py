"""What we ask a transmission device by ourselves: its clock, and the states of its components."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from drivers.fire_panel.address import component_bytes
from drivers.fire_panel.desk import Desk
from drivers.fire_panel.exchange import Exchange, confirms
from drivers.fire_panel.frame import ANSWER, CONTROL, REQUEST, Frame, time_bytes, time_ns
from drivers.fire_panel.tables import DATA_TYPES
from drivers.fire_panel.units import TIME, request
from gateway.model import SECOND

_READ_SYSTEMS: Final = 61
_READ_COMPONENTS: Final = 62
_READ_UNIT: Final = 81
_READ_CLOCK: Final = 88
_SET_CLOCK: Final = 90
_UNIT_TIME: Final = 28
_MOST_SYSTEMS: Final = 102
_MOST_COMPONENTS: Final = 22
"""Objects of one request: what the answer has room for (8.3.2)."""
_WRONG: Final = 5 * SECOND
"""A clock further off than this is set: times are whole seconds, and mobile networks are slow."""


class Inquiry:
    """Lives as long as the connection over which ``unit`` was heard. ``frame``: what it sent."""

    def __init__(self, desk: Desk, exchange: Exchange, frame: Frame, unit: str) -> None:
        self._desk = desk
        self._exchange = exchange
        self._frame = frame
        self._unit = unit

    async def run(self) -> None:
        """Ask; the answers' readings go the way of all frames."""
        options = self._desk.options
        if options.read_at_connect:
            for data in requests(self._desk, self._unit):
                await self._read(data)
        while options.read_clock or options.set_clock:
            reply = await self._read(request(_READ_CLOCK, 1, b"\0"))
            if options.set_clock and reply is not None and self._is_wrong(reply):
                await self._set()
            await self._desk.clock.sleep(options.clock_every)

    async def _read(self, data: bytes) -> Frame | None:
        reply = await self._exchange.ask(self._frame, REQUEST, data, self._time())
        if reply is None or reply.command != ANSWER:
            self._failed(data)
            return None
        return reply

    async def _set(self) -> None:
        """A repeat carries the time of its own moment, or it would set the clock back."""
        data = b""
        for _ in range(1 + self._desk.options.resends):
            time = self._time()
            data = request(_SET_CLOCK, 1, time)
            reply = await self._exchange.ask(self._frame, CONTROL, data, time, resends=0)
            if confirms(reply):
                self._desk.log.info("device_clock_set", unit=self._unit)
                return
        self._failed(data)

    def _is_wrong(self, reply: Frame) -> bool:
        """Whether the device's clock is off, and ours is right."""
        stamp = self._desk.clock.now()
        if not stamp.trusted or reply.data[:1] != bytes((_UNIT_TIME,)):
            return False
        options = self._desk.options
        told = reply.data[2 : 2 + TIME]
        bcd = options.time_format == "bcd"
        at = time_ns(told, options.offset, bcd=bcd) if len(told) == TIME else None
        return at is None or abs(at - stamp.wall) > _WRONG

    def _failed(self, data: bytes) -> None:
        what = DATA_TYPES[data[0]].en
        self._desk.log.warning("device_does_not_answer", unit=self._unit, asked=what)

    def _time(self) -> bytes:
        options = self._desk.options
        wall = self._desk.clock.now().wall
        return time_bytes(wall, options.offset, bcd=options.time_format == "bcd")


def requests(desk: Desk, unit: str) -> Iterator[bytes]:
    """Application data that ask for the state of ``unit`` and of what the register has below it."""
    yield request(_READ_UNIT, 1, b"\0")
    below = desk.register.of(unit)
    systems = sorted({each.system for each in below if each.system is not None})
    for part in _parts([bytes(system) for system in systems], _MOST_SYSTEMS):
        yield request(_READ_SYSTEMS, len(part), b"".join(part))
    order = desk.options.component_order
    components = [
        bytes(each.system) + component_bytes(each.component, order)
        for each in below
        if each.system is not None and each.component is not None
    ]
    for part in _parts(components, _MOST_COMPONENTS):
        yield request(_READ_COMPONENTS, len(part), b"".join(part))


def _parts(every: list[bytes], most: int) -> Iterator[list[bytes]]:
    for at in range(0, len(every), most):
        yield every[at : at + most]
