"""Kinds of panel: what every board's tiles are made with. One language at a time.

A tile has a title, a sentence that says how to read it, a unit, a size and somewhere to lead to.
``far`` boards hang on a wall: their numbers and names are drawn to be read from five metres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol, cast

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    geomap,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as d
from grafana_foundation_sdk.models.geomap import MapCenterID, TooltipMode
from grafana_foundation_sdk.models.stat import Options as StatOptions
from grafana_foundation_sdk.models.table import Options as TableOptions

from dashboards import palette
from dashboards.links import link
from dashboards.queries import Query, source
from gateway.console.words import WORDS
from gateway.model import KINDS, Text

WALL_TITLE: Final = 30
"""Pixels: 20 mm on a screen of 55 inches, which is read from five metres."""
WALL_VALUE: Final = 56
WALL_BLOCK: Final = 40
"""Of a value that stands in one line with its name."""
TIME: Final = "Time"
"""What Grafana calls the column of InfluxDB's ``time``; matched by its type."""
_PIXELS: Final = 300
"""Points of a line: InfluxDB draws the rest together."""
_PAGE: Final = 20
"""Rows of states on one page: more are too thin to be told apart."""
NOW: Final = "15m"
"""A gauge's newest point is at most as old as three of its turns; an older one is no news."""


class Size(NamedTuple):
    """Of the grid's 24 columns; rows of 30 pixels."""

    w: int
    h: int


class Column(NamedTuple):
    """One column of a table, in the order given; ``words`` is a group of the console's words."""

    name: str
    title: Text
    unit: str = "string"
    words: str = ""
    colors: Mapping[str, str] = {}
    link: str = ""
    width: int = 0


class Told(NamedTuple):
    """What every panel has."""

    title: Text
    about: Text
    unit: str
    size: Size
    link: str


class Tile(Builder[d.Panel]):
    """A panel that is ready."""

    def __init__(self, panel: d.Panel, fields: d.FieldConfigSource, size: Size) -> None:
        self.panel = panel
        self.fields = fields
        self.size = size

    def build(self) -> d.Panel:
        """It."""
        return self.panel

    def override(self, name: str, properties: Mapping[str, object]) -> None:
        """Say something of the field ``name`` alone."""
        matcher = d.MatcherConfig("byName", name)
        if name == TIME:
            matcher = d.MatcherConfig("byType", "time")
        self.fields.overrides.append(
            d.DashboardFieldConfigSourceOverrides(
                matcher,
                [d.DynamicConfigValue(key, value) for key, value in properties.items()],
            )
        )


class _Sorted(Protocol):
    def with_transformation(self, transformation: d.DataTransformerConfig) -> object: ...


