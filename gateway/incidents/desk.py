"""The desk: changes, deeds and time limits become decisions, each kept in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import tzinfo
from types import MappingProxyType
from typing import Final

import structlog

from gateway.clock import Signal, at_most
from gateway.incidents import deeds, machine, replies, times
from gateway.incidents.decision import Moment, NotAllowed, World, due
from gateway.incidents.deeds import ANSWER, Report
from gateway.incidents.draft import CaseStore, Draft
from gateway.incidents.limits import Limits
from gateway.incidents.memory import MOST, OpenIncidents
from gateway.incidents.numbers import CANARIES, CHINA, Numbers
from gateway.model import (
    HAZARDS,
    SECOND,
    Action,
    Category,
    Change,
    Deed,
    Incident,
    Limit,
    OutboxRow,
    Person,
    Position,
    Site,
    Stamp,
    State,
    is_canary,
)
from gateway.ports import Clock, Unavailable
from gateway.store.step import Step

_AT_ONCE: Final = 100
"""Decided in one transaction: an alarm waits for no more than these."""
_LOOK_EVERY: Final = 180.0
"""Seconds between looks at who has duty: a shift's case waits no longer for the next one."""
_LOOKED_AT_ONCE: Final = 50
"""Incidents looked at before others get the loop."""
_ANSWERABLE: Final = 20
"""Of the newest incidents a person was told of, those an answer without a number may mean."""
_HEARD: Final = ("", "told", "merged")
"""Ends of rows whose people hear of it, or may."""

