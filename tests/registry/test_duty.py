"""Who has duty when: tables worked out by hand, and what holds for every roster."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import SECOND, Duty, Holiday, Person, Site
from gateway.registry.duty import MAX_SPAN, Gap, gaps, on_duty, shifts, with_rosters
from tests.registry.made import duties, site

GRID, OFFICER = "130101", "officer"
_HOUR = 3_600 * SECOND


def wall(text: str, zone: str = "Asia/Shanghai", fold: int = 0) -> int:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(local.timestamp()) * SECOND


def who(where: Site, text: str, fold: int = 0) -> str:
    found = on_duty(where, GRID, OFFICER, wall(text, where.zone, fold))
    return "+".join(person.id for person in found)


def line(people: str, **more: object) -> Duty:
    """``a+b;c``: turns of people who have duty together."""
    turns = tuple(tuple(turn.split("+")) for turn in people.split(";"))
    return Duty(GRID, OFFICER, people=turns, **more)  # type: ignore[arg-type]


def hours(begin: int, end: int) -> dict[str, int]:
    return {"begin": begin * 60, "end": end * 60}


DAYS = line("a", days=("mon", "tue", "wed", "thu", "fri"), **hours(8, 20))
NIGHTS = line("b", days=("mon", "tue", "wed", "thu", "fri"), **hours(20, 8))
WEEKEND = line("c", days=("sat", "sun"), **hours(8, 8))


def test_without_a_roster_everybody_registered_there_has_duty_in_order() -> None:
    assert who(site(), "2026-01-05 10:00") == "a+b+c"
    assert on_duty(site(), "130102", OFFICER, 0) == ()
    assert on_duty(site(), "nowhere", OFFICER, 0) == ()


def test_a_roster_of_another_role_or_place_changes_nothing_here() -> None:
    others = [
        Duty(GRID, "assistant", people=(("d",),)),
        Duty("1301", OFFICER, people=(("off",),)),
    ]
    assert who(site(*others), "2026-01-05 10:00") == "a+b+c"


# 2026-01-05 is a Monday.
WEEK = [
    ("2026-01-05 07:59", "c"),  # Sunday's day and night
    ("2026-01-05 08:00", "a"),
    ("2026-01-05 19:59", "a"),
    ("2026-01-05 20:00", "b"),
    ("2026-01-06 07:59", "b"),
    ("2026-01-06 08:00", "a"),
    ("2026-01-09 23:00", "b"),
    ("2026-01-10 07:59", "b"),  # Friday's night lasts into Saturday
    ("2026-01-10 08:00", "c"),
    ("2026-01-11 08:00", "c"),
    ("2026-01-12 07:59", "c"),
    ("2026-01-12 08:00", "a"),
]


@pytest.mark.parametrize(("when", "expected"), WEEK)
def test_a_week_goes_by_its_pattern(when: str, expected: str) -> None:
    assert who(site(DAYS, NIGHTS, WEEKEND), when) == expected


def test_a_gap_of_a_roster_is_nobody() -> None:
    assert who(site(DAYS, NIGHTS), "2026-01-10 12:00") == ""


def test_lines_that_overlap_have_duty_together_the_earlier_line_first() -> None:
    both = site(line("b", **hours(8, 20)), line("a", **hours(12, 14)))
    assert who(both, "2026-01-05 13:00") == "b+a"
    assert who(both, "2026-01-05 14:00") == "b"
    assert who(site(line("b+a"), line("a")), "2026-01-05 13:00") == "b+a"


DAILY = line("a;b;c", kind="rotation", since="2026-01-05", every=1, **hours(8, 8))
WEEKLY = line("a;b+c", kind="rotation", since="2026-01-05", every=7)


@pytest.mark.parametrize(
    ("rotation", "when", "expected"),
    [
        (DAILY, "2026-01-05 07:59", ""),  # before the first turn
        (DAILY, "2026-01-05 08:00", "a"),
        (DAILY, "2026-01-06 07:59", "a"),
        (DAILY, "2026-01-06 08:00", "b"),
        (DAILY, "2026-01-07 12:00", "c"),
        (DAILY, "2026-01-08 12:00", "a"),
        (DAILY, "2026-12-31 12:00", "a"),  # 360 days later: 360 % 3 = 0
        (WEEKLY, "2026-01-11 23:59", "a"),
        (WEEKLY, "2026-01-12 00:00", "b+c"),
        (WEEKLY, "2026-01-19 00:00", "a"),
    ],
)
def test_a_rotation_changes_at_its_turn(rotation: Duty, when: str, expected: str) -> None:
    assert who(site(rotation), when) == expected


def test_a_turn_of_nobody_is_a_gap() -> None:
    empty = Duty(GRID, OFFICER, "rotation", (("a",), ()), since="2026-01-05", every=1)
    assert [who(site(empty), f"2026-01-0{day} 12:00") for day in (5, 6, 7)] == ["a", "", "a"]


def test_an_exception_covers_its_days_and_hours_only() -> None:
    ill = line("c", kind="exception", since="2026-01-06", until="2026-01-06", **hours(12, 22))
    where = site(DAYS, NIGHTS, ill)
    found = [who(where, f"2026-01-06 {hour}:00") for hour in (11, 12, 21, 22)]
    assert found == ["a", "c", "c", "b"]
    assert who(where, "2026-01-07 12:00") == "a"


def test_an_exception_of_nobody_is_a_gap_and_one_without_a_roster_is_of_those_registered() -> None:
    shut = Duty(GRID, OFFICER, "exception", ((),), since="2026-01-06", until="2026-01-06")
    assert who(site(DAYS, shut), "2026-01-06 12:00") == ""
    assert who(site(shut), "2026-01-06 12:00") == ""
    assert who(site(shut), "2026-01-07 12:00") == "a+b+c"


def test_a_swap_is_of_the_whole_shift_that_begins_on_its_day() -> None:
    swap = line("c", kind="swap", instead="b", since="2026-01-06", until="2026-01-06")
    where = site(DAYS, NIGHTS, swap)
    assert who(where, "2026-01-06 07:00") == "b"  # began on the fifth
    assert who(where, "2026-01-06 21:00") == "c"
    assert who(where, "2026-01-07 07:59") == "c"  # still that shift
    assert who(where, "2026-01-07 21:00") == "b"
    assert who(where, "2026-01-06 12:00") == "a"


def test_a_swap_both_ways_is_two_lines_and_each_takes_the_others_place_in_the_team() -> None:
    there = line("c", kind="swap", instead="b", since="2026-01-06", until="2026-01-06")
    back = line("b", kind="swap", instead="c", since="2026-01-10", until="2026-01-10")
    where = site(line("a+b"), there, back)
    assert who(where, "2026-01-06 12:00") == "a+c"
    assert who(where, "2026-01-10 12:00") == "a+b"


HOLIDAYS = (Holiday("2026-01-01"), Holiday("2026-01-02"), Holiday("2026-01-04", working=True))


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2025-12-31 12:00", "a"),  # Wednesday
        ("2026-01-01 12:00", "b+c"),  # Thursday, a holiday: rest day and holiday
        ("2026-01-03 12:00", "b"),  # Saturday: a rest day, no holiday
        ("2026-01-04 12:00", "a"),  # Sunday, made a working day
    ],
)
def test_holidays_and_working_days_in_lieu_are_kept(when: str, expected: str) -> None:
    lines = (line("a", days=("workday",)), line("b", days=("restday",)))
    where = site(*lines, line("c", days=("holiday",)), holidays=HOLIDAYS)
    assert who(where, when) == expected


def test_days_left_out_and_first_and_last_days_are_kept() -> None:
    some = line("a", since="2026-01-05", until="2026-01-08", without=("2026-01-07",))
    found = [who(site(some), f"2026-01-0{day} 12:00") for day in range(4, 10)]
    assert found == ["", "a", "a", "", "a", ""]


# Berlin: on 2026-03-29 02:00 becomes 03:00, on 2026-10-25 03:00 becomes 02:00.
@pytest.mark.parametrize(
    ("when", "fold", "expected"),
    [
        ("2026-03-29 01:59", 0, "a"),
        ("2026-03-29 03:29", 0, "a"),  # 02:30 is never: its instant shows as 03:30
        ("2026-03-29 03:30", 0, "b"),
        ("2026-10-25 02:29", 0, "a"),
        ("2026-10-25 02:30", 0, "b"),  # the first 02:30
        ("2026-10-25 02:29", 1, "b"),  # the hour comes again, the shift does not
        ("2026-10-25 02:30", 1, "b"),
    ],
)
def test_a_shift_changes_once_when_the_clock_is_put(when: str, fold: int, expected: str) -> None:
    night = line("a", begin=14 * 60, end=2 * 60 + 30)
    morning = line("b", begin=2 * 60 + 30, end=14 * 60)
    where = site(night, morning, zone="Europe/Berlin")
    assert who(where, when, fold) == expected


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_no_gap_and_no_overlap_where_the_clock_is_put(day: str) -> None:
    where = site(
        line("a", begin=14 * 60, end=2 * 60 + 30), line("b", begin=150, end=14 * 60),
        zone="Europe/Berlin",
    )  # fmt: skip
    middle = wall(f"{day} 12:00", "Europe/Berlin")
    found = shifts(where, GRID, OFFICER, middle - 24 * _HOUR, middle + 24 * _HOUR)
    assert all(len(shift.people) == 1 for shift in found)
    assert all(one.end == other.begin for one, other in pairwise(found))


def test_shifts_come_without_a_hole_and_gaps_are_named() -> None:
    where = site(DAYS, NIGHTS)
    begin, end = wall("2026-01-09 12:00"), wall("2026-01-12 12:00")
    found = shifts(where, GRID, OFFICER, begin, end)
    assert [tuple(p.id for p in shift.people) for shift in found] == [("a",), ("b",), (), ("a",)]
    assert found[0].begin == wall("2026-01-09 08:00")
    assert found[-1].end == wall("2026-01-12 20:00")
    hole = Gap(GRID, OFFICER, wall("2026-01-10 08:00"), wall("2026-01-12 08:00"))
    assert gaps(where, begin, end) == [hole]
    assert list(with_rosters(where)) == [(GRID, OFFICER)]
    assert shifts(where, "130102", OFFICER, begin, end) == []


def test_a_roster_that_names_a_stranger_is_a_gap_with_that_name() -> None:
    where = site(line("a+ghost"))
    assert gaps(where, 0, _HOUR) == [Gap(GRID, OFFICER, 0, _HOUR, "ghost")]
    assert who(where, "2026-01-05 12:00") == "a"


def test_more_than_is_sensible_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="at most 400 days"):
        shifts(site(DAYS), GRID, OFFICER, 0, MAX_SPAN + 1)


def test_somebody_with_several_grids_is_registered_in_each() -> None:
    both = Person("x", "钱新", "130102", OFFICER, areas=("130101",))
    where = site(people={"x": both})
    assert on_duty(where, "130101", OFFICER, 0) == on_duty(where, "130102", OFFICER, 0) == (both,)
    assert where.in_charge("130101A1", OFFICER) == both


_MOMENTS = st.integers(1_767_000_000, 1_800_000_000).map(lambda second: second * SECOND)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(duties(), max_size=5),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns"]),
    st.lists(_MOMENTS, min_size=1, max_size=3),
)
def test_asked_alone_or_for_a_span_the_answer_is_the_same(
    lines: list[Duty], zone: str, moments: list[int]
) -> None:
    where = site(*lines, zone=zone)
    for moment in moments:
        for code, role in with_rosters(where):
            alone = on_duty(where, code, role, moment)
            fresh = site(*lines, zone=zone)
            span = shifts(fresh, code, role, moment - 50 * _HOUR, moment + 50 * _HOUR)
            (found,) = (shift for shift in span if shift.begin <= moment < shift.end)
            assert alone == found.people
            assert span[0].begin <= moment - 50 * _HOUR
            assert span[-1].end >= moment + 50 * _HOUR
            assert all(a.end == b.begin for a, b in pairwise(span))
