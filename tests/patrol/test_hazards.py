"""The hazard register: how old each is, and how many stand where."""

from __future__ import annotations

import msgspec

from gateway.model import Category, Hazard, Incident, Place, Severity, Site, State, Text
from gateway.patrol.hazards import counts, days, within
from tests.virtual import START

DAY = 86_400 * 10**9
SITE = Site(
    places={
        "1": Place("1", "", "community", "云河社区"),
        "11": Place("11", "1", "grid", "第一网格"),
        "111": Place("111", "11", "building", "3号楼"),
        "12": Place("12", "1", "grid", "第二网格"),
    }
)


def hazard(place: str, age: float, *, closed: float = 0, overdue: bool = False) -> Hazard:
    """Seen ``age`` days ago, closed ``closed`` days ago."""
    incident = Incident(
        key="H20260105-0001", rule="hazard", same="", title=Text("堆物", "rubbish"),
        category=Category.facility, severity=Severity.notice, kind="", device="", place=place,
        owner="chen", state=State.closed if closed else State.open,
        opened_at=START - int(age * DAY), deadline=0, why=Text("", ""), overdue=overdue,
    )  # fmt: skip
    return Hazard(incident, START - int(closed * DAY) if closed else 0)


def test_ages_begin_at_seven_and_thirty_days_and_closed_ones_do_not_count() -> None:
    found = [
        *(hazard("111", age) for age in (0, 6.99, 7, 29.99, 30)),
        hazard("12", 100, overdue=True),
        hazard("12", 100, closed=1),
        hazard("1", 1),
    ]
    assert [tuple(line) for line in counts(found, SITE, START)] == [
        ("11", "第一网格", 2, 2, 1, 0),
        ("1", "云河社区", 1, 0, 0, 0),
        ("12", "第二网格", 0, 0, 1, 1),
    ]
    assert [line.total for line in counts(found, SITE, START)] == [5, 1, 1]


def test_a_closed_one_is_as_old_as_it_became() -> None:
    assert days(hazard("11", 10, closed=3), START) == 7
    assert days(hazard("11", 10), START) == 10
    assert days(hazard("11", -1), START) == 0  # the clock was set back


def test_a_place_means_what_lies_in_it() -> None:
    found = [hazard("111", 1), hazard("12", 1), hazard("gone", 1)]
    assert within(found, SITE, "11") == found[:1]
    assert within(found, SITE, "1") == found[:2]
    assert within(found, SITE, "") == found
    moved = msgspec.structs.replace(found[0].incident, place="12")
    assert within([Hazard(moved, 0)], SITE, "11") == []
