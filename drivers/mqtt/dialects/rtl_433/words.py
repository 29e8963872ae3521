"""What words mean: ``DS10A DOOR/WINDOW OPEN``, ``Warning/Water detected``, ``tamper``. Pure.

The same words serve many makes; a make is never asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

_SPLIT: Final = re.compile(r"[^a-z0-9]+")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LONGEST: Final = 80
"""Characters of a text that are looked at; states are words, not novels."""
_REMEMBERED: Final = 1_024


class Meaning(NamedTuple):
    """A word's value; ``event``: no message will say that it is over."""

    value: str
    state: bool
    kind: str = ""
    event: bool = True


_NO: Final = frozenset({"no", "not", "off", "ready", "idle", "clear", "cleared", "restore", "dry"})
_RULES: Final[tuple[tuple[frozenset[str], Meaning], ...]] = (
    (frozenset({"test", "testing"}), Meaning("test", True)),
    (frozenset({"tamper", "tampered"}), Meaning("tamper", True)),
    (frozenset({"mute", "muted"}), Meaning("muted", True)),
    (frozenset({"panic", "sos", "emergency", "help"}), Meaning("alarm", True, "panic")),
    (frozenset({"smoke", "fire"}), Meaning("alarm", True, "smoke")),
    (frozenset({"heat"}), Meaning("alarm", True, "heat")),
    (frozenset({"leak", "leakage", "wet", "flood", "dry"}), Meaning("leak", True, "water")),
    (frozenset({"motion", "movement", "pir"}), Meaning("occupied", True, "infrared")),
    (frozenset({"open", "opened"}), Meaning("open", True, "contact", event=False)),
    (frozenset({"closed", "close"}), Meaning("open", False, "contact", event=False)),
    (frozenset({"alarm", "zone", "triggered", "tripped"}), Meaning("alarm", True)),
)
"""The first that fits wins: a test alarm is a test, a fire alarm that is muted is muted."""
_KINDS: Final[Mapping[str, str]] = {
    "smoke": "smoke",
    "fire": "smoke",
    "heat": "heat",
    "co": "co",
    "carbon": "co",
    "gas": "gas",
    "panic": "panic",
    "sos": "panic",
    "leak": "water",
    "leakage": "water",
    "water": "water",
    "wh55": "water",
    "flood": "water",
    "motion": "infrared",
    "pir": "infrared",
    "contact": "contact",
    "door": "contact",
    "window": "contact",
}


def kind_of(text: str) -> str:
    """The kind that the name of a model or subtype tells; "" for none."""
    return _kind(text[:_LONGEST])


def meaning_of(text: str) -> Meaning | None:
    """What a state or an event means; None: nothing that there is a value for."""
    return _meaning(text[:_LONGEST])


def _tokens(text: str) -> list[str]:
    """The words of ``text`` in lower case; ``waterLeak`` is two."""
    return [word for word in _SPLIT.split(_CAMEL.sub(" ", text).lower()) if word]


@lru_cache(maxsize=_REMEMBERED)
def _kind(text: str) -> str:
    return next((_KINDS[word] for word in _tokens(text) if word in _KINDS), "")


@lru_cache(maxsize=_REMEMBERED)
def _meaning(text: str) -> Meaning | None:
    found = frozenset(_tokens(text))
    if "battery" in found:
        low = len(found) == 1 or not found.isdisjoint({"low", "weak", "empty"})
        return Meaning("battery_low", True, event=False) if low else None
    if found == {"water"} or ("water" in found and not found.isdisjoint({"detected", "alarm"})):
        found = found | {"leak"}
    for words, meaning in _RULES:
        if not words.isdisjoint(found):
            over = not _NO.isdisjoint(found) and meaning.value != "open"
            return meaning._replace(state=False, event=False) if over else meaning
    return None
