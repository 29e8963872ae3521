"""A journal read from a file beside the gateway that may be writing it: in pages, never locked.

Each page is a statement of its own, so that the gateway can fold its write-ahead log meanwhile;
how far is read was settled at the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from gateway.model import Lane, Reading, Record
from gateway.replay.axis import Axis
from gateway.store.journal_file import Chunk, JournalFile, Start

PAGE: Final = 5_000
"""Records in memory at once, about; a commit is never cut."""
_FARTHEST: Final = 200_000
"""Records that one look around a moment goes through to either side."""


class Lost(NamedTuple):
    """Records that are numbered and can not be read."""

    damaged: int
    """Their bytes are there and broken."""
    gone: int
    """Retention took them while they were being read, or a gap was left."""


class Source:
    """``upto`` is the newest record when it was opened."""

    def __init__(self, file: JournalFile, start: Start) -> None:
        self._file = file
        self.offsets = start.offsets
        """What each boot's clock was worth: boot -> wall minus mono, ns."""
        self.axis = Axis(start.offsets)
        self.upto = start.totals.stored
        self.arrival = start.arrival
        """Of the newest record; 0 in an empty journal."""
        self.oldest = min(file.oldest(), self.upto + 1)
        self.damaged = 0
        self.gone = 0
        if file.reader.in_transaction:
            file.reader.commit()  # nothing is held while pages are played

    @property
    def lost(self) -> Lost:
        """What ``pages`` did not find so far."""
        return Lost(self.damaged, self.gone)

    def pages(self, first: int, last: int) -> Iterator[list[Record]]:
        """Records ``first`` to ``last`` in their order; what is unreadable is counted."""
        after = first - 1
        while after < last:
            chunks = self._file.chunks(after, Lane.everything, PAGE)
            page: list[Record] = []
            for chunk in chunks:
                if chunk.first > last:
                    break
                self.gone += max(chunk.first - after - 1, 0)
                page += self._of(chunk, after, last)
                after = min(chunk.last, last)
            if not chunks or chunks[0].first > last:
                self.gone += last - after
                return
            yield page

    def _of(self, chunk: Chunk, after: int, last: int) -> list[Record]:
        if not chunk.records:
            self.damaged += min(chunk.last, last) - max(chunk.first - 1, after)
            return []
        self.axis.note(chunk.records[0])
        self.axis.note(chunk.records[-1])
        if after < chunk.first and chunk.last <= last:
            return chunk.records
        return [record for record in chunk.records if after < record.n <= last]

    def first_since(self, wall: int) -> int:
        """The number of the first record at or after ``wall`` (ns UTC); ``upto`` + 1 if none.

        Bisects, so it is only as right as wall times rise.
        """
        low, high = self.oldest, self.upto + 1
        while low < high:
            middle = (low + high) // 2
            record = self.next_from(middle)
            if record is None or self.axis.wall_of(record) >= wall:
                high = middle
            else:
                low = record.n + 1
        return low

    def first_arrived(self, arrival: int) -> int:
        """The number of the first record that arrived at or after ``arrival``."""
        low, high = self.oldest, self.upto + 1
        while low < high:
            middle = (low + high) // 2
            record = self.next_from(middle)
            if record is None or record.arrival >= arrival:
                high = middle
            else:
                low = record.n + 1
        return low

    def record(self, n: int) -> Record | None:
        """Record ``n`` if it is kept and sound."""
        found = self.next_from(n) if self.oldest <= n <= self.upto else None
        return found if found is not None and found.n == n else None

    def next_from(self, n: int) -> Record | None:
        """The first sound record numbered ``n`` or above."""
        after = n - 1
        while after < self.upto:
            chunks = self._file.chunks(after, Lane.everything, 1)
            if not chunks:
                return None
            if chunks[0].records:
                return next(record for record in chunks[0].records if record.n > after)
            after = chunks[0].last
        return None

    # --- around a moment ------------------------------------------------------------------

    def before(self, device: str, n: int, most: int) -> list[Record]:
        """The newest ``most`` reports of ``device`` numbered below ``n``, oldest first."""
        found: list[Record] = []
        upper, step = n - 1, 500
        while upper >= self.oldest and len(found) < most and n - upper <= _FARTHEST:
            lower = max(upper - step + 1, self.oldest)
            page = [r for r in self._quietly(lower, upper) if _is_of(r, device)]
            found = page + found
            upper, step = lower - 1, step * 2
        return found[-most:]

    def after(self, device: str, n: int, most: int) -> list[Record]:
        """The oldest ``most`` reports of ``device`` numbered above ``n``."""
        found: list[Record] = []
        lower, step = n + 1, 500
        while lower <= self.upto and len(found) < most and lower - n <= _FARTHEST:
            upper = min(lower + step - 1, self.upto)
            found += [r for r in self._quietly(lower, upper) if _is_of(r, device)]
            lower, step = upper + 1, step * 2
        return found[:most]

    def editions_at(self, n: int) -> dict[str, str]:
        """``rules`` and ``registry`` -> digest, as in force once record ``n`` is done."""
        return {what: each.digest for what, each in self._file.editions_at(n).items()}

    def edition(self, digest: str) -> bytes | None:
        """The content of an edition; None where it is not kept or can not be read."""
        return self._file.edition(digest)

    def _quietly(self, first: int, last: int) -> list[Record]:
        """Records ``first`` to ``last``, nothing counted: the same may be looked at twice."""
        found: list[Record] = []
        after = first - 1
        while after < last:
            chunks = self._file.chunks(after, Lane.everything, last - after)
            for chunk in chunks:
                found += [record for record in chunk.records if after < record.n <= last]
            if not chunks:
                break
            after = chunks[-1].last
        return found


def _is_of(record: Record, device: str) -> bool:
    return isinstance(record.item, Reading) and record.item.device == device
