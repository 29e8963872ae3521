"""What an announced entity means: from its device class, unit and name. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from drivers._values import Coerce, number, scalar
from gateway.model import EXTRA

VIBRATING: Final = "vibrating"
"""Not a kind of the tables: it keeps a vibration sensor from being taken for a thermometer."""
KINDS: Final = (
    *("smoke", "heat", "co", "gas", "panic", "water", "contact", "infrared"),
    *(VIBRATING, "power", "climate"),
)
"""A device with entities of several kinds is the first of these."""


class Meaning(NamedTuple):
    """The value that an entity gives, and the kind of a device that has it ("": any)."""

    value: str
    kind: str
    convert: Coerce


_BINARY: Final[Mapping[str, tuple[str, str]]] = {
    "smoke": ("alarm", "smoke"),
    "carbon_monoxide": ("alarm", "co"),
    "gas": ("alarm", "gas"),
    "heat": ("alarm", "heat"),
    "safety": ("alarm", ""),
    "moisture": ("leak", "water"),
    "motion": ("occupied", "infrared"),
    "occupancy": ("occupied", "infrared"),
    "presence": ("occupied", "infrared"),
    "door": ("open", "contact"),
    "garage_door": ("open", "contact"),
    "window": ("open", "contact"),
    "opening": ("open", "contact"),
    "tamper": ("tamper", ""),
    "problem": ("fault", ""),
    "vibration": ("vibration", VIBRATING),
    "battery": ("battery_low", ""),
    "power": ("on", "power"),
    "connectivity": (EXTRA + "online", ""),
}
"""Device class of a binary sensor -> value, kind. The other classes are extras."""
_NAMED: Final = tuple(
    (re.compile(rf"(?:^|_)(?:{pattern})(?:_|$)"), value, kind)
    for pattern, value, kind in (
        (r"low_battery|battery_low", "battery_low", ""),
        (r"tamper(ed)?", "tamper", ""),
        (r"fault|trouble|malfunction|problem", "fault", ""),
        (r"(self_?)?test(ing)?", "test", ""),
        (r"muted?|silenced?|hush", "muted", ""),
        (r"smoke|fire", "alarm", "smoke"),
        (r"carbon_monoxide|co", "alarm", "co"),
        (r"gas", "alarm", "gas"),
        (r"sos|panic|emergency", "alarm", "panic"),
        (r"leak(age)?|flood(ed|ing)?", "leak", "water"),
        (r"motion|pir|occupancy|presence", "occupied", "infrared"),
        (r"vibration|shock", "vibration", VIBRATING),
    )
)
"""What the name of a binary sensor without device class says. Not "contact", which may be true
when closed: only the classes of doors and windows say what "on" is."""
_CRIES: Final = re.compile(r"(?:^|_)(?:sos|panic|emergency|help)(?:_|$)")

_SENSORS: Final[Mapping[str, tuple[str, str]]] = {
    "temperature": ("temperature", "climate"),
    "humidity": ("humidity", "climate"),
    "battery": ("battery", ""),
    "signal_strength": ("rssi", ""),
    "voltage": ("voltage", "power"),
    "current": ("current", "power"),
    "power": ("power", "power"),
    "pm25": ("pm2_5", "climate"),
    "carbon_dioxide": ("co2", "climate"),
    "carbon_monoxide": ("co", "co"),
    "volatile_organic_compounds_parts": ("tvoc", "climate"),
    "pressure": ("pressure", ""),
    "atmospheric_pressure": ("pressure", ""),
    "distance": (EXTRA + "distance", ""),
}
_FACTORS: Final[Mapping[str, Mapping[str, float]]] = {
    "temperature": {"": 1, "°c": 1},
    "humidity": {"": 1, "%": 1},
    "battery": {"": 1, "%": 1},
    "rssi": {"": 1, "dbm": 1},
    "voltage": {"": 1, "v": 1, "mv": 0.001},
    "current": {"": 1, "a": 1, "ma": 0.001},
    "power": {"": 1, "w": 1, "kw": 1_000, "mw": 0.001},
    "pm2_5": {"": 1, "µg/m³": 1, "μg/m³": 1},
    "co2": {"": 1, "ppm": 1},
    "co": {"": 1, "ppm": 1},
    "tvoc": {"ppb": 1, "ppm": 1_000},
    "pressure": dict(
        zip(
            ("kpa", "hpa", "mbar", "cbar", "bar", "pa", "psi", "mmhg", "inhg"),
            (1, 0.1, 0.1, 1, 100, 0.001, 6.894757, 0.133322, 3.386389),
            strict=True,
        )
    ),
    EXTRA + "distance": {"m": 1, "cm": 0.01, "mm": 0.001, "km": 1_000},
    "lel": {"%lel": 1, "lel": 1},
    "density": {"%/m": 1},
    "tilt": {"°": 1},
    "link": {"lqi": 100 / 255},
}
"""Value -> unit in lower case -> factor. A unit that is not there makes it an extra."""
_BY_UNIT: Final = (
    (re.compile(r""), "lqi", "link", ""),
    (re.compile(r""), "%lel", "lel", "gas"),
    (re.compile(r""), "lel", "lel", "gas"),
    (re.compile(r""), "%/m", "density", "smoke"),
    (re.compile(r"battery"), "%", "battery", ""),
    (re.compile(r"tilt|inclination"), "°", "tilt", VIBRATING),
    (re.compile(r"carbon_monoxide|(?:^|_)co(?:_|$)"), "ppm", "co", "co"),
    (re.compile(r"co2|carbon_dioxide"), "ppm", "co2", "climate"),
    (re.compile(r"rssi|signal"), "dbm", "rssi", ""),
)
"""Sensors without device class: (name, unit, value, kind)."""
_SWITCH: Final = re.compile(r"(switch|relay|outlet|plug|socket|state)?(_?(l?\d+|left|right|main))?")


def of_binary(device_class: str, slug: str) -> Meaning:
    """What a binary sensor means; its convert is not used."""
    value, kind = EXTRA + slug, ""
    if device_class in _BINARY:
        value, kind = _BINARY[device_class]
        if device_class == "safety" and _CRIES.search(slug):
            kind = "panic"
    elif not device_class:
        for pattern, named, its_kind in _NAMED:
            if pattern.search(slug):
                value, kind = named, its_kind
                break
    return Meaning(value, kind, scalar)


def of_switch(slug: str, category: str) -> Meaning:
    """A relay is ``on``; what a device lets people set beside is an extra."""
    if not category and _SWITCH.fullmatch(slug):
        return Meaning("on", "power", scalar)
    return Meaning(EXTRA + slug, "", scalar)


def of_sensor(device_class: str, unit: str, slug: str, category: str) -> Meaning:
    """What a sensor means, with the conversion from its unit."""
    wanted = unit.strip().lower()
    value, kind = _SENSORS.get(device_class, ("", ""))
    if not device_class:
        for pattern, its_unit, named, its_kind in _BY_UNIT:
            if wanted == its_unit and pattern.search(slug):
                value, kind = named, its_kind
                break
    if value == "voltage" and (category == "diagnostic" or wanted == "mv" or "battery" in slug):
        return Meaning(EXTRA + "battery_voltage", "", _times(0.001 if wanted == "mv" else 1))
    if value == "temperature" and category == "diagnostic":
        value = ""  # the chip's, not the room's
    if value == "temperature" and wanted == "°f":
        return Meaning(value, kind, _fahrenheit)
    factor = _FACTORS.get(value, {}).get(wanted)
    if factor is None:
        return Meaning(EXTRA + slug, "", _number if unit else scalar)
    return Meaning(value, kind, _times(factor))


def _number(raw: object) -> float | None:
    return None if isinstance(raw, str) and raw.strip().lower() == "nan" else number(raw)


def _times(factor: float) -> Coerce:
    def convert(raw: object) -> float | None:
        value = _number(raw)
        return value if value is None or factor == 1 else round(value * factor, 6)

    return convert


def _fahrenheit(raw: object) -> float | None:
    value = _number(raw)
    return None if value is None else round((value - 32) / 1.8, 2)
