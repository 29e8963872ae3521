"""The charts' file: every SQL statement of ``history.db``, synchronous, for one thread.

Nothing here is the only copy of anything: a file that is broken or from another journal is begun
anew and filled from the journal again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway.ports import Unavailable
from gateway.store.schema import opened, trouble

_CACHE_KIB: Final = 512
_ROOM: Final = 16_777_216
"""Devices that a stretch has numbers for."""
_NAMES_MOST: Final = 100_000
"""Names beyond which those without cells are let go."""


class Stretch(NamedTuple):
    """What was folded at once: wall ns of the first cell's begin and the last one's end."""

    oldest: int
    newest: int
    bodies: list[tuple[str, bytes]]
    """Device and its packed cells."""


class HistoryFile:
    """Opened by ``open``. What the database refuses becomes ``Unavailable`` with one line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection

    def open(self, wall: int, journal: str, last: int) -> int:
        """The bookmark in the journal of that id, which ends at record ``last``.

        Of another journal the cells are kept, and its reader begins at 0. A bookmark behind the
        journal's end means that an older journal was put back: what it says now counts.
        """
        self._connection, _ = opened(self._path, "history", wall)
        try:
            execute = self._connection.execute
            execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            row = execute("SELECT journal, n FROM bookmark").fetchone()
            if row is None or row[0] != journal:
                return 0
            if row[1] > last:
                self._empty()
                return 0
            return int(row[1])
        except sqlite3.Error as error:
            raise Unavailable(trouble(self._path, error)) from None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _empty(self) -> None:
        for table in ("cells", "device", "stretch", "bookmark"):
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def put(self, stretch: Stretch | None, journal: str, n: int) -> None:
        """Keep a stretch with the bookmark behind it, in one transaction; None: nothing to draw."""
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            if stretch is not None:
                self._put(stretch)
            execute("INSERT OR REPLACE INTO bookmark VALUES (1, ?, ?)", (journal, n))
            execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise Unavailable(trouble(self._path, error)) from None

    def _put(self, stretch: Stretch) -> None:
        execute, many = self._connection.execute, self._connection.executemany
        row = (stretch.oldest, stretch.newest)
        id_ = execute("INSERT INTO stretch (oldest, newest) VALUES (?, ?)", row).lastrowid or 0
        names = [(device,) for device, _ in stretch.bodies]
        many("INSERT OR IGNORE INTO device (name) VALUES (?)", names)
        rows = [(id_ * _ROOM + self._number(device), body) for device, body in stretch.bodies]
        many("INSERT INTO cells VALUES (?, ?)", sorted(rows))

    def _number(self, device: str) -> int:
        found = self._asked("SELECT number FROM device WHERE name = ?", (device,))
        return int(found[0][0]) if found else 0

    def bodies(self, device: str, since: int, until: int) -> Iterator[bytes]:
        """The packed cells of a device from every stretch within (wall ns), in their order."""
        rows = self._asked(
            "SELECT body FROM stretch CROSS JOIN cells ON cells.id = stretch.id * ? + ?"
            " WHERE newest > ? AND oldest < ? ORDER BY stretch.id",
            (_ROOM, self._number(device), since, until),
        )
        return (row[0] for row in rows)

    def oldest(self) -> int | None:
        """Wall ns of the first cell that is kept; None: there is none."""
        [row] = self._asked("SELECT min(oldest) FROM stretch")
        return row[0] if row[0] is None else int(row[0])

    def retain(self, before: int, most_bytes: int) -> None:
        """Let go what ends before ``before`` (wall ns) and the oldest tenth over ``most_bytes``.

        The log is folded into the file: what is on the disk is what is counted.
        """
        try:
            gone = self._asked("SELECT id FROM stretch WHERE newest < ?", (before,))
            if self._size() > most_bytes:
                gone += self._asked(
                    "SELECT id FROM stretch ORDER BY id"
                    " LIMIT (SELECT max(1, count(*) / 10) FROM stretch)"
                )
            if gone:
                self._let_go({row[0] for row in gone})
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise Unavailable(trouble(self._path, error)) from None

    def _let_go(self, ids: Iterable[int]) -> None:
        execute = self._connection.execute
        with self._connection:
            execute("BEGIN IMMEDIATE")
            for id_ in ids:
                span = (id_ * _ROOM, (id_ + 1) * _ROOM)
                execute("DELETE FROM cells WHERE id >= ? AND id < ?", span)
                execute("DELETE FROM stretch WHERE id = ?", (id_,))
            if execute("SELECT count(*) > ? FROM device", (_NAMES_MOST,)).fetchone()[0]:
                execute(
                    "DELETE FROM device WHERE number NOT IN (SELECT id % ? FROM cells)", (_ROOM,)
                )
        # As a script: a statement without columns is stepped once, and each step frees one page.
        self._connection.executescript("PRAGMA incremental_vacuum")

    def _size(self) -> int:
        [[used]] = self._asked(
            "SELECT (page_count - freelist_count) * page_size"
            " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        )
        return int(used)

    def _asked(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise Unavailable(trouble(self._path, error)) from None
