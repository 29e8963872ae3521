"""What the door remembers of each device: recent keys, recent times, how its clock runs.

Everything is bounded: a ring for each device, one for all devices together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

from gateway.model import SECOND, Value

LATE: Final = 300 * SECOND
"""A believed device time further back than this makes a report late."""
TIMES: Final = 16
"""Recent event times of a device."""
_BURST: Final = 1_000_000
"""Nanoseconds: more than a burst of reports that share one instant is ever set apart by."""
_STEADY: Final = 3
"""Reports in a row with one delay that make a clock slow rather than its messages late."""
_SAME_DELAY: Final = 30 * SECOND


class Ring:
    """The last N 64-bit marks of a device, eight bytes each: a set would cost six times that."""

    __slots__ = ("_at", "_marks", "_most")

    def __init__(self, most: int) -> None:
        self._marks = bytearray()
        self._most = most * 8
        self._at = 0

    def __contains__(self, mark: bytes) -> bool:
        found = self._marks.find(mark)
        while found > 0 and found % 8:
            found = self._marks.find(mark, found + 1)
        return found >= 0

    def add(self, mark: bytes) -> None:
        """Remember ``mark``, forgetting the oldest when full."""
        if len(self._marks) < self._most:
            self._marks += mark
            return
        self._marks[self._at : self._at + 8] = mark
        self._at = (self._at + 8) % self._most

    def discard(self, mark: bytes) -> None:
        """Forget ``mark``: its reading was not stored after all."""
        found = self._marks.find(mark)
        while found > 0 and found % 8:
            found = self._marks.find(mark, found + 1)
        if found >= 0:
            self._marks[found : found + 8] = bytes(8)


class Recent:
    """The last N marks of all devices together: what a sender repeats after a lost connection.

    A whole window may come again at once, and all of it from one device, whose own ring
    would have forgotten the first of them by the time they come.
    """

    def __init__(self, most: int) -> None:
        self._marks: set[int] = set()
        self._order: deque[int] = deque()
        self.most = most

    def __contains__(self, mark: int) -> bool:
        return mark in self._marks

    def add(self, mark: int) -> None:
        """Remember ``mark``, forgetting the oldest when full."""
        self._marks.add(mark)
        self._order.append(mark)
        if len(self._order) > self.most:
            self._marks.discard(self._order.popleft())

    def discard(self, mark: int) -> None:
        """Forget ``mark``: its reading was not stored after all."""
        self._marks.discard(mark)


class Seen:
    """What is remembered of one device."""

    __slots__ = ("delay", "heard", "keys", "last_at", "steady", "times")

    def __init__(self, recent: int) -> None:
        self.keys = Ring(recent)
        self.times = Ring(TIMES)
        self.last_at = 0
        self.delay = 0
        """How far back the device's time was in its newest report, ns."""
        self.steady = 0
        """Reports in a row whose delay was the same: a slow clock, not late messages."""
        self.heard = 0
        """When the newest report came, mono ns."""


def mark_of(key: str, values: Mapping[str, Value]) -> bytes:
    """Eight bytes that stand for a report, in this process only.

    A repeat says the same with the same key. The same key with other values is a counter that
    began again at 1, as after a device's restart: refusing that would lose its alarm.
    """
    return hash((key, *values.items())).to_bytes(8, "little", signed=True)


def instant(at: int) -> bytes:
    """Eight bytes that stand for a moment (ns)."""
    return at.to_bytes(8, "little", signed=True)


def runs_slow(seen: Seen, delay: int, mono: int) -> bool:
    """Whether the device's clock is behind rather than its messages late.

    Messages that waited somewhere come in a bunch, each with a delay of its own. A clock
    that is behind shows the same delay, report after report, minutes apart.
    """
    if mono - seen.heard >= SECOND:
        same = delay > LATE and abs(delay - seen.delay) < _SAME_DELAY
        seen.steady = seen.steady + 1 if same else 0
        seen.delay, seen.heard = delay, mono
    return seen.steady >= _STEADY and abs(delay - seen.delay) < _SAME_DELAY


def apart(seen: Seen, at: int) -> int:
    """Two reports of one instant would be one point in a time series: set apart by ns.

    A burst of one instant goes on behind its last member, however long it is; an instant
    that comes back out of order is looked for among the recent ones.
    """
    if at <= seen.last_at < at + _BURST:
        at = seen.last_at + 1
    while (mark := instant(at)) in seen.times:
        at += 1
    seen.times.add(mark)
    seen.last_at = at
    return at
