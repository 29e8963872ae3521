"""What is measured: kinds, the names of their values, and units."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

SECOND: Final = 1_000_000_000

Value = float | bool | str
"""What one quantity may be. Integers are carried as float."""


class ValueType(NamedTuple):
    """The type and unit of a value name; ``unit`` is "" where there is none."""

    type: type[float] | type[bool] | type[str]
    unit: str = ""


_COMMON: Final = {
    "battery": ValueType(float, "%"),
    "battery_low": ValueType(bool),
    "tamper": ValueType(bool),
    "fault": ValueType(bool),
    "test": ValueType(bool),
    "link": ValueType(float, "%"),
    "rssi": ValueType(float, "dBm"),
}

_ALARM: Final = {"alarm": ValueType(bool)}

KINDS: Final[Mapping[str, Mapping[str, ValueType]]] = MappingProxyType(
    {
        "smoke": _ALARM
        | {
            "density": ValueType(float, "%/m"),
            "temperature": ValueType(float, "°C"),
            "muted": ValueType(bool),
        },
        "heat": _ALARM | {"temperature": ValueType(float, "°C")},
        "gas": _ALARM | {"lel": ValueType(float, "%"), "co": ValueType(float, "ppm")},
        "co": _ALARM | {"lel": ValueType(float, "%"), "co": ValueType(float, "ppm")},
        "infrared": _ALARM | {"armed": ValueType(bool), "occupied": ValueType(bool)},
        "contact": {"open": ValueType(bool)},
        "manhole": {
            "open": ValueType(bool),
            "tilt": ValueType(float, "°"),
            "water_level": ValueType(float, "m"),
            "vibration": ValueType(bool),
            "lel": ValueType(float, "%"),
        },
        "camera": _ALARM
        | {
            "motion": ValueType(bool),
            "area": ValueType(float, "1"),
            "zone": ValueType(str),
            "online": ValueType(bool),
        },
        "water": {
            "leak": ValueType(bool),
            "pressure": ValueType(float, "kPa"),
            "level": ValueType(float, "m"),
        },
        "panic": _ALARM,
        "panel": _ALARM
        | {
            "code": ValueType(str),
            "zone": ValueType(str),
            "shielded": ValueType(bool),
            "started": ValueType(bool),
        },
        "lamp": {
            "on": ValueType(bool),
            "voltage": ValueType(float, "V"),
            "current": ValueType(float, "A"),
            "power": ValueType(float, "W"),
        },
        "power": {
            "on": ValueType(bool),
            "voltage": ValueType(float, "V"),
            "current": ValueType(float, "A"),
            "power": ValueType(float, "W"),
        },
        "climate": {
            "temperature": ValueType(float, "°C"),
            "humidity": ValueType(float, "%"),
            "pm2_5": ValueType(float, "µg/m³"),
            "tvoc": ValueType(float, "ppb"),
            "co2": ValueType(float, "ppm"),
        },
        "gateway": {
            "store_replaced": ValueType(bool),
            "store_damaged": ValueType(bool),
            "sink_down": ValueType(bool),
            "driver_down": ValueType(bool),
            "disk_full": ValueType(bool),
            "broker_drops": ValueType(float, "1"),
            "disk_free": ValueType(float, "%"),
            "backlog": ValueType(float, "1"),
            "memory": ValueType(float, "MiB"),
            "disk_written": ValueType(float, "MiB"),
            "cpu": ValueType(float, "%"),
            "temperature": ValueType(float, "°C"),
            "clock_trusted": ValueType(bool),
            "rules_refused": ValueType(bool),
            "rule_failing": ValueType(bool),
            "channel_down": ValueType(bool),
            "channel_refuses": ValueType(bool),
            "unreachable": ValueType(bool),
            "roster_gap": ValueType(bool),
            "canary": ValueType(bool),
            "canary_lost": ValueType(bool),
            "record_broken": ValueType(bool),
        },
    }
)
"""Kind -> its own value names. ``vocabulary`` adds the names every kind has."""

UNKNOWN_KIND: Final = "unknown"
EXTRA: Final = "extra."
"""Prefix of a value outside the tables; kept, and usable in rules."""

URGENT: Final = frozenset({"alarm", "open", "leak", "motion"})
"""Value names whose truth closes a commit group at once."""

_VOCABULARY: Final = MappingProxyType(
    {kind: MappingProxyType(_COMMON | dict(own)) for kind, own in KINDS.items()}
)
_EVERY_NAME: Final = MappingProxyType(
    _COMMON | {name: kind for own in KINDS.values() for name, kind in own.items()}
)


def vocabulary(kind: str) -> Mapping[str, ValueType]:
    """The value names of ``kind`` with the common ones; the common ones alone for no kind."""
    return _VOCABULARY.get(kind, _COMMON)


def every_value_name() -> Mapping[str, ValueType]:
    """Every value name of any kind: a name means the same everywhere."""
    return _EVERY_NAME
