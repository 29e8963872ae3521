"""``cases.db``, tables ``anchor`` and ``moved``: what was signed, and what is to be.

Plain functions over one connection. ``write_anchor`` is one transaction: an incident that goes on
meanwhile is in the next anchor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    tuple_,
)

from gateway.model import Incident
from gateway.store.cases_read import snapshot
from gateway.store.cases_search import incident_values
from gateway.store.cases_tables import EVENT, INCIDENT, META, MOVED, REMOVED, TABLES
from gateway.store.chain import Link, Walk

ANCHOR: Final = Table(
    "anchor",
    TABLES,
    Column("n", Integer, primary_key=True, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("hash", "body", "signature")),
)

SENT: Final = "anchors_sent"
"""Key in ``meta``: the newest anchor that the far end has taken."""
_decode: Final = msgspec.json.Decoder(Incident).decode
_CLOSING: Final = EVENT.c.what == literal_column("'closed'")
_DROPPED_AT_ONCE: Final = 20
"""Of the oldest anchors: there is a next transaction every minute."""
_DROP_MOVED: Final = delete(MOVED).where(MOVED.c.incident == bindparam("done"))


class Head(NamedTuple):
    """Where the chain of one incident ends."""

    incident: str
    events: int
    hash: str
    closed: int
    """Arrival ns of its closing; 0 while it is not closed."""


class AnchorRow(NamedTuple):
    """One anchor as it is stored. ``body`` is signed as it stands."""

    n: int
    hash: str
    body: str
    signature: str


class Present(NamedTuple):
    """What an anchor is made of."""

    newest: AnchorRow | None
    """The one before it."""
    first: int
    """The oldest one that is kept; 0 when there is none."""
    heads: list[Head]
    removed: dict[str, int]
    """Key prefix -> the number up to which retention has removed every incident."""


def moved(connection: Connection, after: str, limit: int) -> list[str]:
    """The next incidents after key ``after`` that no anchor speaks for as they are now."""
    statement = select(MOVED.c.incident).where(MOVED.c.incident > after)
    return list(connection.execute(statement.order_by(MOVED.c.incident).limit(limit)).scalars())


def unsigned(connection: Connection) -> int:
    """How many incidents no anchor speaks for as they are now."""
    return int(connection.execute(select(func.count()).select_from(MOVED)).scalar() or 0)


def write_anchor(
    connection: Connection,
    keys: Sequence[str],
    make: Callable[[Present], AnchorRow],
    droppable: Callable[[AnchorRow], list[tuple[str, int]] | None],
) -> AnchorRow:
    """Sign the heads of ``keys`` as they are now: what ``make`` returns is kept.

    The oldest anchors go in the same transaction, as long as ``droppable`` returns the
    (incident, events) that one speaks of and none of these incidents still ends there.
    """
    with connection.begin():
        _drop_oldest(connection, droppable)
        heads = _heads(connection, keys)
        gone = {key.rpartition("-")[0] for key in {*keys} - {head.incident for head in heads}}
        rows = connection.execute(select(REMOVED).where(REMOVED.c.prefix.in_(gone)))
        removed = {row.prefix: row.number for row in rows}
        first = connection.execute(select(func.min(ANCHOR.c.n))).scalar() or 0
        row = make(Present(newest_anchor(connection), first, heads, removed))
        connection.execute(insert(ANCHOR), row._asdict())
        connection.execute(_DROP_MOVED, [{"done": key} for key in keys])
    return row


def _heads(connection: Connection, keys: Sequence[str]) -> list[Head]:
    """In the order of ``keys``; those without events are left out."""
    ends = (
        select(EVENT.c.incident, func.max(EVENT.c.seq).label("seq"))
        .where(EVENT.c.incident.in_(keys))
        .group_by(EVENT.c.incident)
        .subquery()
    )
    joined = (EVENT.c.incident == ends.c.incident) & (EVENT.c.seq == ends.c.seq)
    found = connection.execute(
        select(EVENT.c.incident, EVENT.c.seq, EVENT.c.hash, INCIDENT.c.state)
        .join(ends, joined)
        .outerjoin(INCIDENT, INCIDENT.c.key == EVENT.c.incident)
        .order_by(EVENT.c.incident)
    ).all()
    closed = _closings(connection, [row.incident for row in found if row.state == "closed"])
    return [Head(row.incident, row.seq, row.hash, closed.get(row.incident, 0)) for row in found]


def _closings(connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    """Arrival ns of each one's newest closing."""
    statement = (
        select(EVENT.c.incident, func.max(EVENT.c.arrival).label("at"))
        .where(_CLOSING, EVENT.c.incident.in_(keys))
        .group_by(EVENT.c.incident)
    )
    return {row.incident: row.at for row in connection.execute(statement)}


