"""One due row, from what is known of it to what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from gateway.incidents.people import in_charge, next_rung, own_rung, recipient_of
from gateway.model import (
    SECOND,
    Category,
    End,
    Incident,
    Notification,
    OutboxRow,
    Person,
    Receipt,
    Sent,
    Silence,
    Site,
    Stamp,
    State,
    TellingLimits,
    is_canary,
)
from gateway.notify.channel import in_order, unseen
from gateway.notify.channels import Channels
from gateway.notify.facts import ASKS, QUOTA, RESOLVES, UNSEEN, Facts, Verdict, Way
from gateway.notify.follow import after_silence, anew, handed_on
from gateway.notify.keeper import Turned
from gateway.notify.memory import Batch, Memory
from gateway.notify.meters import Meters
from gateway.notify.said import Archive, said_with
from gateway.notify.settled import reason_of
from gateway.notify.stages import SILENT, WHEN, WORTH, judge
from gateway.notify.storm import is_counted, is_still_worth
from gateway.notify.writer import Writer
from gateway.ports import Clock, Refused, Unavailable
from gateway.registry.duty import on_duty
from gateway.store import telling

_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 300.0
"""Seconds between attempts: doubled from the first to the longest."""
_LONGEST_WISH: Final = 3600.0
"""A receiver's own wish when to come again is honoured up to this many seconds."""
_DETAIL: Final = 500


class Scene(NamedTuple):
    """What surrounds every attempt."""

    site: Callable[[], Site]
    clock: Clock
    arrival: Callable[[Stamp], int]
    zone: tzinfo
    fallback: Person
    limits: TellingLimits
    write: Writer
    silences: Callable[[int], Sequence[Silence]]
    cause: Callable[[Incident], str]
    """The rule that makes an incident pointless to tell now; "" for none."""
    give_up: float
    """Seconds."""


class Shelf(Archive, Protocol):
    """What an attempt looks up in ``cases.db``."""

    async def incident(self, key: str) -> Incident | None:
        """By key."""

    async def outbox(self, key: str) -> list[OutboxRow]:
        """Every row of an incident."""

    async def read(self, function: Callable[..., Any], *args: Any) -> Any:
        """One short look by a function of ``gateway.store.telling``."""


class _Before(NamedTuple):
    """What this person was told of the incident before a resolve."""

    heard: bool = True
    told_by: str = ""
    waits_until: int = 0
    """Arrival ns of an alarm of theirs that is still to be told; 0: none is."""
    successors: tuple[str, ...] = ()
    """Who was told in the place of this person."""


