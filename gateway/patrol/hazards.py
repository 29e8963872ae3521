"""The hazard register 隐患台账: what it says of each hazard, and how many are how old. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from gateway.model import SECOND, Hazard, Site, State

MOST: Final = 10_000
"""Hazards of one look at the register."""
_DAY: Final = 86_400 * SECOND
_AGES: Final = (7, 30)
"""Days at which a hazard is counted as older."""


class Count(NamedTuple):
    """The open hazards of one grid by their age."""

    grid: str
    """Its code; of a place outside of every grid the place's own."""
    name: str
    week: int
    """Open for less than 7 days."""
    month: int
    """For 7 days or more, and less than 30."""
    older: int
    overdue: int
    """Of all of them, those that missed a time limit."""

    @property
    def total(self) -> int:
        """All open ones."""
        return self.week + self.month + self.older


def counts(found: Iterable[Hazard], site: Site, now: int) -> list[Count]:
    """The grids with most open hazards first; ``now`` is wall ns."""
    grids: dict[str, list[int]] = {}
    for hazard in found:
        incident = hazard.incident
        if incident.state is State.closed:
            continue
        figures = grids.setdefault(grid_of(hazard, site), [0, 0, 0, 0])
        figures[sum(days(hazard, now) >= age for age in _AGES)] += 1
        figures[3] += incident.overdue
    lines = [
        Count(grid, site.places[grid].name if grid in site.places else grid, *figures)
        for grid, figures in grids.items()
    ]
    return sorted(lines, key=lambda line: (-line.total, line.grid))


def grid_of(hazard: Hazard, site: Site) -> str:
    """The code of its grid, else of its place."""
    return site.level(hazard.incident.place, "grid") or hazard.incident.place


def days(hazard: Hazard, now: int) -> int:
    """Whole days from its opening to its end, or to ``now`` (wall ns)."""
    return max(0, (hazard.closed_at or now) - hazard.incident.opened_at) // _DAY


def within(found: Iterable[Hazard], site: Site, place: str) -> list[Hazard]:
    """Those at ``place`` or below it; all of them for ""."""
    return [
        hazard
        for hazard in found
        if not place or any(above.code == place for above in site.chain(hazard.incident.place))
    ]
