"""The sink on real InfluxDBs, 1.6.7 and 2.x, and a real VictoriaMetrics."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.model import DeviceSeen, Reading, Record, Value
from gateway.ports import Refused, Unavailable
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.sink import Sink
from tests.conftest import MakeDatabase
from tests.influxdb import Database
from tests.servers import InfluxDB, VictoriaMetrics, free_port

AT = 1_767_225_600_000_000_000


def record(n: int, values: dict[str, Value], kind: str = "climate", device: str = "d-1") -> Record:
    item = Reading(device, kind, values, at=AT + n * 1_000_000)
    return Record(n, n, "boot", n, AT, True, item)


HOSTILE = [
    record(n, {f"extra.{text}": 1.0, text: 2.0, "zone": text}, kind=text, device=text)
    for n, text in enumerate(
        ["a b", "a,b=c", "a\\", 'q"', "#x", "_x", "\n", "火", "time", "'", "\x00"]
    )
]


def records(count: int) -> list[Record]:
    return [
        record(n, {"temperature": n / 10, "battery": 87.0}, device=f"d-{n % 7}")
        for n in range(1, count + 1)
    ]


def sink(url: str, **options: Any) -> Sink:
    version2 = {"version": 2, "org": "o", "bucket": "b"}
    wanted = version2 if options.get("version") == 2 else {"database": "site"}
    return Sink("influx", Options.model_validate({"url": url} | wanted | options), SystemClock())


def into(database: Database, **options: Any) -> Sink:
    return Sink("influx", Options.model_validate(database.options | options), SystemClock())


@pytest.fixture
def token(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "token").write_text("t0ken\n")
    return {"file": str(tmp_path / "token")}


async def refusals(to: Sink, batch: Sequence[Record]) -> dict[int, str]:
    with pytest.raises(Refused) as caught:
        await to.write(batch)
    return dict(caught.value.indices or {})


@pytest.mark.parametrize("gzip", [0, 1])
async def test_points_are_what_was_written(database: Database, gzip: int) -> None:
    hard = record(3, {"zone": 'a "b" \\ c\n', "motion": True}, "camera", "c,1 =\\x")
    async with into(database, gzip=gzip, tags={"site": "云河 1"}) as to:
        await to.write([record(1, {"temperature": 23.4, "extra.x y": -1e300}), hard])
    assert database.points("climate") == [
        {
            "time": AT + 1_000_000,
            "device": "d-1",
            "site": "云河 1",
            "temperature": 23.4,
            "extra_x y": -1e300,
        }
    ]
    assert database.points("camera") == [
        {
            "time": AT + 3_000_000,
            "device": "c,1 =＼x",
            "site": "云河 1",
            "motion": True,
            "zone": 'a "b" \\ c␊',
        }
    ]


async def test_a_large_batch_goes_in_several_requests(database: Database) -> None:
    async with into(database, batch=1_000) as to:
        await to.write(records(3_500))
    assert database.counted("climate", "temperature") == 3_500


async def test_a_batch_sent_again_does_not_double(database: Database) -> None:
    async with into(database) as to:
        await to.write(records(500))
        await to.write(records(500))
    assert database.counted("climate", "temperature") == 500


async def test_what_is_no_reading_is_done_without_being_sent(database: Database) -> None:
    announced = Record(1, 1, "boot", 1, AT, True, DeviceSeen("d", "smoke"))
    async with into(database) as to:
        await to.write([announced, record(2, {}), record(3, {"temperature": 1.0})])
        await to.write([])
    assert database.counted("climate", "temperature") == 1


async def test_a_missing_database_is_created(influxdb: InfluxDB) -> None:
    async with sink(influxdb.url, database="my site's 库") as to:
        await to.write(records(1))
    assert influxdb.databases() == ["my site's 库"]


async def test_a_missing_database_waits_for_the_operator(influxdb: InfluxDB) -> None:
    async with sink(influxdb.url, create_database=False) as to:
        with pytest.raises(Unavailable, match=r'database not found: "site".*check .*database'):
            await to.write(records(1))
        influxdb.query("CREATE DATABASE site")
        await to.write(records(1))
    assert influxdb.count("site", "climate", "temperature") == 1


async def test_a_missing_retention_policy_waits_for_the_operator(influxdb: InfluxDB) -> None:
    influxdb.query("CREATE DATABASE site")
    async with sink(influxdb.url, retention_policy="month") as to:
        with pytest.raises(Unavailable, match="retention policy not found: month"):
            await to.write(records(1))
        influxdb.query("CREATE RETENTION POLICY month ON site DURATION 0s REPLICATION 1")
        await to.write(records(1))


async def test_type_conflicts_are_refused_one_by_one_and_their_neighbours_stored(
    database: Database,
) -> None:
    async with into(database) as to:
        await to.write([record(0, {"extra.a": 1.0, "extra.b": True, "extra.c": "x"})])
        batch = records(3_000)
        batch[7] = record(8, {"extra.a": "text"})
        batch[1_500] = record(1_501, {"extra.b": 1.0, "temperature": 1.0})
        batch[2_222] = record(2_223, {"extra.c": True})
        batch[2_999] = record(3_000, {"extra.a": "again"})
        refused = await refusals(to, batch)
    assert sorted(refused) == [7, 1_500, 2_222, 2_999]
    assert 'input field "extra_b"' in refused[1_500]
    assert "already exists as type boolean" in refused[1_500]
    assert database.counted("climate", "temperature") == 2_996


async def test_a_conflict_within_one_new_batch_keeps_what_came_first(database: Database) -> None:
    async with into(database) as to:
        refused = await refusals(to, [record(1, {"extra.a": True}), record(2, {"extra.a": 2.0})])
    assert list(refused) == [1]
    assert [point["extra_a"] for point in database.points("climate")] == [True]


async def test_points_older_than_the_retention_are_refused(make_database: MakeDatabase) -> None:
    database = make_database(3_600)
    now = SystemClock().now().wall
    young = [
        Record(n, n, "b", n, 0, True, Reading("d", "climate", {"temperature": 1.0}, at=now + n))
        for n in range(100, 200)
    ]
    async with into(database) as to:
        refused = await refusals(to, [*records(40), *young])
        assert sorted(refused) == list(range(40))
        assert set(refused.values()) == {
            "partial write: points beyond retention policy dropped=40"
        } or (all("retention policy" in reason for reason in refused.values()))
        assert sorted(await refusals(to, records(40))) == list(range(40))
    assert database.counted("climate", "temperature") == 100


async def test_three_hundred_refused_of_five_thousand_are_found(
    make_database: MakeDatabase,
) -> None:
    database = make_database(3_600)
    now = SystemClock().now().wall
    values: dict[str, Value] = {"temperature": 1.0}
    old = set(random.Random(7).sample(range(5_000), 200))
    odd = set(random.Random(8).sample(sorted(set(range(5_000)) - old), 100))
    batch = [
        Record(
            n,
            n,
            "b",
            n,
            0,
            True,
            Reading(
                "d",
                "climate",
                {"temperature": "hot"} if n in odd else values,
                at=(AT if n in old else now) + n,
            ),
        )
        for n in range(5_000)
    ]
    async with into(database) as to:
        await to.write(
            [Record(9_999, 1, "b", 1, 0, True, Reading("d", "climate", values, at=now - 1))]
        )
        assert set(await refusals(to, batch)) == old | odd
    assert database.counted("climate", "temperature") == 4_701


async def test_a_body_that_is_too_large_is_halved() -> None:
    with InfluxDB("  max-body-size = 20000") as server:
        async with sink(server.url, gzip=0) as to:
            await to.write(records(1_000))
            big = record(2_000, {f"extra.{n}": "x" * 900 for n in range(40)})
            refused = await refusals(to, [*records(10), big])
        assert refused == {10: "too large"}
        assert server.count("site", "climate", "temperature") == 1_000


async def test_credentials_are_asked_for_again_after_they_were_refused(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("wrong")
    with InfluxDB("  auth-enabled = true") as server:
        server.request("/query", b"q=CREATE USER a WITH PASSWORD 'p' WITH ALL PRIVILEGES")
        async with sink(server.url, username="a", password={"file": str(secret)}) as to:
            with pytest.raises(Unavailable, match=r"refuses our credentials \(401.*check username"):
                await to.write(records(1))
            secret.write_text("p")
            await to.write(records(1))


async def test_a_missing_secret_is_one_clear_sentence(tmp_path: Path) -> None:
    missing = {"file": str(tmp_path / "none")}
    async with sink("http://127.0.0.1:1", username="a", password=missing) as to:
        with pytest.raises(Unavailable, match=r"sink influx: secret file .*none: No such file"):
            await to.write(records(1))


async def test_a_server_that_is_away_and_comes_back_loses_nothing(database: Database) -> None:
    async with into(database) as to:
        await to.write(records(100))
        database.server.kill()
        with pytest.raises(Unavailable, match="can not be reached"):
            await to.write(records(200))
        database.server.start()
        await to.write(records(200))
    assert database.counted("climate", "temperature") == 200


async def test_a_server_killed_while_writing_loses_nothing_when_sent_again(
    database: Database,
) -> None:
    batch = records(20_000)
    async with into(database, batch=500) as to:
        await to.write(records(1))
        writing = asyncio.create_task(to.write(batch))
        while database.counted("climate", "temperature") < 2_000:  # noqa: ASYNC110
            await asyncio.sleep(0)
        database.server.kill()
        with pytest.raises(Unavailable):
            await writing
        database.server.start()
        await to.write(batch)
    assert database.counted("climate", "temperature") == 20_000


async def test_a_server_that_hangs_is_unavailable_in_time(database: Database) -> None:
    async with into(database, timeout="2s") as to:
        await to.write(records(1))
        database.server.pause()
        with pytest.raises(Unavailable, match="no answer within 2 s"):
            await to.write(records(2))
        database.server.resume()
        await to.write(records(2))


async def test_check_says_who_answers(influxdb: InfluxDB, token: dict[str, str]) -> None:
    async with sink(influxdb.url) as to:
        assert await to.check() == f"InfluxDB 1.6.7~rc0 at {influxdb.url} answers"
    nobody = f"http://127.0.0.1:{free_port()}"
    for to in (sink(nobody), sink(nobody, version=2, token=token)):
        async with to:
            with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
                await to.check()


@pytest.mark.parametrize("gzip", [0, 1])
async def test_version_2_reaches_victoria_metrics(
    victoria: VictoriaMetrics, token: dict[str, str], gzip: int
) -> None:
    async with sink(victoria.url, version=2, token=token, gzip=gzip) as to:
        assert await to.check() == f"InfluxDB at {victoria.url} answers"
        await to.write([record(1, {"temperature": 23.4, "fault": True, "extra.x": 1e-7})])
        await to.write(records(2_000)[1:])
    series = {
        (row["metric"]["__name__"], row["metric"]["device"]): row
        for row in victoria.export('{device="d-1"}')
    }
    first = AT // 1_000_000 + 1
    assert series["climate_temperature", "d-1"]["values"][0] == 23.4
    assert series["climate_temperature", "d-1"]["timestamps"][0] == first
    assert series["climate_fault", "d-1"]["values"] == [1]
    assert series["climate_extra_x", "d-1"]["values"] == [1e-7]
    exported = victoria.export('{__name__="climate_temperature"}')
    assert sum(len(row["values"]) for row in exported) == 2_000


async def test_victoria_metrics_finds_no_bad_line_in_hostile_readings(
    victoria: VictoriaMetrics, token: dict[str, str]
) -> None:
    async with sink(victoria.url, version=2, token=token) as to:
        await to.write(HOSTILE)
    assert victoria.metric("vm_rows_invalid_total") == 0
    assert victoria.metric(r'vm_rows_inserted_total\{type="influx"\}') == 3 * len(HOSTILE)


async def test_influxdb_takes_hostile_readings_whole(database: Database) -> None:
    async with into(database) as to:
        await to.write(HOSTILE)
    assert len(database.measurements()) == len(HOSTILE)
