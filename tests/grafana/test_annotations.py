"""Incidents as marks on time axes: which boards get them, and that InfluxDB answers their queries."""

from __future__ import annotations

import pytest

from dashboards.grafana.annotations import KINDS, annotated
from tests.grafana.boards import WALL
from tests.servers import InfluxDB

SECOND = 1_000_000_000
AT = 1_767_225_600 * SECOND


def incident(seconds: int, what: str, place: str, severity: str, key: str) -> str:
    """A point of the series ``incident`` as line protocol."""
    tags = f"place={place},category=life,severity={severity},kind=smoke,what={what}"
    fields = f'key="{key}",title="烟雾报警",title_en="Smoke",device="S-1",n=1.0'
    return f"incident,{tags} {fields} {AT + seconds * SECOND}"


POINTS = "\n".join(
    [
        incident(0, "opened", "110105003012", "alarm", "A-1"),
        incident(60, "received", "110105003012", "alarm", "A-1"),
        incident(300, "overdue", "110105003012", "alarm", "A-1"),
        incident(400, "closed", "110105003012", "alarm", "A-1"),
        incident(500, "opened", "110105004001", "critical", "A-2"),
        incident(600, "opened", "110105003012", "notice", "A-3"),
        incident(90_000, "opened", "110105003012", "alarm", "A-4"),
    ]
)


def asked(influxdb: InfluxDB, query: str, grid: str) -> list[tuple[str, str]]:
    """(key, text) of the marks, with Grafana's variables put in as Grafana does it."""
    query = query.replace("$timeFilter", f"time >= {AT}ns AND time <= {AT + 3600 * SECOND}ns")
    query = query.replace("${grid}", grid)
    assert "$" not in query
    return [
        (row[series["columns"].index("key")], row[1])
        for series in influxdb.query(query, "gridwarden")
        for row in series["values"]
    ]


@pytest.mark.parametrize(("language", "title"), [("zh", "烟雾报警"), ("en", "Smoke")])
def test_the_marks_are_what_the_series_says(influxdb: InfluxDB, language: str, title: str) -> None:
    influxdb.query("CREATE DATABASE gridwarden")
    influxdb.request("/write?db=gridwarden", POINTS.encode())
    marks = annotated(WALL.json, language)["annotations"]["list"]
    alarms, overdue, closed = (mark["target"]["query"] for mark in marks)
    assert asked(influxdb, alarms, "") == [("A-1", title), ("A-2", title)]
    assert asked(influxdb, alarms, "110105003012") == [("A-1", title)]
    assert asked(influxdb, overdue, "110105") == [("A-1", title)]
    assert asked(influxdb, closed, "110105003") == [("A-1", title)]
    assert asked(influxdb, closed, "110106") == []
    for mark in marks:
        columns = [mark["target"]["textColumn"], *mark["target"]["tagsColumn"].split(",")]
        assert all(f'"{column}"' in mark["target"]["query"] for column in columns)


def test_marks_stand_beside_a_boards_own_and_never_twice() -> None:
    own = {"name": "deployments", "enable": True}
    once = annotated(WALL.json | {"annotations": {"list": [own]}}, "zh")
    assert [mark["name"] for mark in once["annotations"]["list"]] == [
        "deployments", *(kind.name.zh for kind in KINDS),
    ]  # fmt: skip
    assert annotated(once, "zh") == once
    assert all(mark["datasource"]["uid"] == "${source}" for mark in once["annotations"]["list"][1:])


def test_a_board_without_a_time_axis_has_none() -> None:
    table = WALL.json | {"panels": [{"id": 1, "type": "table"}]}
    assert annotated(table, "zh") == table
    folded = WALL.json | {"panels": [{"type": "row", "panels": [{"type": "timeseries"}]}]}
    assert annotated(folded, "zh") != folded
