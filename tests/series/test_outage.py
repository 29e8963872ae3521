"""A database that is away, full, slow, picky or killed: nothing lost, nothing doubled, bounded."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.model import SECOND
from gateway.model.series import Point
from gateway.series.stream import Samples
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.sink import Sink
from gateway.store import series
from gateway.store.databases import SqliteFile
from gateway.supervise import Health, keep_running
from tests.cases.build import alarmed, cleared
from tests.cases.house import StoryClock
from tests.influxdb import Database
from tests.series.house import Told, Watched, afterwards, watched

DAY = 86_400.0
_WITHIN = 30.0


class Fed(Watched):
    """A house whose record goes to a real database, supervised as the program does it."""

    sink: Sink

    def resume(self) -> None:
        self.health = Health("sink influx series", self.stream.proof)
        running = keep_running(self.stream.run, self.clock, self.health, lambda _health: None)
        self.task = asyncio.create_task(running)

    async def all_sent(self, clock: StoryClock) -> list[Told]:
        """Until the sink has everything; what the record says it must have."""
        last = await self.cases.read(series.last)
        async with asyncio.timeout(_WITHIN):
            while True:
                await clock.advance(6)
                mark = await self.cases.read(series.bookmark, "influx")
                if mark is not None and mark.n >= last and self.health.up:
                    break
                await asyncio.sleep(0.01)
        found = await afterwards(self.cases, 0, 0)
        return [each for each in found if each[0] != "cases"]


@contextlib.asynccontextmanager
async def fed(
    tmp_path: Path, given: Mapping[str, Any], **more: Any
) -> AsyncIterator[tuple[Fed, StoryClock]]:
    clock = StoryClock()
    options = Options.model_validate({**given, **more})
    store = SqliteFile(tmp_path / "cases.db")
    async with (
        Sink("influx", options, clock) as sink,
        watched(store, clock, sink, kind=Fed) as house,
    ):
        assert isinstance(house, Fed)
        house.sink = sink
        yield house, clock


async def days(house: Watched, clock: StoryClock, count: int, each: float = DAY) -> None:
    """Every day an alarm that is received, and the one of yesterday closed."""
    for day in range(count):
        await house.take(alarmed(f"s{day % 3 + 1}", same=f"device:{day}", at=clock.wall))
        key = (await house.one()).key
        await house.act(key, "receive")
        if each > 600:
            clock._move_to(clock.mono + int((each - 600) * SECOND))  # whoever slept wakes late
        await clock.advance(min(each, 600))
        await house.take(cleared(f"s{day % 3 + 1}", same=f"device:{day}"))
        await house.act(key, "close", outcome="real")


def over_there(database: Database, measurement: str) -> list[tuple[Any, ...]]:
    """Time, key and n of every point."""
    points = database.points(measurement)
    return sorted((each["time"], each["key"], each["n"]) for each in points)


def agree(database: Database, wanted: list[Told]) -> None:
    for measurement in ("incident", "stage", "closing", "message"):
        of = [(at, dict(fields)) for name, _, at, fields in wanted if name == measurement]
        expected = sorted((at, fields["key"], fields["n"]) for at, fields in of)
        assert over_there(database, measurement) == expected, measurement
        assert expected


async def test_away_for_a_week_and_everything_is_there_once(
    tmp_path: Path, database: Database
) -> None:
    async with fed(tmp_path, database.options) as (house, clock):
        await days(house, clock, 1, 60)
        agree(database, await house.all_sent(clock))
        database.server.kill()
        await days(house, clock, 7)
        assert not house.health.up
        assert "can not be reached" in house.health.reason
        assert house.stream.account()["waiting"] < 3_000  # the rest waits on disk
        database.server.start()
        await clock.advance(120)
        agree(database, await house.all_sent(clock))
        # the gauge of the time away comes from the record: every five minutes of every day
        away = database.query(
            "SELECT count(open) FROM cases WHERE time > '2026-01-06T00:00:00Z' AND"
            " time < '2026-01-11T00:00:00Z' GROUP BY time(1d)"
        )
        assert all(row[1] >= 288 for row in away[0]["values"])
        # the list of open cases does not: it is about the present
        (listed,) = database.query(
            "SELECT count(title) FROM open_case WHERE time > '2026-01-06T00:00:00Z' AND"
            " time < '2026-01-11T00:00:00Z'"
        ) or [{"values": [[0, 0]]}]
        assert listed["values"][0][1] < 100


async def test_killed_in_the_middle_of_a_batch_and_started_again(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fed(tmp_path, database.options, batch=5) as (house, clock):
        requests = 0
        send = house.sink._send

        async def counted(body: bytes) -> Any:
            nonlocal requests
            requests += 1
            if requests % 7 == 0 and database.server.running:
                database.server.kill()
            return await send(body)

        monkeypatch.setattr(house.sink, "_send", counted)
        for _ in range(4):
            await days(house, clock, 5, 60)
            while database.server.running:
                await clock.advance(10)
            database.server.start()
            await clock.advance(70)
        monkeypatch.undo()
        database.server.start()
        await clock.advance(70)
        agree(database, await house.all_sent(clock))
        assert house.health.falls >= 4


async def test_gateway_that_stops_in_the_middle_of_a_batch_goes_on_there(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fed(tmp_path, database.options, batch=5) as (house, clock):
        send = house.sink._send
        sent = 0

        async def counted(body: bytes) -> Any:
            nonlocal sent
            sent += 1
            return await send(body)

        monkeypatch.setattr(house.sink, "_send", counted)
        for stop in range(1, 30, 4):
            await house.end()
            await days(house, clock, 2, 60)
            sent = 0
            house.begin(house.sink)
            async with asyncio.timeout(_WITHIN):
                while sent < stop and house.stream.account()["waiting"] + sent < 100:
                    await clock.advance(6 if sent else 0.1)
                    await asyncio.sleep(0)
                    if sent and not house.stream.account()["waiting"]:
                        break
        monkeypatch.undo()
        agree(database, await house.all_sent(clock))


async def test_hung_server_costs_patience_and_nothing_else(
    tmp_path: Path, database: Database
) -> None:
    async with fed(tmp_path, database.options, timeout="300ms") as (house, clock):
        await days(house, clock, 2, 60)
        database.server.pause()
        await days(house, clock, 3, 60)
        async with asyncio.timeout(_WITHIN):
            while house.health.up:
                await clock.advance(1)
                await asyncio.sleep(0.02)
        database.server.resume()
        await clock.advance(120)
        agree(database, await house.all_sent(clock))


async def test_one_poisoned_series_stops_no_other(tmp_path: Path, database: Database) -> None:
    other = Point("closing", {"device": "x"}, {"false": "no"}, 1_767_600_000 * SECOND)
    async with fed(tmp_path, database.options) as (house, clock):
        await house.sink.write_points([other])
        await days(house, clock, 5, 600)
        wanted = await house.all_sent(clock)
        assert len(house.set_aside) == 5
        assert all("field type conflict" in row.reason for row in house.set_aside)
        assert len(over_there(database, "incident")) == sum(
            each[0] == "incident" for each in wanted
        )
        assert len(over_there(database, "stage")) == sum(each[0] == "stage" for each in wanted)
        assert house.health.falls == 0


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, '{"error":"write /data/wal/_00001.wal: no space left on device"}'), (503, "busy")],
)
async def test_full_server_is_waited_for(tmp_path: Path, status: int, body: str) -> None:
    lines: list[str] = []
    full = True

    async def write(request: web.Request) -> web.Response:
        if full:
            return web.Response(status=status, text=body)
        lines.extend((await request.read()).decode().split("\n"))
        return web.Response(status=204)

    application = web.Application(client_max_size=20_000_000)
    application.router.add_post("/write", write)
    async with TestServer(application) as server:
        url = str(server.make_url("/")).rstrip("/")
        async with fed(tmp_path, {"url": url, "database": "grid"}, gzip=0) as (house, clock):
            await days(house, clock, 3, 600)
            assert not house.health.up
            full = False
            await clock.advance(120)
            wanted = await house.all_sent(clock)
    found = [line for line in lines if line.startswith("incident")]
    assert len(found) == len(set(found)) == sum(each[0] == "incident" for each in wanted)


def test_samples_are_bounded_and_the_loss_is_counted() -> None:
    samples = Samples(100)
    points = [Point("ledger", {"reader": "door"}, {"stored": 1.0}, at) for at in range(250)]
    for start in range(0, 250, 50):
        samples.add(points[start : start + 50])
    assert (len(samples), samples.dropped) == (100, 150)
    assert [point.at for point in samples.take(1_000)] == list(range(150, 250))
    assert len(Samples()) == 0
