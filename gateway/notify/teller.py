"""The teller: takes due outbox rows, tells people, and keeps what became of every row.

                 offer (new rows, from memory)
                    │
    cases.db ──▶ queues: one for each (life or not, person) ──▶ stages ──▶ channels in order
       ▲                                                                        │
       └──────────── told, a named end, or the time of the next attempt ◀───────┘

The row on disk is the truth; what is handed over in memory only saves the reading. A row is
kept as told after ``tell`` has returned: after a crash between the two the message repeats.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final, Protocol, TypeVar

import msgspec
import structlog

from gateway.clock import Signal, at_most
from gateway.incidents.people import FIXTURE, in_charge, recipient_of
from gateway.model import (
    SECOND,
    Category,
    End,
    Incident,
    Notification,
    OutboxRow,
    Person,
    Receipt,
    Site,
    Stamp,
)
from gateway.notify.queues import Queues
from gateway.notify.said import Archive, said_with
from gateway.notify.stages import Facts, channels_of, judge
from gateway.notify.writer import Writer
from gateway.ports import Clock, Notifier, Refused, Unavailable
from gateway.store.step import Step

_T = TypeVar("_T")

PATIENCE: Final = 30.0
"""Seconds that one ``tell`` may take: longer than any web request should."""
GIVE_UP: Final = 24 * 3600.0
"""Seconds after which a message that nobody would take is given up."""
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 300.0
"""Seconds between attempts: doubled from the first to the longest."""
_LONGEST_WISH: Final = 3600.0
"""A receiver's own wish when to come again is honoured up to this many seconds."""
_AT_ONCE: Final = 8
"""Messages under way in one channel, and as many again for life safety."""
_DETAIL: Final = 500
_SAVE_AGAIN: Final = 5.0
"""Seconds between attempts to save results while the disk takes nothing."""


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
        give_up: float = GIVE_UP,
    ) -> None:
        self._cases = cases
        self._notifiers = notifiers
        self._for_people = [
            name for name, each in notifiers.items() if not getattr(each, "is_fixture", False)
        ]
        self._site = site
        self._clock = clock
        self._arrival = arrival
        self._fallback = fallback
        self._write = write or Writer(zone)
        self._give_up = int(give_up * SECOND)
        self._queues = Queues()
        self._signal = Signal()
        self._rescan = True
        self._running = False
        self._next: int | None = None
        self._flights: set[asyncio.Task[None]] = set()
        self._lanes: dict[tuple[str, bool], asyncio.Semaphore] = {}
        self._results: list[OutboxRow] = []
        self._saving = asyncio.Lock()
        self._down: set[str] = set()
        self._store_down = False
        self._log = structlog.get_logger("notify")

    def offer(self, rows: Sequence[OutboxRow], incidents: Sequence[Incident]) -> None:
        """Rows that were just committed, and every incident that changed with them."""
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
        self._rescan = self._running = True
        try:
            while True:
                seen = self._signal.count
                well = not (self._rescan and self._queues.has_room) or await self._scan()
                self._launch()
                if well:
                    await self._wait(seen)
                else:  # rows in memory fly on; who fell here would forget what became of them
                    await at_most(_SAVE_AGAIN, self._clock, self._signal.wait(seen))
        finally:
            self._running = False
            for flight in self._flights:
                flight.cancel()
            await asyncio.gather(*self._flights, return_exceptions=True)
            self._queues = Queues()
            self._results.clear()

    async def _scan(self) -> bool:
        """Take due rows from the disk; those that end meanwhile are left for the next scan.

        False: it can not be read now.
        """
        self._rescan = False
        now = self._arrival(self._clock.now())
        limit = self._queues.scan_limit()
        self._queues.scan_begins()
        try:
            rows = await self._cases.due_rows(now, limit)
            self._next = await self._cases.next_due(now)
            lives = await self._lives(rows)
        except Unavailable as error:
            self._queues.scan_ends([], {})
            self._rescan = True
            self._note_store(error.reason)
            return False
        self._note_store("")
        disturbed = self._queues.scan_ends(rows, lives)
        self._rescan = disturbed or len(rows) == limit
        return True

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
        turned = await settled(self._attempt(row))
        if isinstance(turned, BaseException):
            reason = _reason(turned)
            self._log.error("telling_failed", incident=row.incident, row=row.id, reason=reason)
            self._log.debug("telling_traceback", exc_info=turned)
            turned = self._later(row, reason, None)
        await self._keep(turned)
        if not turned.end and (self._next is None or turned.due < self._next):
            self._next = turned.due
        self._queues.done(row)
        self._signal.notify()

    async def _attempt(self, row: OutboxRow) -> OutboxRow:
        """``row`` with what became of it."""
        incident = self._queues.known(row.incident) or await self._cases.incident(row.incident)
        if incident is None:
            return self._ended(row, End.superseded, "the incident is not in the store")
        before = await self._earlier(row) if row.purpose in ("cleared", "closed") else []
        heard = any(each.end == End.told.value for each in before)
        waiting = [each.due for each in before if not each.end]
        if waiting and not heard:
            return msgspec.structs.replace(row, due=max(*waiting, row.due) + 1)
        site = self._site()
        person = recipient_of(site, row.person, self._fallback)
        if person is None:  # left meanwhile: whoever is in charge now must hear of it
            person = in_charge(site, incident.place, self._fallback)
        facts = Facts(row, incident, site, person, heard, self._channels(person))
        if (verdict := judge(facts)) is not None:
            return self._ended(row, verdict.end, verdict.why)
        return await self._tell(row, facts)

    async def _tell(self, row: OutboxRow, facts: Facts) -> OutboxRow:
        """Try the person's channels in order."""
        tried: list[str] = []
        waits: list[float] = []
        said = await said_with(row, self._cases)
        for channel in self._channels(facts.person):
            row = msgspec.structs.replace(row, channel=channel)
            message = self._write(row, facts.incident, facts.site, facts.person, channel, said=said)
            answer = await self._ask(channel, message)
            if isinstance(answer, Receipt):
                detail = "; ".join([*tried, f"{channel}: told {answer.detail}".rstrip()])
                return self._ended(row, End.told, detail)
            tried.append(f"{channel}: {_reason(answer)}")
            if not isinstance(answer, Refused):
                wish = answer.retry_after if isinstance(answer, Unavailable) else None
                waits.append(wish or 0.0)
        detail = "; ".join(tried)
        if not waits:
            return self._ended(row, End.failed_all_channels, detail)
        return self._later(row, detail, min(waits))

    def _channels(self, person: Person) -> list[str]:
        """A siren is nobody's channel: it would take the message, and the person hear nothing."""
        if person.id.startswith(FIXTURE):
            return [name for name in person.channels if name in self._notifiers]
        return channels_of(person, self._for_people)

    async def _ask(self, channel: str, message: Notification) -> Receipt | BaseException:
        """The channel's answer; logged once when a channel falls, once when it is back."""
        lane = (channel, message.category == Category.life.value)
        async with self._lanes.setdefault(lane, asyncio.Semaphore(_AT_ONCE)):
            telling = self._notifiers[channel].tell(message)
            answer = await settled(telling, PATIENCE, self._clock)
        if isinstance(answer, BaseException) and not isinstance(answer, Refused):
            if channel not in self._down:
                self._down.add(channel)
                self._log.warning("channel_down", channel=channel, reason=_reason(answer))
        elif channel in self._down:
            self._down.discard(channel)
            self._log.info("channel_back", channel=channel)
        return answer

    async def _earlier(self, row: OutboxRow) -> list[OutboxRow]:
        """This person's rows of the incident that were written before ``row``."""
        rows = await self._cases.outbox(row.incident)
        return [each for each in rows if each.person == row.person and each.id < row.id]

    def _later(self, row: OutboxRow, detail: str, wish: float | None) -> OutboxRow:
        """Another attempt after a doubled wait, unless it has been tried long enough."""
        now = self._arrival(self._clock.now())
        if now - row.since >= self._give_up:
            return self._ended(row, End.failed_all_channels, f"given up; {detail}")
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(row.attempts, 20))
        wait = max(wait, min(wish or 0.0, _LONGEST_WISH))
        return msgspec.structs.replace(
            row,
            attempts=row.attempts + 1,
            due=now + int(wait * SECOND),
            detail=detail[:_DETAIL],
        )

    def _ended(self, row: OutboxRow, end: End, detail: str) -> OutboxRow:
        return msgspec.structs.replace(
            row,
            attempts=row.attempts + (end in (End.told, End.failed_all_channels)),
            end=end.value,
            detail=detail[:_DETAIL],
            ended_at=self._clock.now().wall,
        )

    async def _keep(self, row: OutboxRow) -> None:
        """Save what became of ``row``; who waits for the lock finds its result saved with others.

        While the disk takes nothing, the results wait in memory, so nobody is told twice.
        """
        self._results.append(row)
        async with self._saving:
            batch, self._results = self._results, []
            while batch:
                arrival = self._arrival(self._clock.now())
                try:
                    await self._cases.commit(Step(arrival=arrival, ended_rows=batch))
                    self._note_store("")
                    return
                except Unavailable as error:
                    self._note_store(error.reason)
                await self._clock.sleep(_SAVE_AGAIN)

    def _note_store(self, reason: str) -> None:
        """Log once when the store takes or gives nothing, once when it does again."""
        if reason and not self._store_down:
            self._log.warning("results_wait_for_the_store", reason=reason)
        elif self._store_down and not reason:
            self._log.info("store_back")
        self._store_down = bool(reason)


def _reason(error: BaseException) -> str:
    """An unforeseen error gives its type alone: its words may hold an address with a token."""
    if isinstance(error, (Unavailable, Refused)):
        return error.reason
    return f"unexpected {type(error).__name__}"


async def settled(
    awaited: Coroutine[Any, Any, _T], seconds: float | None = None, clock: Clock | None = None
) -> _T | BaseException:
    """The result of ``awaited``, or the exception it ended with, as a value.

    With ``seconds`` on ``clock``: ``Unavailable`` when it takes longer.
    """
    task = asyncio.ensure_future(awaited)
    waits: list[asyncio.Future[Any]] = [task]
    if seconds is not None and clock is not None:
        waits.append(asyncio.ensure_future(clock.sleep(seconds)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            return Unavailable(f"no answer within {seconds:g} s")
        if task.cancelled():
            return Unavailable("it was cancelled from within")
        return task.exception() or task.result()
    finally:
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
