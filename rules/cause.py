"""What makes an alarm that stands pointless to tell now: the rule that would hold it back today."""

from __future__ import annotations

from collections.abc import Collection

from gateway.model import Site
from rules.places import scope_key
from rules.ruleset import Ruleset
from rules.state import State


def cause(ruleset: Ruleset, site: Site, state: State, name: str, devices: Collection[str]) -> str:
    """The rule that holds rule ``name`` back for every one of ``devices``; "" for none."""
    rule = ruleset.by_name.get(name)
    if rule is None or not rule.inhibit:
        return ""
    found = ""
    for device in devices:
        where = scope_key(rule.inhibit_in, device, site)
        scopes = ((each, state.holding_back.get((each, rule.inhibit_in))) for each in rule.inhibit)
        found = next((each for each, standing in scopes if standing and standing.get(where)), "")
        if not found:
            return ""
    return found
