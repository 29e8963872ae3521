"""Positions on maps in China."""

from __future__ import annotations

from math import cos, hypot, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.gcj02 import to_gcj02


def test_published_point_is_moved_as_published() -> None:
    """The example of the widely used conversion ``coordtransform``."""
    latitude, longitude = to_gcj02(39.915, 116.404)
    assert (latitude, longitude) == pytest.approx((39.91640428150164, 116.41024449916938), abs=1e-9)


@pytest.mark.parametrize(
    "point",
    [
        (52.52, 13.4),
        (40.7, -74.0),
        (-33.9, 151.2),
        (-6.2, 106.8),
        (60.0, 100.0),
        (0.0, 0.0),
        (90.0, 180.0),
    ],
)
def test_points_outside_china_stay(point: tuple[float, float]) -> None:
    assert to_gcj02(*point) == point


@given(st.floats(18.0, 54.0), st.floats(74.0, 134.0))
def test_offset_in_china_is_less_than_a_kilometre(north: float, east: float) -> None:
    latitude, longitude = to_gcj02(north, east)
    metres = hypot(latitude - north, (longitude - east) * cos(radians(north))) * 111_320
    assert 0 < metres < 1_000


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False))
def test_no_number_breaks_it(latitude: float, longitude: float) -> None:
    assert len(to_gcj02(latitude, longitude)) == 2
