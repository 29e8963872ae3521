"""What one message becomes: items to store, and the answer that goes out once they are stored."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import count
from typing import Final, NamedTuple

from gateway.model import SECOND, Item
from gateway.ports import Clock

REPEATS_WITHIN: Final = 300.0
"""Seconds in which the same number with the same content is a repetition, not a new event."""
_MOST: Final = 1_024
"""Messages remembered."""


class Verdict(NamedTuple):
    """``heard`` is the panel's device address, for its supervision."""

    items: Sequence[Item] = ()
    answer: bytes = b""
    heard: str = ""


class Repeats:
    """Gives a message without a time of its own one: when it was first heard.

    So a repetition has the key of the first, and the same words on another day have not.
    """

    def __init__(self, clock: Clock, within: float = REPEATS_WITHIN) -> None:
        self._clock = clock
        self._within = int(within * SECOND)
        self._heard: dict[int, tuple[int, str]] = {}
        self._count = count()

    def first(self, message: bytes) -> tuple[str, bool]:
        """A text unique to the first of these repetitions, and whether this is that first."""
        now = self._clock.now()
        mark = zlib.crc32(message) << 32 | zlib.adler32(message)
        at, name = self._heard.pop(mark, (0, ""))
        is_first = not name or now.mono - at > self._within
        if is_first:
            name = f"{now.boot[:6]}{now.mono:x}.{next(self._count)}"
        self._heard[mark] = now.mono, name
        if len(self._heard) > _MOST:
            del self._heard[next(iter(self._heard))]
        return name, is_first

    def forget(self) -> None:
        """Nothing was said before: the next one is new whatever it says."""
        self._heard.clear()


def digest(content: str) -> str:
    """Eight hex digits of ``content``."""
    return f"{zlib.crc32(content.encode('utf-8', 'replace')):08x}"
