"""Options of the driver ``modbus``."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from drivers._fields import known_kind
from drivers._port_options import PortOptions
from drivers.modbus.points import Address, Map, Point, Whole, map_of
from gateway.options import Duration, PluginOptions

MAX_SLAVES: Final = 64
MAX_OUTPUTS: Final = 32
SERIAL_GAP: Final = 0.04
"""Seconds between an answer and the next question: cures most "device misses frame" reports."""

Unit = Annotated[Whole, Field(ge=0, le=255)]
"""1 to 247 by the standard; 255 and 0 are used by devices and gateways all the same."""
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s/]+$")]
Kind = Annotated[str, AfterValidator(known_kind)]


class Serial(PortOptions):
    """An RS-485 adapter of this machine."""

    framing: Literal["rtu", "ascii"] = "rtu"


class Tcp(PluginOptions):
    """A device or a gateway on the network."""

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(502, ge=1, le=65_535)
    framing: Literal["mbap", "rtu", "ascii"] = "mbap"
    """``rtu``: a transparent serial server carries the line's bytes as they are."""


class Bus(PluginOptions):
    """One line; exactly one of the two."""

    serial: Serial | None = None
    tcp: Tcp | None = None

    @property
    def framing(self) -> str:
        """mbap, rtu or ascii."""
        found = self.serial or self.tcp
        return found.framing if found is not None else ""

    @property
    def name(self) -> str:
        """For people."""
        if self.tcp is not None:
            return f"{self.tcp.host}:{self.tcp.port}"
        return f"serial port {self.serial.port}" if self.serial is not None else ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.serial is None) == (self.tcp is None):
            raise ValueError("a bus is either serial: or tcp:")
        return self


class Slave(PluginOptions):
    """One device on the line, asked again and again."""

    unit: Unit
    device: Name
    kind: Kind = ""
    """Goes before the map's."""
    map: Annotated[Map, BeforeValidator(map_of)]
    every: Annotated[Duration, Field(ge=0.05, le=86_400)] = 1.0
    repeat: Annotated[Duration, Field(ge=0, le=86_400)] = 60.0
    """What has not changed is said again after this time; ``0s``: with every answer."""
    invert: tuple[str, ...] = Field((), max_length=64)
    """Truth values that this device's wiring turns round."""
    max_registers: int = Field(125, ge=1, le=125)
    max_bits: int = Field(2000, ge=1, le=2000)
    bridge: int = Field(4, ge=0, le=124)
    """Unused places that may be read along, so that neighbours come in one answer."""

    @property
    def points(self) -> tuple[Point, ...]:
        """The map's, with this device's inversions."""
        return tuple(
            point.model_copy(update={"invert": not point.invert})
            if point.value in self.invert
            else point
            for point in self.map.points
        )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        known = {point.value for point in self.map.points if point.value}
        for name in self.invert:
            if name not in known:
                have = ", ".join(sorted(known))
                raise ValueError(f"invert: {name!r} is no value of the map; there is {have}")
        for point in self.points:  # not every value is a truth value
            Point.model_validate(point.model_dump(by_alias=True))
        widest = max(point.size for point in self.map.points)
        if widest > self.max_registers:
            raise ValueError(f"max_registers: a value of the map fills {widest}")
        return self


class Output(PluginOptions):
    """A siren or a strobe: a coil, or a register that is written."""

    unit: Unit
    coil: Address | None = None
    register_: Address | None = Field(None, alias="register")
    on_value: Annotated[Whole, Field(ge=0, le=65_535)] = 1
    off_value: Annotated[Whole, Field(ge=0, le=65_535)] = 0
    """What is written to a register."""
    invert: bool = False
    """The coil rests closed: on is written as off."""
    multiple: bool = False
    """The device knows functions 15 and 16 only, not 5 and 6."""
    read_back: bool = True
    at_most: Annotated[Duration, Field(gt=0, le=86_400)] = 300.0
    """It is switched off by itself after this time, whoever switched it on."""
    kind: Kind = "power"
    every: Annotated[Duration, Field(ge=0.2, le=3_600)] = 10.0
    """How often its state is read."""

    @property
    def place(self) -> str:
        """For people: ``coil 0 of unit 9``."""
        which = f"register {self.register_}" if self.coil is None else f"coil {self.coil}"
        return f"{which} of unit {self.unit}"

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.coil is None) == (self.register_ is None):
            raise ValueError("an output has either a coil or a register")
        if self.register_ is not None and self.on_value == self.off_value:
            raise ValueError("on_value and off_value are the same")
        return self


class Options(PluginOptions):
    """One bus, the devices that are asked on it, and what can be switched."""

    bus: Bus
    timeout: Annotated[Duration, Field(ge=0.02, le=30)] = 0.5
    """How long an answer may take."""
    retries: int = Field(2, ge=0, le=10)
    """How often a question is asked again before its device counts as gone."""
    gap: Annotated[Duration, Field(ge=0, le=5)] | None = None
    """Silence before every question, beyond the standard's 3.5 characters."""
    backoff: Annotated[Duration, Field(ge=0.1, le=3_600)] = 60.0
    """The longest time between two questions to a device that is gone."""
    slaves: tuple[Slave, ...] = Field((), max_length=MAX_SLAVES)
    outputs: dict[Name, Output] = Field({}, max_length=MAX_OUTPUTS)

    @property
    def quiet(self) -> float:
        """Seconds of silence before every question, the 3.5 characters included."""
        port = self.bus.serial
        if port is None:
            return self.gap or 0.0
        bits = 1 + port.bytesize + (port.parity != "none") + port.stopbits
        character = 0.0005 if port.baud > 19_200 else bits / port.baud
        return 3.5 * character + (SERIAL_GAP if self.gap is None else self.gap)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.slaves and not self.outputs:
            raise ValueError("write slaves: or outputs:, else there is nothing to do")
        names = [slave.device for slave in self.slaves] + list(self.outputs)
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)}: each device has its own name")
        return self
