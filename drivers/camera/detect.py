"""Finds what moves: small grey pictures in, the largest moving thing out. No clock, no I/O.

A running mean and a running deviation per point at about 160 points' width. A point counts
as moved when it leaves the mean by more than ``threshold`` *and* by more than it usually
does, so that a tree that has been waving for a while is no intruder. What moves is taken into
the background ten times slower than the rest: somebody who stands still is seen for
minutes, a parked car is furniture in the end.

Light is told from things by what it leaves: a lamp, a cloud, a headlight or the switch to infrared
makes a wall brighter and keeps its pattern, somebody before the wall hides it. So what moved is
compared with the background without its brightness; where the patterns agree it was light, and
is learnt at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

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
_SAMPLE: Final = 2_000
"""Points from which the whole picture's brightness is taken."""
_OTHER_LIGHT: Final = 2.0
"""A picture this many times brighter or darker is learnt anew."""
_PATTERN: Final = (11, 11)
"""Points over which brightness is averaged, to be taken out of a pattern."""
_ALIKE: Final = (0.6, 0.45)
"""Correlation of two patterns from which they are one: of a small thing, of a large one.

Over many points chance makes no likeness; a far car of fifty points has some with the road.
"""
_LARGE: Final = 0.02
"""Part of the picture from which a thing is a large one."""
_PLAIN: Final = 2.0
"""Grey levels that a pattern must have: below it is the sensor's noise, and says nothing."""
_VAST: Final = 0.3
"""Part of the watched points that a thing without pattern never covers: that is light too."""
_LIT: Final = 0.3
"""How much of a change of light one picture teaches."""
_FLOOD: Final = 0.25
"""Part of the watched points: more light than this at once is a lamp, or the switch to infrared."""
_JUMP: Final = 1.25
"""The same for the whole picture's brightness from one picture to the next."""
_SETTLES: Final = 3.0
"""Seconds after a switch in which the exposure finds its level, and nothing counts as motion."""
_RARELY: Final = 20.0
"""Seconds between two such switches: what jumps more often is somebody close to the lens."""
_TRIES: Final = 4
"""Things of one picture that are looked at, the largest first."""
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
        self._mean: Any = None
        self._count = 0
        self._gain = 1.0
        self._since_switch = _RARELY
        """Seconds since the light was switched."""

    def look(self, picture: Grey, elapsed: float) -> Seen:
        """``elapsed``: seconds of video since the picture before."""
        if self._mean is None or self._mean.shape != picture.shape:
            self._begin(picture)
            return NOTHING
        now = picture.astype(np.float32)
        gain = float(np.median((now[self._sample] + 1) / (self._mean[self._sample] + 1)))
        if not 1 / _OTHER_LIGHT <= gain <= _OTHER_LIGHT:
            self._begin(picture)
            return Seen(0.0, "", 0.0, relearnt=True)
        if not self._gain / _JUMP <= gain <= self._gain * _JUMP:
            self._switched()
        self._gain = gain
        self._since_switch += elapsed
        if self._since_switch <= _SETTLES:
            cv2.accumulateWeighted(now, self._mean, _LIT)
            return NOTHING
        # what the exposure, a cloud or dusk does to the whole picture is no difference
        difference = cv2.absdiff(now, np.minimum(self._mean * gain, 255.0))
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
        return self._largest(moved, now, difference)

    def _begin(self, picture: Grey) -> None:
        self._mean = picture.astype(np.float32)
        self._usual = np.zeros_like(self._mean)
        self._count = 1
        self._gain = 1.0
        self._zones = zone_map(self._regions, self._masks, picture.shape[1], picture.shape[0])
        self._watched = np.where(self._zones > 0, 255, 0).astype(np.uint8)
        self._watched_points = max(1, cv2.countNonZero(self._watched))
        watched = np.argwhere(self._watched) if self._watched.any() else np.zeros((1, 2), int)
        chosen = watched[:: 1 + len(watched) // _SAMPLE]
        self._sample = chosen[:, 0], chosen[:, 1]

    def _learn(self, now: MatLike, difference: MatLike, moved: Grey, elapsed: float) -> None:
        """At first a plain mean of all pictures, later a forgetting one."""
        self._count += 1
        rate = max(1 / self._count, 1 - math.exp(-elapsed / _BACKGROUND))
        cv2.accumulateWeighted(difference, self._usual, rate)
        still = cv2.bitwise_not(moved)
        cv2.accumulateWeighted(now, self._mean, rate, mask=still)
        cv2.accumulateWeighted(now, self._mean, rate * _SLOWER, mask=moved)

    def _largest(self, moved: Grey, now: MatLike, difference: MatLike) -> Seen:
        """Parts that nearly touch are one thing: legs and a body, a car and its lights."""
        count, labels = cv2.connectedComponents(cv2.dilate(moved, _JOIN))
        labels[moved == 0] = 0
        sizes = np.bincount(labels.ravel(), minlength=count)
        sizes[0] = 0
        patterns: tuple[MatLike, MatLike] | None = None
        lit = 0
        for thing in np.argsort(sizes)[: -_TRIES - 1 : -1].tolist():
            area = float(sizes[thing]) / moved.size
            if area < self._min_area:
                break
            where = labels == thing
            if patterns is None:
                patterns = _pattern(now), _pattern(self._mean)
            if self._is_light(where, int(sizes[thing]), *patterns):
                light = where.astype(np.uint8)
                cv2.accumulateWeighted(now, self._mean, _LIT, mask=light)
                lit += int(sizes[thing])
                if lit > _FLOOD * self._watched_points:
                    self._switched()
                    break
                continue
            zone = int(np.bincount(self._zones[where]).argmax())
            name = self._regions[zone - 1][0] if self._regions else ""
            return Seen(area, name, float(difference[where].mean()) / 255)
        return NOTHING

    def _switched(self) -> None:
        if self._since_switch >= _RARELY:
            self._since_switch = 0.0

    def _is_light(self, where: MatLike, size: int, new: MatLike, old: MatLike) -> bool:
        """Whether the pattern there is the background's own."""
        a, b = new[where], old[where]
        strength = float(np.dot(b, b))
        if strength < _PLAIN * _PLAIN * size:
            return size > _VAST * self._watched_points
        wanted = _ALIKE[size > _LARGE * where.size]
        return float(np.dot(a, b)) > wanted * math.sqrt(strength * float(np.dot(a, a)))


def _pattern(picture: MatLike) -> MatLike:
    return cv2.subtract(picture, cv2.blur(picture, _PATTERN))


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
