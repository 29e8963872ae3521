"""The record as points: each event once, at its own time, the same live and afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import SECOND, IncidentEvent, TellingLimits
from gateway.model.series import SERIES, SERIES_FIELDS, Point
from gateway.series.gauges import NEVER
from gateway.series.story import Story
from gateway.store import schema, series
from gateway.store.databases import SqliteFile
from gateway.store.series import Happening
from tests.cases.build import alarmed, cleared, device, site
from tests.cases.house import StoryClock
from tests.cases.store import Store
from tests.series.house import Kept, Watched, afterwards, told, watched
from tests.series.made import kept, points_of, record_of
from tests.virtual import START


async def a_false_alarm(house: Watched, clock: StoryClock) -> str:
    """Received after 70 s, handled 100 s too late, closed 30 s later."""
    await house.take(alarmed())
    await clock.advance(70)
    key = (await house.one()).key
    await house.act(key, "receive")
    await clock.advance(400)
    await house.act(key, "handle")
    await clock.advance(30)
    await house.take(cleared())
    await house.act(key, "close", outcome="false_alarm", cause="cooking")
    await clock.advance(60)
    return key


async def test_a_case_from_alarm_to_close_is_these_points(store: Store) -> None:
    clock, kept = StoryClock(), Kept()
    async with watched(store.where, clock, kept) as house:
        key = await a_false_alarm(house, clock)
    whats = [each["what"] for each in kept.of("incident")]
    assert whats == [
        "opened", "received", "overdue", "escalated", "handling", "cleared", "closed",
    ]  # fmt: skip
    opened = kept.of("incident", what="opened")[0]
    assert opened["at"] // 1_000_000 == (START + SECOND // 10) // 1_000_000
    assert (opened["key"], opened["device"], opened["by"]) == (key, "s1", "rule:smoke_alarm")
    stages = [(each["stage"], each["seconds"], each["on_time"]) for each in kept.of("stage")]
    assert stages == [("receive", 70.0, True), ("handle", 400.0, False), ("close", 30.0, True)]
    (closing,) = kept.of("closing")
    assert (closing["seconds"], closing["to_receive"], closing["false"]) == (500.0, 70.0, 1.0)
    assert (closing["outcome"], closing["cause"], closing["device"]) == (
        "false_alarm", "cooking", "s1",
    )  # fmt: skip
    assert {each["end"] for each in kept.of("message")} == {"told"}
    overdue = [each["overdue"] for each in kept.of("cases", stage="handle")]
    assert overdue == [0.0, 0.0, 1.0, 0.0]  # begun, five minutes sharp, missed, moved on
    assert kept.of("open_case", slot="00")[-1]["key"] == ""
    last = {tuple(dict(key[1]).items()): fields for key, fields in kept.points.items()
            if key[0] == "cases"}  # fmt: skip
    assert all(fields["open"] == 0.0 for fields in last.values())


async def test_every_tag_and_field_is_in_the_agreed_lists(store: Store) -> None:
    clock, kept = StoryClock(), Kept()
    async with watched(store.where, clock, kept) as house:
        await a_false_alarm(house, clock)
    for (measurement, tags, _), fields in kept.points.items():
        assert set(dict(tags)) <= set(SERIES[measurement]), measurement
        assert set(fields) <= SERIES_FIELDS, measurement
        assert not set(fields) & set(dict(tags)), measurement


async def test_afterwards_from_any_number_on_the_points_are_the_same(store: Store) -> None:
    clock, kept = StoryClock(), Kept()
    async with watched(store.where, clock, kept) as house:
        await a_false_alarm(house, clock)
        key = (await house.one()).key
        await house.act(key, "reopen", comment="again")
        await house.take(alarmed("s2", same="device:s2"), alarmed("s3", same="device:s3"))
        await clock.advance(20)
        await house.act(key, "transfer", comment="yours", to="li")
        await house.act(key, "receive", "li")
        await house.act(key, "close", "li", outcome="real")
        await clock.advance(400)
        until = clock.wall
        everything = await afterwards(house.cases, 0, until)
        live = {
            (measurement, tags, at)
            for measurement, tags, at in kept.points
            if measurement != "open_case"
        }
        assert live <= {each[:3] for each in everything}
        for name, tags, at, fields in everything:
            if (name, tags, at) in live:
                assert tuple(sorted(kept.points[name, tags, at].items())) == fields
        events = [each for each in everything if each[0] != "cases"]
        newest = {each[:2]: each[3] for each in everything if each[0] == "cases"}
        for n in range(0, await house.cases.read(series.last) + 1, 2):
            later = await afterwards(house.cases, n, until, 3 if n % 4 else 200)
            tail = [each for each in later if each[0] != "cases"]
            assert tail == events[len(events) - len(tail) :]
            counted = {each[:2]: each[3] for each in later if each[0] == "cases"}
            assert counted.items() <= newest.items()


async def test_eight_hundred_alarms_at_one_moment_are_eight_hundred_points(store: Store) -> None:
    clock, kept = StoryClock(), Kept()
    many = [device(f"d{n}") for n in range(800)]
    async with watched(store.where, clock, kept, limits=TellingLimits(first=3)) as house:
        house.site = site(*many)
        for start in range(0, 800, 100):
            part = many[start : start + 100]
            await house.take(*(alarmed(each.id, same=f"device:{each.id}") for each in part))
        await clock.advance(5)
        assert len(kept.of("incident", what="opened")) == 800
        assert kept.of("cases", stage="receive")[-1]["open"] == 800.0
        # a point a second of the gauge, not one for each alarm
        assert len(kept.of("cases")) <= 3
        assert len(kept.of("open_case")) <= 3 * 40
        assert kept.of("storm")[-1]["merged"] > 700
        await clock.advance(60)
        assert kept.of("storm")[-1]["merged"] == 0.0
        assert len(kept.of("message", end="merged")) > 700


async def test_a_transfer_by_a_person_begins_the_clock_of_receiving_anew(store: Store) -> None:
    clock, kept = StoryClock(), Kept()
    async with watched(store.where, clock, kept) as house:
        await house.take(alarmed())
        await clock.advance(310)  # zhang misses it; li has it by the ladder
        key = (await house.one()).key
        await house.act(key, "receive", "li")
        await house.act(key, "transfer", "li", comment="not mine", to="zhang")
        await clock.advance(50)
        await house.act(key, "receive", "zhang")
        await house.act(key, "close", "zhang", outcome="real")
        await clock.advance(3)
    stages = [
        (each["stage"], each["person"], each["seconds"], each["on_time"])
        for each in kept.of("stage")
    ]
    assert stages == [
        ("receive", "zhang", 310.0, False),  # whose limit it was, not who helped out
        ("receive", "zhang", 50.0, True),
        ("close", "zhang", 0.0, True),  # closed straight after receiving
    ]
    assert kept.of("closing")[0]["transfers"] == 1.0


async def test_numbers_of_an_earlier_version_follow_what_was_first(tmp_path: Path) -> None:
    path = tmp_path / "cases.db"
    clock, kept = StoryClock(), Kept()
    async with watched(SqliteFile(path), clock, kept) as house:
        await a_false_alarm(house, clock)
        events = [each for each in await afterwards(house.cases, 0, 0) if each[0] != "cases"]
    number = max(n for n, text in schema.files("cases") if "commit_order" in text)
    with closing(sqlite3.connect(path)) as connection, connection:
        later = ("commit_order", "series_bookmark", "battery_past", "patrol_point", "patrol_links")
        for table in later:
            connection.execute(f"DROP TABLE {table}")
        connection.execute(f"PRAGMA user_version = {number - 1}")
    async with watched(SqliteFile(path), clock, Kept()) as house:
        again = [each for each in await afterwards(house.cases, 0, 0) if each[0] != "cases"]

    def plain(points: list) -> list:  # type: ignore[type-arg]
        """The order among ends of messages is not known any more."""
        return sorted((name, tags, at // 1_000_000, fields) for name, tags, at, fields in points)

    assert plain(again) == plain(events)
    assert [each[0] for each in again if each[0] == "incident"] == ["incident"] * 7


async def test_numbers_are_never_given_twice(store: Store) -> None:
    clock, kept = StoryClock(), Kept()
    async with watched(store.where, clock, kept) as house:
        await a_false_alarm(house, clock)
        before = await house.cases.read(series.last)
    store.sql("DELETE FROM commit_order")  # as retention of everything would
    async with watched(store.where, clock, kept) as house:
        await house.take(alarmed("s2", same="device:s2"))
        await clock.advance(3)
        assert await house.cases.read(series.last) > before
        assert len(kept.of("incident", what="opened")) == 2


@pytest.mark.parametrize("clean", [True, False])
async def test_a_restart_loses_and_doubles_nothing(store: Store, clean: bool) -> None:
    clock, kept = StoryClock(), Kept()
    async with watched(store.where, clock, kept) as house:
        await house.take(alarmed())
        await clock.advance(6)
        await house.end()
        await house.take(alarmed("s2", same="device:s2"))
        key = (await house.one()).key
        await house.act(key, "receive")
        house.begin(kept)
        await clock.advance(3 if not clean else 10)
    async with watched(store.where, clock, kept) as house:
        await house.act(key, "close", outcome="test")
        await clock.advance(3)
        everything = await afterwards(house.cases, 0, 0)
    keys = {each[:3] for each in everything if each[0] not in ("cases", "open_case")}
    assert {key for key in kept.points if key[0] not in ("cases", "open_case")} == keys


async def test_poison_is_set_aside_and_its_neighbours_arrive(store: Store) -> None:
    clock, kept = StoryClock(), Kept()
    kept.poison = "stage"
    async with watched(store.where, clock, kept) as house:
        await a_false_alarm(house, clock)
        assert len(house.set_aside) == 3
        assert house.set_aside[0].source == "series influx"
        assert house.set_aside[0].reason == "poison"
        assert b"stage" in house.set_aside[0].raw
        assert len(kept.of("incident")) == 7
        assert house.stream.account()["dropped"] == {"refused": 3}


async def test_a_clock_that_nobody_believed_is_put_right_by_what_was_known(store: Store) -> None:
    clock, kept = StoryClock(), Kept()
    async with watched(store.where, clock, kept) as house:
        await house.take(alarmed())
        await clock.advance(10)
        clock.trusted = False
        clock.jump(-1_000_000)
        await house.take(alarmed("s2", same="device:s2"))
        await clock.advance(10)
        clock.jump(1_000_000)
        clock.trusted = True
        await clock.advance(10)
    first, second = kept.of("incident", what="opened")
    assert "clock_suspect" not in first
    assert second["clock_suspect"] is True
    assert second["at"] // SECOND - first["at"] // SECOND == 10


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from("arhtcso"), max_size=12),
    st.sets(st.integers(1, 13), max_size=4),
    st.sampled_from([0.3, 0.7, 1.0, 40.0, 400.0]),
)
def test_a_restart_anywhere_leaves_the_same_in_the_database(
    verbs: list[str], restarts: set[int], apart: float
) -> None:
    """Gauges included: what became empty is written as empty, and no past is written over."""
    record = record_of(verbs, apart)
    assert kept(record, restarts) == kept(record, ())


@settings(max_examples=30)
@given(st.lists(st.sampled_from("arhtcso"), max_size=12), st.integers(0, 40))
def test_points_do_not_depend_on_how_the_record_is_cut(verbs: list[str], page: int) -> None:
    """See ``test_afterwards_from_any_number_on_the_points_are_the_same`` for the store's half."""
    record = record_of(verbs)
    assert told(points_of(record, page)) == told(points_of(record, 1_000))


def test_cases_beyond_the_bound_have_points_and_no_gauge() -> None:
    record = record_of(["a", "r", "r"])
    chains: dict[str, list[IncidentEvent]] = {}
    story = Story(0, site, listed_from=NEVER, most_open=1)
    found: list[Point] = []
    for n, event in enumerate(record, 1):
        found += story.take(Happening(n, event))
        chains.setdefault(event.incident, []).append(event)
    found += story.upto(record[-1].wall + 10 * SECOND)
    assert sum(point.measurement == "incident" for point in found) == len(record)
    assert max(each.fields["open"] for each in found if each.measurement == "cases") == 1.0
    assert len(chains) == 2
