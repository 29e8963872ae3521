"""WGS-84, which devices and people measure, to GCJ-02, which maps in China draw. Pure.

The offset is a published approximation of the official one, good to a few metres; outside China
maps draw WGS-84, and a point there stays where it is.
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt
from typing import Final

_AXIS: Final = 6_378_245.0
"""Metres: half the longer axis of Krasovsky's ellipsoid, which the offset is made with."""
_FLATNESS: Final = 0.006_693_421_622_965_943
"""Its first eccentricity squared."""
_WEST, _EAST = 72.004, 137.8347
_SOUTH, _NORTH = 0.8293, 55.8271


def to_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """Latitude and longitude of a WGS-84 point (degrees) on a map in China."""
    if not (_SOUTH <= latitude <= _NORTH and _WEST <= longitude <= _EAST):
        return latitude, longitude
    x, y = longitude - 105.0, latitude - 35.0
    phi = latitude / 180.0 * pi
    magic = 1 - _FLATNESS * sin(phi) ** 2
    north = _north(x, y) * 180.0 / (_AXIS * (1 - _FLATNESS) / (magic * sqrt(magic)) * pi)
    east = _east(x, y) * 180.0 / (_AXIS / sqrt(magic) * cos(phi) * pi)
    return latitude + north, longitude + east


def _north(x: float, y: float) -> float:
    """Metres."""
    metres = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    metres += _wave(x, (20.0, 6.0), (20.0, 2.0))
    return metres + _wave(y, (20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))


def _east(x: float, y: float) -> float:
    """Metres."""
    metres = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    metres += _wave(x, (20.0, 6.0), (20.0, 2.0))
    return metres + _wave(x, (20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))


def _wave(value: float, *terms: tuple[float, float]) -> float:
    """Two thirds of the sum of sines, each an (amplitude, frequency)."""
    return sum(size * sin(value * pi * often) for size, often in terms) * 2.0 / 3.0
