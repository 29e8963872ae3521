"""Kinds of panel: what every board's tiles are made with. One language at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    geomap,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as d
from grafana_foundation_sdk.models.geomap import MapCenterID, TooltipMode
from grafana_foundation_sdk.models.table import Options as TableOptions

from dashboards import palette
from dashboards.names import Names, name_lines, name_rows
from dashboards.queries import Query
from dashboards.tile import (
    NOW,
    TIME,
    WALL_BLOCK,
    Column,
    Maker,
    Sum,
    Tile,
    Told,
    fixed,
    grounds,
    join_rows,
    keep_columns,
    named_columns,
    only,
    order_columns,
    sort_rows,
    thresholds,
)
from gateway.model import KINDS

_PIXELS: Final = 200
"""Points of a line, an hour each in a week: InfluxDB draws the rest together."""
_UNDER: Final = 8
"""Percent of colour between a line and zero, where zero is on the axis."""
_BAR: Final = 40
"""Pixels: few bars are no higher than many."""
_PAGE: Final = 20
"""Rows of states on one page: more are too thin to be told apart."""


class Panels(Maker):
    """Makes tiles in one language."""

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
        low: bool = False,
    ) -> Tile:
        """Numbers; ``series`` is the group of words of the lines' names, and their colours.

        ``named``: each has the name of its query, else the panel's title. ``low``: a panel of one
        line, in which name and number stand side by side.
        """
        made = (
            stat.Panel()
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
            .graph_mode(c.BigValueGraphMode.NONE)
            .color_mode(
                c.BigValueColorMode.BACKGROUND_SOLID if filled else c.BigValueColorMode.VALUE
            )
            .text_mode(c.BigValueTextMode.VALUE_AND_NAME)
            .wide_layout(low)
            .text(self.text(WALL_BLOCK) if low else self.text())
        )
        if series is not None:  # InfluxDB's order is the alphabet's
            join_rows(made, TIME, mode="outer")
            order_columns(made, TIME, *series[1])
        tile = self.finish(made.build(), told, queries, grounds(steps) if filled else steps, since)
        if series is not None:
            self.name(tile, *series)
        elif not named:
            tile.fields.defaults.display_name = self.say(told.title)
        return tile

    def columns(self, told: Told, query: Query, columns: Sequence[Sum], *, since: str) -> Tile:
        """One number for each of a table's columns, each with colours by its own limits."""
        tile = self.stat(told, [query], since=since, filled=True, named=True)
        for column in columns:
            properties = {
                "displayName": self.say(column.title),
                "thresholds": thresholds(grounds(column.steps)),
            }
            tile.override(column.name, properties)
        return tile

    def each(
        self,
        told: Told,
        *queries: Query,
        value: str,
        name: str,
        most: int,
        color: str = palette.BLUE,
        since: str = NOW,
        order: tuple[str, bool] = ("", False),
    ) -> Tile:
        """One block for every row of a table: number ``value`` large, ``name`` above it."""
        made = _blocks(most, self.text(WALL_BLOCK))
        if order[0]:
            sort_rows(made, *order)
        keep_columns(made, value, *named_columns(name), *named_columns(told.link))
        tile = self.finish(made.build(), told, queries, ((None, color),), since)
        tile.fields.defaults.display_name = name
        only(tile, value, told.unit)
        return tile

    def texts(
        self,
        told: Told,
        query: Query,
        value: str,
        texts: Sequence[str],
        most: int,
        size: int = WALL_BLOCK,
        color: str = palette.BLUE,
        since: str = NOW,
        order: tuple[str, bool] = ("", False),
        names: Names | None = None,
    ) -> Tile:
        """As ``each``, of a ``value`` that is no number; ``texts`` stand above it.

        Grafana looks for a column that is no number by the name that is drawn, so it can be given
        none: it then draws the row's other texts in their order.
        """
        made = _blocks(most, self.text(size), value)
        queries = name_rows(made, [query], names)
        if order[0]:
            sort_rows(made, *order)
        keep_columns(made, *texts, value)
        order_columns(made, *texts, value)
        tile = self.finish(made.build(), told, queries, ((None, color),), since)
        only(tile, value, told.unit)
        return tile

    def bars(
        self,
        told: Told,
        queries: Sequence[Query],
        *,
        value: str,
        name: str,
        names: Names | None = None,
        most: int = 10,
        words: str = "",
        steps: Sequence[tuple[float | None, str]] = ((None, palette.SKY),),
        since: str = "",
        desc: bool = True,
    ) -> Tile:
        """The ``most`` rows with the largest ``value``, as bars with ``name`` before them."""
        made = (
            bargauge.Panel()
            .reduce_options(
                common.ReduceDataOptions().values(True).limit(most).calcs(["lastNotNull"])
            )
            .orientation(c.VizOrientation.HORIZONTAL)
            .display_mode(c.BarGaugeDisplayMode.BASIC)
            .value_mode(c.BarGaugeValueMode.TEXT)
            .name_placement(c.BarGaugeNamePlacement.LEFT)
            .show_unfilled(False)
            .sizing(c.BarGaugeSizing.MANUAL)
            .min_viz_height(16)
            .max_viz_height(300 if self.far else _BAR)
            .text(self.text() if self.far else _bar_text())
            .min(0)
        )
        queries = name_rows(made, queries, names)
        sort_rows(made, value, desc)
        made.with_transformation(d.DataTransformerConfig("limit", options={"limitField": most}))
        keep_columns(made, value, name, *named_columns(told.link))
        tile = self.finish(made.build(), told, queries, steps, since)
        tile.fields.defaults.display_name = f"${{__data.fields.{name}}}"
        only(tile, value, told.unit)
        if words:  # the name is drawn through the column's own mapping
            tile.override(name, {"mappings": [self.mapping(words, {})]})
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
        names: Names | None = None,
        fold: str = "max",
    ) -> Tile:
        """Lines over time, or stacked bars; ``interval`` is the least width of a point.

        ``kinds``: the lines' names are kinds of device. ``names``: a table becomes a line for each
        place, called by its name, with the ``fold`` of its rows.
        """
        made = (
            timeseries.Panel()
            .line_width(2)
            .fill_opacity(80 if bars else _UNDER if least is not None else 0)
            .draw_style(c.GraphDrawStyle.BARS if bars else c.GraphDrawStyle.LINE)
            .line_interpolation(c.LineInterpolation.LINEAR)
            .show_points(c.VisibilityMode.AUTO)
            .point_size(5)
            .span_nulls(names is not None)  # places report at different times
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
        if names is not None:
            queries = name_lines(made, queries, names, fold)
        steps = limits or ((None, palette.SKY),)
        tile = self.finish(made.build(), told, queries, steps, since)
        panel = tile.panel
        panel.hide_time_override = not since
        panel.max_data_points = _PIXELS
        panel.interval = interval or None
        tile.fields.defaults.color = d.FieldColor(d.FieldColorModeId.PALETTE_CLASSIC)
        if kinds:
            for kind in KINDS:
                tile.override(kind, {"displayName": self.word("kind", kind)})
        if series is not None:
            self.name(tile, *series)
        elif not any("$" in query.name for query in queries):
            for query, color in zip(queries, palette.LINES, strict=False):
                tile.override(query.name, {"color": fixed(color)})
        return tile

    def table(
        self,
        told: Told,
        queries: Sequence[Query],
        columns: Sequence[Column],
        *,
        order: tuple[str, bool] = ("", False),
        since: str = "",
        names: Names | None = None,
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
        queries = name_rows(made, queries, names)
        if order[0]:
            sort_rows(made, *order)
        if most:
            made.with_transformation(d.DataTransformerConfig("limit", options={"limitField": most}))
        kept = [column.name for column in columns]
        kept += [TIME.lower()] if TIME in kept else []
        keep_columns(made, *kept)
        order_columns(made, *kept)
        steps = ((None, palette.SKY),)
        panel = made.build()
        cast("TableOptions", panel.options).footer = None  # newer Grafanas have none
        tile = self.finish(panel, told, queries, steps, since)
        if any(column.link for column in columns):
            tile.fields.defaults.links = None  # else every cell would be one
        for column in columns:
            self.column(tile, column)
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
        tile = self.finish(made.build(), told, queries, ((None, palette.GREY),), "")
        panel = tile.panel
        panel.interval = interval
        panel.max_data_points = _PIXELS
        colors = {state: palette.ACT if state is bad else palette.SKY for state in (False, True)}
        tile.fields.defaults.mappings = [self.truth(value, colors)]
        return tile

    def map(
        self, told: Told, query: Query, *, columns: Sequence[Column], size: int, since: str = NOW
    ) -> Tile:
        """Rows with latitude and longitude on a map, coloured by the column ``severity``.

        ``columns`` are what is said of a dot; each keeps its own name, by which Grafana looks.
        """
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
        ground = common.MapLayerOptions().type("xyz" if self.ground else "default").name("")
        if self.ground:
            ground.config({"url": self.ground})
        made = (
            geomap.Panel()
            .view(geomap.MapViewConfig().id(MapCenterID.FIT).all_layers(True).zoom(15).padding(10))
            .controls(geomap.ControlsOptions().show_zoom(True).show_attribution(True))
            .basemap(ground)
            .layers([markers])
            .tooltip(geomap.TooltipOptions().mode(TooltipMode.DETAILS))
        )
        keep_columns(made, *(each.name for each in columns), "latitude", "longitude")
        tile = self.finish(made.build(), told, [query], ((None, palette.SKY),), since)
        for column in columns:
            words = [self.mapping(column.words, column.colors)] if column.words else []
            tile.override(column.name, {"unit": column.unit, "mappings": words})
        return tile


def _bar_text() -> common.VizTextDisplayOptions:
    """Numbers of one size in every panel: Grafana makes them as large as there is room.

    Names keep the size that it gives them: it leaves no more room than that one needs.
    """
    return common.VizTextDisplayOptions().value_size(18)


def _blocks(most: int, text: common.VizTextDisplayOptions, value: str = "") -> stat.Panel:
    """A block for each of the first ``most`` rows: of the column ``value``, or of the number."""
    reduced = common.ReduceDataOptions().values(True).limit(most).calcs(["lastNotNull"])
    return (
        stat.Panel()
        .reduce_options(reduced.fields(f"/^{value}$/" if value else ""))
        .graph_mode(c.BigValueGraphMode.NONE)
        .color_mode(c.BigValueColorMode.BACKGROUND_SOLID)
        .text_mode(c.BigValueTextMode.VALUE_AND_NAME)
        .justify_mode(c.BigValueJustifyMode.CENTER)
        .wide_layout(True)
        .orientation(c.VizOrientation.HORIZONTAL)
        .text(text)
    )
