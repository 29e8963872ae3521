"""Whole messages of LoRaWAN network servers, and what another product makes of them.

A message passes when the device, the time, the key, the signal and every value that the other
product reads of it are in our items, after a translation of names and units that is written
here by hand. Where neither a table nor a codec knows the payload, what is checked is the
envelope and that the bytes are kept; the reason says so.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from drivers._momentary import Momentary
from drivers.mqtt.decode import Decode, Dialect
from drivers.mqtt.dialects.chirpstack.dialect import Dialect as ChirpStack
from drivers.mqtt.dialects.chirpstack.options import Options as ChirpStackOptions
from drivers.mqtt.dialects.tts.dialect import Dialect as Tts
from drivers.mqtt.dialects.tts.options import Options as TtsOptions
from gateway.model import DeviceSeen, Reading, Undecodable, Value
from tests.vectors import Outcome

FILES: Final = ("lorawan/envelopes/*.json", "lorawan/network_server_events/*")
_PEERS: Final = "lorawan/envelopes"
_EVENTS: Final = "lorawan/network_server_events"
_NO_HISTORY: Final = "the table of this model has no history records; the live values are read"
_NO_ANSWER: Final = "the table refuses this answer to a downlink; its bytes are kept"
_SERVERS: Final = ("ChirpStack", "ThingsStackCommunity", "ThingsStackIndustries")
KNOWN: Final[dict[tuple[str, str], str]] = {
    (
        f"{_PEERS}/{maker}__{model}.json",
        f"VENDORS/{maker}/{model}/{server}/uplink/{name}.json",
    ): reason
    for maker, model, servers, name, reason in (
        ("Milesight", "AM103", _SERVERS, "payload_1", _NO_HISTORY),
        ("Milesight", "AM103L", _SERVERS, "payload_1", _NO_HISTORY),
        ("Netvox", "R311A", _SERVERS, "payload_2", _NO_ANSWER),
        (
            "Milesight",
            "EM300-SLD-ZLD",
            _SERVERS[:1],
            "payload",
            "the humidity's byte is 5D, half per cents: 46.5 %; the other product says 79 %",
        ),
    )
    for server in servers
}
_MODELS: Final = {
    "Bosch Parking Lot Sensor": "Bosch TPS110",
    "Nwave G4 NPS FM": "Nwave NPS405",
    "Nwave G4 NPS SM": "Nwave NPS405",
}
"""The other product's name of a device -> the model number that an installer finds on it."""


def outcomes(data: Path) -> Iterator[Outcome]:
    """One for each message."""
    for path in sorted((data / _PEERS).glob("*.json")):
        file = json.loads(path.read_text(encoding="utf-8"))
        for message in file["messages"]:
            yield _message(f"{_PEERS}/{path.name}", file, message)
    for path in sorted((data / _EVENTS).glob("*")):
        yield _event(f"{_EVENTS}/{path.name}", path)


# --- messages with another product's reading of them --------------------------------------------


def _message(source: str, file: Mapping[str, Any], message: Mapping[str, Any]) -> Outcome:
    case, platform, payload = message["path"], message["platform"], message["payload"]
    if platform != "ChirpStack" and not platform.startswith("ThingsStack"):
        return Outcome(source, case, "not claimed", f"another network server: {platform}")
    device = _eui(payload) if isinstance(payload, dict) else ""
    if not device or not any(_times(payload)[0]):
        return Outcome(source, case, "not claimed", "no whole message: without device or time")
    event = "status" if "margin" in payload else "up"
    maker = file["vendor"]
    model = f"{maker} {file['device'].replace('_', ' ')}"
    server = "chirpstack" if platform == "ChirpStack" else "tts"
    items = _run(server, event, payload, {device: _MODELS.get(model, model)})
    wrong = _envelope(server, payload, items, device, event)
    told = "" if server == "tts" else payload.get("object") or payload.get("objectJSON")
    known, expected = not _raw(items), _telemetry(message["expected_by_peer"])
    if told:
        # the server's own codec goes first here; the other product decodes the bytes
        expected = [json.loads(told)] if isinstance(told, str) else [told]
    if not wrong and known:
        for values in filter(_possible, expected):
            wrong += _missing(values, items, maker.lower())
    if wrong:
        return Outcome(source, case, "failed", "; ".join(wrong)[:300])
    reason = "" if known else "the envelope only: no table knows the payload, it is stored raw"
    return Outcome(source, case, "passed", reason)


