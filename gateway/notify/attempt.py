"""One due row, from what is known of it to what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from gateway.incidents.people import next_rung, own_rung
from gateway.model import (
    SECOND,
    Category,
    End,
    Incident,
    Notification,
    OutboxRow,
    Receipt,
    Sent,
    State,
    is_canary,
)
from gateway.notify.channel import unseen
from gateway.notify.channels import Channels
from gateway.notify.facts import ASKS, QUOTA, RESOLVES, Facts, Verdict
from gateway.notify.follow import after_silence, anew, handed_on
from gateway.notify.keeper import Turned
from gateway.notify.known import Before, Known, Scene, Shelf
from gateway.notify.memory import Batch, Memory
from gateway.notify.meters import Meters
from gateway.notify.said import said_with
from gateway.notify.settled import reason_of
from gateway.notify.stages import SILENT, WHEN, WORTH, judge
from gateway.notify.storm import is_counted, is_still_worth
from gateway.ports import Refused, Unavailable
from gateway.store import telling

_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 300.0
"""Seconds between attempts: doubled from the first to the longest."""
_LONGEST_WISH: Final = 3600.0
"""A receiver's own wish when to come again is honoured up to this many seconds."""
_DETAIL: Final = 500


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
        self._known = Known(shelf, scene, channels, memory, meters)

    def begin(self, newest: int) -> None:
        """A run begins, and rows up to ``newest`` are there already."""
        self._known.before_us = newest

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
        before = await self._known.before(row) if row.purpose in RESOLVES else Before()
        if before.waits_until and not before.heard:
            # after it; when that is under way now, a little later, for nothing says when it ends
            due = max(before.waits_until + 1, self._now() + int(_FIRST_WAIT * SECOND))
            return Turned(msgspec.structs.replace(row, due=due))
        others = await self._known.others(batch, row) if batch.rows else []
        facts = self._known.facts(row, incident, before, leads=bool(batch.rows))
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
        later += [anew(facts.row, person, facts.now) for person in verdict.instead]
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
