"""What still stands at a device with several sources of one value: only the last end clears it.

A panel whose mains and whose telephone line failed is at fault until both are back. A zone is one
sensor, so its alarm ends with any alarm's end; the panel itself has many.
"""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.model import EXTRA, Reading

_MOST: Final = 5_000
"""Devices remembered; beyond it the oldest is forgotten, and its next end clears."""
_MOST_SOURCES: Final = 64
"""Sources remembered for one device."""
_WATCHED: Final = ("fault", "alarm")


class Standing:
    """Lives as long as the driver. What stood before its start is not known: an end then clears."""

    def __init__(self) -> None:
        self._by_device: dict[str, dict[tuple[str, str, str], None]] = {}

    def settle(self, reading: Reading) -> Reading:
        """``reading`` without the end of what other sources keep standing."""
        values = reading.values
        source = str(values.get(EXTRA + "class", "")), _unit(reading)
        hidden = [
            name for name in _WATCHED if name in values and self._hides(name, source, reading)
        ]
        if not hidden:
            return reading
        left = {name: value for name, value in values.items() if name not in hidden}
        return msgspec.structs.replace(reading, values=left)

    def _hides(self, name: str, source: tuple[str, str], reading: Reading) -> bool:
        group, unit = source
        if name == "alarm" and ":" in reading.device:
            return False
        standing = self._by_device.pop(reading.device, {})
        if reading.values[name] is True:
            standing[name, group, unit] = None
            while len(standing) > _MOST_SOURCES:
                del standing[next(iter(standing))]
        elif (name, group, unit) in standing:
            del standing[name, group, unit]
        else:  # ends come with another unit, or with none: then the class decides
            for each in [each for each in standing if each[:2] == (name, group)]:
                del standing[each]
        if standing:
            self._by_device[reading.device] = standing
            if len(self._by_device) > _MOST:
                del self._by_device[next(iter(self._by_device))]
        return reading.values[name] is False and any(each[0] == name for each in standing)


def _unit(reading: Reading) -> str:
    zone = reading.values.get("zone", reading.values.get(EXTRA + "zone", ""))
    return str(zone).lstrip("0")
