"""The files of a registry as one ``Site``, or every error of all of them at once.

    places ─▶ borders ─▶ devices ─▶ people ─▶ rosters, holidays ─▶ what only shows together

A table that is not given stays as it was before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from gateway.document import Problem, Problems
from gateway.model import LEVELS, ROLES, Border, Device, Duty, Holiday, Place, Site
from gateway.registry import ical, words
from gateway.registry.borders import Borders, read_borders
from gateway.registry.devices import read_devices
from gateway.registry.people import read_people
from gateway.registry.rosters import Known, read_holidays, read_rosters
from gateway.registry.table import MAX_BYTES, Row, Source, Table, on_disk
from gateway.registry.texts import CODE, nearest

_Thing = TypeVar("_Thing")

ZONE: Final = Site().zone
_MOST_PROBLEMS: Final = 100

Calendar = Callable[[str, tzinfo], Iterable[Holiday]]
"""The special days of an iCalendar text. Raises ``ValueError`` with ``line`` and ``message``."""
Rows = dict[tuple[str, str], tuple[str, int]]
"""Table and id -> file and row."""


class Files(NamedTuple):
    """Where the tables of a registry are; None or nothing: as before."""

    places: Source | None = None
    devices: Source | None = None
    people: Source | None = None
    rosters: tuple[Source, ...] = ()
    borders: Source | None = None
    holidays: Source | None = None

    def all(self) -> Iterator[Source]:
        """Every source there is."""
        for part in self:
            yield from part if isinstance(part, tuple) and not isinstance(part, Source) else ()
            if isinstance(part, Source):
                yield part


class Imported(NamedTuple):
    """A registry, and in which row of which file each thing of it stands."""

    site: Site
    rows: Rows


def digest(paths: Iterable[Path]) -> str:
    """SHA-256 over the files as they are: changed when any byte of any of them has changed.

    Raises ``OSError``.
    """
    whole = hashlib.sha256(b"gridwarden registry 1")
    for path in paths:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        whole.update(len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()


def read_csv(
    places: Path, devices: Path, people: Path, *, notifiers: Collection[str] | None = None
) -> Site:
    """The registry in three files, version 0. Raises ``Problems`` with every error."""
    files = Files(on_disk(places), on_disk(devices), on_disk(people))
    return read(files, notifiers=notifiers).site


def read(
    files: Files,
    *,
    notifiers: Collection[str] | None = None,
    zone: str = ZONE,
    before: Site | None = None,
    calendar: Calendar | None = None,
) -> Imported:
    """The registry that ``files`` make of ``before``. Raises ``Problems`` with every error.

    ``notifiers`` are the channels that people may name; None leaves them unchecked. Times are
    local in ``zone``. ``calendar`` reads holidays that come as iCalendar.
    """
    reading = _Reading(files, before or Site(), notifiers, zone, calendar)
    return reading.imported()


class _Reading:
    """Reads table by table; each is checked against those before it."""

    def __init__(
        self,
        files: Files,
        before: Site,
        notifiers: Collection[str] | None,
        zone: str,
        calendar: Calendar | None,
    ) -> None:
        self._files = files
        self._before = before
        self._notifiers = notifiers
        self._zone = zone
        self._calendar = calendar
        self._tables: list[Table] = []
        self._problems: list[Problem] = []
        self._whole: dict[str, bool] = {}
        """Table -> whether every row of it could be read."""
        self.rows: Rows = {}

    def imported(self) -> Imported:
        places = self._places()
        borders = self._borders(places)
        # A code that stands in a faulty row is still no unknown code in the other files.
        known = places if self._whole.get("places", True) else None
        held = Borders(borders, places)
        before = self._before
        devices, people = before.devices, before.people
        if self._files.devices is not None:
            table = self._table("devices", self._files.devices)
            devices = self._kept("devices", table, read_devices(table, known, held, self._zone))
        elif held and (self._files.borders or self._files.places):
            devices = self._placed_anew(held)
        if self._files.people is not None:
            table = self._table("people", self._files.people)
            people = self._kept("people", table, read_people(table, known, self._notifiers))
        named = people if self._whole.get("people", True) else None
        rosters = self._rosters((known, named))
        site = Site(
            places=places,
            devices=devices,
            people=people,
            rosters=rosters,
            holidays=self._holidays(),
            borders={code: border for code, border in borders.items() if code in places},
            zone=self._zone,
        )
        self._together(site)
        found = [*self._problems, *(each for table in self._tables for each in table.problems())]
        if found:
            raise Problems(found)
        return Imported(site, self.rows)

    def _table(self, name: str, source: Source) -> Table:
        table = Table(source, words.COLUMNS[name], words.REQUIRED[name], words.TITLES[name])
        self._tables.append(table)
        return table

    def _kept(
        self, name: str, table: Table, found: Mapping[str, tuple[int, _Thing]]
    ) -> dict[str, _Thing]:
        self._whole[name] = table.complete
        self.rows.update({(name, id_): (table.file, row) for id_, (row, _) in found.items()})
        return {id_: thing for id_, (_, thing) in found.items()}

    def _places(self) -> dict[str, Place]:
        if self._files.places is None:
            return self._before.places
        table = self._table("places", self._files.places)
        return self._kept("places", table, read_places(table))

    def _borders(self, places: Mapping[str, Place]) -> dict[str, Border]:
        source = self._files.borders
        if source is None:
            return self._before.borders
        try:
            return read_borders(source, places if self._whole.get("places", True) else None)
        except Problems as error:
            self._problems += error.problems
            return {}

    def _placed_anew(self, borders: Borders) -> dict[str, Device]:
        """The devices of before: those that go by their position, by the borders of now."""
        found = {}
        for id_, device in self._before.devices.items():
            if device.by_position and device.latitude is not None and device.longitude is not None:
                place = borders.grid_at(device.latitude, device.longitude)
                if not place:
                    self._gone(f"no border holds device {id_!r} any more", self._files.borders)
                device = msgspec.structs.replace(device, place=place or device.place)
            found[id_] = device
        return found

    def _rosters(self, known: Known) -> tuple[Duty, ...]:
        if not self._files.rosters:
            return self._before.rosters
        found: list[Duty] = []
        for source in self._files.rosters:
            if source.name.lower().endswith(".ics"):
                found += self._calendar_of_duty(source, known)
                continue
            table = self._table("rosters", source)
            lines = read_rosters(table, known)
            for number, line in lines:
                self.rows.setdefault(("rosters", f"{line.place} {line.role}"), (table.file, number))
            found += [line for _, line in lines]
        return tuple(found)

    def _calendar_of_duty(self, source: Source, known: Known) -> list[Duty]:
        try:
            return ical.read_duty(source, self._zone, known)
        except Problems as error:
            self._problems += error.problems
            return []

    def _holidays(self) -> tuple[Holiday, ...]:
        source = self._files.holidays
        if source is None:
            return self._before.holidays
        if source.name.lower().endswith(".ics"):
            return self._calendar_of_holidays(source)
        return tuple(read_holidays(self._table("holidays", source)))

    def _calendar_of_holidays(self, source: Source) -> tuple[Holiday, ...]:
        if self._calendar is None:
            message = "holidays can not be read from iCalendar here; give them as CSV"
            self._problems.append(Problem(source.name, 1, 1, message))
            return ()
        try:
            return tuple(self._calendar(source.text(), ZoneInfo(self._zone)))
        except Problems as error:
            self._problems += error.problems
        except ValueError as error:
            line = getattr(error, "line", 1)
            self._problems.append(Problem(source.name, line, 1, str(error)))
        return ()

    # --- what only shows together

    def _together(self, site: Site) -> None:
        whole = self._whole
        if whole.get("places", True) and whole.get("people", True):
            self._check_roles(site)
        if self._files.places is not None and whole["places"]:
            self._check_places_left(site)
        if self._files.people is not None and whole["people"]:
            self._check_people_left(site)

    def _check_roles(self, site: Site) -> None:
        """No device may stand where an incident would have no owner."""
        if not site.places or (self._files.places is None and self._files.people is None):
            return
        root = site.places[site.root()]
        if not any(root.code in (p.grid, *p.areas) for p in site.people.values()):
            message = (
                f"nobody is named for {root.code!r} ({root.name}), the root: one person must be"
            )
            self._gone(message, self._files.people or self._files.places)
        for code, place in site.places.items():
            if place.level != "grid":
                continue
            above = [one.code for one in site.chain(code)]
            missing = [role for role in ROLES if not any(site.registered(c, role) for c in above)]
            if missing:
                message = f"grid {code!r} ({place.name}) has no {' and no '.join(missing)}"
                self._wrong("places", code, f"{message}, nor has a place above it")

    def _check_places_left(self, site: Site) -> None:
        """Tables that stayed as they were may name a place that is not there any more."""
        if self._files.devices is None:
            for device in site.devices.values():
                if device.place not in site.places:
                    message = f"device {device.id!r} lies in {device.place!r}, which is gone"
                    self._gone(message, self._files.places)
        if self._files.people is None:
            for person in site.people.values():
                for code in (person.grid, *person.areas):
                    if code not in site.places:
                        message = f"person {person.id!r} has {code!r}, which is gone"
                        self._gone(message, self._files.places)
        if not self._files.rosters:
            for code in dict.fromkeys(line.place for line in site.rosters):
                if code not in site.places:
                    self._gone(f"a roster is of {code!r}, which is gone", self._files.places)

    def _check_people_left(self, site: Site) -> None:
        """A roster that stayed as it was may name somebody who left."""
        if self._files.rosters:
            return
        for line in site.rosters:
            named = {who for team in line.people for who in team} | {line.instead} - {""}
            for who in sorted(named - set(site.people)):
                message = f"the roster of {line.place!r} names {who!r}, who is gone"
                self._gone(message, self._files.people)

    def _wrong(self, table: str, id_: str, message: str) -> None:
        file, row = self.rows.get((table, id_), ("", 1))
        if file:
            self._note(Problem(file, row, 1, message))
        else:
            self._gone(message, self._files.people)

    def _gone(self, message: str, source: Source | None) -> None:
        self._note(Problem(source.name if source else "registry", 1, 1, message))

    def _note(self, problem: Problem) -> None:
        if len(self._problems) < _MOST_PROBLEMS:
            self._problems.append(problem)


def read_places(table: Table) -> dict[str, tuple[int, Place]]:
    """Code -> row number and place; what is wrong is noted in ``table``."""
    rows: dict[str, tuple[Row, Place]] = {}
    for row in table.rows():
        latitude, longitude = row.position()
        place = Place(
            code=row.code("code", CODE),
            parent=row.text("parent"),
            level=row.word("level", words.LEVEL_WORDS),
            name=row.required("name"),
            address=row.text("address"),
            latitude=latitude,
            longitude=longitude,
            contact=row.text("contact"),
        )
        if place.code in rows:
            row.wrong("code", f"code {place.code!r} is already in row {rows[place.code][0].number}")
        elif place.code:
            rows[place.code] = (row, place)
    places = {code: place for code, (_, place) in rows.items()}
    for row, place in rows.values():
        _check_parent(row, place, places)
    roots = [(row, place) for row, place in rows.values() if not place.parent]
    for row, place in roots[1:]:
        row.wrong("parent", f"{place.code!r} has no parent, but {roots[0][1].code!r} is the root")
    if not roots and table.complete:
        table.wrong(1, 1, "no place is the root: one row must have an empty parent")
    return {code: (row.number, place) for code, (row, place) in rows.items()}


def _check_parent(row: Row, place: Place, places: dict[str, Place]) -> None:
    if not place.parent:
        return
    parent = places.get(place.parent)
    if parent is None:
        row.wrong("parent", f"there is no place {place.parent!r}{nearest(place.parent, places)}")
        return
    if not place.code.startswith(parent.code) or place.code == parent.code:
        row.wrong("code", f"{place.code!r} does not extend its parent's code {parent.code!r}")
    if place.level and parent.level and _rank(place) <= _rank(parent):
        row.wrong("level", f"a {place.level} can not lie below a {parent.level}")


def _rank(place: Place) -> int:
    return LEVELS.index(place.level)
