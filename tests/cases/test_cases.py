"""The store keeps steps whole, the record verifiable, and the registry as it was given."""

import asyncio
import contextlib
import random
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, event, inspect

from gateway.model import CheckIn, Device, Position, Site
from gateway.ports import Unavailable
from gateway.store import cases as cases_module
from gateway.store import patrol, schema
from gateway.store.cases import Cases
from gateway.store.chain import digest_of
from gateway.store.databases import Database
from gateway.store.schema import open_checked
from gateway.store.step import Step
from tests.cases.build import alarmed, cleared, site
from tests.cases.house import House, Phone, StoryClock, WatchedCases, living
from tests.cases.store import Store, tables


def described(url: str) -> dict[str, object]:
    engine = create_engine(url)
    found: dict[str, object] = {}
    look = inspect(engine)
    for table in look.get_table_names():
        columns = {
            c["name"]: (str(c["type"]), c["nullable"] and not c["primary_key"])
            for c in look.get_columns(table)
        }
        indexes = {
            (i["name"], tuple(i["column_names"]), bool(i["unique"]),
             str(i.get("dialect_options", {}).get("sqlite_where", "")))
            for i in look.get_indexes(table)
        }  # fmt: skip
        unique = {tuple(u["column_names"]) for u in look.get_unique_constraints(table)}
        key = look.get_pk_constraint(table)["constrained_columns"]
        found[table] = (columns, indexes, unique, key)
    engine.dispose()
    return found


def test_schema_files_and_tables_agree(tmp_path: Path) -> None:
    connection, _ = open_checked(tmp_path / "files.db", "cases", 0)
    connection.close()
    engine = create_engine(f"sqlite:///{tmp_path / 'tables.db'}")
    tables().create_all(engine)
    engine.dispose()
    from_files = described(f"sqlite:///{tmp_path / 'files.db'}")
    assert from_files == described(f"sqlite:///{tmp_path / 'tables.db'}")
    assert len(from_files) == len(tables().tables) >= 22


async def test_registry_comes_back_as_it_was(store: Store) -> None:
    clock = StoryClock()
    async with Cases(store.where, clock) as cases:
        assert await cases.load_site() == Site()
        assert await cases.registry_digest() == ""
        kept = await cases.replace_registry(site(), "d1")
        assert kept.version == 1
        assert (await cases.replace_registry(site(), "d2")).version == 2
    async with Cases(store.where, clock) as cases:
        found = await cases.load_site()
        assert await cases.registry_digest() == "d2"
        assert found.version == 2
        assert (found.places, found.devices, found.people) == (
            site().places,
            site().devices,
            site().people,
        )
        assert list(found.people) == list(site().people)


def made_before_tags(path: Path) -> None:
    """A file of the first schema, as the program of then left it."""
    first = dict(schema.files("cases"))[1]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(first)
        connection.execute("INSERT INTO meta VALUES ('registry_version', '7')")
        connection.execute(
            "INSERT INTO place VALUES (1, '1', '', 'grid', '一网格', '', NULL, NULL)"
        )
        connection.execute(
            "INSERT INTO device VALUES (1, 's1', 'm', 'a1', 'smoke', '烟感', '1', 'RA02A', '2',"
            """ '201', NULL, NULL, 60, '{"density":[0.0,5.0]}', '', 'accepted')"""
        )
        connection.execute("INSERT INTO rule_state VALUES ('a', x'31')")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()


async def test_a_file_made_before_there_were_tags_is_brought_up_to_date(tmp_path: Path) -> None:
    path, clock = tmp_path / "cases.db", StoryClock()
    made_before_tags(path)
    async with Cases(path, clock) as cases:
        assert cases.put_aside is None
        found = await cases.load_site()
        assert found.version == 7
        assert found.devices == {
            "s1": Device(
                *("s1", "m", "a1", "smoke", "烟感", "1", "RA02A", "2", "201"),
                max_silence=60,
                ranges={"density": (0.0, 5.0)},
            )
        }
        assert await cases.rules_start() == (None, {"a": b"1"})
        await cases.replace_registry(site(), "d")
    async with Cases(path, clock) as cases:
        assert (await cases.load_site()).devices == site().devices


