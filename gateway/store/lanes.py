"""The readers' side of the journal: where a lane stands, what it is given, what memory holds."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from gateway.model import Lane, Quality, Reading, Record
from gateway.store.journal_file import Bookmark, Chunk

_MOST: Final = 20_000
"""Records kept in memory for readers that are nearly up to date."""


class Read(NamedTuple):
    """What a reader gets: records, how far was looked, and how many could not be read any more."""

    records: list[Record]
    upto: int
    damaged: int


class LaneState:
    """Where one lane of a reader stands, in memory; the file follows lazily."""

    def __init__(self, reader: str, lane: Lane, mark: Bookmark) -> None:
        self.reader = reader
        self.lane = lane
        self.n = mark.n
        self.delivered = mark.delivered
        self.dropped: Counter[str] = Counter(mark.dropped)

    def bookmark(self) -> Bookmark:
        """As the file wants it."""
        return Bookmark(self.n, self.delivered, dict(self.dropped))


class Tail:
    """The newest chunks, until every reader has passed them or the bound is reached."""

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()
        self._count = 0

    def add(self, records: list[Record]) -> None:
        """The records of one commit."""
        urgent = sum(record.urgent for record in records)
        self._chunks.append(Chunk(records[0].n, len(records), urgent, records))
        self._count += len(records)

    def forget(self, passed: int) -> None:
        """Drop what ends at or before ``passed``, and what is over the bound."""
        chunks = self._chunks
        while chunks and (chunks[0].last <= passed or self._count > _MOST):
            self._count -= chunks.popleft().size

    def holds(self, after: int) -> bool:
        """Whether every record above ``after`` is here."""
        return bool(self._chunks) and after + 1 >= self._chunks[0].first

    def after(self, after: int) -> Iterator[Chunk]:
        """Chunks that hold records above ``after``."""
        skip = 0
        for skip, chunk in enumerate(reversed(self._chunks)):  # noqa: B007 - the count is wanted
            if chunk.first <= after + 1:
                break
        return itertools.islice(self._chunks, len(self._chunks) - 1 - skip, None)


def pick(chunks: Iterable[Chunk], lane: Lane, after: int, most: int) -> Read:
    """About ``most`` records of ``lane`` above ``after``; an unreadable chunk is only counted."""
    found: list[Record] = []
    upto, damaged = after, 0
    for chunk in chunks:
        if not chunk.records:
            damaged += min(chunk.of_lane(lane), chunk.last - after)
            upto = chunk.last
            continue
        fresh = _of_lane(chunk, lane, after)
        if len(found) + len(fresh) > most:
            found += fresh[: most - len(found)]
            return Read(found, found[-1].n if found else upto, damaged)
        found += fresh
        upto = chunk.last
    return Read(found, upto, damaged)


def _of_lane(chunk: Chunk, lane: Lane, after: int) -> list[Record]:
    records = chunk.records[max(0, after + 1 - chunk.first) :]
    if lane is Lane.alarms:
        return [record for record in records if record.urgent] if chunk.urgent else []
    if lane is Lane.rest and chunk.urgent:
        return [record for record in records if not record.urgent]
    return records


def put_right(record: Record, offsets: Mapping[str, int]) -> Record:
    """A record of an untrusted clock with the wall time that was learnt later.

    ``offsets``: boot -> wall minus mono, ns.
    """
    offset = None if record.trusted else offsets.get(record.boot)
    if offset is None:
        return record
    wall = record.mono + offset
    item = record.item
    if isinstance(item, Reading):
        doubted = item.quality is Quality.clock_suspect
        from_ours = doubted or item.observed_at is None
        item = msgspec.structs.replace(
            item,
            received_at=wall,
            at=wall + (item.at - item.received_at) if from_ours else item.at,
            quality=Quality.good if doubted else item.quality,
        )
    return msgspec.structs.replace(record, wall=wall, trusted=True, item=item)
