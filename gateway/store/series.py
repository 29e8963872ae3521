"""The record in the order in which it was committed, for readers with a bookmark of their own.

Plain functions over one connection, each short.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, and_, delete, func, literal_column, select, union
from sqlalchemy.dialects.sqlite import insert

from gateway.model import Happened, Incident, IncidentEvent, OutboxRow, Value
from gateway.store.cases_tables import (
    BATTERY_PAST,
    COMMIT_ORDER,
    EVENT,
    INCIDENT,
    OUTBOX,
    SERIES_BOOKMARK,
)

_INCIDENT: Final = msgspec.json.Decoder(Incident).decode
_DATA: Final = msgspec.json.Decoder(dict[str, Value]).decode
_AT_ONCE: Final = 100
_OPEN: Final = INCIDENT.c.state != literal_column("'closed'")
_WAITING: Final = OUTBOX.c.ended == literal_column("''")
"""Written out, not bound: SQLite uses a partial index only for a condition that it can read."""
_ROW_FIELDS: Final = [
    OUTBOX.c["ended"].label("end") if name == "end" else OUTBOX.c[name]
    for name in OutboxRow.__struct_fields__
]
_EVENT_FIELDS: Final = [EVENT.c[name] for name in IncidentEvent.__struct_fields__]


class Ended(NamedTuple):
    """A message that came to its end."""

    row: OutboxRow
    incident: Incident
    """As it is now."""
    written: int
    """Wall ns at which the row was written."""


class Happening(NamedTuple):
    """One number of the order: an event, or the end of a message."""

    n: int
    of: IncidentEvent | Ended


class Bookmark(NamedTuple):
    """How far a reader has come in the order, and in time (wall ns)."""

    n: int
    wall: int


class Merged(NamedTuple):
    """How many ``rows`` about ``place`` wait to be told with row ``leader``."""

    leader: int
    place: str
    rows: int


def bookmark(connection: Connection, reader: str) -> Bookmark | None:
    """How far ``reader`` has come; None for one that was never here."""
    columns = SERIES_BOOKMARK.c.n, SERIES_BOOKMARK.c.wall
    row = connection.execute(select(*columns).where(SERIES_BOOKMARK.c.reader == reader)).first()
    return None if row is None else Bookmark(*row)


def put_bookmark(connection: Connection, reader: str, mark: Bookmark) -> None:
    """``reader`` has dealt with everything up to ``mark``."""
    values = mark._asdict()
    statement = insert(SERIES_BOOKMARK).values(reader=reader, **values)
    with connection.begin():
        connection.execute(statement.on_conflict_do_update(index_elements=["reader"], set_=values))


def last(connection: Connection) -> int:
    """The newest number."""
    return int(connection.execute(select(func.max(COMMIT_ORDER.c.n))).scalar() or 0)


def before(connection: Connection, wall: int) -> int:
    """The number after which everything lies that was at or after ``wall`` ns.

    Ends of messages follow the event before them, and a clock that nobody believed says nothing.
    """
    of = and_(EVENT.c.incident == COMMIT_ORDER.c.incident, EVENT.c.seq == COMMIT_ORDER.c.seq)
    events = COMMIT_ORDER.join(EVENT, of)
    earlier = and_(EVENT.c.wall < wall, EVENT.c.trusted == 1)
    first = select(func.min(COMMIT_ORDER.c.n) - 1).where(EVENT.c.wall >= wall)
    newest = select(func.max(COMMIT_ORDER.c.n)).where(earlier)
    at_most = int(connection.execute(newest.select_from(events)).scalar() or 0)
    found = connection.execute(first.select_from(events)).scalar()
    return at_most if found is None else min(int(found), at_most)


def page(connection: Connection, after: int, limit: int) -> tuple[list[Happening], int]:
    """What was committed after number ``after``, in order, and how far was looked.

    What retention has removed meanwhile is left out.
    """
    order = select(COMMIT_ORDER).where(COMMIT_ORDER.c.n > after).order_by(COMMIT_ORDER.c.n)
    rows = connection.execute(order.limit(limit)).all()
    if not rows:
        return [], after
    until = rows[-1].n
    events = _events(connection, after, until)
    ends = _ends(connection, [row.message for row in rows if row.message])
    found: list[Happening] = []
    for row in rows:
        of = ends.get(row.message) if row.message else events.get(row.n)
        if of is not None:
            found.append(Happening(row.n, of))
    return found, until


def _events(connection: Connection, after: int, until: int) -> dict[int, IncidentEvent]:
    of = and_(EVENT.c.incident == COMMIT_ORDER.c.incident, EVENT.c.seq == COMMIT_ORDER.c.seq)
    statement = (
        select(COMMIT_ORDER.c.n, *_EVENT_FIELDS)
        .select_from(COMMIT_ORDER.join(EVENT, of))
        .where(COMMIT_ORDER.c.n > after, COMMIT_ORDER.c.n <= until, COMMIT_ORDER.c.seq > 0)
    )
    return {row.n: _event(row) for row in connection.execute(statement)}


def _ends(connection: Connection, ids: list[int]) -> dict[int, Ended]:
    if not ids:
        return {}
    of = and_(EVENT.c.incident == OUTBOX.c.incident, EVENT.c.seq == OUTBOX.c.seq)
    statement = (
        select(*_ROW_FIELDS, INCIDENT.c.body, EVENT.c.wall, EVENT.c.arrival)
        .select_from(OUTBOX.join(EVENT, of).join(INCIDENT, INCIDENT.c.key == OUTBOX.c.incident))
        .where(OUTBOX.c.id.in_(ids))
    )
    found: dict[int, Ended] = {}
    for *fields, body, wall, arrival in connection.execute(statement):
        row = OutboxRow(*fields)
        found[row.id] = Ended(row, _INCIDENT(body), wall + row.since - arrival)
    return found


def open_at(connection: Connection, n: int, after: str, limit: int) -> list[str]:
    """The next keys after ``after`` of incidents that may have been open when ``n`` was newest."""
    still = select(INCIDENT.c.key.label("key")).where(_OPEN, INCIDENT.c.key > after)
    later = select(COMMIT_ORDER.c.incident.label("key")).where(
        COMMIT_ORDER.c.n > n, COMMIT_ORDER.c.seq > 1, COMMIT_ORDER.c.incident > after
    )
    both = union(still, later).subquery()
    statement = select(both.c.key).order_by(both.c.key).limit(limit)
    return list(connection.execute(statement).scalars())


def chains(connection: Connection, keys: Collection[str], n: int) -> dict[str, list[IncidentEvent]]:
    """The events of ``keys`` up to number ``n``, oldest first."""
    found: dict[str, list[IncidentEvent]] = {}
    of = and_(EVENT.c.incident == COMMIT_ORDER.c.incident, EVENT.c.seq == COMMIT_ORDER.c.seq)
    for part in _parts(sorted(keys)):
        statement = (
            select(*_EVENT_FIELDS)
            .select_from(COMMIT_ORDER.join(EVENT, of))
            .where(COMMIT_ORDER.c.incident.in_(part), COMMIT_ORDER.c.n <= n)
            .order_by(EVENT.c.incident, EVENT.c.seq)
        )
        for row in connection.execute(statement):
            found.setdefault(row.incident, []).append(_event(row))
    return found


def clock_at(connection: Connection, n: int) -> tuple[int, int] | None:
    """(wall, arrival) ns of the newest event up to ``n`` whose clock was trusted."""
    of = and_(EVENT.c.incident == COMMIT_ORDER.c.incident, EVENT.c.seq == COMMIT_ORDER.c.seq)
    statement = (
        select(EVENT.c.wall, EVENT.c.arrival)
        .select_from(COMMIT_ORDER.join(EVENT, of))
        .where(COMMIT_ORDER.c.n <= n, EVENT.c.trusted == 1)
        .order_by(COMMIT_ORDER.c.n.desc())
        .limit(1)
    )
    row = connection.execute(statement).first()
    return None if row is None else (row.wall, row.arrival)


def merged_at(connection: Connection, n: int) -> list[Merged]:
    """What was merged, when ``n`` was newest, into rows that had not ended."""
    waiting = select(OUTBOX.c.id).where(_WAITING)
    later = select(COMMIT_ORDER.c.message).where(COMMIT_ORDER.c.n > n, COMMIT_ORDER.c.message > 0)
    leaders = sorted(connection.execute(union(waiting, later)).scalars())
    counts: dict[tuple[int, str], int] = {}
    same = and_(COMMIT_ORDER.c.incident == OUTBOX.c.incident, COMMIT_ORDER.c.message == OUTBOX.c.id)
    for part in _parts(leaders):
        statement = (
            select(OUTBOX.c.digest, INCIDENT.c.place)
            .select_from(
                OUTBOX.join(COMMIT_ORDER, same).join(INCIDENT, INCIDENT.c.key == OUTBOX.c.incident)
            )
            .where(OUTBOX.c.digest > literal_column("0"), OUTBOX.c.digest.in_(part))
            .where(COMMIT_ORDER.c.n <= n)
        )
        for leader, place in connection.execute(statement):
            counts[leader, place] = counts.get((leader, place), 0) + 1
    return [Merged(*of_what, count) for of_what, count in sorted(counts.items())]


def held(connection: Connection) -> dict[str, int]:
    """Channel -> how many messages that were to go there, or were tried there last, wait."""
    statement = select(OUTBOX.c.channel, func.count()).where(_WAITING).group_by(OUTBOX.c.channel)
    return {row[0]: row[1] for row in connection.execute(statement)}


def batteries(connection: Connection) -> dict[str, list[tuple[int, float]]]:
    """Device -> (day, per cent), oldest first."""
    found: dict[str, list[tuple[int, float]]] = {}
    ordered = select(BATTERY_PAST).order_by(BATTERY_PAST.c.device, BATTERY_PAST.c.day)
    for device, day, percent in connection.execute(ordered):
        found.setdefault(device, []).append((day, percent))
    return found


def keep_batteries(
    connection: Connection, fresh: Sequence[tuple[str, int, float]], before: int
) -> None:
    """Remember (device, day, per cent), and forget what is of day ``before`` or earlier."""
    statement = insert(BATTERY_PAST)
    put = statement.on_conflict_do_update(
        index_elements=["device", "day"], set_={"percent": statement.excluded.percent}
    )
    rows = [{"device": each[0], "day": each[1], "percent": each[2]} for each in fresh]
    with connection.begin():
        connection.execute(put, rows)
        connection.execute(delete(BATTERY_PAST).where(BATTERY_PAST.c.day <= before))


def _event(row: Row[Any]) -> IncidentEvent:
    return IncidentEvent(
        row.incident,
        row.seq,
        Happened(row.what),
        row.wall,
        row.arrival,
        bool(row.trusted),
        row.by,
        _DATA(row.data),
        row.previous,
        row.hash,
    )


def _parts(values: list[Any]) -> Iterable[list[Any]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
