"""What ``cases.db`` is kept in: a file of SQLite, or a database of PostgreSQL by its URL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from gateway.ports import Unavailable
from gateway.store.cases_tables import COMPILED
from gateway.store.schema import is_broken, opened, trouble

_CACHE_KIB: Final = 512
"""Per connection: the working set is a few open incidents, and memory is scarce."""


class Database(Protocol):
    """One database, as the threads of ``cases_side.Side`` use it; none of it on the loop."""

    @property
    def name(self) -> str:
        """What messages call it; no secret is in it."""

    @property
    def patience(self) -> float | None:
        """Seconds after which a call without an answer is cut off; None: it always answers."""

    @property
    def overtaken(self) -> bool:
        """Somebody else has written since this program did: what it has in memory is old."""

    def open_to_write(self, wall: int) -> tuple[Engine, Path | None]:
        """An engine with one connection and the newest schema; where a broken file was put.

        ``wall``: UTC ns, for the name of that file. Raises ``Unavailable`` and what ``trouble``
        explains.
        """

    def open_to_read(self) -> Engine:
        """An engine with one connection that can change nothing. Raises the same."""

    def version(self, connection: Connection) -> int:
        """The number of its newest schema file; 0 when it has none."""

    def trouble(self, error: BaseException) -> str:
        """What is wrong and what to do, in one line."""

    def is_broken(self, error: BaseException) -> bool:
        """Whether what is stored is damaged, which no waiting mends."""

    def is_lost(self, connection: Connection, error: BaseException) -> bool:
        """Whether ``connection`` is gone, and the next call has to make another one."""

    def cut(self, connection: Connection) -> None:
        """End a call that hangs, from another thread than its own: it fails at once."""


class SqliteFile:
    """One file; found broken it is put aside, and a new one begun."""

    patience: Final = None
    overtaken: Final = False

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """See ``Database``."""
        return str(self._path)

    def open_to_write(self, wall: int) -> tuple[Engine, Path | None]:
        """See ``Database``."""
        raw, put_aside = opened(self._path, "cases", wall)
        engine = _engine(raw)
        event.listen(engine, "begin", _begin)
        return engine, put_aside

    def open_to_read(self) -> Engine:
        """See ``Database``."""
        raw = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=5,
            isolation_level=None,
            check_same_thread=False,
        )
        return _engine(raw)

    def version(self, connection: Connection) -> int:
        """See ``Database``."""
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())

    def trouble(self, error: BaseException) -> str:
        """See ``Database``."""
        return trouble(self._path, error)

    def is_broken(self, error: BaseException) -> bool:
        """See ``Database``."""
        return is_broken(error)

    def is_lost(self, connection: Connection, error: BaseException) -> bool:
        """See ``Database``: a file is always there."""
        return False

    def cut(self, connection: Connection) -> None:
        """See ``Database``."""


def database(data: Path, url: str = "") -> Database:
    """``cases.db`` in the folder ``data``, or the database at ``url`` when there is one.

    Nothing is connected yet. Raises ``Unavailable`` for a URL that is none, and without psycopg.
    """
    if not url:
        return SqliteFile(data / "cases.db")
    try:
        from gateway.store.cases_postgresql import PostgreSQL
    except ImportError:  # psycopg, or the libpq that it needs
        raise Unavailable(
            "site.cases: PostgreSQL needs the Python package psycopg, which is not installed here;"
            " run pip install 'psycopg[binary]'"
        ) from None
    return PostgreSQL(url)


def _engine(raw: sqlite3.Connection) -> Engine:
    raw.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    raw.execute("PRAGMA secure_delete = ON").fetchone()
    return create_engine(
        "sqlite://", creator=lambda: raw, poolclass=StaticPool, query_cache_size=COMPILED
    )


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
