"""The handler of ``/api/v1/history``: what a chart of one value of one device shows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from gateway.console import query
from gateway.console.guard import as_json
from gateway.console.query import ApiError
from gateway.console.shapes import Json, iso, seconds
from gateway.console.view import Threshold, View
from gateway.history.buckets import words_of
from gateway.history.picture import POINTS_MOST, SPAN_MOST, Asked, History
from gateway.model import Incident, Wanted, every_value_name

_POINTS: Final = 800
_MARKS: Final = 100
"""Incidents of one chart; the newest."""
_LOOKED_AT: Final = 500
"""Incidents with the device's name in them that are looked at for those."""
_DIGITS: Final = 6
"""Significant digits of a number: more than any sensor has, and no 0.30000000000000004."""


class HistoryApi:
    """The handler over one view."""

    def __init__(self, view: View) -> None:
        self._view = view

    def routes(self) -> list[web.RouteDef]:
        """The one path."""
        return [web.get("/api/v1/history", self.history)]

    async def history(self, request: web.Request) -> web.Response:
        """Buckets of one value, with the device's incidents and the rules' thresholds."""
        asked = self._asked(request)
        found = await self._view.history(asked)
        marks = await self._marks(asked.device, found)
        lines = [] if found.yes else await self._view.thresholds(asked.device, asked.value)
        return as_json(await asyncio.to_thread(history_json, asked, found, marks, lines))

    def _asked(self, request: web.Request) -> Asked:
        given, now = request.query, self._view.now().wall
        device, value = query.name(given, "device"), query.name(given, "value")
        since = query.since(given, now)
        until = query.since(given, now, "until") if given.get("until") else now
        if not 0 < until - since <= SPAN_MOST:
            days = SPAN_MOST // 86_400_000_000_000
            raise ApiError(400, f"since must lie before until, and at most {days} d before it")
        points = query.limit(given, _POINTS, POINTS_MOST, "points")
        known = self._view.site().devices.get(device)
        silence = known.max_silence if known is not None else 0
        return Asked(device, value, since, until, points, silence)

    async def _marks(self, device: str, found: History) -> list[Incident]:
        """Incidents that the device began or joined in that time, the newest first."""
        wanted = Wanted(since=found.since, until=found.until, text=device)
        some = await self._view.search(wanted, _LOOKED_AT)
        own = [each for each in some if device in (each.device, *each.alarming)]
        return own[:_MARKS]


def history_json(
    asked: Asked, found: History, marks: Sequence[Incident], lines: Sequence[Threshold]
) -> Json:
    """The answer; ``buckets`` hold only what is known: between two of them nothing is."""
    known = every_value_name().get(asked.value)
    return {
        "device": asked.device,
        "value": asked.value,
        "unit": known.unit if known is not None else "",
        "type": "yes" if found.yes else "number",
        "since": iso(found.since),
        "until": iso(found.until),
        "step": seconds(found.step),
        "gap": seconds(found.gap),
        "oldest": iso(found.oldest),
        "behind": found.behind,
        "buckets": _buckets(found),
        "marks": [_mark(incident) for incident in marks],
        "thresholds": [_line(line) for line in lines],
    }


def _buckets(found: History) -> list[dict[str, Any]]:
    if found.yes:
        return [
            {"at": iso(at), "share": _short(share), "any": some, "count": count}
            | ({"flags": words_of(flags)} if flags else {})
            for at, share, some, count, flags in found.shares
        ]
    return [
        {"at": iso(at), "min": _short(low), "max": _short(high), "mean": _short(mean),
         "count": count} | ({"flags": words_of(flags)} if flags else {})
        for at, low, high, mean, count, flags in found.buckets
    ]  # fmt: skip


def _short(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")


def _mark(incident: Incident) -> Json:
    return {
        "key": incident.key,
        "at": iso(incident.opened_at),
        "title": incident.title.zh,
        "title_en": incident.title.en,
        "category": incident.category.value,
        "severity": incident.severity.value,
        "state": incident.state.value,
    }


def _line(line: Threshold) -> Json:
    return {
        "title": line.title.zh,
        "title_en": line.title.en,
        "severity": line.severity.value,
        "sign": line.sign,
        "number": line.number,
    }
