"""Whose points are whose, and which rounds concern a moment."""

from __future__ import annotations

from gateway.model import Duty, Person, Place, Point, Site
from gateway.patrol.beat import Beats, rounds_around
from tests.patrol.test_rounds import SPANS, ZONE, wall

PLACES = {
    place.code: place
    for place in (
        Place("S", "", "street", "街道"),
        Place("G1", "S", "grid", "第一网格"),
        Place("G1B", "G1", "building", "3号楼"),
        Place("G2", "S", "grid", "第二网格"),
    )
}
POINTS = [
    Point("gate", "北门", "G1"),
    Point("cellar", "地下室", "G1B"),
    Point("mall", "商场", "G2"),
]
LI = Person("li", "李", "G1", "officer")
AREAS = Person("wu", "吴", "G1B", "officer", areas=("G2",))
CHIEF = Person("zhao", "赵", "S", "supervisor")
STAND_IN = Person("he", "何", "G2", "officer")
NOON = wall("2026-01-05 12:00")
SITE = Site(places=PLACES, people={each.id: each for each in (LI, AREAS, CHIEF, STAND_IN)})


def own(person: Person, site: Site = SITE, at: int = NOON) -> list[str]:
    return [point.id for point in Beats(POINTS, site).of(person, at)]


def test_points_at_or_below_a_place_of_the_person_are_theirs() -> None:
    assert own(LI) == ["gate", "cellar"]
    assert own(AREAS) == ["cellar", "mall"]
    assert own(CHIEF) == ["gate", "cellar", "mall"]
    assert own(Person("x", "无", "nowhere", "officer")) == []


def test_who_stands_in_by_the_roster_has_the_points_while_on_duty() -> None:
    line = Duty("G1", "officer", people=(("he", "li"),), begin=11 * 60, end=13 * 60)
    site = Site(places=PLACES, people=SITE.people, rosters=(line,))
    assert own(STAND_IN, site) == ["gate", "cellar", "mall"]
    assert own(STAND_IN, site, wall("2026-01-05 13:00")) == ["mall"]


def test_a_round_past_midnight_goes_on_into_the_next_day() -> None:
    night = {
        "早": SPANS["早"],
        "夜": (SPANS["晚"][0].replace(hour=22), SPANS["早"][0].replace(hour=1)),
    }
    seen = [
        (each.name, each.day.day) for each in rounds_around(wall("2026-01-06 01:14"), night, ZONE)
    ]
    assert seen == [("夜", 5), ("早", 6), ("夜", 6)]
    seen = [
        (each.name, each.day.day) for each in rounds_around(wall("2026-01-06 01:15"), night, ZONE)
    ]
    assert seen == [("早", 6), ("夜", 6)]
    early = {"早": (SPANS["早"][0].replace(hour=0, minute=10), SPANS["早"][1])}
    assert len(rounds_around(wall("2026-01-05 23:54"), early, ZONE)) == 1
    assert len(rounds_around(wall("2026-01-05 23:55"), early, ZONE)) == 2, "its grace has begun"
