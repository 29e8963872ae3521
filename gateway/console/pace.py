"""How often one person may do something by a link: who finds a lost phone fills no disk."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gateway.model import SECOND

_WITHIN: Final = 3_600 * SECOND
"""Ns on the arrival axis."""


class Pace:
    """At most ``most`` begun in an hour, and ``at_once`` of them at the same time."""

    def __init__(self, most: int, at_once: int) -> None:
        self._most = most
        self._at_once = at_once
        self._began: dict[str, deque[int]] = {}
        self._running: Counter[str] = Counter()

    @contextmanager
    def one(self, person: str, now: int) -> Iterator[bool]:
        """Whether ``person`` may do it now (arrival ns); while entered it is being done."""
        began = self._began.setdefault(person, deque())
        while began and now - began[0] >= _WITHIN:
            began.popleft()
        if len(began) >= self._most or self._running[person] >= self._at_once:
            yield False
            return
        began.append(now)
        self._running[person] += 1
        try:
            yield True
        finally:
            self._running[person] -= 1
