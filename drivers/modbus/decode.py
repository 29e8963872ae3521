"""Registers and bits to values. Pure.

registers ──▶ bytes in the declared order ──▶ raw number ──▶ bits, sign, absent? ──▶ scaled
                                                              words, truth, range ──▶ value
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from drivers._values import coerce, number, shown
from drivers.modbus.plan import Block
from drivers.modbus.points import BITS, Point
from gateway.model import Value, every_value_name

_FORMATS: Final = {
    "u16": ">H", "i16": ">h", "sm16": ">H", "u32": ">I", "i32": ">i",
    "f32": ">f", "u64": ">Q", "i64": ">q", "f64": ">d",
}  # fmt: skip
_SIGN: Final = 0x8000


class Fault(NamedTuple):
    """A point whose content is no value: its bytes and the reason."""

    point: Point
    raw: bytes
    reason: str


class Found(NamedTuple):
    """What one block said."""

    values: dict[tuple[str, str], Value]
    """(part, value name) -> value."""
    faults: tuple[Fault, ...]


def read(block: Block, answer: Sequence[int]) -> Found:
    """The values of ``block``: registers of 16 bits, or bits, from its address on.

    A point that can not be read hides no other. An identity that is another model's leaves none.
    """
    values: dict[tuple[str, str], Value] = {}
    faults: list[Fault] = []
    for point in block.points:
        at = point.address - block.address
        own = answer[at : at + point.size]
        try:
            value = value_of(point, own)
        except ValueError as error:
            faults.append(Fault(point, in_order(point, own), f"{point.name}: {error}"))
            if point.expect:
                return Found({}, tuple(faults))
            continue
        if value is not None:
            values[point.part, point.value] = value
    return Found(values, tuple(faults))


def value_of(point: Point, answer: Sequence[int]) -> Value | None:
    """The value of ``point``; None where the device says that it has none. ValueError: why not."""
    if len(answer) != point.size:
        raise ValueError(f"{len(answer)} of {point.size} places in the answer")
    raw = raw_of(point, answer)
    if point.absent and not {raw, unsigned(point, answer)}.isdisjoint(point.absent):
        return None
    if point.expect:
        if {raw, unsigned(point, answer)}.isdisjoint(point.expect):
            wanted = " or ".join(map(str, point.expect))
            raise ValueError(f"holds {shown(raw)}, not {wanted}: another device?")
        return None
    if point.words:
        if raw not in point.words:
            raise ValueError(f"{shown(raw)} has no word")
        return coerce(point.value, point.words[int(raw)])
    return _truth(point, raw) if _is_truth(point) else _quantity(point, raw)


def raw_of(point: Point, answer: Sequence[int]) -> int | float | str:
    """What the places hold, before any scaling."""
    if point.table in BITS:
        return 1 if answer[0] else 0
    data = in_order(point, answer)
    if point.type == "text":
        try:
            return data.rstrip(b"\0 ").decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError("the registers hold no text") from None
    raw: int | float = struct.unpack(_FORMATS[point.type], data)[0]
    if isinstance(raw, float):
        return raw
    if point.bit is not None:
        raw = raw >> point.bit & (1 << point.bits) - 1
    elif point.type == "sm16" and raw & _SIGN:
        raw = -(raw & ~_SIGN)
    return raw


def unsigned(point: Point, answer: Sequence[int]) -> int:
    """The same without a sign: a manual's 0x8000 is -32768 in an i16."""
    return int.from_bytes(in_order(point, answer), "big")


def in_order(point: Point, answer: Sequence[int]) -> bytes:
    """The registers as bytes, highest first; bits as one byte each."""
    if point.table in BITS:
        return bytes(bool(place) for place in answer)
    swapped = point.order in ("BADC", "DCBA")
    words = [(place & 0xFFFF).to_bytes(2, "little" if swapped else "big") for place in answer]
    if point.order in ("CDAB", "DCBA"):
        words.reverse()
    return b"".join(words)


def _is_truth(point: Point) -> bool:
    known = every_value_name().get(point.value)
    if known is not None:
        return known.type is bool
    one_bit = point.table in BITS or (point.bit is not None and point.bits == 1)
    return one_bit or bool(point.true or point.false)


def _truth(point: Point, raw: int | float | str) -> bool:
    """By the declared numbers; one list alone: anything else is the other; else 0 and 1."""
    if raw in point.true:
        found = True
    elif raw in point.false:
        found = False
    elif point.true and point.false:
        raise ValueError(f"{shown(raw)} is neither in true nor in false")
    elif point.true or point.false:
        found = not point.true
    elif raw in (0, 1):
        found = bool(raw)
    else:
        raise ValueError(f"{shown(raw)} is neither 0 nor 1")
    return found is not point.invert


def _quantity(point: Point, raw: int | float | str) -> Value | None:
    if isinstance(raw, str):
        return coerce(point.value, raw)
    if point.negative_from is not None and raw >= point.negative_from:
        raw = point.negative_from - raw
    if point.scale != 1.0 or point.offset != 0.0:
        scaled = (number(raw) or 0.0) * point.scale + point.offset
        raw = float(f"{scaled:.12g}")  # 658 * 0.1 is 65.8 to people
    value = coerce(point.value, raw)
    if point.range is not None and isinstance(value, float):
        low, high = point.range
        if not low <= value <= high:
            raise ValueError(f"{value:g} lies outside {low:g} to {high:g}")
    return value
