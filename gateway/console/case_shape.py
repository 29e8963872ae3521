"""What the page behind a link shows of a case. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from gateway.console.shapes import incident_json, person_name
from gateway.console.view import Now
from gateway.model import (
    SECOND,
    STAGES,
    Cause,
    DeviceSeen,
    Incident,
    IncidentEvent,
    Outcome,
    Person,
    Site,
    State,
)

_MINUTE: Final = 60 * SECOND
_MOST_PEOPLE: Final = 30
_MOST_EVENTS: Final = 50
"""Newest ones that are shown."""
_TELEPHONE: Final = frozenset("0123456789+-() ")


def case_shape(
    incident: Incident,
    events: Sequence[IncidentEvent],
    site: Site,
    person: Person,
    now: Now,
    zone: tzinfo,
    announced: Mapping[str, DeviceSeen],
) -> dict[str, Any]:
    """The template's variables."""
    english = person.language == "en"
    facts = incident_json(site, incident, now, announced)
    stage = STAGES.get(incident.state)
    return {
        "case": facts,
        "title": facts["title_en"] if english else facts["title"],
        "why": facts["why_en"] if english else facts["why"],
        "since": _local(incident.since or incident.opened_at, zone),
        "person": person,
        "mine": incident.owner == person.id,
        "stage": stage.value if stage is not None else "",
        "minutes": _minutes(incident.deadline - now.arrival),
        "over": incident.deadline <= now.arrival,
        "numbers": numbers(facts["contact"]),
        "verbs": _verbs(incident, person),
        "outcomes": [each.value for each in Outcome],
        "causes": [each.value for each in Cause],
        "others": _others(site, incident, person),
        "history": [
            (_local(event.wall, zone), event.what.value, _by(site, event), _file(event))
            for event in events[-_MOST_EVENTS:]
        ],
    }


def numbers(contact: str) -> list[tuple[str, str]]:
    """(whom to call, digits to dial) of ``物业 0317-0000001;张三 13800000000``."""
    found = []
    for part in contact.replace("；", ";").replace("、", ";").replace("，", ";").split(";"):
        *names, last = part.split() or [""]
        digits = "".join(sign for sign in last if sign in "0123456789+")
        if len(digits) >= 3 and set(last) <= _TELEPHONE:
            found.append((f"{' '.join(names)} {last}".strip(), digits))
    return found


def _verbs(incident: Incident, person: Person) -> list[str]:
    """What this person may do next, the most likely first."""
    mine = incident.owner == person.id
    if incident.state is State.closed:
        return ["comment"]
    if incident.state is State.open:
        return ["receive", "transfer", "comment"]
    if incident.state is State.received:
        first = ["handle", "close"] if mine else ["handle"]
        return [*first, "transfer", "comment"]
    return ["close", "transfer", "comment"] if mine else ["handle", "close", "comment"]


def _others(site: Site, incident: Incident, person: Person) -> list[tuple[str, str, str]]:
    """(id, name, role) of whom it can be given to: those of the place and above it."""
    codes = [place.code for place in site.chain(incident.place)]
    near = [each for each in site.people.values() if each.grid in codes and each.id != person.id]
    near.sort(key=lambda each: codes.index(each.grid))
    return [(each.id, each.name, each.role) for each in near[:_MOST_PEOPLE]]


def _minutes(left: int) -> int:
    """Whole minutes that are left, the one that has begun counted; or that it is overdue."""
    return -(-left // _MINUTE) if left > 0 else -left // _MINUTE


def _by(site: Site, event: IncidentEvent) -> str:
    kind, _, who = event.by.partition(":")
    return person_name(site, who) if kind == "person" else ""


def _file(event: IncidentEvent) -> str:
    """The SHA-256 of what came with it; "" of nothing."""
    return str(event.data.get("evidence", ""))


def _local(wall: int, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(wall // SECOND, UTC).astimezone(zone):%m-%d %H:%M}"
