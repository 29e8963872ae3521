"""A full disk, and database files overwritten with zeros."""

from __future__ import annotations

import random
import sqlite3
from functools import partial
from typing import Any

from gateway.store.journal import Journal
from tests.servers import InfluxDB, Mosquitto
from tests.stories.clock import DAY, Jumpable
from tests.stories.house import BROKEN, House, clear, zeros
from tests.stories.reports import Reports


def journal(house: House) -> Journal:
    found = house.running.view._journal  # type: ignore[attr-defined]
    assert isinstance(found, Journal)
    return found


def pages(house: House) -> int:
    with sqlite3.connect(house.data / "journal.db") as connection:
        count = int(connection.execute("PRAGMA page_count").fetchone()[0])
    connection.close()
    return count


def novel(number: int) -> dict[str, Any]:
    """Fields that no compression makes small: about 8 kB."""
    noise = random.Random(number)
    return {
        f"f{i}": "".join(chr(noise.randrange(33, 0x4FF)) for _ in range(250)) for i in range(30)
    }


async def test_full_disk_acknowledges_nothing_and_gets_everything_when_there_is_room(
    built: House, clock: Jumpable, influxdb: InfluxDB
) -> None:
    with Mosquitto() as broker:
        built.write(mqtt=broker.port, influx=influxdb.url)
        await built.start()
        await built.connected()
        async with Reports(broker.port, built, clock) as sensors:
            await sensors.report("s302", temperature=20)
            await built.has("s302", 1)
            await built.has("gateway/self", 1)
            await journal(built).limit_pages(1)  # SQLite takes it for: what there is, and no more
            for number in range(20):
                await sensors.report("climate1", temperature=number, **novel(number))
            await sensors.report("s301", alarm=True)
            reason = "the journal can not be written: database or disk is full"
            await built.until(lambda: built.said("commit_failed", reason=reason))
            await built.until(lambda: built.said("task_fell", reason=reason))
            assert not (await built.get("health"))["ok"]
            await clock.forward(120)
            # said once each time it begins; the gateway's own small readings may still fit
            times = len(built.said("commit_well_again")) + 1
            assert len(built.said("commit_failed")) <= times
            assert len(built.said("task_fell", reason=reason)) <= 2
            stored = (await built.ledger())["stored"]
            assert stored < 20
            await journal(built).limit_pages(100_000)
            await clock.forward(120)
            await built.told("opened", "s301")
            assert built.said("commit_well_again")
            await built.has("climate1", 1)
            await built.until(lambda: built.said("commit_well_again"))
            await built.delivered()
            # what the journal let go for room had been delivered, and nothing came twice
            points = influxdb.points("yunhe", "climate")
            assert [point["temperature"] for point in points] == list(range(20))
            assert (await built.get("health"))["stores"]["journal"]["ok"]
            message = await built.told("opened", "gateway/self")
            assert "磁盘已满" in message["title"]
            await built.stop()


async def test_full_disk_lets_the_oldest_go_and_takes_the_alarm(
    built: House, clock: Jumpable, mosquitto: Mosquitto, influxdb: InfluxDB
) -> None:
    influxdb.kill()
    built.write(mqtt=mosquitto.port, influx=influxdb.url)
    await built.start()
    await built.connected()
    async with Reports(mosquitto.port, built, clock) as sensors:
        for number in range(30):
            await sensors.report("climate1", temperature=number, **novel(number))
            await built.has("climate1", number + 1)
        await journal(built).limit_pages(1)
        stored = (await built.ledger())["stored"]
        for number in range(30, 45):
            await sensors.report("climate1", temperature=number, **novel(number))
            stored += 1
            await built.until(partial(_stored, built, stored))
        await sensors.report("s301", alarm=True)
        await built.told("opened", "s301")
    ledger = await built.ledger()
    lost = ledger["readers"]["influx"]["dropped"]["retention"]
    assert 0 < lost < 45
    await built.until(partial(_has_no_rest, built))
    assert built.said("disk_full")
    assert built.said("retention_overtook")
    await journal(built).limit_pages(100_000)
    influxdb.start()
    await clock.forward(120)
    ledger = await built.delivered()
    assert ledger["readers"]["influx"]["dropped"]["retention"] == lost
    count = influxdb.count("yunhe", "climate", "temperature")
    assert 45 - lost <= count < 45  # some of what was lost were the gateway's own readings
    await built.stop()


