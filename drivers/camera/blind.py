"""Notices a camera that sees nothing: covered, dazzled, dark, frozen or turned away. Pure.

    too_dark, too_bright   hardly a detail left anywhere, and black or white      fault
    frozen                 not one point changes, though pictures come            fault
    covered                hardly a detail left, at a brightness in between       tamper
    scene_changed          the edges are not where they were                      tamper

Edges and not brightness: the switch to infrared, dusk and a lamp change how bright a wall is,
and leave its corners where they are. Everything must last before it is told, and be over for a
while before that is told. What is written into the picture (the time, a name) fills few of the
cells, so that a picture is dark although its clock still shines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike

from drivers.camera.detect import Grey, Points, zone_map

Reason = Literal["", "too_dark", "too_bright", "covered", "frozen", "scene_changed"]
EVERY: Final = 1.0
"""Seconds between two looks: what is told lasts for many."""
_GRID: Final = (12, 8)
_EDGE: Final = 5
"""Grey levels per point (of a picture of about 160 points' width) that make an edge."""
_IN_A_CELL: Final = 0.02
"""Part of a cell's points that must be edges."""
_BLIND: Final = (0.18, 0.35)
"""Parts of the usual details: blind below the first, seeing again above the second."""
_NOTHING: Final = (0.03, 0.06)
"""The same as parts of all cells, for a scene that never had many details."""
_DARK: Final = 40
_BRIGHT: Final = 215
"""Grey levels of the middle point of a picture without details."""
_ALIKE: Final = (0.30, 0.42)
"""Likeness of the edges: another scene below the first, the old one above the second.

Of eleven recordings of fixed cameras, brightened, dimmed to an eighth, and made to look as by
infrared, the least alike had 0.41; turned by a fifth of their width, the most alike 0.43.
"""
_FROZEN: Final = 0.02
"""Part of the points that may change in a frozen picture: the clock written into it."""
_ENOUGH: Final = 0.3
"""Part of the cells that must have edges before a scene can be known again."""
_LEARN: Final = 20
"""Looks of which the scene is the plain mean."""
_SCENE: Final = 600.0
"""Seconds in which two thirds of a slow change (a season, a parked car) become the scene."""
_ADOPT: Final = 1800.0
"""Seconds after which another scene is the scene: somebody turned the camera on purpose."""
_WELL: Final = 5.0
"""Seconds without it before it is over."""


class Limits(NamedTuple):
    """How long each must last, in seconds; 0: not watched."""

    blind: float
    changed: float
    frozen: float


class _Lasting:
    """True after ``on`` seconds of true without a break, false after ``off`` of false."""

    def __init__(self, on: float, off: float) -> None:
        self._wait = {True: on, False: off}
        self.holds = False
        self.since = 0.0
        """When it began to hold."""
        self._other: float | None = None

    @property
    def begins(self) -> bool:
        """Whether it may soon hold."""
        return not self.holds and self._other is not None

    def feed(self, value: bool, second: float) -> None:
        if value == self.holds:
            self._other = None
            return
        if self._other is None:
            self._other = second
        if second - self._other >= self._wait[value]:
            self.holds, self.since, self._other = value, second, None


class Guard:
    """One camera's. Feed it shrunken grey pictures about once in EVERY seconds."""

    def __init__(self, limits: Limits, masks: Sequence[Points] = ()) -> None:
        self._limits = limits
        self._masks = masks
        self._blind = _Lasting(limits.blind, _WELL)
        self._changed = _Lasting(limits.changed, _WELL)
        self._frozen = _Lasting(limits.frozen, EVERY)
        self._blind_by: Reason = "covered"
        self._still: Grey | None = None
        self._scene: MatLike | None = None
        self._looks = 0
        self._usual = 0.0
        """Part of the cells that have edges, usually."""
        self._seen = 0
        self._second: float | None = None

    @property
    def reason(self) -> Reason:
        """What is wrong now; "": nothing."""
        if self._blind.holds:
            return self._blind_by
        if self._frozen.holds:
            return "frozen"
        return "scene_changed" if self._changed.holds else ""

    @property
    def suspects(self) -> bool:
        """Whether something is wrong that has not lasted long enough to be told."""
        return self._blind.begins or self._changed.begins or self._frozen.begins

    def look(self, picture: Grey, second: float) -> Reason:
        """``second`` counts from the first picture and never goes back."""
        if self._still is None or self._still.shape != picture.shape:
            self._begin(picture)
        elapsed = second - self._second if self._second is not None else 0.0
        self._second = second
        edges = _edges(picture)
        detail = self._detail(edges)
        self._look_for_details(picture, detail, second, elapsed)
        if self._limits.frozen:
            self._frozen.feed(self._same(picture), second)
        if self._limits.changed and not self._is_blind(detail):
            self._compare(edges, detail, second, elapsed)
        return self.reason

    def _begin(self, picture: Grey) -> None:
        height, width = picture.shape[:2]
        self._still = picture
        self._scene = None
        self._looks = 0
        self._watched = zone_map((), self._masks, width, height)
        if not self._watched.any():
            self._watched[:] = 1
        cells = cv2.resize(self._watched * 255, _GRID, interpolation=cv2.INTER_AREA)
        self._cells = cells >= min(128, int(cells.max()))

    def _detail(self, edges: MatLike) -> float:
        """Part of the watched cells that have edges."""
        steep = cv2.magnitude(*cv2.split(edges))
        _, strong = cv2.threshold(steep, _EDGE, 255, cv2.THRESH_BINARY)
        share = cv2.resize(strong, _GRID, interpolation=cv2.INTER_AREA)
        return float((share[self._cells] > _IN_A_CELL * 255).mean())

    def _is_blind(self, detail: float) -> bool:
        held = int(self._blind.holds)
        return detail < max(_NOTHING[held], _BLIND[held] * self._usual)

    def _look_for_details(
        self, picture: Grey, detail: float, second: float, elapsed: float
    ) -> None:
        before, blind = self._blind.holds, self._is_blind(detail)
        if self._limits.blind:
            self._blind.feed(blind, second)
        if not blind:
            self._seen += 1
            self._usual += (detail - self._usual) * _rate(self._seen, elapsed)
        if self._blind.holds and not before:
            level = float(np.median(picture[self._watched > 0]))
            self._blind_by = (
                "too_dark" if level < _DARK else "too_bright" if level > _BRIGHT else "covered"
            )

    def _same(self, picture: Grey) -> bool:
        """Whether not a point but a clock's has changed since the picture that is kept."""
        assert self._still is not None  # noqa: S101  # look() has begun
        changed = cv2.countNonZero(cv2.absdiff(picture, self._still))
        if changed > _FROZEN * picture.size:
            self._still = picture
            return False
        return True

    def _compare(self, edges: MatLike, detail: float, second: float, elapsed: float) -> None:
        shape = _shape(edges)
        if self._scene is None:
            if detail >= _ENOUGH:
                self._scene, self._looks = shape, 1
            return
        alike = _likeness(self._scene, shape, self._watched)
        held = self._changed.holds
        self._changed.feed(alike < _ALIKE[1 if held else 0], second)
        if self._changed.holds and second - self._changed.since >= _ADOPT:
            self._scene, self._looks = shape, 1
            self._changed = _Lasting(self._limits.changed, _WELL)
        elif alike >= _ALIKE[0] and not self._changed.holds:
            self._looks += 1
            cv2.accumulateWeighted(shape, self._scene, _rate(self._looks, elapsed))


def _rate(looks: int, elapsed: float) -> float:
    """A plain mean at first, later one that forgets."""
    return 1 / looks if looks <= _LEARN else min(1.0, elapsed / _SCENE)


def _edges(picture: Grey) -> MatLike:
    """How steep the picture is at each point, across and down, in grey levels per point."""
    smooth = cv2.GaussianBlur(picture, (3, 3), 0)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=0.125)
    return cv2.merge([np.abs(across), np.abs(down)])


def _shape(edges: MatLike) -> MatLike:
    """Where the edges are, hardly how strong, blurred by what a mast sways in the wind.

    Without what is alike over a fifth of the picture: every street has a sky above it.
    """
    lines = cv2.blur(cv2.log(edges + 1.0), (7, 7))
    return cv2.subtract(lines, cv2.blur(lines, (21, 21)))


def _likeness(one: MatLike, other: MatLike, watched: Grey) -> float:
    """Correlation of what is watched, -1 to 1; 1 where one of them is flat."""
    a, b = one[watched > 0].ravel(), other[watched > 0].ravel()
    a, b = a - a.mean(), b - b.mean()
    both = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return float(np.dot(a, b)) / both if both > 0 else 1.0
