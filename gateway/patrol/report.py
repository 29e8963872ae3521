"""What was walked and what was missed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from gateway.model import SECOND, CheckIn, Point, Site
from gateway.patrol.rounds import Round

GRACE: Final = 15 * 60 * SECOND
"""Ns before and after a round within which a check-in still counts for it."""
FAR: Final = 200.0
"""Metres from the point beyond which a check-in is shown as made from afar."""


class Line(NamedTuple):
    """One point in one round."""

    round: Round
    point: Point
    checkin: CheckIn | None
    """The first one; None: it was missed, or is not yet due."""

    @property
    def from_afar(self) -> bool:
        """Whether the phone was somewhere else."""
        return (
            self.checkin is not None
            and self.checkin.metres is not None
            and self.checkin.metres > FAR
        )


def lines(
    points: Iterable[Point], rounds: Sequence[Round], checkins: Iterable[CheckIn]
) -> list[Line]:
    """A line for each point of each round. A check-in counts for the nearest round that it fits."""
    first: dict[tuple[int, str], CheckIn] = {}
    for checkin in sorted(checkins, key=lambda each: each.wall):
        fitting = [
            (_away(each, checkin.wall), index)
            for index, each in enumerate(rounds)
            if each.begins - GRACE <= checkin.wall < each.ends + GRACE
        ]
        if fitting:
            first.setdefault((min(fitting)[1], checkin.point), checkin)
    return [
        Line(each, point, first.get((index, point.id)))
        for index, each in enumerate(rounds)
        for point in points
        if not point.rounds or each.name in point.rounds
    ]


def missed(found: Iterable[Line], site: Site) -> dict[str, list[Line]]:
    """Grid -> what was missed there; a point outside of every grid counts for its own place."""
    grids: dict[str, list[Line]] = {}
    for line in found:
        if line.checkin is None:
            place = line.point.place
            grids.setdefault(site.level(place, "grid") or place, []).append(line)
    return grids


def _away(one: Round, wall: int) -> int:
    """Ns from the round; 0 within it."""
    return max(one.begins - wall, wall - one.ends + 1, 0)