async def test_journal_of_zeros_is_put_aside_and_the_cases_go_on(
    house: House, sensors: Reports, clock: Jumpable
) -> None:
    await sensors.report("s301", alarm=True)
    await house.told("opened", "s301")
    (before,) = await house.incidents()
    await house.stop()
    zeros(house.data / "journal.db")
    house.sent.clear()  # they are in the broken file
    await house.start()
    health = await house.get("health")
    aside = health["stores"]["journal"]["put_aside"]
    assert BROKEN.fullmatch(aside)
    assert (house.data / aside).stat().st_size > 0
    assert health["stores"]["cases"]["put_aside"] == ""
    message = await house.told("opened", "gateway/store:journal")
    assert message["category"] == "system"
    assert clear(message["title"])
    assert [str(each["file"]) for each in house.said("database_put_aside")] == [
        str(house.data / "journal.db")
    ]
    (after,) = await house.incidents(device="s301")
    assert (after["key"], after["state"], after["head"]) == (
        before["key"], "open", before["head"],
    )  # fmt: skip
    await house.connected()
    # the rules remember that it is burning: their state lies with the cases
    await sensors.report("s301", alarm=False)
    await house.has("s301", 1)
    await clock.forward(40)
    await house.told("cleared", "s301")
    await clock.forward(300)
    await house.told("overdue", "s301")
    await house.act(before["key"], "receive", "chen")


async def test_cases_of_zeros_are_put_aside_and_what_still_burns_opens_again(
    house: House, sensors: Reports, clock: Jumpable
) -> None:
    await sensors.report("s301", alarm=True)
    await sensors.report("s501", alarm=True)
    await house.told("opened", "s301")
    await house.told("opened", "s501")
    await sensors.report("s501", alarm=False)  # this one is over before the accident
    await house.has("s501", 2)
    await clock.forward(60)
    await house.told("cleared", "s501")
    await sensors.report("climate1", temperature=20)  # its arrival is what is known of time
    await house.all_there()
    await house.stop()
    zeros(house.data / "cases.db")
    house.phone.messages.clear()
    await house.start()
    health = await house.get("health")
    assert BROKEN.fullmatch(health["stores"]["cases"]["put_aside"])
    assert health["stores"]["journal"]["put_aside"] == ""
    assert (await house.device("s301"))["name"] == "301室烟感"  # the registry is back
    assert not (await house.device("s301"))["unknown"]
    message = await house.told("opened", "s301")
    assert "启动时发现" in message["text"]
    assert message["person"] == "chen"
    await house.told("opened", "gateway/store:cases")
    (again,) = await house.incidents(device="s301")
    assert again["found"] == "start"
    assert await house.incidents(device="s501") == []
    await house.connected()
    await sensors.report("s302", alarm=True)  # the same building: no second incident
    await house.has("s302", 1)
    await house.until(lambda: _alarming(house, again["key"], 2))
    await house.act(again["key"], "receive", "chen")


async def test_store_that_was_put_aside_is_well_at_the_next_start(house: House) -> None:
    await house.has("gateway/store:journal", 1)
    await house.stop()
    zeros(house.data / "journal.db")
    await house.start()
    await house.told("opened", "gateway/store:journal")
    await house.stop()
    await house.start()
    await house.told("cleared", "gateway/store:journal")


async def test_wall_clock_of_another_day_does_not_stop_a_start(
    house: House, sensors: Reports, clock: Jumpable
) -> None:
    await sensors.report("s301", alarm=True)
    await house.told("opened", "s301")
    (before,) = await house.incidents()
    for days in (-14, 15):
        await house.stop()
        clock.jump(days * DAY)
        await house.start()
        (after,) = await house.incidents()
        assert before["deadline_in"] - 60 < after["deadline_in"] <= before["deadline_in"]
    await house.connected()
    await sensors.report("s301", temperature=20)
    assert [each["purpose"] for each in house.phone.messages] == ["opened"]


async def _has_no_rest(house: House) -> bool:
    return bool((await house.ledger())["readers"]["rules"]["waiting"] == 0)


async def _stored(house: House, least: int) -> bool:
    return bool((await house.ledger())["stored"] >= least)


async def _alarming(house: House, key: str, count: int) -> bool:
    return len((await house.get(f"incidents/{key}"))["alarming"]) == count
