"""Sparkplug B: the payloads of the specification, in bytes that another encoder made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gateway import sparkplug
from tests.vectors import Outcome

FILES: Final = ("protocols/sparkplug/*.json",)
KNOWN: Final[dict[tuple[str, str], str]] = {}
_TYPES: Final = [
    "-",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Float",
    "Double",
    "Boolean",
    "String",
    "DateTime",
    "Text",
]


def outcomes(data: Path) -> Iterator[Outcome]:
    """Each payload: decoded it is what the text says, and written it is the same bytes."""
    for path in sorted(data.glob(FILES[0])):
        source = f"protocols/sparkplug/{path.name}"
        for index, vector in enumerate(json.loads(path.read_text(encoding="utf-8"))["vectors"]):
            case = f"{index} {vector['section']}"
            if "hex" not in vector:
                yield Outcome(source, case, "not claimed", "the file has no bytes for it")
                continue
            wrong = _difference(bytes.fromhex(vector["hex"]), vector["payload"])
            result = Outcome(source, case, "failed", wrong) if wrong else None
            yield result or Outcome(source, case, "passed")


def _difference(raw: bytes, wanted: dict[str, Any]) -> str:
    try:
        found = sparkplug.decode(raw)
    except ValueError as error:
        return str(error)
    if (found.at, found.seq) != (wanted.get("timestamp"), wanted.get("seq")):
        return f"time and seq are {found.at}, {found.seq}"
    for metric, said in zip(found.metrics, wanted.get("metrics", []), strict=True):
        got = (metric.name, metric.at, metric.alias, _TYPES[metric.datatype])
        if got != (said["name"], said.get("timestamp"), said.get("alias"), said["dataType"]):
            return f"{said['name']} is {got}"
        if metric.value != said["value"]:
            return f"{said['name']} is {metric.value!r}"
    return "" if sparkplug.encode(found) == raw else "written again, the bytes differ"
