"""What a device's profile, brand and model say of it before it has said anything. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from drivers.mqtt.lorawan.names import MAKER_PREFIXES, MAKERS, MODELS, PURPOSES, WORDS

_BETWEEN: Final = re.compile(r"[\s/_,;:()]+")
_LONGEST: Final = 200
_WORDS: Final = [
    # an indoor sensor is not about doors: what is written in letters begins with the word
    (kind, re.compile("|".join(rf"\b{word}" if word.isascii() else word for word in words)))
    for kind, words in WORDS
]


class Hints(NamedTuple):
    """What is known of a device by its names."""

    maker: str = ""
    """As in ``names.MAKERS``; "" where it is none of them."""
    purpose: str = ""
    """A kind, ``parking``, or the value that a kind-less device is for."""

    @property
    def kind(self) -> str:
        """The kind; "" where the purpose is none."""
        return self.purpose if self.purpose in PURPOSES and self.purpose != "vibration" else ""


class Model(NamedTuple):
    """How a table is asked for a device."""

    maker: str
    name: str


@lru_cache(maxsize=5_000)
def hints_of(texts: tuple[str, ...]) -> Hints:
    """From profile names, brand and model ids, and texts of the options, best first."""
    maker = purpose = ""
    for text in texts:
        found = _hints(text[:_LONGEST].lower())
        maker, purpose = maker or found.maker, purpose or found.purpose
    return Hints(maker, purpose)


def _hints(text: str) -> Hints:
    tokens = [token.replace("-", "") for token in _BETWEEN.split(text) if token]
    maker = next((name for name in MAKERS if any(token.startswith(name) for token in tokens)), "")
    maker = maker or _begins(tokens, MAKER_PREFIXES)
    purpose = _begins(tokens, MODELS)
    if not purpose:
        plain = " ".join(_BETWEEN.split(text.replace("-", " ")))
        purpose = next((kind for kind, pattern in _WORDS if pattern.search(plain)), "")
    return Hints(maker, purpose)


def _begins(tokens: Sequence[str], table: dict[str, str]) -> str:
    """What the table has for the longest beginning of a token."""
    best = ""
    for token in tokens:
        for beginning in table:
            if token.startswith(beginning) and len(beginning) > len(best):
                best = beginning
    return table.get(best, "")


def models_of(texts: Iterable[str]) -> list[Model]:
    """How the tables may be asked: ``Milesight EM300-MCS`` as maker and model, then as a whole."""
    found: dict[Model, None] = {}
    for text in texts:
        maker, _, name = text[:_LONGEST].strip().replace("/", " ", 1).partition(" ")
        if name:
            found[Model(maker, name.strip())] = None
        found[Model("", text[:_LONGEST].strip())] = None
    return list(found)
