"""The fold: what an incident is, from its events alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from gateway.model import (
    HAZARD,
    MANUAL,
    Category,
    Happened,
    Incident,
    IncidentEvent,
    Severity,
    State,
    Text,
    Value,
    is_patrol,
)

MOST_EVIDENCE: Final = 20
"""Newest snapshots that the incident itself lists; its events name them all."""
MOST_ROUNDS: Final = 30
"""Newest missed rounds that ``holding`` lists of a case of patrols: nobody may ever close it."""
_RISING: Final = tuple(Severity)
_UNKNOWN: Final = Text(
    "重新打开后,传感器还没有新的报告", "no sensor has reported since it was reopened"
)


def is_worse(one: Severity, other: Severity) -> bool:
    """Whether ``one`` is more severe than ``other``."""
    return _RISING.index(one) > _RISING.index(other)


def severity_of(incident: Incident, rule: str, device: str) -> Severity | None:
    """How severe the alarm of (rule, device) is that holds; None when it does not."""
    if (rule, device) not in incident.holding:
        return None
    return incident.severities[incident.holding.index((rule, device))]


def severity_with(incident: Incident, rule: str, device: str, severity: Severity) -> Severity:
    """The incident's severity once that of the held (rule, device) is ``severity``."""
    index = incident.holding.index((rule, device))
    return _worst(incident.left, _put(incident.severities, index, severity)) or severity


def knows_severities(incident: Incident) -> bool:
    """False for one that was stored before each alarm's severity was kept: fold its events."""
    quiet = not incident.holding and incident.left is None
    return len(incident.severities) == len(incident.holding) and not quiet


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
        severities=(Severity(data["severity"]),),
        why=Text(data["why_zh"], data["why_en"]),
        found=data["found"],
        alarming=(data["device"],),
        evidence=(data["evidence"],) if data["evidence"] else (),
        events=event.seq,
        head=event.hash,
        since=int(data["at"]),
        rung=data.get("rung", ""),
        ladder=(data["owner"],) if "rung" in data else (),
        reporter=event.by.removeprefix("person:") if event.by.startswith("person:") else "",
        had=(data["owner"],) if "rung" in data else (),
        warn=int(data.get("warn", 0)),
    )


def _changes(incident: Incident, event: IncidentEvent) -> dict[str, Any]:
    data = event.data
    match event.what:
        case Happened.alarmed:
            return _alarmed(incident, event)
        case Happened.cleared:
            return _cleared(incident, event)
        case Happened.received:
            return {"state": State.received, **_moved_on(incident, event)}
        case Happened.handling:
            return {"state": State.handling, **_moved_on(incident, event)}
        case Happened.overdue:
            return {"overdue": True, "warned": event.seq, **_limit(data)}
        case Happened.severity:
            return _changed(incident, event)
        case Happened.closed:
            return _closed(data)
        case Happened.evidence | Happened.attached:
            return {"evidence": _evidence(incident, data)}
        case Happened.transferred:
            return _transferred(incident, event)
        case Happened.escalated:
            return _escalated(incident, event)
        case Happened.warned:
            return {"early": event.seq}
        case Happened.supervised:
            return _limit(data)
        case Happened.reopened:
            return _reopened(incident, event)
        case Happened.opened | Happened.commented | Happened.refused:
            return {}


def _holder(event: IncidentEvent) -> tuple[str, str]:
    """The (rule, device) that an alarm or its end is of."""
    return event.by.removeprefix("rule:"), str(event.data["device"])


def _held(
    incident: Incident, holding: tuple[tuple[str, str], ...], severities: tuple[Severity, ...]
) -> dict[str, Any]:
    return {
        "holding": holding,
        "severities": severities,
        "alarming": tuple(dict.fromkeys(device for _, device in holding)),
        "severity": _worst(incident.left, severities) or incident.severity,
    }


def _worst(left: Severity | None, severities: Iterable[Severity]) -> Severity | None:
    every = [*severities, *([left] if left is not None else [])]
    return max(every, key=_RISING.index, default=None)


def _put(severities: tuple[Severity, ...], index: int, one: Severity) -> tuple[Severity, ...]:
    return (*severities[:index], one, *severities[index + 1 :])


def _limit(data: dict[str, Value]) -> dict[str, Any]:
    """The time limit that an event sets, if it sets one."""
    if "deadline" not in data:
        return {}
    return {
        "deadline": int(str(data["deadline"])),
        "limit": int(str(data["limit"])),
        "warn": int(str(data.get("warn", 0))),
        "early": 0,
    }


def _moved_on(incident: Incident, event: IncidentEvent) -> dict[str, Any]:
    """A person took a step. Where the event names no owner it is who did."""
    data = event.data
    changes = {"owner": str(data.get("owner", event.by.removeprefix("person:"))), "warned": 0}
    if "rung" in data:
        changes |= {"rung": str(data["rung"]), "ladder": (changes["owner"],)}
    return changes | _limit(data)


