"""Readings folded into cells: what one value of one device was within one short span of time.

Folding is additive and works in the order of the journal: cells of the same span that were folded
apart say together what one would have said. A value may be yes or no; then 1 stands for yes.
"""

from __future__ import annotations

import itertools
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from gateway.model import SECOND, Quality, Reading, Value

MINUTE: Final = 60 * SECOND
"""Ns: the width of the cells that are kept."""
FLAGS: Final = ("late", "suspect", "stale", "clock_suspect", "retained")
"""What may have to be said of a reading, in the order of the bits of ``Cell.flags``."""
_LATE: Final = 1
_RETAINED: Final = 16
_QUALITY: Final = {
    Quality.good: 0,
    Quality.suspect: 2,
    Quality.stale: 4,
    Quality.clock_suspect: 8,
}
_WIDTH: Final = 7
_COMPRESSION: Final = 1


class Cell(NamedTuple):
    """One value within ``slot``: the span that begins at ``slot`` times the cells' width."""

    slot: int
    reports: int
    low: float
    high: float
    total: float
    last: float
    """Of what came last, which need not be the newest by its own time."""
    flags: int
    """What was to be said of any of the readings."""


class Column:
    """The cells of one value, in the order in which they began.

    One array of numbers, seven for each cell: a gateway holds tens of thousands.
    """

    __slots__ = ("numbers", "yes")

    def __init__(self, yes: bool) -> None:
        self.numbers = array("d")
        self.yes = yes
        """Whether every value so far was yes or no."""

    def add(self, slot: int, value: float, flags: int) -> bool:
        """Fold one value in; whether that took a new cell.

        Only the newest cell grows: what belongs to an earlier one begins another of that slot.
        """
        numbers = self.numbers
        if numbers and numbers[-7] == slot:
            numbers[-6] += 1
            if value < numbers[-5]:
                numbers[-5] = value
            elif value > numbers[-4]:
                numbers[-4] = value
            numbers[-3] += value
            numbers[-2] = value
            if flags:
                numbers[-1] = int(numbers[-1]) | flags
            return False
        numbers.extend((slot, 1, value, value, value, value, flags))
        return True

    def ends(self) -> tuple[int, int]:
        """The first slot and the last one."""
        slots = self.numbers[0::_WIDTH]
        return int(min(slots)), int(max(slots))

    def cells(self) -> Iterator[Cell]:
        """Each cell, in order."""
        numbers = self.numbers
        for at in range(0, len(numbers), _WIDTH):
            slot, count, low, high, total, last, flags = numbers[at : at + _WIDTH]
            yield Cell(int(slot), int(count), low, high, total, last, int(flags))


Columns = dict[str, Column]
"""By the name of the value."""


def flags_of(reading: Reading) -> int:
    """What has to be said of a reading, as bits."""
    return (
        _QUALITY[reading.quality]
        | (_LATE if reading.late else 0)
        | (_RETAINED if reading.retained else 0)
    )


def fold(columns: Columns, reading: Reading, width: int) -> int:
    """Fold a reading's numbers and yes-or-no values into ``columns``; how many cells it took.

    ``width`` is in ns. Texts can not be drawn and are left out.
    """
    slot, flags, taken = reading.at // width, flags_of(reading), 0
    for name, value in reading.values.items():
        if value.__class__ is str:
            continue
        column = columns.get(name)
        if column is None:
            column = columns[name] = Column(True)
        taken += _put(column, slot, value, flags)
    return taken


def _put(column: Column, slot: int, value: Value, flags: int) -> bool:
    if value.__class__ is not bool:
        column.yes = False
    return column.add(slot, float(value), flags)


# --- as they are stored ------------------------------------------------------------------

_Packed = tuple[bool, int, list[int], Any, list[float], Any, Any, Any, Any]
"""yes, first slot, steps to the following ones, counts, lows, highs, totals, lasts, flags.

What follows from the lows stands as None: of a device that reports once a minute everything.
"""
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
_decode_column: Final = msgspec.msgpack.Decoder(_Packed).decode


def packed(columns: Columns) -> bytes:
    """The cells of one device."""
    return zlib.compress(
        _encode({name: _pack(column) for name, column in columns.items()}), _COMPRESSION
    )


def _pack(column: Column) -> _Packed:
    numbers = column.numbers
    slots, counts, flags = ([int(n) for n in numbers[at::_WIDTH]] for at in (0, 1, 6))
    lows, highs, totals, lasts = (numbers[at::_WIDTH].tolist() for at in (2, 3, 4, 5))
    single = all(count == 1 for count in counts)
    return (
        column.yes,
        slots[0],
        [b - a for a, b in itertools.pairwise(slots)],
        None if single else counts,
        lows,
        None if highs == lows else highs,
        None if single else totals,
        None if lasts == lows else lasts,
        flags if any(flags) else None,
    )


class Damaged(ValueError):
    """Stored cells that can not be read any more."""


def unpacked(body: bytes, name: str) -> tuple[bool, list[Cell]] | None:
    """The cells of one value and whether it was yes or no throughout; None: it has none here.

    Raises ``Damaged``.
    """
    try:
        raw = _decode(zlib.decompress(body)).get(name)
        if raw is None:
            return None
        yes, slot, steps, counts, lows, highs, totals, lasts, flags = _decode_column(raw)
        slots = list(itertools.accumulate(steps, initial=slot))
        nothing = [0] * len(slots)
        columns = zip(
            slots, counts or [1] * len(slots), lows, highs or lows,
            totals or lows, lasts or lows, flags or nothing, strict=True,
        )  # fmt: skip
        return yes, [Cell(*each) for each in columns]
    except (zlib.error, msgspec.DecodeError, ValueError, TypeError) as error:
        raise Damaged(f"stored cells can not be read: {error}") from None


def gathered(parts: Iterable[tuple[bool, Sequence[Cell]]]) -> tuple[bool, list[Cell]]:
    """One value's cells from several places, and whether it was yes or no in all of them."""
    yes = True
    cells: list[Cell] = []
    for is_yes, some in parts:
        yes = yes and is_yes
        cells += some
    return yes, cells
