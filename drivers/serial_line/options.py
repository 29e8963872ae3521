"""The serial line driver's options."""

from __future__ import annotations

import re
import struct
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from drivers._port_options import PortOptions
from gateway.model import KINDS, UNKNOWN_KIND

MAX_LINE: Final = 4096
MAX_FRAME: Final = 512
"""Bytes: every start mark inside garbage may cost one checksum over so many."""
FORMATS: Final = {
    "u8": "B",
    "i8": "b",
    "u16le": "<H",
    "u16be": ">H",
    "i16le": "<h",
    "i16be": ">h",
    "u32le": "<I",
    "u32be": ">I",
    "i32le": "<i",
    "i32be": ">i",
    "f32le": "<f",
    "f32be": ">f",
}
"""Number type -> its format in ``struct``; ``text`` and ``hex`` bring their own size."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _hex(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is no row of hex bytes, like 'A5 5A'") from None


def _group(value: Any) -> Any:
    """``temperature: t`` is short for ``temperature: {group: t}``."""
    return {"group": value} if isinstance(value, str) else value


HexBytes = Annotated[bytes, BeforeValidator(_hex)]


class Checksum(_Strict):
    """``over``: first and behind-last byte of what is summed; ``position``: where the sum is.

    In a line the sum stands as hex digits: then ``after`` is the mark before it (``*``), and
    what is summed lies between ``start`` (may be empty) and that mark.
    """

    type: Literal["sum8", "xor8", "crc16_modbus"]
    over: tuple[int, int] | None = None
    position: int | None = None
    order: Literal["little", "big"] = "little"
    start: str = Field("", max_length=8)
    after: str = Field("", max_length=8)


class Line(_Strict):
    """One text line is one report."""

    terminator: str = Field("\n", min_length=1, max_length=4)
    max: int = Field(512, ge=8, le=MAX_LINE)
    encoding: Literal["utf-8", "ascii", "gb18030", "latin-1"] = "utf-8"
    checksum: Checksum | None = None
    ignore: list[str] = Field([], max_length=16)
    """Patterns of lines that are no reports and no faults: banners, echoes."""

    @model_validator(mode="after")
    def _line_checksum(self) -> Self:
        if self.checksum is not None and not self.checksum.after:
            raise ValueError("the checksum of a line needs after: the mark before its hex digits")
        return self

    @field_validator("ignore")
    @classmethod
    def _patterns(cls, patterns: list[str]) -> list[str]:
        for pattern in patterns:
            _compile(pattern)
        return patterns


class Frame(_Strict):
    """One frame of ``length`` bytes, marks and checksum included, is one report."""

    start: HexBytes = Field(min_length=1, max_length=16)
    length: int = Field(ge=2, le=MAX_FRAME)
    end: HexBytes = Field(b"", max_length=16)
    checksum: Checksum | None = None

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if len(self.start) + len(self.end) > self.length:
            raise ValueError("start and end are longer than length")
        check = self.checksum
        if check is not None:
            width = 2 if check.type == "crc16_modbus" else 1
            if check.over is None or check.position is None:
                raise ValueError("the checksum of a frame needs over: [from, to] and position")
            at = _at(check.position, self.length)
            first, last = (_at(place, self.length) for place in check.over)
            if not (0 <= first < last <= self.length and 0 <= at <= self.length - width):
                raise ValueError(f"the checksum reaches outside the {self.length} bytes")
        return self


class FieldAt(_Strict):
    """Where a frame holds a raw value."""

    offset: int = Field(ge=0, lt=MAX_FRAME)
    type: str = "u8"
    """A number type, ``text`` or ``hex``."""
    size: int = Field(1, ge=1, le=256)
    """Bytes of ``text`` and ``hex``."""
    bit: int | None = Field(None, ge=0, le=31)
    """From this bit on; 0 is the lowest."""
    bits: int = Field(1, ge=1, le=32)
    """So many bits, as a number; without ``bit`` the whole is taken."""

    @property
    def width(self) -> int:
        """Bytes."""
        return struct.calcsize(FORMATS[self.type]) if self.type in FORMATS else self.size

    @field_validator("type")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in FORMATS and name not in ("text", "hex"):
            raise ValueError(f"{name!r} is no type; one of {', '.join(FORMATS)}, text, hex")
        return name

    @model_validator(mode="after")
    def _bits(self) -> Self:
        whole = self.type in FORMATS and self.type[0] != "f"
        if self.bit is not None and (not whole or self.bit + self.bits > 8 * self.width):
            raise ValueError(
                f"a value of type {self.type} has no {self.bits} bits from bit {self.bit}"
            )
        return self


class Pick(_Strict):
    """How a group of the pattern, or a field of the frame, becomes a value."""

    group: str = Field(min_length=1)
    true: list[str] = []
    false: list[str] = []
    absent: list[str] = []
    """What the device writes when it has no value: ``9999``, ``---``."""
    scale: float = Field(1.0, allow_inf_nan=False)
    offset: float = Field(0.0, allow_inf_nan=False)
    base: Literal[10, 16] = 10

    @model_validator(mode="after")
    def _both_sides(self) -> Self:
        if bool(self.true) != bool(self.false):
            raise ValueError("write both true: and false:, so that a third word is noticed")
        return self


Given = bool | float | Annotated[Pick, BeforeValidator(_group)]


class FromGroup(_Strict):
    """A device's name taken from the report, with a text before it."""

    group: str
    prefix: str = ""


class Report(_Strict):
    """One form of report. The first that fits is taken."""

    pattern: str = Field("", max_length=1000)
    fields: dict[str, FieldAt] = {}
    when: dict[str, str] = {}
    """Groups or fields and the text they must have for this report to fit."""
    device: str | FromGroup
    kind: str = UNKNOWN_KIND
    key: str = ""
    """The group that makes a repeat harmless: a counter or a time."""
    values: dict[str, Given] = Field(min_length=1, max_length=64)

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind != UNKNOWN_KIND and kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind; one of {', '.join(KINDS)}")
        return kind

    @model_validator(mode="after")
    def _groups(self) -> Self:
        if bool(self.pattern) == bool(self.fields):
            raise ValueError("a report has either a pattern (of lines) or fields (of frames)")
        known = set(self.fields) or set(_compile(self.pattern).groupindex)
        used = {pick.group for pick in self.values.values() if isinstance(pick, Pick)}
        used |= set(self.when) | ({self.key} if self.key else set())
        if isinstance(self.device, FromGroup):
            used.add(self.device.group)
        if missing := sorted(used - known):
            have = ", ".join(sorted(known)) or "none"
            raise ValueError(f"no group or field is called {', '.join(missing)}; there is {have}")
        return self


class Options(PortOptions):
    """One port; exactly one of ``line`` and ``frame``."""

    line: Line | None = None
    frame: Frame | None = None
    reports: list[Report] = Field(min_length=1, max_length=16)

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.line is None) == (self.frame is None):
            raise ValueError("write either line: or frame:")
        for number, report in enumerate(self.reports, 1):
            if bool(report.pattern) != (self.line is not None):
                need = "a pattern" if self.line is not None else "fields"
                raise ValueError(f"report {number} needs {need}")
            for name, field in report.fields.items():
                if self.frame is not None and field.offset + field.width > self.frame.length:
                    raise ValueError(f"field {name} reaches beyond the frame's length")
        return self


def _at(position: int, length: int) -> int:
    """Negative positions count from the end."""
    return position + length if position < 0 else position


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no pattern: {error}") from None