def _drop_oldest(
    connection: Connection, droppable: Callable[[AnchorRow], list[tuple[str, int]] | None]
) -> None:
    """The newest stays whatever its age: the chain of anchors goes on from it."""
    rows = connection.execute(select(ANCHOR).order_by(ANCHOR.c.n).limit(_DROPPED_AT_ONCE + 1))
    for row in [AnchorRow(*row) for row in rows][:-1]:
        heads = droppable(row)
        if heads is None or _still_ends(connection, heads):
            return
        connection.execute(delete(ANCHOR).where(ANCHOR.c.n == row.n))


def _still_ends(connection: Connection, heads: Iterable[tuple[str, int]]) -> bool:
    ends = dict(heads)
    statement = (
        select(EVENT.c.incident, func.max(EVENT.c.seq).label("seq"))
        .where(EVENT.c.incident.in_(list(ends)))
        .group_by(EVENT.c.incident)
    )
    return any(ends[row.incident] >= row.seq for row in connection.execute(statement))


def newest_anchor(connection: Connection) -> AnchorRow | None:
    """The anchor with the highest number."""
    row = connection.execute(select(ANCHOR).order_by(ANCHOR.c.n.desc()).limit(1)).first()
    return None if row is None else AnchorRow(*row)


def anchors(connection: Connection, after: int, limit: int) -> list[AnchorRow]:
    """The next anchors numbered above ``after``, in order."""
    statement = select(ANCHOR).where(ANCHOR.c.n > after).order_by(ANCHOR.c.n).limit(limit)
    return [AnchorRow(*row) for row in connection.execute(statement)]


def anchors_of(connection: Connection, key: str) -> list[AnchorRow]:
    """The anchors that speak of one incident, and the newest of all; in order."""
    newest = select(func.max(ANCHOR.c.n)).scalar_subquery()
    speaks = ANCHOR.c.body.contains(f'["{key}",', autoescape=True)
    statement = select(ANCHOR).where(speaks | (ANCHOR.c.n == newest)).order_by(ANCHOR.c.n)
    return [AnchorRow(*row) for row in connection.execute(statement)]


