"""Between the two axes of a journal: when it was, by the wall clock, at a point of arrival."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

from gateway.model import SECOND, Record

_SAME: Final = SECOND
"""Differences below it are the clock being disciplined, not a downtime or a jump."""


class Axis:
    """Learns from records in their order; ``wall`` answers for any arrival at or before them."""

    def __init__(self, offsets: Mapping[str, int]) -> None:
        self._offsets = offsets
        self._from: list[int] = []
        self._apart: list[int] = []

    def wall_of(self, record: Record) -> int:
        """The record's wall time, ns UTC, as it is known today: a boot may have begun blind."""
        offset = None if record.trusted else self._offsets.get(record.boot)
        return record.wall if offset is None else record.mono + offset

    def note(self, record: Record) -> None:
        """Learn from the next record."""
        apart = self.wall_of(record) - record.arrival
        if not self._apart or abs(apart - self._apart[-1]) > _SAME:
            self._from.append(record.arrival)
            self._apart.append(apart)

    def wall(self, arrival: int) -> int:
        """Wall ns UTC at ``arrival``; the arrival itself as long as no record is known."""
        if not self._apart:
            return arrival
        place = bisect_right(self._from, arrival) - 1
        return arrival + self._apart[max(place, 0)]
