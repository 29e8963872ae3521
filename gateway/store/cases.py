"""``cases.db``: the registry, incidents, outbox, timers and the rules' bookmark. Async facade.

One thread owns the writing connection, another the reading one; nothing here runs a statement
on the event loop. Every method raises ``Unavailable`` when the disk does not take it now.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, Self, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from gateway.clock import Signal
from gateway.model import (
    Category,
    Happened,
    Incident,
    IncidentEvent,
    OutboxRow,
    Position,
    Severity,
    Site,
    State,
    Text,
)
from gateway.ports import Clock, Unavailable
from gateway.store import cases_read, cases_write, chain
from gateway.store.schema import open_checked
from gateway.store.step import Step, Timer

_P = ParamSpec("_P")
_R = TypeVar("_R")

_CACHE_KIB: Final = 512
"""Per connection: the working set is a few open incidents, and memory is scarce."""
_COMPILED: Final = 60
"""SQLAlchemy's statement cache: about as many as there are statements here."""
_PAGE: Final = 500


class _Side:
    """A connection and the one thread that uses it."""

    def __init__(self, path: Path, *, writes: bool) -> None:
        self._path = path
        self._writes = writes
        name = "cases-write" if writes else "cases-read"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._engine: Engine | None = None
        self._connection: Connection | None = None

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
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            if future.done() and not future.cancelled():
                future.exception()  # seen: the caller that would have heard of it is gone
            raise
        except OperationalError as error:
            raise Unavailable(f"{self._path}: {error.orig}") from None

    async def close(self) -> None:
        """Close the connection in its thread, then end the thread."""
        await self.call(self._close)
        self._thread.shutdown()

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
        if self._connection is not None:
            self._connection.close()
        if self._engine is not None:
            self._engine.dispose()
        self._connection = self._engine = None


