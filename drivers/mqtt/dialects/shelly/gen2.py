"""Status of components (Gen2 and later): ``smoke:0``, ``switch:1``, ``temperature:100``. Pure.

Source: Shelly's Gen2 API, "Components and Services".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from drivers._values import number
from drivers.mqtt._common import Found, percent
from drivers.mqtt.dialects.shelly.parts import Parts, components, flag

Status = Mapping[str, Any]
_IGNORED: Final = frozenset(
    {
        "ble",
        "bthome",
        "cloud",
        "emdata",
        "em1data",
        "eth",
        "knx",
        "matter",
        "modbus",
        "mqtt",
        "plugs_ui",
        "script",
        "schedule",
        "ui",
        "webhook",
        "ws",
        "zigbee",
    }
)
"""Links, counters that meters repeat, and scripts: nothing that a sensor measures."""


class _Field(NamedTuple):
    field: str
    value: str
    convert: Callable[[object], Any] = number


_METER: Final = (
    _Field("apower", "power"),
    _Field("act_power", "power"),
    _Field("total_act_power", "power"),
    _Field("voltage", "voltage"),
    _Field("current", "current"),
    _Field("total_current", "current"),
)
_METER_EXTRAS: Final = (
    "pf",
    "freq",
    *(f"{phase}_{name}" for phase in "abc" for name in ("voltage", "current", "act_power")),
)


def read(fields: Mapping[str, Any], parts: Parts) -> None:
    """Every component that ``fields`` hold: a whole status, or what has changed of it."""
    for sort, index, status in components(fields):
        one(sort, index, status, parts)


def one(sort: str, index: str, status: Status, parts: Parts) -> None:
    """One component's status."""
    if sort in _IGNORED:
        return
    reader = _READERS.get(sort)
    if sort == "input":
        _input(index, status, parts)
    elif sort == "bthomesensor" and parts.input(f"{sort}:{index}", status.get("value")):
        return
    elif reader is not None:
        found = parts.part(sort, index)
        reader(status, found)
        if "errors" in status:
            _errors(status["errors"], found)
    else:
        _unknown(sort, index, status, parts)


def _errors(raw: object, found: Found) -> None:
    """``null`` is how a notification says that there are none any more."""
    errors = raw if isinstance(raw, list) else []
    if raw is None or isinstance(raw, list):
        found.take("fault", bool(errors), bool)
        found.keep("errors", ",".join(str(each)[:32] for each in errors[:8]))


def _input(index: str, status: Status, parts: Parts) -> None:
    """An input says what is wired to it; what nobody declared is kept and no alarm."""
    state = status.get("state")
    if state is not None and not parts.input(f"input:{index}", state):
        parts.main.keep(f"input_{index}", state)
    for name in ("percent", "xpercent"):
        parts.main.keep(f"input_{index}_{name}", status.get(name))


def _smoke(status: Status, found: Found) -> None:
    found.take("alarm", status.get("alarm"), flag, "smoke")
    found.take("muted", status.get("mute"), flag)


def _flood(status: Status, found: Found) -> None:
    found.take("leak", status.get("alarm"), flag, "water")
    found.take("muted", status.get("mute"), flag)


def _gas(status: Status, found: Found) -> None:
    found.take("alarm", status.get("alarm"), flag, "gas")
    found.take("muted", status.get("mute"), flag)
    found.keep("concentration", status.get("ppm"))


def _temperature(status: Status, found: Found) -> None:
    found.take("temperature", status.get("tC"), number, "climate")


def _humidity(status: Status, found: Found) -> None:
    found.take("humidity", status.get("rh"), number, "climate")


def _devicepower(status: Status, found: Found) -> None:
    battery = status.get("battery")
    if isinstance(battery, dict):
        found.take("battery", battery.get("percent"), percent)
        found.keep("battery_voltage", battery.get("V"))
    external = status.get("external")
    if isinstance(external, dict):
        found.keep("external_power", external.get("present"))


def _switch(status: Status, found: Found) -> None:
    found.take("on", status.get("output"), flag, "power")
    _meter(status, found)


def _light(status: Status, found: Found) -> None:
    found.take("on", status.get("output"), flag, "lamp")
    found.keep("brightness", status.get("brightness"))
    _meter(status, found)


def _meter(status: Status, found: Found) -> None:
    for field, value, convert in _METER:
        if field in status:
            found.take(value, status[field], convert, "power")
    for field in _METER_EXTRAS:
        if field in status:
            found.keep(field, status[field])
    _inside(status, found)
    energy = status.get("aenergy")
    if isinstance(energy, dict):
        found.keep("energy", energy.get("total"))


