"""The CSV file of the points."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.document import Problems
from gateway.model import Place, Point, Site
from gateway.patrol.points import read_points

SITE = Site(places={"G1": Place("G1", "", "grid", "一")})
ROUNDS = ("早", "晚")


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> tuple[Point, ...]:
    path = tmp_path / "points.csv"
    path.write_text(text, encoding=encoding)
    return read_points(path, SITE, ROUNDS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_points_are_read_as_spreadsheets_write_them(tmp_path: Path, encoding: str) -> None:
    text = "编号,名称,地点,班次,纬度,经度\ngate,北门,G1,早；晚,38.3,116.8\ncellar,地下室,G1,,,\n"
    assert read(tmp_path, text, encoding) == (
        Point("gate", "北门", "G1", ("早", "晚"), 38.3, 116.8),
        Point("cellar", "地下室", "G1"),
    )


def test_every_error_is_said_by_row_and_column(tmp_path: Path) -> None:
    text = "id,name,place,rounds\ngate,北门,G2,午\ngate,,G1,\n"
    with pytest.raises(Problems) as caught:
        read(tmp_path, text)
    assert [(p.line, p.column, p.message) for p in caught.value.problems] == [
        (2, 3, "there is no place 'G2'; places.csv has all codes"),
        (2, 4, "there is no round '午'; known: 早, 晚"),
        (3, 1, "id 'gate' is already in row 2"),
        (3, 2, "name is empty"),
    ]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(
    st.one_of(
        st.binary(max_size=200), st.text(max_size=120).map(lambda t: f"id,name,place\n{t}".encode())
    )
)
def test_any_bytes_give_points_or_problems(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(raw)
    try:
        points = read_points(path, SITE, ROUNDS)
    except Problems:
        return
    assert all(point.id and point.name for point in points)