class Attempts:
    """``attempt`` decides and tells; it keeps nothing on disk."""

    def __init__(
        self,
        shelf: Shelf,
        scene: Scene,
        channels: Channels,
        memory: Memory,
        meters: Meters,
        reserve: Callable[[Sent], Awaitable[None]],
    ) -> None:
        self._shelf = shelf
        self._scene = scene
        self._channels = channels
        self._memory = memory
        self._meters = meters
        self._reserve = reserve

    async def attempt(self, row: OutboxRow, known: Incident | None) -> Turned:
        """``row`` with what became of it; ``known`` is its incident if somebody has it at hand."""
        batch = self._memory.begin(row.id)
        self._meters.unqueue(row.id)
        ended = False
        try:
            turned = await self._decide(row, known, batch)
            ended = bool(turned.row.end)
            return turned
        finally:
            if not ended:
                self._memory.again(row.id, batch)

    def later(self, row: OutboxRow, detail: str, wish: float | None = None) -> OutboxRow:
        """Another attempt after a doubled wait, unless it has been tried long enough."""
        now = self._now()
        if now - row.since >= self._scene.give_up * SECOND:
            return self._ended(row, End.failed_all_channels, f"given up; {detail}")
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(row.attempts, 20))
        wait = max(wait, min(wish or 0.0, _LONGEST_WISH))
        return msgspec.structs.replace(
            row,
            attempts=row.attempts + 1,
            due=now + int(wait * SECOND),
            detail=detail[:_DETAIL],
            held="",
        )

    async def _decide(self, row: OutboxRow, known: Incident | None, batch: Batch) -> Turned:
        incident = known or await self._shelf.incident(row.incident)
        if incident is None:
            return Turned(self._ended(row, End.superseded, "the incident is not in the store"))
        before = await self._before(row) if row.purpose in RESOLVES else _Before()
        if before.waits_until and not before.heard:
            # after it; when that is under way now, a little later, for nothing says when it ends
            due = max(before.waits_until + 1, self._now() + int(_FIRST_WAIT * SECOND))
            return Turned(msgspec.structs.replace(row, due=due))
        others = await self._others(batch, row) if batch.rows else []
        facts = self._facts(row, incident, before, leads=bool(batch.rows))
        if is_canary(incident):
            verdict = judge(facts, SILENT)
            return Turned(await self._try(facts) if verdict is None else self._over(row, verdict))
        verdict = judge(facts, WORTH)
        about = [each for each in others if is_still_worth(facts, each)]
        if verdict is None:
            verdict = judge(facts, WHEN)
            if verdict is None or verdict.held == QUOTA:
                self._count(facts)
        elif about and (turned := await self._handed_on(facts, verdict, batch, about)) is not None:
            return turned
        if verdict is not None:
            return await self._turned(facts, verdict, batch)
        return await self._tell(facts, [incident, *about], before.told_by)

    # --- what is known ------------------------------------------------------------------

    def _facts(self, row: OutboxRow, incident: Incident, before: _Before, *, leads: bool) -> Facts:
        """From here to the verdict and what is remembered of it nothing may wait."""
        scene, site = self._scene, self._scene.site()
        stamp = scene.clock.now()
        now, wall = scene.arrival(stamp), stamp.wall if stamp.trusted else 0
        person = recipient_of(site, row.person, scene.fallback)
        if person is None:  # left meanwhile: whoever is in charge now must hear of it
            person = in_charge(site, incident.place, scene.fallback, stamp.wall)
        names = self._channels.of(person)
        ordered = in_order(
            names,
            row,
            incident,
            others=self._channels.for_people,
            told_by=before.told_by,
            away=self._channels.away(),
        )
        life = incident.category is Category.life
        ways = [
            Way(name, self._meters.wait(name, person.id, life=life, now=now)) for name in ordered
        ]
        registered = wall and person.id in site.people
        return Facts(
            row,
            incident,
            site,
            person,
            before.heard,
            ordered,
            now=now,
            wall=wall,
            zone=scene.zone,
            limits=scene.limits,
            silences=scene.silences(now),
            cause=self._cause(row, incident),
            look=self._memory.look(row, incident, site, now),
            ways=ways,
            behind=self._memory.behind(row, incident),
            leads=leads,
            duty=on_duty(site, person.grid, person.role, wall) if registered else (),
            successors=before.successors,
        )

    async def _before(self, row: OutboxRow) -> _Before:
        """What was told before ``row``, also as part of another row's message."""
        rows = await self._shelf.outbox(row.incident)
        mine = [each for each in rows if each.person == row.person and each.id < row.id]
        merged = {each.digest for each in mine if each.digest}
        if merged:
            mine += await self._shelf.read(telling.rows, merged)
        told = [each for each in mine if each.end == End.told.value]
        waits = [each.due for each in mine if not each.end and each.held != UNSEEN]
        spared = any(each.end == End.not_on_duty.value for each in mine)
        others = {each.person for each in rows if each.person != row.person}
        return _Before(
            heard=bool(told),
            told_by=told[0].channel if told else "",
            waits_until=max(waits, default=0),
            successors=tuple(sorted(others)) if spared else (),
        )

    def _cause(self, row: OutboxRow, incident: Incident) -> str:
        """Looked for when the row had to wait: the rules have looked before it was written."""
        if not (row.held or row.attempts) or row.held == UNSEEN:
            return ""
        return self._scene.cause(incident)

    async def _others(self, batch: Batch, row: OutboxRow) -> list[Incident]:
        """The incidents merged into ``row``, as they are now."""
        keys = set(batch.rows.values()) - {row.incident}
        found: Mapping[str, Incident] = await self._shelf.read(telling.incidents, keys)
        return [found[key] for key in sorted(found)]

    def _count(self, facts: Facts) -> None:
        if is_counted(facts.row) and not facts.to_fixture:
            self._memory.count(facts.row, facts.incident, facts.site, facts.now)

    # --- what becomes of it -----------------------------------------------------------------

    async def _turned(self, facts: Facts, verdict: Verdict, batch: Batch) -> Turned:
        row = facts.row
        if verdict.end is None:
            self._memory.hold(row, facts.incident, facts.site, verdict)
            if verdict.held == QUOTA:
                self._meters.queue(facts.ways[0].channel, row.id)
            held = msgspec.structs.replace(
                row, held=verdict.held, due=verdict.until, detail=verdict.why[:_DETAIL]
            )
            return Turned(held)
        ended = self._ended(row, verdict.end, verdict.why)
        if verdict.into:
            self._memory.merge(row, verdict.into)
            return Turned(msgspec.structs.replace(ended, digest=verdict.into))
        rows = [row]
        if batch.rows and verdict.end in (End.not_on_duty, End.silenced):
            rows += await self._shelf.read(telling.rows, batch.rows)
        if verdict.end is End.silenced:
            return Turned(ended, after_silence(rows, verdict.until))
        return Turned(ended, [anew(each, p, facts.now) for each in rows for p in verdict.instead])

    async def _handed_on(
        self, facts: Facts, verdict: Verdict, batch: Batch, about: Sequence[Incident]
    ) -> Turned | None:
        """It leads others and is not told itself: they go without it, at once."""
        worth = {each.key for each in about}
        rows = await self._shelf.read(telling.rows, batch.rows)
        handed = handed_on(facts.row, rows, worth, facts.now)
        if handed is None:
            return None
        incident = next(each for each in about if each.key == handed.lead.incident)
        self._memory.lead(handed.lead, handed.rest, incident, facts.site)
        end = verdict.end or End.superseded
        own = [msgspec.structs.replace(each, digest=0) for each in handed.own]
        ended = [self._ended(each, end, verdict.why) for each in (facts.row, *own)]
        later = after_silence(ended, verdict.until) if end is End.silenced else []
        return Turned(ended[0], later, [*ended[1:], handed.lead, *handed.rest])

    async def _tell(self, facts: Facts, about: Sequence[Incident], told_by: str) -> Turned:
        """Try the channels in order; at least one of them is free."""
        row, person = facts.row, facts.person
        life = facts.incident.category is Category.life
        tried: list[str] = []
        waits: list[float] = []
        for name in facts.notifiers:
            wait = self._meters.wait(name, person.id, life=life, now=self._now())
            if wait:
                tried.append(f"{name}: as many messages as it takes were sent")
                waits.append(wait / SECOND)
                continue
            row = msgspec.structs.replace(row, channel=name)
            answer = await self._ask(name, await self._message(row, facts, about, name))
            if isinstance(answer, Receipt):
                detail = "; ".join([*tried, f"{name}: told {answer.detail}".rstrip()])
                return self._told(facts, row, about, detail)
            tried.append(f"{name}: {reason_of(answer)}")
            if not isinstance(answer, Refused):
                wish = answer.retry_after if isinstance(answer, Unavailable) else None
                waits.append(wish or 0.0)
        detail = "; ".join(tried)
        if not waits:
            ended = self._ended(row, End.failed_all_channels, detail)
            return Turned(ended, self._next_up(facts))
        return Turned(self.later(row, detail, min(waits)))

    def _next_up(self, facts: Facts) -> list[OutboxRow]:
        """No channel takes anything for this person: the next one on the ladder hears of it now.

        It stays with its owner until the time limit; nobody waits for that to hear of a fire.
        """
        row, incident, site = facts.row, facts.incident, facts.site
        if row.purpose not in ASKS or incident.state is not State.open or facts.to_fixture:
            return []
        place, asked = incident.charge or incident.place, {row.person, *incident.ladder}
        rung = own_rung(site, place, facts.person) or incident.rung
        above = next_rung(site, place, rung, asked, self._scene.clock.now().wall)
        return [anew(row, above.person.id, facts.now)] if above is not None else []

    async def _try(self, facts: Facts) -> OutboxRow:
        """The canary: the first channel that can be reached without ringing anybody.

        What it finds says nothing of whether a channel takes messages, and costs none of its quota.
        """
        tried: list[str] = []
        refused = True
        for name in facts.notifiers:
            row = msgspec.structs.replace(facts.row, channel=name)
            message = await self._message(row, facts, [facts.incident], name)
            answer = await self._channels.trial(name, message)
            if isinstance(answer, Receipt):
                detail = "; ".join([*tried, f"{name}: tried {answer.detail}".rstrip()])
                return self._ended(row, End.told, detail)
            tried.append(f"{name}: {reason_of(answer)}")
            refused &= isinstance(answer, Refused)
        detail = "; ".join(tried)
        if refused:
            return self._ended(facts.row, End.failed_all_channels, detail)
        return self.later(facts.row, detail)

    def _over(self, row: OutboxRow, verdict: Verdict) -> OutboxRow:
        return self._ended(row, verdict.end or End.superseded, verdict.why)

    async def _ask(self, name: str, message: Notification) -> Receipt | BaseException:
        if not self._meters.counts(name):
            return await self._channels.ask(name, message)
        ticket, sent = self._meters.take(name, message.person, self._now())
        try:
            await self._reserve(sent)
            return await self._channels.ask(name, message)
        finally:
            self._meters.done(ticket, self._now())

    async def _message(
        self, row: OutboxRow, facts: Facts, about: Sequence[Incident], name: str
    ) -> Notification:
        merged = len(about) > 1
        said = "" if merged else await said_with(row, self._shelf)
        many = about if merged else ()
        return self._scene.write(
            row, about[0], facts.site, facts.person, name, said=said, many=many
        )

    def _told(self, facts: Facts, row: OutboxRow, about: Sequence[Incident], detail: str) -> Turned:
        now = self._now()
        if len(about) > 1:
            self._memory.told_many(row, facts.incident, facts.site, now)
        told = self._ended(row, End.told, detail)
        if facts.incident.state is not State.open:
            return Turned(told)
        names = self._channels.of(facts.person)
        again = unseen(row, facts.incident, names, self._scene.limits, now)
        return Turned(told, [again] if again is not None else [])

    def _ended(self, row: OutboxRow, end: End, detail: str) -> OutboxRow:
        return msgspec.structs.replace(
            row,
            attempts=row.attempts + (end in (End.told, End.failed_all_channels)),
            end=end.value,
            detail=detail[:_DETAIL],
            ended_at=self._scene.clock.now().wall,
            held="",
        )

    def _now(self) -> int:
        return self._scene.arrival(self._scene.clock.now())
