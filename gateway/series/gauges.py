"""How many cases are open, and the list of the most urgent ones, as they change. Pure.

Changes are shown at the end of the second in which they happened, so that a storm of alarms costs
a point a second and not a point an alarm; and everything again now and then, for who looks later.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Final

from gateway.model import SECOND, Category, Severity, Site, Value
from gateway.model.series import Point
from gateway.series.case import Case
from gateway.series.samples import path

SLOTS: Final = 40
"""Cases on the list."""
CASES_EVERY: Final = 300 * SECOND
LIST_EVERY: Final = 60 * SECOND
NEVER: Final = 1 << 62
"""A moment that does not come: of a list that is not wanted."""
_MOST_BEATS: Final = 10_000
"""That a pause is filled with: a month; before it the newest count stands."""
_RISING: Final = {severity: n for n, severity in enumerate(Severity)}

Group = tuple[str, str, str, str]
"""Place, category, severity, stage."""


class Gauges:
    """Told of every case as it changes, and asked for what is due up to a moment (wall ns)."""

    def __init__(self, site: Callable[[], Site], listed_from: int) -> None:
        """The list is written from the moment ``listed_from`` on: it is about the present."""
        self._site = site
        self.listed_from = listed_from
        self._groups: dict[Group, dict[str, Case]] = {}
        self._group_of: dict[str, Group] = {}
        self._dirty: set[Group] = set()
        self._due = 0
        """The end of the second that has changes; 0: none has."""
        self._upto = 0
        """Everything up to here was asked for."""
        self._slots: list[tuple[object, ...]] = [("?",)] * SLOTS
        """What was written last of each; at first nobody knows."""

    def put(self, case: Case, wall: int) -> None:
        """``case`` is so since ``wall``."""
        key, stage = case.incident.key, case.waits_for
        group = None
        if stage is not None:
            of = case.incident
            group = of.place, of.category.value, of.severity.value, stage.value
        before = self._group_of.get(key)
        if before is not None and before != group:
            del self._groups[before][key]
            del self._group_of[key]
        if group is not None:
            self._groups.setdefault(group, {})[key] = case
            self._group_of[key] = group
        touched = {each for each in (before, group) if each is not None}
        if touched:
            self._dirty |= touched
            self._due = self._due or (max(wall, self._upto) // SECOND + 1) * SECOND

    def begin(self, wall: int) -> None:
        """What was put so far was so before, and written: time counts from ``wall`` on."""
        self._dirty.clear()
        self._due, self._upto = 0, wall

    @property
    def is_settled(self) -> bool:
        """Whether every change so far was shown."""
        return not self._dirty

    @property
    def seen(self) -> int:
        """Wall ns up to which everything due was asked for."""
        return self._upto

    @property
    def next(self) -> int:
        """When something is due, wall ns; ``NEVER`` while no case is open."""
        regular = NEVER
        if self._groups or any(self._slots):
            regular = (self._upto // LIST_EVERY + 1) * LIST_EVERY
        return min(self._due or NEVER, regular)

    def upto(self, wall: int) -> Iterator[Point]:
        """What is due up to and including ``wall``, in order."""
        first = wall - _MOST_BEATS * LIST_EVERY
        if self._upto < first:
            self._upto = first
            self._due = max(self._due, first) if self._due else 0
        while (at := self.next) <= wall:
            yield from self._at(at)
            self._upto = at
        self._upto = max(self._upto, wall)

    def _at(self, at: int) -> Iterator[Point]:
        everything, listed = at % CASES_EVERY == 0, at % LIST_EVERY == 0
        changed = self._due == at
        if everything:
            self._dirty |= set(self._groups)
        if everything or changed:
            for group in sorted(self._dirty):
                yield self._count(group, at)
            self._dirty.clear()
        if changed:
            self._due = 0
        if (changed or listed) and at >= self.listed_from:
            yield from self._list(at, whole=listed)

    def _count(self, group: Group, at: int) -> Point:
        members = self._groups.get(group, {})
        if not members:
            self._groups.pop(group, None)
        oldest = min((case.opened.wall for case in members.values()), default=at)
        fields: dict[str, Value] = {
            "open": float(len(members)),
            "overdue": float(sum(case.is_overdue for case in members.values())),
            "oldest": max(at - oldest, 0) / SECOND,
        }
        place, category, severity, stage = group
        tags = {"place": place, "category": category, "severity": severity, "stage": stage}
        return Point("cases", tags, fields, at)

    def _list(self, at: int, *, whole: bool) -> Iterator[Point]:
        every = (case for group in self._groups.values() for case in group.values())
        newest = heapq.nsmallest(SLOTS, every, key=_urgency)
        site = self._site()
        rows = [_row(case, site) for case in newest]
        seen = [tuple(row.items()) for row in rows]
        for slot in range(max(len(rows), len(self._slots))):
            fields: dict[str, Value] = rows[slot] if slot < len(rows) else {"key": ""}
            same = slot < min(len(seen), len(self._slots)) and seen[slot] == self._slots[slot]
            if whole or not same:
                yield Point("open_case", {"slot": f"{slot:02}"}, fields, at)
        self._slots = list(seen)


def _urgency(case: Case) -> tuple[object, ...]:
    """What is overdue first, then danger to life, then the most severe, then the next to be."""
    incident = case.incident
    return (
        not case.is_overdue,
        incident.category is not Category.life,
        -_RISING[incident.severity],
        case.deadline,
        incident.key,
    )


def _row(case: Case, site: Site) -> dict[str, Value]:
    incident, stage = case.incident, case.waits_for
    person = site.people.get(incident.owner)
    row: dict[str, Value] = {
        "key": incident.key,
        "title": incident.title.zh,
        "title_en": incident.title.en,
        "place": incident.place,
        "where": path(site, incident.place),
        "category": incident.category.value,
        "severity": incident.severity.value,
        "stage": stage.value if stage is not None else "",
        "owner": incident.owner,
        "owner_name": person.name if person is not None else incident.owner,
        "since": float(case.opened.wall // 1_000_000),
        "deadline": float(case.deadline // 1_000_000),
        "overdue": case.is_overdue,
    }
    where = _position(incident.device, incident.place, site)
    if where is not None:
        row["latitude"], row["longitude"] = where
    return row


def _position(device: str, code: str, site: Site) -> tuple[float, float] | None:
    """Of the device, else of the nearest place that has one."""
    known = site.devices.get(device)
    found = [(known.latitude, known.longitude)] if known is not None else []
    found += [(place.latitude, place.longitude) for place in site.chain(code)]
    for latitude, longitude in found:
        if latitude is not None and longitude is not None:
            return latitude, longitude
    return None
