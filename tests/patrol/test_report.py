"""Which check-in counts for which round."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gateway.model import CheckIn, Place, Point, Site
from gateway.patrol.report import lines, missed
from gateway.patrol.rounds import rounds_of
from tests.patrol.test_rounds import SPANS, ZONE, wall

DAY = rounds_of(date(2026, 1, 5), SPANS, ZONE)
GATE, CELLAR = Point("gate", "北门", "G1"), Point("cellar", "地下室", "G1B", ("晚",))


def at(text: str, point: str = "gate", person: str = "li", metres: float | None = None) -> CheckIn:
    return CheckIn(point, person, wall(f"2026-01-05 {text}"), 0, True, metres)


LONG_AGO = {"gate": 0, "cellar": 0, "odd": 0}


def seen(
    *checkins: CheckIn, since: Mapping[str, int] = LONG_AGO, now: str = "2026-01-06 12:00"
) -> list[tuple[str, str, str]]:
    return [
        (line.round.name, line.point.id, line.checkin.person if line.checkin else "")
        for line in lines([GATE, CELLAR], DAY, checkins, since, wall(now))
    ]


def test_a_point_has_a_line_in_each_round_that_passes_it() -> None:
    assert seen() == [("早", "gate", ""), ("晚", "gate", ""), ("晚", "cellar", "")]


def test_what_was_over_before_a_point_was_walked_is_not_missed() -> None:
    cellar = {"cellar": wall("2026-01-05 18:30"), "gate": wall("2026-01-05 07:00")}
    assert seen(since=cellar) == [("早", "gate", ""), ("晚", "gate", "")]
    assert seen(since=cellar, now="2026-01-05 19:00")[-1] == ("晚", "cellar", "")  # who likes may
    assert seen(at("18:40", "cellar"), since=cellar)[-1] == ("晚", "cellar", "li")
    assert seen(since={}) == []  # the gateway has not run with any of them


def test_the_first_check_in_of_a_round_counts() -> None:
    assert seen(at("08:30", person="wu"), at("07:10"))[0] == ("早", "gate", "li")


def test_a_quarter_of_an_hour_before_and_after_still_counts_and_no_more() -> None:
    assert [seen(at(text))[0][2] for text in ("06:44", "06:45", "09:14", "09:15")] == [
        "",
        "li",
        "li",
        "",
    ]


def test_between_two_rounds_it_counts_for_the_nearer_one() -> None:
    near = rounds_of(
        date(2026, 1, 5), {"a": SPANS["早"], "b": (SPANS["早"][1], SPANS["晚"][0])}, ZONE
    )
    found = lines([GATE], near, [at("09:05")], LONG_AGO, 0)
    assert [line.checkin is not None for line in found] == [False, True]


def test_another_points_check_in_is_another_points() -> None:
    assert seen(at("18:30", "cellar"))[1:] == [("晚", "gate", ""), ("晚", "cellar", "li")]


def test_who_was_far_away_is_shown() -> None:
    (line, *_) = lines([GATE], DAY, [at("07:10", metres=201.0)], LONG_AGO, 0)
    assert line.from_afar
    (line, *_) = lines([GATE], DAY, [at("07:10", metres=200.0)], LONG_AGO, 0)
    assert not line.from_afar


def test_what_was_missed_is_the_grids() -> None:
    site = Site(
        places={"G1": Place("G1", "", "grid", "一"), "G1B": Place("G1B", "G1", "building", "楼")}
    )
    points = [GATE, CELLAR, Point("odd", "?", "elsewhere")]
    found = missed(lines(points, DAY[1:], [at("18:30")], LONG_AGO, 0), site)
    assert {grid: [line.point.id for line in of] for grid, of in found.items()} == {
        "G1": ["cellar"], "elsewhere": ["odd"],
    }  # fmt: skip
