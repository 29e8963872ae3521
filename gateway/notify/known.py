"""What is known of a due row at the moment when it is decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple, Protocol

from gateway.incidents.people import in_charge, recipient_of
from gateway.model import (
    Category,
    End,
    Incident,
    OutboxRow,
    Person,
    Silence,
    Site,
    Stamp,
    TellingLimits,
)
from gateway.notify.channel import in_order
from gateway.notify.channels import Channels
from gateway.notify.facts import UNSEEN, Facts, Way
from gateway.notify.memory import Batch, Memory
from gateway.notify.meters import Meters
from gateway.notify.said import Archive
from gateway.notify.writer import Writer
from gateway.ports import Clock
from gateway.registry.duty import on_duty
from gateway.store import telling


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


class Before(NamedTuple):
    """What this person was told of the incident before a resolve."""

    heard: bool = True
    told_by: str = ""
    waits_until: int = 0
    """Arrival ns of an alarm of theirs that is still to be told; 0: none is."""
    successors: tuple[str, ...] = ()
    """Who was told in the place of this person."""


class Known:
    """Looks it up; it changes nothing."""

    def __init__(
        self, shelf: Shelf, scene: Scene, channels: Channels, memory: Memory, meters: Meters
    ) -> None:
        self._shelf = shelf
        self._scene = scene
        self._channels = channels
        self._memory = memory
        self._meters = meters
        self.before_us = 0
        """The newest row of a run that ended: what became of its message is not known."""

    def facts(self, row: OutboxRow, incident: Incident, before: Before, *, leads: bool) -> Facts:
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
            perhaps=row.id <= self.before_us and not row.attempts and not row.held,
        )

    async def before(self, row: OutboxRow) -> Before:
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
        return Before(
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

    async def others(self, batch: Batch, row: OutboxRow) -> list[Incident]:
        """The incidents merged into ``row``, as they are now."""
        keys = set(batch.rows.values()) - {row.incident}
        found: Mapping[str, Incident] = await self._shelf.read(telling.incidents, keys)
        return [found[key] for key in sorted(found)]
