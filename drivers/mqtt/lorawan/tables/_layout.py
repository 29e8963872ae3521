"""Payload layouts as text: one line names a field, its bytes, its arithmetic and its words.

    "Temp i16 /10; FireAlarm u8 = No Alarm|Alarm..; ^status u8 &1; _ u16"

A field is ``NAME KIND OPERATION... [= WORDS]``; fields follow one another without gaps.

NAME         "_" skips the bytes; "^NAME" reads them and leaves them for the next field
KIND         u8 u16 u24 u32 i8 i16 i24 i32 (big-endian unless the layout is ``little``), f32,
             hexN textN dotN (N bytes as digits, as text up to the first NUL, as "1.2.3"), or one of
             the table's own
OPERATION    /10 *2 +25 -32 &15 >>4 in the order written; round2; bool; ?65535:TEXT stands for
             that raw value (without TEXT the field is left out)
WORDS        a|b|c by value from 0, or 0:a|255:b; ".." at the end: the last for all others
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

Convert = Callable[[bytes], Any]
"""The value of so many bytes; None leaves the field out."""
Kinds = Mapping[str, tuple[int, Convert]]
"""Kinds of a table's own: size in bytes and how to read it."""

UNKNOWN: Final = "unknown"
"""The word for a number that a list of words does not have."""
_NO_KINDS: Final[Kinds] = {}
_INTEGERS: Final = {f"{sign}{bits}": bits // 8 for sign in ("u", "i") for bits in (8, 16, 24, 32)}


class Words(NamedTuple):
    """Names of numbers, and the name of all others."""

    names: Mapping[int, str]
    others: str

    def word(self, number: int) -> str:
        """The name of ``number``."""
        return self.names.get(number, self.others)


class Field(NamedTuple):
    """One field of a layout, compiled."""

    name: str
    size: int
    keeps: bool
    """Whether the bytes stay for the next field."""
    read: Convert
    special: Mapping[int, str | None]
    steps: tuple[tuple[str, float], ...]
    words: Words | None

    def value(self, raw: bytes) -> Any:
        """The value of these bytes; None leaves the field out."""
        value = self.read(raw)
        if value is None:
            return None
        if self.special and value in self.special:
            return self.special[value]
        for operation, number in self.steps:
            value = _STEPS[operation](value, number)
        return value if self.words is None else self.words.word(value)


class Layout(NamedTuple):
    """Fields in the order of their bytes."""

    fields: tuple[Field, ...]
    size: int

    def read(self, data: bytes, at: int = 0, *, least: int | None = None) -> dict[str, Any]:
        """The fields from ``at`` on; bytes past the layout are left alone.

        ``least``: so many bytes are enough, and missing ones count as zero, as the maker's own
        codec has it. ValueError: the payload is too short.
        """
        missing = at + self.size - len(data)
        if missing > 0:
            if least is None or len(data) - at < least:
                raise ValueError(f"{len(data)} bytes, needs {at + (least or self.size)}")
            data += bytes(missing)
        found: dict[str, Any] = {}
        for field in self.fields:
            end = at + field.size
            if field.name != "_":
                value = field.value(data[at:end])
                if value is not None:
                    found[field.name] = value
            if not field.keeps:
                at = end
        return found


def layout(text: str, *, little: bool = False, kinds: Kinds = _NO_KINDS) -> Layout:
    """The layout that ``text`` says. ValueError: the text is wrong (a fault of the table)."""
    parts = (part.strip() for part in text.split(";"))
    fields = tuple(_field(part, little, kinds) for part in parts if part)
    return Layout(fields, sum(field.size for field in fields if not field.keeps))


def _field(text: str, little: bool, kinds: Kinds) -> Field:
    head, _, words = text.partition(" = ")
    name, kind, *operations = head.split()
    size, read = _kind(kind, little, kinds)
    special: dict[int, str | None] = {}
    steps: list[tuple[str, float]] = []
    for operation in operations:
        if operation.startswith("?"):
            raw, _, word = operation[1:].partition(":")
            special[int(raw, 0)] = word or None
        else:
            steps.append(_step(operation))
    named = _words(words) if words else None
    return Field(name.lstrip("^"), size, name[0] == "^", read, special, tuple(steps), named)


def _kind(kind: str, little: bool, kinds: Kinds) -> tuple[int, Convert]:
    if kind in kinds:
        return kinds[kind]
    if kind in _INTEGERS:
        return _INTEGERS[kind], _integer("little" if little else "big", signed=kind[0] == "i")
    if kind == "f32":
        return 4, _float("<f" if little else ">f")
    for prefix, read in _TEXTS.items():
        if kind.startswith(prefix):
            return int(kind[len(prefix) :]), read
    raise ValueError(f"no kind {kind!r}")


def _integer(order: Any, *, signed: bool) -> Convert:
    return lambda raw: int.from_bytes(raw, order, signed=signed)


def _float(code: str) -> Convert:
    def read(raw: bytes) -> float | None:
        (value,) = struct.unpack(code, raw)
        return float(value) if math.isfinite(value) else None

    return read


def _step(text: str) -> tuple[str, float]:
    if text == "bool":
        return "bool", 0
    if text.startswith("round"):
        return "round", int(text[5:])
    name = ">>" if text.startswith(">>") else text[0]
    if name not in _STEPS:
        raise ValueError(f"no operation {text!r}")
    digits = text[len(name) :]
    whole = "." not in digits
    return name, int(digits, 0) if whole else float(digits)


def _words(text: str) -> Words:
    rest = text.endswith("..")
    parts = text.removesuffix("..").split("|")
    names = {
        int(number) if colon and number.isdecimal() else place: word if colon else part
        for place, part in enumerate(parts)
        for number, colon, word in (part.partition(":"),)
    }
    return Words(names, list(names.values())[-1] if rest else UNKNOWN)


def text(raw: bytes) -> str:
    """Printable text up to the first NUL."""
    return "".join(chr(code) for code in raw.split(b"\0")[0] if 32 <= code < 127)


_TEXTS: Final[Mapping[str, Convert]] = {
    "hex": bytes.hex,
    "text": text,
    "dot": lambda raw: ".".join(map(str, raw)),
}


_STEPS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "/": lambda value, number: value / number,
    "*": lambda value, number: value * number,
    "+": lambda value, number: value + number,
    "-": lambda value, number: value - number,
    "&": lambda value, number: value & number,
    ">>": lambda value, number: value >> number,
    "round": lambda value, digits: round(value, digits),
    "bool": lambda value, _: bool(value),
}
