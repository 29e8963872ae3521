"""Lines of a recording to readings with their moment. Pure."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

import msgspec

from drivers._fields import converter
from drivers._times import time_ns
from drivers._values import Coerce, coerce, text
from drivers.replay.options import CsvOptions
from gateway.model import EXTRA, SECOND, Reading, Undecodable, Value, every_value_name

_KEPT: Final = 4_096
_EXTRAS: Final = 32


class Played(NamedTuple):
    """One line: when it is due, in seconds on the recording's own axis, and what it says.

    ``t`` None: with the line before it.
    """

    t: float | None
    item: Reading | Undecodable


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    t: float | None = None
    driver: str = ""
    device: str = ""
    kind: str = ""
    values: dict[str, Any] = {}
    observed_at: int | None = None
    key: str = ""


_LINE: Final = msgspec.json.Decoder(_Line)


def ndjson(lines: Iterable[bytes], source: str) -> Iterator[Played]:
    """One JSON object a line; empty lines are skipped.

    ``t`` (s), ``device``, ``values``; ``kind``, ``observed_at`` (ns) and ``key`` where known.
    """
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        try:
            line = _LINE.decode(raw)
            if not line.device or not line.values:
                raise ValueError("device and values are needed")
            values = {name: _value(name, value) for name, value in line.values.items()}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            yield Played(None, Undecodable(f"{source}:{number}", raw[:_KEPT], str(error)))
            continue
        present = {name: value for name, value in values.items() if value is not None}
        yield Played(line.t, Reading(line.device, line.kind, present, line.observed_at, line.key))


def _value(name: str, raw: object) -> Value | None:
    if name not in every_value_name() and not name.startswith(EXTRA):
        raise ValueError(f"unknown value {name!r}; for others write extra.NAME")
    try:
        return coerce(name, raw)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def from_csv(lines: Iterable[str], options: CsvOptions, source: str) -> Iterator[Played]:
    """Rows below a header, mapped by ``options``; without a time column ``every`` s apart."""
    reads = [(name, field.field, converter(name, field)) for name, field in options.values.items()]
    rows = csv.DictReader(lines, delimiter=options.delimiter)
    for number, row in enumerate(rows):
        where = f"{source}:{rows.line_num}"
        try:
            yield _row(row, reads, options, number)
        except ValueError as error:
            raw = json.dumps(row, ensure_ascii=False, default=str).encode()[:_KEPT]
            yield Played(None, Undecodable(where, raw, str(error)))


def _row(
    row: Mapping[str, Any],
    reads: list[tuple[str, str, Coerce]],
    options: CsvOptions,
    number: int,
) -> Played:
    values: dict[str, Value] = {}
    for name, column, convert in reads:
        if column not in row:
            raise ValueError(f"no column {column!r}")
        try:
            value = convert(row[column])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        if value is not None:
            values[name] = value
    device = options.device or text(row.get(options.device_column)) or ""
    if not device or not values:
        raise ValueError("no device" if not device else "no values")
    at = None
    t = number * options.every
    if (when := options.time) is not None:
        at = time_ns(row.get(when.field), when.unit, timedelta(minutes=when.zone_minutes))
        if at is None:
            raise ValueError("no time")
        t = at / SECOND
    key = text(row.get(options.key)) or "" if options.key else ""
    return Played(t, Reading(device, options.kind, values, at, key))
