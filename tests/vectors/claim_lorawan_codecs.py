"""Bytes of LoRaWAN devices and what their makers' own decoders give, against our payload tables.

The expectation is the file's ``decoded`` object, read by itself: a null is a name that is missing;
a text that is a number with a unit ("2799 mm", "0.00") is that number, since some decoders write
their numbers as texts; what only repeats the port and the bytes is left out; and the name ``false``
is ``NO``, nitric oxide, which YAML 1.1 takes for a truth value. An expected error is a refusal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from drivers.mqtt.lorawan import tables
from tests.vectors import Outcome

FILES: Final = ("lorawan/codec_vectors/*.json",)
KNOWN: Final[dict[tuple[str, str], str]] = {
    ("lorawan/codec_vectors/manhole_level.json", "15 dragino ldds75"): (
        "the published sample is cut to 4 of 8 bytes, and the decoder of that release says "
        "'No Sensor' for any length but 5; we refuse it as too short"
    ),
}

_NO_TABLE: Final = "no table for this maker or model"
_NUMBER: Final = re.compile(r"(-?\d+(?:\.\d+)?)(?: ?(?:mm|cm|°|℃|hours|minutes))?")
_CLOSE: Final = 1e-3
_SHARE: Final = 1e-6


def outcomes(data: Path) -> Iterator[Outcome]:
    """One outcome per vector; its case is its place in the file, its maker and its device."""
    for path in sorted(path for glob in FILES for path in data.glob(glob)):
        source = path.relative_to(data).as_posix()
        for number, vector in enumerate(json.loads(path.read_text("utf-8"))):
            case = f"{number} {vector['vendor']} {vector['device']}"
            yield _outcome(source, case, vector)


def _outcome(source: str, case: str, vector: Mapping[str, Any]) -> Outcome:
    payload = bytes.fromhex(vector["bytes_hex"])
    expected = vector.get("decoded")
    try:
        found = tables.decode(vector["vendor"], vector["device"], vector["fPort"] or 0, payload)
    except ValueError as error:
        if expected is None:
            return Outcome(source, case, "passed")
        return Outcome(source, case, "failed", str(error))
    if found is None:
        return Outcome(source, case, "not claimed", _NO_TABLE)
    if expected is None:
        return Outcome(source, case, "failed", f"decoded, expected {vector.get('errors')}")
    wrong = difference(_translated(expected, vector), found)
    return Outcome(source, case, "failed" if wrong else "passed", wrong)


def _translated(expected: Mapping[str, Any], vector: Mapping[str, Any]) -> dict[str, Any]:
    """The maker's object without what only repeats the question."""
    echo = {"port": str(vector["fPort"]), "raw": _list(vector["bytes_hex"])}
    return {
        "NO" if name == "false" else name: value
        for name, value in expected.items()
        if echo.get(name) != value
    }


def _list(digits: str) -> str:
    return f"[{', '.join(f'{byte:X}' for byte in bytes.fromhex(digits))}]"


def difference(expected: Any, found: Any, where: str = "") -> str:
    """Where the two differ, in words; "" where they are the same."""
    expected, found = _number(expected), _number(found)
    if isinstance(expected, dict) and isinstance(found, dict):
        wanted, given = _present(expected), _present(found)
        if missing := sorted(wanted.keys() - given.keys()):
            return f"{where}{missing[0]} is missing"
        if more := sorted(given.keys() - wanted.keys()):
            return f"{where}{more[0]} is not in the maker's object"
        pairs = ((f"{where}{name}.", wanted[name], given[name]) for name in wanted)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = (
            (f"{where}{place}.", *both)
            for place, both in enumerate(zip(expected, found, strict=True))
        )
    else:
        return "" if _same(expected, found) else f"{where.rstrip('.')}: {found!r}, not {expected!r}"
    return next((wrong for at, one, two in pairs if (wrong := difference(one, two, at))), "")


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _number(value: Any) -> Any:
    if isinstance(value, str) and (match := _NUMBER.fullmatch(value)):
        return float(match[1])
    return value


def _same(expected: Any, found: Any) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return abs(expected - found) <= max(_CLOSE, _SHARE * abs(expected))
    return bool(expected == found)