def _telemetry(expected: Any) -> list[Mapping[str, Any]]:
    each = expected if isinstance(expected, list) else [expected]
    found: list[Any] = []
    for one in each:
        parts = one.get("telemetry") if isinstance(one, dict) else None
        found += parts if isinstance(parts, list) else [parts]
    parts = [part.get("values", part) for part in found if isinstance(part, dict)]
    return [values for values in parts if isinstance(values, dict)]


def _eui(payload: Mapping[str, Any]) -> str:
    """Hex in ChirpStack 4 and The Things Stack, mostly base64 in ChirpStack 3."""
    if "devEUI" in payload:
        written = str(payload["devEUI"])
        return written.lower() if len(written) == 16 else base64.b64decode(written).hex()
    ids = payload.get("deviceInfo") or payload.get("end_device_ids") or {}
    return str(ids.get("devEui") or ids.get("dev_eui") or "").lower()


def _run(server: str, event: str, payload: Any, models: Mapping[str, str]) -> list[Any]:
    dialect: Dialect
    if server == "chirpstack":
        dialect = ChirpStack(ChirpStackOptions.model_validate({"models": models}))
        topic = f"application/a/device/0000000000000000/event/{event}"
    else:
        dialect = Tts(TtsOptions.model_validate({"models": models}))
        topic = f"v3/a@t/devices/d/{event}"
    decode: Decode | None = dialect.plan(topic)
    assert decode is not None
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return [each.reading if isinstance(each, Momentary) else each for each in decode(raw, False)]


def _readings(items: list[Any]) -> list[Reading]:
    return [each for each in items if isinstance(each, Reading)]


def _raw(items: list[Any]) -> bool:
    return any("extra.raw" in each.values for each in _readings(items))


def _envelope(
    server: str, payload: Mapping[str, Any], items: list[Any], device: str, event: str
) -> list[str]:
    """What is wrong with who, when and how well it was heard."""
    refused = [each.reason for each in items if isinstance(each, Undecodable)]
    readings = _readings(items)
    if refused or not readings:
        return refused or ["no reading"]
    live = readings[-1]
    wrong = [f"device {each.device}" for each in readings if each.device != device]
    seen = [each for each in items if isinstance(each, DeviceSeen)]
    if [each.device for each in seen] != [device] or not seen[0].name:
        wrong.append(f"announced as {seen}")
    again = _readings(_run(server, event, payload, {}))
    if not live.key or [each.key for each in again][-1:] != [live.key]:
        wrong.append(f"key {live.key!r}")
    times, gateways = _times(payload)
    if live.observed_at is None or abs(live.observed_at - _ns(times[0])) > 1_000:
        wrong.append(f"time {live.observed_at}")
    if gateways:
        loudest = max(gateways, key=lambda each: each.get("snr", each.get("loRaSNR", 0)))
        if live.values.get("rssi") != loudest.get("rssi"):
            wrong.append(f"rssi {live.values.get('rssi')}")
    return wrong


