"""How fast a category was met: the median, and what never happened counts as for ever."""

from __future__ import annotations

from gateway.model import SECOND, Category, Happened
from gateway.replay.past import NEVER, NOBODY, Deed, Pace, Past, Real


def incident(opened: int, received: int | None, closed: int | None, number: int = 1) -> Real:
    deeds = []
    if received is not None:
        deeds.append(Deed((opened + received) * SECOND, Happened.received, "chen"))
    if closed is not None:
        deeds.append(Deed((opened + closed) * SECOND, Happened.closed, "chen", "real"))
    return Real(
        f"F-{number}", "hot", "device:c1", Category.facility, opened * SECOND,
        None if closed is None else (opened + closed) * SECOND, tuple(deeds),
    )  # fmt: skip


def pace(*reals: Real) -> Pace:
    return Past(reals).paces[Category.facility]


def test_the_median_incident_sets_the_pace() -> None:
    found = pace(incident(0, 10, 100), incident(0, 20, 300), incident(0, 90, 200))
    assert (found.received, found.closed, found.of) == (20 * SECOND, 200 * SECOND, 3)
    assert found.handling == NEVER


def test_of_two_the_faster_counts() -> None:
    assert pace(incident(0, 10, None), incident(0, 30, None)).received == 10 * SECOND


def test_where_most_were_never_met_nobody_comes() -> None:
    found = pace(incident(0, 10, 20), incident(0, None, None), incident(0, None, None))
    assert (found.received, found.closed) == (NEVER, NEVER)
    assert found.deeds(0) == NOBODY.deeds(0) == []


def test_one_that_was_met_at_once_is_no_incident_that_was_never_met() -> None:
    assert pace(incident(5, 0, 0)).received == 0


def test_what_is_assumed_counts_from_the_opening() -> None:
    deeds = pace(incident(50, 10, 100)).deeds(7 * SECOND)
    assert [(deed.what, deed.at) for deed in deeds] == [
        (Happened.received, 17 * SECOND), (Happened.closed, 107 * SECOND),
    ]  # fmt: skip
