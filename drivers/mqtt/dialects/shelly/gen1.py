"""The first generation: a value for each topic, and ``info`` with the whole status. Pure.

Source: Shelly's Gen1 API, "MQTT support".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from drivers._values import Coerce, number, shown
from drivers.mqtt._common import Found, percent
from drivers.mqtt.dialects.shelly.parts import Parts, degrees, flag, positive, valid

_GAS: Final[Mapping[str, tuple[bool | None, bool]]] = {
    "none": (False, False),
    "mild": (True, False),
    "heavy": (True, False),
    "test": (False, True),
    "unknown": (None, False),
}
"""Gas alarm state to (alarm, test)."""
_DEVICES: Final = ("relays", "meters", "emeters", "lights", "rollers")
"""What a device has that measures its own temperature, not the room's."""


UNKNOWN: Final = 999.0
"""A temperature or humidity that is not known (CoIoT description, range "-40/300", "999")."""


class Row(NamedTuple):
    """A topic's value."""

    value: str
    convert: Coerce
    kind: str = ""


def opened(raw: object) -> bool | None:
    """``open`` and ``close``."""
    word = raw.strip().lower() if isinstance(raw, str) else raw
    if word in ("open", "opened"):
        return True
    if word in ("close", "closed"):
        return False
    if word in ("unknown", "", None):
        return None
    raise ValueError(f"{shown(raw)} is neither open nor close")


def _error(raw: object) -> bool | None:
    value = number(raw)
    return None if value is None else value != 0


def _charge(raw: object) -> float | None:
    return percent(positive(raw))


def _moisture(raw: object) -> float | None:
    value = number(raw)
    return None if value == UNKNOWN else value


def gas(raw: object, found: Found) -> None:
    """The alarm state's word."""
    word = raw.strip().lower() if isinstance(raw, str) else ""
    if word not in _GAS:
        found.complain("gas", f"{shown(raw)} is no alarm state")
        return
    alarm, test = _GAS[word]
    if alarm is not None:
        found.take("alarm", alarm, bool, "gas")
        found.take("test", test, bool)
    found.keep("gas", word)


def operation(raw: object, found: Found) -> None:
    """The gas sensor's own state."""
    found.take("fault", raw == "fault", bool)
    found.keep("operation", raw)


SENSOR: Final[Mapping[str, Row]] = {
    "smoke": Row("alarm", flag, "smoke"),
    "flood": Row("leak", flag, "water"),
    "state": Row("open", opened, "contact"),
    "tilt": Row("tilt", positive),
    "vibration": Row("vibration", flag),
    "battery": Row("battery", _charge),
    "humidity": Row("humidity", _moisture, "climate"),
    "error": Row("fault", _error),
}
"""``shellies/DEVICE/sensor/NAME``."""
CHANNEL: Final[Mapping[str, Row]] = {
    "power": Row("power", number, "power"),
    "voltage": Row("voltage", number, "power"),
    "current": Row("current", number, "power"),
}
"""``shellies/DEVICE/relay/0/NAME``, and the same of emeter and light."""
WORDS: Final[Mapping[str, Callable[[object, Found], None]]] = {"gas": gas, "operation": operation}


def moved(raw: object, found: Found) -> None:
    """A motion sensor's state, which it ends itself."""
    found.take("occupied", raw, flag, "infrared")
    found.take("alarm", raw, flag, "infrared")


def motion(fields: Mapping[str, Any], found: Found) -> None:
    """``shellies/DEVICE/status`` of a motion sensor."""
    moved(fields.get("motion"), found)
    found.take("vibration", fields.get("vibration"), flag)
    found.take("battery", fields.get("bat"), percent)
    found.take("armed", fields.get("active"), flag)
    found.keep("lux", fields.get("lux"))
    temperature = valid(fields.get("tmp"))
    found.take("temperature", temperature.get("tC", temperature.get("value")), number)