def hashes(connection: Connection, pairs: Sequence[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The hash of each event (incident, seq) that is there."""
    place = tuple_(EVENT.c.incident, EVENT.c.seq)
    statement = select(EVENT.c.incident, EVENT.c.seq, EVENT.c.hash).where(place.in_(list(pairs)))
    return {(row.incident, row.seq): row.hash for row in connection.execute(statement)}


_BESIDE: Final = [c.name for c in INCIDENT.columns if c.name not in ("key", "body")]


class Case(NamedTuple):
    """Everything that the record has of one incident, read in one snapshot."""

    key: str
    links: list[Link]
    row: Incident | None
    """The fold that was stored; None where there is none, or it can not be read."""
    columns: tuple[str, ...]
    """What the row says beside it, as ``columns_of``; empty without a row."""


def case_page(connection: Connection, after: str, limit: int) -> list[Case]:
    """The next incidents after key ``after``, those that have only events or only a row too."""
    with snapshot(connection):
        return _cases(connection, _next_keys(connection, after, limit))


def case_named(connection: Connection, key: str) -> list[Case]:
    """One incident alone; empty where there is nothing of it."""
    with snapshot(connection):
        return [case for case in _cases(connection, [key]) if case.links or case.columns]


def flaws(connection: Connection, keys: Sequence[str]) -> dict[str, str]:
    """Of ``keys``, those whose chain does not hold, with one line on what is wrong.

    One that retention has removed has neither events nor a row, and nothing is wrong with it.
    """
    with snapshot(connection):
        cases = _cases(connection, list(keys))
    walk = Walk()
    heads: dict[str, tuple[int, str]] = {}
    for case in cases:
        walk.check(case.links)
        if case.columns:
            heads[case.key] = (case.row.events, case.row.head) if case.row is not None else (0, "")
    walk.compare(heads)
    return {key: flaw.line for key, flaw in walk.broken.items()}


def _cases(connection: Connection, keys: list[str]) -> list[Case]:
    links: dict[str, list[Link]] = {key: [] for key in keys}
    events = select(EVENT).where(EVENT.c.incident.in_(keys))
    for row in connection.execute(events.order_by(EVENT.c.incident, EVENT.c.seq)):
        links[row.incident].append(Link(*row))
    beside = [INCIDENT.c[name] for name in _BESIDE]
    found = select(INCIDENT.c.key, INCIDENT.c.body, *beside).where(INCIDENT.c.key.in_(keys))
    rows = {row.key: row for row in connection.execute(found)}
    return [
        Case(
            key,
            links[key],
            _incident(rows[key].body) if key in rows else None,
            tuple(map(str, rows[key][2:])) if key in rows else (),
        )
        for key in keys
    ]


def columns_of(incident: Incident) -> tuple[str, ...]:
    """What stands beside the incident in its row, for searches."""
    values = incident_values(incident)
    return tuple(str(values[name]) for name in _BESIDE)


def _next_keys(connection: Connection, after: str, limit: int) -> list[str]:
    named: set[str] = set()
    for column in (INCIDENT.c.key, EVENT.c.incident):
        statement = select(column).where(column > after).distinct().order_by(column).limit(limit)
        named |= {*connection.execute(statement).scalars()}
    return sorted(named)[:limit]


def _incident(body: bytes) -> Incident | None:
    try:
        return _decode(body)
    except msgspec.DecodeError:
        return None


def removed_upto(connection: Connection, prefix: str) -> int:
    """The number up to which retention has removed every incident of ``prefix``; 0: none."""
    found = connection.execute(select(REMOVED.c.number).where(REMOVED.c.prefix == prefix))
    return int(found.scalar() or 0)


def count_moved(connection: Connection) -> int:
    """How many incidents no anchor speaks for as they are now."""
    return int(connection.execute(select(func.count()).select_from(MOVED)).scalar_one())


def chain_of(connection: Connection, key: str) -> list[Link]:
    """The stored events of one incident, oldest first."""
    statement = select(EVENT).where(EVENT.c.incident == key).order_by(EVENT.c.seq)
    return [Link(*row) for row in connection.execute(statement)]


def is_moved(connection: Connection, key: str) -> bool:
    """Whether no anchor speaks for the incident as it is now."""
    statement = select(MOVED.c.incident).where(MOVED.c.incident == key)
    return connection.execute(statement).first() is not None


def sent(connection: Connection) -> int:
    """The newest anchor that the far end has taken; 0 before the first."""
    found = connection.execute(select(META.c.value).where(META.c.key == SENT)).scalar()
    return int(found or 0)


def note_sent(connection: Connection, n: int) -> None:
    """Remember that the far end has everything up to anchor ``n``."""
    with connection.begin():
        connection.execute(delete(META).where(META.c.key == SENT))
        connection.execute(insert(META), {"key": SENT, "value": str(n)})
