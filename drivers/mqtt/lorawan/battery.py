"""A battery's number: per cent, volts or millivolts, whatever its field is called. Pure."""

from __future__ import annotations

from typing import Final

from drivers.mqtt.lorawan import names
from gateway.model import EXTRA

BATTERY_VOLTAGE: Final = EXTRA + "battery_voltage"
_FULL: Final = 100
_CELL: Final = 5
"""Volts that no single cell reaches."""
_MOST_VOLTS: Final = 100
"""A battery's number above it counts millivolts."""


def charge(name: str, number: float, unit: str) -> tuple[str, float] | None:
    """The value and its number, per cent or volts; None where it can be neither.

    ``name`` as in the table; ``unit`` in lower case, "" where nobody says one.
    """
    volts = name in names.BATTERY_VOLTAGE or unit in names.UNITS["voltage"]
    if not unit and not volts:
        # per cent are whole, a cell's volts are mostly not; above 1000 only millivolts are left
        volts = number > 1000 or (number < 20 and number != int(number))
        volts = volts or (name in names.CELLS and number < _CELL)
    if volts:
        milli = unit == "mv" or (unit not in ("v", "volt", "volts") and number > _MOST_VOLTS)
        return BATTERY_VOLTAGE, round(number / 1000 if milli else number, 4)
    return ("battery", number) if 0 <= number <= _FULL else None


def of_volts(number: float) -> float:
    """Volts, from a voltage that stands alone."""
    return round(number / 1000 if number > _MOST_VOLTS else number, 4)
