"""Which check-in counts for which round."""

from __future__ import annotations

from datetime import date

from gateway.model import CheckIn, Place, Point, Site
from gateway.patrol.report import lines, missed
from gateway.patrol.rounds import rounds_of
from tests.patrol.test_rounds import SPANS, ZONE, wall

DAY = rounds_of(date(2026, 1, 5), SPANS, ZONE)
GATE, CELLAR = Point("gate", "北门", "G1"), Point("cellar", "地下室", "G1B", ("晚",))


def at(text: str, point: str = "gate", person: str = "li", metres: float | None = None) -> CheckIn:
    return CheckIn(point, person, wall(f"2026-01-05 {text}"), 0, True, metres)


def seen(*checkins: CheckIn) -> list[tuple[str, str, str]]:
    return [
        (line.round.name, line.point.id, line.checkin.person if line.checkin else "")
        for line in lines([GATE, CELLAR], DAY, checkins)
    ]


def test_a_point_has_a_line_in_each_round_that_passes_it() -> None:
    assert seen() == [("早", "gate", ""), ("晚", "gate", ""), ("晚", "cellar", "")]


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
    found = lines([GATE], near, [at("09:05")])
    assert [line.checkin is not None for line in found] == [False, True]


def test_another_points_check_in_is_another_points() -> None:
    assert seen(at("18:30", "cellar"))[1:] == [("晚", "gate", ""), ("晚", "cellar", "li")]


def test_who_was_far_away_is_shown() -> None:
    (line, *_) = lines([GATE], DAY, [at("07:10", metres=201.0)])
    assert line.from_afar
    (line, *_) = lines([GATE], DAY, [at("07:10", metres=200.0)])
    assert not line.from_afar


def test_what_was_missed_is_the_grids() -> None:
    site = Site(
        places={"G1": Place("G1", "", "grid", "一"), "G1B": Place("G1B", "G1", "building", "楼")}
    )
    found = missed(
        lines([GATE, CELLAR, Point("odd", "?", "elsewhere")], DAY[1:], [at("18:30")]), site
    )
    assert {grid: [line.point.id for line in of] for grid, of in found.items()} == {
        "G1": ["cellar"], "elsewhere": ["odd"],
    }  # fmt: skip
