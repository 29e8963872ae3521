"""The reading half of ``cases.db``: plain functions over one connection, each short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    cast,
    exists,
    func,
    literal_column,
    select,
    tuple_,
)

from gateway.model import (
    Happened,
    Incident,
    IncidentEvent,
    OutboxRow,
    Position,
    Value,
)
from gateway.store.cases_tables import (
    EVENT,
    INCIDENT,
    META,
    OUTBOX,
    REMOVED,
    RULE_STATE,
    RULE_STEP,
    TEXT,
    TIMER,
)
from gateway.store.cases_write import ARRIVAL, BOOKMARK, decode_state
from gateway.store.chain import Flaw, Link, Walk
from gateway.store.step import Timer

_INCIDENT: Final = msgspec.json.Decoder(Incident)
_DATA: Final = msgspec.json.Decoder(dict[str, Value])
_TEXTS_AT_ONCE: Final = 500
_LATELY: Final = 1_000
"""Of the newest incidents, those that somebody's answer may be about although all are closed."""
_WAITING: Final = OUTBOX.c.ended == literal_column("''")
_OPEN: Final = INCIDENT.c.state != literal_column("'closed'")
_CLOSING: Final = EVENT.c.what == literal_column("'closed'")
"""Written out, not bound: SQLite uses a partial index only for a condition that it can read."""
_SNAPSHOT: Final = {
    "sqlite": "BEGIN",
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}
_OUTBOX_FIELDS: Final = [
    OUTBOX.c["ended"].label("end") if name == "end" else OUTBOX.c[name]
    for name in OutboxRow.__struct_fields__
]


def meta(connection: Connection, key: str) -> str:
    """A value of ``meta``, or ""."""
    return connection.execute(select(META.c.value).where(META.c.key == key)).scalar() or ""


def last_arrival(connection: Connection) -> int:
    """The last sign of life on the arrival axis, ns; 0 in a new file."""
    return int(meta(connection, ARRIVAL) or 0)


def rules_start(connection: Connection) -> tuple[Position | None, dict[str, bytes]]:
    """Where the rules go on, and their saved state."""
    number, _, journal = meta(connection, BOOKMARK).partition(" ")
    position = Position(journal, int(number)) if number else None
    rows = connection.execute(select(RULE_STATE.c.key, RULE_STATE.c.body))
    state: dict[str, bytes | None] = {row.key: row.body for row in rows}
    for body in connection.execute(select(RULE_STEP.c.body).order_by(RULE_STEP.c.seq)).scalars():
        state.update(decode_state(body))
    return position, {key: body for key, body in state.items() if body is not None}


def incidents(connection: Connection, open_only: bool, limit: int) -> list[Incident]:
    """Newest first."""
    statement = select(INCIDENT.c.body)
    if open_only:
        statement = statement.where(_OPEN)
    statement = statement.order_by(INCIDENT.c.opened_at.desc(), INCIDENT.c.key.desc()).limit(limit)
    return [_INCIDENT.decode(body) for body in connection.execute(statement).scalars()]


def incident(connection: Connection, key: str) -> Incident | None:
    """One incident by its key."""
    return _one_incident(connection, select(INCIDENT.c.body).where(INCIDENT.c.key == key))


def open_incident(connection: Connection, group: str, same: str) -> Incident | None:
    """The open incident of ``group`` in ``same``, if there is one."""
    return _one_incident(
        connection,
        select(INCIDENT.c.body).where(
            INCIDENT.c.group == group,
            INCIDENT.c.same == same,
            _OPEN,
        ),
    )


