"""Units that a number in a rule may carry, and what they are in the unit of the value names.

``57 °C``, ``80 cm``, ``0.14 MPa``, ``8.3 °C/min``. A value name has one unit everywhere
(``gateway.model.KINDS``), so a number is converted to that one when the file is read; two
quantities that do not fit are an error, not a rule that never fires.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

PER_MINUTE: Final = "/min"
"""Behind any unit: what ``rate`` gives."""


class Unit(NamedTuple):
    """A written unit: ``value * factor + offset`` is the number in ``table``, the names' unit."""

    table: str
    factor: float = 1.0
    offset: float = 0.0


UNITS: Final[Mapping[str, Unit]] = MappingProxyType(
    {
        "%": Unit("%"),
        "%/m": Unit("%/m"),
        "°C": Unit("°C"),
        "℃": Unit("°C"),
        "°F": Unit("°C", 5 / 9, -160 / 9),
        "℉": Unit("°C", 5 / 9, -160 / 9),
        "°": Unit("°"),
        "ppm": Unit("ppm"),
        "ppb": Unit("ppb"),
        "m": Unit("m"),
        "cm": Unit("m", 0.01),
        "mm": Unit("m", 0.001),
        "kPa": Unit("kPa"),
        "Pa": Unit("kPa", 0.001),
        "MPa": Unit("kPa", 1_000.0),
        "bar": Unit("kPa", 100.0),
        "mbar": Unit("kPa", 0.1),
        "V": Unit("V"),
        "mV": Unit("V", 0.001),
        "kV": Unit("V", 1_000.0),
        "A": Unit("A"),
        "mA": Unit("A", 0.001),
        "W": Unit("W"),
        "kW": Unit("W", 1_000.0),
        "µg/m³": Unit("µg/m³"),
        "μg/m³": Unit("µg/m³"),
        "ug/m3": Unit("µg/m³"),
        "mg/m³": Unit("µg/m³", 1_000.0),
        "dBm": Unit("dBm"),
        "MiB": Unit("MiB"),
        "GiB": Unit("MiB", 1_024.0),
    }
)
"""Written unit -> the unit of the value tables."""

WRITTEN: Final = tuple(
    sorted([*UNITS, *(name + PER_MINUTE for name in UNITS)], key=len, reverse=True)
)
"""Every spelling, longest first, as a tokenizer wants them."""


def converted(number: float, written: str) -> tuple[float, str]:
    """``number`` of unit ``written`` as (number, unit of the tables). KeyError for no unit."""
    per_minute = written.endswith(PER_MINUTE)
    unit = UNITS[written.removesuffix(PER_MINUTE) if per_minute else written]
    # A difference knows no zero point: 10 °F/min is 5.6 °C/min.
    offset = 0.0 if per_minute else unit.offset
    value = float(f"{number * unit.factor + offset:.12g}")
    return value, unit.table + (PER_MINUTE if per_minute else "")


def fit(one: str | None, other: str | None) -> bool:
    """Whether two units may be compared; None is a plain number, which fits everything."""
    return one is None or other is None or one == other