async def test_rules_go_on_where_they_were(store: Store) -> None:
    clock = StoryClock()
    async with Cases(store.where, clock) as cases:
        assert await cases.rules_start() == (None, {})
        state = {"a": b"1", "b": b"2"}
        await cases.commit(Step(arrival=5, bookmark=Position("j 1", 7), state=state))
        await cases.commit(Step(arrival=3, state={"a": None, "c": b"3"}))
    async with Cases(store.where, clock) as cases:
        assert await cases.rules_start() == (Position("j 1", 7), {"b": b"2", "c": b"3"})
        assert cases.last_arrival == 5  # never back


async def test_broken_file_is_put_aside_and_said(tmp_path: Path) -> None:
    path, clock = tmp_path / "cases.db", StoryClock()
    async with Cases(path, clock) as cases:
        await cases.replace_registry(site(), "d")
    path.write_bytes(bytes(path.stat().st_size))
    async with Cases(path, clock) as cases:
        assert cases.put_aside == tmp_path / "cases-broken-20260105-080000.db"
        assert await cases.load_site() == Site()


async def test_full_disk_is_unavailable_and_leaves_the_step_before(tmp_path: Path) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(tmp_path / "c.db", clock, {"phone": phone}) as house:
        await house.take(alarmed(same="device:0"))
        await clock.advance(0)

        def limit(pages: int):
            def set_limit(connection):
                connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}").fetchall()
                connection.rollback()

            return set_limit

        writer = house.cases._writer
        await writer.run(limit(1))  # SQLite takes the present size instead
        with pytest.raises(Unavailable, match=r"c\.db: database or disk is full"):
            await house.take(*(alarmed(same=f"device:{n}") for n in range(1, 200)))
        assert len(await house.cases.open_incidents()) == 1
        await writer.run(limit(100_000))
        await house.take(*(alarmed(same=f"device:{n}") for n in range(1, 200)))
        assert len(await house.cases.open_incidents()) == 200
        assert await house.cases.verify() == []


async def record(where: Path | Database) -> None:
    clock = StoryClock()
    async with living(where, clock, {"phone": Phone()}) as house:
        for number in range(4):
            await house.take(alarmed(same=f"device:{number}"), cleared(same=f"device:{number}"))
            await clock.advance(1)
        await house.act("L20260105-0002", "receive", comment="王家 302")
        await house.act("L20260105-0002", "close", outcome="real")
        await clock.advance(400)
        assert await house.cases.verify() == []


async def verified(where: Path | Database) -> list[str]:
    async with Cases(where, StoryClock()) as cases:
        return await cases.verify()


def changed(value: object, chance: random.Random) -> object:
    if isinstance(value, int):
        return value ^ 1
    assert isinstance(value, str)
    if not value:
        return "x"
    place = chance.randrange(len(value))
    return f"{value[:place]}{chr(ord(value[place]) ^ 1)}{value[place + 1 :]}"


async def test_one_changed_byte_of_any_event_is_named(tmp_path: Path) -> None:
    path, chance = tmp_path / "c.db", random.Random(7)
    await record(path)
    with closing(sqlite3.connect(path)) as connection:
        before = connection.execute("SELECT * FROM event").fetchall()
        columns = [c[1] for c in connection.execute("PRAGMA table_info(event)")]
    assert len(before) >= 12
    for row in before:
        incident, seq = row[:2]
        column = chance.randrange(2, len(columns))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                f"UPDATE event SET {columns[column]} = ? WHERE incident = ? AND seq = ?",
                (changed(row[column], chance), incident, seq),
            )
        lines = await verified(path)
        assert len(lines) == 1, (row, columns[column])
        assert lines[0].startswith(f"incident {incident}: event {seq} ")
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                f"UPDATE event SET {columns[column]} = ? WHERE incident = ? AND seq = ?",
                (row[column], incident, seq),
            )
    assert await verified(path) == []


@pytest.mark.parametrize("seq", [1, 2, 4])
async def test_one_removed_event_is_named(store: Store, seq: int) -> None:
    await record(store.where)
    gone = f"DELETE FROM event WHERE incident = 'L20260105-0002' AND seq = {seq} RETURNING seq"
    assert store.sql(gone) == [(seq,)]
    assert await verified(store.where) == [f"incident L20260105-0002: event {seq} is missing"]


async def test_whole_removed_incident_is_named(store: Store) -> None:
    await record(store.where)
    store.sql("DELETE FROM event WHERE incident = 'L20260105-0002'")
    store.sql("DELETE FROM incident WHERE key = 'L20260105-0002'")
    assert await verified(store.where) == ["incident L20260105-0002: event 1 is missing"]


