"""What ``gridwarden explain`` found out, and the same as one JSON object."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import tzinfo
from typing import Any, Final, NamedTuple

from gateway.model import IncidentEvent, OutboxRow, Reading, Record, Site
from gateway.replay.account import Around, Limit, Written
from gateway.replay.casebook import File
from gateway.replay.shape import iso

VERSION: Final = 1
_BROKEN: Final = re.compile(r"event (\d+)")

Json = dict[str, Any]


class Account(NamedTuple):
    """Everything that the stores say of one incident."""

    file: File
    site: Site
    """The registry of that time where the journal has it, else the present one."""
    around: Around
    rule: Written | None
    settings: list[Written]
    """The overrides of that rule."""
    rule_known: bool
    """The rule's text is the one that was in force; else the present one."""
    limits: list[Limit]
    wall: Callable[[Record], int]


def broken_at(account: Account) -> int:
    """The first event whose link does not hold; 0 when all do."""
    found = _BROKEN.search(account.file.broken)
    return int(found[1]) if found else int(bool(account.file.broken))


def moment(account: Account, limit: Limit) -> int:
    """When a limit ran out, wall ns, as seen from the event that set it."""
    event = next(event for event in account.file.events if event.seq == limit.event)
    return event.wall + limit.due - event.arrival


def outcome_of(limit: Limit) -> str:
    """``kept``, ``missed`` or ``running``."""
    if limit.missed:
        return "missed"
    return "running" if limit.met is None else "kept"


def as_json(account: Account, zone: tzinfo) -> Json:
    """The whole. The keys are a promise: ``gateway/replay/README.md`` lists them."""
    file, incident = account.file, account.file.incident
    return {
        "version": VERSION,
        "incident": incident.key,
        "title": {"zh": incident.title.zh, "en": incident.title.en},
        "category": incident.category.value,
        "severity": incident.severity.value,
        "state": incident.state.value,
        "outcome": incident.outcome,
        "rule": incident.rule,
        "device": incident.device,
        "place": incident.place,
        "same": incident.same,
        "owner": incident.owner,
        "opened": iso(incident.opened_at, zone),
        "events": [_event(account, event, zone) for event in file.events],
        "messages": [_message(row, zone) for row in file.outbox],
        "limits": [
            {
                "until": limit.until.value,
                "due": iso(moment(account, limit), zone),
                "end": outcome_of(limit),
            }
            for limit in account.limits
        ],
        "rule_text": _written(account.rule),
        "settings": [_written(each) for each in account.settings],
        "rule_of_that_time": account.rule_known,
        "readings": _readings(account, zone),
        "readings_gone": account.around.gone,
        "record": {
            "sound": not file.broken,
            "broken_at": broken_at(account) or None,
            "head": incident.head,
        },
    }


def _event(account: Account, event: IncidentEvent, zone: tzinfo) -> Json:
    data = dict(event.data)
    digest = str(data.pop("comment", ""))
    return {
        "seq": event.seq,
        "what": event.what.value,
        "at": iso(event.wall, zone),
        "by": event.by,
        "comment": account.file.texts.get(digest, "") if digest else "",
        "data": data,
        "hash": event.hash,
    }


def _message(row: OutboxRow, zone: tzinfo) -> Json:
    return {
        "event": row.seq,
        "purpose": row.purpose,
        "person": row.person,
        "channel": row.channel,
        "end": row.end,
        "detail": row.detail,
        "attempts": row.attempts,
        "ended": iso(row.ended_at, zone) if row.ended_at else None,
    }


def _written(written: Written | None) -> Json | None:
    return None if written is None else written._asdict()


def _readings(account: Account, zone: tzinfo) -> list[Json]:
    seen = account.around
    rows = [*seen.before, *([seen.trigger] if seen.trigger else []), *seen.after]
    return [_reading(account, record, zone) for record in rows]


def _reading(account: Account, record: Record, zone: tzinfo) -> Json:
    item = record.item
    reading = item if isinstance(item, Reading) else None
    return {
        "record": record.n,
        "arrived": iso(account.wall(record), zone),
        "at": iso(reading.at, zone) if reading is not None else None,
        "values": reading.values if reading is not None else {},
        "retained": reading is not None and reading.retained,
        "late": reading is not None and reading.late,
        "trigger": record is account.around.trigger,
    }
