"""One case as its series see it: followed event by event, and the points of each event. Pure.

received ─▶ handling ─▶ closed        a stage passed is a point; its clock begins with the event
   └── transferred by a person        that brought the stage, anew for whoever gets the case
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.incidents.fold import apply
from gateway.model import (
    SECOND,
    STAGES,
    Happened,
    Incident,
    IncidentEvent,
    Outcome,
    Stage,
    State,
    Value,
    is_canary,
)
from gateway.model.series import Point

_MILLI: Final = 1_000_000
_PERSON: Final = "person:"
_PASSED: Final = (Happened.received, Happened.handling, Happened.closed)


class Mark(NamedTuple):
    """When something was, on both axes, and whether the wall clock was believed."""

    wall: int
    arrival: int
    trusted: bool

    def since(self, earlier: Mark) -> float:
        """Seconds between the two: as people count them where both clocks were right."""
        by_wall = self.wall - earlier.wall
        if self.trusted and earlier.trusted and by_wall >= 0:
            return by_wall / SECOND
        return max(self.arrival - earlier.arrival, 0) / SECOND


class Case(NamedTuple):
    """An incident and what its points need besides."""

    incident: Incident
    opened: Mark
    stage: Mark
    """When the stage began that it is in."""
    limit: int
    """Ns that the stage was given at its beginning; 0: not known."""
    deadline: int
    """Wall ns by when it has to be moved on, or should have been; 0: none."""
    missed: str = ""
    """Whose limit it was that passed first in this stage; "" while none has."""
    received: Mark | None = None
    transfers: int = 0

    @property
    def waits_for(self) -> Stage | None:
        """The stage that it is in; None once closed."""
        return STAGES.get(self.incident.state)

    @property
    def is_overdue(self) -> bool:
        """Whether its limit has passed and nobody has moved it on since."""
        return self.incident.warned > 0


def follow(case: Case | None, event: IncidentEvent, wall: int) -> Case:
    """The case after one more event, which was at ``wall`` ns as is known by now.

    ValueError for a first event that opens nothing.
    """
    mark = Mark(wall, event.arrival, event.trusted)
    incident = apply(case.incident if case else None, event)
    if case is None:
        return Case(incident, mark, mark, incident.limit, _wall_of(incident, mark))
    case = case._replace(incident=incident)
    if event.what is Happened.closed:
        return case._replace(deadline=0)
    if event.what is Happened.overdue:
        return case if case.missed else case._replace(missed=incident.owner)
    by_person = event.by.startswith(_PERSON)
    if event.what is Happened.transferred and by_person:
        case = case._replace(transfers=case.transfers + 1)
    if _begins_stage(event, by_person):
        received = mark if event.what is Happened.received else None
        return case._replace(
            stage=mark,
            limit=incident.limit,
            missed="",
            received=case.received or received,
            deadline=_wall_of(incident, mark),
        )
    if "deadline" in event.data and not case.is_overdue:
        case = case._replace(deadline=_wall_of(incident, mark))
    return case


def _begins_stage(event: IncidentEvent, by_person: bool) -> bool:
    if event.what is Happened.transferred:
        return by_person
    return event.what in (Happened.received, Happened.handling, Happened.reopened)


def _wall_of(incident: Incident, mark: Mark) -> int:
    return mark.wall + incident.deadline - mark.arrival if incident.deadline else 0


def points(
    before: Case | None, event: IncidentEvent, after: Case, n: int, wall: int
) -> list[Point]:
    """The points of one event, number ``n`` of the record, at ``wall``; none of the canary's."""
    if is_canary(after.incident):
        return []
    mark, at = Mark(wall, event.arrival, event.trusted), set_apart(wall, n)
    found = [_incident(event, after.incident, at)]
    if before is not None and event.what in _PASSED:
        found += _stage(before, after, mark, at)
    if event.what is Happened.closed:
        found.append(_closing(after, mark, at))
    if event.trusted:
        return found
    return [p._replace(fields={**p.fields, "clock_suspect": True}) for p in found]


def set_apart(wall: int, n: int) -> int:
    """A moment of its own within the millisecond of ``wall``: 800 alarms in one do not meet."""
    return wall // _MILLI * _MILLI + n % _MILLI


def _incident(event: IncidentEvent, incident: Incident, at: int) -> Point:
    fields: dict[str, Value] = {
        "key": incident.key,
        "title": incident.title.zh,
        "title_en": incident.title.en,
        "owner": incident.owner,
        "by": event.by,
        "n": 1.0,
    }
    fields |= _said(device=incident.device, outcome=incident.outcome, cause=incident.cause)
    tags = {
        "place": incident.place,
        "category": incident.category.value,
        "severity": incident.severity.value,
        "kind": incident.kind,
        "what": event.what.value,
    }
    return Point("incident", tags, fields, at)


def _stage(before: Case, after: Case, mark: Mark, at: int) -> list[Point]:
    """The stage that the event ended, if it ended one."""
    stage = before.waits_for
    if stage is None:
        return []
    if after.incident.state is State.closed:
        stage = Stage.close  # straight after receiving it, too
    on_time = not before.missed
    fields: dict[str, Value] = {
        "key": after.incident.key,
        "seconds": mark.since(before.stage),
        "limit": before.limit / SECOND,
        "on_time": on_time,
        "on_time_n": float(on_time),
        "n": 1.0,
    }
    tags = {
        "place": after.incident.place,
        "category": after.incident.category.value,
        "stage": stage.value,
        "person": before.missed or after.incident.owner,
    }
    return [Point("stage", tags, fields, at)]


def _closing(after: Case, mark: Mark, at: int) -> Point:
    incident = after.incident
    fields: dict[str, Value] = {
        "key": incident.key,
        "seconds": mark.since(after.opened),
        "transfers": float(after.transfers),
        "false": float(incident.outcome == Outcome.false_alarm),
        "n": 1.0,
    }
    if after.received is not None:
        fields["to_receive"] = after.received.since(after.opened)
    tags = {
        "place": incident.place,
        "category": incident.category.value,
        "kind": incident.kind,
        "device": incident.device,
        "outcome": incident.outcome,
        "cause": incident.cause,
    }
    return Point("closing", tags, fields, at)


def _said(**texts: str) -> dict[str, Value]:
    return {name: text for name, text in texts.items() if text}
