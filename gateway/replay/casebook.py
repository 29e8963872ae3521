"""``cases.db`` read from outside, beside the gateway that may be writing it."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, Final, NamedTuple, ParamSpec, Self, TypeVar

from gateway.model import (
    SECOND,
    CheckIn,
    Hazard,
    Incident,
    IncidentEvent,
    OutboxRow,
    Site,
    is_canary,
)
from gateway.ports import Clock, Unavailable
from gateway.replay.past import Past, Real, real
from gateway.store import cases_read, hazards, patrol, registry
from gateway.store.cases_side import Side
from gateway.store.databases import Database, SqliteFile
from gateway.store.schema import files

if TYPE_CHECKING:
    from sqlalchemy import Connection

_P = ParamSpec("_P")
_R = TypeVar("_R")

MOST_INCIDENTS: Final = 50_000
"""Of the newest incidents: who did what with them is held in memory."""
MOST_HAZARDS: Final = 10_000
MOST_CHECKINS: Final = 100_000
"""Of one day: 1,400 grids with 20 points and three rounds have 84,000."""
OPEN_FOR: Final = 90 * 86_400 * SECOND
"""An incident that opened longer ago than this before the replay begins, and is closed, was
closed before it as well."""
_NEAR: Final = 3


class File(NamedTuple):
    """Everything the store has of one incident."""

    incident: Incident
    events: list[IncidentEvent]
    outbox: list[OutboxRow]
    texts: dict[str, str]
    """Comments by SHA-256; those that were purged are absent."""
    broken: str
    """What is wrong with its chain; "" if nothing is."""


class Casebook:
    """Open it with ``async with``. Raises ``Unavailable`` when the file can not be read."""

    def __init__(self, where: Path | Database, clock: Clock) -> None:
        self._database = SqliteFile(where) if isinstance(where, Path) else where
        self._side = Side(self._database, clock, writes=False, turned=lambda: None)

    async def __aenter__(self) -> Self:
        try:
            await self._side.open()
            await self._side.run(_fits, self._database)
        except BaseException:
            await self._side.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._side.close()

    async def read(
        self,
        function: Callable[Concatenate[Connection, _P], _R],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _R:
        """``function(connection, …)`` in the reader's thread: one short look."""
        return await self._side.run(function, *args, **kwargs)

    async def site(self) -> Site:
        """The registry as it is now; version 0 and empty before the first import."""
        return await self._side.run(registry.site)

    async def site_at(self, wall: int) -> Site | None:
        """The registry as it was at ``wall``; None where that is not known (any more)."""
        return await self._side.run(registry.site_at, wall)

    async def editions(self) -> list[registry.Edition]:
        """Every edition of the registry, oldest first."""
        return await self._side.run(registry.editions)

    async def last_arrival(self) -> int:
        """The last sign of life on the arrival axis, ns."""
        return await self._side.run(cases_read.last_arrival)

    async def past(self, since: int) -> Past:
        """What people did with the incidents that were open at ``since`` (wall ns) or later."""
        try:
            reals, unreadable = await self._side.run(_reals, since)
        except ValueError as error:
            raise _damaged(self._database.name, "an incident", error) from None
        return Past(reals, unreadable)

    async def file(self, key: str) -> File | None:
        """The whole of one incident, or None."""
        try:
            return await self._file(key)
        except ValueError as error:
            raise _damaged(self._database.name, f"the record of {key}", error) from None

    async def _file(self, key: str) -> File | None:
        run = self._side.run
        incident = await run(cases_read.incident, key)
        if incident is None:
            return None
        events = await run(cases_read.events, key)
        digests = [str(event.data["comment"]) for event in events if event.data.get("comment")]
        return File(
            incident,
            events,
            await run(cases_read.outbox, key),
            await run(cases_read.texts, digests),
            await run(cases_read.verify_one, key),
        )

    async def checkins(self, begin: int, end: int) -> list[CheckIn]:
        """Who was at which patrol point in [begin, end), wall ns."""
        return await self._side.run(patrol.between, begin, end, MOST_CHECKINS)

    async def hazards(self, since: int | None) -> list[Hazard]:
        """The register: see ``gateway.store.hazards``."""
        return await self._side.run(hazards.hazards, since, MOST_HAZARDS)

    async def near(self, key: str) -> list[str]:
        """The keys most like ``key``, the likeliest first; the newest where none is."""
        newest = await self._side.run(cases_read.incidents, False, MOST_INCIDENTS)
        keys = [incident.key for incident in newest]
        return difflib.get_close_matches(key.upper(), keys, _NEAR, 0.5) or keys[:_NEAR]


def _fits(connection: Connection, database: Database) -> None:
    """Raises ``Unavailable`` for the tables of another version."""
    version = database.version(connection)
    known = max(number for number, _ in files("cases"))
    if version > known:
        raise Unavailable(f"{database.name}: written by a newer gridwarden; install that version")
    if version < known:
        raise Unavailable(
            f"{database.name}: written by an earlier gridwarden; start the gateway once, it brings"
            " it up to date"
        )


def _damaged(name: str, what: str, error: ValueError) -> Unavailable:
    said = " ".join(str(error).split())
    return Unavailable(f"{name}: {what} is damaged: {said}; look at a copy of it")


def _reals(connection: Connection, since: int) -> tuple[list[Real], int]:
    """One after the other in the thread: there may be many, and each is a short statement.

    Also how many have events that can not be read: one of them hides no other.
    """
    found: list[Real] = []
    unreadable = 0
    for incident in cases_read.incidents(connection, False, MOST_INCIDENTS):
        if is_canary(incident):
            continue
        if incident.deadline == 0 and incident.opened_at < since - OPEN_FOR:
            continue
        try:
            one = real(incident, cases_read.events(connection, incident.key))
        except ValueError:
            one = None
        if one is None:
            unreadable += 1
        else:
            found.append(one)
    return found, unreadable