def _inside(status: Status, found: Found) -> None:
    """The temperature of the device itself, not of the room."""
    inside = status.get("temperature")
    if isinstance(inside, dict):
        found.keep("device_temperature", inside.get("tC"))


def _cover(status: Status, found: Found) -> None:
    found.keep("cover", status.get("state"))
    found.keep("position", status.get("current_pos"))
    _meter(status, found)


def _presence(status: Status, found: Found) -> None:
    """A radar sees people: ``value`` or ``state`` of a zone, or their number."""
    seen = next((status[name] for name in ("value", "state", "presence") if name in status), None)
    if seen is None and (count := status.get("num_objects")) is not None:
        seen = count not in (0, "0")
    found.take("occupied", seen, flag, "infrared")
    found.take("alarm", seen, flag, "infrared")


def _motion(status: Status, found: Found) -> None:
    moved = status.get("motion", status.get("state"))
    found.take("occupied", moved, flag, "infrared")
    found.take("alarm", moved, flag, "infrared")


def _illuminance(status: Status, found: Found) -> None:
    found.keep("lux", status.get("lux"))
    found.keep("illumination", status.get("illumination"))


def _voltmeter(status: Status, found: Found) -> None:
    found.take("voltage", status.get("voltage"), number, "power")


def _sys(status: Status, found: Found) -> None:
    found.keep("uptime", status.get("uptime"))


def _wifi(status: Status, found: Found) -> None:
    found.take("rssi", status.get("rssi"), number)


def _bluetooth(status: Status, found: Found) -> None:
    """A Bluetooth device that this one listens to."""
    found.take("battery", status.get("battery"), percent)
    found.take("rssi", status.get("rssi"), number)
    found.keep("value", status.get("value"))


def _unknown(sort: str, index: str, status: Status, parts: Parts) -> None:
    found = parts.part(sort, index)
    for name, raw in status.items():
        if name not in ("id", "source", "last_updated_ts"):
            found.keep(f"{sort}_{name}", raw)


_READERS: Final[Mapping[str, Callable[[Status, Found], None]]] = {
    "smoke": _smoke,
    "flood": _flood,
    "gas": _gas,
    "temperature": _temperature,
    "humidity": _humidity,
    "devicepower": _devicepower,
    "switch": _switch,
    "light": _light,
    "rgb": _light,
    "rgbw": _light,
    "cct": _light,
    "pm1": _meter,
    "em": _meter,
    "em1": _meter,
    "cover": _cover,
    "presence": _presence,
    "presencezone": _presence,
    "motion": _motion,
    "illuminance": _illuminance,
    "voltmeter": _voltmeter,
    "sys": _sys,
    "wifi": _wifi,
    "bthomedevice": _bluetooth,
    "bthomesensor": _bluetooth,
}


def event(fields: Mapping[str, Any], parts: Parts) -> None:
    """One entry of NotifyEvent: a button was pressed, a detector began, ended or was tested."""
    component, name = fields.get("component"), fields.get("event")
    if not isinstance(component, str) or not isinstance(name, str):
        return
    sort, _, index = component[:40].partition(":")
    found = parts.part(sort, index or "0") if sort in _ALARMS else parts.main
    if sort in _ALARMS and name in _STATES:
        alarm, test = _STATES[name]
        found.take(_ALARMS[sort][0], alarm, bool, _ALARMS[sort][1])
        if test is not None:
            found.take("test", test, bool)
    elif sort == "flood" and name == "cable_unplugged":
        found.take("fault", True, bool)
    elif sort in _BUTTONS and not parts.pressed(component, name):
        found.keep(f"{sort}_{index}_event", name)


_BUTTONS: Final = ("input", "bthomedevice")
KNOWN: Final = frozenset(_READERS) | frozenset(_BUTTONS) | _IGNORED
"""Sorts of components that are certainly a Shelly's."""
_ALARMS: Final[Mapping[str, tuple[str, str]]] = {
    "smoke": ("alarm", "smoke"),
    "gas": ("alarm", "gas"),
    "flood": ("leak", "water"),
}
_STATES: Final[Mapping[str, tuple[bool, bool | None]]] = {
    "alarm": (True, None),
    "alarm_off": (False, False),
    "alarm_test": (False, True),
}
"""Event to (alarm, test): a tested detector does not burn."""
