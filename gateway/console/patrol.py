"""Patrols as the API's JSON objects. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from gateway.console.shapes import Json, incident_json, iso, person_name, place_name
from gateway.console.view import Now, PatrolLine
from gateway.model import CheckIn, DeviceSeen, Hazard, Site
from gateway.patrol.hazards import counts, days, grid_of

MOST_POINTS: Final = 100_000
"""Of a round: more than 1,400 grids with 20 points each."""
_STATES: Final = ("missed", "due", "planned", "done")
"""Of a point, the most urgent first."""


def patrol_json(
    site: Site, day: date, lines: Sequence[PatrolLine], now: Now, most: int = MOST_POINTS
) -> Json:
    """A day: its rounds in order, each with its points and what is done, due and missed.

    Of a round with more than ``most`` points the most urgent are shown; ``of`` is their number.
    """
    rounds: dict[tuple[str, int], Json] = {}
    for line in lines:
        one = line.round
        found = rounds.setdefault(
            (one.name, one.begins),
            {"name": one.name, "begins": iso(one.begins), "ends": iso(one.ends),
             "over": one.ends <= now.wall, "done": 0, "missed": 0, "of": 0, "points": []},
        )  # fmt: skip
        state = _state(line, now)
        found["done"] += line.checkin is not None
        found["missed"] += state == "missed"
        found["of"] += 1
        found["points"].append((state, line))
    for each in rounds.values():
        if each["of"] > most:
            each["points"].sort(key=lambda point: _STATES.index(point[0]))
        each["points"] = [_point(site, line, state) for state, line in each["points"][:most]]
    return {"day": day.isoformat(), "rounds": list(rounds.values())}


def checkin_json(site: Site, checkin: CheckIn) -> Json:
    """Who was where, when."""
    return {
        "point": checkin.point,
        "person": checkin.person,
        "person_name": person_name(site, checkin.person),
        "at": iso(checkin.wall),
        "time_trusted": checkin.trusted,
        "metres": checkin.metres,
    }


def hazards_json(
    site: Site,
    found: Sequence[Hazard],
    now: Now,
    announced: Mapping[str, DeviceSeen],
    most: int,
) -> Json:
    """The register's first ``most`` lines as incidents, and all open ones by grid and age."""
    lines = [
        incident_json(site, hazard.incident, now, announced)
        | {
            "grid": grid_of(hazard, site),
            "days": days(hazard, now.wall),
            "closed_at": iso(hazard.closed_at) if hazard.closed_at else None,
        }
        for hazard in found[:most]
    ]
    grids = [{**line._asdict(), "open": line.total} for line in counts(found, site, now.wall)]
    return {"found": len(found), "hazards": lines, "grids": grids}


def _point(site: Site, line: PatrolLine, state: str) -> Json:
    point, done = line.point, line.checkin
    return {
        "id": point.id,
        "name": point.name,
        "place": point.place,
        "place_name": place_name(site, point.place),
        "state": state,
        "from_afar": line.from_afar,
        "checkin": checkin_json(site, done) if done is not None else None,
    }


def _state(line: PatrolLine, now: Now) -> str:
    if line.checkin is not None:
        return "done"
    if now.wall < line.round.begins:
        return "planned"
    return "missed" if line.round.ends <= now.wall else "due"