class Panels:
    """Makes tiles in one language."""

    def __init__(self, language: str, *, far: bool = False, tiles: str = "") -> None:
        self.language = language
        self.far = far
        self._map = tiles

    def say(self, text: Text) -> str:
        """In this board's language."""
        return text.say(self.language)

    def word(self, group: str, name: str) -> str:
        """The console's word for a name of the model."""
        return WORDS[f"{group}.{name}"][self.language == "en"]

    def stat(
        self,
        told: Told,
        queries: Sequence[Query],
        *,
        series: tuple[str, Mapping[str, str]] | None = None,
        steps: Sequence[tuple[float | None, str]] = ((None, palette.CALM),),
        since: str = NOW,
        filled: bool = False,
        named: bool = False,
    ) -> Tile:
        """Numbers; ``series`` is the group of words of the lines' names, and their colours.

        ``named``: each has the name of its query, else the panel's title.
        """
        made = (
            stat.Panel()
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
            .graph_mode(c.BigValueGraphMode.NONE)
            .color_mode(
                c.BigValueColorMode.BACKGROUND_SOLID if filled else c.BigValueColorMode.VALUE
            )
            .text_mode(c.BigValueTextMode.VALUE_AND_NAME)
            .wide_layout(False)
            .text(self._text())
        )
        tile = self._finish(made.build(), told, queries, steps, since)
        if series is not None:
            self._name(tile, *series)
        elif not named:
            tile.fields.defaults.display_name = self.say(told.title)
        return tile

    def each(
        self,
        told: Told,
        *queries: Query,
        value: str,
        name: str,
        most: int,
        color: str = palette.CALM,
        since: str = NOW,
        order: tuple[str, bool] = ("", False),
        words: tuple[str, str] = ("", ""),
        join: str = "",
    ) -> Tile:
        """One block for every row of a table: column ``value`` large, ``name`` above it."""
        made = (
            stat.Panel()
            .reduce_options(
                common.ReduceDataOptions()
                .values(True)
                .limit(most)
                .calcs(["lastNotNull"])
                .fields(f"/^{value}$/")
            )
            .graph_mode(c.BigValueGraphMode.NONE)
            .color_mode(c.BigValueColorMode.BACKGROUND_SOLID)
            .text_mode(c.BigValueTextMode.VALUE_AND_NAME)
            .justify_mode(c.BigValueJustifyMode.CENTER)
            .wide_layout(True)
            .orientation(c.VizOrientation.HORIZONTAL)
            .text(self._text(WALL_BLOCK))
        )
        if join:
            _join(made, join)
        if order[0]:
            _sort(made, *order)
        tile = self._finish(made.build(), told, queries, ((None, color),), since)
        tile.fields.defaults.display_name = name
        if words[0]:
            tile.override(words[0], {"mappings": [self._mapping(words[1], {})]})
        return tile

    def newest_time(self, tile: Tile) -> Tile:
        """Of a stat: the moment of its newest points instead of their value."""
        options = cast("StatOptions", tile.panel.options)
        options.reduce_options = c.ReduceDataOptions(calcs=["lastNotNull"], fields="/^[Tt]ime$/")
        return tile

    def bars(
        self,
        told: Told,
        queries: Sequence[Query],
        *,
        value: str,
        name: str,
        join: str = "",
        most: int = 10,
        words: str = "",
        steps: Sequence[tuple[float | None, str]] = ((None, palette.SKY),),
        since: str = "",
        desc: bool = True,
    ) -> Tile:
        """The ``most`` rows with the largest ``value``, as bars with ``name`` before them.

        ``join``: the column in which the first query's rows meet the second's, which bring names.
        """
        made = (
            bargauge.Panel()
            .reduce_options(
                common.ReduceDataOptions()
                .values(True)
                .limit(most)
                .calcs(["lastNotNull"])
                .fields(f"/^{value}$/")
            )
            .orientation(c.VizOrientation.HORIZONTAL)
            .display_mode(c.BarGaugeDisplayMode.BASIC)
            .value_mode(c.BarGaugeValueMode.TEXT)
            .name_placement(c.BarGaugeNamePlacement.LEFT)
            .show_unfilled(False)
            .text(self._text())
            .min(0)
        )
        if join:
            _join(made, join)
        _sort(made, value, desc)
        made.with_transformation(d.DataTransformerConfig("limit", options={"limitField": most}))
        tile = self._finish(made.build(), told, queries, steps, since)
        tile.fields.defaults.display_name = f"${{__data.fields.{name}}}"
        if words:  # the name is drawn through the column's own mapping
            tile.override(name, {"mappings": [self._mapping(words, {})]})
        return tile

    def chart(
        self,
        told: Told,
        queries: Sequence[Query],
        *,
        series: tuple[str, Mapping[str, str]] | None = None,
        bars: bool = False,
        interval: str = "",
        limits: Sequence[tuple[float | None, str]] = (),
        least: float | None = 0,
        kinds: bool = False,
        since: str = "",
    ) -> Tile:
        """Lines over time, or stacked bars; ``interval`` is the least width of a point.

        ``kinds``: the lines' names are kinds of device.
        """
        made = (
            timeseries.Panel()
            .line_width(2)
            .fill_opacity(80 if bars else 8)
            .draw_style(c.GraphDrawStyle.BARS if bars else c.GraphDrawStyle.LINE)
            .line_interpolation(c.LineInterpolation.LINEAR)
            .show_points(c.VisibilityMode.AUTO)
            .point_size(5)
            .span_nulls(False)
            .stacking(
                common.StackingConfig()
                .mode(c.StackingMode.NORMAL if bars else c.StackingMode.NONE)
                .group("A")
            )
            .legend(
                common.VizLegendOptions()
                .display_mode(c.LegendDisplayMode.LIST)
                .placement(c.LegendPlacement.BOTTOM)
                .show_legend(True)
                .calcs([])
            )
            .tooltip(
                common.VizTooltipOptions()
                .mode(c.TooltipDisplayMode.MULTI)
                .sort(c.SortOrder.DESCENDING)
            )
        )
        if least is not None:
            made.min(least)
        if limits:
            made.thresholds_style(
                common.GraphThresholdsStyleConfig().mode(c.GraphThresholdsStyleMode.DASHED)
            )
        steps = limits or ((None, palette.SKY),)
        tile = self._finish(made.build(), told, queries, steps, since)
        panel = tile.panel
        panel.hide_time_override = not since
        panel.max_data_points = _PIXELS
        panel.interval = interval or None
        tile.fields.defaults.color = d.FieldColor(d.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
        if kinds:
            for kind in KINDS:
                tile.override(kind, {"displayName": self.word("kind", kind)})
        if series is not None:
            self._name(tile, *series)
        elif not any("$" in query.name for query in queries):
            for query, color in zip(queries, palette.LINES, strict=False):
                tile.override(query.name, {"color": _fixed(color)})
        return tile

    def table(
        self,
        told: Told,
        queries: Sequence[Query],
        columns: Sequence[Column],
        *,
        order: tuple[str, bool] = ("", False),
        since: str = "",
        join: str = "",
        most: int = 0,
    ) -> Tile:
        """Rows with ``columns``; the other columns of the answer are left out."""
        made = (
            table.Panel()
            .show_header(True)
            .cell_height(c.TableCellHeight.MD)
            .align(c.FieldTextAlignment.AUTO)
            .filterable(True)
        )
        if join:
            _join(made, join)
        if order[0]:
            _sort(made, *order)
        if most:
            made.with_transformation(d.DataTransformerConfig("limit", options={"limitField": most}))
        names = [column.name for column in columns]
        names += [TIME.lower()] if TIME in names else []
        made.with_transformation(
            d.DataTransformerConfig("filterFieldsByName", options={"include": {"names": names}})
        )
        made.with_transformation(
            d.DataTransformerConfig(
                "organize",
                options={"indexByName": {name: i for i, name in enumerate(names)}},
            )
        )
        steps = ((None, palette.SKY),)
        panel = made.build()
        cast("TableOptions", panel.options).footer = None  # newer Grafanas have none
        tile = self._finish(panel, told, queries, steps, since)
        if any(column.link for column in columns):
            tile.fields.defaults.links = None  # else every cell would be one
        for column in columns:
            self._column(tile, column)
        return tile

    def states(
        self, told: Told, queries: Sequence[Query], value: str, *, bad: bool, interval: str
    ) -> Tile:
        """Spans of true and false, in the console's words for ``value``; ``bad`` is alarming."""
        made = (
            statetimeline.Panel()
            .show_value(c.VisibilityMode.NEVER)
            .merge_values(True)
            .per_page(_PAGE)
            .row_height(0.8)
            .fill_opacity(85)
            .line_width(0)
            .legend(
                common.VizLegendOptions()
                .display_mode(c.LegendDisplayMode.LIST)
                .placement(c.LegendPlacement.BOTTOM)
                .show_legend(True)
                .calcs([])
            )
        )
        tile = self._finish(made.build(), told, queries, ((None, palette.GREY),), "")
        panel = tile.panel
        panel.interval = interval
        panel.max_data_points = _PIXELS
        tile.fields.defaults.mappings = [
            d.ValueMap(
                {
                    str(state).lower(): d.ValueMappingResult(
                        text=self.word(str(state).lower(), value),
                        color=palette.ACT if state is bad else palette.SKY,
                        index=int(state),
                    )
                    for state in (False, True)
                },
            )
        ]
        return tile

    def map(self, told: Told, query: Query, *, size: int = 14, since: str = NOW) -> Tile:
        """Rows with latitude and longitude on a map, coloured by the column ``severity``."""
        style = {
            "size": {"fixed": size, "min": size, "max": size},
            "color": {"field": "severity", "fixed": palette.SKY},
            "opacity": 0.9,
            "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
        }
        where = common.FrameGeometrySource().mode(c.FrameGeometrySourceMode.COORDS)
        markers = (
            common.MapLayerOptions()
            .type("markers")
            .name(self.say(told.title))
            .config({"style": style, "showLegend": False})
            .location(where.latitude("latitude").longitude("longitude"))
            .tooltip(True)
        )
        ground = common.MapLayerOptions().type("xyz" if self._map else "default").name("")
        if self._map:
            ground.config({"url": self._map})
        made = (
            geomap.Panel()
            .view(geomap.MapViewConfig().id(MapCenterID.FIT).all_layers(True).zoom(15).padding(10))
            .controls(geomap.ControlsOptions().show_zoom(True).show_attribution(True))
            .basemap(ground)
            .layers([markers])
            .tooltip(geomap.TooltipOptions().mode(TooltipMode.DETAILS))
        )
        tile = self._finish(made.build(), told, [query], ((None, palette.SKY),), since)
        mapping = self._mapping("severity", palette.SEVERITIES)
        tile.override("severity", {"mappings": [mapping]})
        return tile

    def _text(self, value: int = WALL_VALUE) -> common.VizTextDisplayOptions:
        options = common.VizTextDisplayOptions()
        return options.title_size(WALL_TITLE).value_size(value) if self.far else options

    def _finish(
        self,
        panel: d.Panel,
        told: Told,
        queries: Sequence[Query],
        steps: Sequence[tuple[float | None, str]],
        since: str,
    ) -> Tile:
        panel.title = self.say(told.title)
        panel.description = self.say(told.about)
        panel.datasource = source()
        panel.targets = list(queries)
        for letter, query in zip("ABCDEFGH", queries, strict=False):
            query.ref = letter
        if since:
            panel.time_from = since
            panel.hide_time_override = True
        fields = panel.field_config or d.FieldConfigSource()
        panel.field_config, defaults = fields, fields.defaults
        defaults.unit = told.unit
        defaults.no_value = self.say(Text("无", "none"))
        defaults.color = d.FieldColor(d.FieldColorModeId.THRESHOLDS)
        defaults.thresholds = d.ThresholdsConfig(
            d.ThresholdsMode.ABSOLUTE, [d.Threshold(value, color) for value, color in steps]
        )
        defaults.links = [link(self.say(_target(told.link)), told.link).build()]
        return Tile(panel, fields, told.size)

    def _name(self, tile: Tile, group: str, colors: Mapping[str, str]) -> None:
        """Names of series in words, each with a colour of its own."""
        for name, color in colors.items():
            tile.override(name, {"displayName": self.word(group, name), "color": _fixed(color)})

    def _mapping(self, group: str, colors: Mapping[str, str]) -> d.ValueMap:
        names = [key.partition(".")[2] for key in WORDS if key.startswith(f"{group}.")]
        return d.ValueMap(
            {
                name: d.ValueMappingResult(
                    text=self.word(group, name), color=colors.get(name), index=index
                )
                for index, name in enumerate(names)
                if name
            },
        )

    def _column(self, tile: Tile, column: Column) -> None:
        properties: dict[str, object] = {
            "displayName": self.say(column.title),
            "unit": column.unit,
        }
        if column.words:
            properties["mappings"] = [self._mapping(column.words, column.colors)]
        if column.colors:
            properties["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
        if column.link:
            properties["links"] = [link(self.say(_target(column.link)), column.link).build()]
        if column.width:
            properties["custom.width"] = column.width
        tile.override(column.name, properties)


def _target(url: str) -> Text:
    if "case=" in url:
        return Text("打开事件", "Open the case")
    return Text("打开设备", "Open the device") if "device=" in url else Text("事件列表", "Cases")


def _join(made: _Sorted, column: str) -> None:
    """The rows of two queries that have the same in ``column`` become one."""
    options = {"byField": column, "mode": "inner"}
    made.with_transformation(d.DataTransformerConfig("joinByField", options=options))


def _sort(made: _Sorted, field: str, desc: bool) -> None:
    order = {"fields": {}, "sort": [{"field": field, "desc": desc}]}
    made.with_transformation(d.DataTransformerConfig("sortBy", options=order))


def _fixed(color: str) -> d.FieldColor:
    return d.FieldColor(d.FieldColorModeId.FIXED, fixed_color=color)
