"""``cases.db``: the registry, incidents, outbox, timers and the rules' bookmark. Async facade.

One thread owns the writing connection, another the reading one; nothing here runs a statement
on the event loop. Every method raises ``Unavailable`` when the disk does not take it now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, Final, NamedTuple, ParamSpec, Self, TypeVar

import msgspec
from sqlalchemy import Connection

from gateway.clock import Signal
from gateway.model import (
    SECOND,
    Category,
    Happened,
    Incident,
    IncidentEvent,
    OutboxRow,
    Position,
    Sent,
    Severity,
    Site,
    State,
    Text,
    Wanted,
)
from gateway.ports import Clock
from gateway.store import cases_read, cases_search, cases_write, chain, registry
from gateway.store.cases_side import Side
from gateway.store.databases import Database, SqliteFile
from gateway.store.step import Step, Timer

_P = ParamSpec("_P")
_R = TypeVar("_R")

_PAGE: Final = 500
_REMOVED_AT_ONCE: Final = 100
"""Incidents removed in one transaction: an alarm waits for no more than that."""
TEXTS_KEPT: Final = 180 * 86_400.0
"""Seconds that a personal text stays after its last use."""
KEPT: Final = 730 * 86_400.0
"""Seconds that an incident stays after it was closed."""


class Forgotten(NamedTuple):
    """What retention took away."""

    texts: int
    incidents: int


class Cases:
    """The store of everything that people decide on. Open it with ``async with``."""

    def __init__(self, where: Path | Database, clock: Clock) -> None:
        self._database = SqliteFile(where) if isinstance(where, Path) else where
        self._clock = clock
        self.news = Signal()
        """Moves on when something that people act on has changed."""
        turned = self.news.notify
        self._writer = Side(self._database, clock, writes=True, turned=turned)
        self._reader = Side(self._database, clock, writes=False, turned=turned)
        self._last_row = 0
        self._last_commit = 0
        self._counted_by = 0
        """The connection by which the two were read."""
        self.put_aside: Path | None = None
        """Where the file that was found broken at opening lies now."""
        self.last_arrival = 0
        """The last stored sign of life on the arrival axis, ns."""

    async def __aenter__(self) -> Self:
        """Raises ``Unavailable`` with one line on what to do when there is no way to open."""
        try:
            self.put_aside = await self._writer.open(self._clock.now().wall)
            await self._reader.open()
            self.last_arrival = await self._reader.run(cases_read.last_arrival)
            await self._writer.run(cases_write.rehearse, _rehearsal())
            while await self._writer.run(cases_write.fill_in, _PAGE):
                pass
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._reader.close()
        finally:
            await self._writer.close()

    @property
    def failing(self) -> str:
        """Why the store was not written, or not read, the last time; "" when all is well."""
        return self._writer.failing or self._reader.failing

    @property
    def overtaken(self) -> bool:
        """Another gateway has written since this one did: this one has to begin again."""
        return self._database.overtaken

    # --- for the modules of one subject each, such as ``silences``

    async def read(
        self,
        function: Callable[Concatenate[Connection, _P], _R],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _R:
        """``function(connection, …)`` in the reader's thread: one short look."""
        return await self._reader.run(function, *args, **kwargs)

    async def write(
        self,
        function: Callable[Concatenate[Connection, _P], _R],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _R:
        """``function(connection, …)`` in the writer's thread: it makes one transaction."""
        result = await self._writer.run(function, *args, **kwargs)
        self.news.notify()
        return result

    async def note(
        self,
        function: Callable[Concatenate[Connection, _P], _R],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _R:
        """As ``write``, of what nobody acts on."""
        return await self._writer.run(function, *args, **kwargs)

    # --- the registry

    async def load_site(self) -> Site:
        """The registry; version 0 and empty before the first import."""
        return await self._reader.run(registry.site)

    async def registry_digest(self) -> str:
        """The digest that the registry was replaced with, or ""."""
        return await self._reader.run(registry.digest)

    async def replace_registry(self, site: Site, digest: str, by: str = "files") -> Site:
        """Keep ``site`` as the next edition, made now by ``by``, and return it as such."""
        now = self._clock.now()
        arrival = self.last_arrival or now.wall  # as the axis begins
        signed = registry.Signed(now.wall, now.trusted, arrival, by)
        return await self._writer.run(registry.replace, site, digest, signed)

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
        if step.incidents or step.ended_rows or step.outbox or step.further_rows:
            self.news.notify()
        return rows

    def _commit(self, connection: Connection, step: Step) -> list[OutboxRow]:
        """In the writer's thread, so that no two steps count from the same id.

        They are counted anew after a connection was lost: with it, perhaps, the answer that a step
        was kept.
        """
        if self._counted_by != self._writer.connected:
            self._last_row = cases_write.last_row(connection)
            self._last_commit = cases_write.last_commit(connection)
            self._counted_by = self._writer.connected
        rows = cases_write.write_step(connection, step, self._last_row, self._last_commit)
        self._last_row += len(rows)
        self._last_commit += cases_write.commits(step)
        return rows

    # --- incidents

    async def incidents(self, open_only: bool, limit: int) -> list[Incident]:
        """Newest first."""
        return await self._reader.run(cases_read.incidents, open_only, limit)

    async def search(
        self, wanted: Wanted, limit: int, after: tuple[int, str] | None = None
    ) -> list[Incident]:
        """Those ``wanted`` after (``opened_at``, ``key``) of the last one shown, newest first."""
        return await self._reader.run(cases_search.search, wanted, limit, after)

    async def open_incidents(self, limit: int = 5_000) -> list[Incident]:
        """Those that nobody closed, newest first."""
        return await self.incidents(True, limit)

    async def incident(self, key: str) -> Incident | None:
        """One incident."""
        return await self._reader.run(cases_read.incident, key)

    async def open_incident(self, group: str, same: str) -> Incident | None:
        """The one open incident of ``group`` in ``same``."""
        return await self._reader.run(cases_read.open_incident, group, same)

    async def told_lately(self, person: str, limit: int) -> list[Incident]:
        """The newest that ``person`` was told of, or may still be; closed ones if all are."""
        return await self._reader.run(cases_read.told_lately, person, limit)

    async def last_number(self, prefix: str) -> int:
        """The highest number ever given to a key ``PREFIX-NUMBER``; 0 before the first."""
        return await self._reader.run(cases_read.last_number, prefix)

    async def events(self, key: str) -> list[IncidentEvent]:
        """An incident's chain, oldest first."""
        return await self._reader.run(cases_read.events, key)

    async def said(self, key: str, seq: int) -> str:
        """The words that event ``seq`` of an incident came with; "" for none, or purged ones."""
        return await self._reader.run(cases_read.said, key, seq)

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

    async def retain(
        self, now: int, *, texts_kept: float = TEXTS_KEPT, kept: float = KEPT
    ) -> Forgotten:
        """Forget personal texts, then closed incidents with all about them; seconds to keep each.

        ``now`` is the present and ages are counted on the arrival axis: no wall clock that is
        wrong makes anything old. An incident goes after those with lower numbers of its day.
        """
        before = now - int(min(texts_kept, kept) * SECOND)
        texts = await self._writer.run(cases_write.delete_texts, before)
        incidents, after = 0, ""
        before = now - int(kept * SECOND)
        while page := await self._reader.run(
            cases_read.closed_before, before, after, _REMOVED_AT_ONCE
        ):
            incidents += await self._writer.run(cases_write.remove_incidents, page)
            after = page[-1]
        await self._writer.run(registry.forget, before)
        if incidents:
            self.news.notify()
        return Forgotten(texts, incidents)

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
        removed = await self._reader.run(cases_read.removed)
        gaps = chain.gaps({*walk.ends, *heads}, removed)
        return [line for line in again if line] + [gap.line for gap in gaps]


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
        further_rows=[row],
        sent=[Sent("", "", nothing)],
        state={key: b""},
    )
