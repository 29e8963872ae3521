"""What Tasmota's Zigbee bridge has received: ``{"ZbReceived": {"0x8F20": {…}}}``. Pure.

An intruder-alarm-system zone sends a bit field (Zigbee Cluster Library 8.2.2.2.1.3): alarm 1 and
2, tamper, battery, supervision, restore, trouble, mains, test, battery defect from bit 0 on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from drivers._values import Coerce, coercer, number, shown, truth
from drivers.mqtt._common import Found, percent, times

RECEIVED: Final = ("ZbReceived", "ZbInfo")
_ALARM, _TAMPER, _BATTERY, _TROUBLE, _TEST = 0x3, 0x4, 0x8, 0x40, 0x100
_RAW: Final = "0500!00"
"""Zone status change of cluster 0x0500, where the bridge did not decode it."""


class _Row(NamedTuple):
    values: tuple[str, ...]
    convert: Coerce
    kind: str = ""


def _link(raw: object) -> float | None:
    value = number(raw)
    return None if value is None else round(min(value, 255.0) * 100 / 255, 1)


_ROWS: Final[Mapping[str, _Row]] = {
    "Fire": _Row(("alarm",), truth, "smoke"),
    "CO": _Row(("alarm",), truth, "co"),
    "Gas": _Row(("alarm",), truth, "gas"),
    "Panic": _Row(("alarm",), truth, "panic"),
    "Emergency": _Row(("alarm",), truth, "panic"),
    "PersonalAlarm": _Row(("alarm",), truth, "panic"),
    "Occupancy": _Row(("occupied", "alarm"), truth, "infrared"),
    "Motion": _Row(("occupied", "alarm"), truth, "infrared"),
    "Contact": _Row(("open",), truth, "contact"),
    "Water": _Row(("leak",), truth, "water"),
    "Vibration": _Row(("vibration",), truth),
    "Temperature": _Row(("temperature",), coercer("temperature"), "climate"),
    "Humidity": _Row(("humidity",), coercer("humidity"), "climate"),
    "CarbonDioxide": _Row(("co2",), coercer("co2"), "climate"),
    "Battery": _Row(("battery",), percent),
    "BatteryPercentage": _Row(("battery",), percent),
    "LinkQuality": _Row(("link",), _link),
    "RMSVoltage": _Row(("voltage",), coercer("voltage"), "power"),
    "RMSCurrent": _Row(("current",), times(0.001), "power"),
    "ActivePower": _Row(("power",), coercer("power"), "power"),
}
_BY_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "infrared": ("occupied", "alarm"),
    "contact": ("open",),
    "manhole": ("open",),
    "water": ("leak",),
}
"""What a zone's alarm bit is for a kind; for the others it is ``alarm``."""
_RENAMED: Final = {"BatteryVoltage": "battery_voltage", "Voltage": "battery_voltage"}
_SKIPPED: Final = frozenset({"Device", "Name", "Endpoint", "Group", "IEEEAddr", "ModelId"})
_SILENT: Final = frozenset({"Manufacturer", "ZoneStatusChangeZone", "ZoneStatusChangeDelay"})
_MOST: Final = 32
"""Devices in one message; the bridge sends one, or a handful when asked."""


class Heard(NamedTuple):
    """One device of a message."""

    address: str
    found: Found
    model: str


def heard(raw: object, zones: Mapping[str, str], bridge: str) -> Iterator[Heard]:
    """Each device below ``bridge`` that the object tells of. ValueError: it tells of none."""
    if not isinstance(raw, dict):
        raise ValueError(f"{shown(raw)} is no device")
    for key, fields in list(raw.items())[:_MOST]:
        if not isinstance(fields, dict):
            raise ValueError(f"{shown(fields)} is no device")
        name = fields.get("Name")
        short = fields.get("Device")
        own = name if isinstance(name, str) and name else short if isinstance(short, str) else key
        address = f"{_above(bridge, key, short)}/{own}"
        found = Found()
        _read(fields, found, zones.get(address, ""))
        yield Heard(address, found, _model(fields))


def _above(bridge: str, key: str, short: object) -> str:
    """The bridge's own topic where each device has one below it (SetOption89)."""
    head, _, last = bridge.rpartition("/")
    words = {key.lower(), str(short).lower()}
    return head if head and (f"0x{last}".lower() in words or last.lower() in words) else bridge


def _model(fields: Mapping[str, Any]) -> str:
    words = (fields.get("Manufacturer"), fields.get("ModelId"))
    return " ".join(word for word in words if isinstance(word, str) and word)


def _read(fields: Mapping[str, Any], found: Found, zone: str) -> None:
    zoned = zone or next((row.kind for n, row in _ROWS.items() if row.kind and n in fields), "")
    for name, raw in fields.items():
        row = _ROWS.get(name)
        if row is not None:
            for value in row.values:
                found.take(value, raw, row.convert, row.kind)
        elif name in ("ZoneStatus", "ZoneStatusChange", _RAW):
            _status(name, raw, found, zoned)
        elif name == "Power":
            _switched(raw, found)
        elif name in _RENAMED:
            found.keep(_RENAMED[name], raw)
        elif name not in _SKIPPED and name not in _SILENT:
            found.keep(name, raw)
    if zone:
        found.kind = zone
    if found.values.get("test") is True and "alarm" in found.values:
        found.values["alarm"] = False  # the zone is in test mode: what it reports is no alarm


def _switched(raw: object, found: Found) -> None:
    """0 and 1 are a state; a remote control's 2 means "toggle"."""
    if isinstance(raw, (int, float)) and raw in (0, 1):
        found.take("on", raw, truth, "power")
    else:
        found.keep("Power", raw)


def _status(name: str, raw: object, found: Found, kind: str) -> None:
    try:
        bits = _bits(name, raw)
    except ValueError as error:
        found.complain(name, str(error))
        return
    if bits is None:
        return
    for value in _BY_KIND.get(kind, ("alarm",)):
        found.take(value, bool(bits & _ALARM), bool)
    found.take("tamper", bool(bits & _TAMPER), bool)
    found.take("battery_low", bool(bits & _BATTERY), bool)
    found.take("fault", bool(bits & _TROUBLE), bool)
    found.take("test", bool(bits & _TEST), bool)


def _bits(name: str, raw: object) -> int | None:
    """From a number, or from the little-endian hexadecimal bytes of a raw frame."""
    if name == _RAW and isinstance(raw, str):
        try:
            return int.from_bytes(bytes.fromhex(raw[:4]), "little")
        except ValueError:
            raise ValueError(f"{shown(raw)} is no zone status") from None
    value = number(raw)
    if value is None:
        return None
    if not (value.is_integer() and 0 <= value <= 0xFFFF):
        raise ValueError(f"{shown(raw)} is no zone status")
    return int(value)
