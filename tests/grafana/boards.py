"""Two tiny boards behind the seam that the real ones are behind."""

from __future__ import annotations

from typing import Any, NamedTuple


class Board(NamedTuple):
    uid: str
    title: str
    folder: str
    json: dict[str, Any]


def board(uid: str, title: str, folder: str = "社区安全", **more: Any) -> Board:
    """A board with a chart, a data source to choose, and a grid to choose."""
    query = 'SELECT mean("open") FROM "cases" WHERE $timeFilter GROUP BY time($__interval)'
    panel = {
        "id": 1,
        "type": "timeseries",
        "title": "未办结",
        "datasource": {"type": "influxdb", "uid": "${source}"},
        "targets": [{"refId": "A", "query": query, "rawQuery": True}],
        "gridPos": {"x": 0, "y": 0, "w": 24, "h": 8},
    }
    variables = [
        {"name": "source", "type": "datasource", "query": "influxdb", "current": {}},
        {"name": "grid", "type": "query", "query": "SHOW TAG VALUES"},
    ]
    made = {
        "id": 7,
        "uid": uid,
        "title": title,
        "version": 3,
        "tags": ["wall"],
        "schemaVersion": 39,
        "panels": [panel],
        "templating": {"list": variables},
    }
    return Board(uid, title, folder, made | more)


WALL = board("gw-wall", "指挥大屏")
FIRE = board("gw-fire", "消防")
BOARDS = [WALL, FIRE]
