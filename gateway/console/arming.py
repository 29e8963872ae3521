"""How places are armed, as the API's JSON objects. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.console.shapes import DUTY, Json, iso, person_name
from gateway.console.view import ModeRow
from gateway.model import Person, Site, Text


def arming_json(
    site: Site, rows: Iterable[ModeRow], titles: Mapping[str, Text], duty: Person
) -> list[Json]:
    """How each place is armed, a place before what lies in it; ``titles`` are those of plans."""
    names = _Names(site, titles, duty)
    by_code = {row.place: row for row in rows}
    below: dict[str, list[str]] = {}
    for code, place in site.places.items():
        parent = place.parent if place.parent in site.places else ""
        below.setdefault(parent, []).append(code)
    found: list[Json] = []
    left = [(code, 0) for code in reversed(below.get("", []))]
    while left:  # no recursion: a registry may be deep
        code, depth = left.pop()
        left += [(each, depth + 1) for each in reversed(below.get(code, []))]
        if code in by_code:
            found.append(mode_json(names, by_code[code], depth))
    return found


class _Names(NamedTuple):
    """What people, devices and plans are called."""

    site: Site
    titles: Mapping[str, Text]
    duty: Person

    def plan(self, name: str) -> Text:
        """Its title; its name when it is no longer in the rules."""
        return self.titles.get(name) or Text(name, name)

    def author(self, by: str, who: str) -> Text:
        """Whoever set a mode."""
        if by == "plan":
            return self.plan(who)
        if by == "person":
            if who == self.duty.id and who not in self.site.people:
                return DUTY
            name = person_name(self.site, who)
        else:
            device = self.site.devices.get(who) if by == "device" else None
            name = device.name if device is not None and device.name else who
        return Text(name, name)


def mode_json(names: _Names, row: ModeRow, depth: int) -> Json:
    """How one place is armed; ``depth`` is 0 for a topmost place."""
    place = names.site.places[row.place]
    by, _, who = row.by.partition(":")
    author, plan = names.author(by, who), names.plan(row.plan)
    return {
        "place": row.place,
        "name": place.name,
        "parent": place.parent,
        "level": place.level,
        "depth": depth,
        "mode": row.mode,
        "by": row.by,
        "by_name": author.zh,
        "by_name_en": author.en,
        "since": iso(row.since),
        "plan": row.plan,
        "plan_title": plan.zh,
        "plan_title_en": plan.en,
        "next": iso(row.next),
        "until": iso(row.until),
    }
