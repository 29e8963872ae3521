"""State words of enumerations and texts to truth: alarm, fault, muted, open, occupied. Pure.

Makers spell states as they like (``warning_alarm``, ``no_fault_detected``, ``Short circuit``),
so a word is cut at ``_``, ``-``, ``/`` and spaces, and its pieces are looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from drivers._values import Coerce, checked, truth


def these(text: str) -> frozenset[str]:
    """The words of ``text``."""
    return frozenset(text.split())


_CUT: Final = re.compile(r"[^a-z0-9]+")
_CALM: Final = these(
    "normal none ok no off false 0 clear cleared idle inactive safe good healthy unmuted dry"
    " closed close closed absent unoccupied nobody vacant leave away not standby silent"
    " success passed pass working"
)
_NEGATED: Final = frozenset({"no", "not", "without", "non"})
_UNSURE: Final = frozenset({"unknown", "others", "other", "detecting", "undefined", "invalid"})
ALARM: Final = frozenset({"alarm", "alarmed", "alarming", "fire", "leak", "leaking", "emergency"})
_EARLY: Final = frozenset({"pre", "prealarm", "prewarning"})
FAULT: Final = these(
    "fault faulty error failure failed fail lost short circuit stuck broken expired malfunction"
    " defect defective unreliable trouble"
)
TESTING: Final = frozenset({"checking", "testing", "test"})
_OPEN: Final = frozenset({"open", "opened", "tilted", "ajar"})
_SHUT: Final = frozenset({"closed", "close", "shut"})


@lru_cache(maxsize=1_024)
def pieces(word: str) -> frozenset[str]:
    """The pieces of a name or a state word, in lower case."""
    return frozenset(_CUT.split(word.strip().lower()))


def any_of(words: Iterable[str], wanted: frozenset[str]) -> bool:
    """Whether a word has one of ``wanted`` among its pieces."""
    return any(pieces(word) & wanted for word in words)


def state_of(wanted: frozenset[str]) -> Coerce:
    """True for a word with a piece of ``wanted`` that is not negated, None for an unsure one."""

    def convert(raw: object) -> bool | None:
        if not isinstance(raw, str):
            return truth(raw)
        found = pieces(checked(raw))
        if found & wanted and not found & (_NEGATED | _EARLY):
            return True
        return None if found & _UNSURE or found == {""} else False

    return convert


def not_calm(raw: object) -> bool | None:
    """False for a word of quiet (normal, none, no_fault …), True for any other state."""
    if not isinstance(raw, str):
        return truth(raw)
    found = pieces(checked(raw))
    if found & _UNSURE or found == {""}:
        return None
    return not found & _CALM


def opened(raw: object) -> bool | None:
    """True for open and tilted, False for closed."""
    if not isinstance(raw, str):
        return truth(raw)
    found = pieces(checked(raw))
    if found & _SHUT:
        return False
    return True if found & _OPEN else None


def low(raw: object) -> bool | None:
    """A battery's state word: whether it is low."""
    if not isinstance(raw, str):
        return truth(raw)
    found = pieces(checked(raw))
    if found & _UNSURE or found == {""}:
        return None
    return bool(found & {"low", "empty", "critical", "verylow"})


def opens_and_shuts(words: Iterable[str]) -> bool:
    """Whether an enumeration is that of something that opens."""
    said = list(words)
    return any_of(said, _OPEN) and any_of(said, _SHUT)


def has_calm(words: Iterable[str]) -> bool:
    """Whether an enumeration has a word for "nothing is the matter"."""
    return any(pieces(word) & _CALM for word in words)
