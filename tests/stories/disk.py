"""A journal that takes nothing for a while, because another program holds its file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from gateway.store.journal import Journal
from tests.stories.house import House


@contextmanager
def held(house: House) -> Iterator[None]:
    """Commits wait: nothing gets to the disk, and nothing fails for the next 5 s."""
    with closing(sqlite3.connect(house.data / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


async def fails_at_once(house: House) -> None:
    """From now on a commit that has to wait fails: a story need not last for the 5 s."""
    journal = house.running.view._journal  # type: ignore[attr-defined]
    assert isinstance(journal, Journal)
    await journal._in_writer(_set_patience, journal._file.writer, 10)


def _set_patience(connection: sqlite3.Connection, milliseconds: int) -> None:
    connection.execute(f"PRAGMA busy_timeout = {milliseconds}").fetchall()
