"""The teller: takes due outbox rows, tells people, and keeps what became of every row.

                 offer (new rows, from memory)
                    │
    cases.db ──▶ queues: one for each (life or not, person) ──▶ stages ──▶ channels in order
       ▲                                                                        │
       └──── told, a named end, held, or the time of the next attempt ◀─────────┘

The row on disk is the truth; what is handed over in memory only saves the reading. A row is
kept as told after ``tell`` has returned: after a crash between the two the message repeats.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final, Protocol

import structlog

from gateway.clock import Signal, at_most
from gateway.model import (
    SECOND,
    Category,
    Incident,
    OutboxRow,
    Person,
    Silence,
    Site,
    Stamp,
    TellingLimits,
    is_canary,
)
from gateway.notify.attempt import Attempts
from gateway.notify.channels import PATIENCE, Channels, Note, nobody_asks
from gateway.notify.keeper import SAVE_AGAIN, Keeper, Turned
from gateway.notify.known import Scene
from gateway.notify.memory import Memory
from gateway.notify.meters import Meters
from gateway.notify.queues import Queues
from gateway.notify.said import Archive
from gateway.notify.settled import reason_of, settled
from gateway.notify.writer import Writer
from gateway.ports import Clock, Notifier, Unavailable
from gateway.store import telling
from gateway.store.step import Step

GIVE_UP: Final = 24 * 3600.0
"""Seconds after which a message that nobody would take is given up."""
_RESUMED: Final = 5_000
"""Rows told last, and rows held, that a restart looks at."""
_FORGET_EVERY: Final = 3_600 * SECOND
"""Ns between two looks at what no quota counts any more."""
_USUAL: Final = TellingLimits()


class RowStore(Archive, Protocol):
    """What the teller needs of ``cases.db``."""

    async def commit(self, step: Step) -> list[OutboxRow]:
        """Keep what became of rows."""

    async def incident(self, key: str) -> Incident | None:
        """By key."""

    async def outbox(self, key: str) -> list[OutboxRow]:
        """Every row of an incident."""

    async def due_rows(self, now: int, limit: int) -> list[OutboxRow]:
        """Waiting and due at arrival ``now``, life first."""

    async def next_due(self, after: int) -> int | None:
        """When the next waiting row falls due later than ``after``."""

    async def read(self, function: Callable[..., Any], *args: Any) -> Any:
        """One short look by a function of ``gateway.store.telling``."""

    async def write(self, function: Callable[..., Any], *args: Any) -> Any:
        """One transaction by such a function."""


class Teller:
    """``offer`` it new rows, let it ``run``; nobody's trouble delays another person's message."""

    def __init__(
        self,
        cases: RowStore,
        notifiers: Mapping[str, Notifier],
        site: Callable[[], Site],
        clock: Clock,
        arrival: Callable[[Stamp], int],
        *,
        fallback: Person,
        zone: tzinfo,
        write: Writer | None = None,
        limits: TellingLimits = _USUAL,
        note: Note = nobody_asks,
        silences: Callable[[int], Sequence[Silence]] = lambda now: (),
        cause: Callable[[Incident], str] = lambda incident: "",
        give_up: float = GIVE_UP,
    ) -> None:
        self._cases = cases
        self._clock = clock
        self._arrival = arrival
        self._site = site
        self._limits = limits
        self.channels = Channels(notifiers, clock, note)
        self._keeper = Keeper(cases, clock, arrival)
        self._meters = Meters(self.channels.quotas)
        self._memory = Memory(limits)
        self._attempts = Attempts(
            cases,
            Scene(
                site,
                clock,
                arrival,
                zone,
                fallback,
                limits,
                write or Writer(zone),
                silences,
                cause,
                give_up,
            ),
            self.channels,
            self._memory,
            self._meters,
            self._keeper.reserve,
        )
        self._queues = Queues()
        self._signal = Signal()
        self._rescan = True
        self._running = False
        self._resumed = False
        self._next: int | None = None
        self._forgot = 0
        self._flights: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("notify")

    def offer(self, rows: Sequence[OutboxRow], incidents: Sequence[Incident]) -> None:
        """Rows that were just committed, and every incident that changed with them.

        Neither: nobody knows what was committed, so the disk is looked at.
        """
        if not rows and not incidents:
            self._rescan = True
        by_key = {incident.key: incident for incident in incidents}
        for row in rows:
            if not self._queues.add_fresh(row, by_key[row.incident]):
                self._rescan = True
        self._queues.update(incidents)
        if self._running:  # at once: a scan of the disk may be under way
            self._launch()
        self._signal.notify()

    async def run(self) -> None:
        """Tell what is due, until cancelled."""
        self._rescan = True
        try:
            await self._resume()
            self._running = True
            while True:
                seen = self._signal.count
                well = not (self._rescan and self._queues.has_room) or await self._scan()
                self._launch()
                if well:
                    await self._wait(seen)
                else:  # rows in memory fly on; who fell here would forget what became of them
                    await at_most(SAVE_AGAIN, self._clock, self._signal.wait(seen))
        finally:
            self._running = self._resumed = False
            for flight in self._flights:
                flight.cancel()
            await asyncio.gather(*self._flights, return_exceptions=True)
            self._queues = Queues()
            self._keeper.forget()
            self._memory.clear()
            self._meters.clear()

    async def _scan(self) -> bool:
        """Take due rows from the disk; those that end meanwhile are left for the next scan.

        False: it can not be read now.
        """
        self._rescan = False
        now = self._arrival(self._clock.now())
        limit = self._queues.scan_limit()
        self._queues.scan_begins()
        try:
            if not self._resumed:
                await self._read_again(now)
            rows = await self._cases.due_rows(now, limit)
            self._next = await self._cases.next_due(now)
            lives = await self._lives(rows)
        except Unavailable as error:
            self._queues.scan_ends([], {})
            self._rescan = True
            self._keeper.note(error.reason)
            return False
        self._keeper.note("")
        disturbed = self._queues.scan_ends(rows, lives)
        self._rescan = disturbed or len(rows) == limit
        return True

    async def _resume(self) -> None:
        """What was told lately, before the first row: a restart must not double a quota."""
        try:
            await self._read_again(self._arrival(self._clock.now()))
        except Unavailable as error:
            self._keeper.note(error.reason)

    async def _read_again(self, now: int) -> None:
        """Fill the memory from the outbox. Raises ``Unavailable``."""
        read, limits = self._cases.read, self._limits
        if self._meters.longest:
            sent = await read(telling.sent_since, now - self._meters.longest)
            self._meters.resume(sent, int(PATIENCE * SECOND), now)
        lately = now - int(max(limits.within, limits.later) * SECOND)
        members = await read(telling.waiting_members, _RESUMED)
        held = await read(telling.held, _RESUMED)
        leading = {each.digest for each in members} - {row.id for row in held}
        held += await read(telling.rows, leading)
        told = await read(telling.told_since, lately, _RESUMED)
        led = await read(telling.leaders, {row.id for row in told})
        keys = {row.incident for row in [*held, *told]}
        incidents = await read(telling.incidents, keys)
        known = [(row, row.id in led) for row in told]
        incidents = {key: one for key, one in incidents.items() if not is_canary(one)}
        self._memory.resume(held, members, known, incidents, self._site())
        self._attempts.begin(await read(telling.newest))
        self._resumed = True

    async def _lives(self, rows: Sequence[OutboxRow]) -> dict[str, bool]:
        """Which incidents of ``rows`` are about life safety."""
        lives: dict[str, bool] = {}
        for row in rows:
            if row.incident not in lives and not self._queues.holds(row.id):
                incident = await self._cases.incident(row.incident)
                lives[row.incident] = incident is None or incident.category is Category.life
        return lives

    async def _wait(self, seen: int) -> None:
        """Until something is offered or ends, or the next row falls due."""
        if self._rescan and self._queues.has_room:
            return
        if self._rescan or self._next is None:
            await self._signal.wait(seen)
            return
        seconds = (self._next - self._arrival(self._clock.now())) / SECOND
        if not await at_most(seconds, self._clock, self._signal.wait(seen)):
            self._rescan = True

    def _launch(self) -> None:
        """Begin with every row whose turn it is."""
        for row in self._queues.startable():
            flight = asyncio.create_task(self._fly(row))
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)

    async def _fly(self, row: OutboxRow) -> None:
        """One row from due to kept. Whatever goes wrong with it is this row's trouble alone."""
        known = self._queues.known(row.incident)
        turned = await settled(self._attempts.attempt(row, known))
        if isinstance(turned, BaseException):
            reason = reason_of(turned)
            self._log.error("telling_failed", incident=row.incident, row=row.id, reason=reason)
            self._log.debug("telling_traceback", exc_info=turned)
            turned = Turned(self._attempts.later(row, reason))
        await self._keeper.keep(turned)
        now = self._arrival(self._clock.now())
        for each in (turned.row, *turned.further, *turned.others):
            if each.end:
                continue
            if each.due <= now:
                self._rescan = True
            elif self._next is None or each.due < self._next:
                self._next = each.due
        self._queues.done(row)
        self._signal.notify()
        await self._forget_old(now)

    async def _forget_old(self, now: int) -> None:
        """Messages that no quota counts any more, now and then."""
        if not self._meters.longest or now - self._forgot < _FORGET_EVERY:
            return
        self._forgot = now
        forgotten = self._cases.write(telling.forget_sent, now - self._meters.longest)
        result = await settled(forgotten)
        if isinstance(result, Unavailable):
            self._keeper.note(result.reason)
