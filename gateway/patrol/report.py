"""What was walked and what was missed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    points: Iterable[Point],
    rounds: Sequence[Round],
    checkins: Iterable[CheckIn],
    since: Mapping[str, int],
    wall: int,
) -> list[Line]:
    """A line for each point of each round. A check-in counts for the nearest round that it fits.

    ``since``: point -> wall ns from when on it is walked; one that is not in it, from ``wall``
    (now) on. What had begun before and is over was nobody's to walk.
    """
    first: dict[tuple[Round, str], CheckIn] = {}
    for checkin in sorted(checkins, key=lambda each: each.wall):
        fitting = counting(rounds, checkin.wall)
        if fitting is not None:
            first.setdefault((fitting, checkin.point), checkin)
    return [
        Line(each, point, first.get((each, point.id)))
        for each in rounds
        for point in points
        if (not point.rounds or each.name in point.rounds)
        and (
            each.begins >= since.get(point.id, wall)
            or each.ends > wall
            or (each, point.id) in first
        )
    ]


def counting(rounds: Iterable[Round], wall: int) -> Round | None:
    """The round for which a check-in at ``wall`` counts: the nearest one within its grace."""
    fitting = [each for each in rounds if each.begins - GRACE <= wall < each.ends + GRACE]
    return min(fitting, key=lambda each: _away(each, wall), default=None)


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
