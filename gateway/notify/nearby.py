"""Which neighbours a message tells of: what else is in the flat, on the floor, in the building."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gateway.model import SECOND, Category, Device, Incident, Quality, Reading, Site
from gateway.notify.about import Neighbour
from gateway.notify.wording import MOST_NEARBY
from gateway.notify.words import FIGURES, VALUES

_OLDEST: Final = 24 * 3600 * SECOND
"""What was reported longer before the alarm than this says nothing about now."""
_OUT_OF_USE: Final = ("planned", "bypassed", "retired")
_CATEGORIES: Final = (Category.life, Category.intrusion)
_PEOPLE_LIVE_IN: Final = "building"


class Neighbourhood:
    """Asked for every message; keeps the devices of each place as long as the registry stays."""

    def __init__(self, latest: Callable[[], Mapping[str, Reading]]) -> None:
        self._latest = latest
        self._site: Site | None = None
        self._devices: dict[str, list[Device]] = {}

    def __call__(self, incident: Incident, site: Site) -> list[Neighbour]:
        """At most three, those that alarm first, then the nearest."""
        place = site.places.get(incident.place)
        if incident.category not in _CATEGORIES or place is None or place.level != _PEOPLE_LIVE_IN:
            return []
        own = site.devices.get(incident.device)
        latest = self._latest()
        oldest = incident.since - _OLDEST
        found: list[Neighbour] = []
        for device in self._of(site, incident.place):
            reading = latest.get(device.id)
            if device is not own and reading is not None and _tells(device, reading, oldest):
                found.append((device, reading))
        found.sort(key=lambda each: _rank(own, *each))
        return found[:MOST_NEARBY]

    def _of(self, site: Site, place: str) -> list[Device]:
        if site is not self._site:
            self._devices = {}
            for device in site.devices.values():
                self._devices.setdefault(device.place, []).append(device)
            self._site = site
        return self._devices.get(place, [])


def _tells(device: Device, reading: Reading, oldest: int) -> bool:
    """Whether a person can use what it says."""
    if device.state in _OUT_OF_USE or reading.at < oldest or reading.quality is Quality.stale:
        return False
    return any(name in VALUES or name in FIGURES for name in reading.values)


def _rank(own: Device | None, device: Device, reading: Reading) -> tuple[bool, int, int, str]:
    alarms = any(reading.values.get(name) is True for name in VALUES)
    distance = 2
    if own is not None and own.floor and device.floor == own.floor:
        distance = 0 if own.flat and device.flat == own.flat else 1
    return not alarms, distance, -reading.at, device.id
