"""Check-ins in ``cases.db``: plain functions over one connection."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import (
    REAL,
    Column,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from gateway.model import CheckIn
from gateway.store.cases_read import meta
from gateway.store.cases_tables import META, TABLES

CHECKIN: Final = Table(
    "checkin",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("point", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("wall", Integer, nullable=False),
    Column("arrival", Integer, nullable=False),
    Column("trusted", Integer, nullable=False),
    Column("metres", REAL),
    UniqueConstraint("point", "person", "wall"),
    Index("checkin_wall", "wall"),
    Index("checkin_arrival", "arrival"),
)
POINT: Final = Table(
    "patrol_point",
    TABLES,
    Column("id", Text, primary_key=True, nullable=False),
    Column("since", Integer, nullable=False),
)
LINKS: Final = Table(
    "patrol_links",
    TABLES,
    Column("person", Text, primary_key=True, nullable=False),
    Column("ended", Integer, nullable=False),
)
_JUDGED: Final = "patrol_judged"
_FIELDS: Final = [CHECKIN.c[name] for name in CheckIn.__struct_fields__]


def add(connection: Connection, checkin: CheckIn) -> None:
    """Keep it; the same once more changes nothing."""
    values = {name: getattr(checkin, name) for name in CheckIn.__struct_fields__}
    with connection.begin():
        statement = insert(CHECKIN).values(**values | {"trusted": int(checkin.trusted)})
        connection.execute(statement.on_conflict_do_nothing())


def between(
    connection: Connection, begin: int, end: int, limit: int, points: Collection[str] | None = None
) -> list[CheckIn]:
    """Those of [begin, end), wall ns, the oldest first; with ``points`` those at them alone."""
    statement = select(*_FIELDS).where(CHECKIN.c.wall >= begin, CHECKIN.c.wall < end)
    if points is not None:
        statement = statement.where(CHECKIN.c.point.in_(points))
    rows = connection.execute(statement.order_by(CHECKIN.c.wall, CHECKIN.c.id).limit(limit))
    return [
        CheckIn(row.point, row.person, row.wall, row.arrival, bool(row.trusted), row.metres)
        for row in rows
    ]


def forget(connection: Connection, arrival: int) -> int:
    """Remove those that came before ``arrival``; how many."""
    with connection.begin():
        return int(connection.execute(delete(CHECKIN).where(CHECKIN.c.arrival < arrival)).rowcount)


def since(connection: Connection) -> dict[str, int]:
    """Point -> wall ns from when on it is walked; 0: longer than that was noted."""
    return {row.id: row.since for row in connection.execute(select(POINT))}


def know(connection: Connection, points: Collection[str], wall: int) -> dict[str, int]:
    """The same, once those of ``points`` that were not known are walked from ``wall`` on.

    A record that judged rounds before points were noted had them already. What is no point any
    more is forgotten.
    """
    with connection.begin():
        known = since(connection)
        fresh = 0 if not known and judged(connection) else wall
        for each in known.keys() - set(points):
            connection.execute(delete(POINT).where(POINT.c.id == each))
        if rows := [{"id": each, "since": fresh} for each in points if each not in known]:
            connection.execute(insert(POINT), rows)
        if any(each > wall for each in known.values()):  # of a clock that was wrong
            connection.execute(update(POINT).where(POINT.c.since > wall).values(since=wall))
        return since(connection)


def ended(connection: Connection) -> dict[str, int]:
    """Person -> how often the links of theirs were ended."""
    return {row.person: row.ended for row in connection.execute(select(LINKS))}


def end_links(connection: Connection, person: str) -> dict[str, int]:
    """The same after those of ``person`` were ended once more."""
    with connection.begin():
        statement = insert(LINKS).values(person=person, ended=1)
        more = {"ended": LINKS.c.ended + 1}
        connection.execute(statement.on_conflict_do_update(index_elements=["person"], set_=more))
        return ended(connection)


def judged(connection: Connection) -> int:
    """Wall ns up to which rounds have been looked at; 0: never."""
    return int(meta(connection, _JUDGED) or 0)


def put_judged(connection: Connection, wall: int) -> None:
    """Rounds that ended by ``wall`` have been looked at."""
    statement = insert(META).values(key=_JUDGED, value=str(wall))
    with connection.begin():
        connection.execute(
            statement.on_conflict_do_update(index_elements=["key"], set_={"value": str(wall)})
        )
