"""How often one person may do something by a link."""

from __future__ import annotations

from gateway.console.pace import Pace
from gateway.model import SECOND

HOUR = 3_600 * SECOND


def may(pace: Pace, person: str, now: int) -> bool:
    with pace.one(person, now) as answer:
        return answer


def test_the_most_in_an_hour_are_anybodys_own() -> None:
    pace = Pace(2, 9)
    assert [may(pace, "li", now) for now in (0, 1, 2)] == [True, True, False]
    assert may(pace, "wu", 2)
    assert not may(pace, "li", HOUR - 1)
    assert [may(pace, "li", HOUR) for _ in range(2)] == [True, False], "one is an hour ago"


def test_what_is_being_done_counts_until_it_is_over() -> None:
    pace = Pace(9, 1)
    with pace.one("li", 0) as first:
        assert (first, may(pace, "li", 1), may(pace, "wu", 1)) == (True, False, True)
    assert may(pace, "li", 2)
