"""Published frames of serial devices through declarations for ``serial_line``.

A declaration of a device is written here once, from its published fields; a frame of a device that
no declaration is for is not claimed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from drivers.serial_line.decode import Decoder
from drivers.serial_line.frame import Cutter, next_frame
from drivers.serial_line.options import Options
from gateway.model import Reading
from tests.vectors import Outcome

FILES: Final = ("protocols/serial_misc/*.json",)
KNOWN: Final[dict[tuple[str, str], str]] = {}
_SAMPLE: Final = Path(__file__).resolve().parents[2] / "drivers/serial_line/sample.yaml"


def outcomes(data: Path) -> Iterator[Outcome]:
    """One for each file, or for each of its ``vectors``."""
    for path in sorted(path for glob in FILES for path in data.glob(glob)):
        source = path.relative_to(data).as_posix()
        content = json.loads(path.read_text(encoding="utf-8"))
        vectors = content.get("vectors") or content.get("frames") or [content]
        for number, vector in enumerate(vectors):
            skipped, wrong = judged(vector if isinstance(vector, dict) else {})
            result = "not claimed" if skipped else "failed" if wrong else "passed"
            yield Outcome(source, f"frame {number}", result, skipped or wrong)  # type: ignore[arg-type]


def judged(vector: dict[str, Any]) -> tuple[str, str]:
    """Why it is not claimed, and what is wrong."""
    try:
        frame = bytes.fromhex(vector.get("frame_hex", ""))
    except (TypeError, ValueError):
        return "the frame is no hex", ""
    fields = vector.get("fields")
    if frame[:2] != b"\xa5\x5a" or frame[-2:] != b"\x55\xaa" or not isinstance(fields, dict):
        return "unknown device", ""
    if not str(fields.get("sensor_type", "")).startswith("pressure"):
        return "another quantity than the one that is declared", ""
    return "", terminal(frame, fields)


def terminal(frame: bytes, fields: dict[str, Any]) -> str:
    """The pressure terminal by the shipped sample; its frame amid noise, and spoilt."""
    raw = yaml.safe_load(_SAMPLE.read_text(encoding="utf-8"))["hydrants"]
    raw.pop("type")
    options = Options.model_validate(raw)
    assert options.frame is not None
    cutter = Cutter(partial(next_frame, options=options.frame))
    pieces = [piece for piece in cutter.feed(b"\x00\xa5" + frame + frame) if not piece.reason]
    if [piece.raw for piece in pieces] != [frame, frame]:
        return f"{len(pieces)} of 2 frames were found"
    spoilt = frame[:20] + bytes([frame[20] ^ 1]) + frame[21:]
    if any(
        not piece.reason
        for piece in Cutter(partial(next_frame, options=options.frame)).feed(spoilt)
    ):
        return "a frame with a wrong CRC was taken"
    reading = Decoder("line", options)(frame)
    wanted = Reading(
        str(fields["device"]),
        "water",
        {
            "pressure": float(round(fields["current_mpa"] * 1000, 6)),
            "battery": float(fields["battery_pct"]),
            "rssi": float(fields["rssi_dbm"]),
        },
        key=str(fields["unix_time"]),
    )
    if not isinstance(reading, Reading):
        return f"not read: {getattr(reading, 'reason', '')}"
    same = {name: value for name, value in reading.values.items() if name != "extra.limit"}
    quiet = (reading.values.get("extra.limit") == 0.0) == (fields.get("alarm") == "none")
    as_told = (reading.device, reading.kind, same, reading.key) == (
        wanted.device,
        wanted.kind,
        wanted.values,
        wanted.key,
    )
    return "" if as_told and quiet else f"{reading}, not {wanted}"
