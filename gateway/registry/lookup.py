"""Rows of a registry's tables: by their keys, and found by words and place. Pure.

The rows of all tables but the roster are known by their first column; a line of the roster by its
number, which counts from 1 and moves when lines before it go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.model import Device, Duty, Holiday, Person, Place, Site
from gateway.registry import write

Cells = dict[str, str]
"""By column, as they stand in a file."""
Thing = Place | Device | Person | Duty | Holiday


def things(site: Site, table: str) -> dict[str, Thing]:
    """Key -> thing, in the table's order."""
    found: dict[str, Mapping[str, Thing]] = {
        "places": site.places,
        "devices": site.devices,
        "people": site.people,
        "rosters": {str(number): line for number, line in enumerate(site.rosters, 1)},
        "holidays": {each.day: each for each in site.holidays},
    }
    return dict(found[table])


class Wish(NamedTuple):
    """Which rows are to be shown."""

    text: str = ""
    """Every word of it stands in the row, or in the name of its place."""
    place: str = ""
    """There, or below it."""


def rows(site: Site, table: str, wish: Wish, most: int) -> tuple[int, dict[str, Cells]]:
    """How many there are, and the first ``most`` by their keys."""
    zone = ZoneInfo(site.zone)
    words = wish.text.casefold().split()
    found = 0
    shown: dict[str, Cells] = {}
    for key, thing in things(site, table).items():
        places = _places(thing)
        if wish.place and not any(code.startswith(wish.place) for code in places):
            continue
        cells = write.cells(thing, zone) if words or found < most else {}
        if words and not _said(site, cells, places, words):
            continue
        found += 1
        if found <= most:
            shown[key] = cells
    return found, shown


def _places(thing: Thing) -> tuple[str, ...]:
    match thing:
        case Place():
            return (thing.code,)
        case Person():
            return (thing.grid, *thing.areas)
        case Device() | Duty():
            return (thing.place,)
        case _:
            return ()


def _said(site: Site, cells: Cells, places: tuple[str, ...], words: list[str]) -> bool:
    names = [site.places[code].name for code in places if code in site.places]
    people = [
        site.people[who].name
        for column in ("people", "instead")
        for who in cells.get(column, "").replace("+", ";").split(";")
        if who in site.people
    ]
    text = "\n".join((*cells.values(), *names, *people)).casefold()
    return all(word in text for word in words)
