"""Incidents by several criteria at once, newest first: one short statement over one connection."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from gateway.model import Incident, Wanted
from gateway.store.cases_tables import INCIDENT

_INCIDENT: Final = msgspec.json.Decoder(Incident)
_LAST: Final = "\U0010ffff"
"""Sorts after every code that continues a place's code."""


def search(connection: Connection, wanted: Wanted, limit: int) -> list[Incident]:
    """The newest ``limit`` incidents that are ``wanted``."""
    order = (INCIDENT.c.opened_at.desc(), INCIDENT.c.key.desc())
    # The keys first: they and what is looked at stand in one index, the incidents do not.
    keys = select(INCIDENT.c.key).where(*_conditions(wanted)).order_by(*order).limit(limit)
    statement = select(INCIDENT.c.body).where(INCIDENT.c.key.in_(keys)).order_by(*order)
    return [_INCIDENT.decode(body) for body in connection.execute(statement).scalars()]


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    column, found = INCIDENT.c, list[ColumnElement[bool]]()
    several: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (column.state, wanted.states),
        (column.category, wanted.categories),
        (column.severity, wanted.severities),
        (column.owner, wanted.owners),
    )
    found += [each.in_(values) for each, values in several if values]
    if wanted.place:  # a place's code begins with its parent's
        found += [column.place >= wanted.place, column.place < wanted.place + _LAST]
    if wanted.since:
        found.append(column.opened_at >= wanted.since)
    if wanted.until:
        found.append(column.opened_at < wanted.until)
    if wanted.overdue is not None:
        found.append(column.overdue == int(wanted.overdue))
    if wanted.text:
        found.append(column.words.contains(wanted.text.lower(), autoescape=True))
    return found
