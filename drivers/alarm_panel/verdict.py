"""What one message becomes: items to store, and the answer that goes out once they are stored."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import count
from typing import Any, Final, NamedTuple

from gateway.model import SECOND, Item
from gateway.ports import Clock

REPEATS_WITHIN: Final = 300.0
"""Seconds in which the same number with the same content is a repetition, not a new event."""
_AFTER_OTHERS: Final = 30.0
"""Seconds in which it is one although another message came between: a panel that sends the next
has had its answer, so this copy is one that the network held up, or the panel counts anew."""
_MOST: Final = 8_192
"""Messages and senders remembered: more than a receiver may have accounts."""


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
        self._heard: dict[int | tuple[str, str], tuple[int, str, int]] = {}
        self._newest: dict[str, str] = {}
        self._count = count()

    def first(self, message: bytes, sender: str = "", number: str = "") -> tuple[str, bool]:
        """A text unique to the first of these repetitions, and whether this is that first.

        With a ``number`` the message repeats the one that last had it, or is new: a panel whose
        number never changes says alarm, restore, alarm, and means a second alarm.
        """
        now = self._clock.now()
        mark = zlib.crc32(message) << 32 | zlib.adler32(message)
        slot = (sender, number) if number else mark
        at, name, before = self._heard.pop(slot, (0, "", mark))
        moved_on = bool(number) and self._newest.get(sender) != number
        within = min(self._within, int(_AFTER_OTHERS * SECOND)) if moved_on else self._within
        is_first = not name or before != mark or now.mono - at > within
        if is_first:
            name = f"{now.boot[:6]}{now.mono:x}.{next(self._count)}"
            if number:
                self._newest.pop(sender, None)
                _keep(self._newest, sender, number)
        _keep(self._heard, slot, (now.mono, name, mark))
        return name, is_first

    def forget(self) -> None:
        """Nothing was said before: the next one is new whatever it says."""
        self._heard.clear()


def _keep(found: dict[Any, Any], name: Any, value: Any) -> None:
    """The oldest goes when there are too many."""
    found[name] = value
    if len(found) > _MOST:
        del found[next(iter(found))]


def digest(content: str) -> str:
    """Eight hex digits of ``content``."""
    return f"{zlib.crc32(content.encode('utf-8', 'replace')):08x}"