Offer = Callable[[Sequence[OutboxRow], Sequence[Incident]], None]
"""Takes the new outbox rows, and every incident that changed, right after the commit. Nothing at
all: whether there are new rows is not known, the store has to be looked at."""


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
        limits: Iterable[Limit] = (),
        zone: tzinfo = CHINA,
        most_open: int = MOST,
        turn: Callable[[], str] = lambda: "",
        texting: Collection[str] = (),
    ) -> None:
        """``turn``: whose way to a message the canary tries next; ``texting``: see ``replies``."""
        self._cases = cases
        self._offer = offer
        self._site = site
        self._deadlines = deadlines
        self._fallback = fallback
        self._fixtures = fixtures
        self._limits = Limits(limits)
        self._turn = turn
        self._texting = texting
        self._lock = asyncio.Lock()
        self._timers = Signal()
        self._open = OpenIncidents(cases, most_open)
        self._numbers = Numbers(cases, zone)
        self._looked_for: Site | None = None
        self._look_at = 0
        """Arrival ns of the next look at who has duty; sooner with another registry."""
        self._log = structlog.get_logger("incidents")

    @property
    def fallback(self) -> Person:
        """The duty person of a site whose registry names nobody."""
        return self._fallback

    @property
    def over_limit(self) -> bool:
        """More incidents are open than memory holds; the rest are looked up on disk."""
        return self._open.over_limit

    @property
    def open_count(self) -> int:
        """Open incidents in memory."""
        return len(self._open)

    async def take(
        self,
        decided: Sequence[Change | Action],
        bookmark: Position | None,
        state: Mapping[str, bytes | None],
        arrival: int,
        stamp: Stamp,
        site: Site,
    ) -> None:
        """Decide on changes of rules and answers of people, in their order.

        Returned: decisions, bookmark and state are on disk together, so that after a crash no
        answer counts twice.
        ``arrival`` and ``stamp`` are the present. Raises ``Unavailable`` when the disk does
        not take it; nothing has happened then, and the same call may be made again.
        """
        if not decided:
            await self._cases.commit(Step(arrival=arrival, bookmark=bookmark, state=state))
            return
        async with self._lock:
            await self._load()
            draft = Draft(Moment(stamp, arrival))
            world = self._world(site)
            for one in decided:
                if isinstance(one, Action):
                    await self._answer(one, draft, world)
                else:
                    await self._react(one, draft, world)
            await self._commit(draft, bookmark, state)

    async def act(self, key: str, deed: Deed, stamp: Stamp, arrival: int) -> Incident:
        """A person's deed; the incident afterwards.

        Raises ``NotAllowed`` with the sentence to show, and ``Unavailable``.
        """
        async with self._lock:
            await self._load()
            draft = Draft(Moment(stamp, arrival))
            incident = await self._do(key, deed, draft, self._world())
            if draft.events:
                await self._commit(draft)
            return incident

    async def open_by_hand(self, report: Report, stamp: Stamp, arrival: int) -> Incident:
        """A case from a person: a call to the hotline, a hazard seen on patrol.

        Raises ``NotAllowed`` with the sentence to show, and ``Unavailable``.
        """
        async with self._lock:
            await self._load()
            draft, world = Draft(Moment(stamp, arrival)), self._world()
            other = await self._open.find(report.group, report.same, draft) if report.same else None
            deeds.check_report(report, other.key if other is not None else "", world)
            letter = HAZARDS if report.hazard else ""
            key = await self._numbers.next(report.category, draft, letter)
            draft.add(deeds.open_by_hand(report, key, world, draft.moment))
            await self._commit(draft)
            return draft.incidents[key]

    def look(self) -> None:
        """The registry has changed: see soon who has duty."""
        self._timers.notify()

    async def run(self, clock: Clock, arrival: Callable[[Stamp], int]) -> None:
        """Ring what falls due, and hand over when a shift ends, until cancelled."""
        async with self._lock:
            await self._load()  # so that the first alarm need not wait for it
        while True:
            seen = self._timers.count
            now = arrival(clock.now())
            if self._looked_for is not self._site() or now >= self._look_at:
                await self._hand_over(clock, arrival)
            rings = await self._cases.next_timer()
            now = arrival(clock.now())
            if rings is None:
                await self._timers.wait(seen)
            elif rings > now:
                seconds = (min(rings, self._look_at) - now) / SECOND
                await at_most(seconds, clock, self._timers.wait(seen))
            else:
                await self._ring(clock.now(), now)

    def _world(self, site: Site | None = None) -> World:
        return World(
            site or self._site(), self._deadlines, self._fallback, self._fixtures, self._limits,
            self._turn(),
        )  # fmt: skip

    # --- time ---------------------------------------------------------------------------------

    async def _ring(self, stamp: Stamp, now: int) -> None:
        async with self._lock:
            await self._load()
            draft, world = Draft(Moment(stamp, now)), self._world()
            for timer in await self._cases.due_timers(now, _AT_ONCE):
                of = timer.incident, timer.kind
                if draft.timers.get(of) is not None:
                    continue  # set anew by what this step has decided already
                incident = await self._known(timer.incident, draft)
                decision = incident and times.ring(incident, timer.kind, world, draft.moment)
                if decision:
                    draft.add(decision)
                if incident is not None:
                    incident = draft.incidents.get(timer.incident, incident)
                draft.timers[of] = due(incident, timer.kind) or None if incident else None
            await self._commit(draft)

    async def _hand_over(self, clock: Clock, arrival: Callable[[Stamp], int]) -> None:
        """What somebody else must have by now goes to whoever has duty."""
        moment = Moment(stamp := clock.now(), arrival(stamp))
        world = self._world()
        self._looked_for, self._look_at = world.site, moment.arrival + int(_LOOK_EVERY * SECOND)
        found: list[str] = []
        for number, incident in enumerate(self._open.all()):
            if times.hand_over(incident, world, moment) is not None:
                found.append(incident.key)
            if number % _LOOKED_AT_ONCE == _LOOKED_AT_ONCE - 1:
                await clock.sleep(0)
        for first in range(0, len(found), _AT_ONCE):
            moment = Moment(stamp := clock.now(), arrival(stamp))
            await self._hand_on(found[first : first + _AT_ONCE], world, moment)

    async def _hand_on(self, keys: Iterable[str], world: World, moment: Moment) -> None:
        async with self._lock:
            await self._load()
            draft = Draft(moment)
            for key in keys:
                known = await self._known(key, draft)
                decision = known and times.hand_over(known, world, moment)
                if decision:
                    draft.add(decision)
            await self._commit(draft)

    # --- rules and people -----------------------------------------------------------------------

    async def _react(self, change: Change, draft: Draft, world: World) -> None:
        incident = await self._open.find(machine.group_of(change), change.same, draft)
        new_key = ""
        if incident is None and machine.opens(change):
            letter = CANARIES if is_canary(change) else ""
            new_key = await self._numbers.next(change.category, draft, letter)
        told: list[str] = []
        if incident is not None:
            incident = self._owned(incident, draft, world)
            if machine.is_last_to_clear(change, incident):
                told = await self._told(incident.key, draft)
        decision = machine.react(change, incident, new_key, told, world, draft.moment)
        if decision is not None:
            draft.add(decision)

    async def _do(self, key: str, deed: Deed, draft: Draft, world: World) -> Incident:
        """The incident after ``deed``. Raises ``NotAllowed``."""
        incident = await self._known(key, draft)
        if incident is None:
            raise NotAllowed(f"没有事件 {key[:40]}。", f"There is no incident {key[:40]}.")
        told: list[str] = []
        other = ""
        if deed.verb in ("close", "reopen"):
            told = await self._told(incident.key, draft)
        if deed.verb == "reopen" and incident.state is State.closed:
            open_now = await self._open.find(incident.group, incident.same, draft)
            open_now = open_now or await self._cases.open_incident(incident.group, incident.same)
            other = open_now.key if open_now is not None else ""
        incident = self._owned(incident, draft, world)
        decision = deeds.do(deed, incident, told, other, world, draft.moment)
        if decision is None:
            return incident
        draft.add(decision)
        return decision.incident

    def _owned(self, incident: Incident, draft: Draft, world: World) -> Incident:
        """``incident`` after who left the registry meanwhile has been replaced."""
        if incident.state is State.closed or world.knows(incident.owner):
            return incident
        decision = times.hand_over(incident, world, draft.moment)
        if decision is None:
            return incident
        draft.add(decision)
        return decision.incident

    async def _answer(self, action: Action, draft: Draft, world: World) -> None:
        """Somebody answered a message: a deed like any other. Who is refused is told why."""
        if not replies.is_deed(action):
            return
        named = replies.key_in(action)
        person, lately = await self._author(action, named, draft, world)
        if person is None:
            self._log.warning("answer_from_nobody", verb=action.verb)
            return
        meant = named or replies.meant(action.verb, lately)
        try:
            if not meant:
                raise NotAllowed("没有等您处理的事件。", "There is no incident that waits for you.")
            await self._do(meant, replies.deed_of(action, person.id), draft, world)
        except NotAllowed as refusal:
            self._log.warning("answer_refused", incident=meant, reason=refusal.text.en)
            about = await self._known(meant, draft) if meant else None
            about = about or next(iter(lately), None)
            if about is not None:
                draft.add(deeds.refuse(about, action.verb, person, refusal.text, draft.moment))

    async def _author(
        self, action: Action, named: str, draft: Draft, world: World
    ) -> tuple[Person | None, list[Incident]]:
        """Who answered, and what that person was told of; of a shared phone see ``likely``."""
        found = [
            (person, await self._lately(person.id, draft))
            for person in replies.authors(action, world.site, world.fallback, self._texting)
        ]
        return replies.likely(found, named)

    async def _lately(self, person: str, draft: Draft) -> list[Incident]:
        """The newest incidents that ``person`` was told of, as this step has left them."""
        found = await self._cases.told_lately(person, _ANSWERABLE)
        return [draft.incidents.get(one.key, one) for one in found if not is_canary(one)]

    # --- what is known --------------------------------------------------------------------------

    async def _known(self, key: str, draft: Draft) -> Incident | None:
        return draft.incidents.get(key) or await self._cases.incident(key)

    async def _told(self, key: str, draft: Draft) -> list[str]:
        """Everybody who was told of an incident, or may still be."""
        rows = [row for row in await self._cases.outbox(key) if row.end in _HEARD]
        rows += [row for row in draft.rows if row.incident == key]
        return list(dict.fromkeys(row.person for row in rows if row.purpose != ANSWER))

    async def _load(self) -> None:
        """Read the open incidents, at first and whenever memory may differ from the disk."""
        if await self._open.load():
            self._numbers.forget()

    async def _commit(
        self,
        draft: Draft,
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

    async def _keep(self, draft: Draft, step: Step) -> None:
        self._open.forget()  # until it is known what the disk holds
        try:
            rows = await self._cases.commit(step)
        except Unavailable:
            self._offer((), ())  # a server may have kept it, and only its answer be lost
            raise
        self._open.kept(draft.incidents.values())
        self._numbers.kept(draft)
        if draft.timers:
            self._timers.notify()
        if draft.incidents:
            self._offer(rows, list(draft.incidents.values()))
