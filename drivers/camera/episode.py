"""Turns single sightings into events with a beginning and an end. Pure."""

from __future__ import annotations

import math
from collections import deque
from typing import Literal, NamedTuple


class Sight(NamedTuple):
    """What the detector saw in one picture; area 0 is nothing."""

    area: float
    zone: str
    score: float


class Turn(NamedTuple):
    """An event began, reached another zone, or ended (then with the event's peaks)."""

    what: Literal["began", "moved", "ended"]
    area: float
    zone: str
    score: float
    lasted: float = 0.0


class Episode:
    """Begins after motion in M of the last N pictures, ends after ``quiet`` seconds without.

    M fills ``min_duration`` at the analysed rate; N leaves two misses for every three
    hits, for a detector blinks.
    """

    def __init__(self, fps: float, min_duration: float, quiet: float, learn: float) -> None:
        self._needed = max(1, math.ceil(min_duration * fps - 1e-9))
        self._hits: deque[bool] = deque(maxlen=self._needed + math.ceil(self._needed * 2 / 3))
        self._quiet = quiet
        self._learn = learn
        self._began: float | None = None
        self._last = 0.0
        self._peak = Sight(0.0, "", 0.0)
        self._zones: set[str] = set()

    def feed(self, sight: Sight, second: float) -> Turn | None:
        """``second`` counts from the first picture."""
        if second < self._learn:
            return None
        hit = sight.area > 0
        self._hits.append(hit)
        if hit:
            self._last = second
        if self._began is None:
            return self._begin(sight, second) if hit else None
        if not hit:
            return self.close(second) if second - self._last >= self._quiet else None
        self._peak = max(self._peak, sight)
        if sight.zone in self._zones:
            return None
        self._zones.add(sight.zone)
        return Turn("moved", *sight)

    def _begin(self, sight: Sight, second: float) -> Turn | None:
        if sum(self._hits) < self._needed:
            return None
        self._began = second
        self._peak = sight
        self._zones = {sight.zone}
        return Turn("began", *sight)

    def close(self, second: float) -> Turn | None:
        """End an event that is open: its quiet time is over, or the video is."""
        if self._began is None:
            return None
        lasted = min(second, self._last) - self._began
        self._began = None
        self._hits.clear()
        return Turn("ended", *self._peak, lasted=max(0.0, lasted))
