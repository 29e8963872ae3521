"""Zigbee2MQTT: device models by what they announce, and the messages of its own tests.

What is expected is read from the announcement as a person would (property, description, unit,
the payload that means "on"), in tables of this file, never by the decoder's own rules.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from drivers._momentary import Momentary
from drivers.mqtt.decode import Out, Router
from drivers.mqtt.dialects.zigbee2mqtt.dialect import Dialect
from drivers.mqtt.dialects.zigbee2mqtt.options import Options
from drivers.mqtt.wire import Message
from gateway.model import DeviceSeen, Reading, Undecodable, Value
from tests.vectors import Outcome

_FOLDER: Final = "mqtt/zigbee2mqtt/"
FILES: Final = (
    _FOLDER + "exposes_*.json",
    _FOLDER + "published_messages.json",
    _FOLDER + "homebridge_fixtures/*.json",
)
KNOWN: Final[dict[tuple[str, str], str]] = {}

Values = dict[str, Value]
Expose = dict[str, Any]


def outcomes(data: Path) -> Iterator[Outcome]:
    """One outcome for each announced device and for each published message."""
    for path in sorted(data.glob(_FOLDER + "exposes_*.json")):
        seen: Counter[str] = Counter()
        for model in json.loads(path.read_text("utf-8")):
            case = f"{model['vendor']} {model['model']}"
            seen[case] += 1
            yield _device(data, path, f"{case} #{seen[case]}", model["exposes"])
    for path in sorted(data.glob(_FOLDER + "homebridge_fixtures/*.json")):
        yield from _fixture(data, path)
    for path in data.glob(_FOLDER + "published_messages.json"):
        for number, message in enumerate(json.loads(path.read_text("utf-8"))):
            if not message["topic"].startswith(("homeassistant/", "my_custom_discovery_topic/")):
                yield _published(path.relative_to(data).as_posix(), number, message)


# --- announced devices ------------------------------------------------------------------------


class _Expected(NamedTuple):
    """With property ``name`` at ``payload`` and the others at rest, these values."""

    name: str
    payload: Any
    values: Values


_KIND_OF: Final = (
    ("smoke", r"smoke|smoke_alarm"),
    ("heat", r"heat"),
    ("co", r"carbon_monoxide"),
    ("gas", r"gas"),
    ("panic", r"sos"),
    ("water", r"(active_)?water_leak(_\w+)?|\w+_leak_detect_\d+"),
    ("contact", r"contact|opening_state"),
    ("infrared", r"occupancy|presence"),
)
_ALARMS: Final = re.compile(r"smoke|carbon_monoxide|gas|sos|heat")
_BINARIES: Final = (
    (re.compile(_KIND_OF[5][1]), "leak"),
    (re.compile(r"occupancy|presence"), "occupied"),
    (re.compile(r"vibration"), "vibration"),
    (re.compile(r"tamper"), "tamper"),
    (re.compile(r"(channel_\d+_)?battery_low(_\d+)?"), "battery_low"),
    (re.compile(r"fault_alarm|fault|trouble|end_of_life"), "fault"),
    (re.compile(r"silence|temporary_mute|hush"), "muted"),
    (re.compile(r"rain"), "extra.rain"),
)
_NUMBERS: Final = {
    ("temperature", "°C"): ("temperature", 1.0),
    ("humidity", "%"): ("humidity", 1.0),
    ("co", "ppm"): ("co", 1.0),
    ("co2", "ppm"): ("co2", 1.0),
    ("gas_value", "LEL"): ("lel", 1.0),
    ("pressure", "hPa"): ("pressure", 0.1),
    ("voltage", "mV"): ("extra.battery_voltage", 0.001),
    ("power", "W"): ("power", 1.0),
    ("current", "A"): ("current", 1.0),
    ("illuminance", "lx"): ("extra.illuminance", 1.0),
    ("angle_x", "°"): ("extra.angle_x", 1.0),
    ("angle_z", "°"): ("extra.angle_z", 1.0),
    ("target_distance", "m"): ("extra.target_distance", 1.0),
}
_NUMBER: Final = 7.0
_STATES: Final[dict[str, dict[str, Values]]] = {
    r"battery_(state|level)": {"low": {"battery_low": True}, "high": {"battery_low": False}},
    r"(alarm|smoke|gas|co)_state": {
        "normal": {"alarm": False},
        "alarm": {"alarm": True},
        "alarmed": {"alarm": True},
        "warning_alarm": {"alarm": True},
        "critical_alarm": {"alarm": True},
        "prealarm": {"alarm": False},
    },
    r"fault": {"none": {"fault": False}, "fault": {"fault": True}, "probe_fault": {"fault": True}},
    r"opening_state": {"open": {"open": True}, "tilted": {"open": True}, "closed": {"open": False}},
    r"self_test(_result)?|test_alarm_result": {
        "failure": {"fault": True},
        "check_failure": {"fault": True},
        "success": {"test": False, "fault": False},
        "check_success": {"test": False, "fault": False},
    },
    r"fault_state": {"normal": {"fault": False}, "sensor_fault": {"fault": True}},
    r"muted": {"normal": {"muted": False}, "temporary": {"muted": True}},
}
_AT_REST: Final = {"enum": ("normal", "none", "closed", "high", "success", "check_success")}
_QUIET: Final = ("alarm", "leak", "occupied", "vibration", "tamper", "fault", "test", "open")


def _device(data: Path, path: Path, case: str, exposes: list[Expose]) -> Outcome:
    source = path.relative_to(data).as_posix()
    flat = {each["property"]: each for each in _flat(exposes)}
    if not flat:
        return Outcome(source, case, "not claimed", "announces nothing that is published")
    expected = list(_expected(flat))
    kind = _kind(flat)
    if not expected:
        return Outcome(source, case, "not claimed", "unknown device: nothing the driver is for")
    wrong = _differences(exposes, flat, kind, expected)
    if wrong:
        return Outcome(source, case, "failed", "; ".join(wrong[:5]))
    return Outcome(source, case, "passed")


def _differences(
    exposes: list[Expose], flat: dict[str, Expose], kind: str, expected: list[_Expected]
) -> list[str]:
    bridge = _Bridge()
    (seen,) = bridge.says("bridge/devices", [_entry("d", exposes)])
    wrong = []
    if not isinstance(seen, DeviceSeen) or (kind and seen.kind != kind):
        wrong.append(f"kind {kind} expected: {seen}")
    rest = {name: _rest(each) for name, each in flat.items() if name != "action"}
    calm = bridge.values("d", rest)
    wrong += [f"at rest {name} is true" for name in _QUIET if calm.get(name) is True]
    missing = _missing(flat, calm, rest)
    wrong += [f"{name} is lost" for name in missing]
    for name, payload, values in expected:
        found = bridge.values("d", rest | {name: payload})
        for value, wanted in values.items():
            if found.get(value) != wanted:
                wrong.append(f"{name}={payload!r}: {value} {wanted!r} expected: {found}")
        bridge.values("d", rest)
    return wrong


def _flat(exposes: list[Expose]) -> Iterator[Expose]:
    """What a message holds on its first level."""
    for each in exposes:
        if each.get("features") and each["type"] != "composite":
            yield from _flat(each["features"])
        elif each.get("property") and each.get("access", 1) & 1 and not each.get("features"):
            yield each


def _settable(each: Expose) -> bool:
    return bool(each.get("access", 1) & 2)


def _kind(flat: dict[str, Expose]) -> str:
    for kind, pattern in _KIND_OF:
        if kind == "panic" and any(_cries(word) for word in _actions(flat)):
            return kind
        for name, each in flat.items():
            if re.fullmatch(pattern, name) and each["type"] in ("binary", "enum"):
                return kind
    return ""


def _actions(flat: dict[str, Expose]) -> list[str]:
    return list(flat["action"].get("values") or ()) if "action" in flat else []


def _cries(word: str) -> bool:
    return word in ("emergency", "panic", "sos", "help")


def _rest(each: Expose) -> Any:
    """The property while nothing is the matter."""
    if each["type"] == "binary":
        if each["property"] == "contact":
            return _closed(each)
        return each.get("value_off", False)
    if each["type"] == "numeric":
        return _NUMBER
    if each["type"] == "enum":
        words = each.get("values") or ["none"]
        return next((word for word in _AT_REST["enum"] if word in words), words[0])
    return "normal" if each["type"] == "text" and not _settable(each) else f"typed {each['name']}"


def _closed(each: Expose) -> Any:
    """``contact`` says of itself: closed is true, in whichever of its two words that is."""
    true = [
        word
        for word in (each.get("value_on", True), each.get("value_off", False))
        if word in (True, "ON")
    ]
    return true[0]


def _expected(flat: dict[str, Expose]) -> Iterator[_Expected]:
    kind = _kind(flat)
    for word in _actions(flat):
        if _cries(word):
            yield _Expected("action", word, {"alarm": True})
    for name, each in flat.items():
        if each["type"] == "binary":
            yield from _of_binary(name, each, kind)
        elif each["type"] == "numeric" and not _settable(each):
            yield from _of_number(name, each, flat)
        elif each["type"] in ("enum", "text") and not _settable(each):
            for pattern, states in _STATES.items():
                if re.fullmatch(pattern, name):
                    allowed = each.get("values") or list(states)
                    for word, values in states.items():
                        if word in allowed:
                            yield _Expected(name, word, values)


def _of_binary(name: str, each: Expose, kind: str) -> Iterator[_Expected]:
    on, off = each.get("value_on", True), each.get("value_off", False)
    if name == "contact":
        closed = _closed(each)
        yield _Expected(name, closed, {"open": False})
        yield _Expected(name, off if closed == on else on, {"open": True})
    elif _ALARMS.fullmatch(name) or (name == "alarm" and not _settable(each)):
        yield _Expected(name, on, {"alarm": True})
        yield _Expected(name, off, {"alarm": False})
    elif name in ("test", "self_test", "test_mode"):
        yield _Expected(name, on, {"test": True})
    for pattern, value in _BINARIES:
        if pattern.fullmatch(name) and (value == "muted" or not _settable(each)):
            rings: Values = {"alarm": True} if value == "occupied" and kind == "infrared" else {}
            yield _Expected(name, on, {value: True} | rings)
            yield _Expected(name, off, {value: False})


def _of_number(name: str, each: Expose, flat: dict[str, Expose]) -> Iterator[_Expected]:
    unit = each.get("unit") or ""
    if name == "battery" and "smoke_battery" not in flat:
        yield _Expected(name, 43, {"battery": 43.0})
    elif name == "voltage" and unit == "V":
        value = "voltage" if "power" in flat else "extra.battery_voltage"
        yield _Expected(name, 3.5, {value: 3.5})
    elif (name, unit) in _NUMBERS:
        value, factor = _NUMBERS[name, unit]
        negative = name == "temperature"
        payload = -12.5 if negative else 40.0
        yield _Expected(name, payload, {value: round(payload * factor, 6)})


def _missing(flat: dict[str, Expose], calm: Values, rest: dict[str, Any]) -> list[str]:
    """Measured numbers that are in no value, unless there are more than a message may bring."""
    measured = [
        name
        for name, each in flat.items()
        if not _settable(each) and each["type"] == "numeric" and rest.get(name) == _NUMBER
    ]
    if len(flat) > 32:
        return []
    numbers = sum(isinstance(value, float) for value in calm.values())
    return measured if numbers < len(measured) else []


def _fixture(data: Path, path: Path) -> Iterator[Outcome]:
    content = json.loads(path.read_text("utf-8"))
    if not isinstance(content, list):
        source = path.relative_to(data).as_posix()
        yield Outcome(source, "file", "not claimed", "no list of exposes")
    elif content and "friendly_name" in content[0]:
        for entry in content:
            exposes = (entry.get("definition") or {}).get("exposes") or []
            yield _device(data, path, entry["friendly_name"], exposes)
    else:
        yield _device(data, path, path.stem, content)


# --- published messages -----------------------------------------------------------------------

_PLAIN: Final = {
    "battery": "battery",
    "temperature": "temperature",
    "humidity": "humidity",
    "power": "power",
    "contact": None,
    "occupancy": None,
    "last_seen": None,
    "device": None,
    "update": None,
}
"""Fields of these messages that have a name in the tables; None: looked at elsewhere."""


def _published(source: str, number: int, message: dict[str, Any]) -> Outcome:
    topic, payload = message["topic"], message["payload"]
    case = f"{number} {topic}"
    name = topic.partition("/")[2]
    if not topic.startswith("zigbee2mqtt/"):
        return Outcome(source, case, "not claimed", "not below the bridge's base topic")
    items = _Bridge().says(name, payload.encode(), retained=message["retain"] is True)
    wrong = _wrong_items(name, payload, items, message["retain"] is True)
    return Outcome(source, case, "failed" if wrong else "passed", wrong)


def _wrong_items(name: str, payload: str, items: list[Out], retained: bool) -> str:
    if any(isinstance(item, Undecodable) for item in items):
        return f"refused: {items}"
    readings = [item for item in items if isinstance(item, Reading)]
    if not payload:
        return f"a deleted topic says {items}" if items else ""
    fields = json.loads(payload)
    if name.endswith("/availability") or name == "bridge/state":
        online = fields["state"] == "online"
        if [each.values for each in readings] != [{"extra.online": online}]:
            return f"online {online} expected: {items}"
    elif name == "bridge/devices":
        wanted = {each["friendly_name"] for each in fields if each["type"] != "Coordinator"}
        seen = {item.device for item in items if isinstance(item, DeviceSeen)}
        if not seen <= wanted or len(wanted - seen) > sum(each["disabled"] for each in fields):
            return f"{sorted(wanted - seen)} are not seen"
    elif name == "bridge/event" and fields["type"] == "device_leave":
        if [each.values for each in readings] != [{"extra.online": False}]:
            return f"a device that left expected: {items}"
    elif name.startswith("bridge/"):
        return f"no reading expected: {items}" if items else ""
    else:
        return _wrong_state(name, fields, readings, retained)
    return ""


def _wrong_state(name: str, fields: dict[str, Any], readings: list[Reading], retained: bool) -> str:
    wanted = _state(fields)
    if not wanted:
        return f"nothing expected: {readings}" if readings else ""
    if len(readings) != 1 or readings[0].device != name or readings[0].retained is not retained:
        return f"one reading of {name} expected: {readings}"
    found = readings[0].values
    wrong = [f"{key} {value!r}" for key, value in wanted.items() if found.get(key) != value]
    extra = found.keys() - wanted.keys()
    return f"{wrong} expected, {sorted(extra)} not: {found}" if wrong or extra else ""


def _state(fields: dict[str, Any]) -> Values:
    """The values that a person reads in a device's JSON that nobody announced."""
    values: Values = {}
    for key, raw in fields.items():
        if raw is None or isinstance(raw, (dict, list)):
            continue
        if key == "state" and raw in ("ON", "OFF"):
            values["on"] = raw == "ON"
        elif key == "linkquality":
            values["link"] = round(raw * 100 / 255, 1)
        elif key == "voltage":
            values["extra.battery_voltage"] = raw / 1000
        elif key not in _PLAIN:
            values[f"extra.{key}"] = raw if isinstance(raw, (bool, str)) else float(raw)
        elif (plain := _PLAIN[key]) is not None:
            values[plain] = float(raw)
    return values


# --- the dialect, fed -------------------------------------------------------------------------


class _Bridge:
    """A fresh dialect."""

    def __init__(self) -> None:
        self._router = Router([Dialect(Options())])

    def says(self, name: str, payload: object, *, retained: bool = False) -> list[Out]:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        message = Message(f"zigbee2mqtt/{name}".encode(), raw, retained, b"", len(raw))
        return list(self._router.decode(message))

    def values(self, name: str, state: dict[str, Any]) -> Values:
        """The values of one state; a refusal shows as one."""
        found: Values = {}
        for item in self.says(name, state):
            if isinstance(item, Momentary):
                found |= item.reading.values
            elif isinstance(item, Reading):
                found |= item.values
            elif isinstance(item, Undecodable):
                found["refused"] = item.reason
        return found


def _entry(name: str, exposes: list[Expose]) -> dict[str, Any]:
    return {
        "friendly_name": name,
        "ieee_address": "0x00158d0001a2b3c4",
        "type": "EndDevice",
        "definition": {"vendor": "", "model": "", "exposes": exposes},
    }
