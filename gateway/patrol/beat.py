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


def beat(points: Sequence[Point], site: Site, person: Person, wall: int) -> list[Point]:
    """The points at or below a place of ``person``, or one where that person has duty now."""
    own = {person.grid, *person.areas}
    named = {
        (line.place, line.role)
        for line in site.rosters
        if any(person.id in team for team in line.people)
    }
    own |= {place for place, role in named if person in on_duty(site, place, role, wall)}
    inside: dict[str, bool] = {}
    for code in {point.place for point in points}:
        inside[code] = any(place.code in own for place in site.chain(code))
    return [point for point in points if inside[point.place]]


def rounds_around(wall: int, spans: Spans, zone: tzinfo) -> list[Round]:
    """Today's, and those of yesterday and tomorrow for which a check-in counts now."""
    today = local_day(wall, zone)
    found = [each for n in (-1, 0, 1) for each in rounds_of(today + timedelta(days=n), spans, zone)]
    return [
        each
        for each in found
        if each.day == today or each.begins - GRACE <= wall < each.ends + GRACE
    ]