def info(fields: Mapping[str, Any], parts: Parts, fahrenheit: bool) -> None:
    """``shellies/DEVICE/info``, the whole status."""
    found = parts.main
    found.take("alarm", fields.get("smoke"), flag, "smoke")
    found.take("leak", fields.get("flood"), flag, "water")
    _sensors(fields, found)
    _climate(fields, found, fahrenheit)
    _gas(fields, found)
    _outputs(fields, parts)
    for index, each in enumerate(_list(fields, "inputs")):
        if (state := each.get("input")) is not None and not parts.input(f"input:{index}", state):
            found.keep(f"input_{index}", state)
    wifi = fields.get("wifi_sta")
    if isinstance(wifi, dict):
        found.take("rssi", wifi.get("rssi"), number)
    for name in ("uptime", "total_work_time"):
        found.keep(name, fields.get(name))


def _list(fields: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    raw = fields.get(name)
    return [each for each in raw[:16] if isinstance(each, dict)] if isinstance(raw, list) else []


def _sensors(fields: Mapping[str, Any], found: Found) -> None:
    sensor = valid(fields.get("sensor"))
    found.take("open", sensor.get("state"), opened, "contact")
    if "motion" in sensor:
        moved(sensor["motion"], found)
        found.take("armed", sensor.get("active"), flag)
    found.take("vibration", sensor.get("vibration"), flag)
    accelerometer = valid(fields.get("accel"))
    found.take("tilt", accelerometer.get("tilt"), positive)
    found.take("vibration", accelerometer.get("vibration"), flag)
    battery = valid(fields.get("bat"))
    found.take("battery", battery.get("value"), _charge)
    found.keep("battery_voltage", battery.get("voltage"))
    light = valid(fields.get("lux"))
    found.keep("lux", light.get("value"))
    found.keep("illumination", light.get("illumination"))
    if "sensor_error" in fields:
        found.take("fault", fields["sensor_error"], _error)


def _climate(fields: Mapping[str, Any], found: Found, fahrenheit: bool) -> None:
    inside = any(fields.get(name) for name in _DEVICES)
    measured = valid(fields.get("tmp"))
    temperature = measured.get("tC")
    convert: Coerce = number
    if temperature is None:
        temperature = measured.get("value")
        convert = degrees(measured.get("units", "F" if fahrenheit else "C") == "F")
    if temperature == UNKNOWN:
        temperature = None
    if inside:
        found.keep("device_temperature", temperature)
    else:
        found.take("temperature", temperature, convert, "climate")
    found.take("humidity", valid(fields.get("hum")).get("value"), _moisture, "climate")
    for name, value, field in (
        ("ext_temperature", "temperature", "tC"),
        ("ext_humidity", "humidity", "hum"),
    ):
        outside = fields.get(name)
        if isinstance(outside, dict):
            for index, each in list(outside.items())[:8]:
                if not isinstance(each, dict):
                    continue
                if index == "0":
                    found.take(value, each.get(field), number, "climate")
                else:
                    found.keep(f"{name}_{index}", each.get(field))
    if "overtemperature" in fields:
        found.take("fault", fields["overtemperature"], flag)


def _gas(fields: Mapping[str, Any], found: Found) -> None:
    sensor = fields.get("gas_sensor")
    if not isinstance(sensor, dict):
        return
    gas(sensor.get("alarm_state"), found)
    operation(sensor.get("sensor_state"), found)
    found.keep("self_test", sensor.get("self_test_state"))
    found.keep("concentration", valid(fields.get("concentration")).get("ppm"))


def _outputs(fields: Mapping[str, Any], parts: Parts) -> None:
    for sort, kind in (("relays", "power"), ("lights", "lamp")):
        for index, each in enumerate(_list(fields, sort)):
            found = parts.part(sort[:-1], index)
            found.take("on", each.get("ison"), flag, kind)
            found.keep("brightness", each.get("brightness"))
            if each.get("overpower") is True:
                found.take("fault", True, bool)
    for sort in ("meters", "emeters"):
        for index, each in enumerate(_list(fields, sort)):
            found = parts.part("emeter" if sort == "emeters" else "relay", index)
            believed = valid(each)
            for name, row in CHANNEL.items():
                found.take(row.value, believed.get(name), row.convert, row.kind)
            found.keep("energy", believed.get("total"))
            found.keep("pf", believed.get("pf"))
    for index, each in enumerate(_list(fields, "rollers")):
        found = parts.part("roller", index)
        found.keep("cover", each.get("state"))
        found.keep("position", each.get("current_pos"))
        found.take("power", each.get("power"), number, "power")
    for index, each in enumerate(_list(fields, "valves")):
        parts.part("valve", index).keep("valve", each.get("state"))
