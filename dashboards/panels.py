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
from grafana_foundation_sdk.models.stat import Options as StatOptions
from grafana_foundation_sdk.models.table import Options as TableOptions

from dashboards import palette
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
    join_rows,
    sort_rows,
    thresholds,
)
from gateway.model import KINDS

_PIXELS: Final = 200
"""Points of a line, an hour each in a week: InfluxDB draws the rest together."""
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
            .text(self.text())
        )
        tile = self.finish(made.build(), told, queries, steps, since)
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
                "thresholds": thresholds(column.steps),
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
            .text(self.text(WALL_BLOCK))
        )
        if join:
            join_rows(made, join)
        if order[0]:
            sort_rows(made, *order)
        tile = self.finish(made.build(), told, queries, ((None, color),), since)
        tile.fields.defaults.display_name = name
        if words[0]:
            tile.override(words[0], {"mappings": [self.mapping(words[1], {})]})
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
            .text(self.text())
            .min(0)
        )
        if join:
            join_rows(made, join)
        sort_rows(made, value, desc)
        made.with_transformation(d.DataTransformerConfig("limit", options={"limitField": most}))
        tile = self.finish(made.build(), told, queries, steps, since)
        tile.fields.defaults.display_name = f"${{__data.fields.{name}}}"
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
        tile = self.finish(made.build(), told, queries, steps, since)
        panel = tile.panel
        panel.hide_time_override = not since
        panel.max_data_points = _PIXELS
        panel.interval = interval or None
        tile.fields.defaults.color = d.FieldColor(d.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
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
            join_rows(made, join)
        if order[0]:
            sort_rows(made, *order)
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
        tile = self.finish(made.build(), told, [query], ((None, palette.SKY),), since)
        mapping = self.mapping("severity", palette.SEVERITIES)
        tile.override("severity", {"mappings": [mapping]})
        return tile
