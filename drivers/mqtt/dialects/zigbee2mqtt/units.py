"""Numbers in the units that devices announce, to the units of the value tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from drivers._values import Coerce, number, shown

_FACTORS: Final[Mapping[str, Mapping[str, float]]] = {
    "temperature": {"": 1, "°c": 1, "℃": 1, "c": 1},
    "humidity": {"": 1, "%": 1, "%rh": 1, "rh%": 1},
    "battery": {"": 1, "%": 1},
    "co": {"": 1, "ppm": 1},
    "co2": {"": 1, "ppm": 1},
    "pm2_5": {"": 1, "µg/m³": 1, "μg/m³": 1, "ug/m3": 1, "µg/m3": 1, "μg/m3": 1},
    "tvoc": {"ppb": 1, "ppm": 1_000},
    "lel": {"lel": 1, "%lel": 1, "% lel": 1, "lel%": 1},
    "pressure": {"kpa": 1, "hpa": 0.1, "mbar": 0.1, "bar": 100, "pa": 0.001, "psi": 6.894757},
    "level": {"m": 1, "cm": 0.01, "mm": 0.001},
    "tilt": {"": 1, "°": 1, "deg": 1},
    "voltage": {"": 1, "v": 1, "mv": 0.001},
    "current": {"": 1, "a": 1, "ma": 0.001},
    "power": {"": 1, "w": 1, "kw": 1_000, "mw": 0.001},
    "rssi": {"dbm": 1},
    "density": {"%/m": 1, "% obs/m": 1},
}
"""Value -> unit in lower case -> factor; "" where it goes without saying."""


def scaled(value: str, unit: str) -> Coerce | None:
    """The function that makes ``value`` of numbers in ``unit``; None: it can not be made."""
    wanted = unit.strip().lower()
    if value == "density" and wanted == "db/m":
        return obscuration
    if value == "temperature" and wanted in ("°f", "℉", "f"):
        return _fahrenheit
    factor = _FACTORS.get(value, {}).get(wanted)
    if factor is None or factor == 1:
        return number if factor else None

    def convert(raw: object) -> float | None:
        found = number(raw)
        return None if found is None else round(found * factor, 6)

    return convert


def link(raw: object) -> float | None:
    """Link quality 0 to 255 in per cent."""
    value = number(raw)
    return None if value is None else round(value * 100 / 255, 1)


def obscuration(raw: object) -> float | None:
    """dB/m in %/m: what a metre of this smoke takes away of the light."""
    value = number(raw)
    if value is None:
        return None
    if not 0 <= value <= 1_000:
        raise ValueError(f"{shown(raw)} dB/m is impossible")
    return round(100 * (1 - 10 ** (-value / 10)), 4)


def millivolts(raw: object) -> float | None:
    """A voltage whose unit nobody announced: a thousand and more are a battery's millivolts."""
    value = number(raw)
    return value / 1_000 if value is not None and value >= 1_000 else None


def _fahrenheit(raw: object) -> float | None:
    value = number(raw)
    return None if value is None else round((value - 32) / 1.8, 2)
