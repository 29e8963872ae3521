"""The journal's file: every SQL statement of ``journal.db``, synchronous, for one thread each.

A commit group is one row: numbers are dense, so the row's key is its first record. What a
group refused is counted in the same transaction as what it stored.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from gateway.model import SECOND, Lane, Reading, Record
from gateway.store import journal_editions
from gateway.store.journal_editions import InForce
from gateway.store.schema import opened

_COMPRESSION: Final = 1
"""Level 1 takes nine tenths of what level 6 gains, at a third of its time."""
_QUARANTINE_ROWS: Final = 10_000
_QUARANTINE_BYTES: Final = 4_096
"""What is kept of one refused payload."""
_CACHE_KIB: Final = 512
_MOST_CHUNKS: Final = 50_000
"""Commits that one look at a device's past may go through: half a second of one core."""
_SET_BACK: Final = 3_600 * SECOND
"""How far a clock that is believed may have been set back between two commits."""
_BALLAST: Final = 8_000_000
_MAGIC: Final = b"SQLite format 3\0"

_FROM: Final = (
    "SELECT first, count, urgent, body FROM chunk WHERE first >= "
    "coalesce((SELECT max(first) FROM chunk WHERE first <= ?), 0) AND first + count > ? "
)
_AFTER: Final = {
    Lane.alarms: _FROM + "AND urgent > 0 ORDER BY first",
    Lane.rest: _FROM + "AND urgent < count ORDER BY first",
    Lane.everything: _FROM + "ORDER BY first",
}

_encode = msgspec.msgpack.Encoder().encode
_decode_records = msgspec.msgpack.Decoder(list[Record]).decode
_decode_counts = msgspec.msgpack.Decoder(dict[str, int]).decode


class Bookmark(NamedTuple):
    """Where a lane of a reader stands, and what became of everything before."""

    n: int
    delivered: int
    dropped: Mapping[str, int]


class Quarantined(NamedTuple):
    """Something refused for good. ``n`` is the record a sink refused, 0 for raw bytes."""

    wall: int
    source: str
    n: int
    reason: str
    raw: bytes


class Totals(NamedTuple):
    """The ledger's left side, as of one commit."""

    received: int
    stored: int
    refused: Mapping[str, int]


class Start(NamedTuple):
    """What opening the file found."""

    journal_id: str
    put_aside: Path | None
    totals: Totals
    arrival: int
    bookmarks: dict[tuple[str, Lane], Bookmark]
    offsets: dict[str, int]
    """Boot -> wall minus mono, ns, where the time was learnt only later."""
    untimed: str
    """The boot of the newest commit if nobody believed its clock; else ""."""


class Chunk(NamedTuple):
    """One commit's worth of records, ``urgent`` of them for the alarm lane.

    ``records`` is empty when the bytes on disk can not be read any more: ``first`` and
    ``size`` still say which records those were.
    """

    first: int
    size: int
    urgent: int
    records: list[Record]

    @property
    def last(self) -> int:
        """The number of the last record."""
        return self.first + self.size - 1

    def of_lane(self, lane: Lane) -> int:
        """How many of its records travel in ``lane``."""
        counts = {Lane.alarms: self.urgent, Lane.rest: self.size - self.urgent}
        return counts.get(lane, self.size)


def _storable(text: str) -> str:
    """What is refused may be refused because no database would take its name."""
    return text.encode("utf-8", "replace").decode()


def _chunk(first: int, count: int, urgent: int, body: bytes) -> Chunk:
    try:
        records = _decode_records(zlib.decompress(body))
    except (zlib.error, msgspec.DecodeError):
        records = []
    sound = len(records) == count and records[0].n == first
    return Chunk(first, count, urgent, records if sound else [])


def ledger(
    totals: Totals, bookmarks: Mapping[tuple[str, Lane], Bookmark], in_flight: int = 0
) -> dict[str, Any]:
    """Where every item went. received = stored + refused; stored = delivered + waiting + dropped.

    ``in_flight`` is what an unfinished commit holds: outside the sums.
    """
    readers: dict[str, dict[str, Any]] = {}
    for (name, _), mark in bookmarks.items():
        entry = readers.setdefault(name, {"delivered": 0, "waiting": 0, "dropped": {}})
        entry["delivered"] += mark.delivered
        for reason, count in mark.dropped.items():
            entry["dropped"][reason] = entry["dropped"].get(reason, 0) + count
    for entry in readers.values():
        entry["waiting"] = totals.stored - entry["delivered"] - sum(entry["dropped"].values())
    return {
        "received": totals.received,
        "refused": dict(totals.refused),
        "stored": totals.stored,
        "in_flight": in_flight,
        "readers": readers,
    }


