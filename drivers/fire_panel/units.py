"""Application data units: the objects of each data type, by the standard's layouts. Pure.

GB/T 26875.3 figure 5: type flag, number of objects, then the objects, most with a time behind
each. Devices are met that leave the times out, or count their objects wrongly.
"""

from __future__ import annotations

import struct
from typing import Any, Final, NamedTuple

TIME: Final = 6
"""Bytes of an object's time."""


class Object(NamedTuple):
    """One information object: its fields in order, and its time where it brought one."""

    fields: tuple[Any, ...]
    time: bytes | None


class Layout(NamedTuple):
    """The bytes of one object without its time, and whether a time follows."""

    body: struct.Struct
    time: str
    """``yes``, ``no``, or ``needed`` where the time is all that the object says."""


def _layout(form: str, time: str = "yes") -> Layout:
    return Layout(struct.Struct("<" + form), time)


LAYOUTS: Final[dict[int, Layout]] = {
    1: _layout("BBH"),
    2: _layout("BBB4sH31s"),
    3: _layout("BBB4sBh"),
    4: _layout("BBBB"),
    5: _layout("BBBB", "no"),
    7: _layout("BBB4s31s", "no"),
    8: _layout("BB", "needed"),
    21: _layout("B"),
    24: _layout("BB"),
    25: _layout("BB", "no"),
    28: _layout("", "needed"),
}
"""8.2.1.1 to 8.2.1.10. Types 6 and 26 hold texts of varying length."""

TEXTS: Final = {6: 2, 26: 0}
"""Type -> bytes before the length byte of its text (8.2.1.6, 8.2.1.11)."""

Objects = tuple[list[Object], str]
"""What could be read, and what was wrong with the rest."""


def objects(kind: int, count: int, body: bytes) -> Objects:
    """The objects of data type ``kind``; every whole one, however the count and length disagree."""
    if kind in TEXTS:
        return _texts(TEXTS[kind], count, body)
    return _fixed(LAYOUTS[kind], count, body)


def _fixed(layout: Layout, count: int, body: bytes) -> Objects:
    size = layout.body.size
    with_time = size + (0 if layout.time == "no" else TIME)
    step = with_time
    if layout.time == "yes" and count and len(body) == count * size:
        step = size  # a device that leaves the times out
    whole = len(body) // step
    # a count of 0 is wrong; one that is too small says where the objects end
    taken = min(whole, count) if count else whole
    found = []
    for at in range(0, taken * step, step):
        fields = layout.body.unpack_from(body, at)
        time = body[at + size : at + with_time] if step == with_time > size else None
        found.append(Object(fields, time))
    if taken * step == len(body) and taken == count:
        return found, ""
    return found, f"{count} objects of {step} bytes are announced, {len(body)} bytes came"


def _texts(head: int, count: int, body: bytes) -> Objects:
    found: list[Object] = []
    at = 0
    while at + head < len(body) and (len(found) < count or not count):
        length = body[at + head]
        start = at + head + 1
        if start + length > len(body):
            return found, f"a text of {length} bytes, of which {len(body) - start} came"
        found.append(Object((*body[at : at + head], body[start : start + length]), None))
        at = start + length
    if at == len(body) and len(found) == count:
        return found, ""
    return found, f"{count} objects are announced, {len(found)} came, {len(body) - at} bytes over"


def text_of(raw: bytes) -> str:
    """A text in GB 18030, padded with 00 or blanks; a character cut at the end is dropped."""
    text = raw.split(b"\0", 1)[0].decode("gb18030", "replace").rstrip("\ufffd")
    if not text.isprintable():
        text = "".join(each if each.isprintable() else " " for each in text)
    return text.strip()


def request(kind: int, count: int, body: bytes) -> bytes:
    """The application data of a request or a control command."""
    return bytes((kind, count)) + body
