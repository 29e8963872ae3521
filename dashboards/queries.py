"""InfluxQL: one dialect that 1.x, 2.x (over its DBRP mapping) and 3.x all answer.

Nothing of one version alone is used: no continuous query, no ``SHOW``, no Flux, no ``now()``
arithmetic in a SELECT. A selector (``last``) carries the other fields of its own point, and what
has to hold of the newest point stands in the outer query around it.
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

LEVELS: Final = ("city", "district", "street", "community", "grid")
"""The five levels (市, 区, 街道, 社区, 网格): one variable each, whose value is a place's code."""
SOURCE: Final = "influxdb"
EVERY: Final = "$__interval"
"""The width of one pixel or two, as Grafana works it out, never under the panel's own interval."""
FIRE: Final = "/^(smoke|heat|gas|co|panic|panel)$/"
"""The measurements, which are kinds of device, that tell of fire and gas."""


def source() -> DataSourceRef:
    """The data source that the board's first variable chose."""
    return DataSourceRef(type_val=SOURCE, uid="${source}")


class Query(Dataquery):
    """One InfluxQL query of a panel. The SDK has no InfluxDB of its own.

    ``table`` keeps the columns of a row together; else every series is a line, named by ``name``
    (``$tag_stage``).
    """

    def __init__(self, text: str, *, table: bool = False, name: str = "") -> None:
        self.text = " ".join(text.split())
        self.table = table
        self.name = name
        self.ref = "A"

    def to_json(self) -> dict[str, object]:
        """What Grafana stores."""
        return {
            "refId": self.ref,
            "datasource": source(),
            "rawQuery": True,
            "query": self.text,
            "resultFormat": "table" if self.table else "time_series",
        } | ({"alias": self.name} if self.name else {})


def here(column: str = "place") -> str:
    """Within the place that was chosen: codes extend their parent's, so each is a beginning."""
    return " AND ".join(f'"{column}" =~ /^${level}/' for level in LEVELS)


def within(column: str = "place") -> str:
    """Within the board's time and place."""
    return f"$timeFilter AND {here(column)}"


def rows(text: str) -> Query:
    """A table."""
    return Query(text, table=True)


def lines(text: str, name: str) -> Query:
    """Series over time, or one number for each."""
    return Query(text, name=name)


def newest(field: str, measurement: str, *others: str, by: str, where: str = "") -> str:
    """The newest ``field`` of each group, with the other fields of the same point."""
    also = "".join(f', "{name}" AS "{name}"' for name in others)
    groups = ", ".join(f'"{name}"' for name in by.split())
    more = f" AND {where}" if where else ""
    return (
        f'SELECT last("{field}") AS "{field}"{also} FROM {measurement} '
        f"WHERE {within()}{more} GROUP BY {groups}"
    )


def gauge_sum(field: str, measurement: str, *, by: str, per: str = "", where: str = "") -> str:
    """The newest of each group, added up over everything or for each ``per``."""
    inner = newest(field, measurement, by=by, where=where)
    groups = ", ".join(f'"{name}"' for name in per.split())
    return f'SELECT sum("{field}") AS "{field}" FROM ({inner})' + (
        f" GROUP BY {groups}" if groups else ""
    )
