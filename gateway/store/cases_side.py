"""One connection to ``cases.db`` with the one thread that uses it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gateway.clock import at_most
from gateway.model import SECOND
from gateway.ports import Clock, Unavailable
from gateway.store.databases import Database

_P = ParamSpec("_P")
_R = TypeVar("_R")

_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 5.0
"""Seconds between two attempts to connect to a server that is away, doubled from the first on. An
alarm is told that much later after it is back; whoever asks meanwhile is answered at once."""


class Side:
    """The writing or the reading half; whatever the database refuses becomes ``Unavailable``."""

    def __init__(
        self, database: Database, clock: Clock, *, writes: bool, turned: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._writes = writes
        self._turned = turned
        name = "cases-write" if writes else "cases-read"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._is_open = False
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._cut = False
        self._attempts = 0
        self._again = 0
        """Monotonic ns before which nobody connects again."""
        self.connected = 0
        """How many connections there have been: another number, another connection."""
        self.failing = ""
        """Why the last call failed; "" when it did not. Stays once the file is damaged."""
        self._broken = False

    async def open(self, wall: int = 0) -> Path | None:
        """Connect; where a broken file was put. ``wall``: UTC ns, for its name."""
        put_aside = await self.call(self._open, wall)
        self._is_open = True
        return put_aside

    async def run(
        self,
        function: Callable[Concatenate[Connection, _P], _R],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _R:
        """``function(connection, …)`` in the thread; a lost connection is made again first."""
        if not self._is_open:
            raise RuntimeError("cases.db is used outside its async with")
        if self._connection is None and self._clock.now().mono < self._again:
            raise Unavailable(self.failing)
        return await self.call(self._run, lambda connection: function(connection, *args, **kwargs))

    async def call(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Run in the thread; a cancelled caller still waits for what has been begun."""
        future = asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: function(*args, **kwargs)
        )
        try:
            result = await self._answer(future)
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
        except Unavailable as error:
            raise self._fail(error) from None
        self._cut = False
        self._turn("")
        return result

    async def close(self) -> None:
        """Close the connection in its thread, then end the thread."""
        self._is_open = False
        try:
            await self.call(self._drop)
        finally:
            self._thread.shutdown()

    async def _answer(self, future: asyncio.Future[_R]) -> _R:
        """A server that answers nothing is cut off: its call fails, and the thread is free."""
        patience = self._database.patience
        if patience is not None and not await at_most(patience, self._clock, _end_of(future)):
            connection, self._cut = self._connection, True
            if connection is not None:
                self._database.cut(connection)
        return await asyncio.shield(future)

    def _fail(self, error: BaseException) -> Unavailable:
        if self._connection is None:
            wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(self._attempts, 10))
            self._attempts += 1
            self._again = self._clock.now().mono + int(wait * SECOND)
        reason = self._reason(error)
        self._broken = self._broken or self._database.is_broken(error)
        self._turn(reason)
        return Unavailable(reason)

    def _reason(self, error: BaseException) -> str:
        cut, self._cut = self._cut, False
        if isinstance(error, Unavailable):
            return error.reason
        if cut:
            patience = self._database.patience
            return f"{self._database.name}: no answer within {patience:g} s; tried again by itself"
        return self._database.trouble(error)

    def _turn(self, reason: str) -> None:
        """Said once by the writer, which is asked every few seconds; readers tell their callers."""
        if not reason and (self._broken or not self._is_open):
            return  # an undamaged page was asked for, or that it be closed
        before, self.failing = self.failing, reason
        if bool(before) == bool(reason) or not self._writes:
            return
        log = structlog.get_logger("store")
        if reason:
            log.error("cases_failing", reason=reason)
        else:
            log.info("cases_well_again")
        self._turned()

    # --- in the thread

    def _run(self, function: Callable[[Connection], _R]) -> _R:
        connection = self._ready()
        try:
            return function(connection)
        except DBAPIError as error:
            if not self._database.is_lost(connection, error.orig or error):
                raise
            self._drop()
            if self._writes or self._cut:
                raise  # nobody knows whether it was kept: who asked looks, and asks again
        return function(self._ready())

    def _ready(self) -> Connection:
        if self._connection is None:
            self._open(0)
        assert self._connection is not None  # noqa: S101 - opened in the line above
        return self._connection

    def _open(self, wall: int) -> Path | None:
        put_aside = None
        if self._writes:
            self._engine, put_aside = self._database.open_to_write(wall)
        else:
            self._engine = self._database.open_to_read()
        try:
            connection = self._engine.connect()
        except BaseException:
            self._drop()
            raise
        if not self._writes:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        self._connection, self._attempts = connection, 0
        self.connected += 1
        return put_aside

    def _drop(self) -> None:
        connection, engine = self._connection, self._engine
        self._connection = self._engine = None
        try:
            if connection is not None:
                connection.close()
        finally:
            if engine is not None:
                engine.dispose()


async def _end_of(future: asyncio.Future[Any]) -> None:
    await asyncio.wait({future})
