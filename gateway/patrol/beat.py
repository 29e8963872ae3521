"""Which points are whose, and which rounds concern a moment. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta, tzinfo
from typing import Final, NamedTuple

from gateway.model import Person, Point, Site
from gateway.patrol.report import GRACE, Line
from gateway.patrol.rounds import Round, Spans, local_day, rounds_of
from gateway.registry.duty import on_duty

MOST: Final = 200
"""Points of one person that are shown on a phone: nobody walks more in a round."""


class Walk(NamedTuple):
    """What one person has to walk."""

    lines: tuple[Line, ...]
    """By round, in the order of the file."""
    due: Round | None
    """For which a check-in counts now."""
    points: int
    """How many the person has; ``lines`` are about ``MOST`` of them at most."""


class Beats:
    """The points of a site under each of its places: worked out once for each picture.

    A district's 28,000 points in 14,000 buildings take 0.1 s.
    """

    def __init__(self, points: Sequence[Point], site: Site) -> None:
        self.site = site
        self._points = points
        self._below: dict[str, list[int]] = {}
        chains = {code: site.chain(code) for code in {point.place for point in points}}
        for number, point in enumerate(points):
            for place in chains[point.place]:
                self._below.setdefault(place.code, []).append(number)

    def of(self, person: Person, wall: int) -> list[Point]:
        """Those at or below a place of ``person``, or one where that person has duty now."""
        site = self.site
        named = {
            (line.place, line.role)
            for line in site.rosters
            if any(person.id in team for team in line.people)
        }
        own = {place for place, role in named if person in on_duty(site, place, role, wall)}
        own |= {person.grid, *person.areas}
        numbers = {number for code in own for number in self._below.get(code, ())}
        return [self._points[number] for number in sorted(numbers)]


def rounds_around(wall: int, spans: Spans, zone: tzinfo) -> list[Round]:
    """Today's, and those of yesterday and tomorrow for which a check-in counts now."""
    today = local_day(wall, zone)
    found = [each for n in (-1, 0, 1) for each in rounds_of(today + timedelta(days=n), spans, zone)]
    return [
        each
        for each in found
        if each.day == today or each.begins - GRACE <= wall < each.ends + GRACE
    ]
