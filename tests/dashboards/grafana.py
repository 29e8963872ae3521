"""What Grafana does with a board before it asks InfluxDB: time range, interval, variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dashboards.queries import LEVELS
from dashboards.sheet import ALL
from tests.dashboards.week import DAY, END, HOUR, MINUTE, SECOND

_SPANS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_ROUND = (
    (15, 10), (25, 20), (45, 30), (90, 60), (210, 120), (450, 300), (750, 600), (1_050, 900),
    (1_350, 1_200), (2_700, 1_800), (5_400, 3_600), (9_000, 7_200), (16_200, 10_800),
    (32_400, 21_600), (86_400, 43_200),
)  # fmt: skip
"""Seconds of a pixel up to which Grafana takes an interval (from ten seconds to a day)."""
_POINTS = 1_000
"""A panel that does not say how many points it draws is as wide as this."""


EVERYWHERE = dict.fromkeys(LEVELS, ALL)
"""The five variables as a board begins."""


class Asked(NamedTuple):
    """One query of one panel."""

    board: str
    panel: str
    ref: str
    text: str
    start: int
    width: int
    """ns of ``$__interval``."""
    table: bool


def span(text: str) -> int:
    """``15m`` in ns."""
    return int(text[:-1]) * _SPANS[text[-1]]


def interval(panel: dict[str, Any], seconds: float) -> int:
    """``$__interval`` in ns: one point's share of the time, rounded, no less than the panel's own."""
    share = seconds / panel.get("maxDataPoints", _POINTS)
    rounded = next((width for below, width in _ROUND if share < below), 86_400) * SECOND
    return max(rounded, span(panel["interval"]) if panel.get("interval") else 0)


def queries(board: dict[str, Any]) -> Iterator[Asked]:
    """Every query of every panel, with what its panel says of time; variables still stand."""
    whole = span(board["time"]["from"].removeprefix("now-"))
    for panel in board["panels"]:
        since = span(panel["timeFrom"]) if panel.get("timeFrom") else whole
        width = interval(panel, since / SECOND)
        for target in panel["targets"]:
            yield Asked(
                board["uid"], panel["title"], target["refId"], target["query"],
                END - since, width, target["resultFormat"] == "table",
            )  # fmt: skip


def substituted(text: str, variables: Mapping[str, str], start: int, width: int) -> str:
    """The InfluxQL that is sent; ``now()`` is the end of the week."""
    interval = f"{width // SECOND}s"
    filled = f"time >= {start // 1_000_000}ms and time <= {END // 1_000_000}ms"
    text = text.replace("$timeFilter", filled).replace("$__interval", interval)
    text = text.replace("now()", f"{END}")
    text = re.sub(r"\$\{?(\w+)\}?", lambda found: variables[found[1]], text)
    assert not re.search(r"\$[\w{]", text), text
    return text


def rows(series: list[dict[str, Any]], *, timed: bool) -> list[dict[str, Any]]:
    """Rows with tags as columns; time only as ``t`` of ``timed`` ones; rows of nulls are none."""
    found = []
    for each in series:
        tags = each.get("tags", {})
        for values in each["values"]:
            row = dict(zip(each["columns"], values, strict=True))
            at = row.pop("time")
            if any(value is not None for name, value in row.items() if name not in tags):
                found.append(tags | row | ({"t": at} if timed else {}))
    return found


def chosen(code: str) -> dict[str, str]:
    """The five variables as they stand when somebody drilled down to the place ``code``."""
    lengths = (4, 6, 9, 12, 14)
    return EVERYWHERE | {
        level: code[:length]
        for level, length in zip(LEVELS, lengths, strict=True)
        if length <= len(code)
    }
