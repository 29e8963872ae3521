"""Cayenne LPP: items of channel (1), type (1) and content, high byte first.

An object has a name for each type and channel, as The Things Stack writes them (temperature_1).
Facts from the Cayenne LPP 1.0 documentation and the types that ElectronicCats' library adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drivers.mqtt.lorawan.tables._layout import Layout, layout
from drivers.mqtt.lorawan.tables._tlv import ITEMS

TYPES: Final[Mapping[int, tuple[str, str]]] = {
    0: ("digital_in", "v u8"),
    1: ("digital_out", "v u8"),
    2: ("analog_in", "v i16 /100"),
    3: ("analog_out", "v i16 /100"),
    100: ("generic_sensor", "v u32"),
    101: ("luminosity", "v u16"),
    102: ("presence", "v u8"),
    103: ("temperature", "v i16 /10"),
    104: ("relative_humidity", "v u8 /2"),
    113: ("accelerometer", "x i16 /1000; y i16 /1000; z i16 /1000"),
    115: ("barometric_pressure", "v u16 /10"),
    116: ("voltage", "v u16 /100"),
    117: ("current", "v u16 /1000"),
    118: ("frequency", "v u32"),
    120: ("percentage", "v u8"),
    121: ("altitude", "v i16"),
    125: ("concentration", "v u16"),
    128: ("power", "v u16"),
    130: ("distance", "v u32 /1000"),
    131: ("energy", "v u32 /1000"),
    132: ("direction", "v u16"),
    133: ("unix_time", "v u32"),
    134: ("gyrometer", "x i16 /100; y i16 /100; z i16 /100"),
    135: ("colour", "r u8; g u8; b u8"),
    136: ("gps", "latitude i24 /10000; longitude i24 /10000; altitude i24 /100"),
    142: ("switch", "v u8"),
}
"""Type -> name and content; a single "v" is the value itself."""

_LAYOUTS: Final[Mapping[int, tuple[str, Layout]]] = {
    number: (name, layout(content)) for number, (name, content) in TYPES.items()
}


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The items, on any port. ValueError: a type that Cayenne does not have, or a cut item."""
    found: dict[str, Any] = {}
    at = 0
    for _ in range(ITEMS):
        if at >= len(data):
            return found
        kind = data[at + 1] if at + 1 < len(data) else -1
        if kind not in _LAYOUTS:
            raise ValueError(f"item at byte {at} has no known type")
        name, content = _LAYOUTS[kind]
        values = content.read(data, at + 2)
        found[f"{name}_{data[at]}"] = values.get("v", values)
        at += 2 + content.size
    raise ValueError(f"more than {ITEMS} items")
