"""What is decided of one incident, and what it rests on: the parts that every decision is made of.

Pure: nothing here asks what time it is or what the disk holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from gateway.incidents.fold import apply
from gateway.incidents.limits import LONGEST, SHORTEST, Limits
from gateway.incidents.people import person_of
from gateway.model import (
    SECOND,
    STAGES,
    Category,
    Happened,
    Incident,
    IncidentEvent,
    OutboxRow,
    Person,
    Severity,
    Site,
    Stage,
    Stamp,
    State,
    Text,
    Value,
)
from gateway.store.chain import digest_of, seal
from gateway.store.step import Timer

DEADLINE: Final = "deadline"
WARN: Final = "warn"
TIMERS: Final = (DEADLINE, WARN)
"""The kinds of timer that an incident may have."""
_NO_LIMIT_GIVEN: Final = 24 * 3600.0
"""Seconds for a category that the configuration does not name: nothing is without a limit."""
_LONGEST_COMMENT: Final = 2_000


class NotAllowed(Exception):
    """The incident does not do that now; ``text`` tells the person why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(zh, en)


class World(NamedTuple):
    """What decisions rest on besides the incident itself."""

    site: Site
    deadlines: Mapping[Category, float]
    """Seconds for each stage, where ``limits`` say nothing."""
    fallback: Person
    """The duty person of a site whose registry names nobody."""
    fixtures: Mapping[str, Collection[Category]] = MappingProxyType({})
    """Who is told besides people (``notifier:NAME``), and of what."""
    limits: Limits = Limits()
    turn: str = ""
    """Whose way the canary tries next; "": that of whoever has duty."""

    def limit(
        self,
        place: str,
        category: Category,
        severity: Severity,
        stage: Stage,
        group: str = "",
    ) -> Span:
        """How long a stage may take."""
        found = self.limits.find(self.site, place, category, severity, stage, group)
        if found is not None:
            return Span(max(found.within, SHORTEST), found.warn)
        seconds = self.deadlines.get(category, _NO_LIMIT_GIVEN)
        return Span(max(int(seconds * SECOND), SHORTEST))

    def knows(self, person: str) -> bool:
        """Whether ``person`` is somebody's id."""
        return person_of(self.site, person, self.fallback) is not None

    def name(self, person: str) -> str:
        """What people call ``person``."""
        known = person_of(self.site, person, self.fallback)
        return known.name if known is not None else person


class Moment(NamedTuple):
    """When something is decided."""

    stamp: Stamp
    arrival: int


class Span(NamedTuple):
    """A time limit in ns, and how long before its end the owner is warned (0: not)."""

    within: int
    warn: int = 0


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes true of one incident, all of it together."""

    incident: Incident
    events: tuple[IncidentEvent, ...]
    tell: tuple[OutboxRow, ...] = ()
    timers_set: tuple[Timer, ...] = ()
    timers_cleared: tuple[tuple[str, str], ...] = ()
    texts: dict[str, str] = {}


def begin(key: str, by: str, data: dict[str, Value], moment: Moment, comment: str = "") -> Decision:
    """An incident's first event."""
    texts, noted = _noted(comment)
    event = seal(_event(key, 1, Happened.opened, by, data | noted, moment), "")
    return Decision(incident=apply(None, event), events=(event,), texts=texts)


def happen(
    incident: Incident, what: Happened, by: str, data: dict[str, Value], moment: Moment
) -> Decision:
    """One more event."""
    event = _event(incident.key, incident.events + 1, what, by, data, moment)
    event = seal(event, incident.head)
    return Decision(incident=apply(incident, event), events=(event,))


def act(
    incident: Incident,
    what: Happened,
    person: str,
    data: dict[str, Value],
    comment: str,
    moment: Moment,
) -> Decision:
    """A person's deed; the comment goes into the chain as its digest only."""
    texts, noted = _noted(comment)
    decision = happen(incident, what, f"person:{person}", data | noted, moment)
    return msgspec.structs.replace(decision, texts=texts)


def _noted(comment: str) -> tuple[dict[str, str], dict[str, Value]]:
    """The text to keep apart, and what the event says of it."""
    if not (comment := tidy(comment)):
        return {}, {}
    digest = digest_of(comment)
    return {digest: comment}, {"comment": digest}


def tidy(comment: str) -> str:
    """``comment`` as it is kept. Raises ``NotAllowed`` for one that is no comment but a file."""
    comment = comment.encode("utf-8", "replace").decode().strip()
    if len(comment) > _LONGEST_COMMENT:
        raise NotAllowed(
            f"说明不能超过 {_LONGEST_COMMENT} 字。",
            f"A comment may have {_LONGEST_COMMENT:,} characters.",
        )
    return comment


def then(first: Decision, second: Decision) -> Decision:
    """Both, ``second`` having been made of what ``first`` left."""
    return Decision(
        incident=second.incident,
        events=first.events + second.events,
        tell=first.tell + second.tell,
        timers_set=first.timers_set + second.timers_set,
        timers_cleared=first.timers_cleared + second.timers_cleared,
        texts=first.texts | second.texts,
    )


def telling(decision: Decision, purpose: str, people: Iterable[str], moment: Moment) -> Decision:
    """One row more for each person, due at once, about the newest event."""
    rows = tuple(
        OutboxRow(
            id=0,
            incident=decision.incident.key,
            seq=decision.incident.events,
            purpose=purpose,
            person=person,
            due=moment.arrival,
            since=moment.arrival,
        )
        for person in dict.fromkeys(people)
    )
    return msgspec.structs.replace(decision, tell=decision.tell + rows)


def span_of(incident: Incident, world: World, stage: Stage | None = None) -> Span:
    """How long ``incident`` may take for ``stage``, or for what it waits for now."""
    place = incident.charge or incident.place
    stage = stage or STAGES.get(incident.state, Stage.receive)
    return world.limit(place, incident.category, incident.severity, stage, incident.group)


def at_most_a_day(span: Span) -> Span:
    """What follows a missed limit."""
    return span._replace(within=min(span.within, LONGEST))


def limit(span: Span, moment: Moment) -> dict[str, Value]:
    """What an event says that sets the deadline."""
    data: dict[str, Value] = {
        "deadline": str(moment.arrival + span.within),
        "limit": str(span.within),
    }
    if 0 < span.warn < span.within:
        data["warn"] = str(moment.arrival + span.within - span.warn)
    return data


def with_timers(decision: Decision) -> Decision:
    """The timers that the incident needs, and none besides."""
    incident = decision.incident
    every = [Timer(incident.key, kind, due(incident, kind)) for kind in TIMERS]
    return msgspec.structs.replace(
        decision,
        timers_set=tuple(timer for timer in every if timer.due),
        timers_cleared=tuple((timer.incident, timer.kind) for timer in every if not timer.due),
    )


def due(incident: Incident, kind: str) -> int:
    """Arrival ns at which the timer ``kind`` of ``incident`` has to ring; 0: it has none."""
    if incident.state is State.closed:
        return 0
    if kind == DEADLINE:
        return incident.deadline
    return incident.warn if kind == WARN and not incident.early else 0


def _event(
    key: str, seq: int, what: Happened, by: str, data: dict[str, Value], moment: Moment
) -> IncidentEvent:
    return IncidentEvent(
        incident=key,
        seq=seq,
        what=what,
        wall=moment.stamp.wall,
        arrival=moment.arrival,
        trusted=moment.stamp.trusted,
        by=by,
        data=data,
    )
