"""The model's nouns as the API's JSON objects. Pure functions of their arguments.

Times are ISO 8601 in UTC with milliseconds and Z; spans are seconds. Wherever a sentence
comes in two languages, the bare name is Chinese and ``…_en`` is English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from gateway.console.view import (
    Health,
    Now,
    RuleRow,
    RulesEdition,
    TaskHealth,
    Telling,
)
from gateway.console.words import WORDS
from gateway.model import (
    SECOND,
    UNKNOWN_KIND,
    Device,
    DeviceSeen,
    Incident,
    IncidentEvent,
    OutboxRow,
    Person,
    Reading,
    Site,
    Text,
    every_value_name,
)

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_OWN: Final = "gateway/"
"""Ids of what the gateway reports on itself begin with it, like ``gateway/self``."""
_FIXTURE: Final = "notifier:"
"""A siren that is told besides people is called as it is configured."""
_PEOPLE: Final = ("from", "owner", "to")
"""Of an event's data."""
DUTY: Final = Text(*WORDS["person.duty"])
"""What whoever acts for an empty registry is called."""
_WATCHED: Final = ("accepted", "installed")
"""A planned, bypassed or retired device is allowed to be silent."""

Json = dict[str, Any]


def iso(wall: int | None) -> str | None:
    """``2026-01-05T08:00:00.000Z``; None for a time that is absent or beyond the calendar."""
    if not wall:
        return None
    try:
        moment = _START + timedelta(milliseconds=wall // 1_000_000)
    except OverflowError:
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def seconds(span: int) -> float:
    """A span of ns as seconds, with milliseconds."""
    return round(span / SECOND, 3)


def place_name(site: Site, code: str) -> str:
    """The path from the topmost place, as ``云河区 / 建设街道 / 第三网格``; the code if unknown."""
    return " / ".join(place.name for place in reversed(site.chain(code))) or code


def person_name(site: Site, person: str) -> str:
    """A person's name; the id of somebody who is not, or no longer, in the registry."""
    known = site.people.get(person)
    return known.name if known is not None else person.removeprefix(_FIXTURE)


def person_json(site: Site, person: Person) -> Json:
    """Who can be chosen; no telephone number leaves the registry this way."""
    return {
        "id": person.id,
        "name": person.name,
        "role": person.role,
        "grid": person.grid,
        "place_name": place_name(site, person.grid),
    }


def incident_json(
    site: Site, incident: Incident, now: Now, announced: Mapping[str, DeviceSeen]
) -> Json:
    """An incident as a list shows it; ``announced`` names devices that nobody registered."""
    device = site.devices.get(incident.device)
    seen = announced.get(incident.device)
    stranger = f"{seen.name} ({incident.device})" if seen and seen.name else incident.device
    deadline = seconds(incident.deadline - now.arrival) if incident.deadline else None
    return {
        "key": incident.key,
        "category": incident.category.value,
        "severity": incident.severity.value,
        "state": incident.state.value,
        "kind": incident.kind,
        "device": incident.device,
        "device_name": device.name if device is not None else stranger,
        "place": incident.place,
        "place_name": place_name(site, incident.place),
        "place_codes": [place.code for place in site.chain(incident.place)],
        "address": next((p.address for p in site.chain(incident.place) if p.address), ""),
        "floor": device.floor if device is not None else "",
        "flat": device.flat if device is not None else "",
        "contact": device.contact if device is not None else "",
        "title": incident.title.zh,
        "title_en": incident.title.en,
        "why": incident.why.zh,
        "why_en": incident.why.en,
        "found": incident.found,
        "opened_at": iso(incident.opened_at),
        "age": seconds(max(0, now.wall - incident.opened_at)),
        "owner": incident.owner,
        "owner_name": person_name(site, incident.owner),
        "deadline_in": deadline,
        "overdue": incident.overdue,
        "cleared": not incident.alarming,
        "alarming": list(incident.alarming),
        "more": incident.more,
        "outcome": incident.outcome,
        "cause": incident.cause,
        "warned": bool(incident.early),
        "asked": [{"person": one, "name": person_name(site, one)} for one in incident.ladder],
        "evidence": [evidence_url(digest) for digest in incident.evidence],
        "rule": incident.rule,
        "head": incident.head,
    }


def evidence_url(digest: str) -> str:
    """Where a snapshot can be fetched."""
    return f"/api/v1/evidence/{digest}"


def digests(events: list[IncidentEvent]) -> list[str]:
    """Every SHA-256 that stands for a text in the events, once."""
    found = (value for event in events for value in event.data.values())
    return list(dict.fromkeys(v for v in found if isinstance(v, str) and _DIGEST.fullmatch(v)))


def event_json(site: Site, event: IncidentEvent, texts: Mapping[str, str]) -> Json:
    """One link of the chain; ``texts`` are the personal texts that have not been deleted."""
    by, _, person = event.by.partition(":")
    return {
        "seq": event.seq,
        "what": event.what.value,
        "at": iso(event.wall),
        "trusted": event.trusted,
        "by": event.by,
        "by_name": person_name(site, person) if by == "person" else "",
        "data": event.data,
        "texts": {k: texts[v] for k, v in event.data.items() if isinstance(v, str) and v in texts},
        "names": _named(site, event),
        "previous": event.previous,
        "hash": event.hash,
    }


def _named(site: Site, event: IncidentEvent) -> dict[str, str]:
    """What those are called whom the event speaks of: people, and the place that has it now."""
    found = {
        name: person_name(site, id_)
        for name in _PEOPLE
        if isinstance(id_ := event.data.get(name), str) and id_
    }
    charge = event.data.get("charge")
    if isinstance(charge, str) and charge:
        found["charge"] = place_name(site, charge)
    return found


def message_json(site: Site, row: OutboxRow, now: Now) -> Json:
    """What became of one message; ``end`` is "" and ``due_in`` a number while it waits.

    ``held`` says why it waits though nothing failed, ``digest`` in which message a merged one is.
    """
    return {
        "id": row.id,
        "seq": row.seq,
        "purpose": row.purpose,
        "person": row.person,
        "name": person_name(site, row.person),
        "channel": row.channel,
        "attempts": row.attempts,
        "end": row.end,
        "held": row.held,
        "digest": row.digest,
        "detail": row.detail,
        "ended_at": iso(row.ended_at),
        "due_in": None if row.end else seconds(max(0, row.due - now.arrival)),
    }


def reading_json(reading: Reading) -> Json:
    """One reading as it was stored."""
    return {
        "device": reading.device,
        "kind": reading.kind,
        "values": reading.values,
        "at": iso(reading.at),
        "received_at": iso(reading.received_at),
        "observed_at": iso(reading.observed_at),
        "quality": reading.quality.value,
        "late": reading.late,
        "retained": reading.retained,
        "key": reading.key,
        "origin": list(reading.origin),
        "evidence": evidence_url(reading.evidence.sha256) if reading.evidence else None,
    }


def is_silent(device: Device, heard: int | None, now: Now) -> bool:
    """Whether a device that should report has not done so for longer than it may."""
    if not device.max_silence or device.state not in _WATCHED:
        return False
    return heard is None or now.arrival - heard > device.max_silence


def device_json(
    site: Site, device: Device, reading: Reading | None, heard: int | None, now: Now
) -> Json:
    """A device with its newest values; ``age`` is None for one that was never heard.

    ``heard`` is the arrival of ``reading``.
    """
    values = reading.values if reading is not None else {}
    return {
        "id": device.id,
        "kind": device.kind,
        "name": device.name or device.id,
        "place": device.place,
        "place_name": place_name(site, device.place),
        "driver": device.driver,
        "address": device.address,
        "model": device.model,
        "floor": device.floor,
        "flat": device.flat,
        "state": device.state,
        "max_silence": seconds(device.max_silence),
        "values": values,
        "units": _units(values),
        "at": iso(reading.at) if reading is not None else None,
        "received_at": iso(reading.received_at) if reading is not None else None,
        "age": seconds(max(0, now.arrival - heard)) if heard is not None else None,
        "quality": reading.quality.value if reading is not None else None,
        "late": reading.late if reading is not None else False,
        "silent": is_silent(device, heard, now),
        "unknown": is_unknown(site, device.id),
        "own": device.id not in site.devices and device.id.startswith(_OWN),
    }


class Heard(NamedTuple):
    """What devices have said of themselves, each by device id."""

    latest: Mapping[str, Reading]
    at: Mapping[str, int]
    """Arrival ns of ``latest``."""
    announced: Mapping[str, DeviceSeen]


def devices_json(site: Site, heard: Heard, now: Now) -> list[Json]:
    """Every registered device, then those that reported or were announced and nobody registered."""
    latest, at, announced = heard
    known = [
        device_json(site, d, latest.get(d.id), at.get(d.id), now) for d in site.devices.values()
    ]
    strangers = [id_ for id_ in {**latest, **announced} if id_ not in site.devices]
    return known + [
        device_json(site, _stranger(id_, one, announced.get(id_)), one, at.get(id_), now)
        for id_ in strangers
        for one in (latest.get(id_),)
    ]


def is_unknown(site: Site, id_: str) -> bool:
    """Whether a device is in no register; the gateway's reports on itself are no device."""
    return id_ not in site.devices and not id_.startswith(_OWN)


def _stranger(id_: str, reading: Reading | None, seen: DeviceSeen | None) -> Device:
    """Its name is what its bridge calls it, and where it stands in the registry's file."""
    driver, _, address = id_.partition("/")
    state = "accepted" if id_.startswith(_OWN) else "unknown"
    kinds = (reading.kind if reading is not None else "", seen.kind if seen is not None else "")
    kind = next((kind for kind in kinds if kind not in ("", UNKNOWN_KIND)), UNKNOWN_KIND)
    name, model = (seen.name, seen.model) if seen is not None else ("", "")
    called = f"{name} ({id_})" if name and name != address else id_
    return Device(id_, driver, address, kind, called, "", model=model, state=state)


def _units(values: Mapping[str, Any]) -> dict[str, str]:
    names = every_value_name()
    return {name: names[name].unit for name in values if name in names and names[name].unit}


def task_json(task: TaskHealth) -> Json:
    """A supervised task; ``since`` as a time."""
    return {**task, "since": iso(task["since"])}


def health_json(health: Health, telling: Telling | None) -> Json:
    """The gateway's own state; None: the store can not say how telling stands."""
    canary = health["canary"]
    if canary is not None:
        canary = canary | {"at": iso(canary["at"])}
    tasks = [task_json(task) for task in health["tasks"]]
    return {**health, "canary": canary, "tasks": tasks, "telling": telling}


def duty_json(person: Person) -> Json:
    """Who acts where the registry names nobody."""
    return person_json(Site(), person) | {"name": DUTY.zh, "name_en": DUTY.en}


def rules_json(
    edition: RulesEdition, rows: Iterable[RuleRow], chinese: Callable[[str], str]
) -> Json:
    """The rules in force, and why newer ones are not."""
    return {
        "digest": edition.digest,
        "since": iso(edition.since),
        "rules": [rule_json(row) for row in rows],
        "problems": problems_json(edition.problems, chinese),
        "refused_at": iso(edition.refused_at),
    }


def rule_json(row: RuleRow) -> Json:
    """One rule with its counters; ``cost`` is the mean of one evaluation in µs."""
    count = row.counters.get
    return {
        "name": row.name,
        "title": row.title.zh,
        "title_en": row.title.en,
        "open": count("open", 0),
        "alarms": count("alarmed", 0),
        "inhibited": count("inhibited", 0),
        "errors": count("failed", 0),
        "cost": round(row.mean / 1_000, 2),
    }


def problems_json(problems: Sequence[str], chinese: Callable[[str], str]) -> list[Json]:
    """Each line in both languages."""
    return [{"zh": chinese(problem), "en": problem} for problem in problems]
