"""A board around its tiles: variables, marks, links to the other boards, places on the grid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as d

from dashboards.marks import marks
from dashboards.names import LABEL
from dashboards.panels import Panels
from dashboards.queries import LEVELS, SOURCE, source
from dashboards.tile import Tile
from gateway.model import Text

TAG: Final = "gridwarden"
ALL: Final = ".*"
"""What "all" puts into a query: a regular expression that any code begins with."""
_LEVEL_NAMES: Final = (
    Text("市", "City"),
    Text("区县", "District"),
    Text("街道", "Street"),
    Text("社区", "Community"),
    Text("网格", "Grid"),
)
_OF_INTERVALS: Final = ("auto", "auto_min", "auto_count")
"""What the SDK writes into every variable, and the published schema does not know."""


class Options(NamedTuple):
    """What boards are made with."""

    language: str
    console: str
    tiles: str
    zone: str


class Sheet(NamedTuple):
    """One board before it is laid out."""

    name: str
    title: Text
    about: Text
    rows: Sequence[Sequence[Tile]]
    """Each row's tiles are 24 columns wide together and of one height, or stacked in columns."""
    span: str = "now-7d"
    refresh: str = "1m"
    marks: bool = True


def uid(name: str, language: str) -> str:
    """The board's address: both languages may stand side by side in one Grafana."""
    return f"gridwarden-{name}-{language}"


def made(sheet: Sheet, options: Options) -> dict[str, Any]:
    """The board as Grafana's JSON."""
    panels = Panels(options.language)
    board = (
        build.Dashboard(panels.say(sheet.title))
        .uid(uid(sheet.name, options.language))
        .description(panels.say(sheet.about))
        .tags([TAG, options.language])
        .timezone(options.zone)
        .week_start("monday")
        .time(sheet.span, "now")
        .refresh(sheet.refresh)
        .timepicker(build.TimePicker().refresh_intervals(["10s", "30s", "1m", "5m", "15m"]))
        .tooltip(d.DashboardCursorSync.CROSSHAIR)
        .editable()
        .variables(_variables(panels, options))
        .link(_others(panels, options))
    ).build()
    if sheet.marks:
        board.annotations = marks(options.language)
    board.panels = list(_placed(sheet.rows))
    found: dict[str, Any] = json.loads(json.dumps(board, cls=JSONEncoder))
    for variable in found["templating"]["list"]:
        for name in _OF_INTERVALS:
            variable.pop(name, None)
    return found


def _placed(rows: Sequence[Sequence[Tile]]) -> list[d.Panel]:
    """Every tile at its place with a number of its own: rows from left to right."""
    found: list[d.Panel] = []
    y = 0
    for row in rows:
        x, height = 0, 0
        for tile in row:
            panel, size = tile.panel, tile.size
            panel.grid_pos = d.GridPos(x=x, y=y, w=size.w, h=size.h)
            x += size.w
            height = max(height, size.h)
            panel.id_val = len(found) + 1
            found.append(panel)
        y += height
    return found


def _variables(panels: Panels, options: Options) -> list[Builder[d.VariableModel]]:
    chosen = (
        build.DatasourceVariable("source")
        .label(panels.say(Text("数据源", "Data source")))
        .type(SOURCE)
        .multi(False)
    )
    console = build.ConstantVariable("console").value(options.console.rstrip("/"))
    levels = [_level(panels, index) for index in range(len(LEVELS))]
    return [chosen, *levels, console]


def _level(panels: Panels, index: int) -> build.QueryVariable:
    """Places of one level within the ones chosen above it."""
    above = "".join(f' AND "place" =~ /^${level}/' for level in LEVELS[:index])
    everywhere = d.VariableOption(text=panels.say(Text("全部", "All")), value="$__all")
    return (
        build.QueryVariable(LEVELS[index])
        .label(panels.say(_LEVEL_NAMES[index]))
        .datasource(source())
        .query(
            'SELECT last("label") AS "label" FROM "place" WHERE time > now() - 1d '
            f'AND "level" = \'{LEVELS[index]}\'{above} GROUP BY "place"'
        )
        .regex(LABEL)
        .refresh(d.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(d.VariableSort.ALPHABETICAL_ASC)
        .multi(False)
        .include_all(True)
        .all_value(ALL)
        .current(everywhere)
    )


def _others(panels: Panels, options: Options) -> build.DashboardLink:
    return (
        build.DashboardLink(panels.say(Text("其他看板", "Other boards")))
        .type(d.DashboardLinkType.DASHBOARDS)
        .tags([TAG, options.language])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
        .icon("dashboard")
    )
