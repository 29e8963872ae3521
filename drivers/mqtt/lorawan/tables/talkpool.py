"""Talkpool climate sensors; facts from the codecs in The Things Network's device repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drivers.mqtt.lorawan.tables import known
from drivers.mqtt.lorawan.tables._layout import Kinds, layout


def _packed(raw: bytes) -> tuple[float, float]:
    """Temperature and humidity of 12 bits each: two high bytes, then their two low halves."""
    temperature = raw[0] << 4 | raw[2] >> 4
    humidity = raw[1] << 4 | raw[2] & 15
    return (temperature - 800) / 10, (humidity - 250) / 10


_KINDS: Final[Kinds] = {"packed": (3, _packed)}
_ROWS: Final[Mapping[tuple[str, int], tuple[str, str]]] = {
    ("oy1100", 2): ("RelativeHumidity", "air packed"),
    ("oy1110", 2): ("RelativeHumidity", "air packed"),
    ("oy1110", 3): ("RelativeHumidity", "_ u8; air packed"),
    ("oy1200", 1): (
        "Humidity",
        "_ u16; CO2Raw u16; CO2Filtered u16; Temperature u16 /100; Humidity u16 /100",
    ),
    ("oy1210", 2): ("Humidity", "air packed; CO2 u16"),
    ("oy1700", 2): ("RelativeHumidity", "air packed; PM1_0 u16; PM2_5 u16; PM_10 u16"),
}
_LAYOUTS: Final = {
    key: (humidity, layout(text, kinds=_KINDS)) for key, (humidity, text) in _ROWS.items()
}
_MODELS: Final = {model: "" for model, _ in _ROWS}


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The first measurement of a message; None: a model that is not in the table."""
    name = known(_MODELS, model)
    if name is None:
        return None
    row = _LAYOUTS.get((name, port))
    if row is None:
        raise ValueError(f"nothing is sent on port {port}")
    humidity, content = row
    found = content.read(data)
    if "air" in found:
        found["Temperature"], found[humidity] = found.pop("air")
    return found
