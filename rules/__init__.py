"""Alert rules: readings in, changes out. Pure: no clock, no I/O but the shipped packs."""

from rules.engine import standing, step, tick
from rules.ruleset import Rule, Ruleset, load, pack_names, packs
from rules.state import State

__all__ = [
    "Rule",
    "Ruleset",
    "State",
    "load",
    "pack_names",
    "packs",
    "standing",
    "step",
    "tick",
]
