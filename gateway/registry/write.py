"""A registry as the tables that ``read`` makes the same registry of."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from gateway.model import SECOND, Device, Duty, Holiday, Person, Place, Site
from gateway.registry import sheets, words
from gateway.registry.duty import Shift, shifts, with_rosters
from gateway.registry.ical import PLACE, ROLE, URN
from gateway.registry.table import guarded

if TYPE_CHECKING:
    from icalendar import Event

_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))

Lines = list[list[str]]
"""Rows of cells, the names of the columns first."""


def tables(site: Site) -> dict[str, Lines]:
    """Table -> its rows. The roster and the holidays are there when there are any."""
    zone = ZoneInfo(site.zone)
    found: dict[str, Iterator[Mapping[str, str]]] = {
        "places": map(_place, site.places.values()),
        "devices": (_device(device, zone) for device in site.devices.values()),
        "people": map(_person, site.people.values()),
    }
    if site.rosters:
        found["rosters"] = map(_duty, site.rosters)
    if site.holidays:
        found["holidays"] = map(_holiday, site.holidays)
    return {name: _lines(words.COLUMNS[name], rows) for name, rows in found.items()}


def cells(thing: Place | Device | Person | Duty | Holiday, zone: ZoneInfo) -> dict[str, str]:
    """One row of a table: its cells by column."""
    match thing:
        case Device():
            return _device(thing, zone)
        case Place():
            return _place(thing)
        case Person():
            return _person(thing)
        case Duty():
            return _duty(thing)
        case Holiday():
            return _holiday(thing)


def as_csv(lines: Sequence[Sequence[str]]) -> bytes:
    """One table; with the mark that tells Excel it is UTF-8, and no cell that is a formula."""
    target = io.StringIO()
    rows = ([guarded(cell) for cell in line] for line in lines)
    csv.writer(target, lineterminator="\r\n").writerows(rows)
    return target.getvalue().encode("utf-8-sig")


def as_xlsx(site: Site) -> bytes:
    """Every table as a sheet."""
    found = tables(site)
    return sheets.written(
        {
            name: [[guarded(cell, sheet=True) for cell in line] for line in lines]
            for name, lines in found.items()
        }
    )


def _lines(columns: Mapping[str, object], rows: Iterator[Mapping[str, str]]) -> Lines:
    return [list(columns), *([row.get(name, "") for name in columns] for row in rows)]


def _place(place: Place) -> dict[str, str]:
    return {
        "code": place.code,
        "parent": place.parent,
        "level": place.level,
        "name": place.name,
        "address": place.address,
        "latitude": _degrees(place.latitude),
        "longitude": _degrees(place.longitude),
        "contact": place.contact,
    }


def _device(device: Device, zone: ZoneInfo) -> dict[str, str]:
    ranges = (f"{name}:{low!r}..{high!r}" for name, (low, high) in device.ranges.items())
    return {
        "id": device.id,
        "driver": device.driver,
        "address": device.address,
        "kind": device.kind,
        "name": device.name,
        "place": "" if device.by_position else device.place,
        "model": device.model,
        "floor": device.floor,
        "flat": device.flat,
        "latitude": _degrees(device.latitude),
        "longitude": _degrees(device.longitude),
        "max_silence": _span(device.max_silence),
        "ranges": ";".join(ranges),
        "contact": device.contact,
        "state": device.state,
        "tags": ";".join(device.tags),
        "serial": device.serial,
        "until": _moment(device.until, zone),
        "because": device.because,
    }


def _person(person: Person) -> dict[str, str]:
    return {
        "id": person.id,
        "name": person.name,
        "grid": ";".join((person.grid, *person.areas)),
        "role": person.role,
        "phone": person.phone,
        "language": person.language,
        "channels": ";".join(person.channels),
        "email": person.email,
        "accounts": ";".join(f"{name}:{account}" for name, account in person.accounts.items()),
        "quiet": person.quiet,
    }


def _duty(line: Duty) -> dict[str, str]:
    people = ("+".join(team) or "-" for team in line.people)
    return {
        "place": line.place,
        "role": line.role,
        "people": ";".join(people),
        "kind": line.kind,
        "days": ";".join(line.days),
        "hours": f"{_clock(line.begin)}-{_clock(line.end)}",
        "since": line.since,
        "until": line.until,
        "every": str(line.every or ""),
        "instead": line.instead,
        "without": ";".join(line.without),
    }


def _holiday(each: Holiday) -> dict[str, str]:
    kind = "workday" if each.working else "holiday"
    return {"day": each.day, "kind": kind, "name": each.name}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _degrees(value: float | None) -> str:
    return "" if value is None else repr(value)


def _span(nanoseconds: int) -> str:
    """In the largest unit that needs no point; else in seconds."""
    if not nanoseconds:
        return ""
    for unit, size in _UNITS:
        if nanoseconds % (size * SECOND) == 0:
            return f"{nanoseconds // (size * SECOND)}{unit}"
    return f"{Decimal(nanoseconds) / SECOND:f}s"


def _moment(wall: int, zone: ZoneInfo) -> str:
    """With its offset: an hour that comes twice a year is one of the two."""
    if not wall:
        return ""
    return datetime.fromtimestamp(wall // SECOND, zone).isoformat()


# --- calendars ----------------------------------------------------------------------


def as_ics(site: Site, begin: int, end: int, wall: int) -> bytes:
    """Every shift of every roster from ``begin`` to ``end``; ``wall`` is now. All ns."""
    import icalendar

    calendar = icalendar.Calendar()
    calendar.add("PRODID", "-//gridwarden//duty//ZH")
    calendar.add("VERSION", "2.0")
    for place, role in with_rosters(site):
        for shift in shifts(site, place, role, begin, end):
            if shift.people:
                calendar.add_component(_event(site, place, role, shift, wall))
    return bytes(calendar.to_ical())


def _event(site: Site, place: str, role: str, shift: Shift, wall: int) -> Event:
    import icalendar

    name = next((zh for zh, word in words.ROLE_WORDS.items() if word == role and zh != role), role)
    where = site.places[place].name if place in site.places else place
    event = icalendar.Event()
    event.add("UID", f"{place}-{role}-{shift.begin // SECOND}@gridwarden")
    event.add("DTSTAMP", datetime.fromtimestamp(wall // SECOND, UTC))
    event.add("DTSTART", datetime.fromtimestamp(shift.begin // SECOND, UTC))
    event.add("DTEND", datetime.fromtimestamp(shift.end // SECOND, UTC))
    names = "、".join(person.name for person in shift.people)
    event.add("SUMMARY", f"{names} {where}{name}")
    event.add("LOCATION", where)
    event.add("CATEGORIES", [role])
    event.add(PLACE, place)
    event.add(ROLE, role)
    for person in shift.people:
        attendee = icalendar.vCalAddress(f"{URN}{person.id}")
        attendee.params["CN"] = icalendar.vText(person.name)
        event.add("ATTENDEE", attendee)
    return event
