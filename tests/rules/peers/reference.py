"""What Prometheus does with a condition at each look, in as few words as it can be said.

Written from its documentation and its tests, not from ours: it is what ours is held against.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

Known = list[tuple[float, float]]
"""The samples of one series: (s, value)."""

WINDOWS: Final[dict[str, Callable[[list[float]], float]]] = {
    "avg": lambda values: min(max(math.fsum(values) / len(values), min(values)), max(values)),
    "min": min,
    "max": max,
    "count": len,
    "sum": math.fsum,
}
SIGNS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def holds(known: Known, function: str, length: float, sign: str, limit: float, at: float) -> bool:
    """Whether ``function`` over the last ``length`` seconds ("": the newest value) compares so."""
    values = [value for when, value in known if at - length < when <= at]
    if not values:
        return False
    return SIGNS[sign](WINDOWS[function](values) if function else values[-1], limit)


def firing(truths: list[bool], every: float, hold: float, keep: float) -> list[bool]:
    """Look by look, ``every`` seconds apart, whether the alert fires."""
    active: float | None = None
    fires = False
    ending: float | None = None
    found = []
    for number, true in enumerate(truths):
        at = number * every
        if true:
            active, ending = at if active is None else active, None
            fires = fires or at - active >= hold
        elif not fires:
            active = None
        else:
            ending = at if ending is None else ending
            if at - ending >= keep:
                active, fires, ending = None, False, None
        found.append(fires)
    return found
