"""The desk: changes, deeds and time limits become decisions, each kept in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from types import MappingProxyType
from typing import Final, Protocol

import structlog

from gateway.clock import Signal, at_most
from gateway.incidents import machine
from gateway.incidents.fold import fold, knows_severities
from gateway.incidents.machine import Decision, Moment, NotAllowed, World
from gateway.incidents.people import person_of
from gateway.model import (
    SECOND,
    Category,
    Change,
    Incident,
    IncidentEvent,
    OutboxRow,
    Person,
    Position,
    Site,
    Stamp,
)
from gateway.ports import Clock, Unavailable
from gateway.store.step import Step, Timer

CHINA: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The default zone; it has had no summer time since 1991, so it needs no zone data."""

_LETTERS: Final[Mapping[Category, str]] = {
    Category.life: "L",
    Category.intrusion: "I",
    Category.facility: "F",
    Category.trouble: "T",
    Category.system: "S",
}
_TIMERS_AT_ONCE: Final = 100
_DAYS: Final = 32
"""Key prefixes whose last number is remembered; beyond it they are asked for again."""


class CaseStore(Protocol):
    """What the desk needs of ``cases.db``."""

    async def commit(self, step: Step) -> list[OutboxRow]:
        """All of it or none; the new rows with their ids."""

    async def open_incidents(self, limit: int) -> list[Incident]:
        """Newest first."""

    async def open_incident(self, group: str, same: str) -> Incident | None:
        """The open one of (group, same)."""

    async def incident(self, key: str) -> Incident | None:
        """By key."""

    async def events(self, key: str) -> list[IncidentEvent]:
        """An incident's chain, oldest first."""

    async def outbox(self, key: str) -> list[OutboxRow]:
        """Every row of an incident."""

    async def last_number(self, prefix: str) -> int:
        """The highest one of keys ``PREFIX-NUMBER``."""

    async def due_timers(self, now: int, limit: int) -> list[Timer]:
        """Due at arrival ``now``."""

    async def next_timer(self) -> int | None:
        """When the next one falls due, or fell."""


Offer = Callable[[Sequence[OutboxRow], Sequence[Incident]], None]
"""Takes the new outbox rows, and every incident that changed, right after the commit. Nothing at
all: whether there are new rows is not known, the store has to be looked at."""


class _Draft:
    """What one step has decided so far; later changes of the step build on it."""

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self.incidents: dict[str, Incident] = {}
        self.open: dict[tuple[str, str], Incident] = {}
        self.numbers: dict[str, int] = {}
        self.events: list[IncidentEvent] = []
        self.rows: list[OutboxRow] = []
        self.timers_set: list[Timer] = []
        self.timers_cleared: list[tuple[str, str]] = []
        self.texts: dict[str, str] = {}

    def add(self, decision: Decision) -> None:
        incident = decision.incident
        self.incidents[incident.key] = incident
        self.open[incident.group, incident.same] = incident
        self.events += decision.events
        self.rows += decision.tell
        self.timers_set += decision.timers_set
        self.timers_cleared += decision.timers_cleared
        self.texts.update(decision.texts)

    def step(
        self, bookmark: Position | None = None, state: Mapping[str, bytes | None] | None = None
    ) -> Step:
        return Step(
            arrival=self.moment.arrival,
            events=self.events,
            texts=self.texts,
            outbox=self.rows,
            incidents=list(self.incidents.values()),
            timers_set=self.timers_set,
            timers_cleared=self.timers_cleared,
            bookmark=bookmark,
            state=state or {},
        )


