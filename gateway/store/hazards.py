"""The hazard register in ``cases.db``: found by its keys, which no other incident has."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Connection, func, literal_column, or_, select

from gateway.model import HAZARDS, Happened, Hazard, Incident
from gateway.store.cases_tables import EVENT, INCIDENT

_INCIDENT: Final = msgspec.json.Decoder(Incident)
_AFTER: Final = chr(ord(HAZARDS) + 1)
_OPEN: Final = INCIDENT.c.state != literal_column("'closed'")


def hazards(connection: Connection, since: int | None, limit: int) -> list[Hazard]:
    """The open ones, and those closed at ``since`` (wall ns) or later; the oldest first.

    None: the open ones alone.
    """
    closed_at = (
        select(func.max(EVENT.c.wall))
        .where(EVENT.c.incident == INCIDENT.c.key, EVENT.c.what == Happened.closed.value)
        .scalar_subquery()
    )
    wanted = _OPEN if since is None else or_(_OPEN, closed_at >= since)
    statement = (
        select(INCIDENT.c.body, INCIDENT.c.state, closed_at)
        .where(INCIDENT.c.key >= HAZARDS, INCIDENT.c.key < _AFTER, wanted)
        .order_by(INCIDENT.c.opened_at, INCIDENT.c.key)
        .limit(limit)
    )
    return [
        Hazard(_INCIDENT.decode(body), int(at) if state == "closed" else 0)
        for body, state, at in connection.execute(statement)
    ]