def everything_under(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_purged_texts_are_gone_from_the_files_and_the_chain_holds(tmp_path: Path) -> None:
    path, clock = tmp_path / "c.db", StoryClock()
    await record(path)
    async with Cases(path, clock) as cases:
        digest = digest_of("王家 302")
        assert await cases.texts([digest]) == {digest: "王家 302"}
        now = cases.last_arrival
        assert await cases.retain(now, texts_kept=500) == (0, 0)
        assert await cases.retain(now, texts_kept=200) == (1, 0)
        assert await cases.texts([digest]) == {}
        assert await cases.verify() == []
        assert "王家 302".encode() not in everything_under(tmp_path)


async def closed_after(house: House, clock: StoryClock, numbers: Iterable[int]) -> None:
    """Ten incidents of one day; those of ``numbers`` are closed, and then it is an hour later."""
    for number in range(10):
        await house.take(alarmed(same=f"device:{number}"))
    for number in numbers:
        await house.act(f"L20260105-{number:04}", "receive", comment=f"秘密 {number}")
        await house.act(f"L20260105-{number:04}", "close", outcome="test")
    await clock.advance(3_600)


async def keys(house: House) -> list[int]:
    return sorted(int(each.key[-4:]) for each in await house.cases.incidents(False, 100))


async def test_old_closed_incidents_go_and_every_other_chain_holds(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases_module, "_REMOVED_AT_ONCE", 2)
    clock, phone = StoryClock(), Phone()
    async with living(store.where, clock, {"phone": phone}) as house:
        await closed_after(house, clock, [1, 2, 3, 4, 5, 7, 8])
        assert await house.cases.retain(house.now) == (0, 0)
        assert await house.cases.retain(house.now, kept=3_601) == (0, 0)
        assert await house.cases.retain(house.now, kept=3_599) == (7, 5)
        assert await keys(house) == [6, 7, 8, 9, 10]  # 6 is open: what follows it waits
        assert await house.cases.verify() == []
        assert await house.cases.events("L20260105-0005") == []
        assert await house.cases.outbox("L20260105-0005") == []
        await house.act("L20260105-0006", "receive")
        await house.act("L20260105-0006", "close", outcome="test")
        await clock.advance(3_600)
        assert (await house.cases.retain(house.now, kept=3_599)).incidents == 3
        assert await keys(house) == [9, 10]
        assert await house.cases.verify() == []
    assert "秘密".encode() not in everything_under(tmp_path)
    store.sql("DELETE FROM event WHERE incident = 'L20260105-0009'")
    store.sql("DELETE FROM incident WHERE key = 'L20260105-0009'")
    assert await verified(store.where) == ["incident L20260105-0009: event 1 is missing"]


async def test_number_of_a_removed_incident_is_not_given_again(store: Store) -> None:
    clock = StoryClock()
    async with living(store.where, clock, {}) as house:
        await closed_after(house, clock, range(1, 11))
        assert (await house.cases.retain(house.now, kept=60)).incidents == 10
        if isinstance(store.where, Path):  # the file is as small as its content
            with closing(sqlite3.connect(store.where)) as connection:
                assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
    # a clock without a battery: the day comes again
    async with living(store.where, clock, {}) as house:
        await house.take(alarmed())
        assert await keys(house) == [11]
        assert await house.cases.verify() == []


async def test_incident_stays_while_a_message_about_it_waits(store: Store) -> None:
    clock, phone = StoryClock(), Phone()
    async with living(store.where, clock, {"phone": phone}) as house:
        await house.take(alarmed())
        await clock.settle()
        phone.always = Unavailable("away")
        await house.act("L20260105-0001", "receive", "li")
        await house.act("L20260105-0001", "close", "li", outcome="test")
        await clock.advance(3_600)
        assert (await house.cases.retain(house.now, kept=60)).incidents == 0
        phone.always = None
        await clock.advance(300)
        assert (await house.cases.retain(house.now, kept=60)).incidents == 1


async def test_wall_clock_years_ahead_makes_nothing_old(store: Store) -> None:
    clock = StoryClock()
    async with living(store.where, clock, {}) as house:
        await closed_after(house, clock, [1])
        clock.jump(10 * 365 * 86_400)
        await clock.advance(60)
        await house.take(alarmed(same="another"))
        assert await house.cases.retain(house.now) == (0, 0)
        assert await house.cases.retain(house.now, kept=3_700) == (0, 0)


async def test_file_damaged_at_run_time_is_one_line_and_the_teller_lives(tmp_path: Path) -> None:
    path, clock, phone = tmp_path / "c.db", StoryClock(), Phone()
    async with WatchedCases(path, clock) as cases:
        clock.cases = cases
        house = House(cases, clock, {"phone": phone}, site())
        telling = asyncio.create_task(house.teller.run())
        phone.always = Unavailable("away")
        for number in range(300):
            await house.take(alarmed(same=f"device:{number}"))
        await clock.settle()
        assert cases.failing == ""
        path.write_bytes(bytes(path.stat().st_size))
        with pytest.raises(Unavailable) as caught:
            await cases.incidents(False, 1_000)
        # Which of the two SQLite says depends on the page that it looks at first.
        line = re.compile(
            re.escape(str(path)) + ": (database disk image is malformed|file is not a database);"
            " start again: "
        )
        assert line.match(str(caught.value))
        assert "\n" not in str(caught.value)
        with pytest.raises(Unavailable):
            await cases.verify()
        with contextlib.suppress(Unavailable):
            await cases.next_timer()
        assert line.match(cases.failing)  # also when a sound page was asked for since
        await clock.advance(300)
        assert not telling.done()
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        clock.cases = None


async def test_store_that_can_not_be_opened_says_why_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "c.db").mkdir()
    with pytest.raises(Unavailable, match=r"c\.db: unable to open database file; the folder must"):
        async with Cases(tmp_path / "c.db", StoryClock()):
            pass


