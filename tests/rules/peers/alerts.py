"""Alerts at given moments: one case of a peer against our engine."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from tests.rules.peers import Labels, NotExpressibleError
from tests.rules.peers.world import LATER, Alert, Series, World

TIMERS_FIRST: Final = (
    "deliberate: a timer that is due at the moment of a report ends before the report"
)
_OWN: Final = ("alertname", "alertgroup")


class Check(NamedTuple):
    """What the peer says fires at ``at`` (s)."""

    at: float
    firing: list[Labels]


def judge(alerts: list[Alert], series: list[Series], every: float, checks: list[Check]) -> str:
    """What differs, "" for nothing. ``every``: seconds between two looks of the peer.

    Raises ``NotExpressible``.
    """
    if not alerts:
        raise NotExpressibleError("there is no such alert among the peer's rules")
    if every <= 0 or any(one.step <= 0 for one in series):
        raise NotExpressibleError("looks or samples without a time between them")
    ordered = sorted(checks, key=lambda check: check.at)
    # The peer looks every so often; what it shows at a moment is what it saw last.
    moments = [math.floor(check.at / every + 1e-9) * every for check in ordered]
    worlds = [World(alert, series, moments[-1] if moments else 0.0) for alert in alerts]
    wrong = _compare(alerts, worlds, ordered, moments)
    for wide in (False, True) if wrong else ():
        if not _compare(alerts, worlds, ordered, moments, later=LATER, wide=wide):
            return f"{wrong} [{TIMERS_FIRST}]"
    if not wrong and (again := _compare(alerts, worlds, ordered, moments, restart=True)):
        return f"with a restart before every report: {again}"
    return wrong


def _compare(
    alerts: list[Alert],
    worlds: list[World],
    checks: list[Check],
    moments: list[float],
    *,
    later: float = 0.0,
    wide: bool = False,
    restart: bool = False,
) -> str:
    fired = [world.fire(moments, later=later, wide=wide, restart=restart) for world in worlds]
    for number, check in enumerate(checks):
        ours = [
            (found, alert.labels)
            for alert, world in zip(alerts, fired, strict=True)
            for found in world[number]
        ]
        if not _same(ours, check.firing):
            said = [found for found, _ in ours]
            return f"at {check.at:g}s fires {said or 'nothing'}, not {check.firing or 'nothing'}"
    return ""


def _same(ours: list[tuple[Labels, Labels]], expected: list[Labels]) -> bool:
    """Whether each alarm is one of the expected, and each of these one alarm."""
    left = [{k: str(v) for k, v in one.items() if k not in _OWN} for one in expected]
    if len(ours) != len(left):
        return False
    for found, own in ours:
        wanted = {**found, **{k: v for k, v in own.items() if "{{" not in v}}
        # The peer may add labels of its own site; what the alarm is about must all be there.
        fitting = next((one for one in left if wanted.items() <= one.items()), None)
        if fitting is None:
            return False
        left.remove(fitting)
    return True