def told_lately(connection: Connection, person: str, limit: int) -> list[Incident]:
    """Incidents with a message that ``person`` got or may still get, newest first.

    Those not closed; if there are none, closed ones out of the newest.
    """
    heard = exists().where(
        OUTBOX.c.incident == INCIDENT.c.key,
        OUTBOX.c.person == person,
        OUTBOX.c.ended.in_(("", "told", "merged")),
    )
    order = (INCIDENT.c.opened_at.desc(), INCIDENT.c.key.desc())
    newest = select(INCIDENT.c.key).order_by(*order).limit(_LATELY)
    found: list[Incident] = []
    for of in (_OPEN, INCIDENT.c.key.in_(newest)):
        statement = select(INCIDENT.c.body).where(of, heard).order_by(*order).limit(limit)
        found = [_INCIDENT.decode(body) for body in connection.execute(statement).scalars()]
        if found:
            break
    return found


def last_number(connection: Connection, prefix: str) -> int:
    """The highest number among keys ``PREFIX-NUMBER``, removed ones too; 0 if there is none."""
    # PostgreSQL takes no long integer for a place, which a bound one would be.
    begin: ColumnElement[int] = literal_column(str(len(prefix) + 2))
    number = cast(func.substr(INCIDENT.c.key, begin), Integer)
    statement = select(func.coalesce(func.max(number), 0)).where(
        INCIDENT.c.key > f"{prefix}-", INCIDENT.c.key < f"{prefix}."
    )
    gone = connection.execute(select(REMOVED.c.number).where(REMOVED.c.prefix == prefix)).scalar()
    return max(connection.execute(statement).scalar_one(), gone or 0)


def events(connection: Connection, key: str) -> list[IncidentEvent]:
    """An incident's chain, oldest first."""
    statement = select(EVENT).where(EVENT.c.incident == key).order_by(EVENT.c.seq)
    return [
        IncidentEvent(
            incident=link.incident,
            seq=link.seq,
            what=Happened(link.what),
            wall=link.wall,
            arrival=link.arrival,
            trusted=bool(link.trusted),
            by=link.by,
            data=_DATA.decode(link.data),
            previous=link.previous,
            hash=link.hash,
        )
        for link in connection.execute(statement)
    ]


def outbox(connection: Connection, key: str) -> list[OutboxRow]:
    """Every row of an incident, oldest first."""
    return _rows(
        connection,
        select(*_OUTBOX_FIELDS).where(OUTBOX.c.incident == key).order_by(OUTBOX.c.id),
    )


def due_rows(connection: Connection, now: int, limit: int) -> list[OutboxRow]:
    """Waiting rows due at ``now``: life first, then the longest due."""
    statement = (
        select(*_OUTBOX_FIELDS)
        .outerjoin(INCIDENT, INCIDENT.c.key == OUTBOX.c.incident)
        .where(_WAITING, OUTBOX.c.due <= now)
        .order_by(func.coalesce(INCIDENT.c.category, "") != "life", OUTBOX.c.due, OUTBOX.c.id)
        .limit(limit)
    )
    return _rows(connection, statement)


def next_due(connection: Connection, after: int) -> int | None:
    """When the next waiting row falls due later than ``after``."""
    statement = select(func.min(OUTBOX.c.due)).where(_WAITING, OUTBOX.c.due > after)
    return connection.execute(statement).scalar()


def outbox_counts(connection: Connection) -> dict[str, int]:
    """Rows per end; those without one as ``waiting``."""
    statement = select(OUTBOX.c.ended, func.count()).group_by(OUTBOX.c.ended)
    return {ended or "waiting": count for ended, count in connection.execute(statement)}


def due_timers(connection: Connection, now: int, limit: int) -> list[Timer]:
    """Timers due at ``now``, the longest due first."""
    statement = select(TIMER).where(TIMER.c.due <= now).order_by(TIMER.c.due).limit(limit)
    return [Timer(*row) for row in connection.execute(statement)]


def next_timer(connection: Connection) -> int | None:
    """When the next timer falls due, or fell."""
    return connection.execute(select(func.min(TIMER.c.due))).scalar()