class Cases:
    """The store of everything that people decide on. Open it with ``async with``."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._writer = _Side(path, writes=True)
        self._reader = _Side(path, writes=False)
        self._last_row = 0
        self.put_aside: Path | None = None
        """Where the file that was found broken at opening lies now."""
        self.news = Signal()
        """Moves on when something that people act on has changed."""
        self.last_arrival = 0
        """The last stored sign of life on the arrival axis, ns."""

    async def __aenter__(self) -> Self:
        """Raises ``SchemaError``, ``sqlite3.Error`` or ``OSError`` when there is no way to open."""
        try:
            raw, self.put_aside = await self._writer.call(
                open_checked, self._path, "cases", self._clock.now().wall
            )
            await self._writer.open(raw)
            await self._reader.open(await self._reader.call(_open_to_read, self._path))
            self._last_row = await self._reader.run(cases_write.last_row)
            self.last_arrival = await self._reader.run(cases_read.last_arrival)
            await self._writer.run(cases_write.rehearse, _rehearsal())
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reader.close()
        await self._writer.close()

    # --- the registry

    async def load_site(self) -> Site:
        """The registry; version 0 and empty before the first import."""
        return await self._reader.run(cases_read.site)

    async def registry_digest(self) -> str:
        """The digest that the registry was replaced with, or ""."""
        return await self._reader.run(cases_read.registry_digest)

    async def replace_registry(self, site: Site, digest: str) -> Site:
        """Keep ``site`` as the next version, and return it as such."""
        version = (await self.load_site()).version + 1
        site = msgspec.structs.replace(site, version=version)
        await self._writer.run(cases_write.write_registry, site, digest)
        return site

    # --- the one transaction

    async def rules_start(self) -> tuple[Position | None, dict[str, bytes]]:
        """Where the rules go on (None: nowhere yet), and their saved state."""
        return await self._reader.run(cases_read.rules_start)

    async def commit(self, step: Step) -> list[OutboxRow]:
        """All of ``step`` is on disk, or none of it; the new outbox rows with their ids."""
        if step.arrival < self.last_arrival:
            step = msgspec.structs.replace(step, arrival=self.last_arrival)
        rows = await self._writer.run(self._commit, step)
        self.last_arrival = max(self.last_arrival, step.arrival)
        if step.incidents or step.ended_rows or step.outbox:
            self.news.notify()
        return rows

    def _commit(self, connection: Connection, step: Step) -> list[OutboxRow]:
        """In the writer's thread, so that no two steps count from the same id."""
        rows = cases_write.write_step(connection, step, self._last_row)
        self._last_row += len(rows)
        return rows

    # --- incidents

    async def incidents(self, open_only: bool, limit: int) -> list[Incident]:
        """Newest first."""
        return await self._reader.run(cases_read.incidents, open_only, limit)

    async def open_incidents(self, limit: int = 5_000) -> list[Incident]:
        """Those that nobody closed, newest first."""
        return await self.incidents(True, limit)

    async def incident(self, key: str) -> Incident | None:
        """One incident."""
        return await self._reader.run(cases_read.incident, key)

    async def open_incident(self, rule: str, same: str) -> Incident | None:
        """The one open incident of ``rule`` in ``same``."""
        return await self._reader.run(cases_read.open_incident, rule, same)

    async def last_number(self, prefix: str) -> int:
        """The highest number given to a key ``PREFIX-NUMBER``; 0 before the first."""
        return await self._reader.run(cases_read.last_number, prefix)

    async def events(self, key: str) -> list[IncidentEvent]:
        """An incident's chain, oldest first."""
        return await self._reader.run(cases_read.events, key)

    # --- outbox and timers

    async def outbox(self, key: str) -> list[OutboxRow]:
        """What became of every message of an incident, oldest first."""
        return await self._reader.run(cases_read.outbox, key)

    async def due_rows(self, now: int, limit: int) -> list[OutboxRow]:
        """Waiting rows due at arrival ``now``, life first."""
        return await self._reader.run(cases_read.due_rows, now, limit)

    async def next_due(self, after: int = -1) -> int | None:
        """When the next waiting row falls due later than ``after``."""
        return await self._reader.run(cases_read.next_due, after)

    async def outbox_counts(self) -> dict[str, int]:
        """Rows per end, and ``waiting``."""
        return await self._reader.run(cases_read.outbox_counts)

    async def due_timers(self, now: int, limit: int) -> list[Timer]:
        """Timers due at arrival ``now``, the longest due first."""
        return await self._reader.run(cases_read.due_timers, now, limit)

    async def next_timer(self) -> int | None:
        """When the next timer falls due, or fell."""
        return await self._reader.run(cases_read.next_timer)

    # --- texts and the record

    async def texts(self, digests: Sequence[str]) -> dict[str, str]:
        """Personal texts by SHA-256; purged ones are absent."""
        return await self._reader.run(cases_read.texts, list(digests))

    async def purge_texts(self, before_wall: int) -> int:
        """Forget personal texts last used before ``before_wall`` (UTC ns); how many."""
        return await self._writer.run(cases_write.delete_texts, before_wall)

    async def verify(self) -> list[str]:
        """One line for each chain that does not hold, naming the incident and the event."""
        walk = chain.Walk()
        place = ("", 0)
        while links := await self._reader.run(cases_read.links, place, _PAGE):
            walk.check(links)
            place = (links[-1].incident, links[-1].seq)
        heads: dict[str, tuple[int, str]] = {}
        key = ""
        while page := await self._reader.run(cases_read.heads, key, _PAGE):
            heads.update(page)
            key = max(page)
        walk.compare(heads)
        # An incident that went on between two pages is looked at again, in one snapshot.
        again = [await self._reader.run(cases_read.verify_one, key) for key in sorted(walk.broken)]
        return [line for line in again if line] + chain.gaps({*walk.ends, *heads})


def _rehearsal() -> Step:
    """A step with something of everything, under a key that no incident has."""
    nothing, text = 0, Text("", "")
    key = "rehearsal"
    happened = IncidentEvent(key, 1, Happened.opened, nothing, nothing, True, "", {}, "", key)
    incident = Incident(
        key, key, key, text, Category.system, Severity.notice, "", "", "", "", State.open,
        nothing, nothing, text,
    )  # fmt: skip
    row = OutboxRow(-1, key, 1, "", "", nothing)
    return Step(
        arrival=nothing,
        events=[happened],
        texts={key: ""},
        outbox=[row],
        incidents=[incident],
        timers_set=[Timer(key, "", nothing)],
        timers_cleared=[(key, "")],
        ended_rows=[row],
        state={key: b""},
    )


def _open_to_read(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=5,
        isolation_level=None,
        check_same_thread=False,
    )


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
