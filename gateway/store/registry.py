"""The registry in ``cases.db``: the present as tables, the past as what each edition has undone.

    edition n-1 ──rows that n changed, as they were──▶ registry_past      site(k) = present, with
    edition n   ──rows as they are───────────────────▶ place, device, …   n, n-1 … k+1 taken back

Plain functions over one connection; those that write make one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, delete, func, insert, select

from gateway.model import Border, Device, Duty, Holiday, Person, Place, Site
from gateway.store.cases_tables import (
    BORDER,
    DEVICE,
    HOLIDAY,
    META,
    PERSON,
    PLACE,
    REGISTRY_EDITION,
    REGISTRY_PAST,
    ROSTER,
)

VERSION: Final = "registry_version"
DIGEST: Final = "registry_digest"
ZONE: Final = "registry_zone"
_FORGOTTEN: Final = "registry_forgotten"
"""The newest edition whose past was let go."""

_RANGES: Final = msgspec.json.Decoder(dict[str, tuple[float, float]])
_ACCOUNTS: Final = msgspec.json.Decoder(dict[str, str])
_WORDS: Final = msgspec.json.Decoder(tuple[str, ...])
_DUTY: Final = msgspec.json.Decoder(Duty)
_HOLIDAY: Final = msgspec.json.Decoder(Holiday)
_BORDER: Final = msgspec.json.Decoder(Border)
_COUNTS: Final = msgspec.json.Decoder(dict[str, tuple[int, int, int]])
_ROWS: Final[Mapping[str, Any]] = {
    "places": msgspec.json.Decoder(Place),
    "devices": msgspec.json.Decoder(Device),
    "people": msgspec.json.Decoder(Person),
    "rosters": msgspec.json.Decoder(list[Duty]),
    "holidays": _HOLIDAY,
    "borders": _BORDER,
}
"""Table -> a row of ``Site.tables`` of its text."""


class Edition(NamedTuple):
    """One edition of the registry and what it changed."""

    number: int
    wall: int
    trusted: bool
    arrival: int
    by: str
    counts: dict[str, tuple[int, int, int]]
    """Table -> rows added, changed, retired."""


class Newest(NamedTuple):
    """One of the newest editions."""

    edition: Edition
    ids: list[tuple[str, str]]
    """Table and id of the first rows that it changed."""


class Signed(NamedTuple):
    """When an edition is made, and by whom."""

    wall: int
    trusted: bool
    arrival: int
    by: str


def site(connection: Connection) -> Site:
    """The registry, in the order in which it was written."""
    rows = {table: connection.execute(select(table).order_by(table.c.row)) for table in _NUMBERED}
    places = [Place(**_named(row)) for row in rows[PLACE]]
    devices = [_device(_named(row)) for row in rows[DEVICE]]
    people = [_person(_named(row)) for row in rows[PERSON]]
    holidays = connection.execute(select(HOLIDAY.c.body).order_by(HOLIDAY.c.day)).scalars()
    borders = connection.execute(select(BORDER.c.code, BORDER.c.body).order_by(BORDER.c.code))
    return Site(
        version=int(_meta(connection, VERSION) or 0),
        places={place.code: place for place in places},
        devices={device.id: device for device in devices},
        people={person.id: person for person in people},
        rosters=tuple(_DUTY.decode(row.body) for row in rows[ROSTER]),
        holidays=tuple(map(_HOLIDAY.decode, holidays)),
        borders={row.code: _BORDER.decode(row.body) for row in borders},
        zone=_meta(connection, ZONE) or Site().zone,
    )


_NUMBERED: Final = (PLACE, DEVICE, PERSON, ROSTER)


def _named(row: Any) -> dict[str, Any]:
    values = dict(row._mapping)
    del values["row"]
    return values


def _device(row: dict[str, Any]) -> Device:
    ranges, tags = _RANGES.decode(row["ranges"]), _WORDS.decode(row["tags"])
    by_position = bool(row["by_position"])
    return Device(**{**row, "ranges": ranges, "tags": tags, "by_position": by_position})


def _person(row: dict[str, Any]) -> Person:
    lists = {name: _WORDS.decode(row[name]) for name in ("channels", "areas")}
    return Person(**{**row, **lists, "accounts": _ACCOUNTS.decode(row["accounts"])})


def digest(connection: Connection) -> str:
    """What ``replace`` was given last, or ""."""
    return _meta(connection, DIGEST)


def replace(connection: Connection, after: Site, digest: str, signed: Signed) -> Site:
    """Keep ``after`` as the next edition, and return it as such."""
    with connection.begin():
        before = site(connection)
        after = msgspec.structs.replace(after, version=before.version + 1)
        counts = _keep_past(connection, before, after)
        things: tuple[tuple[Table, Iterable[dict[str, Any]]], ...] = (
            (PLACE, map(_flat, after.places.values())),
            (DEVICE, map(_flat, after.devices.values())),
            (PERSON, map(_flat, after.people.values())),
            (ROSTER, ({"body": _text(line)} for line in after.rosters)),
            (HOLIDAY, ({"day": each.day, "body": _text(each)} for each in after.holidays)),
            (BORDER, ({"code": c, "body": _text(each)} for c, each in after.borders.items())),
        )
        for table, rows in things:
            connection.execute(delete(table))
            _many(connection, table, list(rows))
        values = signed._asdict() | {"trusted": int(signed.trusted)}
        edition = {"number": after.version, "counts": _text(counts), **values}
        _many(connection, REGISTRY_EDITION, [edition])
        _put_meta(connection, {VERSION: str(after.version), DIGEST: digest, ZONE: after.zone})
    return after


def _keep_past(connection: Connection, before: Site, after: Site) -> dict[str, tuple[int, ...]]:
    """Write down what ``after`` changes, as it was; rows added, changed, retired by table."""
    counts: dict[str, tuple[int, ...]] = {}
    past: list[dict[str, Any]] = []
    old, new = before.tables(), after.tables()
    for what, rows in new.items():
        was = old[what]
        added = [id_ for id_ in rows if id_ not in was]
        changed = [id_ for id_, row in rows.items() if id_ in was and was[id_] != row]
        retired = [id_ for id_ in was if id_ not in rows]
        if added or changed or retired:
            counts[what] = (len(added), len(changed), len(retired))
        bodies: list[tuple[str, str | None]] = [(id_, None) for id_ in added if before.version]
        bodies += [(id_, _text(was[id_])) for id_ in (*changed, *retired)]
        past += [
            {"edition": after.version, "what": what, "id": id_, "body": body}
            for id_, body in bodies
        ]
    _many(connection, REGISTRY_PAST, past)
    return counts


def editions(connection: Connection) -> list[Edition]:
    """Every edition, oldest first."""
    rows = connection.execute(select(REGISTRY_EDITION).order_by(REGISTRY_EDITION.c.number))
    return list(map(_edition, rows))


def _edition(row: Any) -> Edition:
    counts = _COUNTS.decode(row.counts)
    return Edition(row.number, row.wall, bool(row.trusted), row.arrival, row.by, counts)


def newest(connection: Connection, limit: int, after: int, ids: int) -> list[Newest]:
    """The editions after number ``after``, the newest ``limit`` first, each with so many ids."""
    numbers = REGISTRY_EDITION.c.number
    statement = select(REGISTRY_EDITION).where(numbers > after).order_by(numbers.desc())
    return [
        Newest(_edition(row), _ids(connection, row.number, ids))
        for row in connection.execute(statement.limit(limit)).all()
    ]


def _ids(connection: Connection, number: int, most: int) -> list[tuple[str, str]]:
    past = REGISTRY_PAST.c
    statement = select(past.what, past.id).where(past.edition == number)
    found = connection.execute(statement.order_by(past.what, past.id).limit(most))
    return [(row.what, row.id) for row in found]


def site_at(connection: Connection, wall: int) -> Site | None:
    """The registry as it was at ``wall``; None where that is not known (any more)."""
    numbers = REGISTRY_EDITION.c.number
    statement = select(func.max(numbers)).where(REGISTRY_EDITION.c.wall <= wall)
    number = connection.execute(statement).scalar()
    present = site(connection)
    if number is None or number < int(_meta(connection, _FORGOTTEN) or 0):
        return None
    tables = present.tables()
    newer = REGISTRY_PAST.c.edition > number
    undone = select(REGISTRY_PAST).where(newer).order_by(REGISTRY_PAST.c.edition.desc())
    for row in connection.execute(undone):
        if row.body is None:
            tables[row.what].pop(row.id, None)
        else:
            tables[row.what][row.id] = _ROWS[row.what].decode(row.body)
    return _of_tables(tables, number, present.zone)


def _of_tables(tables: Mapping[str, Mapping[str, Any]], version: int, zone: str) -> Site:
    holidays = tables["holidays"]
    return Site(
        version=version,
        places=dict(tables["places"]),
        devices=dict(tables["devices"]),
        people=dict(tables["people"]),
        rosters=tuple(line for lines in tables["rosters"].values() for line in lines),
        holidays=tuple(holidays[day] for day in sorted(holidays)),
        borders=dict(tables["borders"]),
        zone=zone,
    )


def forget(connection: Connection, before: int) -> int:
    """Let go of the past of editions made before arrival ``before``; how many rows."""
    newest = select(func.max(REGISTRY_EDITION.c.number)).where(REGISTRY_EDITION.c.arrival < before)
    with connection.begin():
        number = connection.execute(newest).scalar()
        if number is None or number <= int(_meta(connection, _FORGOTTEN) or 0):
            return 0
        old = REGISTRY_PAST.c.edition <= number
        gone = int(connection.execute(delete(REGISTRY_PAST).where(old)).rowcount)
        _put_meta(connection, {_FORGOTTEN: str(number)})
    return gone


def _meta(connection: Connection, key: str) -> str:
    return connection.execute(select(META.c.value).where(META.c.key == key)).scalar() or ""


def _put_meta(connection: Connection, values: Mapping[str, str]) -> None:
    connection.execute(delete(META).where(META.c.key.in_(values)))
    _many(connection, META, [{"key": key, "value": value} for key, value in values.items()])


def _many(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _text(thing: Any) -> str:
    return msgspec.json.encode(thing).decode()


def _flat(thing: msgspec.Struct) -> dict[str, Any]:
    """A row; what is no plain value becomes JSON text."""
    return {
        name: _text(value) if isinstance(value, (dict, tuple)) else _plain(value)
        for name, value in msgspec.structs.asdict(thing).items()
    }


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value
