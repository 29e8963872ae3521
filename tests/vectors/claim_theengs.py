"""Bluetooth advertisements and the JSON that a Theengs gateway publishes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from drivers._momentary import Momentary
from drivers.mqtt.decode import Router
from drivers.mqtt.dialects.theengs.dialect import Dialect
from drivers.mqtt.dialects.theengs.options import Options
from drivers.mqtt.wire import Message
from gateway.model import Reading, Undecodable, Value
from tests.vectors import Outcome

FILES: Final = ("mqtt/theengs_ble/*.json",)
KNOWN: Final[dict[tuple[str, str], str]] = {}

_NUMBERS: Final = {
    "tempc": "temperature",
    "hum": "humidity",
    "batt": "battery",
    "co2": "co2",
    "pm25": "pm2_5",
    "rot": "tilt",
    "for": "extra.formaldehyde",
    "pres": "extra.pressure",
    "lux": "extra.lux",
    "moi": "extra.moi",
    "accx": "extra.accx",
    "accy": "extra.accy",
    "accz": "extra.accz",
}
_FLAGS: Final = {
    "open": ("open",),
    "motion": ("occupied", "alarm"),
    "movement": ("occupied", "alarm"),
}
_CONTACT: Final = {"open": True, "timeout not closed": True, "closed": False}
_MOVERS: Final = ("WCVR", "ACTR")
"""Curtains and pushers move themselves."""
_BUTTONS: Final = ("button", "button1", "button2", "button3", "button4")
_PRIVATE: Final = ("RMAC", "BODY")


def outcomes(data: Path) -> Iterator[Outcome]:
    """One outcome for each advertisement."""
    for path in sorted(data.glob(FILES[0])):
        source = path.relative_to(data).as_posix()
        for index, vector in enumerate(json.loads(path.read_text(encoding="utf-8"))):
            said = vector.get("expected")
            if not isinstance(said, dict):
                yield Outcome(source, f"{index:03d}", "not claimed", "nothing is published of it")
                continue
            case = f"{index:03d} {said.get('model_id', '')}"
            yield _case(source, case, said)


def _case(source: str, case: str, said: Mapping[str, Any]) -> Outcome:
    if said.get("type") in _PRIVATE or "type" not in said or "model" not in said:
        return Outcome(source, case, "not claimed", "a person's own device, or an unknown one")
    wanted = _wanted(said)
    mac = str(said.get("mac", "AA:BB:CC:00:00:01"))
    payload = json.dumps({"id": mac, "rssi": -71, **said}).encode()
    topic = f"home/gateway/BTtoMQTT/{mac.replace(':', '')}".encode()
    router = Router([Dialect(Options())])
    items = [
        item.reading if isinstance(item, Momentary) else item
        for item in router.decode(Message(topic, payload, False, b"", len(payload)))
    ]
    bad = [item for item in items if isinstance(item, Undecodable)]
    readings = [item for item in items if isinstance(item, Reading)]
    if not wanted:
        if bad:
            return Outcome(source, case, "failed", bad[0].reason)
        return Outcome(source, case, "not claimed", "no measured value in it")
    wrong = _differs(wanted, readings, mac) or (bad[0].reason if bad else "")
    return Outcome(source, case, "failed" if wrong else "passed", wrong)


def _wanted(said: Mapping[str, Any]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for field, name in _NUMBERS.items():
        if type(said.get(field)) in (int, float):
            found[name] = float(said[field])
    for field, names in _FLAGS.items() if said["type"] not in _MOVERS else ():
        if isinstance(said.get(field), bool):
            found |= dict.fromkeys(names, said[field])
    if said.get("contact") in _CONTACT:
        found["open"] = _CONTACT[said["contact"]]
    for field in _BUTTONS:
        if type(said.get(field)) is int:
            found[f"extra.{field}"] = float(said[field])
    if type(said.get("lvl_cm")) in (int, float):
        found["level"] = said["lvl_cm"] / 100
    if type(said.get("volt")) in (int, float):
        name = "voltage" if said["type"] == "ENRG" else "extra.battery_voltage"
        found[name] = float(said["volt"])
    return found


def _differs(wanted: dict[str, Value], readings: list[Reading], mac: str) -> str:
    if len(readings) != 1:
        return f"{len(readings)} readings"
    (reading,) = readings
    if reading.device != mac.replace(":", ""):
        return f"device {reading.device}"
    for name, value in wanted.items():
        found = reading.values.get(name)
        if isinstance(value, bool) or not isinstance(found, float):
            if found is not value:
                return f"{name} should be {value}, is {found}"
        elif abs(float(value) - found) > 1e-6:
            return f"{name} should be {value}, is {found}"
    if "alarm" in reading.values and "alarm" not in wanted:
        return "an alarm out of nothing"
    return ""
