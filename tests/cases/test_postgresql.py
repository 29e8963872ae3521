"""A server that refuses, hangs, goes and comes back: one line for each, and nothing is lost."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from gateway.ports import Unavailable
from gateway.store.cases import Cases
from gateway.store.databases import database
from tests import servers
from tests.cases.build import site
from tests.cases.store import OnServer
from tests.virtual import VirtualClock


async def refused(url: str) -> str:
    """The line with which opening fails."""
    with pytest.raises(Unavailable) as caught:
        async with Cases(database(Path(), url), VirtualClock()):
            raise AssertionError("it opened")
    line = caught.value.reason
    assert line.isprintable()
    assert len(line) < 320
    return line


def with_password(url: str, user: str, password: str) -> str:
    return url.replace("gridwarden@", f"{user}:{password}@")


# --- opening ------------------------------------------------------------------------------


async def test_a_wrong_password_is_one_line_without_the_password(
    on_server: OnServer, postgresql_server: servers.PostgreSQL
) -> None:
    right, wrong = secrets.token_hex(8), secrets.token_hex(8)
    postgresql_server.sql(f"CREATE ROLE locked LOGIN SUPERUSER PASSWORD '{right}'")
    try:
        line = await refused(with_password(on_server.url, "locked", wrong))
        assert 'password authentication failed for user "locked"' in line
        assert line.endswith(
            "look at user and password in site.cases.url and at pg_hba.conf of the server"
        )
        assert wrong not in line
        kept = database(Path(), with_password(on_server.url, "locked", right))
        assert right not in repr(kept) + kept.name
        async with Cases(kept, VirtualClock()) as cases:
            assert await cases.open_incidents() == []
    finally:
        postgresql_server.sql("REASSIGN OWNED BY locked TO postgres", on_server.url)
        postgresql_server.sql("DROP ROLE locked")


async def test_a_server_that_is_not_there_is_one_line() -> None:
    line = await refused(f"postgresql://gw@127.0.0.1:{servers.free_port()}/grid")
    assert line.startswith("PostgreSQL 127.0.0.1:")
    assert line.endswith("Connection refused; tried again by itself")


async def test_a_database_that_is_not_there_is_one_line(on_server: OnServer) -> None:
    line = await refused(f"{on_server.url}x")
    assert line.endswith(
        "does not exist; create the database, or name another one in site.cases.url"
    )


async def test_no_url_is_one_line_that_repeats_nothing_of_it() -> None:
    line = await refused("postgresql://gw:s3cret@[host/grid")
    assert line == (
        "site.cases.url: this is no URL of PostgreSQL; write it like"
        " postgresql://user@host:5432/database"
    )


async def test_no_more_connections_is_one_line(
    on_server: OnServer, postgresql_server: servers.PostgreSQL
) -> None:
    postgresql_server.sql("ALTER ROLE gridwarden CONNECTION LIMIT 0")
    try:
        line = await refused(on_server.url)
    finally:
        postgresql_server.sql("ALTER ROLE gridwarden CONNECTION LIMIT -1")
    assert line.endswith("the server gives no more connections: raise its max_connections")


async def test_a_server_without_tls_is_refused_where_the_url_asks_for_it(
    on_server: OnServer,
) -> None:
    line = await refused(f"{on_server.url}?sslmode=require")
    assert "server does not support SSL, but SSL was required" in line
    assert "look at sslmode" in line


async def test_a_database_of_another_encoding_is_refused(
    postgresql_server: servers.PostgreSQL,
) -> None:
    url = postgresql_server.database("ENCODING 'LATIN1' TEMPLATE template0")
    assert "the database's encoding is LATIN1; make one with" in await refused(url)


async def test_a_newer_schema_is_refused_and_kept(on_server: OnServer) -> None:
    async with Cases(on_server.where, VirtualClock()) as cases:
        await cases.replace_registry(site(), "d")
    on_server.sql("INSERT INTO schema_version VALUES (9999)")
    assert "written by a newer gridwarden (schema 9999" in await refused(on_server.url)
    assert on_server.sql("SELECT count(*) FROM person") == [(3,)]


async def test_a_second_gateway_on_the_same_database_is_refused(on_server: OnServer) -> None:
    async with Cases(on_server.where, VirtualClock()) as first:
        line = await refused(on_server.url)
        assert "another gridwarden uses this database; stop it or set another" in line
        await first.replace_registry(site(), "d")
    async with Cases(on_server.where, VirtualClock()) as second:
        assert (await second.load_site()).version == 1


async def test_two_gateways_may_have_a_schema_each_in_one_database(on_server: OnServer) -> None:
    for name in ("east", "west"):
        on_server.sql(f"CREATE SCHEMA {name} AUTHORIZATION gridwarden")
    east, west = (
        database(Path(), f"{on_server.url}?options=-csearch_path%3D{name}")
        for name in ("east", "west")
    )
    async with Cases(east, VirtualClock()) as first, Cases(west, VirtualClock()) as second:
        await first.replace_registry(site(), "d")
        assert (await second.load_site()).version == 0
    assert on_server.sql("SELECT count(*) FROM east.person") == [(3,)]


# --- the schema ---------------------------------------------------------------------------


def columns(on_server: OnServer) -> list[tuple[object, ...]]:
    return on_server.sql(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'schema_version'"
        " ORDER BY table_name, column_name"
    )