def _times(payload: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    if "uplink_message" not in payload:
        gateways = payload.get("rxInfo") or []
        own = [payload["time"]] if "time" in payload else []
        return own or [each["time"] for each in gateways if "time" in each], gateways
    uplink = payload["uplink_message"]
    gateways = uplink.get("rx_metadata") or []
    own = [each for each in (uplink.get("received_at"), payload.get("received_at")) if each]
    return own or [each["time"] for each in gateways if "time" in each], gateways


def _ns(text: str) -> int:
    found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return round(found.timestamp() * 1_000_000) * 1_000


# --- the other product's names in ours ------------------------------------------------------------

_NUMBERS: Final = {
    "battery_voltage": ("extra.battery_voltage", 1.0),
    "vdd": ("extra.battery_voltage", 0.001),
    "battery": ("battery", 1.0),
    "temperature": ("temperature", 1.0),
    "air_temperature": ("temperature", 1.0),
    "temperatureSensor": ("temperature", 1.0),
    "humidity": ("humidity", 1.0),
    "air_humidity": ("humidity", 1.0),
    "humiditySensor": ("humidity", 1.0),
    "co2": ("co2", 1.0),
    "co2_concentration": ("co2", 1.0),
    "tvoc": ("tvoc", 1.0),
    "total_voc": ("tvoc", 1.0),
    "pm2_5": ("pm2_5", 1.0),
    "pm2_5_mass_concentration": ("pm2_5", 1.0),
    "distance": ("extra.distance", 0.001),
    "distance_median": ("extra.distance", 0.001),
    "water_depth": ("water_level", 0.001),
    "water_level": ("water_level", 0.01),
    "lora_rssi": ("rssi", 1.0),
    "lora_snr": ("extra.snr", 1.0),
}
"""Name -> (ours, factor from its unit to ours)."""
_BY_MAKER: Final = {
    ("decentlab", "pressure"): ("pressure", 100.0),
    ("milesight", "tvoc"): ("extra.tvoc", 0.01),
}
"""Decentlab's PR26 gives bar; elsewhere it is the weather's hPa, an extra. Milesight's TVOC is a
level of 0 to 5 in hundredths, no ppb."""
_NAMES: Final = {
    "pulse_conv": "pluse_conv",
    "valve": "valve_status",
    "relay": "relay_output_status",
    "calibration": "calibration_status",
}
"""Name -> the one that the maker's own decoder has."""
_SETTINGS: Final = frozenset({"beep", "gpio_type", "sensor_type", "channel", "deltValue"})
"""How a device is set, in words of the other product's own."""
_ALARMING: Final[dict[Any, bool]] = {"threshold alarm": True, "Threshold Alarm": True}
_WORDS: Final[dict[str, tuple[str, dict[Any, bool]]]] = {
    "leakage_status": ("leak", {"leak": True, "normal": False}),
    "water_leak": ("leak", {"leak": True, "noleak": False, "no leak": False}),
    "magnet_status": ("open", {"open": True, "close": False}),
    "contact_switch": ("open", {"on": True, "off": False}),
    "occupancy": ("occupied", {"occupied": True, "vacant": False}),
    "occupied": ("occupied", {True: True, False: False, "on": True, "off": False}),
    "pir": ("occupied", {"trigger": True, "idle": False, "normal": False, 6: True}),
    "position": ("extra.tilt_alarm", {"tilt": True, "normal": False}),
    "threshold_x": ("extra.threshold_x", {"trigger": True, "normal": False}),
    "threshold_y": ("extra.threshold_y", {"trigger": True, "normal": False}),
    "threshold_z": ("extra.threshold_z", {"trigger": True, "normal": False}),
    "press": ("alarm", {"short": True, "long": True, "double": True}),
    "state": ("alarm", {"normal": False, "alarm": True}),
    "battery_health": ("battery_low", {"critical": True, "normal": False}),
    "ball_status": ("vibration", {"on": True, "off": False}),
    "temperature_abnormal": ("extra.temperature_alarm", {True: True, False: False}),
    "distance_alarming": ("extra.distance_alarm", {True: True, False: False}),
    "temperature_alarm": ("extra.temperature_alarm", _ALARMING),
    "period_count_alarm": ("extra.period_count_alarm", _ALARMING),
    "total_count_alarm": ("extra.total_count_alarm", _ALARMING),
    "water_alarm": ("extra.water_alarm", {"water flow timeout alarm": True}),
}
"""Name -> (ours, word -> truth)."""
_ENVELOPE: Final = ("lora_frame_counter", "lora_frame_port", "lora_frequency", "lora_spreading")
"""Said by the network server about the frame, not by the device."""


_DISPUTED: Final = {
    "nwave": frozenset({"battery_voltage", "battery_health", "previous_state_duration"}),
    "bosch": frozenset({"firmwareVersion", "resetCause", "debugInfo"}),
}
"""What the other product reads otherwise than the maker's own codec does of the same bytes: of
Nwave's heartbeat 00d3d800590b the codec says 3.344 V and normal, that product 2.32 V and critical;
of Bosch's start-up it turns the version round and gives the rest in words of its own."""


def _possible(values: Mapping[str, Any]) -> bool:
    """Whether the other product has read its bytes in the right order."""
    return bool(values.get("temperature", 0) < 1_000 and values.get("humidity", 0) <= 100)


def _missing(expected: Mapping[str, Any], items: list[Any], maker: str) -> list[str]:
    """What the other product reads and we do not have."""
    have: dict[str, list[Value]] = {}
    for reading in _readings(items):
        for name, value in reading.values.items():
            have.setdefault(name, []).append(value)
    wrong = []
    for name, raw in expected.items():
        if name.startswith(_ENVELOPE) or name in _SETTINGS or name in _DISPUTED.get(maker, ()):
            continue
        for ours, value in _ours(maker, name, raw):
            found = have.get(ours, []) + have.get("extra." + ours, [])
            if any(_same(value, each) for each in found):
                break
        else:
            wrong.append(f"{name} {raw!r} is not {ours} {have.get(ours)}")
    return wrong


def _ours(maker: str, name: str, raw: Any) -> Iterator[tuple[str, Value]]:
    """The names and values under which we may have it, the last one for the reason."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", _NAMES.get(name, name)).lower()
    if name.startswith("ball_status_"):
        yield f"extra.status{name[-1]}", 1.0 if raw == "on" else 0.0
    elif name in _WORDS and raw in _WORDS[name][1]:
        ours, words = _WORDS[name]
        yield ours, words[raw]
    elif isinstance(raw, (int, float)) and not isinstance(raw, bool):
        ours, factor = _BY_MAKER.get((maker, name)) or _NUMBERS.get(name, (f"extra.{snake}", 1.0))
        yield ours, raw * factor
        if name == "humidity" and isinstance(raw, int):
            yield ours, raw + 0.5  # half per cents are cut off there
        if ours == "extra.distance":
            yield "extra." + snake, raw * 1.0
    else:
        yield "extra." + snake, raw
        if name in ("valve", "relay"):
            yield "extra." + snake, {"open": "on", "close": "off"}.get(raw, raw)


def _same(expected: Value, found: Value) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, float | int) and isinstance(found, float | int):
        return abs(expected - found) <= 1e-5 * max(1.0, abs(expected))
    plain = [re.sub(r"[\W_]", "", str(each)).lower() for each in (expected, found)]
    return plain[0] == plain[1]


# --- the servers' own examples, one of each kind of message ------------------------------------------


def _event(source: str, path: Path) -> Outcome:
    raw = path.read_bytes()
    try:
        payload = json.loads(raw)
    except ValueError:
        items = _run("tts" if path.name.startswith("ttn") else "chirpstack", "up", raw, {})
        refused = [each for each in items if isinstance(each, Undecodable) and each.reason]
        done = len(items) == len(refused) == 1
        return Outcome(source, "file", "passed" if done else "failed", "" if done else str(items))
    if path.name.startswith("chirpstack"):
        wrong = _chirpstack(path.stem.rpartition("_")[2], payload)
    elif path.name.startswith("ttn"):
        wrong = _tts(payload)
    else:
        return Outcome(source, "file", "not claimed", "another network server")
    return Outcome(source, "file", "failed" if wrong else "passed", "; ".join(wrong)[:300])


def _chirpstack(event: str, payload: Mapping[str, Any]) -> list[str]:
    items = _run("chirpstack", event, payload, {})
    if event in ("ack", "txack"):
        return [] if items == [] else [f"{items}"]
    device = str(payload["deviceInfo"]["devEui"]).lower()
    wrong = _envelope("chirpstack", payload, items, device, event)
    expected: dict[str, Value] = {}
    if event == "up" and "object" not in payload:
        expected["extra.raw"] = base64.b64decode(payload.get("data", "")).hex()
    elif event == "status":
        expected["battery"] = payload.get("batteryLevel", 0.0)
        expected["extra.margin"] = payload.get("margin", 0)
    elif event == "location":
        expected = {f"extra.{name}": value for name, value in payload["location"].items()}
    elif event == "log":
        expected["extra.log"] = payload["code"]
    return wrong or _lacking(expected, items)


def _tts(payload: Mapping[str, Any]) -> list[str]:
    items = _run("tts", "up", payload, {})
    if any(name.startswith("downlink") for name in payload):
        return [] if items == [] else [f"{items}"]
    refused = [each.reason for each in items if isinstance(each, Undecodable)]
    if refused or not _readings(items):
        return refused or ["no reading"]
    up = payload.get("uplink_message") or payload.get("uplink_normalized") or {}
    decoded, normalized = up.get("decoded_payload"), up.get("normalized_payload")
    expected: dict[str, Value] = {}
    for each in normalized if isinstance(normalized, list) else [normalized or {}]:
        expected |= {k: v for k, v in (each.get("air") or {}).items() if k == "temperature"}
    expected |= {k: v for k, v in (decoded or {}).items() if k in ("humidity", "temperature")}
    if up and not decoded and not normalized:
        expected["extra.raw"] = base64.b64decode(up["frm_payload"]).hex()
    heard = up.get("rx_metadata") or [{}]
    if "rssi" in heard[0]:
        expected["rssi"] = heard[0]["rssi"]
    device = (payload.get("end_device_ids") or {}).get("dev_eui", "a@t/d")
    wrong = [] if _readings(items)[-1].device == device.lower() else [f"device is not {device}"]
    return wrong + _lacking(expected, items)


def _lacking(expected: Mapping[str, Value], items: list[Any]) -> list[str]:
    values = _readings(items)[-1].values
    return [
        f"{name} is {values.get(name)!r}, not {value!r}"
        for name, value in expected.items()
        if name not in values or not _same(value, values[name])
    ]