class Desk:
    """One at a time: every operation holds the lock from its first look to its commit."""

    def __init__(
        self,
        cases: CaseStore,
        offer: Offer,
        site: Callable[[], Site],
        *,
        deadlines: Mapping[Category, float],
        fallback: Person,
        fixtures: Mapping[str, Collection[Category]] = MappingProxyType({}),
        zone: tzinfo = CHINA,
        most_open: int = 5_000,
    ) -> None:
        self._cases = cases
        self._offer = offer
        self._site = site
        self._deadlines = deadlines
        self._fallback = fallback
        self._fixtures = fixtures
        self._zone = zone
        self._most_open = most_open
        self._lock = asyncio.Lock()
        self._timers = Signal()
        self._open: dict[tuple[str, str], Incident] = {}
        self._numbers: dict[str, int] = {}
        self._loaded = False
        self._log = structlog.get_logger("incidents")
        self.over_limit = False
        """More incidents are open than memory holds; the rest are looked up on disk."""

    @property
    def fallback(self) -> Person:
        """The duty person of a site whose registry names nobody."""
        return self._fallback

    @property
    def open_count(self) -> int:
        """Open incidents in memory."""
        return len(self._open)

    async def take(
        self,
        changes: Sequence[Change],
        bookmark: Position | None,
        state: Mapping[str, bytes | None],
        arrival: int,
        stamp: Stamp,
        site: Site,
    ) -> None:
        """Decide on ``changes``; returned: decisions, bookmark and state are on disk together.

        ``arrival`` and ``stamp`` are the present. Raises ``Unavailable`` when the disk does
        not take it; nothing has happened then, and the same call may be made again.
        """
        if not changes:
            await self._cases.commit(Step(arrival=arrival, bookmark=bookmark, state=state))
            return
        async with self._lock:
            await self._load()
            draft = _Draft(Moment(stamp, arrival))
            world = World(site, self._deadlines, self._fallback, self._fixtures)
            for change in changes:
                await self._react(change, draft, world)
            await self._commit(draft, bookmark, state)

    async def act(
        self,
        key: str,
        verb: str,
        person: str,
        outcome: str,
        comment: str,
        stamp: Stamp,
        arrival: int,
    ) -> Incident:
        """A person's ``receive``, ``handle`` or ``close``; the incident afterwards.

        Raises ``NotAllowed`` with the sentence to show, and ``Unavailable``.
        """
        async with self._lock:
            await self._load()
            incident = await self._cases.incident(key)
            if incident is None:
                raise NotAllowed(f"没有事件 {key[:40]}。", f"There is no incident {key[:40]}.")
            if person_of(self._site(), person, self._fallback) is None:
                raise NotAllowed("名单上没有此人。", "The registry does not know this person.")
            decision = await self._decide(incident, verb, person, outcome, comment, stamp, arrival)
            if decision is None:
                return incident
            draft = _Draft(Moment(stamp, arrival))
            draft.add(decision)
            await self._commit(draft)
            return decision.incident

    async def run(self, clock: Clock, arrival: Callable[[Stamp], int]) -> None:
        """Ring what falls due, until cancelled."""
        async with self._lock:
            await self._load()  # so that the first alarm need not wait for it
        while True:
            seen = self._timers.count
            due = await self._cases.next_timer()
            now = arrival(clock.now())
            if due is None:
                await self._timers.wait(seen)
            elif due > now:
                await at_most((due - now) / SECOND, clock, self._timers.wait(seen))
            else:
                await self._ring(clock.now(), now)

    async def _ring(self, stamp: Stamp, now: int) -> None:
        async with self._lock:
            await self._load()
            draft = _Draft(Moment(stamp, now))
            world = World(self._site(), self._deadlines, self._fallback, self._fixtures)
            for timer in await self._cases.due_timers(now, _TIMERS_AT_ONCE):
                incident = await self._cases.incident(timer.incident)
                if incident and (decision := machine.overdue(incident, world, draft.moment)):
                    draft.add(decision)
                elif incident and incident.deadline:
                    draft.timers_set.append(timer._replace(due=incident.deadline))
                else:
                    draft.timers_cleared.append((timer.incident, timer.kind))
            await self._commit(draft)

    async def _react(self, change: Change, draft: _Draft, world: World) -> None:
        incident = await self._find(machine.group_of(change), change.same, draft)
        new_key = ""
        if incident is None and machine.opens(change):
            new_key = await self._next_key(change.category, draft)
        told: list[str] = []
        if incident is not None and machine.is_last_to_clear(change, incident):
            told = await self._told(incident.key, draft)
        decision = machine.react(change, incident, new_key, told, world, draft.moment)
        if decision is not None:
            draft.add(decision)

    async def _decide(
        self,
        incident: Incident,
        verb: str,
        person: str,
        outcome: str,
        comment: str,
        stamp: Stamp,
        arrival: int,
    ) -> Decision | None:
        moment = Moment(stamp, arrival)
        world = World(self._site(), self._deadlines, self._fallback, self._fixtures)
        match verb:
            case "receive":
                return machine.receive(incident, person, comment, world, moment)
            case "handle":
                return machine.handle(incident, person, comment, world, moment)
            case "close":
                told = await self._told(incident.key)
                return machine.close(incident, person, outcome, comment, told, moment)
        raise NotAllowed("没有这种操作。", "There are receive, handle and close.")

    async def _find(self, group: str, same: str, draft: _Draft) -> Incident | None:
        """The open incident of (group, same), as this step has left it so far."""
        known = draft.open.get((group, same)) or self._open.get((group, same))
        if known is None and self.over_limit:
            known = await self._cases.open_incident(group, same)
        if known is not None and not knows_severities(known):
            known = fold(await self._cases.events(known.key))
        return known

    async def _told(self, key: str, draft: _Draft | None = None) -> list[str]:
        """Everybody who was told of an incident, or may still be."""
        rows = [row for row in await self._cases.outbox(key) if row.end in ("", "told")]
        if draft is not None:
            rows += [row for row in draft.rows if row.incident == key]
        return list(dict.fromkeys(row.person for row in rows))

    async def _next_key(self, category: Category, draft: _Draft) -> str:
        """As ``F20260105-0007``: short enough for the telephone, and the same after a crash."""
        wall = draft.moment.stamp.wall
        day = datetime.fromtimestamp(wall // SECOND, UTC).astimezone(self._zone)
        prefix = f"{_LETTERS[category]}{day:%Y%m%d}"
        last = draft.numbers.get(prefix) or self._numbers.get(prefix)
        if last is None:
            last = await self._cases.last_number(prefix)
        draft.numbers[prefix] = last + 1
        return f"{prefix}-{last + 1:04}"

    async def _load(self) -> None:
        """Read the open incidents, at first and whenever memory may differ from the disk."""
        if self._loaded:
            return
        found = await self._cases.open_incidents(self._most_open + 1)
        self._open = {(each.group, each.same): each for each in found[: self._most_open]}
        self._numbers.clear()
        self._note_limit(len(found) > self._most_open)
        self._loaded = True

    async def _commit(
        self,
        draft: _Draft,
        bookmark: Position | None = None,
        state: Mapping[str, bytes | None] | None = None,
    ) -> None:
        """Keep what was decided and pass it on; who is cancelled still waits for the end of it."""
        task = asyncio.ensure_future(self._keep(draft, draft.step(bookmark, state)))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task})
            if task.done() and not task.cancelled():
                task.exception()  # seen: the caller that would have heard of it is gone
            raise

    async def _keep(self, draft: _Draft, step: Step) -> None:
        self._loaded = False  # until it is known what the disk holds
        try:
            rows = await self._cases.commit(step)
        except Unavailable:
            self._offer((), ())  # a server may have kept it, and only its answer be lost
            raise
        self._loaded = True
        if len(self._numbers) >= _DAYS:
            self._numbers.clear()
        self._numbers.update(draft.numbers)
        for incident in draft.incidents.values():
            self._remember(incident)
        if draft.timers_set:
            self._timers.notify()
        if draft.incidents:
            self._offer(rows, list(draft.incidents.values()))

    def _remember(self, incident: Incident) -> None:
        place = (incident.group, incident.same)
        if not incident.deadline:  # closed
            self._open.pop(place, None)
            if self.over_limit and len(self._open) < self._most_open // 2:
                self._loaded = False
        elif place in self._open or len(self._open) < self._most_open:
            self._open[place] = incident
        else:
            self._note_limit(True)

    def _note_limit(self, over: bool) -> None:
        if over and not self.over_limit:
            self._log.warning("open_incidents_over_limit", limit=self._most_open)
        self.over_limit = over
