"""A replay's outcome as one JSON object. The keys are a promise: ``README.md`` lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from gateway.model import SECOND, Category, Site
from gateway.replay.difference import Pair
from gateway.replay.past import NEVER, NOBODY, Pace
from gateway.replay.run import Outcome, Played
from gateway.replay.simulation import Case, Totals

VERSION: Final = 1
"""Of the shape: it changes when a key changes its meaning or goes; new keys do not change it."""

Json = dict[str, Any]
Named = Callable[[str], str]
"""The name of a person or a fixture by its id."""


def iso(wall: int, zone: tzinfo) -> str:
    """``2026-01-05T16:01:00.000+08:00``: local time with its distance from UTC."""
    moment = datetime.fromtimestamp(wall // SECOND, UTC).astimezone(zone)
    return moment.replace(microsecond=wall % SECOND // 1_000).isoformat(timespec="milliseconds")


def as_json(outcome: Outcome, zone: tzinfo, named: Named, sources: Mapping[str, str]) -> Json:
    """The whole; ``sources`` says where the rules ``before`` and ``after`` come from."""
    return {
        "version": VERSION,
        **_what_was_played(outcome, zone),
        "rules": dict(sources),
        "assumed": {category.value: _pace(found) for category, found in assumed(outcome).items()},
        **_what_differs(outcome, zone, named),
        "different": outcome.difference.is_any,
    }


def _what_was_played(outcome: Outcome, zone: tzinfo) -> Json:
    over, before, after = outcome.span, outcome.before, outcome.after
    wall = outcome.axis.wall
    return {
        "since": iso(wall(over.since), zone),
        "until": iso(wall(over.end), zone),
        "warm_up_since": iso(wall(over.start), zone),
        "records": {
            "played": outcome.records,
            "warm_up": over.warm_up,
            "begin_later": over.begins_later,
            "damaged": outcome.lost.damaged,
            "gone": outcome.lost.gone,
            "unknown_editions": before.unknown_editions,
        },
        "recorded": {
            "incidents": outcome.recorded,
            "reproduced": outcome.reproduced,
            "unreadable": outcome.past.unreadable,
        },
        "not_remembered": {"before": before.over_limit, "after": after.over_limit},
        "failures": {"before": before.failures, "after": after.failures},
    }


def _what_differs(outcome: Outcome, zone: tzinfo, named: Named) -> Json:
    difference = outcome.difference
    return {
        "totals": {
            "before": _totals(outcome.before.totals),
            "after": _totals(outcome.after.totals),
            "same": difference.same,
        },
        "incidents": [_pair(pair, zone) for pair in difference.pairs],
        "people": [
            {"person": person, "name": named(person), "before": before, "after": after}
            for person, before, after in difference.people
        ],
        "missed": [
            {"category": category.value, "before": before, "after": after}
            for category, before, after in difference.missed
        ],
    }


def assumed(outcome: Outcome) -> dict[Category, tuple[Pace, int]]:
    """Of each category with simulated incidents that never were: the pace, and how many."""
    found: dict[Category, int] = {}
    for case in _imagined(outcome.before) + _imagined(outcome.after):
        found[case.category] = found.get(case.category, 0) + 1
    paces = outcome.past.paces
    return {
        category: (paces.get(category, NOBODY), found[category])
        for category in Category
        if category in found
    }


def place_name(site: Site, code: str) -> str:
    """The two nearest names, as ``第一网格 / 3号楼``; the code of a place nobody knows."""
    return " / ".join(place.name for place in reversed(site.chain(code)[:2])) or code


def _imagined(side: Played) -> list[Case]:
    return [case for case in side.cases if case.real is None]


def _pace(found: tuple[Pace, int]) -> Json:
    pace, count = found
    return {
        "incidents": count,
        "received_after": _seconds(pace.received),
        "handling_after": _seconds(pace.handling),
        "closed_after": _seconds(pace.closed),
        "median_of": pace.of,
    }


def _seconds(span: int) -> float | None:
    return None if span == NEVER else round(span / SECOND, 3)


def _totals(totals: Totals) -> Json:
    return {
        "incidents": totals.incidents,
        "told": totals.told.total(),
        "missed": totals.missed.total(),
    }


def _pair(pair: Pair, zone: tzinfo) -> Json:
    return {
        "change": pair.change,
        "differs": list(pair.differs),
        "group": pair.shown.group,
        "same": pair.shown.same,
        "later": round(pair.later / SECOND, 3),
        "before": _case(pair.before, zone),
        "after": _case(pair.after, zone),
    }


def _case(case: Case | None, zone: tzinfo) -> Json | None:
    if case is None:
        return None
    return {
        "incident": case.real.key if case.real is not None else None,
        "opened": iso(case.wall, zone),
        "rule": case.rule,
        "device": case.device,
        "place": case.place,
        "category": case.category.value,
        "severity": case.severity.value,
        "title": {"zh": case.title.zh, "en": case.title.en},
        "why": {"zh": case.why.zh, "en": case.why.en},
        "closed": case.closed is not None,
        "told": dict(sorted(case.told.items())),
        "missed": case.missed,
    }
