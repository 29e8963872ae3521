"""One connection to ``cases.db`` with the one thread that uses it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from gateway.ports import Unavailable
from gateway.store.schema import is_broken, trouble

_P = ParamSpec("_P")
_R = TypeVar("_R")

_CACHE_KIB: Final = 512
"""Per connection: the working set is a few open incidents, and memory is scarce."""
_COMPILED: Final = 60
"""SQLAlchemy's statement cache: about as many as there are statements here."""


class Side:
    """The writing or the reading half; whatever SQLite refuses becomes ``Unavailable``."""

    def __init__(self, path: Path, *, writes: bool, turned: Callable[[], None]) -> None:
        self._path = path
        self._writes = writes
        self._turned = turned
        name = "cases-write" if writes else "cases-read"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self.failing = ""
        """Why the last call failed; "" when it did not. Stays once the file is damaged."""
        self._broken = False

    async def open(self, raw: sqlite3.Connection) -> None:
        """Take over ``raw``, which is in autocommit mode."""
        await self.call(self._open, raw)

    async def run(
        self,
        function: Callable[Concatenate[Connection, _P], _R],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _R:
        """``function(connection, …)`` in the thread."""
        if self._connection is None:
            raise RuntimeError("cases.db is used outside its async with")
        return await self.call(function, self._connection, *args, **kwargs)

    async def call(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Run in the thread; a cancelled caller still waits for what has been begun."""
        future = asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: function(*args, **kwargs)
        )
        try:
            result = await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            if future.done() and not future.cancelled():
                future.exception()  # seen: the caller that would have heard of it is gone
            raise
        except DBAPIError as error:
            # Its own words hold the statement and a link, in several lines.
            raise self._fail(error.orig or error) from None
        except sqlite3.Error as error:
            raise self._fail(error) from None
        self._turn("")
        return result

    async def close(self) -> None:
        """Close the connection in its thread, then end the thread."""
        try:
            await self.call(self._close)
        finally:
            self._thread.shutdown()

    def _fail(self, error: BaseException) -> Unavailable:
        reason = trouble(self._path, error)
        self._broken = self._broken or is_broken(error)
        self._turn(reason)
        return Unavailable(reason)

    def _turn(self, reason: str) -> None:
        """Said once by the writer, which is asked every few seconds; readers tell their callers."""
        if self._broken and not reason:
            return  # an undamaged page was asked for
        before, self.failing = self.failing, reason
        if bool(before) == bool(reason) or not self._writes:
            return
        log = structlog.get_logger("store")
        if reason:
            log.error("cases_failing", reason=reason)
        else:
            log.info("cases_well_again")
        self._turned()

    def _open(self, raw: sqlite3.Connection) -> None:
        raw.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        raw.execute("PRAGMA secure_delete = ON").fetchone()
        self._engine = create_engine(
            "sqlite://", creator=lambda: raw, poolclass=StaticPool, query_cache_size=_COMPILED
        )
        self._connection = self._engine.connect()
        if self._writes:
            event.listen(self._engine, "begin", _begin)
        else:
            self._connection = self._connection.execution_options(isolation_level="AUTOCOMMIT")

    def _close(self) -> None:
        try:
            if self._connection is not None:
                self._connection.close()
        finally:
            if self._engine is not None:
                self._engine.dispose()
            self._connection = self._engine = None


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that can change nothing, in autocommit mode."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=5,
        isolation_level=None,
        check_same_thread=False,
    )


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
