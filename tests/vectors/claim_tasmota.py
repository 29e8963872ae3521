"""Tasmota's documented messages, and a peer's behaviour sequences in virtual time.

Expected values are read from the payloads by the small tables here, not by the dialect.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from drivers._momentary import Holds, Momentary
from drivers.mqtt.decode import Filter, Publish, Router
from drivers.mqtt.dialects.tasmota.dialect import Dialect
from drivers.mqtt.dialects.tasmota.options import Options
from drivers.mqtt.wire import Message
from gateway.model import DeviceSeen, Item, Reading, Undecodable, Value
from tests.vectors import Outcome
from tests.virtual import VirtualClock

FILES: Final = ("mqtt/tasmota/*.json", "mqtt/behaviour_sequences/tasmota_binary_sensor.json")
KNOWN: Final[dict[tuple[str, str], str]] = {}

_TEMPERATURES: Final = ("Temperature", "AMBTMP")
_FIELDS: Final = {
    "Humidity": "humidity",
    "CarbonDioxide": "co2",
    "PM2.5": "pm2_5",
    "TVOC": "tvoc",
    "Battery": "battery",
}
_ENERGY: Final = {"Power": "power", "Voltage": "voltage", "Current": "current"}
_ZIGBEE: Final = {
    "Temperature": "temperature",
    "Humidity": "humidity",
    "Battery": "battery",
    "BatteryPercentage": "battery",
}
_ZIGBEE_FLAGS: Final = {
    "Contact": "open",
    "Occupancy": "occupied",
    "Fire": "alarm",
    "CO": "alarm",
    "Water": "leak",
}
_BITS: Final = {"tamper": 0x4, "battery_low": 0x8, "fault": 0x40, "test": 0x100}
_REASONS: Final = {
    "IrReceived": "an infrared remote control's code",
    "SerialReceived": "a line of a serial port",
    "SSerialReceived": "a line of a serial port",
    "RfRaw": "an undecoded radio code",
    "ZbState": "the Zigbee bridge's own start-up",
    "MtrReceived": "a Matter controller's command",
    "MtrUpdate": "a Matter controller's command",
    "MtrInfo": "a Matter controller's command",
    "TuyaReceived": "an undecoded Tuya frame",
}
_ABOUT: Final = ("Id", "Time", "Epoch", "RSSI", "TotalStartTime")
_FOREIGN: Final = ("cmnd", "homeassistant", "zigbee2mqtt")
_WANTED: Final = frozenset(
    {"temperature", "humidity", "battery", "power", "voltage", "current", "on", "open", "leak"}
)


def outcomes(data: Path) -> Iterator[Outcome]:
    """One outcome for each message, and one for each sequence."""
    for path in sorted(data.glob(FILES[0])):
        source = path.relative_to(data).as_posix()
        for index, each in enumerate(json.loads(path.read_text(encoding="utf-8"))):
            case = f"{index:03d} {each.get('page', '')} {each['topic']}"
            yield _message(source, case, each)
    for path in sorted(data.glob(FILES[1])):
        source = path.relative_to(data).as_posix()
        for sequence in json.loads(path.read_text(encoding="utf-8"))["sequences"]:
            wrong = asyncio.run(_sequence(sequence))
            result: Any = "failed" if wrong else "passed"
            yield Outcome(source, sequence["name"], result, wrong)


# --- single messages ----------------------------------------------------------------------


def _message(source: str, case: str, vector: Mapping[str, Any]) -> Outcome:
    topic, payload = vector["topic"], vector["payload"]
    items = _decoded(topic, payload)
    if items is None:
        if topic.split("/")[0] in _FOREIGN:
            return Outcome(source, case, "not claimed", "a command, or another program's topic")
        return Outcome(source, case, "not claimed", "not a topic of tele or stat")
    good = [item for item in items if isinstance(item, Reading)]
    bad = [item for item in items if isinstance(item, Undecodable)]
    if vector.get("json_valid") is False:
        mended = re.search(r"[:\[,]\s*-?(nan|inf)\b", payload, re.IGNORECASE)
        if good and not bad and mended is None:  # a bare nan is absent, and no reason to complain
            return Outcome(source, case, "failed", "a broken payload was taken without a word")
        return Outcome(source, case, "passed")
    try:
        wanted = expected(topic, payload)
    except ValueError:
        return Outcome(source, case, "not claimed", "the documentation left something out of it")
    if not wanted:
        if bad:
            return Outcome(source, case, "failed", f"refused: {bad[0].reason}")
        if any(name in _WANTED for item in good for name in item.values):
            return Outcome(source, case, "failed", f"read more than it says: {good}")
        seen = _seen(topic, payload)
        if seen is not None:
            named = [item for item in items if isinstance(item, DeviceSeen)]
            known = any(
                item.device.endswith(seen[0]) and seen[1] in (item.model, item.name)
                for item in named
            )
            wrong = "" if known else f"{seen} is not announced: {named}"
            return Outcome(source, case, "failed" if wrong else "passed", wrong)
        return Outcome(source, case, "not claimed", _why_not(payload))
    wrong = _missing(wanted, good) or (f"refused: {bad[0].reason}" if bad else "")
    return Outcome(source, case, "failed" if wrong else "passed", wrong)


def _why_not(payload: str) -> str:
    """What it is, in words, that says nothing a sensor does."""
    for word, reason in _REASONS.items():
        if f'"{word}' in payload:
            return reason
    return "an answer to a command"


def _seen(topic: str, payload: str) -> tuple[str, str] | None:
    """(end of the device's address, model or name) that a message announces."""
    levels = topic.split("/")
    fields = json.loads(payload) if payload.startswith("{") else {}
    inner = fields.get("Info1", fields)
    if levels[-1] == "INFO1" and "Module" in inner:
        return levels[-2], f"{inner['Module']} {inner['Version']}"
    state = fields.get("ZbState", {})
    if state.get("ShortAddr", "0x0000") != "0x0000" and "IEEEAddr" in state:
        return "/" + state["ShortAddr"], state["IEEEAddr"]
    return None


def _decoded(topic: str, payload: str) -> list[Item] | None:
    dialect = Dialect(Options())
    if dialect.plan(topic) is None:
        return None
    raw = payload.encode()
    found = Router([dialect]).decode(Message(topic.encode(), raw, False, b"", len(raw)))
    return [
        item.reading if isinstance(item, Momentary) else item
        for item in found
        if not isinstance(item, (Filter, Publish))
    ]


def _missing(wanted: list[tuple[str, str, Value]], readings: list[Reading]) -> str:
    """What of (end of the device's address, name, value) no reading says."""
    for device, name, value in wanted:
        said = [item.values.get(name) for item in readings if item.device.endswith(device)]
        if not any(_same(value, each) for each in said):
            return f"{device}: {name} should be {value!r}, is {said}"
    return ""


def _same(one: Value, other: Value | None) -> bool:
    if type(one) not in (int, float):
        return type(one) is type(other) and one == other
    return type(other) is float and abs(float(one) - other) < 1e-3


def expected(topic: str, payload: str) -> list[tuple[str, str, Value]]:
    """(end of the device's address, value name, value) that a payload says in plain sight."""
    levels = topic.split("/")
    device = levels[-2] if levels[0] in ("tele", "stat") else levels[0]
    what = levels[-1]
    if what == "LWT":
        return [(device, "extra.online", payload.strip().lower() == "online")]
    if re.fullmatch(r"POWER1?", what) and payload in ("ON", "OFF"):
        return [(device, "on", payload == "ON")]
    if not payload.lstrip().startswith("{"):
        return [(device, f"extra.{what}", payload == "ON")] if payload in ("ON", "OFF") else []
    fields = json.loads(payload)
    if what == "INFO3":
        reason = fields.get("Info3", fields).get("RestartReason")
        return [(device, "extra.restart_reason", reason)] if reason else []
    if what.startswith("STATUS"):
        fields = fields.get("StatusSNS", fields.get("StatusSTS", {}))
    if what == "ENERGY":
        fields = {"ENERGY": fields}
    found = _relays_and_inputs(device, fields)
    found += _zigbee(fields) + _pins(device, fields)
    if what in ("SENSOR", "ENERGY") or what.startswith("STATUS"):
        found += _sensors(device, fields)
    if what == "STATE" or "Wifi" in fields:
        found += _link(device, fields)
    return found


def _relays_and_inputs(device: str, fields: Mapping[str, Any]) -> list[tuple[str, str, Value]]:
    found: list[tuple[str, str, Value]] = []
    for name, raw in fields.items():
        word = raw.get("Action", raw.get("State")) if isinstance(raw, dict) else raw
        if word not in ("ON", "OFF"):
            continue
        if re.fullmatch(r"POWER1?", name):
            found.append((device, "on", word == "ON"))
        elif re.fullmatch(r"POWER\d+", name) or re.fullmatch(r"Switch\d+", name):
            found.append((device, f"extra.{name}", word == "ON"))
    return found


def _pins(device: str, fields: Mapping[str, Any]) -> list[tuple[str, str, Value]]:
    """Port expanders tell of a changed input under a name that ends with _INT or _INP."""
    return [
        (device, f"extra.{name}_{pin}", float(state))
        for name, raw in fields.items()
        if name.endswith(("_INT", "_INP")) and isinstance(raw, dict)
        for pin, state in raw.items()
        if type(state) in (int, float)
    ]


def _link(device: str, fields: Mapping[str, Any]) -> list[tuple[str, str, Value]]:
    wifi = fields.get("Wifi")
    if not isinstance(wifi, dict) or "Signal" not in wifi:
        return []
    return [(device, "rssi", float(wifi["Signal"]))]


def _sensors(device: str, fields: Mapping[str, Any]) -> list[tuple[str, str, Value]]:
    """The first sensor of each quantity; one that was heard by radio is a device of its own."""
    found: list[tuple[str, str, Value]] = []
    owned: set[str] = set()
    for name, raw in fields.items():
        if not isinstance(raw, dict) or name.startswith("Zb"):
            continue
        radio = re.fullmatch(r".+-[0-9A-Fa-f]{6}", name) is not None
        later = re.fullmatch(r".+-([2-9]|[1-9]\d)", name) is not None
        names = _FIELDS | (_ENERGY if name == "ENERGY" else {})
        for field, number in raw.items():
            value = "temperature" if field in _TEMPERATURES else names.get(field)
            if field == "RSSI":
                found.append((name if radio else device, "rssi", float(number)))
            if isinstance(number, str) and number and field not in _ABOUT and not radio:
                found.append((device, f"extra.{name}_{field}", number))
            if type(number) not in (int, float):
                continue
            if value is None and field not in _ABOUT and fields.get("TempUnit") != "F":
                where = name if radio else device
                found.append((where, f"extra.{field if radio else name + '_' + field}", number))
            if value is None or later or value in owned:
                continue
            if not radio:
                owned.add(value)
            if value == "temperature" and fields.get("TempUnit") == "F":
                number = (number - 32) * 5 / 9
            found.append((name if radio else device, value, float(number)))
    return found


def _zigbee(fields: Mapping[str, Any]) -> list[tuple[str, str, Value]]:
    found: list[tuple[str, str, Value]] = []
    devices = fields.get("ZbReceived")
    for key, said in devices.items() if isinstance(devices, dict) else ():
        if not isinstance(said, dict):
            continue
        device = "/" + str(said.get("Name", said.get("Device", key)))
        for name, value in _ZIGBEE.items():
            if type(said.get(name)) in (int, float):
                found.append((device, value, float(said[name])))
        for name, value in _ZIGBEE_FLAGS.items():
            if said.get(name) in (0, 1):
                found.append((device, value, bool(said[name])))
        if isinstance(said.get("LinkQuality"), int):
            found.append((device, "link", round(said["LinkQuality"] * 100 / 255, 1)))
        bits = said.get("ZoneStatus", said.get("ZoneStatusChange"))
        if isinstance(bits, int):
            found += [(device, name, bool(bits & mask)) for name, mask in _BITS.items()]
    return found


# --- sequences ------------------------------------------------------------------------------


async def _sequence(sequence: Mapping[str, Any]) -> str:
    """Play a sequence on virtual time; "" or where the state differs from the peer's."""
    meaning: dict[str, Any] = {"value": "alarm", "kind": "infrared"}
    if "off_delay_s" in sequence:
        meaning["hold"] = f"{sequence['off_delay_s']}s"
    options = Options.model_validate({"inputs": {"*": {"Switch1": meaning}}})
    router, clock = Router([Dialect(options)]), VirtualClock()
    holds, state = Holds(clock), _State()
    ending = asyncio.ensure_future(holds.run(state.emit))
    try:
        for index, step in enumerate(sequence["steps"]):
            if "advance_s" in step:
                await clock.advance(step["advance_s"])
            else:
                state.play(router, holds, step["topic"], step["payload"].encode())
            await clock.advance(0)
            wrong = state.differs(step)
            if wrong:
                return f"step {index}: {wrong}"
    finally:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
    return ""


class _State:
    """What the gateway would believe of the one sensor."""

    def __init__(self) -> None:
        self.word = "unavailable"
        self.events: list[str] = []

    async def emit(self, items: Any) -> None:
        for item in items:
            self.note(item)

    def play(self, router: Router, holds: Holds, topic: str, payload: bytes) -> None:
        for each in router.decode(Message(topic.encode(), payload, False, b"", len(payload))):
            if isinstance(each, Momentary):
                for reading in holds.take(each):
                    self.note(reading)
            elif isinstance(each, Reading):
                holds.note(each)
                self.note(each)

    def note(self, reading: Reading) -> None:
        if (online := reading.values.get("extra.online")) is not None:
            self.word = "off" if online else "unavailable"
        if (alarm := reading.values.get("alarm")) is not None:
            self.word = "on" if alarm else "off"
            self.events.append(self.word)

    def differs(self, step: Mapping[str, Any]) -> str:
        if self.word != step["expect_state"]:
            return f"{self.word} and not {step['expect_state']}"
        if "expect_events" in step and self.events != step["expect_events"]:
            return f"events {self.events} and not {step['expect_events']}"
        return ""
