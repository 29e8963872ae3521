"""Buckets out of cells are what somebody with all readings in hand would say."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.history.buckets import gap_of, numbers, shares, step_for, words_of
from gateway.history.cells import MINUTE, Cell, Columns, Damaged, fold, gathered, packed, unpacked
from gateway.model import SECOND, Quality, Reading

BEGIN = 1_767_600_000 * SECOND
SPAN = 120
"""Minutes."""
DAY = 86_400 * SECOND

Report = tuple[int, float, bool]
"""Seconds after ``BEGIN`` by its own time, the value, and whether it is late."""

_reports = st.lists(
    st.tuples(
        st.integers(0, SPAN * 60 - 1),
        st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 3)),
        st.booleans(),
    ),
    min_size=1,
    max_size=60,
)
_flags = st.lists(
    st.tuples(st.integers(0, SPAN * 60 - 1), st.booleans(), st.booleans()), min_size=1, max_size=60
)
_cuts = st.lists(st.integers(0, 60), max_size=4)
_steps = st.sampled_from([60, 120, 300, 600])


def stored(reports: list[Report], cuts: list[int], width: int) -> tuple[bool, list[Cell]]:
    """Folded in the order given, in as many stretches as the cuts say, packed and read back."""
    parts = []
    edges = sorted({0, len(reports), *(min(cut, len(reports)) for cut in cuts)})
    for first, last in itertools.pairwise(edges):
        columns: Columns = {}
        for after, value, late in reports[first:last]:
            at = BEGIN + after * SECOND
            fold(
                columns, Reading("d", "k", {"x": value, "t": "no number"}, at=at, late=late), width
            )
        part = unpacked(packed(columns), "x")
        assert part is not None
        assert unpacked(packed(columns), "t") is None
        parts.append(part)
    return gathered(parts)


@given(_reports, _cuts, _steps)
def test_numbers_are_those_of_the_readings_themselves(
    reports: list[Report], cuts: list[int], seconds: int
) -> None:
    yes, cells = stored(reports, cuts, MINUTE)
    step = seconds * SECOND
    found = numbers(cells, MINUTE, step)
    assert not yes
    assert [bucket.at for bucket in found] == sorted(
        {(BEGIN + after * SECOND) // step * step for after, _, _ in reports}
    )
    for bucket in found:
        inside = [
            (value, late)
            for after, value, late in reports
            if bucket.at <= BEGIN + after * SECOND < bucket.at + step
        ]
        values = [value for value, _ in inside]
        assert (bucket.low, bucket.high) == (min(values), max(values))
        assert bucket.mean == pytest.approx(sum(values) / len(values), abs=1e-6)
        assert bucket.low <= bucket.mean <= bucket.high
        assert bucket.reports == len(values)
        assert words_of(bucket.flags) == (["late"] if any(late for _, late in inside) else [])


def by_hand(reports: list[Report], seconds: int, hold: int, end: int) -> dict[int, list[float]]:
    """Bucket -> [share, any, reports], minute by minute; ``hold`` and ``end`` in minutes."""
    said: dict[int, list[bool]] = {}
    for after, value, _ in reports:
        said.setdefault(after // 60, []).append(bool(value))
    known: dict[int, float] = {}
    for minute in range(end):
        if minute in said:
            known[minute] = sum(said[minute]) / len(said[minute])
            continue
        before = max((m for m in said if m < minute), default=None)
        behind = min((m for m in said if m > minute), default=None)
        if before is None:
            continue
        bridged = behind - before <= hold if behind is not None else minute < before + hold
        if bridged:
            known[minute] = float(said[before][-1])
    found: dict[int, list[float]] = {}
    for minute, share in known.items():
        bucket = found.setdefault(minute * 60 // seconds, [0, 0, 0, 0])
        bucket[0] += 1
        bucket[1] += share
        bucket[2] = max(bucket[2], share > 0)
        bucket[3] += len(said.get(minute, ()))
    return {n: [total / count, some, told] for n, (count, total, some, told) in found.items()}


@given(_flags, _cuts, _steps, st.integers(1, 90))
def test_a_share_is_the_part_of_the_known_time(
    reports: list[Report], cuts: list[int], seconds: int, hold: int
) -> None:
    yes, cells = stored(reports, cuts, MINUTE)
    assert yes
    step, end = seconds * SECOND, BEGIN + SPAN * MINUTE
    found = shares(cells, MINUTE, step, (BEGIN, end), hold * MINUTE)
    wanted = by_hand(reports, seconds, hold, SPAN)
    assert {(one.at - BEGIN) // step for one in found} == set(wanted)
    for one in found:
        share, some, told = wanted[(one.at - BEGIN) // step]
        assert one.yes == pytest.approx(share)
        assert (one.any, one.reports) == (bool(some), told)


def test_what_was_said_before_the_span_still_holds_in_it() -> None:
    cells = [Cell(BEGIN // MINUTE - 30, 1, 1.0, 1.0, 1.0, 1.0, 0)]
    found = shares(cells, MINUTE, MINUTE, (BEGIN, BEGIN + 10 * MINUTE), 35 * MINUTE)
    assert [(one.at - BEGIN, one.yes, one.reports) for one in found] == [
        (n * MINUTE, 1.0, 0) for n in range(5)
    ]


@given(st.integers(1, 400 * 86_400), st.integers(10, 2_000))
def test_a_step_gives_at_most_the_points_that_were_asked_for(span: int, points: int) -> None:
    step = step_for(span * SECOND, points)
    assert DAY % step == 0
    assert step == DAY or -(-span * SECOND // step) <= points


def test_a_line_is_broken_where_more_than_a_few_reports_are_missing() -> None:
    every = [Cell(BEGIN // MINUTE + n, 1, 1.0, 1.0, 1.0, 1.0, 0) for n in range(0, 50, 5)]
    found = numbers(every, MINUTE, MINUTE)
    assert gap_of(found, MINUTE, 0) == 20 * MINUTE
    assert gap_of(found, MINUTE, 12 * MINUTE) == 12 * MINUTE
    assert gap_of(found, 15 * MINUTE, 12 * MINUTE) == 30 * MINUTE
    assert gap_of([], MINUTE, 0) == 4 * MINUTE


def test_a_value_that_is_no_longer_yes_or_no_is_a_number() -> None:
    columns: Columns = {}
    for n, value in enumerate([True, 2.5]):
        fold(columns, Reading("d", "k", {"x": value}, at=BEGIN + n * MINUTE), MINUTE)
    part = unpacked(packed(columns), "x")
    assert part is not None
    assert part[0] is False
    assert [cell.high for cell in part[1]] == [1.0, 2.5]


def test_what_has_to_be_said_of_a_reading_is_kept() -> None:
    columns: Columns = {}
    for quality, late, retained in (
        (Quality.suspect, False, False),
        (Quality.clock_suspect, True, True),
    ):
        reading = Reading("d", "k", {"x": 1.0}, at=BEGIN, quality=quality, late=late)
        fold(columns, reading, MINUTE)
        again = Reading("d", "k", {"x": 1.0}, at=BEGIN, quality=quality, retained=retained)
        fold(columns, again, MINUTE)
    part = unpacked(packed(columns), "x")
    assert part is not None
    assert words_of(part[1][0].flags) == ["late", "suspect", "clock_suspect", "retained"]


@given(st.binary(max_size=200))
def test_damaged_cells_are_told_as_such(body: bytes) -> None:
    with pytest.raises(Damaged):
        unpacked(body, "x")
