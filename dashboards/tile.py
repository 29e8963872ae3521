"""A tile of a board, and what all kinds of panel have: texts, units, colours, links.

``far`` boards hang on a wall: their numbers and names are drawn to be read from five metres.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as d

from dashboards import palette
from dashboards.links import link
from dashboards.queries import Query, source
from gateway.console.words import WORDS
from gateway.model import Text

WALL_TITLE: Final = 30
"""Pixels: 19 mm on a screen of 55 inches, which is read from five metres."""
WALL_VALUE: Final = 56
WALL_BLOCK: Final = 40
"""Of a value that stands in one line with its name."""
TIME: Final = "Time"
"""What Grafana calls the column of InfluxDB's ``time``; matched by its type."""
_COLUMN: Final = re.compile(r"\$\{__data\.fields\.(\w+)\}")
NOW: Final = "15m"
"""A gauge's newest point is at most as old as three of its turns; an older one is no news."""


class Size(NamedTuple):
    """Of the grid's 24 columns; rows of 30 pixels."""

    w: int
    h: int


class Column(NamedTuple):
    """One column of a table, in the order given; ``words`` is a group of the console's words.

    ``truth``: true and false are drawn in the console's words for the value of that name.
    """

    name: str
    title: Text
    unit: str = "string"
    words: str = ""
    colors: Mapping[str, str] = {}
    link: str = ""
    width: int = 0
    truth: str = ""
    hidden: bool = False
    """Not drawn: another column's link takes it."""


Steps = Sequence[tuple[float | None, str]]
"""Colours from a value on; the first has none."""


class Sum(NamedTuple):
    """One number of several: a column of one row."""

    name: str
    title: Text
    steps: Steps


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


class Transformed(Protocol):
    """A builder of a panel whose rows can be worked on."""

    def with_transformation(self, transformation: d.DataTransformerConfig) -> object:
        """One more step."""


class Maker:
    """Makes tiles in one language: what is common to all of them."""

    def __init__(self, language: str, *, far: bool = False, tiles: str = "") -> None:
        self.language = language
        self.far = far
        self.ground = tiles

    def say(self, text: Text) -> str:
        """In this board's language."""
        return text.say(self.language)

    def word(self, group: str, name: str) -> str:
        """The console's word for a name of the model."""
        return WORDS[f"{group}.{name}"][self.language == "en"]

    def text(self, value: int = WALL_VALUE) -> common.VizTextDisplayOptions:
        """How large names and values are drawn."""
        options = common.VizTextDisplayOptions()
        return options.title_size(WALL_TITLE).value_size(value) if self.far else options

    def finish(
        self,
        panel: d.Panel,
        told: Told,
        queries: Sequence[Query],
        steps: Steps,
        since: str,
    ) -> Tile:
        """What every kind of panel has, put on ``panel``."""
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
        defaults.thresholds = thresholds(steps)
        defaults.links = [link(self.say(_target(told.link)), told.link).build()]
        return Tile(panel, fields, told.size)

    def name(self, tile: Tile, group: str, colors: Mapping[str, str]) -> None:
        """Names of series in words, each with a colour of its own."""
        for name, color in colors.items():
            tile.override(name, {"displayName": self.word(group, name), "color": fixed(color)})

    def mapping(self, group: str, colors: Mapping[str, str]) -> d.ValueMap:
        """Names of the model in the console's words, with colours where they have some."""
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

    def truth(self, value: str, colors: Mapping[bool, str] = {}) -> d.ValueMap:
        """True and false in the console's words for ``value``, which no unit of Grafana's says."""
        return d.ValueMap(
            {
                str(state).lower(): d.ValueMappingResult(
                    text=self.word(str(state).lower(), value),
                    color=colors.get(state),
                    index=int(state),
                )
                for state in (False, True)
            },
        )

    def unnamed(self, text: Text) -> d.SpecialValueMap:
        """What is said where a text is empty."""
        result = d.ValueMappingResult(text=self.say(text))
        options = d.DashboardSpecialValueMapOptions(d.SpecialValueMatch.EMPTY, result)
        return d.SpecialValueMap(options)

    def column(self, tile: Tile, column: Column) -> None:
        """Say of a table's column what it is."""
        properties: dict[str, object] = {
            "displayName": self.say(column.title),
            "unit": column.unit,
        }
        if column.words:
            properties["mappings"] = [self.mapping(column.words, column.colors)]
        if column.truth:
            properties["mappings"] = [self.truth(column.truth)]
        if column.colors:
            properties["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
        if column.link:
            properties["links"] = [link(self.say(_target(column.link)), column.link).build()]
        if column.width:
            properties["custom.width"] = column.width
        if column.hidden:  # the first in Grafana 11, the second from 12.2 on
            properties["custom.hidden"] = True
            properties["custom.hideFrom"] = {"viz": True, "legend": False, "tooltip": False}
        tile.override(column.name, properties)


def _target(url: str) -> Text:
    if "case=" in url:
        return Text("打开事件", "Open the case")
    return Text("打开设备", "Open the device") if "device=" in url else Text("事件列表", "Cases")


def join_rows(made: Transformed, column: str, *, mode: str = "inner") -> None:
    """The rows of several queries that have the same in ``column`` become one."""
    options = {"byField": column, "mode": mode}
    made.with_transformation(d.DataTransformerConfig("joinByField", options=options))


def sort_rows(made: Transformed, field: str, desc: bool) -> None:
    """By the column ``field``."""
    order = {"fields": {}, "sort": [{"field": field, "desc": desc}]}
    made.with_transformation(d.DataTransformerConfig("sortBy", options=order))


def keep_columns(made: Transformed, *names: str) -> None:
    """Only the columns ``names``: a panel that draws numbers takes the one that is left."""
    options = {"include": {"names": list(dict.fromkeys(names))}}
    made.with_transformation(d.DataTransformerConfig("filterFieldsByName", options=options))


def order_columns(made: Transformed, *names: str) -> None:
    """In the order of ``names``: the columns that were grouped by come in any."""
    options = {"indexByName": {name: index for index, name in enumerate(names)}}
    made.with_transformation(d.DataTransformerConfig("organize", options=options))


def only(tile: Tile, value: str, unit: str) -> None:
    """The unit is the column ``value``'s: a text with it would be drawn, and linked, as NaN."""
    tile.fields.defaults.unit = "string"
    tile.override(value, {"unit": unit})


def named_columns(written: str) -> list[str]:
    """The columns of a row that a name or a link names."""
    return _COLUMN.findall(written)


def thresholds(steps: Steps) -> d.ThresholdsConfig:
    """As Grafana has them."""
    found = [d.Threshold(value, color) for value, color in steps]
    return d.ThresholdsConfig(d.ThresholdsMode.ABSOLUTE, found)


def grounds(steps: Steps) -> Steps:
    """The colours as grounds: Grafana writes white on sky blue, which few can read from afar."""
    return [(value, palette.BLUE if color == palette.CALM else color) for value, color in steps]


def fixed(color: str) -> d.FieldColor:
    """This one, whatever the value."""
    return d.FieldColor(d.FieldColorModeId.FIXED, fixed_color=color)
