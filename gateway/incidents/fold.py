"""The fold: what an incident is, from its events alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from gateway.model import (
    Category,
    Happened,
    Incident,
    IncidentEvent,
    Severity,
    State,
    Text,
    Value,
)

MOST_EVIDENCE: Final = 20
"""Newest snapshots that the incident itself lists; its events name them all."""
_RISING: Final = tuple(Severity)


def is_worse(one: Severity, other: Severity) -> bool:
    """Whether ``one`` is more severe than ``other``."""
    return _RISING.index(one) > _RISING.index(other)


def fold(events: Iterable[IncidentEvent]) -> Incident:
    """The incident after ``events``, oldest first. ValueError if they do not begin one."""
    incident: Incident | None = None
    for event in events:
        incident = apply(incident, event)
    if incident is None:
        raise ValueError("an incident begins with an opened event; there are no events")
    return incident


def apply(incident: Incident | None, event: IncidentEvent) -> Incident:
    """The incident after one more event."""
    if incident is None:
        if event.what is not Happened.opened:
            raise ValueError(f"an incident begins with an opened event, not {event.what.value}")
        return _opened(event)
    changes = _changes(incident, event)
    return msgspec.structs.replace(incident, **changes, events=event.seq, head=event.hash)


def _opened(event: IncidentEvent) -> Incident:
    data = {name: str(value) for name, value in event.data.items()}
    return Incident(
        key=event.incident,
        rule=data["rule"],
        same=data["same"],
        title=Text(data["title_zh"], data["title_en"]),
        category=Category(data["category"]),
        severity=Severity(data["severity"]),
        kind=data["kind"],
        device=data["device"],
        place=data["place"],
        owner=data["owner"],
        state=State.open,
        opened_at=event.wall,
        deadline=int(data["deadline"]),
        limit=int(data["limit"]),
        group=data["group"],
        holding=((data["rule"], data["device"]),),
        why=Text(data["why_zh"], data["why_en"]),
        found=data["found"],
        alarming=(data["device"],),
        evidence=(data["evidence"],) if data["evidence"] else (),
        events=event.seq,
        head=event.hash,
        since=int(data["at"]),
    )


def _changes(incident: Incident, event: IncidentEvent) -> dict[str, Any]:
    data = event.data
    person = event.by.removeprefix("person:")
    match event.what:
        case Happened.alarmed:
            return _alarmed(incident, event)
        case Happened.cleared:
            gone = _holder(event)
            return _held(tuple(each for each in incident.holding if each != gone))
        case Happened.received:
            return {"state": State.received, "owner": person, "warned": 0, **_limit(data)}
        case Happened.handling:
            return {"state": State.handling, "owner": person, "warned": 0, **_limit(data)}
        case Happened.overdue:
            return {"overdue": True, "warned": event.seq, **_limit(data)}
        case Happened.severity:
            return {"severity": Severity(str(data["severity"]))}
        case Happened.closed:
            return {"state": State.closed, "outcome": str(data["outcome"]), "deadline": 0}
        case Happened.evidence:
            return {"evidence": (*incident.evidence, str(data["evidence"]))[-MOST_EVIDENCE:]}
        case Happened.opened:
            return {}


def _holder(event: IncidentEvent) -> tuple[str, str]:
    """The (rule, device) that an alarm or its end is of."""
    return event.by.removeprefix("rule:"), str(event.data["device"])


def _held(holding: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {
        "holding": holding,
        "alarming": tuple(dict.fromkeys(device for _, device in holding)),
    }


def _limit(data: dict[str, Value]) -> dict[str, Any]:
    return {"deadline": int(str(data["deadline"])), "limit": int(str(data["limit"]))}


def _alarmed(incident: Incident, event: IncidentEvent) -> dict[str, Any]:
    data = event.data
    snapshots = (str(data["evidence"]),) if data["evidence"] else ()
    changes = _held((*incident.holding, _holder(event)))
    changes["evidence"] = (*incident.evidence, *snapshots)[-MOST_EVIDENCE:]
    if "raised_from" in data:
        changes["severity"] = Severity(str(data["severity"]))
        changes["title"] = Text(str(data["title_zh"]), str(data["title_en"]))
    if "raised_from" in data or not incident.alarming:
        changes["why"] = Text(str(data["why_zh"]), str(data["why_en"]))
        changes["since"] = int(str(data["at"]))
        changes["found"] = str(data["found"])
    return changes
