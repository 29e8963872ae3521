"""Opening a database file: the numbered schema files, the check, and putting a broken file aside.

``schema/NAME-NNNN.sql`` never changes after a release; a change is a new file.
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from gateway.model import SECOND
from gateway.ports import Unavailable

_FOLDER: Final = Path(__file__).with_name("schema")
_BROKEN_CODES: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_WHOLE: Final = 64_000_000
"""Bytes up to which every page is read at opening; beyond it a start would take too long on a
card, so only the size, the schema and the edges of each table are looked at."""
_KEPT: Final = 3
"""Broken files kept per database: they are evidence, but disk use is bounded."""
_BESIDE: Final = ("-wal", "-shm")
_RIGHTS: Final = "the folder must be there, and file and folder be writable for the gateway's user"
_ADVICE: Final = {
    sqlite3.SQLITE_CORRUPT: "start again: the file is put aside and a new one begun",
    sqlite3.SQLITE_NOTADB: "start again: the file is put aside and a new one begun",
    sqlite3.SQLITE_FULL: "make room on the disk",
    sqlite3.SQLITE_BUSY: "stop the other program that uses it",
    sqlite3.SQLITE_IOERR: "look at the disk and at quotas",
    sqlite3.SQLITE_CANTOPEN: _RIGHTS,
    sqlite3.SQLITE_PERM: _RIGHTS,
    sqlite3.SQLITE_READONLY: _RIGHTS,
}


_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class SchemaError(Exception):
    """A sound file that this program can not use; one line says which and what to do."""


def files(name: str) -> list[tuple[int, str]]:
    """The numbered schema files of database ``name``, in order, with their SQL."""
    found = sorted(_FOLDER.glob(f"{name}-[0-9][0-9][0-9][0-9].sql"))
    return [(int(file.stem[-4:]), file.read_text(encoding="utf-8")) for file in found]


def migrate(connection: sqlite3.Connection, name: str) -> None:
    """Apply what is missing, one transaction for each file. Raises ``SchemaError``."""
    steps = files(name)
    version = _pragma(connection, "user_version")
    newest = max((number for number, _ in steps), default=0)
    if version > newest:
        raise SchemaError(
            f"{_file_of(connection) or name}: written by a newer gridwarden (schema {version}, "
            f"this one knows {newest}); install that version again or move the file away"
        )
    for number, text in steps:
        if number > version:
            _apply(connection, number, text)


def opened(path: Path, name: str, wall: int) -> tuple[sqlite3.Connection, Path | None]:
    """``open_checked`` for a whole program: raises ``Unavailable`` alone, in one line."""
    try:
        return open_checked(path, name, wall)
    except SchemaError as error:
        raise Unavailable(str(error)) from None
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(trouble(path, error)) from None


def is_broken(error: BaseException) -> bool:
    """Whether SQLite says that the file itself is damaged, which no waiting mends."""
    return isinstance(error, sqlite3.Error) and _primary(error) in _BROKEN_CODES


def trouble(path: Path, error: BaseException) -> str:
    """What is wrong with the database at ``path`` and what to do, in one line."""
    words, advice = " ".join(str(error).split()), ""
    if isinstance(error, sqlite3.Error):
        advice = _ADVICE.get(_primary(error), "")
    elif isinstance(error, OSError):
        words = error.strerror or words
        advice = _ADVICE[sqlite3.SQLITE_FULL] if error.errno in _NO_ROOM else _RIGHTS
    return f"{path}: {words}" + (f"; {advice}" if advice else "")


def open_checked(path: Path, name: str, wall: int) -> tuple[sqlite3.Connection, Path | None]:
    """Open ``path`` (WAL, FULL) with the newest schema; also where a broken file was put.

    A file that is no sound database is renamed ``STEM-broken-YYYYmmdd-HHMMSS.db`` (``wall``,
    UTC ns) with what lies beside it, and an empty one takes its place. The connection is in
    autocommit mode and may change threads. Raises ``SchemaError``; ``sqlite3.Error`` and
    ``OSError`` for a disk that can not be used at all.
    """
    if path.exists():
        connection = _open_sound(path, name)
        if connection is not None:
            return connection, None
    left_over = [path, *(Path(f"{path}{end}") for end in _BESIDE)]
    put_aside = _put_aside(path, wall) if any(file.exists() for file in left_over) else None
    _create(path, name)
    return _connect(path), put_aside


def _open_sound(path: Path, name: str) -> sqlite3.Connection | None:
    """The connection with the newest schema, or None when the file is broken."""
    if path.stat().st_size == 0:
        return None
    connection: sqlite3.Connection | None = None
    try:
        connection = _connect(path)
        if _is_sound(connection, path):
            migrate(connection, name)
            return connection
    except sqlite3.DatabaseError as error:
        if _primary(error) not in _BROKEN_CODES:
            _close(connection)
            raise
    except SchemaError:
        _close(connection)
        raise
    _close(connection)
    return None


def _connect(path: Path) -> sqlite3.Connection:
    """Autocommit, so that every transaction is written out where it begins and ends."""
    connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _create(path: Path, name: str) -> None:
    """Make the file under another name first: a file of this name is always a whole one."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        migrate(connection, name)
    finally:
        connection.close()
    new.rename(path)
    _sync_folder(path.parent)


def _is_sound(connection: sqlite3.Connection, path: Path) -> bool:
    if path.stat().st_size <= _WHOLE:
        return list(connection.execute("PRAGMA quick_check(1)")) == [("ok",)]
    pages, size = _pragma(connection, "page_count"), _pragma(connection, "page_size")
    wal = Path(f"{path}-wal")
    on_disk = path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
    if on_disk < pages * size:
        return False
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        quoted = '"' + table.replace('"', '""') + '"'
        connection.execute(f"SELECT * FROM {quoted} LIMIT 1").fetchall()  # noqa: S608 - quoted
    return True


def _put_aside(path: Path, wall: int) -> Path:
    when = datetime.fromtimestamp(wall // SECOND, UTC).strftime("%Y%m%d-%H%M%S")
    target = path.with_name(f"{path.stem}-broken-{when}.db")
    count = 1
    while any(Path(f"{target}{end}").exists() for end in ("", *_BESIDE)):
        count += 1
        target = path.with_name(f"{path.stem}-broken-{when}-{count}.db")
    for end in ("", *_BESIDE):
        if (file := Path(f"{path}{end}")).exists():
            file.rename(f"{target}{end}")
    _forget_oldest(path)
    _sync_folder(path.parent)
    structlog.get_logger("store").error("database_put_aside", file=str(path), as_=str(target))
    return target


def _forget_oldest(path: Path) -> None:
    pattern = re.compile(re.escape(path.stem) + r"-broken-[-0-9]+\.db")
    groups = {
        file.name.removesuffix("-wal").removesuffix("-shm")
        for file in path.parent.iterdir()
        if pattern.match(file.name)
    }
    for old in sorted(groups)[:-_KEPT]:
        for end in ("", *_BESIDE):
            path.with_name(f"{old}{end}").unlink(missing_ok=True)


def _apply(connection: sqlite3.Connection, number: int, text: str) -> None:
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{text}\n;PRAGMA user_version = {number};\nCOMMIT;"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.rollback()
        raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _file_of(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA database_list").fetchone()[2])


def _primary(error: sqlite3.Error) -> int:
    """The primary result code; the extended ones say only where in SQLite it was seen."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        connection.close()


def _sync_folder(folder: Path) -> None:
    """A rename is durable once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
