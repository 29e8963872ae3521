"""Status objects of real Shelly devices, by every way in which they come over MQTT.

Gen1 publishes the whole on ``info``; later ones each component on ``status/NAME``, and the whole as a
notification.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from drivers._momentary import Momentary
from drivers.mqtt.decode import Router
from drivers.mqtt.dialects.shelly.dialect import Dialect
from drivers.mqtt.dialects.shelly.options import Options
from drivers.mqtt.wire import Message
from gateway.model import Reading, Undecodable, Value
from tests.vectors import Outcome

FILES: Final = ("mqtt/shelly/*.json",)
KNOWN: Final[dict[tuple[str, str], str]] = {}

Wanted = dict[tuple[str, str], Value]
"""(what follows the device's name in the address, value name) to value."""
_GAS: Final = {"none": False, "mild": True, "heavy": True, "test": False}


def outcomes(data: Path) -> Iterator[Outcome]:
    """One outcome for each device's status."""
    for path in sorted(data.glob(FILES[0])):
        source = path.relative_to(data).as_posix()
        vector = json.loads(path.read_text(encoding="utf-8"))
        status, about = vector.get("status"), vector.get("shelly")
        if not isinstance(status, dict) or not isinstance(about, dict):
            yield Outcome(source, "status", "not claimed", "no status in it")
            continue
        later = "gen" in about
        wanted = _components(status) if later else _first(status)
        if not wanted:
            yield Outcome(source, "status", "not claimed", "it measures and switches nothing")
            continue
        device = str(about.get("id", "shellyunknown-aabbccddeeff"))
        ways = _later_ways(device, status) if later else [[_info(device, status)]]
        wrong = next((w for way in ways if (w := _differs(wanted, device, way))), "")
        yield Outcome(source, "status", "failed" if wrong else "passed", wrong)


def _info(device: str, status: Mapping[str, Any]) -> tuple[str, Any]:
    return f"shellies/{device}/info", status


def _later_ways(device: str, status: Mapping[str, Any]) -> list[list[tuple[str, Any]]]:
    single = [
        (f"{device}/status/{name}", each) for name, each in status.items() if isinstance(each, dict)
    ]
    params = {"ts": 1795300000.0, **status}
    whole = {"src": device, "method": "NotifyFullStatus", "params": params}
    return [single, [(f"{device}/events/rpc", whole)]]


def _differs(wanted: Wanted, device: str, way: list[tuple[str, Any]]) -> str:
    router = Router([Dialect(Options())])
    found: dict[tuple[str, str], Value] = {}
    for topic, message in way:
        payload = json.dumps(message).encode()
        for item in router.decode(Message(topic.encode(), payload, False, b"", len(payload))):
            reading = item.reading if isinstance(item, Momentary) else item
            if isinstance(reading, Undecodable):
                return f"{topic}: {reading.reason}"
            if isinstance(reading, Reading):
                part = reading.device.removeprefix(device)
                found |= {(part, name): value for name, value in reading.values.items()}
    for key, value in wanted.items():
        other = found.get(key)
        same = other is value if isinstance(value, bool) else other == value
        if not same:
            return f"{way[0][0]}: {key} should be {value}, is {other}"
    return ""


# --- what a status says in plain sight --------------------------------------------------------


def _object(raw: object) -> Mapping[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _objects(raw: object) -> list[Mapping[str, Any]]:
    return [_object(each) for each in raw] if isinstance(raw, list) else []


def _put(wanted: Wanted, part: str, name: str, raw: object) -> None:
    if isinstance(raw, bool):
        wanted[part, name] = raw
    elif isinstance(raw, (int, float)):
        wanted[part, name] = float(raw)


def _components(status: Mapping[str, Any]) -> Wanted:
    """Gen2 and later."""
    wanted: Wanted = {}
    for name, each in status.items():
        if not isinstance(each, dict):
            continue
        sort, _, index = name.partition(":")
        part = "" if index in ("", "0") else f"/{name}"
        if sort == "smoke":
            _put(wanted, part, "alarm", each.get("alarm"))
            _put(wanted, part, "muted", each.get("mute"))
        elif sort == "flood":
            _put(wanted, part, "leak", each.get("alarm"))
        elif sort == "temperature":
            _put(wanted, part, "temperature", each.get("tC"))
        elif sort == "humidity":
            _put(wanted, part, "humidity", each.get("rh"))
        elif sort == "devicepower":
            _put(wanted, part, "battery", _object(each.get("battery")).get("percent"))
        elif sort in ("switch", "light", "pm1", "em", "em1"):
            _put(wanted, part, "on", each.get("output"))
            for field in ("apower", "act_power", "total_act_power"):
                _put(wanted, part, "power", each.get(field))
            _put(wanted, part, "voltage", each.get("voltage"))
            for field in ("current", "total_current"):
                _put(wanted, part, "current", each.get(field))
        elif sort == "input" and isinstance(each.get("state"), bool):
            wanted["", f"extra.input_{index}"] = each["state"]
    return wanted


def _first(status: Mapping[str, Any]) -> Wanted:
    """Gen1."""
    wanted: Wanted = {}
    _put(wanted, "", "alarm", status.get("smoke"))
    _put(wanted, "", "leak", status.get("flood"))
    _put(wanted, "", "battery", _object(status.get("bat")).get("value"))
    sensor = _object(status.get("sensor"))
    if sensor.get("state") in ("open", "close"):
        wanted["", "open"] = sensor["state"] == "open"
    _put(wanted, "", "occupied", sensor.get("motion"))
    gas = _object(status.get("gas_sensor")).get("alarm_state")
    if gas in _GAS:
        wanted["", "alarm"], wanted["", "test"] = _GAS[gas], gas == "test"
    _put(wanted, "", "extra.concentration", _object(status.get("concentration")).get("ppm"))
    humidity = _object(status.get("hum"))
    if humidity.get("is_valid", True):
        _put(wanted, "", "humidity", humidity.get("value"))
    _climate(status, wanted)
    for index, each in enumerate(_objects(status.get("relays"))):
        _put(wanted, f"/relay:{index}" if index else "", "on", each.get("ison"))
    for index, each in enumerate(_objects(status.get("lights"))):
        _put(wanted, f"/light:{index}" if index else "", "on", each.get("ison"))
    for index, each in enumerate(_objects(status.get("meters"))):
        if each.get("is_valid", True):
            _put(wanted, f"/relay:{index}" if index else "", "power", each.get("power"))
    for index, each in enumerate(_objects(status.get("emeters"))):
        for name in ("power", "voltage", "current"):
            if each.get("is_valid", True):
                _put(wanted, f"/emeter:{index}" if index else "", name, each.get(name))
    return wanted


def _climate(status: Mapping[str, Any], wanted: Wanted) -> None:
    measured = _object(status.get("tmp"))
    own = any(status.get(name) for name in ("relays", "meters", "emeters", "lights", "rollers"))
    if measured.get("is_valid", True) and "tC" in measured:
        name = "extra.device_temperature" if own else "temperature"
        _put(wanted, "", name, measured["tC"])
    outside = _object(_object(status.get("ext_temperature")).get("0"))
    _put(wanted, "", "temperature", outside.get("tC"))
    if "overtemperature" in status:
        _put(wanted, "", "fault", status["overtemperature"])
