"""Raw scalars to the tables' types, and device times to nanoseconds."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers._times import iso_ns, time_ns
from drivers._values import MAX_TEXT, coerce
from gateway.model import every_value_name

RAW = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=400),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
)


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("battery", "100.00", 100.0),
        ("battery", 0, 0.0),
        ("battery", " 7 ", 7.0),
        ("battery", None, None),
        ("battery", "", None),
        ("temperature", -40, -40.0),
        ("alarm", "ON", True),
        ("alarm", "false", False),
        ("alarm", 0, False),
        ("alarm", 1.0, True),
        ("alarm", False, False),
        ("code", 1130, "1130"),
        ("code", "1130", "1130"),
        ("zone", True, "true"),
        ("extra.rain", 3, 3.0),
        ("extra.mode", "auto", "auto"),
        ("extra.on", True, True),
    ],
)
def test_a_raw_value_takes_its_table_type(name: str, raw: object, expected: object) -> None:
    found = coerce(name, raw)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("battery", True),
        ("battery", "full"),
        ("battery", "1_000"),
        ("battery", "nan"),
        ("battery", math.inf),
        ("battery", 10**400),
        ("battery", [3]),
        ("alarm", 2),
        ("alarm", "maybe"),
        ("alarm", math.nan),
        ("alarm", {}),
        ("zone", "x" * (MAX_TEXT + 1)),
        ("zone", "\ud800"),
        ("extra.x", {"a": 1}),
        ("extra.x", math.nan),
    ],
)
def test_what_can_not_be_is_refused_with_a_short_reason(name: str, raw: object) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        coerce(name, raw)
    assert len(str(error.value).encode()) < 200


@given(st.sampled_from([*every_value_name(), "extra.any"]), RAW)
def test_any_raw_value_is_coerced_or_refused(name: str, raw: object) -> None:
    try:
        value = coerce(name, raw)
    except ValueError:
        return
    assert value is None or type(value) in (float, bool, str)
    assert not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-06-24T15:30:53.312Z", 1561390253_312_000_000),
        ("2025-11-30T17:14:51+03:00", 1764512091_000_000_000),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_iso_times_are_exact(text: str, expected: int) -> None:
    assert iso_ns(text) == expected


def test_a_time_without_offset_is_in_the_declared_zone() -> None:
    east = timedelta(hours=8)
    assert iso_ns("2025-01-01T08:00:00", east) == iso_ns("2025-01-01T00:00:00Z", east)


@pytest.mark.parametrize(
    ("raw", "unit", "expected"),
    [
        (1561390253312, "ms", 1561390253_312_000_000),
        (1561390253.312, "s", 1561390253_312_000_000),
        ("1561390253", "s", 1561390253_000_000_000),
        (None, "s", None),
        ("", "iso", None),
    ],
)
def test_numbers_are_times_in_their_unit(raw: object, unit: str, expected: int | None) -> None:
    assert time_ns(raw, unit) == expected


@given(RAW, st.sampled_from(["s", "ms", "us", "ns", "iso"]))
def test_any_time_is_read_or_refused_and_fits_64_bits(raw: object, unit: str) -> None:
    try:
        ns = time_ns(raw, unit)
    except ValueError:
        return
    assert ns is None or 0 <= ns < 2**63
