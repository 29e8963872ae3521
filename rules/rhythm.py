"""A device's own rhythm: how long its gaps between reports usually are, learnt as it reports."""

from __future__ import annotations

from typing import Final

import msgspec

_MINUTE: Final = 60_000_000_000
_LEARN: Final = 8
_GENERATION: Final = 32
"""Gaps of which the longest counts; the longest of the generation before counts as well."""
_DAY: Final = 24 * 60 * _MINUTE
"""A generation lasts a day at least, and nothing is said before one is over: a detector that
reports every ten seconds during a fire has not changed its rhythm."""
_TIMES: Final = 3
"""A silence is too long at three times the longest gap: two lost reports in a row are usual."""
SHORTEST: Final = 15 * _MINUTE
LONGEST: Final = 48 * 60 * _MINUTE
_OTHER: Final = 3
"""Longer gaps in a row after which the device is taken to report at another rhythm."""


class Rhythm(msgspec.Struct, array_like=True):
    """The gaps between the reports of a device, ns: the longest of the last ones."""

    gaps: int = 0
    """Counted in this generation."""
    longest: int = 0
    before: int = 0
    """The longest of the generation before; 0 while there is none."""
    over: int = 0
    """Gaps in a row that were longer than the limit."""
    span: int = 0
    """How long this generation has lasted, ns."""


def limit_of(rhythm: Rhythm) -> int:
    """The silence that is too long for the device, ns; 0 while that is not known."""
    if not rhythm.before and (rhythm.gaps < _LEARN or rhythm.span < _DAY):
        return 0
    limit = _TIMES * max(rhythm.longest, rhythm.before)
    return min(max(limit, SHORTEST), LONGEST)


def heard(rhythm: Rhythm, gap: int) -> None:
    """Learn from one more gap, ns."""
    limit = limit_of(rhythm)
    if limit and gap > limit:
        rhythm.over += 1
        if rhythm.over >= _OTHER:
            rhythm.gaps, rhythm.longest, rhythm.before, rhythm.over = 1, gap, 0, 0
            rhythm.span = gap
        return
    rhythm.over = 0
    if rhythm.gaps >= _GENERATION and rhythm.span >= _DAY:
        rhythm.gaps, rhythm.span, rhythm.before, rhythm.longest = 0, 0, rhythm.longest, 0
    rhythm.gaps += 1
    rhythm.span += gap
    rhythm.longest = max(rhythm.longest, gap)
