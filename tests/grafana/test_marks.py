"""Incidents as marks on time axes: InfluxDB answers the boards' annotation queries."""

from __future__ import annotations

import re

import pytest

import dashboards
from dashboards.marks import KINDS
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
    query = re.sub(r"\$(city|district|street|community)\b", ".*", query).replace("$grid", grid)
    assert not re.search(r"\$\w", query)
    return sorted(
        (row[series["columns"].index("key")], row[1])
        for series in influxdb.query(query, "gridwarden")
        for row in series["values"]
    )


@pytest.mark.parametrize(("language", "title"), [("zh", "烟雾报警"), ("en", "Smoke")])
def test_the_marks_are_what_the_series_says(influxdb: InfluxDB, language: str, title: str) -> None:
    influxdb.query("CREATE DATABASE gridwarden")
    influxdb.request("/write?db=gridwarden", POINTS.encode())
    board = next(
        each for each in dashboards.all(language) if each.uid.startswith("gridwarden-fire")
    )
    marks = board.json["annotations"]["list"]
    assert [mark["name"] for mark in marks] == [kind.name.say(language) for kind in KINDS]
    assert [mark["enable"] for mark in marks] == [True, True, False]
    alarms, overdue, closed = (mark["target"]["query"] for mark in marks)
    assert asked(influxdb, alarms, ".*") == [("A-1", title), ("A-2", title)]
    assert asked(influxdb, alarms, "110105003012") == [("A-1", title)]
    assert asked(influxdb, overdue, "110105") == [("A-1", title)]
    assert asked(influxdb, closed, "110105003") == [("A-1", title)]
    assert asked(influxdb, closed, "110106") == []


def test_grafana_is_told_which_column_is_what() -> None:
    for board in dashboards.all("zh"):
        for mark in board.json.get("annotations", {}).get("list", ()):
            target = mark["target"]
            called = (target["titleColumn"], target["textColumn"])
            assert all(name.startswith("incident.") for name in called)
            columns = [name.removeprefix("incident.") for name in called]
            columns += target["tagsColumn"].split(",")
            assert all(f'"{column}"' in target["query"] for column in columns)
            assert len(columns) == len(set(columns)) == 3
            assert mark["datasource"] == {"type": "influxdb", "uid": "${source}"}
            assert target["fromAnnotations"]