def texts(connection: Connection, digests: Sequence[str]) -> dict[str, str]:
    """Personal texts by SHA-256; those that were purged are absent."""
    found: dict[str, str] = {}
    for start in range(0, len(digests), _TEXTS_AT_ONCE):
        part = digests[start : start + _TEXTS_AT_ONCE]
        statement = select(TEXT.c.sha256, TEXT.c.body).where(TEXT.c.sha256.in_(part))
        found.update((row.sha256, row.body) for row in connection.execute(statement))
    return found


def said(connection: Connection, key: str, seq: int) -> str:
    """The personal text of one event, or ""."""
    statement = select(EVENT.c.data).where(EVENT.c.incident == key, EVENT.c.seq == seq)
    data = connection.execute(statement).scalar()
    digest = str(_DATA.decode(data).get("comment", "")) if data else ""
    return texts(connection, [digest]).get(digest, "") if digest else ""


def links(connection: Connection, after: tuple[str, int], limit: int) -> list[Link]:
    """The next stored events after (incident, seq)."""
    place = tuple_(EVENT.c.incident, EVENT.c.seq)
    statement = select(EVENT).where(place > after).order_by(EVENT.c.incident, EVENT.c.seq)
    return [Link(*row) for row in connection.execute(statement.limit(limit))]


def heads(connection: Connection, after: str, limit: int) -> dict[str, tuple[int, str]]:
    """Of the next incidents after key ``after``, (events, head) as the fold recorded them."""
    statement = select(INCIDENT.c.body).where(INCIDENT.c.key > after).order_by(INCIDENT.c.key)
    decoded = map(_INCIDENT.decode, connection.execute(statement.limit(limit)).scalars())
    return {each.key: (each.events, each.head) for each in decoded}


def removed(connection: Connection) -> dict[str, int]:
    """Of each key prefix, the number up to which retention has removed every incident."""
    return {row.prefix: row.number for row in connection.execute(select(REMOVED))}


def closed_before(connection: Connection, arrival: int, after: str, limit: int) -> list[str]:
    """The next keys after ``after`` of incidents closed before ``arrival``, nobody left to tell."""
    waits = exists().where(OUTBOX.c.incident == EVENT.c.incident, _WAITING)
    statement = (
        select(EVENT.c.incident)
        .where(_CLOSING, EVENT.c.incident > after, EVENT.c.arrival < arrival, ~waits)
        .order_by(EVENT.c.incident)
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())


def verify_one(connection: Connection, key: str) -> str:
    """What is wrong with one incident's chain, in one snapshot; "" if nothing is."""
    flaw = flaw_of(connection, key)
    return flaw.line if flaw is not None else ""


def flaw_of(connection: Connection, key: str) -> Flaw | None:
    """The first link of one incident that does not hold, in one snapshot."""
    walk = Walk()
    with snapshot(connection):
        rows = connection.execute(
            select(EVENT).where(EVENT.c.incident == key).order_by(EVENT.c.seq)
        )
        walk.check(Link(*row) for row in rows)
        known = incident(connection, key)
    if known is not None or walk.ends:
        walk.compare({key: (known.events, known.head)} if known is not None else {})
    return walk.broken.get(key)


@contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """What is read while entered is of one moment. For a reader's connection."""
    connection.exec_driver_sql(_SNAPSHOT[connection.dialect.name])
    try:
        yield
    finally:
        connection.exec_driver_sql("ROLLBACK")


def _one_incident(connection: Connection, statement: Select[Any]) -> Incident | None:
    body = connection.execute(statement).scalar()
    return None if body is None else _INCIDENT.decode(body)


def _rows(connection: Connection, statement: Select[Any]) -> list[OutboxRow]:
    return [OutboxRow(*row) for row in connection.execute(statement)]


def _without_row(connection: Connection, statement: Select[Any]) -> list[dict[str, Any]]:
    found = [dict(row) for row in connection.execute(statement).mappings()]
    for row in found:
        del row["row"]
    return found
