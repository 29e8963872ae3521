"""Places, devices and people."""

from __future__ import annotations

from typing import Final

import msgspec

MODES: Final = ("disarmed", "home", "away")
"""撤防, 在家布防, 外出布防. Where nobody ever said a mode and no plan does, a place is ``away``:
what can not be disarmed is armed."""

LEVELS: Final = ("city", "district", "street", "community", "grid", "building")
ROLES: Final = ("assistant", "officer", "supervisor")


class Place(msgspec.Struct, frozen=True):
    """A node of the grid tree. ``code`` extends the parent's code."""

    code: str
    parent: str
    level: str
    name: str
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    contact: str = ""
    """Whom to call about it: a building's manager, a shop's owner."""


class Device(msgspec.Struct, frozen=True):
    """A registered device. ``address`` is its name inside driver ``driver``."""

    id: str
    driver: str
    address: str
    kind: str
    name: str
    place: str
    model: str = ""
    floor: str = ""
    flat: str = ""
    latitude: float | None = None
    longitude: float | None = None
    max_silence: int = 0
    """Nanoseconds without a report that are still normal; 0: not watched."""
    ranges: dict[str, tuple[float, float]] = {}
    contact: str = ""
    state: str = "accepted"
    """planned, installed, accepted, bypassed or retired."""
    tags: tuple[str, ...] = ()
    """Words that rules choose by, such as ``closed_area``."""
    serial: str = ""
    """The maker's number: no two devices have the same."""
    until: int = 0
    """Wall ns at which a bypass ends by itself; 0: it does not."""
    because: str = ""
    """Why it is bypassed or retired."""


class Person(msgspec.Struct, frozen=True):
    """Somebody who can be told. ``channels`` are notifier names, in the order to try them."""

    id: str
    name: str
    grid: str
    role: str
    phone: str = ""
    language: str = "zh"
    channels: tuple[str, ...] = ()
    email: str = ""
    accounts: dict[str, str] = {}
    """Notifier name -> who this is there, such as a user id of WeCom."""
    quiet: str = ""
    """Local hours in which only life safety rings, as ``22:00-06:30``."""


class Site(msgspec.Struct, frozen=True):
    """A frozen, versioned picture of the registry."""

    version: int = 0
    places: dict[str, Place] = {}
    devices: dict[str, Device] = {}
    people: dict[str, Person] = {}

    def chain(self, code: str) -> list[Place]:
        """``code``'s place and its ancestors, nearest first; empty for a code nobody knows."""
        found: list[Place] = []
        while (place := self.places.get(code)) is not None and place not in found:
            found.append(place)
            code = place.parent
        return found

    def level(self, code: str, level: str) -> str:
        """The code of the ancestor-or-self of ``code`` at ``level``, or ""."""
        return next((place.code for place in self.chain(code) if place.level == level), "")

    def root(self) -> str:
        """The code of the topmost place, or "" in an empty registry."""
        return next((p.code for p in self.places.values() if p.parent not in self.places), "")

    def place_of(self, device: str) -> str:
        """The place code of a device; the root for a device nobody knows."""
        known = self.devices.get(device)
        return known.place if known is not None else self.root()

    def in_charge(self, code: str, role: str) -> Person | None:
        """The person of ``role`` at ``code``, or at the nearest ancestor that has one."""
        for place in self.chain(code):
            for person in self.people.values():
                if person.grid == place.code and person.role == role:
                    return person
        return None