def _transferred(incident: Incident, event: IncidentEvent) -> dict[str, Any]:
    """Somebody else has to receive it. At a change of shift nobody has moved it on."""
    data, owner = event.data, str(event.data["owner"])
    changes = {
        "state": State.open,
        "owner": owner,
        "rung": str(data["rung"]),
        "charge": str(data.get("charge", incident.charge)),
        "passed": int(str(data.get("passed", incident.passed))),
        **_limit(data),
    }
    if "deadline" in data:
        changes["had"] = _with(incident.had, owner)
    if event.by.startswith("person:"):
        return changes | {"warned": 0, "ladder": (owner,)}
    return changes | {"ladder": _with(incident.ladder, owner)}


def _escalated(incident: Incident, event: IncidentEvent) -> dict[str, Any]:
    """For a missed limit the next rung is asked; of what is passed on too often one only hears."""
    data, owner = event.data, str(event.data["owner"])
    if data["because"] == "passed":
        return {"raised": event.seq, "passed": 0}
    return {
        "owner": owner,
        "rung": str(data["rung"]),
        "ladder": _with(incident.ladder, str(data["to"])),
        "had": _with(incident.had, owner),
    }


def _with(ladder: tuple[str, ...], person: str) -> tuple[str, ...]:
    return ladder if person in ladder else (*ladder, person)


def _closed(data: dict[str, Value]) -> dict[str, Any]:
    return {
        "state": State.closed,
        "outcome": str(data["outcome"]),
        "cause": str(data.get("cause", "")),
        "deadline": 0,
        "warn": 0,
        "early": 0,
    }


def _reopened(incident: Incident, event: IncidentEvent) -> dict[str, Any]:
    """What the sensors did since it was closed nobody followed; a person's own case stands."""
    changes = {"state": State.open, "outcome": "", "cause": "", **_moved_on(incident, event)}
    changes |= {"had": (changes["owner"],), "passed": 0, "raised": 0}
    if incident.rule in (MANUAL, HAZARD):
        return changes
    held = {
        "holding": (), "severities": (), "alarming": (), "left": incident.severity, "more": 0,
    }  # fmt: skip
    return changes | held | {"over": _UNKNOWN}


def _alarmed(incident: Incident, event: IncidentEvent) -> dict[str, Any]:
    data = event.data
    holding = (*incident.holding, _holder(event))
    severities = (*incident.severities, Severity(str(data["severity"])))
    rest: dict[str, Any] = {}
    if is_patrol(incident) and len(holding) > MOST_ROUNDS:
        rest = {"more": incident.more + 1, "left": _worst(incident.left, severities[:1])}
        incident = msgspec.structs.replace(incident, left=rest["left"])
        holding, severities = holding[1:], severities[1:]
    changes = _held(incident, holding, severities) | rest
    changes["evidence"] = _evidence(incident, data)
    if "raised_from" in data or not incident.alarming:
        changes |= _reason(data)
    return changes | _limit(data)


def _cleared(incident: Incident, event: IncidentEvent) -> dict[str, Any]:
    """What it was at last stays with the incident."""
    if _holder(event) not in incident.holding:
        return {}
    index = incident.holding.index(_holder(event))
    holding = incident.holding[:index] + incident.holding[index + 1 :]
    rest = incident.severities[:index] + incident.severities[index + 1 :]
    left = _worst(incident.left, incident.severities[index : index + 1])
    held = _held(msgspec.structs.replace(incident, left=left), holding, rest)
    over = Text(str(event.data.get("why_zh", "")), str(event.data.get("why_en", "")))
    return held | {"left": left, "over": over if over.zh else None}


def _changed(incident: Incident, event: IncidentEvent) -> dict[str, Any]:
    """One alarm became more or less severe; the incident with it, unless others are as bad."""
    data = event.data
    index = incident.holding.index(_holder(event))
    severities = _put(incident.severities, index, Severity(str(data["severity"])))
    changes = _held(incident, incident.holding, severities)
    changes["evidence"] = _evidence(incident, data)
    if "raised_from" in data:
        changes |= _reason(data)
    elif "lowered_from" in data:
        changes["why"] = Text(str(data["why_zh"]), str(data["why_en"]))
    return changes | _limit(data)


def _evidence(incident: Incident, data: dict[str, Value]) -> tuple[str, ...]:
    """Each once: two rules often alarm on the same picture."""
    digest = str(data["evidence"])
    if not digest or digest in incident.evidence:
        return incident.evidence
    return (*incident.evidence, digest)[-MOST_EVIDENCE:]


def _reason(data: dict[str, Value]) -> dict[str, Any]:
    """What people are told anew; the title only where the event brings one."""
    changes: dict[str, Any] = {
        "why": Text(str(data["why_zh"]), str(data["why_en"])),
        "since": int(str(data["at"])),
        "found": str(data["found"]),
    }
    if "title_zh" in data:
        changes["title"] = Text(str(data["title_zh"]), str(data["title_en"]))
    return changes
