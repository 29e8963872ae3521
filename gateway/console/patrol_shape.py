"""What the page for rounds shows to one person. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any

from gateway.console.shapes import person_name
from gateway.console.view import PatrolLine, PatrolRound, PatrolWalk
from gateway.model import SECOND, Person, Site
from gateway.patrol.report import GRACE


def patrol_shape(
    walk: PatrolWalk, site: Site, person: Person, wall: int, zone: tzinfo
) -> dict[str, Any]:
    """The template's variables at wall ns ``wall``."""
    rounds: dict[tuple[str, int], dict[str, Any]] = {}
    for line in walk.lines:
        one = line.round
        found = rounds.setdefault((one.name, one.begins), _round(one, wall, zone))
        found["done"] += line.checkin is not None
        found["of"] += 1
        found["points"].append(_point(line, site, zone))
    at = (walk.due.name, walk.due.begins) if walk.due is not None else ("", 0)
    due = rounds.pop(at, None)
    if due is not None:
        due["points"].sort(key=lambda point: bool(point["done"]))
    points = {line.point.id: line.point.name for line in walk.lines}
    return {
        "person": person,
        "due": due,
        "others": list(rounds.values()),
        "next": next((each for each in rounds.values() if each["planned"]), None),
        "points": points,
        "more": walk.points - len(points),
        "here_now": _newest(walk.lines, person),
    }


def local(wall: int, zone: tzinfo, form: str = "%H:%M") -> str:
    """Wall ns as the people of the site read it."""
    return datetime.fromtimestamp(wall // SECOND, UTC).astimezone(zone).strftime(form)


def _round(one: PatrolRound, wall: int, zone: tzinfo) -> dict[str, Any]:
    return {
        "name": one.name,
        "begins": local(one.begins, zone),
        "ends": local(one.ends, zone),
        "last": local(one.ends + GRACE, zone),
        "late": one.ends <= wall,
        "planned": wall < one.begins - GRACE,
        "over": one.ends + GRACE <= wall,
        "done": 0,
        "of": 0,
        "points": [],
    }


def _point(line: PatrolLine, site: Site, zone: tzinfo) -> dict[str, Any]:
    point, checkin = line.point, line.checkin
    near = [place.name for place in site.chain(point.place)[:2]]
    return {
        "id": point.id,
        "name": point.name,
        "place": " / ".join(reversed(near)) or point.place,
        "done": local(checkin.wall, zone) if checkin is not None else "",
        "by": person_name(site, checkin.person) if checkin is not None else "",
        "metres": f"{checkin.metres:.0f}" if line.from_afar and checkin is not None else "",
    }


def _newest(lines: Iterable[PatrolLine], person: Person) -> str:
    """The point where this person checked in last: a hazard was probably seen there."""
    mine = [
        line.checkin
        for line in lines
        if line.checkin is not None and line.checkin.person == person.id
    ]
    return max(mine, key=lambda checkin: checkin.wall).point if mine else ""
