"""States of alerts step by step: inactive, pending, firing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from gateway.model import Device, Place, Site
from tests.rules.peers import NotExpressibleError, Verdict
from tests.rules.peers.alerts import TIMERS_FIRST
from tests.rules.peers.engine import Engine, duration, ruleset
from tests.rules.peers.promql import translate
from tests.rules.peers.verdict import verdict
from tests.rules.peers.world import LATER

_STATES: Final = ("inactive", "pending", "firing")


def verdicts_of_machines(document: dict[str, Any]) -> Iterator[Verdict]:
    """One for each of ``cases``: whether the condition holds at each step, and the states."""
    for number, case in enumerate(document["cases"]):
        name = case.get("name", "") if isinstance(case, dict) else ""
        yield verdict(f"case {number} {name}".strip(), _machine, case)


def verdicts_of_rule(document: dict[str, Any]) -> Iterator[Verdict]:
    """One for each of ``expected``: which series are pending and firing at a time."""
    for number, expected in enumerate(document["expected"]):
        at = expected.get("time_s", "") if isinstance(expected, dict) else ""
        yield verdict(f"at {at}s", _at_time, document, number)


def _machine(case: dict[str, Any]) -> str:
    step = float(case["step_ms"]) / 1_000
    hold, keep = (float(case.get(key) or 0) / 1_000 for key in ("for_ms", "keep_firing_for_ms"))
    steps = [[json.dumps(one, sort_keys=True) for one in now] for now in case["samples_per_step"]]
    expected = {
        int(number): {json.dumps(one["labels"], sort_keys=True): one["state"] for one in states}
        for number, states in case["expected_per_step"].items()
    }
    if any(state not in _STATES for states in expected.values() for state in states.values()):
        raise NotExpressibleError("a state that an alarm here does not have")

    def wrong(later: float = 0.0, *, restart: bool = False) -> str:
        engine = _Engine("alarm", hold, keep, later, restart=restart)
        seen: dict[str, None] = {}
        for number, present in enumerate(steps):
            seen |= dict.fromkeys(present)
            engine.step(number * step, {name: {"alarm": name in present} for name in seen})
            if number in expected:
                # An alert that is not listed does not exist: it is inactive.
                said = dict.fromkeys(seen, "inactive") | expected[number]
                states = {name: engine.state_of(name) for name in said}
                if states != said:
                    return f"at step {number}: {states}, not {said}"
        return ""

    return _told(wrong)


def _at_time(document: dict[str, Any], number: int) -> str:
    rule, series = document["rule"], document["series"]
    expected = document["expected"][: number + 1]
    apart = [
        name
        for name in series[0]["labels"]
        if len({one["labels"].get(name) for one in series}) == len(series)
    ]
    if not apart:
        raise NotExpressibleError("no label tells the series apart")
    label = apart[0]
    translated = translate(str(rule["expr"]))
    if translated.windowed or translated.absents or len(translated.instants) != 1:
        raise NotExpressibleError("more than one value, step by step")
    name = next(iter(translated.instants))
    hold, keep = float(rule.get("for_s") or 0), float(rule.get("keep_firing_for_s") or 0)

    def wrong(later: float = 0.0, *, restart: bool = False) -> str:
        engine = _Engine(translated.when, hold, keep, later, restart=restart)
        for moment in expected:
            at = float(moment["time_s"])
            values = {
                one["labels"][label]: {
                    f"extra.{name}": float(one["values"][round(at / one["step_s"])])
                }
                for one in series
                if one["values"][round(at / one["step_s"])] is not None
            }
            engine.step(at, values)
        names = [one["labels"][label] for one in series]
        for state in ("pending", "firing"):
            found = [one for one in names if engine.state_of(one) == state]
            if sorted(found) != sorted(expected[-1][state]):
                return f"{state}: {found}, not {expected[-1][state]}"
        return ""

    return _told(wrong)


def _told(wrong: Any) -> str:
    found = wrong()
    if found and not wrong(LATER):
        return f"{found} [{TIMERS_FIRST}]"
    if not found and (again := wrong(restart=True)):
        return f"with a restart before every step: {again}"
    return str(found)


class _Engine:
    """One rule; every step reports what all devices say at that moment."""

    def __init__(self, when: str, hold: float, keep: float, later: float, *, restart: bool) -> None:
        times = {"for": hold and hold + later, "keep": keep and keep + later}
        written = {
            "name": "r",
            "title": "r",
            "on": "smoke",
            "severity": "alarm",
            "category": "life",
            "when": when,
            "again": "never",
            **{key: duration(time) for key, time in times.items()},
        }
        site = Site(1, {"G": Place("G", "", "grid", "G")}, {})
        self._engine = Engine(ruleset([written]), site, restart=restart)
        self._later = later

    def step(self, at: float, values: dict[str, dict[str, Any]]) -> None:
        """Let ``at`` (s) come and every device say its values."""
        site = self._engine.site
        if new := sorted(values.keys() - site.devices.keys()):
            devices = {name: Device(name, "d", name, "smoke", name, "G") for name in new}
            self._engine.site = Site(site.version + 1, site.places, {**site.devices, **devices})
        for name, said in values.items():
            self._engine.report(at, name, said)
        self._engine.tick(at + 2 * self._later)

    def state_of(self, device: str) -> str:
        """``inactive``, ``pending`` or ``firing``."""
        return self._engine.state_of(device, "r")
