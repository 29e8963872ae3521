"""Tables ``edition`` and ``edition_use`` of ``journal.db``: what rules and registry said, and when.

Content is kept under its digest once, however often it comes into force again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway.model import Edition, Record

_SINCE: Final = 2
"""The schema that has the tables; a file that is only looked at may be an earlier version's."""


class InForce(NamedTuple):
    """An edition, and the record from which on it is in force; retention may have taken that."""

    digest: str
    since: int


def put(connection: sqlite3.Connection, what: str, digest: str, body: bytes) -> None:
    """Keep ``body``; it takes the place of one under the same digest that may be damaged."""
    row = (digest, what, body)
    connection.execute("INSERT OR REPLACE INTO edition VALUES (?, ?, ?)", row)


def note(connection: sqlite3.Connection, records: Sequence[Record]) -> None:
    """Which of ``records`` name an edition, in the transaction that stores them."""
    for record in records:
        if type(item := record.item) is Edition:
            row = (record.n, item.what, item.digest)
            connection.execute("INSERT OR REPLACE INTO edition_use VALUES (?, ?, ?)", row)


def cut(connection: sqlite3.Connection, before: int, spared: Sequence[str]) -> None:
    """Let go what no record from ``before`` on needs, except ``spared``.

    The newest of its kind below ``before`` is still in force there: it stays.
    """
    connection.execute(
        "DELETE FROM edition_use WHERE n < (SELECT max(newest.n) FROM edition_use AS newest"
        " WHERE newest.what = edition_use.what AND newest.n < ?)",
        (before,),
    )
    connection.execute(
        "DELETE FROM edition WHERE digest NOT IN (SELECT digest FROM edition_use)"
        " AND digest NOT IN (SELECT value FROM json_each(?))",
        (json.dumps(list(spared)),),
    )


def content(connection: sqlite3.Connection, digest: str) -> bytes | None:
    """What records name ``digest``; None where it is not kept."""
    if not _has_tables(connection):
        return None
    row = connection.execute("SELECT body FROM edition WHERE digest = ?", (digest,)).fetchone()
    return bytes(row[0]) if row else None


def in_force(connection: sqlite3.Connection, n: int) -> dict[str, InForce]:
    """By ``rules`` and ``registry``, once record ``n`` is done; none before the first.

    ``n`` may be the last one that retention let go.
    """
    if not _has_tables(connection):
        return {}
    rows = connection.execute(
        "SELECT what, digest, max(n) FROM edition_use WHERE n <= ? GROUP BY what", (n,)
    )
    return {what: InForce(digest, since) for what, digest, since in rows}


def _has_tables(connection: sqlite3.Connection) -> bool:
    return int(connection.execute("PRAGMA user_version").fetchone()[0]) >= _SINCE
