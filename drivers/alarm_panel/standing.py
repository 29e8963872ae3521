"""What still stands at a device with several sources of one value: only the last end clears it.

A panel whose mains and whose telephone line failed is at fault until both are back. A zone is one
sensor: its alarm ends with any alarm's end, its fault, too, with an end of a class that does not
stand. Some alarms never end (a user's duress, a key of the keypad), so each one of the panel's own
begins anew: its end goes before it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from drivers.alarm_panel.codes import PRESENT
from gateway.model import EXTRA, Reading

_MOST: Final = 5_000
"""Devices remembered; beyond it the oldest is forgotten, and its next end clears."""
_MOST_SOURCES: Final = 64
"""Sources remembered for one device."""
_WATCHED: Final = ("fault", "alarm")
_AREA: Final = ":area-"


class Standing:
    """Lives as long as the driver. What stood before its start is not known: an end then clears."""

    def __init__(self) -> None:
        self._by_device: dict[str, dict[tuple[str, str, str], None]] = {}

    def told(self, reading: Reading) -> list[Reading]:
        """An event's reading, settled; before a new alarm that another could hide, its end."""
        settled, device = self.settle(reading), reading.device
        is_new = reading.values.get(EXTRA + "qualifier") != PRESENT
        if settled.values.get("alarm") is not True or not is_new or _is_sensor(device):
            return [settled]
        key = f"{reading.key}.end" if reading.key else ""
        end = Reading(device, reading.kind, {"alarm": False}, reading.observed_at, key)
        return [end, settled]

    def settle(self, reading: Reading) -> Reading:
        """``reading`` without the end of what other sources keep standing."""
        values = reading.values
        hidden = [name for name in _WATCHED if name in values and self._hides(name, reading)]
        if not hidden:
            return reading
        left = {name: value for name, value in values.items() if name not in hidden}
        return msgspec.structs.replace(reading, values=left)

    def _hides(self, name: str, reading: Reading) -> bool:
        group, unit = str(reading.values.get(EXTRA + "class", "")), _unit(reading)
        if name == "alarm" and _is_sensor(reading.device):
            return False
        standing = self._by_device.pop(reading.device, {})
        if reading.values[name] is True:
            standing[name, group, unit] = None
            while len(standing) > _MOST_SOURCES:
                del standing[next(iter(standing))]
        elif (name, group, unit) in standing:
            del standing[name, group, unit]
        else:  # ends come with another unit, or with none: then the class decides
            own = [each for each in standing if each[:2] == (name, group)]
            if not own and _is_sensor(reading.device):
                own = [each for each in standing if each[0] == name]
            for each in own:
                del standing[each]
        if standing:
            self._by_device[reading.device] = standing
            if len(self._by_device) > _MOST:
                del self._by_device[next(iter(self._by_device))]
        return reading.values[name] is False and any(each[0] == name for each in standing)


def _is_sensor(device: str) -> bool:
    """Whether it is a zone or a part, and not the panel or a partition with many sources."""
    return ":" in device and _AREA not in device


def _unit(reading: Reading) -> str:
    zone = reading.values.get("zone", reading.values.get(EXTRA + "zone", ""))
    return str(zone).lstrip("0")
