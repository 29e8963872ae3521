"""Incidents as marks on a board's time axes: annotation queries over the series ``incident``.

A query, and no annotation pushed to ``/api/annotations`` by the gateway: the marks are then as
complete as the series (an outage of Grafana loses none, a backfill draws the past, a repeat
doubles nothing), they follow the chosen place and time, and no gateway has to hold a token of
Grafana's.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from grafana_foundation_sdk.models.dashboard import AnnotationContainer, AnnotationQuery

from dashboards import palette
from dashboards.queries import here, source
from gateway.model import Happened, Text

_MOST: Final = 500
"""Marks of one kind in one picture: more are a curtain."""


class _Kind(NamedTuple):
    name: Text
    what: Happened
    colour: str
    shown: bool
    """At once, or after a click on the switch above the board."""
    also: str = ""


KINDS: Final = (
    _Kind(
        Text("报警事件", "Alarms"), Happened.opened, palette.ACT, True,
        ' AND "severity" =~ /^(alarm|critical)$/',
    ),
    _Kind(Text("超时", "Overdue"), Happened.overdue, palette.PURPLE, True),
    _Kind(Text("办结", "Closed"), Happened.closed, palette.CALM, False),
)  # fmt: skip


class _Marks(AnnotationQuery):
    """Marks of one kind; the SDK's own target is for annotations in Grafana's store only."""

    def __init__(self, kind: _Kind, language: str) -> None:
        super().__init__(kind.name.say(language), source(), kind.shown, False, kind.colour)
        self._kind = kind
        self._title = "title" if language == "zh" else "title_en"

    def to_json(self) -> dict[str, object]:
        """With the InfluxQL query. Of several columns Grafana wants to be told which is what.

        It calls them MEASUREMENT.FIELD, and draws the first, which is the time, where it was told
        of no title.
        """
        query = (
            f'SELECT "{self._title}", "key", "severity" FROM "incident"'
            f" WHERE $timeFilter AND {here()}"
            f" AND \"what\" = '{self._kind.what.value}'{self._kind.also} LIMIT {_MOST}"
        )
        return super().to_json() | {
            "target": {
                "refId": "marks",
                "fromAnnotations": True,
                "rawQuery": True,
                "textEditor": True,
                "query": query,
                "titleColumn": f"incident.{self._title}",
                "textColumn": "incident.key",
                "tagsColumn": "severity",
            }
        }


def marks(language: str) -> AnnotationContainer:
    """All kinds, for a board with time axes."""
    return AnnotationContainer([_Marks(kind, language) for kind in KINDS])
