"""When rounds are, in local time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import SECOND
from gateway.patrol.rounds import ended_between, local_day, next_end, parse_span, rounds_of

ZONE = ZoneInfo("Asia/Shanghai")
SPANS = {"晚": parse_span("18:00-20:00"), "早": parse_span("07:00-09:00")}
NIGHT = {"夜": parse_span("22:00-02:00")}


def wall(text: str, zone: ZoneInfo = ZONE) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * SECOND


def test_the_rounds_of_a_day_come_in_its_order() -> None:
    assert [
        (each.name, each.begins, each.ends) for each in rounds_of(date(2026, 1, 5), SPANS, ZONE)
    ] == [
        ("早", wall("2026-01-05 07:00"), wall("2026-01-05 09:00")),
        ("晚", wall("2026-01-05 18:00"), wall("2026-01-05 20:00")),
    ]


def test_a_round_past_midnight_belongs_to_the_day_it_begins_on() -> None:
    (one,) = rounds_of(date(2026, 1, 5), NIGHT, ZONE)
    assert (one.begins, one.ends) == (wall("2026-01-05 22:00"), wall("2026-01-06 02:00"))
    (ended,) = ended_between(wall("2026-01-06 01:59"), wall("2026-01-06 02:00"), NIGHT, ZONE)
    assert ended.day == date(2026, 1, 5)


def test_where_clocks_change_the_local_time_counts() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    (one,) = rounds_of(date(2026, 3, 28), {"n": parse_span("22:00-06:00")}, berlin)
    assert (one.ends - one.begins) // SECOND == 7 * 3600
    (one,) = rounds_of(date(2026, 10, 24), {"n": parse_span("22:00-06:00")}, berlin)
    assert (one.ends - one.begins) // SECOND == 9 * 3600


@given(
    st.integers(0, 400 * 86_400), st.integers(0, 4 * 86_400),
    st.sampled_from([ZONE, ZoneInfo("Europe/Berlin"), ZoneInfo("America/St_Johns")]),
)  # fmt: skip
def test_every_round_ends_in_just_one_of_two_looks(after: int, span: int, zone: ZoneInfo) -> None:
    begin = wall("2026-01-01 00:00") + after * SECOND
    middle, end = begin + span * SECOND // 3, begin + span * SECOND
    both = ended_between(begin, middle, SPANS | NIGHT, zone) + ended_between(
        middle, end, SPANS | NIGHT, zone
    )
    assert both == ended_between(begin, end, SPANS | NIGHT, zone)
    upcoming = next_end(begin, SPANS | NIGHT, zone)
    assert upcoming is not None
    assert (upcoming <= end) == bool(both)
    assert not both or both[0].ends == upcoming


def test_without_rounds_none_ends() -> None:
    assert next_end(0, {}, ZONE) is None


@pytest.mark.parametrize(
    "text", ["", "7-9", "07:00", "07:00-07:00", "24:00-25:00", "07:60-08:00", "٠٧:00-08:00"]
)
def test_what_is_no_span_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 07:00-09:00"):
        parse_span(text)


def test_a_span_is_two_times() -> None:
    assert parse_span(" 22:15-06:00 ") == (time(22, 15), time(6))


def test_the_local_day_is_the_zones() -> None:
    at = int(datetime(2026, 1, 5, 17, tzinfo=UTC).timestamp()) * SECOND
    assert local_day(at, ZONE) == date(2026, 1, 6)
