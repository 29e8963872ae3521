"""A server that refuses, hangs, goes and comes back: one line for each, and nothing is lost."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest
import structlog

from gateway.model import Place, Site
from gateway.ports import Unavailable
from gateway.store.cases import Cases
from gateway.store.databases import database
from gateway.store.step import Step, Timer
from tests import servers, virtual
from tests.cases.build import alarmed, site
from tests.cases.house import Phone, StoryClock, living
from tests.cases.relay import Relay
from tests.cases.store import InFile, OnServer, tables
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


async def test_a_database_that_is_not_there_is_one_line(
    postgresql_server: servers.PostgreSQL,
) -> None:
    line = await refused(postgresql_server.url("nowhere"))
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
    line = await refused(f"{on_server.url}&sslmode=require")
    assert "server does not support SSL, but SSL was required" in line
    assert "look at sslmode" in line


async def test_a_database_of_another_encoding_is_refused(
    postgresql_server: servers.PostgreSQL,
) -> None:
    postgresql_server.sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    try:
        line = await refused(postgresql_server.url("latin"))
    finally:
        postgresql_server.sql("DROP DATABASE latin")
    assert "the database's encoding is LATIN1; make one with" in line


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


async def test_two_gateways_may_have_a_schema_each_in_one_database(
    postgresql_server: servers.PostgreSQL,
) -> None:
    east, west = (OnServer(postgresql_server, postgresql_server.schema()) for _ in range(2))
    async with (
        Cases(east.where, VirtualClock()) as first,
        Cases(west.where, VirtualClock()) as second,
    ):
        await first.replace_registry(site(), "d")
        assert (await second.load_site()).version == 0
    assert east.sql("SELECT count(*) FROM person") == [(3,)]


# --- the schema ---------------------------------------------------------------------------

_TYPES = {"TEXT": "text", "INTEGER": "bigint", "BLOB": "bytea", "REAL": "double precision"}


async def test_tables_and_indexes_are_those_of_the_schema_files(
    on_server: OnServer, tmp_path: Path
) -> None:
    async with Cases(on_server.where, VirtualClock()), Cases(tmp_path / "c.db", VirtualClock()):
        pass
    expected = {
        (table.name, column.name, _TYPES[str(column.type)])
        for table in tables().tables.values()
        for column in table.columns
    }
    found = on_server.sql(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name <> 'schema_version'"
    )
    assert set(found) == expected
    on_disk = InFile(tmp_path / "c.db").sql("SELECT name FROM sqlite_schema WHERE type = 'index'")
    made = {name for (name,) in on_disk if not name.startswith("sqlite_")}
    indexes = {name for (name,) in on_server.sql("SELECT indexname FROM pg_indexes")}
    assert len(made) >= 10
    assert made <= indexes
    sorted_by_bytes = on_server.sql(
        "SELECT DISTINCT collation_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND data_type = 'text'"
    )
    assert sorted_by_bytes == [("C",)]


async def test_numbers_come_back_with_all_their_digits(on_server: OnServer) -> None:
    where = Place("1", "", "grid", "一", latitude=38.312345678901234, longitude=-116.80000000001)
    async with Cases(on_server.where, VirtualClock()) as cases:
        await cases.replace_registry(Site(places={"1": where}), "d")
        await cases.commit(Step(arrival=1, timers_set=[Timer("k", "deadline", 2**62)]))
        assert (await cases.load_site()).places == {"1": where}
        assert await cases.due_timers(2**62, 5) == [Timer("k", "deadline", 2**62)]


# --- while it runs ------------------------------------------------------------------------


async def test_a_full_disk_of_the_server_is_said_and_leaves_the_step_before(
    on_server: OnServer,
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(on_server.where, clock, {"phone": phone}) as house:
        await house.take(alarmed(same="device:0"))
        await clock.advance(0)
        on_server.sql(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'could not extend file: No space left on device'"
            " USING ERRCODE = '53100', DETAIL = 'Key (secret)'; END $$;"
            "CREATE TRIGGER full_disk BEFORE INSERT ON timer EXECUTE FUNCTION full_disk()"
        )
        with pytest.raises(Unavailable) as caught:
            await house.take(alarmed(same="device:1"))
        assert caught.value.reason.endswith(
            ": could not extend file: No space left on device; make room on the server's disk"
        )
        assert house.cases.failing == caught.value.reason
        assert len(await house.cases.open_incidents()) == 1
        on_server.sql("DROP TRIGGER full_disk ON timer")
        await house.take(alarmed(same="device:1"))
        assert house.cases.failing == ""
        await clock.advance(0)
        assert [each.incident for each in phone.heard] == ["L20260105-0001", "L20260105-0002"]
        assert await house.cases.verify() == []


async def test_a_server_that_only_reads_is_said(
    on_server: OnServer, postgresql_server: servers.PostgreSQL
) -> None:
    clock = VirtualClock()
    async with Cases(on_server.where, clock) as cases:
        postgresql_server.sql("ALTER ROLE gridwarden SET default_transaction_read_only = on")
        try:
            on_server.end_connections()
            with pytest.raises(Unavailable):
                await cases.commit(Step(arrival=1))
            await clock.advance(1)
            with pytest.raises(Unavailable) as caught:
                await cases.commit(Step(arrival=1))
        finally:
            postgresql_server.sql("ALTER ROLE gridwarden RESET default_transaction_read_only")
        assert caught.value.reason.endswith("must name the primary server: this one only reads")


async def test_a_look_goes_on_over_a_restart_as_if_nothing_had_been(
    on_server: OnServer, postgresql_server: servers.PostgreSQL
) -> None:
    async with Cases(on_server.where, VirtualClock()) as cases:
        await cases.replace_registry(site(), "d")
        postgresql_server.restart()
        assert (await cases.load_site()).people == site().people


async def test_killed_in_the_middle_of_alarms_nothing_is_lost_and_nobody_told_twice(
    on_server: OnServer, postgresql_server: servers.PostgreSQL
) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(on_server.where, clock, {"phone": phone}, supervised=True) as house:
        for number in range(6):
            await house.take(alarmed(same=f"device:{number}"))
            if number % 2:
                await clock.settle()  # else it goes before anybody was told
            postgresql_server.kill()
            for _ in range(3):
                with pytest.raises(Unavailable) as caught:
                    await house.take(alarmed(same=f"device:later {number}"))
                assert caught.value.reason.endswith("tried again by itself")
                await clock.advance(0.1)
            postgresql_server.start()
            await clock.advance(20)
            await house.take(alarmed(same=f"device:later {number}"))
        await clock.advance(60)
        keys = sorted(each.key for each in await house.cases.open_incidents())
        assert keys == [f"L20260105-{number:04}" for number in range(1, 13)]
        assert sorted(each.incident for each in phone.heard) == keys
        ends = [row.end for key in keys for row in await house.cases.outbox(key)]
        assert ends == ["told"] * 12
        assert await house.cases.verify() == []


async def test_a_step_whose_answer_was_lost_is_kept_once_and_told(on_server: OnServer) -> None:
    clock, phone = StoryClock(), Phone()
    async with (
        Relay(on_server.url) as relay,
        living(database(Path(), relay.url), clock, {"phone": phone}) as house,
    ):
        await house.take(alarmed(same="device:1"))
        await clock.settle()
        relay.drop_answer_to(b"COMMIT")
        with pytest.raises(Unavailable):
            await house.take(alarmed("s2", same="device:2"))
        assert relay.dropped
        assert len(on_server.sql("SELECT key FROM incident")) == 2
        await clock.advance(6)
        assert [each.device for each in phone.heard] == ["s1", "s2"]
        await house.take(alarmed("s2", same="device:2"))  # as the rules do that were told no
        await house.take(alarmed("s3", same="device:3"))
        await clock.advance(1)
        assert [each.device for each in phone.heard] == ["s1", "s2", "s3"]
        assert len(await house.cases.open_incidents()) == 3
        assert await house.cases.verify() == []


async def test_a_server_that_hangs_is_cut_off_in_time(
    on_server: OnServer, postgresql_server: servers.PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual, "_JOB", 0.1)  # what is frozen takes no part in virtual time
    clock = VirtualClock()
    async with Cases(on_server.where, clock) as cases:
        await cases.replace_registry(site(), "d")
        postgresql_server.pause()
        try:
            asked = [
                asyncio.create_task(cases.load_site()),
                asyncio.create_task(cases.commit(Step(arrival=1))),
            ]
            await clock.advance(19)
            assert not any(task.done() for task in asked)
            await clock.advance(2)
            for task in asked:
                with pytest.raises(Unavailable, match="no answer within 20 s; tried again"):
                    await task
        finally:
            postgresql_server.resume()
        await clock.advance(1)
        assert (await cases.load_site()).version == 1
        await cases.commit(Step(arrival=5))
        assert cases.failing == ""


async def test_what_another_gateway_wrote_meanwhile_is_not_written_over(
    on_server: OnServer,
) -> None:
    clock = VirtualClock()
    async with Cases(on_server.where, clock) as first:
        on_server.end_connections()
        async with Cases(on_server.where, clock) as second:
            await second.replace_registry(site(), "d")
            with pytest.raises(Unavailable):
                await first.commit(Step(arrival=1))
            await clock.advance(1)
            with pytest.raises(Unavailable, match="another gridwarden's; tried again by itself"):
                await first.commit(Step(arrival=1))
            assert not first.overtaken
        await clock.advance(1)
        with pytest.raises(Unavailable, match="another gridwarden has written here meanwhile"):
            await first.commit(Step(arrival=1))
        assert first.overtaken


async def test_it_is_logged_once_when_the_server_goes_and_once_when_it_is_back(
    on_server: OnServer, postgresql_server: servers.PostgreSQL
) -> None:
    clock = VirtualClock()
    async with Cases(on_server.where, clock) as cases:
        with structlog.testing.capture_logs() as log:
            postgresql_server.stop()
            for _ in range(20):
                with pytest.raises(Unavailable):
                    await cases.commit(Step(arrival=1))
                await clock.advance(0.5)
            postgresql_server.start()
            await clock.advance(6)
            await cases.commit(Step(arrival=1))
        assert [each["event"] for each in log] == ["cases_failing", "cases_well_again"]


async def test_a_text_with_a_nul_is_kept_without_it(on_server: OnServer) -> None:
    async with Cases(on_server.where, VirtualClock()) as cases:
        await cases.commit(Step(arrival=1, texts={"d": "a\0b 烟"}))
        assert await cases.texts(["d"]) == {"d": "a\ufffdb 烟"}
