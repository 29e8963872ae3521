"""Home Assistant's discovery messages: one per device, one component per value. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from gateway.model import EXTRA, Device, Text, Value, every_value_name

MOST_COMPONENTS: Final = 64
"""Values of one device; a report holds no more."""
_NOT_AN_ID: Final = re.compile(r"[^A-Za-z0-9_-]")

_ALARM: Final[Mapping[str, str]] = {
    "smoke": "smoke",
    "heat": "heat",
    "gas": "gas",
    "co": "carbon_monoxide",
    "infrared": "motion",
    "panic": "safety",
    "panel": "safety",
}
"""Kind -> device class of its ``alarm``."""
_BINARY: Final[Mapping[str, str]] = {
    "alarm": "safety",
    "open": "opening",
    "leak": "moisture",
    "motion": "motion",
    "occupied": "occupancy",
    "tamper": "tamper",
    "fault": "problem",
    "battery_low": "battery",
    "vibration": "vibration",
    "online": "connectivity",
    "extra.online": "connectivity",
    "on": "power",
}
"""On means the same there: detected, open, low, connected."""
_MEASURED: Final[Mapping[str, tuple[str, str]]] = {
    "temperature": ("temperature", "°C"),
    "humidity": ("humidity", "%"),
    "battery": ("battery", "%"),
    "rssi": ("signal_strength", "dBm"),
    "voltage": ("voltage", "V"),
    "current": ("current", "A"),
    "power": ("power", "W"),
    "pressure": ("pressure", "kPa"),
    "co": ("carbon_monoxide", "ppm"),
    "co2": ("carbon_dioxide", "ppm"),
    "pm2_5": ("pm25", "µg/m³"),
    "tvoc": ("volatile_organic_compounds_parts", "ppb"),
    "water_level": ("distance", "m"),
    "level": ("distance", "m"),
}
_DIAGNOSTIC: Final = frozenset(
    {"battery", "battery_low", "rssi", "link", "tamper", "fault", "test", "online", "extra.online"}
)
NAMES: Final[Mapping[str, Text]] = {
    "alarm": Text("报警", "Alarm"),
    "open": Text("打开", "Open"),
    "leak": Text("漏水", "Leak"),
    "motion": Text("移动", "Motion"),
    "occupied": Text("有人", "Occupied"),
    "tamper": Text("防拆", "Tamper"),
    "fault": Text("故障", "Fault"),
    "test": Text("测试", "Test"),
    "battery": Text("电量", "Battery"),
    "battery_low": Text("电量低", "Battery low"),
    "temperature": Text("温度", "Temperature"),
    "humidity": Text("湿度", "Humidity"),
    "density": Text("烟雾浓度", "Smoke density"),
    "tilt": Text("倾角", "Tilt"),
    "water_level": Text("水位", "Water level"),
    "level": Text("液位", "Level"),
    "pressure": Text("压力", "Pressure"),
    "rssi": Text("信号", "Signal"),
    "link": Text("链路质量", "Link quality"),
    "online": Text("在线", "Online"),
    "extra.online": Text("在线", "Online"),
}


class Where(NamedTuple):
    """The topics of one gateway."""

    prefix: str
    base: str

    @property
    def status(self) -> str:
        """Whether the gateway is there: ``online`` or ``offline``."""
        return f"{self.base}/status"

    def state(self, device: str) -> str:
        """The newest values of a device, as one object."""
        return self.topics(id_of(device))[1]

    def config(self, device: str) -> str:
        """What the device is."""
        return self.topics(id_of(device))[0]

    def topics(self, part: str) -> tuple[str, str]:
        """Both topics of the device whose id in topics is ``part``."""
        return f"{self.prefix}/device/{self.base}_{part}/config", f"{self.base}/{part}/state"

    def device_of(self, topic: str) -> str | None:
        """The id in a topic of ours; None for any other topic."""
        for before, after in (
            (f"{self.prefix}/device/{self.base}_", "/config"),
            (f"{self.base}/", "/state"),
        ):
            if topic.startswith(before) and topic.endswith(after):
                part = topic[len(before) : -len(after)]
                return part if part and "/" not in part else None
        return None


def id_of(text: str) -> str:
    """``text`` as Home Assistant takes an id; what had to be changed is told apart by a digest."""
    plain = _NOT_AN_ID.sub("_", text)[:60]
    if plain == text:
        return plain
    return f"{plain}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


Components = dict[str, dict[str, Any]]
"""Component id -> its part of the discovery message."""


def config(device: Device, components: Components, where: Where, version: str) -> bytes:
    """The discovery message of ``device``."""
    about: dict[str, Any] = {"identifiers": [_identity(device.id, where)]}
    about["name"] = device.name or device.id
    if device.model:
        about["model"] = device.model
    if device.flat or device.floor:
        about["suggested_area"] = " ".join(word for word in (device.floor, device.flat) if word)
    return msgspec.json.encode(
        {
            "device": about,
            "origin": {"name": "Gridwarden", "sw_version": version},
            "availability_topic": where.status,
            "state_topic": where.state(device.id),
            "qos": 1,
            "components": components,
        }
    )


def component(
    device: str, kind: str, name: str, of: type, where: Where, language: str
) -> dict[str, Any]:
    """How value ``name``, of type ``of``, of a device of ``kind`` is shown."""
    path = f"value_json['{id_of(name)}']"
    known = NAMES.get(name)
    found: dict[str, Any] = {
        "unique_id": f"{_identity(device, where)}_{id_of(name)}",
        "name": known.say(language) if known is not None else name.removeprefix(EXTRA),
    }
    if name in _DIAGNOSTIC:
        found["entity_category"] = "diagnostic"
    if of is bool:
        device_class = _ALARM.get(kind, "") if name == "alarm" else ""
        device_class = device_class or _BINARY.get(name, "")
        found |= {
            "platform": "binary_sensor",
            "value_template": f"{{{{ 'ON' if {path} else 'OFF' }}}}",
        }
        return found | ({"device_class": device_class} if device_class else {})
    found |= {"platform": "sensor", "value_template": f"{{{{ {path} }}}}"}
    if of is float:
        found["state_class"] = "measurement"
        table = every_value_name().get(name)
        if name in _MEASURED:
            found["device_class"], found["unit_of_measurement"] = _MEASURED[name]
        elif table is not None and table.unit not in ("", "1"):
            found["unit_of_measurement"] = table.unit
    return found


def components_of(payload: bytes) -> Components:
    """Those of a discovery message; none where it is no message of ours."""
    try:
        found = _MESSAGE.decode(payload).components
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return dict(list(found.items())[:MOST_COMPONENTS])


def state_topic_of(payload: bytes) -> str:
    """That of a discovery message: a longer base may begin as ours does."""
    try:
        return _MESSAGE.decode(payload).state_topic
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def values_of(payload: bytes) -> dict[str, Value]:
    """Those of a state topic; none where it is no message of ours."""
    try:
        found = _STATE.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return dict(list(found.items())[:MOST_COMPONENTS])


def state(values: Mapping[str, Value]) -> bytes:
    """The object that the components' templates read, by component id."""
    return msgspec.json.encode(values)


class _Message(msgspec.Struct):
    components: Components = {}
    state_topic: str = ""


_MESSAGE: Final = msgspec.json.Decoder(_Message)
_STATE: Final = msgspec.json.Decoder(dict[str, bool | float | str])


def _identity(device: str, where: Where) -> str:
    return f"{where.base}_{id_of(device)}"
