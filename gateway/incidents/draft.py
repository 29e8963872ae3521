"""What one transaction will hold, while it is being decided; and the store that takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.incidents.decision import Decision, Moment
from gateway.model import Incident, IncidentEvent, OutboxRow, Position
from gateway.store.step import Step, Timer


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

    async def told_lately(self, person: str, limit: int) -> list[Incident]:
        """The newest that ``person`` was told of."""

    async def last_number(self, prefix: str) -> int:
        """The highest one of keys ``PREFIX-NUMBER``."""

    async def due_timers(self, now: int, limit: int) -> list[Timer]:
        """Due at arrival ``now``."""

    async def next_timer(self) -> int | None:
        """When the next one falls due, or fell."""


class Draft:
    """What one step has decided so far; later changes of the step build on it."""

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self.incidents: dict[str, Incident] = {}
        self.open: dict[tuple[str, str], Incident] = {}
        self.numbers: dict[str, int] = {}
        self.events: list[IncidentEvent] = []
        self.rows: list[OutboxRow] = []
        self.timers: dict[tuple[str, str], int | None] = {}
        """(incident, kind) -> when it rings; None: not at all."""
        self.texts: dict[str, str] = {}

    def add(self, decision: Decision) -> None:
        """Build on ``decision`` from now on."""
        incident = decision.incident
        self.incidents[incident.key] = incident
        if incident.deadline:
            self.open[incident.group, incident.same] = incident
        self.events += decision.events
        self.rows += decision.tell
        for timer in decision.timers_set:
            self.timers[timer.incident, timer.kind] = timer.due
        self.timers |= dict.fromkeys(decision.timers_cleared)
        self.texts.update(decision.texts)

    def step(
        self, bookmark: Position | None = None, state: Mapping[str, bytes | None] | None = None
    ) -> Step:
        """All of it as one transaction."""
        return Step(
            arrival=self.moment.arrival,
            events=self.events,
            texts=self.texts,
            outbox=self.rows,
            incidents=list(self.incidents.values()),
            timers_set=[Timer(*of, due) for of, due in self.timers.items() if due is not None],
            timers_cleared=[of for of, due in self.timers.items() if due is None],
            bookmark=bookmark,
            state=state or {},
        )
