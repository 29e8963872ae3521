"""Device classes and quantities to values. ``ON`` of a door is open. Pure.

The classes are Home Assistant's; a node announces them in discovery, or its entities are named
after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from drivers._values import Coerce, coercer, number
from drivers.mqtt._common import celsius, percent, times


class Row(NamedTuple):
    """What an entity is: its values, the kind of device, and whether ON is the good state."""

    values: tuple[str, ...]
    kind: str = ""
    inverted: bool = False


BINARY: Final[Mapping[str, Row]] = {
    "smoke": Row(("alarm",), "smoke"),
    "heat": Row(("alarm",), "heat"),
    "carbon_monoxide": Row(("alarm",), "co"),
    "gas": Row(("alarm",), "gas"),
    "moisture": Row(("leak",), "water"),
    "motion": Row(("occupied", "alarm"), "infrared"),
    "occupancy": Row(("occupied", "alarm"), "infrared"),
    "presence": Row(("occupied", "alarm"), "infrared"),
    "door": Row(("open",), "contact"),
    "opening": Row(("open",), "contact"),
    "window": Row(("open",), "contact"),
    "garage_door": Row(("open",), "contact"),
    "tamper": Row(("tamper",)),
    "vibration": Row(("vibration",)),
    "moving": Row(("vibration",)),
    "problem": Row(("fault",)),
    "safety": Row(("fault",)),
    "battery": Row(("battery_low",)),
    "connectivity": Row(("fault",), inverted=True),
    "power": Row(("fault",), "power", inverted=True),
    "plug": Row(("fault",), "power", inverted=True),
}
"""Device class of a binary sensor to what its ON says (esphome.md, "Registering devices")."""
NAMED: Final[Mapping[str, str]] = {
    "smoke": "smoke",
    "smoke_alarm": "smoke",
    "carbon_monoxide": "carbon_monoxide",
    "gas": "gas",
    "leak": "moisture",
    "water_leak": "moisture",
    "moisture": "moisture",
    "motion": "motion",
    "pir": "motion",
    "occupancy": "occupancy",
    "presence": "presence",
    "door": "door",
    "window": "window",
    "opening": "opening",
    "garage_door": "garage_door",
    "vibration": "vibration",
    "tamper": "tamper",
    "battery_low": "battery",
}
"""Names of binary sensors that say their class themselves."""


class Quantity(NamedTuple):
    """A number's value. ``units``: how others of its units become ours."""

    value: str
    kind: str = ""
    units: Mapping[str, Coerce] = {}
    convert: Coerce = number


_TEMPERATURE: Final = Quantity("temperature", "climate", {"°F": celsius})
_PM: Final = Quantity("pm2_5", "climate")
SENSORS: Final[Mapping[str, Quantity]] = {
    "temperature": _TEMPERATURE,
    "humidity": Quantity("humidity", "climate", {}, coercer("humidity")),
    "carbon_dioxide": Quantity("co2", "climate"),
    "co2": Quantity("co2", "climate"),
    "carbon_monoxide": Quantity("co"),
    "pm25": _PM,
    "pm2_5": _PM,
    "pm_2_5": _PM,
    "volatile_organic_compounds_parts": Quantity("tvoc", "climate"),
    "tvoc": Quantity("tvoc", "climate"),
    "battery": Quantity("battery", "", {}, percent),
    "battery_level": Quantity("battery", "", {}, percent),
    "signal_strength": Quantity("rssi"),
    "wifi_signal": Quantity("rssi"),
    "voltage": Quantity("voltage", "power", {"mV": times(0.001)}),
    "current": Quantity("current", "power", {"mA": times(0.001)}),
    "power": Quantity("power", "power", {"kW": times(1000.0)}),
    "water_level": Quantity("water_level", "", {"cm": times(0.01), "mm": times(0.001)}),
    "tilt": Quantity("tilt"),
}
"""Device class or name of a sensor to its value."""
EXPECTED: Final[Mapping[str, frozenset[str]]] = {
    "battery": frozenset({"", "%"}),
    "temperature": frozenset({"", "°C", "°F"}),
    "signal_strength": frozenset({"", "dBm", "dB"}),
    "water_level": frozenset({"m", "cm", "mm"}),
}
"""Units without which a number is something else: a battery in volts is no percentage."""