class JournalFile:
    """``writer``, ``reader`` and ``browser`` (people who look) each belong to one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.writer: sqlite3.Connection
        self.reader: sqlite3.Connection
        self.browser: sqlite3.Connection

    # --- opening ------------------------------------------------------------------

    def open(self, wall: int, new_id: str) -> Start:
        """Check, migrate, and say where everything stands. ``new_id`` names a new journal."""
        self.writer, put_aside = opened(self._path, "journal", wall)
        write = self.writer.execute
        write(f"PRAGMA cache_size = -{_CACHE_KIB}")
        write("INSERT OR IGNORE INTO meta VALUES ('id', ?)", (new_id,))
        write("INSERT OR IGNORE INTO tally VALUES (1, 0, ?)", (_encode({}),))
        self.reader = self._connect_to_read()
        self.browser = self._connect_to_read()
        self.keep_ballast()
        return self._start(self.writer, put_aside)

    def _connect_to_read(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{self._path}?mode=ro", uri=True, check_same_thread=False, isolation_level=None
        )
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return connection

    def _start(self, connection: sqlite3.Connection, put_aside: Path | None) -> Start:
        ask = connection.execute
        (journal_id,) = ask("SELECT value FROM meta WHERE key = 'id'").fetchone()
        newest = ask(
            "SELECT arrival, boot, trusted FROM chunk ORDER BY first DESC LIMIT 1"
        ).fetchone()
        return Start(
            journal_id,
            put_aside,
            self.totals(connection),
            newest[0] if newest else 0,
            self._bookmarks(connection),
            dict(ask("SELECT boot, offset FROM clock_offset").fetchall()),
            newest[1] if newest and not newest[2] else "",
        )

    def look(self) -> Start:
        """Open to read only, beside a gateway that may be running. Raises ``sqlite3.Error``."""
        self.reader = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, isolation_level=None)
        self.reader.execute("BEGIN")  # one snapshot for all that is looked at
        return self._start(self.reader, None)

    def close(self) -> None:
        """Close every connection; the last one folds the WAL into the file."""
        self.browser.close()
        self.reader.close()
        self.writer.close()

    # --- the writer's thread --------------------------------------------------------

    def append(
        self,
        records: Sequence[Record],
        received: int,
        refused: Mapping[str, int] | None,
        quarantined: Sequence[Quarantined],
        bookmarks: Mapping[tuple[str, Lane], Bookmark],
    ) -> int:
        """One commit; the number of bytes of its body. ``refused`` is None when unchanged."""
        body = zlib.compress(_encode(records), _COMPRESSION) if records else b""
        execute = self.writer.execute
        execute("BEGIN IMMEDIATE")
        try:
            if records:
                last = records[-1]
                urgent = sum(record.urgent for record in records)
                row = (records[0].n, len(records), urgent, received, last.arrival, last.wall)
                trusted = all(record.trusted for record in records)
                execute(
                    "INSERT INTO chunk VALUES (?,?,?,?,?,?,?,?,?)",
                    (*row, last.boot, trusted, body),
                )
                journal_editions.note(self.writer, records)
            if refused is not None:
                execute("UPDATE tally SET received = ?, refused = ?", (received, _encode(refused)))
            self._quarantine(quarantined)
            self._save(bookmarks)
            execute("COMMIT")
        except sqlite3.Error:
            if self.writer.in_transaction:
                execute("ROLLBACK")
            raise
        return len(body)

    def save(
        self,
        bookmarks: Mapping[tuple[str, Lane], Bookmark],
        quarantined: Sequence[Quarantined] = (),
    ) -> None:
        """Bookmarks alone, when no commit came along to carry them."""
        with self.writer:
            self.writer.execute("BEGIN IMMEDIATE")
            self._save(bookmarks)
            self._quarantine(quarantined)

    def set_offset(self, boot: str, offset: int) -> None:
        """The wall clock of ``boot`` is known now: wall = mono + ``offset``."""
        self.writer.execute("INSERT OR REPLACE INTO clock_offset VALUES (?, ?)", (boot, offset))

    def put_edition(self, what: str, digest: str, body: bytes) -> None:
        """Keep the content that records will name ``digest``."""
        journal_editions.put(self.writer, what, digest, body)

    def cut(
        self,
        before: int,
        bookmarks: Mapping[tuple[str, Lane], Bookmark],
        spared: Sequence[str] = (),
    ) -> None:
        """Delete chunks that end before record ``before``; give their space back.

        Editions that no record from ``before`` on can need go too, except those ``spared``.
        """
        with self.writer:
            self.writer.execute("BEGIN IMMEDIATE")
            self.writer.execute("DELETE FROM chunk WHERE first + count <= ?", (before,))
            journal_editions.cut(self.writer, before, spared)
            self._save(bookmarks)
        # As a script: a statement without columns is stepped once, and each step frees one page.
        self.writer.executescript("PRAGMA incremental_vacuum")
        self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def limit_pages(self, pages: int) -> None:
        """SQLite's own limit: a full disk for tests, a quota for a shared one."""
        self.writer.execute(f"PRAGMA max_page_count = {int(pages)}").fetchall()

    def _quarantine(self, rows: Sequence[Quarantined]) -> None:
        if not rows:
            return
        self.writer.executemany(
            "INSERT INTO quarantine (wall, source, n, reason, raw) VALUES (?,?,?,?,?)",
            [
                row._replace(
                    source=_storable(row.source),
                    reason=_storable(row.reason),
                    raw=row.raw[:_QUARANTINE_BYTES],
                )
                for row in rows
            ],
        )
        self.writer.execute(
            "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?",
            (_QUARANTINE_ROWS,),
        )

    def _save(self, bookmarks: Mapping[tuple[str, Lane], Bookmark]) -> None:
        for (reader, lane), mark in bookmarks.items():
            self.writer.execute(
                "INSERT OR REPLACE INTO bookmark VALUES (?,?,?,?,?)",
                (reader, lane.value, mark.n, mark.delivered, _encode(dict(mark.dropped))),
            )

    # --- the reader's thread --------------------------------------------------------

    def chunks(self, after: int, lane: Lane, most: int) -> list[Chunk]:
        """Chunks holding records numbered above ``after``, about ``most`` records of ``lane``.

        The first may begin at or before ``after``; a chunk without a record of the lane is
        left out.
        """
        return self._chunks(self.reader, after, lane, most)

    def past(self, after: int, most: int) -> list[Chunk]:
        """The same for whoever may wait: nobody waits for them."""
        return self._chunks(self.browser, after, Lane.everything, most)

    def _chunks(
        self, connection: sqlite3.Connection, after: int, lane: Lane, most: int
    ) -> list[Chunk]:
        rows = connection.execute(_AFTER[lane], (after + 1, after + 1))
        found: list[Chunk] = []
        count = 0
        for row in rows:
            found.append(_chunk(*row))
            count += found[-1].of_lane(lane)
            if count >= most:
                break
        rows.close()
        return found

    def newest_first(self) -> Iterator[Chunk]:
        """Every chunk, newest first."""
        rows = self.reader.execute(
            "SELECT first, count, urgent, body FROM chunk ORDER BY first DESC"
        )
        yield from (_chunk(*row) for row in rows)

    def readings(self, device: str, since: int, limit: int) -> list[Reading]:
        """Readings of ``device`` received at or after ``since`` (wall ns), newest ``limit``."""
        found, _ = self.records_of(device, since, limit)
        return [
            record.item
            for record in found
            if isinstance(record.item, Reading) and record.wall >= since
        ]

    def records_of(self, device: str, since: int, limit: int) -> tuple[list[Record], bool]:
        """What ``device`` reported since ``since`` (wall ns), and whether that is all of it.

        The newest ``limit``, oldest first, and those whose wall time can not be believed. For
        people who look: on a connection of its own, so that nobody else waits, and over a bounded
        number of commits.
        """
        found: list[Record] = []
        name, looked, whole = device.encode("utf-8", "surrogatepass"), 0, False
        rows = self.browser.execute(
            "SELECT wall, trusted, first, count, urgent, body FROM chunk"
            " ORDER BY first DESC LIMIT ?",
            (_MOST_CHUNKS,),
        )
        for wall, trusted, *row in rows:
            if trusted and wall < since - _SET_BACK:
                whole = True
                break
            looked += 1
            found += self._of_device(row, name, device, since)
            if len(found) >= limit:
                break
        rows.close()
        whole = whole or (looked < _MOST_CHUNKS and len(found) < limit)
        return found[:limit][::-1], whole

    def _of_device(
        self, row: Sequence[Any], name: bytes, device: str, since: int
    ) -> Iterator[Record]:
        """Newest first. Most commits hold nothing of it, and most of those are not decoded."""
        try:
            if name not in zlib.decompress(row[3]):
                return
        except zlib.error:
            return
        for record in reversed(_chunk(*row).records):
            item = record.item
            recent = record.wall >= since or not record.trusted
            if recent and isinstance(item, Reading) and item.device == device:
                yield record

    def between(self, after: int, upto: int) -> tuple[int, int]:
        """How many records in (``after``, ``upto``] are urgent, and how many are not."""
        urgent = rest = 0
        rows = self.reader.execute(
            "SELECT first, count, urgent, body FROM chunk WHERE first + count > ? AND first <= ?",
            (after + 1, upto),
        )
        for row in rows:
            first, count, of_urgent, _ = row
            if first > after and first + count - 1 <= upto:
                urgent, rest = urgent + of_urgent, rest + count - of_urgent
                continue
            for record in _chunk(*row).records:
                if after < record.n <= upto:
                    urgent, rest = urgent + record.urgent, rest + (not record.urgent)
        return urgent, rest

    def expired(self, arrival: int, most_bytes: int) -> int:
        """The first record to keep: older ones are past the age, or the file past its size.

        The newest chunk always stays: it carries the last number given out.
        """
        oldest, newest = self.reader.execute("SELECT min(first), max(first) FROM chunk").fetchone()
        if oldest is None:
            return 0
        row = self.reader.execute(
            "SELECT first FROM chunk WHERE arrival >= ? ORDER BY first LIMIT 1", (arrival,)
        ).fetchone()
        keep_from = row[0] if row else newest
        size = self.size()
        if size > most_bytes:
            # A tenth is let go at once, so that it is not done again with every commit.
            (body,) = self.reader.execute("SELECT sum(length(body)) FROM chunk").fetchone()
            excess = max((size - most_bytes) / size, 0.1) * body
            keep_from = max(keep_from, self._after_bytes(excess))
        return int(min(max(keep_from, oldest), newest))

    def oldest(self) -> int:
        """The number of the oldest record that is kept; 1 for an empty journal."""
        (first,) = self.reader.execute("SELECT min(first) FROM chunk").fetchone()
        return int(first or 1)

    def edition(self, digest: str) -> bytes | None:
        """See ``journal_editions.content``."""
        return journal_editions.content(self.reader, digest)

    def editions_at(self, n: int) -> dict[str, InForce]:
        """See ``journal_editions.in_force``."""
        return journal_editions.in_force(self.reader, n)

    def _after_bytes(self, excess: float) -> int:
        """The first record behind the oldest ``excess`` bytes of bodies."""
        gone = 0.0
        rows = self.reader.execute("SELECT first + count, length(body) FROM chunk ORDER BY first")
        for end, length in rows:
            gone += length
            if gone >= excess:
                rows.close()
                return int(end)
        return 0

    def size(self) -> int:
        """Bytes on disk, the WAL included."""
        wal = self._path.with_name(self._path.name + "-wal")
        return self._path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)

    def totals(self, connection: sqlite3.Connection) -> Totals:
        """The ledger's left side in one snapshot."""
        execute = connection.execute
        (tallied, refused) = execute("SELECT received, refused FROM tally").fetchone()
        last = execute(
            "SELECT first + count - 1, received FROM chunk ORDER BY first DESC LIMIT 1"
        ).fetchone() or (0, 0)
        return Totals(max(tallied, last[1]), last[0], _decode_counts(refused))

    def quarantined(self, limit: int) -> list[Quarantined]:
        """The newest rows of the quarantine."""
        rows = self.reader.execute(
            "SELECT wall, source, n, reason, raw FROM quarantine ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return [Quarantined(*row) for row in rows]

    def verify(self) -> list[str]:
        """What is wrong: by SQLite's own check, gaps, and bodies that can not be read."""
        wrong = [
            str(row[0])
            for row in self.reader.execute("PRAGMA integrity_check(20)")
            if row[0] != "ok"
        ]
        expected = None
        for row in self.reader.execute(
            "SELECT first, count, urgent, body FROM chunk ORDER BY first"
        ):
            chunk = _chunk(*row)
            if expected is not None and chunk.first != expected:
                wrong.append(f"records {expected} to {chunk.first - 1} are missing")
            if not chunk.records:
                wrong.append(f"records {chunk.first} to {chunk.last} can not be read")
            expected = chunk.last + 1
        return wrong

    def is_whole(self) -> bool:
        """Whether the file still looks like a database from outside: nobody wrote over it."""
        with self._path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC

    # --- room on the disk -----------------------------------------------------------

    def keep_ballast(self) -> None:
        """Hold some space that can be let go when the disk is full: even deleting needs some."""
        ballast = self._ballast
        if ballast.exists() and ballast.stat().st_size == _BALLAST:
            return
        if shutil.disk_usage(self._path.parent).free < 4 * _BALLAST:
            return
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _BALLAST)

    def drop_ballast(self) -> None:
        """Give the held space to SQLite, and let it fold its WAL."""
        self._ballast.unlink(missing_ok=True)
        self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @property
    def _ballast(self) -> Path:
        return self._path.with_name(f"{self._path.stem}.ballast")

    def _bookmarks(self, connection: sqlite3.Connection) -> dict[tuple[str, Lane], Bookmark]:
        return {
            (reader, Lane(lane)): Bookmark(n, delivered, _decode_counts(dropped))
            for reader, lane, n, delivered, dropped in connection.execute("SELECT * FROM bookmark")
        }
