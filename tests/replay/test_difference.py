"""Which incident of one side is which of the other."""

from __future__ import annotations

from collections import Counter

from gateway.model import SECOND, Category, Severity, Text
from gateway.replay.difference import compare
from gateway.replay.simulation import Case, Totals


def case(
    opened: int, closed: int | None = None, *, same: str = "device:c1", **more: object
) -> Case:
    found = Case(
        group="hot", same=same, category=Category.facility, opened=opened * SECOND,
        wall=opened * SECOND, rule="hot", device="c1", place="CG1", title=Text("热", "hot"),
        why=Text("热", "hot"), severity=Severity.alarm, incident=None,
        closed=None if closed is None else closed * SECOND,
    )  # fmt: skip
    for name, value in more.items():
        setattr(found, name, value)
    return found


def pairs(before: list[Case], after: list[Case], since: int = 0) -> list[tuple[str, float]]:
    """(change, seconds later)."""
    found = compare(before, after, (Totals(), Totals()), since * SECOND)
    return [(pair.change, pair.later / SECOND) for pair in found.pairs]


def test_what_overlaps_is_one() -> None:
    assert pairs([case(0, 100)], [case(90, 300)]) == [("differs", 90)]
    assert pairs([case(90, None)], [case(0, 100)]) == [("differs", -90)]


def test_what_does_not_is_two() -> None:
    assert pairs([case(0, 100)], [case(100, 300)]) == [("only_before", 0), ("only_after", 0)]
    assert pairs([case(0, 9, same="device:x")], [case(0, 9)]) == [
        ("only_after", 0), ("only_before", 0),
    ]  # fmt: skip


def test_one_long_one_is_the_first_of_the_short_ones() -> None:
    short = [case(0, 10), case(20, 30), case(40, 50)]
    assert pairs([case(0, 60)], short) == [("only_after", 0), ("only_after", 0)]


def test_equal_ones_are_counted_and_not_listed() -> None:
    found = compare([case(0, 9)], [case(0, 9)], (Totals(), Totals()), 0)
    assert (found.pairs, found.same, found.is_any) == ((), 1, False)


def test_each_thing_that_differs_is_named() -> None:
    other = case(5, 9, severity=Severity.critical, rule="hotter", told=Counter(wu=1), missed=2)
    found = compare([case(0, 9)], [other], (Totals(), Totals()), 0)
    assert found.pairs[0].differs == ("severity", "opened", "rule", "told", "missed")


def test_what_lies_before_since_counts_only_by_what_it_did_after() -> None:
    assert pairs([case(0, 9)], [], since=50) == []
    told = case(0, 90, told=Counter(chen=1))
    assert pairs([told], [case(0, 90)], since=50) == [("differs", 0)]


def test_people_who_hear_of_other_things_as_often_are_no_difference_in_number() -> None:
    totals = Totals(told=Counter(chen=2, wu=1)), Totals(told=Counter(chen=1, wu=3))
    found = compare([], [], totals, 0)
    assert found.people == (("wu", 1, 3), ("chen", 2, 1))
    assert found.is_any
