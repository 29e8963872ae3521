"""What the rules in force say about root causes, for those who tell people: see ``inhibit``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gateway.model import Incident, Site
from rules import Ruleset
from rules.places import scope_key
from rules.rule import Rule


class Causes:
    """``ruleset`` gives the rules in force; None before they run."""

    def __init__(self, ruleset: Callable[[], Ruleset | None]) -> None:
        self._ruleset = ruleset

    def groups(self, rule: str) -> frozenset[str]:
        """The groups of incidents that make those of ``rule`` pointless to tell."""
        rules = self._by_name()
        names = rules[rule].inhibit if rule in rules else ()
        return frozenset((rules[name].incident if name in rules else "") or name for name in names)

    def of(self, incident: Incident, standing: Sequence[Incident], site: Site) -> str:
        """The one of ``standing`` whose alarm holds in the scope of the rule; "" for none."""
        rule = self._by_name().get(incident.rule)
        if rule is None:
            return ""
        where = {scope_key(rule.inhibit_in, device, site) for device in incident.alarming}
        for other in standing:
            for name, device in other.holding:
                if name in rule.inhibit and scope_key(rule.inhibit_in, device, site) in where:
                    return f"{other.key}, {other.title.en}"
        return ""

    def _by_name(self) -> Mapping[str, Rule]:
        ruleset = self._ruleset()
        return ruleset.by_name if ruleset is not None else {}
