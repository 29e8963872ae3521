"""What an InfluxDB 1.x needs besides a running server, as statements. Pure.

    database ─▶ raw (default, what the sink writes) ─ continuous query, hourly ─▶ years
    users: one that writes, one that reads

Only what is missing is stated, so that a second time states nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from gateway.model import KINDS, UNKNOWN_KIND

RAW: Final = "raw"
YEARS: Final = "years"
KEEP: Final = 90 * 86_400
KEEP_YEARS: Final = 5 * 365 * 86_400
"""Seconds."""
QUERY: Final = "gridwarden_years"
"""The continuous query."""
_AGAIN: Final = "24h"
"""What comes late counts until then: each hour the last day is drawn together again."""
_UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART: Final = re.compile(r"(\d+)([wdhms])")
_STARS: Final = "'***'"


class User(NamedTuple):
    """Somebody who may write, or read. ``password`` "": only what is there already is granted."""

    name: str
    right: str
    """``WRITE`` or ``READ``."""
    password: str


class Wanted(NamedTuple):
    """How it is to be. Durations in seconds; None: as it is, or the default for what is new."""

    database: str
    raw: str = RAW
    keep: int | None = None
    keep_years: int | None = None
    users: tuple[User, ...] = ()


class There(NamedTuple):
    """How it is."""

    databases: frozenset[str] = frozenset()
    policies: Mapping[str, int] = {}
    """Of the database: name -> seconds, 0 for ever."""
    default: str = ""
    queries: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    grants: frozenset[tuple[str, str]] = frozenset()
    """(user, right) in the database."""


class Statement(NamedTuple):
    """``text`` may hold a password; ``shown`` never does."""

    text: str
    shown: str
    secret: str = ""


def statements(wanted: Wanted, there: There) -> list[Statement]:
    """What is missing, in order."""
    found = [*_policies(wanted, there)]
    if QUERY not in there.queries:
        found.append(_plain(continuous(wanted)))
    for user in wanted.users:
        found += _user(user, wanted.database, there)
    return found


def _policies(wanted: Wanted, there: There) -> Iterable[Statement]:
    name, raw = _name(wanted.database), _name(wanted.raw)
    keep = wanted.keep or KEEP
    if wanted.database not in there.databases:
        yield _plain(
            f"CREATE DATABASE {name} WITH DURATION {_hours(keep)} REPLICATION 1 NAME {raw}"
        )
    elif wanted.raw not in there.policies:
        duration = _hours(keep)
        yield _plain(
            f"CREATE RETENTION POLICY {raw} ON {name} DURATION {duration} REPLICATION 1 DEFAULT"
        )
    else:
        if wanted.keep and there.policies[wanted.raw] != wanted.keep:
            yield _plain(_kept_for(raw, name, wanted.keep))
        if there.default != wanted.raw:
            yield _plain(f"ALTER RETENTION POLICY {raw} ON {name} DEFAULT")
    years, long = wanted.keep_years or KEEP_YEARS, _name(YEARS)
    if wanted.database not in there.databases or YEARS not in there.policies:
        yield _plain(
            f"CREATE RETENTION POLICY {long} ON {name} DURATION {_hours(years)} REPLICATION 1"
        )
    elif wanted.keep_years and there.policies[YEARS] != wanted.keep_years:
        yield _plain(_kept_for(long, name, years))


def _kept_for(policy: str, database: str, duration: int) -> str:
    """With shards as the server has them for such a duration.

    Else less than a shard is refused, and years go into shards of an hour.
    """
    alter = f"ALTER RETENTION POLICY {policy} ON {database}"
    return f"{alter} DURATION {_hours(duration)} SHARD DURATION 0s"


def _user(user: User, database: str, there: There) -> Iterable[Statement]:
    name = _name(user.name)
    if user.name not in there.users:
        create = f"CREATE USER {name} WITH PASSWORD "
        yield Statement(create + _text(user.password), create + _STARS, user.password)
    if (user.name, user.right) not in there.grants:
        yield _plain(f"GRANT {user.right} ON {_name(database)} TO {name}")


def continuous(wanted: Wanted) -> str:
    """The query that draws the numbers of every sensor together, hour by hour."""
    return (
        f"CREATE CONTINUOUS QUERY {_name(QUERY)} ON {_name(wanted.database)}"
        f" RESAMPLE EVERY 1h FOR {_AGAIN} BEGIN {hourly(wanted)} END"
    )


def hourly(wanted: Wanted, since: int = 0, until: int = 0) -> str:
    """The same for a stretch, wall ns; without one as a continuous query has it."""
    database = _name(wanted.database)
    kinds = "|".join(sorted([*KINDS, UNKNOWN_KIND]))
    where = f" WHERE time >= {since} AND time < {until}" if until else ""
    into = f"{database}.{_name(YEARS)}.:MEASUREMENT"
    source = f"{database}.{_name(wanted.raw)}./^({kinds})$/"
    # S608: names are quoted, and nothing else in it comes from outside
    return f"SELECT mean(*), min(*), max(*) INTO {into} FROM {source}{where} GROUP BY time(1h), *"  # noqa: S608


def first_admin(name: str, password: str) -> Statement:
    """The user that a server which asks for passwords needs before anything else."""
    start, end = f"CREATE USER {_name(name)} WITH PASSWORD ", " WITH ALL PRIVILEGES"
    return Statement(start + _text(password) + end, start + _STARS + end, password)


def seen(answers: Mapping[str, list[dict[str, Any]]], database: str) -> There:
    """The state, from the series that SHOW statements gave; see ``LOOKS``."""
    policies = _rows(answers["policies"])
    queries = [
        row["name"]
        for series in answers["queries"]
        if series.get("name") == database
        for row in _rows([series])
    ]
    grants = {
        (user, row["privilege"].removesuffix(" PRIVILEGES"))
        for user, series in _by_user(answers)
        for row in _rows(series)
        if row["database"] == database
    }
    every = {(user, right) for user, held in grants if held == "ALL" for right in ("READ", "WRITE")}
    return There(
        databases=frozenset(row["name"] for row in _rows(answers["databases"])),
        policies={row["name"]: seconds(str(row.get("duration"))) for row in policies},
        default=next((row["name"] for row in policies if row.get("default")), ""),
        queries=frozenset(queries),
        users=frozenset(row["user"] for row in _rows(answers["users"])),
        grants=frozenset(grants | every),
    )


def looks(database: str, users: Iterable[str]) -> dict[str, str]:
    """What to ask the server; the policies only where there is such a database."""
    found = {
        "databases": "SHOW DATABASES",
        "policies": f"SHOW RETENTION POLICIES ON {_name(database)}",
        "queries": "SHOW CONTINUOUS QUERIES",
        "users": "SHOW USERS",
    }
    return found | {f"grants {user}": f"SHOW GRANTS FOR {_name(user)}" for user in users}


def _by_user(
    answers: Mapping[str, list[dict[str, Any]]],
) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    return (
        (key.removeprefix("grants "), series)
        for key, series in answers.items()
        if key.startswith("grants ")
    )


def _rows(series: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        dict(zip(each["columns"], row, strict=True))
        for each in series
        for row in each.get("values", ())
    ]


def seconds(duration: str) -> int:
    """Of a duration as the server writes it: ``2160h0m0s``."""
    return sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(duration))


def _hours(duration: int) -> str:
    """At least an hour, which is the least that the server takes."""
    return f"{max(duration // 3_600, 1)}h"


def _plain(text: str) -> Statement:
    return Statement(text, text)


def _name(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
