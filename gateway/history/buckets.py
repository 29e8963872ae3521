"""Cells into what one pixel of a chart shows. Pure."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from gateway.history.cells import FLAGS, Cell
from gateway.model import SECOND

_STEPS: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800,
    3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
)  # fmt: skip
"""Seconds: widths that a person can name, and that divide a day."""
_MISSED: Final = 4
"""Reports of a number that may be missing before its line is broken: fewer are a bad radio."""


class Bucket(NamedTuple):
    """A number within one step from ``at`` (wall ns) on."""

    at: int
    low: float
    high: float
    mean: float
    reports: int
    flags: int


class Share(NamedTuple):
    """How much of one step a yes-or-no value was yes: of the time in which that is known."""

    at: int
    yes: float
    any: bool
    """Whether it was yes at all, however short."""
    reports: int
    """0 where what was said before still held."""
    flags: int


def step_for(span: int, points: int) -> int:
    """The step of at most ``points`` buckets over ``span``, both in ns."""
    wanted = span / SECOND / points
    return next((step for step in _STEPS if step >= wanted), _STEPS[-1]) * SECOND


def words_of(flags: int) -> list[str]:
    """The names of flags that are set."""
    return [name for bit, name in enumerate(FLAGS) if flags >> bit & 1]


def numbers(cells: Iterable[Cell], width: int, step: int) -> list[Bucket]:
    """Cells of ``width`` as buckets of ``step``, a multiple of it (ns); none where none is."""
    per = step // width
    found: dict[int, list[float]] = {}
    for slot, count, low, high, total, _, flags in cells:
        bucket = found.get(slot // per)
        if bucket is None:
            found[slot // per] = [low, high, total, count, flags]
            continue
        if low < bucket[0]:
            bucket[0] = low
        if high > bucket[1]:
            bucket[1] = high
        bucket[2] += total
        bucket[3] += count
        bucket[4] = int(bucket[4]) | flags
    return [
        Bucket(at * step, low, high, min(max(total / count, low), high), int(count), int(flags))
        for at, (low, high, total, count, flags) in sorted(found.items())
    ]


def gap_of(buckets: Sequence[Bucket], step: int, silence: int) -> int:
    """Ns between two buckets from which on something is missing.

    A device that is a little late is not silent: by its own usual distance, but not beyond
    ``silence``, which its owner calls too long (0: not said).
    """
    apart = [b.at - a.at for a, b in itertools.pairwise(buckets)]
    usual = int(statistics.median(apart)) if apart else step
    return max(2 * step, min(_MISSED * usual, silence or _MISSED * usual))


def shares(
    cells: Iterable[Cell], width: int, step: int, span: tuple[int, int], hold: int
) -> list[Share]:
    """Cells of a yes-or-no value as buckets of ``step`` within ``span`` (wall ns, of steps).

    Within a cell its reports count alike. What the last one said holds until the next cell, but
    not beyond ``hold``: then nobody knows. ``cells`` may begin before the span.
    """
    begin, end = span
    made: dict[int, list[float]] = {}
    waiting: tuple[int, float] | None = None
    for cell in _merged(cells):
        at = cell.slot * width
        if waiting is not None:
            since, last = waiting
            if at - since <= hold - width:
                _spread(made, step, max(since, begin), min(at, end), last)
        if begin <= at < end:
            _spread(made, step, at, at + width, cell.total / cell.reports)
            bucket = made[at // step]
            bucket[2] += cell.reports
            bucket[3] = int(bucket[3]) | cell.flags
            bucket[4] = max(bucket[4], cell.high)
        waiting = (at + width, cell.last)
    if waiting is not None:
        since, last = waiting
        _spread(made, step, max(since, begin), min(since - width + hold, end), last)
    return [
        Share(at * step, known[1] / known[0], bool(known[4]), int(known[2]), int(known[3]))
        for at, known in sorted(made.items())
    ]


def _spread(made: dict[int, list[float]], step: int, since: int, until: int, share: float) -> None:
    """``share`` of the time from ``since`` to ``until`` was yes: noted in every bucket of it."""
    while since < until:
        number = since // step
        upto = min(until, (number + 1) * step)
        bucket = made.setdefault(number, [0, 0, 0, 0, 0])
        bucket[0] += upto - since
        bucket[1] += (upto - since) * share
        if share:
            bucket[4] = 1
        since = upto


def _merged(cells: Iterable[Cell]) -> list[Cell]:
    """One cell for each slot, in order of time; of one slot they come in the journal's order."""
    found: dict[int, Cell] = {}
    for cell in cells:
        other = found.get(cell.slot)
        found[cell.slot] = cell if other is None else Cell(
            cell.slot, other.reports + cell.reports, min(other.low, cell.low),
            max(other.high, cell.high), other.total + cell.total, cell.last,
            other.flags | cell.flags,
        )  # fmt: skip
    return [found[slot] for slot in sorted(found)]
