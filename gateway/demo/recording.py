"""The shipped recordings, read: what was sent, and at which second of the demo.

A line of a recording is a JSON object: ``t`` (seconds from the start) and either ``topic``
with ``payload`` (any JSON, or a text that is sent as it is) and optionally ``retain``, or
``line`` (one line of a serial device). ``recordings/SOURCES.md`` names the source of each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

FOLDER: Final = Path(__file__).parent / "recordings"
CAMERA: Final = FOLDER / "traffic_camera.mp4"
MQTT: Final = ("smoke", "manholes", "doors", "water_leak", "environment", "water_level")
SERIAL: Final = "infrared"
PERIOD: Final = 150.0
"""Seconds after which every recording begins again: a little longer than the longest."""


class Message(NamedTuple):
    """One MQTT message at second ``t``."""

    t: float
    topic: str
    payload: bytes
    retain: bool


class Line(NamedTuple):
    """One line of a serial device at second ``t``, with its line end."""

    t: float
    content: bytes


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    t: float
    topic: str = ""
    payload: Any = None
    retain: bool = False
    line: str = ""


def messages(name: str) -> list[Message]:
    """The MQTT recording ``name``, in the order of its times."""
    return [
        Message(row.t, row.topic, _payload(row.payload), row.retain)
        for row in _rows(name)
        if row.topic
    ]


def lines(name: str) -> list[Line]:
    """The serial recording ``name``, in the order of its times."""
    return [Line(row.t, f"{row.line}\n".encode("ascii")) for row in _rows(name) if row.line]


def _rows(name: str) -> list[_Row]:
    decoder = msgspec.json.Decoder(_Row)
    rows = decoder.decode_lines((FOLDER / f"{name}.ndjson").read_bytes())
    return sorted(rows, key=lambda row: row.t)


def _payload(payload: Any) -> bytes:
    return payload.encode() if isinstance(payload, str) else msgspec.json.encode(payload)
