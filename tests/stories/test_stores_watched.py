"""What the stores can not say through themselves."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from gateway.app import gateway
from gateway.config import load
from gateway.ports import Unavailable
from tests.servers import InfluxDB, Mosquitto
from tests.stories.clock import Jumpable
from tests.stories.house import House, zeros
from tests.stories.reports import Reports


async def test_a_journal_that_takes_nothing_is_told_past_the_journal(
    house: House, sensors: Reports, clock: Jumpable
) -> None:
    with closing(sqlite3.connect(house.data / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # another program holds the file
        await sensors.report("s302", temperature=20)
        await house.until(lambda: house.said("commit_failed"))
        await clock.forward(30, step=6)
        message = await house.told("opened", "gateway/store:journal")
        assert (
            message["title"] == "【系统】网关无法保存数据" or "网关无法保存数据" in message["title"]
        )
        assert "database is locked" in message["text"]
        other.execute("ROLLBACK")
    await clock.forward(90)
    await house.told("cleared", "gateway/store:journal")
    await house.has("s302", 1)


async def test_a_second_gateway_on_the_same_folder_is_refused_in_one_line(house: House) -> None:
    with pytest.raises(Unavailable) as refused:
        async with gateway(load(house.file)):
            raise AssertionError("two gateways share a folder")
    assert "another gridwarden uses this folder" in refused.value.reason
    assert "\n" not in refused.value.reason


async def test_a_journal_written_over_while_it_runs_is_noticed(
    house: House, clock: Jumpable
) -> None:
    assert not house.running.damaged.done()
    zeros(house.data / "journal.db")
    await clock.forward(12, step=6)
    await house.until(house.running.damaged.done)
    assert house.running.damaged.result() == "journal.db was written over from outside"
    house.sent.clear()  # what was in it is gone with it


async def test_unreadable_records_are_counted_and_told(
    built: House, clock: Jumpable, mosquitto: Mosquitto, influxdb: InfluxDB
) -> None:
    influxdb.kill()
    built.write(mqtt=mosquitto.port, influx=influxdb.url)
    await built.start()
    await built.connected()
    async with Reports(mosquitto.port, built, clock) as sensors:
        await sensors.report("s302", temperature=21)
        await built.has("s302", 1)
    await built.stop()
    built.sent.clear()
    with closing(sqlite3.connect(built.data / "journal.db")) as connection:
        (lost,) = connection.execute("SELECT sum(count) FROM chunk").fetchone()
        connection.execute("UPDATE chunk SET body = zeroblob(length(body))")
        connection.commit()
    await built.start()
    influxdb.start()
    await clock.forward(60)
    await built.told("opened", "gateway/store:journal")
    assert [i["rule"] for i in await built.incidents()].count("store_damaged") == 1
    ledger = await built.ledger()
    assert 0 < ledger["readers"]["influx"]["dropped"]["damaged"] <= lost
    await built.stop()
