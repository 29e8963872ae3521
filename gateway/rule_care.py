"""Which rules cost too much or fail, said as readings of the gateway's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import rules
from gateway.model import SECOND, Reading, Text, Value

Note = Callable[[str, dict[str, Value]], None]
"""Reports values of a part of the gateway; see ``gateway.health.Vitals.note``."""

PART: Final = "rule:"
REASON: Final = "extra.reason"
_LONGEST: Final = 200
_SLOW: Final = 1_000_000
"""Ns of one rule for one reading: 200 of them would hold a gateway to five readings a second."""
_SAMPLES: Final = 32
_EVERY: Final = 10 * SECOND
_WELL_AFTER: Final = 600 * SECOND
"""Without another failure; a rule fails with some readings and not with others."""


class RuleRow(NamedTuple):
    """One rule since the program started."""

    name: str
    title: Text
    counters: Mapping[str, int]
    """``open`` (alarms that stand now), ``alarmed``, ``inhibited``, ``disarmed``, ``failed``."""
    mean: int
    """Ns of one evaluation, of those that were measured; 0 before the first."""


class _Seen(NamedTuple):
    """How far a rule was judged: samples, ns, failures."""

    samples: int = 0
    total: int = 0
    failed: int = 0


class RuleCare:
    """Looks at what the engine measured; says it once when a rule fails and once when it is well.

    A verdict on cost is over the samples since the one before, so that an old fault is forgotten.
    """

    def __init__(self, note: Note) -> None:
        self._note = note
        self._seen: dict[str, _Seen] = {}
        self._slow: dict[str, str] = {}
        self._raised: dict[str, tuple[int, str]] = {}
        """Rule -> when it raised last (arrival ns), and what it said."""
        self._told: dict[str, str] = {}
        self._unjudged: set[str] = set()
        """Rules that an earlier run told of and this one has not yet judged."""
        self._looked = 0
        self._began = 0

    def resume(self, latest: Mapping[str, Reading], prefix: str) -> None:
        """What an earlier run said last, by the gateway's own readings, ``prefix`` before each."""
        prefix += PART
        for device, reading in latest.items():
            if device.startswith(prefix) and reading.values.get("rule_failing") is True:
                self._told[device.removeprefix(prefix)] = str(reading.values.get(REASON, ""))
        self._unjudged = set(self._told)

    def begin_anew(self, state: rules.State) -> None:
        """Other rules are in force: no verdict holds any more."""
        self._unjudged.clear()
        self.count_from(state)

    def count_from(self, state: rules.State) -> None:
        """Judge only what ``state`` is going to count."""
        self._seen = {name: _Seen(cost.count, cost.total) for name, cost in state.costs.items()}
        for name, (failed, _) in state.failures.items():
            self._seen[name] = self._seen.get(name, _Seen())._replace(failed=failed)
        self._slow.clear()
        self._raised.clear()

    def look(self, state: rules.State, now: int) -> None:
        """Judge what was measured since the last look; ``now`` on the arrival axis, ns."""
        if now - self._looked < _EVERY:
            return
        self._looked = now
        self._began = self._began or now
        if now - self._began >= _WELL_AFTER:
            self._unjudged.clear()
        for name, cost in state.costs.items():
            self._judge_cost(name, cost)
        for name, (failed, said) in state.failures.items():
            seen = self._seen.get(name, _Seen())
            if failed > seen.failed:
                self._seen[name] = seen._replace(failed=failed)
                self._raised[name] = (now, said)
        for name, (when, _) in list(self._raised.items()):
            if now - when >= _WELL_AFTER:
                del self._raised[name]
        self._say()

    def _judge_cost(self, name: str, cost: rules.Cost) -> None:
        seen = self._seen.get(name, _Seen())
        samples = cost.count - seen.samples
        if samples < _SAMPLES:
            return
        mean = (cost.total - seen.total) // samples
        self._seen[name] = seen._replace(samples=cost.count, total=cost.total)
        self._unjudged.discard(name)
        if mean > _SLOW:
            self._slow[name] = f"rule {name} takes {mean / 1e6:.1f} ms for one reading"
        else:
            self._slow.pop(name, None)

    def _say(self) -> None:
        failing = self._slow | {
            name: f"rule {name} fails: {said}" for name, (_, said) in self._raised.items()
        }
        for name in self._told.keys() - failing.keys() - self._unjudged:
            del self._told[name]
            self._note(PART + name, {"rule_failing": False})
        for name in failing.keys() - self._told.keys():
            self._told[name] = failing[name]
            self._note(PART + name, {"rule_failing": True, REASON: failing[name][:_LONGEST]})


def report(ruleset: rules.Ruleset, state: rules.State) -> list[RuleRow]:
    """One row for each rule in force, in the order of the files."""
    counters: dict[str, Counter[str]] = {rule.name: Counter() for rule in ruleset.rules}
    standing = [
        *((name, w.opened) for each in state.entries.values() for name, w in each.active.items()),
        *((name, bool(group.device)) for (name, _), group in state.groups.items()),
    ]
    for name, stands in standing:
        if stands and name in counters:
            counters[name]["open"] += 1
    for (name, what), count in state.tally.items():
        if name in counters:
            counters[name][what] = count
    for name, (failed, _) in state.failures.items():
        if name in counters:
            counters[name]["failed"] = failed
    return [
        RuleRow(rule.name, rule.title, counters[rule.name], _mean(state.costs.get(rule.name)))
        for rule in ruleset.rules
    ]


def _mean(cost: rules.Cost | None) -> int:
    return cost.total // cost.count if cost is not None and cost.count else 0
