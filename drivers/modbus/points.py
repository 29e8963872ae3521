"""What a register map may say: which place of a device's memory is which value. No I/O but files.

A map is data: a YAML file of ours (``maps/``), one of the site's, or written in the options.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from drivers._fields import known_kind
from gateway.document import Problems, nearest, parse, validate
from gateway.model import EXTRA, every_value_name
from gateway.options import PluginOptions, beside_the_file

MAX_POINTS: Final = 256
MAX_BYTES: Final = 200_000
"""Of a map file."""
MAX_TEXT: Final = 32
"""Registers of a text."""
SHIPPED: Final = Path(__file__).parent / "maps"

Table = Literal["register", "input", "coil", "discrete"]
TABLES: Final[tuple[Table, ...]] = ("register", "input", "coil", "discrete")
BITS: Final = ("coil", "discrete")
"""Tables whose places hold one bit; the others hold 16."""
WORDS: Final = {
    "u16": 1, "i16": 1, "sm16": 1, "u32": 2, "i32": 2, "f32": 2, "u64": 4, "i64": 4, "f64": 4,
}  # fmt: skip
"""Number type -> registers that it fills. ``sm16``: the highest bit is the sign."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_HEX: Final = re.compile(r"0[xX][0-9a-fA-F]{1,8}")


def _whole(value: Any) -> Any:
    """Manuals write addresses and marks as 0x7FFF."""
    return int(value, 16) if isinstance(value, str) and _HEX.fullmatch(value) else value


Whole = Annotated[int, BeforeValidator(_whole)]
Address = Annotated[Whole, Field(ge=0, le=65_535)]
Raw = Annotated[int | float, BeforeValidator(_whole)]
"""A number as the device holds it, before ``scale``."""


class Point(PluginOptions):
    """One value of a device and where it lies. Addresses are the protocol's: the first is 0."""

    value: Annotated[str, Field(max_length=64)] = ""
    part: Annotated[str, Field(pattern=r"^[\w.-]{0,32}$")] = ""
    """One module that serves many detectors: the value is of device ``DEVICE/part``."""
    kind: Annotated[str, AfterValidator(known_kind)] = ""
    register_: Address | None = Field(None, alias="register")
    """Holding register, function 3."""
    input: Address | None = None
    """Input register, function 4."""
    coil: Address | None = None
    """Function 1."""
    discrete: Address | None = None
    """Discrete input, function 2."""
    type: Literal[
        "u16", "i16", "sm16", "u32", "i32", "f32", "u64", "i64", "f64", "text"
    ] = "u16"  # fmt: skip
    count: int = Field(1, ge=1, le=MAX_TEXT)
    """Registers of a ``text``."""
    order: Literal["ABCD", "CDAB", "BADC", "DCBA"] = "ABCD"
    """Order of the bytes on the line: ABCD highest first, CDAB words swapped, BADC bytes swapped
    in each word, DCBA both."""
    bit: int | None = Field(None, ge=0, le=63)
    """From this bit on; 0 is the lowest."""
    bits: int = Field(1, ge=1, le=64)
    scale: float = Field(1.0, allow_inf_nan=False)
    offset: float = Field(0.0, allow_inf_nan=False)
    negative_from: Whole | None = Field(None, ge=1)
    """From this raw number on it means minus the rest: 10250 is -250 with 10000."""
    true: tuple[Raw, ...] = Field((), max_length=64)
    false: tuple[Raw, ...] = Field((), max_length=64)
    invert: bool = False
    words: dict[Whole, Annotated[str, Field(max_length=64)]] = Field({}, max_length=64)
    """Raw number -> text."""
    absent: tuple[Raw, ...] = Field((), max_length=16)
    """Raw numbers that mean "no value": a probe that is not there."""
    range: tuple[float, float] | None = None
    """What the device can say, in the value's unit; anything else is no measurement."""
    expect: tuple[Raw, ...] = Field((), max_length=16)
    """Identity: the raw number that this model of device holds here."""

    @cached_property
    def table(self) -> Table:
        """Which of the four memories."""
        return next(name for name in TABLES if self._at(name) is not None)

    @cached_property
    def address(self) -> int:
        """The protocol's address."""
        return self._at(self.table) or 0

    @cached_property
    def size(self) -> int:
        """Places of the table: bits or registers."""
        if self.table in BITS:
            return 1
        return self.count if self.type == "text" else WORDS[self.type]

    @property
    def name(self) -> str:
        """For people: ``temperature (register 1)``."""
        return f"{self.value or 'identity'} ({self.table} {self.address})"

    @cached_property
    def key(self) -> tuple[str, str, str, int]:
        """Names it among the points of its map."""
        return self.part, self.value, self.table, self.address

    def _at(self, table: str) -> int | None:
        found: int | None = self.register_ if table == "register" else getattr(self, table)
        return found

    @model_validator(mode="after")
    def _fits(self) -> Self:
        places = [name for name in TABLES if self._at(name) is not None]
        if len(places) != 1:
            raise ValueError(f"a point has exactly one of {', '.join(TABLES)}")
        if self.address + self.size > 65_536:
            raise ValueError(f"{self.name} reaches beyond the last register")
        if bool(self.value) == bool(self.expect):
            raise ValueError("a point has either value or expect")
        if self.value:
            _check_value(self)
        _check_encoding(self)
        return self


