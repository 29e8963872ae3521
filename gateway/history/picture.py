"""What somebody wants to see of one value, and what is shown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway.history.buckets import Bucket, Share, gap_of, numbers, shares
from gateway.history.cells import Cell
from gateway.model import SECOND

SPAN_MOST: Final = 400 * 86_400 * SECOND
"""Ns that one answer may span."""
POINTS_MOST: Final = 2_000
_HOLD: Final = 86_400 * SECOND
"""Ns that a yes or no counts where nobody says how long a device may be silent."""


class Asked(NamedTuple):
    """What somebody wants to see."""

    device: str
    value: str
    since: int
    until: int
    points: int
    silence: int
    """Ns that the device may be silent; 0: nobody says."""

    @property
    def hold(self) -> int:
        """Ns that a yes or no counts until the next one is said."""
        return self.silence or _HOLD


class History(NamedTuple):
    """One value of one device over a span. All times are wall ns."""

    since: int
    until: int
    step: int
    yes: bool
    """Whether it is a yes-or-no value: then ``shares`` are filled, else ``buckets``."""
    buckets: list[Bucket]
    shares: list[Share]
    gap: int
    """Ns between two buckets from which on something is missing."""
    oldest: int | None
    """The first cell that is on disk of any device; None: there is none, or none was needed."""
    behind: int
    """Records that are not in the answer yet."""


def picture(
    asked: Asked, width: int, step: int, cells: Sequence[Cell], *, yes: bool, now: int
) -> History:
    """Cells of ``width`` in steps, both ns; the span grows to whole steps. ``now`` is wall ns."""
    since, until = asked.since // step * step, -(-asked.until // step) * step
    answer = History(since, until, step, yes and bool(cells), [], [], asked.hold, None, 0)
    if answer.yes:
        span = (since, min(until, asked.until, now))
        return answer._replace(shares=shares(cells, width, step, span, asked.hold))
    first, end = since // width, until // width
    found = numbers((cell for cell in cells if first <= cell.slot < end), width, step)
    return answer._replace(buckets=found, gap=gap_of(found, step, asked.silence))
