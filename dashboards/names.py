"""Names in place of codes: rows and lines have codes, and the series say what these are called.

A name is no tag, else a new name would be a new series. So a panel asks for the names, too, and
Grafana joins them to its rows; where no name is known yet the code is drawn, and no row is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from grafana_foundation_sdk.models import dashboard as d

from dashboards.queries import Query, here, rows
from dashboards.tile import TIME, Transformed, join_rows, sort_rows

PLACE: Final = "place_name"
DEVICE: Final = "device_name"
PERSON: Final = "person_name"
"""Columns that are made here."""
LABEL: Final = "/^(?<value>\\S+) (?<text>.+)$/"
"""A place's label is its code, which no other place has, and its name."""
_NAMES: Final = "B"
"""The query for names: a panel's second."""


class Names(NamedTuple):
    """What codes are called."""

    query: Query
    code: str
    """The column that its rows and the panel's have in common."""
    of: str
    """A column of the panel's rows that is never empty."""
    made: Mapping[str, tuple[str, str]]
    """A new column: of which code, and in which column of the query its name stands."""
    repeated: bool = False
    """The query has several rows for one code."""


def place_names(of: str) -> Names:
    """By ``place``, as the column ``PLACE``."""
    return Names(_places("name", "called"), "place", of, {PLACE: ("place", "called")})


def place_labels(of: str) -> Names:
    """By ``place``, as the column ``PLACE``, which no two places have in common."""
    return Names(_places("label", "label"), "place", of, {PLACE: ("place", "label")})


def _places(field: str, name: str) -> Query:
    return rows(
        f'SELECT last("{field}") AS "{name}" FROM "place" WHERE time > now() - 1d '
        f'AND {here()} GROUP BY "place"'
    )


def device_names(of: str, *, place: bool = False) -> Names:
    """By ``device``, as the column ``DEVICE``; with the names of its ``place`` as ``PLACE``."""
    where = ', "where" AS "located"' if place else ""
    query = rows(
        f'SELECT last("name") AS "called"{where} FROM "device_state" WHERE time > now() - 1d '
        f'AND {here()} GROUP BY "device"'
    )
    made = {DEVICE: ("device", "called")}
    return Names(query, "device", of, made | ({PLACE: ("place", "located")} if place else {}))


def person_names(of: str) -> Names:
    """By ``person``, as the column ``PERSON``: of everybody who had duty."""
    query = rows(
        'SELECT last("person") AS "person", "name" AS "called" FROM "duty" '
        f'WHERE $timeFilter AND {here()} GROUP BY time(8h), "place", "role" fill(none)'
    )
    return Names(query, "person", of, {PERSON: ("person", "called (lastNotNull)")}, repeated=True)


def name_rows(made: Transformed, queries: Sequence[Query], names: Names | None) -> Sequence[Query]:
    """Put the columns of names to the rows of a panel's one query; the queries that this takes."""
    if names is None:
        return queries
    if names.repeated:
        name = {"operation": "aggregate", "aggregations": ["lastNotNull"]}
        fields = {names.code: {"operation": "groupby", "aggregations": []}, "called": name}
        _change(made, "groupBy", {"fields": fields}, only=_NAMES)
    else:  # its time would be a second one
        columns = [names.code, *(name for _, name in names.made.values())]
        _change(made, "filterFieldsByName", {"include": {"names": columns}}, only=_NAMES)
    # Joined columns get the measurement into their names: the time's is fixed before.
    _change(made, "renameByRegex", {"regex": TIME, "renamePattern": TIME})
    join_rows(made, names.code, mode="outerTabular")
    there = {"fieldName": names.of, "config": {"id": "isNotNull", "options": {}}}
    _change(made, "filterByValue", {"filters": [there], "type": "include", "match": "all"})
    for column, pair in names.made.items():
        reduce = {"include": list(pair), "reducer": "lastNotNull"}
        options = {"mode": "reduceRow", "reduce": reduce, "alias": column, "timeSeries": False}
        _change(made, "calculateField", options)
    texts = [{"targetField": column, "destinationType": "string"} for column in names.made]
    _change(made, "convertFieldType", {"fields": {}, "conversions": texts})
    return [*queries, names.query]


def name_lines(
    made: Transformed, queries: Sequence[Query], names: Names, fold: str
) -> Sequence[Query]:
    """Rows as one line for each place, called by its name; ``fold``: ``max`` or ``min`` of several.

    Lines are told apart by code and name, because two grids may have one name.
    """
    queries = name_rows(made, queries, names)
    group = {"operation": "groupby", "aggregations": []}
    value = {"operation": "aggregate", "aggregations": [fold]}
    _change(made, "groupBy", {"fields": {TIME: group, PLACE: group, names.of: value}})
    sort_rows(made, PLACE, desc=False)
    matrix = {"columnField": PLACE, "rowField": TIME, "valueField": f"{names.of} ({fold})"}
    _change(made, "groupingToMatrix", matrix | {"emptyValue": "null"})
    for time in (f"{TIME}\\{PLACE}", TIME):  # in Grafana 11, and later
        sort_rows(made, time, desc=False)
    _change(made, "renameByRegex", {"regex": LABEL, "renamePattern": "$<text>"})
    return queries


def _change(made: Transformed, kind: str, options: object, *, only: str = "") -> None:
    """One more step, of the frames of the query ``only`` alone."""
    frames = d.MatcherConfig("byRefId", only) if only else None
    made.with_transformation(d.DataTransformerConfig(kind, filter_val=frames, options=options))
