"""One report's bytes to a reading. Pure."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Final

from drivers._values import coerce, number
from drivers.serial_line.frame import checksum
from drivers.serial_line.options import (
    FORMATS,
    Checksum,
    FieldAt,
    FromGroup,
    Line,
    Options,
    Pick,
    Report,
)
from gateway.model import EXTRA, Reading, Undecodable, Value, every_value_name

_MAX_KEY: Final = 128

Raw = Mapping[str, str | int | float | None]
"""Groups of a pattern, or fields of a frame; None for a group that took no part."""


class Decoder:
    """Compiles the options once."""

    def __init__(self, source: str, options: Options) -> None:
        self._source = source
        self._line = options.line
        ignore = options.line.ignore if options.line is not None else []
        self._ignore = [re.compile(pattern) for pattern in ignore]
        self._reports = [(re.compile(report.pattern), report) for report in options.reports]

    def __call__(self, raw: bytes) -> Reading | Undecodable | None:
        """None for a line that is to be ignored."""
        try:
            if self._line is None:
                return self._from_frame(raw)
            return self._from_line(raw, self._line)
        except ValueError as error:
            return Undecodable(self._source, raw, str(error))

    def _from_line(self, raw: bytes, line: Line) -> Reading | None:
        try:
            text = raw.decode(line.encoding)
        except UnicodeDecodeError:
            raise ValueError(f"the line is not {line.encoding}") from None
        if any(pattern.fullmatch(text) for pattern in self._ignore):
            return None
        if line.checksum is not None:
            text = checked_text(text, line.checksum, line.encoding)
        for pattern, report in self._reports:
            found = pattern.fullmatch(text)
            if found is not None and _fits(report, groups := found.groupdict()):
                return read(report, groups)
        raise ValueError("no pattern fits the line")

    def _from_frame(self, raw: bytes) -> Reading:
        for _, report in self._reports:
            fields = {name: field_value(raw, at) for name, at in report.fields.items()}
            if _fits(report, fields):
                return read(report, fields)
        raise ValueError("no report fits the frame")


def field_value(frame: bytes, at: FieldAt) -> str | int | float | None:
    """The raw value; text without padding; None where the frame is too short to have it.

    ValueError for text that is none.
    """
    if not at.inside(len(frame)):
        return None
    first = at.offset % len(frame)
    part = frame[first : first + at.width]
    if at.type == "hex":
        return part.hex().upper()
    if at.type == "text":
        try:
            return part.rstrip(b"\0 ").decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"bytes {at.offset}.. are no text") from None
    (value,) = struct.unpack(FORMATS[at.type], part)
    if at.bit is not None:
        value = value >> at.bit & (1 << at.bits) - 1
    return value  # type: ignore[no-any-return]  # struct gives int or float by its format


def checked_text(text: str, options: Checksum, encoding: str) -> str:
    """The text before the checksum's mark; ValueError when the sum is wrong."""
    body, mark, digits = text.rpartition(options.after)
    if not mark:
        raise ValueError(f"no checksum: {options.after!r} is missing")
    try:
        sent = int(digits.strip(), 16)
    except ValueError:
        raise ValueError("the checksum is no hex number") from None
    summed = body.partition(options.start)[2] if options.start else body
    value = checksum(options, summed.encode(encoding))
    if sent != value:
        raise ValueError(f"checksum {sent:X}, computed {value:X}")
    return body


def read(report: Report, raw: Raw) -> Reading:
    """The reading; ValueError names the value that can not be taken."""
    values: dict[str, Value] = {}
    for name, given in report.values.items():
        known = name in every_value_name() or name.startswith(EXTRA)
        try:
            value = _pick(name, given, raw)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        if value is not None:
            values[name if known else EXTRA + name] = value
    if not values:
        raise ValueError("the report holds no value")
    key = _text(raw[report.key]) if report.key else ""
    if len(key) > _MAX_KEY:
        raise ValueError(f"a key of {len(key)} characters; {_MAX_KEY} are the limit")
    return Reading(_device(report, raw), report.kind, values, key=key)


def _pick(name: str, given: bool | float | Pick, raw: Raw) -> Value | None:
    if not isinstance(given, Pick):
        return coerce(name, given)
    value = raw[given.group]
    text = _text(value)
    if not text or text in given.absent:
        return None
    if given.true:
        if text in given.true:
            return True
        if text in given.false:
            return False
        raise ValueError(f"{text[:40]!r} is neither in true nor in false")
    if given.base == 16 and isinstance(value, str):
        value = int(value, 16)
    if given.scale != 1.0 or given.offset != 0.0:
        value = (number(value) or 0.0) * given.scale + given.offset
        value = float(f"{value:.12g}")  # 235 * 0.1 is 23.5 to people
    return coerce(name, value)


def _device(report: Report, raw: Raw) -> str:
    if not isinstance(report.device, FromGroup):
        return report.device
    name = _text(raw[report.device.group])
    if not name or len(name) > _MAX_KEY:
        raise ValueError(f"{name[:40]!r} is no device name")
    return report.device.prefix + name


def _fits(report: Report, raw: Raw) -> bool:
    return all(_text(raw[group]) == text for group, text in report.when.items())


def _text(value: str | int | float | None) -> str:
    return "" if value is None else str(value).strip()
