"""The serial line driver's options."""

from __future__ import annotations

import re
import struct
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from drivers._port_options import PortOptions
from drivers.serial_line.checks import WIDTHS, Kind
from gateway.model import KINDS, UNKNOWN_KIND
from gateway.options import Duration

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

    type: Kind
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


class LengthAt(_Strict):
    """The frame says its own length: the number at byte ``at``, and ``plus`` what it leaves out."""

    at: int = Field(ge=0, lt=64)
    type: Literal["u8", "u16le", "u16be"] = "u8"
    plus: int = Field(0, ge=-MAX_FRAME, le=MAX_FRAME)

    @property
    def end(self) -> int:
        """The byte behind the number."""
        return self.at + struct.calcsize(FORMATS[self.type])


class Escape(_Strict):
    """Bytes between the marks that would look like a mark are sent as ``byte`` and another.

    The other is the byte itself ``xor``-ed (HDLC: 7D and 20; 00 for a doubled DLE), or what
    ``pairs`` says.
    """

    byte: HexBytes = Field(min_length=1, max_length=1)
    xor: HexBytes = Field(b"\x20", min_length=1, max_length=1)
    pairs: dict[str, str] = Field({}, max_length=16)
    """What is sent behind ``byte``: what is meant, both as hex."""

    @cached_property
    def meant(self) -> dict[int, int]:
        """``pairs`` as numbers."""
        return {int(sent, 16): int(meant, 16) for sent, meant in self.pairs.items()}

    @field_validator("pairs")
    @classmethod
    def _bytes(cls, pairs: dict[str, str]) -> dict[str, str]:
        for text in (*pairs, *pairs.values()):
            if len(_hex(text)) != 1:
                raise ValueError(f"{text!r} is not one byte, like '01'")
        return pairs


class Frame(_Strict):
    """One frame is one report: of fixed ``length``, of a length that it says, or up to ``end``."""

    start: HexBytes = Field(min_length=1, max_length=16)
    length: int | LengthAt | None = None
    """Marks and checksum included, escapes undone."""
    max: int = Field(MAX_FRAME, ge=2, le=MAX_FRAME)
    """The longest frame where it is not fixed."""
    end: HexBytes = Field(b"", max_length=16)
    escape: Escape | None = None
    checksum: Checksum | None = None

    @cached_property
    def longest(self) -> int:
        """Bytes of the longest frame, escapes undone."""
        return self.length if isinstance(self.length, int) else self.max

    @cached_property
    def shortest(self) -> int:
        """Bytes without which it is no frame."""
        if isinstance(self.length, int):
            return self.length
        behind = self.length.end if self.length is not None else len(self.start)
        return max(behind, len(self.start)) + len(self.end)

    @cached_property
    def apart(self) -> int:
        """Bytes from a start mark to the next if an escaped frame lies between them."""
        least, check = max(self.shortest, len(self.start) + len(self.end) + 1), self.checksum
        if check is not None:
            sizes = range(least, self.longest + 1)
            least = next((size for size in sizes if fits(check, size)), least)
        return least - len(self.end) if self.start == self.end else least

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if isinstance(self.length, int) and not 2 <= self.length <= MAX_FRAME:
            raise ValueError(f"length is 2 to {MAX_FRAME}")
        if self.length is None and not self.end:
            raise ValueError("a frame needs a length, or an end mark")
        if len(self.start) + len(self.end) > self.longest or self.shortest > self.longest:
            raise ValueError("start and end are longer than length")
        check = self.checksum
        if check is not None:
            if check.over is None or check.position is None:
                raise ValueError("the checksum of a frame needs over: [from, to] and position")
            if isinstance(self.length, int) and not fits(check, self.length):
                raise ValueError(f"the checksum reaches outside the {self.length} bytes")
        return self


def fits(check: Checksum, length: int) -> bool:
    """Whether a frame of ``length`` bytes holds all that ``check`` is about."""
    if check.over is None or check.position is None:
        return False
    at = _at(check.position, length)
    first, last = (_at(place, length) for place in check.over)
    return 0 <= first < last <= length and 0 <= at <= length - WIDTHS[check.type]


class FieldAt(_Strict):
    """Where a frame holds a raw value."""

    offset: int = Field(ge=-MAX_FRAME, lt=MAX_FRAME)
    """From the frame's beginning; negative: from its end."""
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

    def inside(self, length: int) -> bool:
        """Whether a frame of ``length`` bytes holds it."""
        first = _at(self.offset, length)
        return first >= 0 and first + self.width <= length

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


class Acknowledge(_Strict):
    """Bytes that the device wants to hear. ``good`` goes out once a report is on disk."""

    good: HexBytes = Field(min_length=1, max_length=64)
    bad: HexBytes = Field(b"", max_length=64)
    """For bytes that are no report."""


class Ask(_Strict):
    """A question for a device that speaks only when it is asked."""

    send: HexBytes = Field(b"", max_length=256)
    text: str = Field("", max_length=256)
    """Instead of ``send``, in the encoding of the lines."""
    every: Annotated[Duration, Field(ge=0.1, le=86_400)] = 5.0

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.send) == bool(self.text):
            raise ValueError("a question is either send: (hex bytes) or text:")
        return self


class Options(PortOptions):
    """One port; exactly one of ``line`` and ``frame``."""

    line: Line | None = None
    frame: Frame | None = None
    reports: list[Report] = Field(min_length=1, max_length=16)
    acknowledge: Acknowledge | None = None
    ask: list[Ask] = Field([], max_length=32)
    gap: Annotated[Duration, Field(ge=0, le=60)] = 0.2
    """Silence between two questions: time for the answer."""
    echo: bool = False
    """The adapter hears itself: what we have sent and comes back is no report."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.line is None) == (self.frame is None):
            raise ValueError("write either line: or frame:")
        for number, report in enumerate(self.reports, 1):
            if bool(report.pattern) != (self.line is not None):
                need = "a pattern" if self.line is not None else "fields"
                raise ValueError(f"report {number} needs {need}")
            for name, field in report.fields.items():
                if self.frame is not None and not field.inside(self.frame.longest):
                    raise ValueError(f"field {name} reaches beyond the frame's length")
        if self.line is None and any(each.text for each in self.ask):
            raise ValueError("text: is for lines; write send: and hex bytes")
        return self


def _at(position: int, length: int) -> int:
    """Negative positions count from the end."""
    return position + length if position < 0 else position


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no pattern: {error}") from None
