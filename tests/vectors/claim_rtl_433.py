"""rtl_433's output for real radio captures: what the file's name says has happened.

``door_open``, ``smoke_detected``, ``device_test_tamper``, ``status_report``: the words of a name
are the truth, and each line of the file must say the same; besides, what a line says in plain
sight (battery, state words, temperatures).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from drivers._momentary import Momentary
from drivers.mqtt.decode import Router
from drivers.mqtt.dialects.rtl_433.dialect import Dialect
from drivers.mqtt.dialects.rtl_433.options import Options
from drivers.mqtt.wire import Message
from gateway.model import Reading, Undecodable, Value
from tests.vectors import Outcome

FILES: Final = ("mqtt/rtl_433/*.ndjson",)
KNOWN: Final[dict[tuple[str, str], str]] = {}

_OPEN: Final = frozenset({"open", "opened"})
_CLOSED: Final = frozenset({"close", "closed"})
_KINDS: Final = {
    "smoke": "smoke",
    "heat": "heat",
    "motion": "infrared",
    "pir": "infrared",
    "door": "contact",
    "contact": "contact",
    "leak": "water",
    "leakage": "water",
    "water": "water",
    "panic": "panic",
}
_ALARMS: Final = {
    "smoke": "alarm",
    "heat": "alarm",
    "infrared": "alarm",
    "panic": "alarm",
    "water": "leak",
}
_HAPPENED: Final = frozenset({"detected", "alarm", "alert", "triggered", "panic", "leak"})
_QUIET: Final = frozenset({"report", "status", "heartbeat", "battery", "closed", "close"})
_SEQUENCE: Final = re.compile(r"(open|close)x(\d+)")


def outcomes(data: Path) -> Iterator[Outcome]:
    """One outcome for each file."""
    for path in sorted(data.glob(FILES[0])):
        source = path.relative_to(data).as_posix()
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        try:
            messages = [json.loads(line) for line in lines]
        except ValueError:
            yield Outcome(source, "capture", "not claimed", "a line of it is no JSON")
            continue
        wrong = _file(path.stem, messages, lines)
        if wrong is None:
            reason = "unknown device: neither the name nor a line says what happened"
            yield Outcome(source, "capture", "not claimed", reason)
        else:
            yield Outcome(source, "capture", "failed" if wrong else "passed", wrong)


def _file(stem: str, messages: list[dict[str, Any]], lines: list[str]) -> str | None:
    """ "" if every line says what it should, else what differs; None: nothing to say."""
    words = frozenset(re.split(r"[^a-z]+", stem.lower()))
    series = _series(stem)
    claimed = False
    router = Router([Dialect(Options())])
    for index, (message, line) in enumerate(zip(messages, lines, strict=True)):
        wanted = _plain(message) | _named(words, message)
        if series and index < len(series):
            wanted["open"] = series[index]
        found, reasons = _said(router, line.encode())
        if reasons:
            return f"line {index}: {reasons[0]}"
        if not wanted:
            continue
        claimed = True
        if found is None:
            return f"line {index}: no reading"
        for name, value in wanted.items():
            if found.values.get(name) != value:
                return f"line {index}: {name} should be {value}, is {found.values.get(name)}"
        if wanted.get("test") is True and found.values.get("alarm") is True:
            return f"line {index}: a test became an alarm"
    return "" if claimed else None


def _said(router: Router, payload: bytes) -> tuple[Reading | None, list[str]]:
    message = Message(b"rtl_433/radio/events", payload, False, b"", len(payload))
    found: Reading | None = None
    reasons: list[str] = []
    for item in router.decode(message):
        if isinstance(item, Momentary):
            found = item.reading
        elif isinstance(item, Reading):
            found = item
        elif isinstance(item, Undecodable):
            reasons.append(item.reason)
    return found, reasons


def _series(stem: str) -> list[bool]:
    """``closex5_openx5``: five times closed, then five times open."""
    found: list[bool] = []
    for word, times in _SEQUENCE.findall(stem):
        found += [word == "open"] * int(times)
    return found


def _named(words: frozenset[str], message: Mapping[str, Any]) -> dict[str, Value]:
    """What the name of the file says has happened."""
    kind = next((_KINDS[word] for word in sorted(words) if word in _KINDS), "")
    subtype = str(message.get("subtype", message.get("device_type", ""))).lower()
    kind = _KINDS.get(subtype, kind)
    found: dict[str, Value] = {}
    if words & _OPEN and not words & _CLOSED:
        found["open"] = True
    elif words & _CLOSED and not words & _OPEN:
        found["open"] = False
    if "tamper" in words:
        found["tamper"] = True
    if "test" in words:
        found["test"] = True
        return found
    value = _ALARMS.get(kind)
    if value is None:
        return found
    if words & _HAPPENED:
        found[value] = True
    elif words & _QUIET:
        found[value] = False
    elif not _states(message):
        found[value] = True  # nothing but the device's name: the message is the event
    return found


def _states(message: Mapping[str, Any]) -> bool:
    """Whether the message has fields of its own, besides who sent it."""
    named = {"time", "model", "id", "code", "unit", "learn", "channel", "subtype", "mic"}
    return bool(message.keys() - named)


def _plain(message: Mapping[str, Any]) -> dict[str, Value]:
    """What a line says in plain sight, by the names of rtl_433's data format."""
    found: dict[str, Value] = {}
    if message.get("battery_ok") in (0, 1):
        found["battery_low"] = message["battery_ok"] == 0
    if message.get("battery") in ("OK", "LOW"):
        found["battery_low"] = message["battery"] == "LOW"
    if isinstance(message.get("temperature_C"), (int, float)):
        found["temperature"] = float(message["temperature_C"])
    if isinstance(message.get("humidity"), (int, float)):
        found["humidity"] = float(message["humidity"])
    if message.get("contact_open") in (0, 1):
        found["open"] = message["contact_open"] == 1
    elif isinstance(word := message.get("state"), str) and word.lower() in _OPEN | _CLOSED:
        found["open"] = word.lower() in _OPEN
    for name in ("tamper", "tampered"):
        if message.get(name) in (0, 1):
            found["tamper"] = message[name] == 1
    if message.get("motion") in (0, 1):
        found["occupied"] = message["motion"] == 1
    return found
