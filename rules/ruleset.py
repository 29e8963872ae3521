"""All rules that are in force together, and those of one device as the settings leave them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Final

from gateway.model import EXTRA, Site, every_value_name
from rules.expression import TEST, Condition
from rules.plan import Plan
from rules.rule import Keypad, Rule, Setting
from rules.syntax import Call
from rules.window import Asked, asked
from rules.written import RuleReader


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """The rules for one sort of device, as the settings for it leave them."""

    conditions: tuple[Rule, ...]
    silences: tuple[Rule, ...]
    by_name: Mapping[str, Rule]
    asked: Asked | None
    """What the conditions ask of the past; None: nothing."""
    windowed: tuple[Rule, ...]
    """Those that ask it."""
    modal: tuple[Rule, ...]
    """Those that look only in some modes of the place."""
    inhibited: tuple[Rule, ...]
    """Those that others hold back."""
    rhythm: bool
    """Whether some rule needs the device's own rhythm."""


NOTHING: Final = Cover((), (), {}, None, (), (), (), False)


@dataclass(frozen=True, slots=True, eq=False)
class Ruleset:
    """Every loaded rule, in the order of the files; ``zone`` is for the times in sentences."""

    rules: tuple[Rule, ...]
    zone: tzinfo
    plans: tuple[Plan, ...] = ()
    settings: tuple[Setting, ...] = ()
    keypads: Mapping[str, Keypad] = field(default_factory=dict)
    """By device."""
    readers: Mapping[str, RuleReader] = field(default_factory=dict)
    by_name: Mapping[str, Rule] = field(init=False)
    accepted: Mapping[str, type] = field(init=False)
    """The value names that are remembered: of the tables all but ``test``, the extras in use."""
    confirming: Mapping[str, tuple[Rule, ...]] = field(init=False)
    """Rule -> the rules over a place that its alarms count for."""
    inhibiting: Mapping[str, frozenset[str]] = field(init=False)
    """Rule -> the scopes in which it holds others back."""
    modal: bool = field(init=False)
    """Whether any rule looks at modes."""
    _plan_of: Mapping[str, Plan] = field(init=False)
    """Place code -> its plan; "" for the whole site. The first that is written counts."""
    _of: dict[str, list[Setting]] = field(init=False)
    _variants: dict[tuple[str, str], Rule | None] = field(init=False)
    _covers: dict[tuple[Any, ...], Cover] = field(init=False)
    _named: frozenset[str] = field(init=False)
    """Devices that some rule or setting names."""
    _codes: frozenset[str] = field(init=False)
    """Places that some rule or setting names."""
    _tagged: bool = field(init=False)
    """Whether any rule asks for the words of a device."""
    _chains: dict[str, tuple[str, ...]] = field(init=False)
    _site: list[Site | None] = field(init=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "by_name", {rule.name: rule for rule in self.rules})
        put(self, "accepted", self._accepted())
        confirming: dict[str, list[Rule]] = {}
        inhibiting: dict[str, set[str]] = {}
        for rule in self.rules:
            for name in rule.confirm.rules if rule.confirm else ():
                confirming.setdefault(name, []).append(rule)
            for name in rule.inhibit:
                inhibiting.setdefault(name, set()).add(rule.inhibit_in)
        put(self, "confirming", {name: tuple(rules) for name, rules in confirming.items()})
        put(self, "inhibiting", {name: frozenset(scopes) for name, scopes in inhibiting.items()})
        put(self, "modal", any(rule.modes for rule in self.rules))
        of: dict[str, list[Setting]] = {}
        for setting in self.settings:
            of.setdefault(setting.rule, []).append(setting)
        put(self, "_of", of)
        plan_of: dict[str, Plan] = {}
        for plan in self.plans:
            for code in plan.grids or ("",):
                plan_of.setdefault(code, plan)
        put(self, "_plan_of", plan_of)
        put(self, "_variants", {})
        put(self, "_covers", {})
        put(self, "_site", [None])
        named = [rule.devices for rule in self.rules] + [s.devices for s in self.settings]
        put(self, "_named", frozenset().union(*named))
        codes = [rule.grids for rule in self.rules] + [s.grids for s in self.settings]
        put(self, "_codes", frozenset().union(*codes))
        put(self, "_tagged", any(rule.tags or rule.not_tags for rule in self.rules))
        put(self, "_chains", {})

    def _accepted(self) -> dict[str, type]:
        accepted: dict[str, type] = {n: t.type for n, t in every_value_name().items()}
        for rule in self.rules:
            for condition in conditions_of(rule):
                for name in condition.names:
                    accepted.setdefault(name, object)
        for reason in ("reason", "reason_zh", "reason_en"):  # told with the gateway's own alarms
            accepted.setdefault(EXTRA + reason, object)
        del accepted[TEST]
        return accepted

    def conditions_for(self, device: str, kind: str, site: Site) -> tuple[Rule, ...]:
        """The rules with a condition that cover a device."""
        return self.cover(device, kind, site).conditions

    def cover(self, device: str, kind: str, site: Site, *, below: bool = False) -> Cover:
        """The rules for a device; devices that no rule tells apart share one answer."""
        if self._site[0] is not site:
            self._covers.clear()
            self._chains.clear()
            self._site[0] = site
        known = site.devices.get(device)
        own = device if device in self._named else ""
        tags = known.tags if known is not None and self._tagged else ()
        key = (kind, self._told_apart(site, device), tags, below, own)
        found = self._covers.get(key)
        if found is None:
            found = self._covers[key] = self._made(device, kind, site, below)
        return found

    def cover_of(self, device: str, kind: str, site: Site) -> Cover:
        """The same for whoever looks on: the site may be another than the engine's."""
        return self._made(device, kind, site, False)

    def _told_apart(self, site: Site, device: str) -> tuple[str, ...]:
        """The places of a device, nearest first, of those that some rule or setting names."""
        if not self._codes:
            return ()
        place = site.place_of(device)
        found = self._chains.get(place)
        if found is None:
            found = tuple(above.code for above in site.chain(place) if above.code in self._codes)
            self._chains[place] = found
        return found

    def _made(self, device: str, kind: str, site: Site, below: bool) -> Cover:
        chain = tuple(place.code for place in site.chain(site.place_of(device)))
        covering: list[Rule] = []
        for rule in self.rules:
            if rule.covers(device, kind, site, below=below):
                varied = self._varied(rule, device, chain)
                if varied is not None:
                    covering.append(varied)
        if not covering:
            return NOTHING
        conditions = tuple(rule for rule in covering if rule.absent is None)
        calls: dict[str, Call] = {}
        windowed: list[Rule] = []
        for rule in conditions:
            mine = {call.key: call for each in conditions_of(rule) for call in each.calls}
            if mine:
                calls.update(mine)
                windowed.append(rule)
        return Cover(
            conditions,
            tuple(rule for rule in covering if rule.absent is not None),
            {rule.name: rule for rule in covering},
            asked(calls),
            tuple(windowed),
            tuple(rule for rule in covering if rule.modes),
            tuple(rule for rule in covering if rule.inhibit),
            any(rule.rhythm for rule in covering),
        )

    def _varied(self, rule: Rule, device: str, chain: tuple[str, ...]) -> Rule | None:
        """``rule`` as the settings for ``device`` have it; None: taken away.

        What is said nearer to the device wins: its own, its place's, those above.
        """
        said = [
            (-far, number, setting)
            for number, setting in enumerate(self._of.get(rule.name, ()))
            if (far := setting.distance(device, chain)) is not None
        ]
        if not said:
            return rule
        changes: dict[str, Any] = {}
        for _, _, setting in sorted(said, key=lambda one: one[:2]):
            changes.update(setting.changes)
        if changes.get("off"):
            return None
        key = (rule.name, repr(sorted(changes.items(), key=lambda one: one[0])))
        if key not in self._variants:
            self._variants[key] = self.readers[rule.name].varied(changes)
        return self._variants[key]

    def plan_for(self, place: str, site: Site) -> Plan | None:
        """The plan of ``place``: of the nearest place that has one, then of the whole site."""
        plans = self._plan_of
        return next((plans[p.code] for p in site.chain(place) if p.code in plans), plans.get(""))


def conditions_of(rule: Rule) -> list[Condition]:
    """Every condition in a rule."""
    return [rule.when, rule.clear, *(line.when for line in rule.raises if line.when is not None)]