async def test_store_refuses_a_second_open_incident_of_one_place(store: Store) -> None:
    clock = StoryClock()
    async with living(store.where, clock, {}) as house:
        await house.take(alarmed())
    columns = '"group", same, category, state, opened_at, body'
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.UniqueViolation)):
        store.sql(f"INSERT INTO incident (key, {columns}) SELECT 'X', {columns} FROM incident")


async def test_waiting_rows_and_open_incidents_are_found_by_their_index(tmp_path: Path) -> None:
    asked: list[str] = []
    async with Cases(tmp_path / "c.db", StoryClock()) as cases:
        engine = cases._reader._engine
        assert engine is not None

        @event.listens_for(engine, "before_cursor_execute")
        def note(_connection, _cursor, statement, *_rest) -> None:
            asked.append(statement)

        await cases.due_rows(1, 10)
        await cases.next_due(1)
        await cases.open_incident("a", "b")
        await cases.due_timers(1, 10)
        await cases.next_timer()
        await cases.last_number("L20260105")
        await cases.retain(1)
    with closing(sqlite3.connect(tmp_path / "c.db")) as connection:
        for statement in asked:
            plan = connection.execute(
                f"EXPLAIN QUERY PLAN {statement}", [1] * statement.count("?")
            ).fetchall()
            for step in plan:
                assert "SCAN" not in step[3] or "USING COVERING INDEX" in step[3], statement
    assert len(asked) == 8


async def test_rules_state_is_the_same_before_and_after_its_steps_are_folded(
    store: Store,
) -> None:
    chance = random.Random(4)
    expected: dict[str, bytes] = {}
    async with Cases(store.where, StoryClock()) as cases:
        for n in range(80):
            changed = {
                f"device:{chance.randrange(12)}": chance.choice([None, b"%d" % n]) for _ in range(4)
            }
            await cases.commit(Step(arrival=n, bookmark=Position("j", n), state=changed))
            expected |= {key: body for key, body in changed.items() if body is not None}
            for key, body in changed.items():
                if body is None:
                    expected.pop(key, None)
            assert await cases.rules_start() == (Position("j", n), expected)
    async with Cases(store.where, StoryClock()) as cases:
        assert await cases.rules_start() == (Position("j", 79), expected)


async def test_check_ins_are_kept_once(store: Store) -> None:
    checkin = CheckIn("gate", "chen", 1_767_600_000_000_000_000, 5, True, 12.25)
    async with Cases(store.where, StoryClock()) as cases:
        for _ in range(2):
            await cases.write(patrol.add, checkin)
        assert await cases.read(patrol.between, 0, 2 * checkin.wall, 10) == [checkin]
        for points, found in ((["gate", "x"], [checkin]), (["x"], []), ([], [])):
            assert await cases.read(patrol.between, 0, 2 * checkin.wall, 10, points) == found
        await cases.write(patrol.put_judged, 1)
        await cases.write(patrol.put_judged, checkin.wall)
        assert await cases.read(patrol.judged) == checkin.wall
        assert await cases.write(patrol.forget, 6) == 1
