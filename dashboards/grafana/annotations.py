"""Incidents as marks on the dashboards' time axes: annotation queries over the series ``incident``.

A query, and no annotation pushed to ``/api/annotations`` by the gateway: the marks are then as
complete as the series (an outage of Grafana loses none, a backfill draws the past, a repeat
doubles nothing), they follow the chosen place and time, and no gateway has to hold a token of
Grafana's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gateway.model import Happened, Text

Json = dict[str, Any]

_LEVELS: Final = ("city", "district", "street", "community", "grid")
"""The variables of a board that choose a place; its code begins the codes of what lies in it."""
_DRAWN_ON: Final = frozenset({"timeseries", "state-timeline", "status-history", "heatmap"})
"""Panels with a time axis: elsewhere a mark is not seen."""
_MOST: Final = 500
"""Marks in one picture: more are a curtain."""


class _Kind(NamedTuple):
    name: Text
    what: Happened
    colour: str
    shown: bool
    """At once, or after a click on the switch above the board."""
    where: str = ""


KINDS: Final = (
    _Kind(
        Text("报警", "Alarms"), Happened.opened, "#D55E00", True,
        " AND (\"severity\" = 'alarm' OR \"severity\" = 'critical')",
    ),
    _Kind(Text("超时", "Overdue"), Happened.overdue, "#CC79A7", True),
    _Kind(Text("办结", "Closed"), Happened.closed, "#56B4E9", False),
)  # fmt: skip


def annotated(board: Json, language: str) -> Json:
    """``board`` with the marks before its own annotations, if anything in it has a time axis."""
    if not any(panel.get("type") in _DRAWN_ON for panel in panels(board)):
        return board
    names = {variable.get("name"): variable for variable in variables(board)}
    source = next(
        (f"${{{name}}}" for name, each in names.items() if each.get("type") == "datasource"), ""
    )
    levels = [level for level in _LEVELS if level in names]
    marks = [_mark(kind, source, levels, language) for kind in KINDS]
    known = {mark["name"] for mark in marks}
    own = [
        each for each in _list(board.get("annotations"), "list") if each.get("name") not in known
    ]
    return board | {"annotations": {"list": [*own, *marks]}}


def _mark(kind: _Kind, source: str, levels: list[str], language: str) -> Json:
    title = "title" if language == "zh" else "title_en"
    place = "".join(f' AND "place" =~ /^${{{level}}}/' for level in levels)
    query = (
        f'SELECT "{title}", "key", "severity" FROM "incident"',  # noqa: S608 - our own words
        f"WHERE \"what\" = '{kind.what.value}'{kind.where} AND $timeFilter{place}",
        f"LIMIT {_MOST}",
    )
    return {
        "name": kind.name.say(language),
        "datasource": {"type": "influxdb", "uid": source},
        "enable": kind.shown,
        "hide": False,
        "iconColor": kind.colour,
        "target": {
            "refId": "Anno",
            "fromAnnotations": True,
            "rawQuery": True,
            "textEditor": True,
            "query": " ".join(query),
            "textColumn": title,
            "tagsColumn": "key,severity",
        },
    }


def panels(board: Mapping[str, Any]) -> list[Json]:
    """The panels of ``board``, those of collapsed rows included."""
    found: list[Json] = []
    for panel in _list(board, "panels"):
        found += [panel, *_list(panel, "panels")]
    return found


def variables(board: Mapping[str, Any]) -> list[Json]:
    """The variables of ``board``."""
    return _list(board.get("templating"), "list")


def _list(holder: Any, key: str) -> list[Json]:
    found = holder.get(key) if isinstance(holder, Mapping) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
