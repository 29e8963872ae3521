"""What telling people needs of ``cases.db`` besides due rows: digests, quotas, silences."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, literal_column, or_, select, update

from gateway.model import Incident, OutboxRow, Sent, Silence
from gateway.store.cases_tables import INCIDENT, OUTBOX, SENT, SILENCE

_INCIDENT: Final = msgspec.json.Decoder(Incident)
_AT_ONCE: Final = 500
_FIELDS: Final = [
    OUTBOX.c["ended"].label("end") if name == "end" else OUTBOX.c[name]
    for name in OutboxRow.__struct_fields__
]
_WAITING: Final = OUTBOX.c.ended == literal_column("''")
_MERGED: Final = OUTBOX.c.digest > literal_column("0")
"""Written out, not bound: SQLite uses a partial index only for a condition that it can read."""


class Member(NamedTuple):
    """A merged row, and the row whose message tells of it."""

    digest: int
    row: int
    incident: str


def rows(connection: Connection, ids: Collection[int]) -> list[OutboxRow]:
    """Rows by id."""
    found: list[OutboxRow] = []
    for part in _parts(sorted(ids)):
        statement = select(*_FIELDS).where(OUTBOX.c.id.in_(part)).order_by(OUTBOX.c.id)
        found += [OutboxRow(*row) for row in connection.execute(statement)]
    return found


def held(connection: Connection, limit: int) -> list[OutboxRow]:
    """Rows that wait though nothing failed, the first due first."""
    statement = select(*_FIELDS).where(_WAITING, OUTBOX.c.held.in_(("storm", "quota", "quiet")))
    ordered = statement.order_by(OUTBOX.c.due, OUTBOX.c.id).limit(limit)
    return [OutboxRow(*row) for row in connection.execute(ordered)]


def waiting(connection: Connection) -> dict[str, tuple[int, int]]:
    """What holds rows that wait ("" for those that nothing holds) -> how many, and since when.

    The moment is the arrival ns when the oldest of them was written.
    """
    statement = select(OUTBOX.c.held, func.count(), func.min(OUTBOX.c.since)).where(_WAITING)
    found = connection.execute(statement.group_by(OUTBOX.c.held))
    return {held: (count, since) for held, count, since in found}


def newest(connection: Connection) -> int:
    """The id of the newest row of the outbox; 0: there is none."""
    return int(connection.execute(select(func.max(OUTBOX.c.id))).scalar() or 0)


def told_since(connection: Connection, due: int, limit: int) -> list[OutboxRow]:
    """Of the newest ``limit`` rows, those told that fell due later than ``due``, oldest first."""
    statement = (
        select(*_FIELDS)
        .where(
            OUTBOX.c.id > newest(connection) - limit, OUTBOX.c.ended == "told", OUTBOX.c.due > due
        )
        .order_by(OUTBOX.c.id)
    )
    return [OutboxRow(*row) for row in connection.execute(statement)]


def waiting_members(connection: Connection, limit: int) -> list[Member]:
    """The rows merged into the ``limit`` rows that are due first, oldest first."""
    waiting = select(OUTBOX.c.id).where(_WAITING).order_by(OUTBOX.c.due).limit(limit)
    found: list[Member] = []
    for part in _parts(sorted(connection.execute(waiting).scalars())):
        statement = (
            select(OUTBOX.c.digest, OUTBOX.c.id, OUTBOX.c.incident)
            .where(_MERGED, OUTBOX.c.digest.in_(part))
            .order_by(OUTBOX.c.id)
        )
        found += [Member(*row) for row in connection.execute(statement)]
    return found


def leaders(connection: Connection, ids: Collection[int]) -> set[int]:
    """Those of ``ids`` that others were merged into."""
    found: set[int] = set()
    for part in _parts(sorted(ids)):
        statement = select(OUTBOX.c.digest).where(_MERGED, OUTBOX.c.digest.in_(part)).distinct()
        found.update(connection.execute(statement).scalars())
    return found


def incidents(connection: Connection, keys: Collection[str]) -> dict[str, Incident]:
    """Incidents by key; those that retention has removed are absent."""
    found: dict[str, Incident] = {}
    for part in _parts(sorted(keys)):
        statement = select(INCIDENT.c.body).where(INCIDENT.c.key.in_(part))
        for body in connection.execute(statement).scalars():
            incident = _INCIDENT.decode(body)
            found[incident.key] = incident
    return found


# --- quotas


def sent_since(connection: Connection, at: int) -> list[Sent]:
    """What quotas still count, oldest first."""
    statement = select(SENT.c.channel, SENT.c.person, SENT.c.at).where(SENT.c.at > at)
    return [Sent(*row) for row in connection.execute(statement.order_by(SENT.c.at))]


def forget_sent(connection: Connection, at: int) -> None:
    """Drop what no quota counts any more."""
    with connection.begin():
        connection.execute(delete(SENT).where(SENT.c.at <= at))


# --- silences


def silences(connection: Connection, now: int, over: int = 0) -> list[Silence]:
    """Those that end after ``now``, and the newest ``over`` of the others; the newest first."""
    chosen = SILENCE.c.until > now
    if over:
        ended = select(SILENCE.c.id).where(SILENCE.c.until <= now)
        newest = ended.order_by(SILENCE.c.id.desc()).limit(over)
        chosen = or_(chosen, SILENCE.c.id.in_(newest))
    statement = select(SILENCE).where(chosen).order_by(SILENCE.c.id.desc())
    return [Silence(*row) for row in connection.execute(statement)]


def add_silence(connection: Connection, silence: Silence) -> Silence:
    """Keep ``silence`` under the next id, and return it as such."""
    with connection.begin():
        highest = connection.execute(select(func.max(SILENCE.c.id))).scalar()
        kept = msgspec.structs.replace(silence, id=int(highest or 0) + 1)
        connection.execute(insert(SILENCE), msgspec.structs.asdict(kept))
    return kept


def end_silence(connection: Connection, id_: int, now: int, by: str) -> bool:
    """End one before its time, and look at what it kept; whether there is one that stood."""
    with connection.begin():
        one = SILENCE.c.id == id_, SILENCE.c.until > now
        until = connection.execute(select(SILENCE.c.until).where(*one)).scalar()
        if until is None:
            return False
        connection.execute(update(SILENCE).where(*one).values(until=now, ended_by=by))
        _release(connection, until, now)
    return True


def move_silences(connection: Connection, moved: Collection[Silence], now: int) -> None:
    """Keep the times of ``moved``, none of which ends later than before."""
    with connection.begin():
        for each in moved:
            one = SILENCE.c.id == each.id
            until = connection.execute(select(SILENCE.c.until).where(one)).scalar()
            times = {"since": each.since, "until": each.until, "ends": each.ends}
            connection.execute(update(SILENCE).where(one).values(**times))
            if until is not None:
                _release(connection, until, max(each.until, now))


def _release(connection: Connection, until: int, now: int) -> None:
    """What a silence that was to last ``until`` keeps, and another may still, is due ``now``."""
    kept = _WAITING, OUTBOX.c.held == "unseen", OUTBOX.c.rung < 0
    late = OUTBOX.c.due > now, OUTBOX.c.due <= until
    connection.execute(update(OUTBOX).where(*kept, *late).values(due=now))


def _parts(values: list[Any]) -> list[list[Any]]:
    return [values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE)]