def _check_value(point: Point) -> None:
    known = every_value_name().get(point.value)
    if known is None and not point.value.startswith(EXTRA):
        near = nearest(point.value, every_value_name())
        raise ValueError(f"unknown value {point.value!r}{near}; for others write extra.NAME")
    scaled = point.scale != 1.0 or point.offset != 0.0 or point.negative_from is not None
    truth = bool(point.true or point.false or point.invert)
    if known is not None and known.type is not bool and truth:
        raise ValueError(f"{point.value} is no truth value: true, false and invert do not fit")
    if known is not None and known.type is not float and scaled:
        raise ValueError(f"{point.value} is no number: scale and offset do not fit")
    if known is not None and known.type is not str and (point.words or point.type == "text"):
        raise ValueError(f"{point.value} is no text: words and type text do not fit")
    if sum((scaled, truth, bool(point.words))) > 1:
        raise ValueError(f"{point.value}: scaling, truth and words exclude each other")
    declared = point.true or point.false or point.table in BITS or point.bit is not None
    if known is None and point.invert and not declared:
        raise ValueError(f"{point.value}: invert needs true or false")


def _check_encoding(point: Point) -> None:
    if point.table in BITS and (point.type != "u16" or point.bit is not None):
        raise ValueError(f"{point.name}: a {point.table} is one bit; type and bit do not fit")
    if point.count > 1 and point.type != "text":
        raise ValueError(f"{point.name}: count is for type text; a number says its own size")
    if point.bit is not None:
        whole = point.type in WORDS and point.type[0] == "u"
        if not whole or point.bit + point.bits > 16 * WORDS[point.type]:
            wanted = f"{point.bits} bits from {point.bit}"
            raise ValueError(f"{point.name}: {point.type} has no {wanted}")
    if point.range is not None and point.range[0] > point.range[1]:
        raise ValueError(f"{point.name}: range is [lowest, highest]")


class Map(PluginOptions):
    """The register map of one model of device."""

    about: Annotated[str, Field(max_length=200)] = ""
    source: Annotated[str, Field(max_length=300)] = ""
    """Where the map was read."""
    kind: Annotated[str, AfterValidator(known_kind)] = ""
    points: tuple[Point, ...] = Field(min_length=1, max_length=MAX_POINTS)

    @field_validator("points")
    @classmethod
    def _once(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        names = [(point.part, point.value) for point in points if point.value]
        twice = sorted({value for part, value in names if names.count((part, value)) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)}: each value of a device stands once")
        if not names:
            raise ValueError("a map without a value")
        return points


def shipped() -> list[str]:
    """The names of the maps that come with the driver."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def map_of(given: Any, info: ValidationInfo) -> Any:
    """A name of ours, a file of the site's, or the map itself. ValueError says what is wrong."""
    if not isinstance(given, str):
        return given
    if given.endswith((".yaml", ".yml")):
        return load(beside_the_file(Path(given), info))
    known = shipped()
    if not _NAME.fullmatch(given) or given not in known:
        near = nearest(given, known)
        raise ValueError(f"there is no map {given!r}{near}; a file of yours ends in .yaml")
    return load(SHIPPED / f"{given}.yaml")


def load(path: Path) -> Map:
    """The map in ``path``. ValueError names every fault, or why it can not be read."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise ValueError(f"{path}: larger than {MAX_BYTES:,} bytes")
    try:
        return validate(parse(str(path), content.decode()), Map)
    except UnicodeDecodeError:
        raise ValueError(f"{path}: it is not UTF-8") from None
    except Problems as problems:
        raise ValueError("; ".join(map(str, problems.problems[:5]))) from None
