"""Places, devices, people, and who has duty when."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import msgspec

MODES: Final = ("disarmed", "home", "away")
"""撤防, 在家布防, 外出布防. Where nobody ever said a mode and no plan does, a place is ``away``:
what can not be disarmed is armed."""

LEVELS: Final = ("city", "district", "street", "community", "grid", "building")
ROLES: Final = ("assistant", "officer", "supervisor")

DAY_MINUTES: Final = 1_440


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
    """The maker's number: no two devices in use have the same."""
    until: int = 0
    """Wall ns at which a bypass ends by itself; 0: it does not."""
    because: str = ""
    """Why it is bypassed or retired."""
    by_position: bool = False
    """``place`` is the grid whose border holds its position, and moves when the border does."""


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
    areas: tuple[str, ...] = ()
    """Further places where this person has the same role."""


class Duty(msgspec.Struct, frozen=True):
    """One line of the roster of ``role`` at ``place``. Times are local, days are the first day's.

    weekly     ``people[0]`` on every one of ``days``
    rotation   ``people`` take turns of ``every`` days from ``since`` on
    exception  on these days ``people[0]`` (or nobody) instead of whoever the other lines say
    swap       ``people[0]`` takes what begins on these days and would be ``instead``'s
    """

    place: str
    role: str
    kind: str = "weekly"
    people: tuple[tuple[str, ...], ...] = ()
    """Ids of who has duty together, the responsible one first; of a rotation one for each turn."""
    days: tuple[str, ...] = ()
    """``mon`` … ``sun``, ``holiday``, ``workday``, ``restday``; none: every day."""
    begin: int = 0
    """Minutes after midnight."""
    end: int = DAY_MINUTES
    """Minutes after midnight; not after ``begin``: on the next day."""
    since: str = ""
    """First day, ISO; "": no first."""
    until: str = ""
    """Last day, ISO; "": no last."""
    every: int = 0
    instead: str = ""
    without: tuple[str, ...] = ()
    """Days, ISO, that are left out."""


class Holiday(msgspec.Struct, frozen=True):
    """A day off, or a working day in lieu (调休) where ``working``."""

    day: str
    working: bool = False
    name: str = ""


Ring = tuple[tuple[float, float], ...]
"""Closed: (longitude, latitude) in degrees, WGS-84."""
Border = tuple[tuple[Ring, ...], ...]
"""Polygons, each an outline and the holes in it."""


class Site(msgspec.Struct, frozen=True, dict=True):
    """A frozen, versioned picture of the registry."""

    version: int = 0
    places: dict[str, Place] = {}
    devices: dict[str, Device] = {}
    people: dict[str, Person] = {}
    rosters: tuple[Duty, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    borders: dict[str, Border] = {}
    """By place code."""
    zone: str = "Asia/Shanghai"
    """IANA name of the local time that rosters are in."""

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

    def registered(self, code: str, role: str) -> tuple[Person, ...]:
        """Everybody of ``role`` at exactly place ``code``, in the registry's order."""
        return self._registered.get((code, role), ())

    @cached_property
    def _registered(self) -> dict[tuple[str, str], tuple[Person, ...]]:
        """Made once for each picture: a district's 4,000 people are asked for at every alarm."""
        found: dict[tuple[str, str], list[Person]] = {}
        for person in self.people.values():
            for code in dict.fromkeys((person.grid, *person.areas)):
                found.setdefault((code, person.role), []).append(person)
        return {key: tuple(people) for key, people in found.items()}

    def tables(self) -> dict[str, dict[str, object]]:
        """Table -> id -> row, for comparing two pictures; a roster is one row."""
        rosters: dict[str, list[Duty]] = {}
        for line in self.rosters:
            rosters.setdefault(f"{line.place} {line.role}", []).append(line)
        return {
            "places": dict(self.places),
            "devices": dict(self.devices),
            "people": dict(self.people),
            "rosters": dict(rosters),
            "holidays": {each.day: each for each in self.holidays},
            "borders": dict(self.borders),
        }

    @cached_property
    def kept(self) -> dict[str, object]:
        """What pure functions over this picture have worked out of it, by their name."""
        return {}

    def in_charge(self, code: str, role: str) -> Person | None:
        """The person of ``role`` at ``code``, or at the nearest ancestor that has one."""
        for place in self.chain(code):
            if people := self.registered(place.code, role):
                return people[0]
        return None
