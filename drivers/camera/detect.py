"""Finds what moves: small grey pictures in, the largest moving thing out. No clock, no I/O.

A running mean and a running deviation per point at about 160 points' width. A point counts
as moved when it leaves the mean by more than ``threshold`` *and* by more than it usually
does, so that a tree that has been waving for a while is no intruder. What moves is taken into
the background ten times slower than the rest: somebody who stands still is seen for
minutes, a parked car is furniture in the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

Grey = MatLike
"""One channel, 8 bits; rows first."""
Points = Sequence[tuple[float, float]]

WIDTH: Final = 160
_BACKGROUND: Final = 20.0
"""Seconds in which two thirds of a change of light are learnt; Frigate's 0.01 at 5 fps."""
_SLOWER: Final = 0.1
_RESTLESS: Final = 2.5
"""How many mean deviations beyond the usual still are the usual."""
_SPECK: Final = cv2.getStructuringElement(cv2.MORPH_RECT, (2, 2))
_JOIN: Final = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


class Seen(NamedTuple):
    """One analysed picture. ``area`` is the largest moving thing's part of the picture."""

    area: float
    zone: str
    score: float
    """Mean difference of that thing to the background, 0 to 1."""
    relearnt: bool = False


NOTHING: Final = Seen(0.0, "", 0.0)


def shrink(picture: Grey) -> Grey:
    """About 160 wide, grey or in colour.

    Nearest neighbour does the far way at a twentieth of the cost of averaging; averaging
    the last factor of two keeps most of the sensor's noise out.
    """
    height, width = picture.shape[:2]
    if width <= WIDTH:
        return picture
    small = (WIDTH, max(1, round(height * WIDTH / width)))
    if width > 2 * WIDTH:
        picture = cv2.resize(picture, (small[0] * 2, small[1] * 2), interpolation=cv2.INTER_NEAREST)
    return cv2.resize(picture, small, interpolation=cv2.INTER_AREA)


class Detector:
    """Keeps one camera's background. Feed it shrunken grey pictures of one size."""

    def __init__(
        self,
        regions: Sequence[tuple[str, Points]] = (),
        masks: Sequence[Points] = (),
        *,
        threshold: int = 30,
        min_area: float = 0.002,
        lightning: float = 0.8,
    ) -> None:
        self._regions = regions
        self._masks = masks
        self._threshold = float(threshold)
        self._min_area = min_area
        self._lightning = lightning
        self._mean: MatLike | None = None
        self._fresh()

    def _fresh(self) -> None:
        self._count = 0

    def look(self, picture: Grey, elapsed: float) -> Seen:
        """``elapsed``: seconds of video since the picture before."""
        if self._mean is None or self._mean.shape != picture.shape:
            self._begin(picture)
            return NOTHING
        now = picture.astype(np.float32)
        difference = cv2.absdiff(now, self._mean)
        limit = np.maximum(self._usual * _RESTLESS, self._threshold)
        moved = cv2.bitwise_and(cv2.compare(difference, limit, cv2.CMP_GT), self._watched)
        if cv2.countNonZero(moved) > self._lightning * self._watched_points:
            self._begin(picture)
            return Seen(0.0, "", 0.0, relearnt=True)
        self._learn(now, difference, moved, elapsed)
        # an opening by hand: with an even size OpenCV's own moves the picture by a point
        moved = cv2.dilate(cv2.erode(moved, _SPECK, anchor=(0, 0)), _SPECK, anchor=(1, 1))
        if cv2.countNonZero(moved) < self._min_area * moved.size:
            return NOTHING
        return self._largest(moved, difference)

    def _begin(self, picture: Grey) -> None:
        self._mean = picture.astype(np.float32)
        self._usual = np.zeros_like(self._mean)
        self._count = 1
        self._zones = zone_map(self._regions, self._masks, picture.shape[1], picture.shape[0])
        self._watched = np.where(self._zones > 0, 255, 0).astype(np.uint8)
        self._watched_points = max(1, cv2.countNonZero(self._watched))

    def _learn(self, now: MatLike, difference: MatLike, moved: Grey, elapsed: float) -> None:
        """At first a plain mean of all pictures, later a forgetting one."""
        assert self._mean is not None  # noqa: S101  # look() has begun
        self._count += 1
        rate = max(1 / self._count, 1 - math.exp(-elapsed / _BACKGROUND))
        cv2.accumulateWeighted(difference, self._usual, rate)
        still = cv2.bitwise_not(moved)
        cv2.accumulateWeighted(now, self._mean, rate, mask=still)
        cv2.accumulateWeighted(now, self._mean, rate * _SLOWER, mask=moved)

    def _largest(self, moved: Grey, difference: MatLike) -> Seen:
        """Parts that nearly touch are one thing: legs and a body, a car and its lights."""
        count, labels = cv2.connectedComponents(cv2.dilate(moved, _JOIN))
        labels[moved == 0] = 0
        sizes = np.bincount(labels.ravel(), minlength=count)
        sizes[0] = 0
        thing = int(sizes.argmax())
        area = float(sizes[thing]) / moved.size
        if area < self._min_area:
            return NOTHING
        where = labels == thing
        zone = int(np.bincount(self._zones[where]).argmax())
        name = self._regions[zone - 1][0] if self._regions else ""
        return Seen(area, name, float(difference[where].mean()) / 255)


def zone_map(
    regions: Sequence[tuple[str, Points]], masks: Sequence[Points], width: int, height: int
) -> Grey:
    """0 where nothing is watched, else the number of the region from 1; the first one wins."""
    zones = np.full((height, width), 0 if regions else 1, np.uint8)
    for number, (_, polygon) in reversed(list(enumerate(regions, 1))):
        cv2.fillPoly(zones, [_corners(polygon, width, height)], number)
    for polygon in masks:
        cv2.fillPoly(zones, [_corners(polygon, width, height)], 0)
    return zones


def _corners(polygon: Points, width: int, height: int) -> NDArray[np.int32]:
    scaled = [(round(x * (width - 1)), round(y * (height - 1))) for x, y in polygon]
    return np.array(scaled, np.int32)
