"""Alert rules: readings in, changes out. Pure: no clock, no I/O but the shipped packs."""

from rules.cause import cause
from rules.engine import modes, standing, step, tick
from rules.files import load, pack_names, packs
from rules.modes import PlaceMode
from rules.rule import Rule
from rules.ruleset import Ruleset
from rules.state import Cost, State
from rules.thresholds import Threshold, thresholds

__all__ = [
    "Cost",
    "PlaceMode",
    "Rule",
    "Ruleset",
    "State",
    "Threshold",
    "cause",
    "load",
    "modes",
    "pack_names",
    "packs",
    "standing",
    "step",
    "thresholds",
    "tick",
]
