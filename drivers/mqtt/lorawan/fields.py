"""A decoded object, in any maker's names and shapes, to a kind and our values. Pure.

object ─▶ leaves ─▶ plan of each name ─▶ values ─▶ kind ─▶ what only the kind explains
          └ lists of earlier reports: read alike, with their own time
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from drivers._times import time_ns
from drivers.mqtt.lorawan import names
from drivers.mqtt.lorawan.decoded import Decoded, Wanted
from drivers.mqtt.lorawan.reader import Reader
from gateway.model import EXTRA, SECOND, Value

MOST_LEAVES: Final = 300
"""Fields of one object that are looked at."""
MOST_PAST: Final = 50
"""Earlier reports in one message; a LoRaWAN payload of 242 bytes holds no more."""
_DEEPEST: Final = 6
_NO_TIME: Final = 946_684_800 * SECOND
"""The year 2000: a smaller number is a duration or a clock that was never set."""
_MILLISECONDS: Final = 100_000_000_000
"""A larger number counts milliseconds: as seconds it lies three thousand years ahead."""
_MOST_MEMBERS: Final = 8
"""Members of a list of plain values that are kept, as one text."""
NOTHING: Final = Wanted()

Path = tuple[str, ...]


class Past(NamedTuple):
    """An earlier report inside a message. ``at`` in ns UTC, by the device's clock."""

    at: int
    values: dict[str, Value]


def read(fields: Mapping[str, Any], wanted: Wanted = NOTHING) -> Decoded:
    """The kind ("" where it can not be known) and the values of a decoded object."""
    reader = Reader(wanted)
    for index, (path, raw, unit) in enumerate(_leaves(fields, (), 0)):
        if index == MOST_LEAVES:
            break
        reader.take(path, raw, unit)
    return reader.finish()


def past(fields: Mapping[str, Any], wanted: Wanted = NOTHING) -> list[Past]:
    """The earlier reports in an object's lists.

    What was true once must ring nobody now, so a truth value keeps its name as an extra only.
    """
    found = []
    for raw in fields.values():
        if isinstance(raw, list) and len(raw) <= MOST_PAST and _is_past(raw):
            for each in raw:
                at = _time_of(each)
                rest = {name: field for name, field in each.items() if name not in names.TIMES}
                values = {_quiet(n, v): v for n, v in read(rest, wanted).values.items()}
                if at is not None and values:
                    found.append(Past(at, values))
    return found[:MOST_PAST]


def _quiet(name: str, value: Value) -> str:
    return EXTRA + name if isinstance(value, bool) and not name.startswith(EXTRA) else name


def _leaves(fields: Mapping[str, Any], path: Path, depth: int) -> Iterator[tuple[Path, Any, str]]:
    """The plain values with the names on the way to them, and their unit where one is beside."""
    unit = fields.get("unit")
    if isinstance(unit, str) and (measure := names.MEASURES.get(unit.lower())):
        value = next((fields[name] for name in names.VALUES if name in fields), None)
        yield (measure,), value, unit
    for name, raw in fields.items():
        here = (*path, name)
        if isinstance(raw, dict):
            if "value" in raw and not isinstance(raw["value"], (dict, list)) and len(raw) <= 5:
                unit = raw.get("unit")
                yield here, raw["value"], unit if isinstance(unit, str) else ""
            elif depth < _DEEPEST:
                yield from _leaves(raw, here, depth + 1)
        elif isinstance(raw, list):
            if depth < _DEEPEST and not _is_past(raw):
                yield from _members(raw, here, depth)
        elif raw is not None:
            yield here, raw, ""


def _members(raw: Sequence[Any], path: Path, depth: int) -> Iterator[tuple[Path, Any, str]]:
    """A list: its objects numbered from the second on, its plain values as one text."""
    plain = [str(each)[:40] for each in raw[:_MOST_MEMBERS] if isinstance(each, (str, int, float))]
    if plain:
        yield path, ", ".join(plain), ""
    for index, each in enumerate(raw[:MOST_PAST]):
        if isinstance(each, dict):
            here = path if index == 0 else (*path, str(index + 1))
            yield from _leaves(each, here, depth + 1)


def _is_past(raw: Sequence[Any]) -> bool:
    """Whether a list holds reports that have a time each."""
    return bool(raw) and all(isinstance(e, dict) and _time_of(e) is not None for e in raw[:2])


def _time_of(entry: Any) -> int | None:
    if not isinstance(entry, dict):
        return None
    for name in names.TIMES:
        raw = entry.get(name)
        try:
            if isinstance(raw, str):
                at = time_ns(raw, "iso")
            elif isinstance(raw, (int, float)):
                at = time_ns(raw, "ms" if raw > _MILLISECONDS else "s")
            else:
                continue
        except ValueError:
            continue
        if at is not None and at >= _NO_TIME:
            return at
    return None
