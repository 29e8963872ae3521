"""A broker or a database that is not there: nothing acknowledged is lost, and one line says so."""

from __future__ import annotations

from itertools import pairwise

from gateway.model import SECOND
from tests.servers import InfluxDB, Mosquitto
from tests.stories.clock import HOUR, Jumpable
from tests.stories.gate import Gate
from tests.stories.house import House, clear
from tests.stories.reports import Reports

DURABLE = "autosave_interval 1\nautosave_on_changes true\n"
"""Mosquitto saves sessions and queues at each change: what a power cut needs."""


async def test_broker_gone_at_start_is_said_once_and_waited_for(
    built: House, clock: Jumpable
) -> None:
    with Mosquitto() as broker:
        broker.kill()
        built.write(mqtt=broker.port)
        await built.start()
        await built.until(lambda: built.said("task_fell"))
        await clock.forward(10 * 60)  # the rule waits 30 s: a restart is no incident
        down = await built.task("driver site")
        assert not down["up"]
        assert down["reason"] == f"no broker at 127.0.0.1:{broker.port}: Connection refused"
        assert len(built.said("task_fell", reason=down["reason"])) == 2  # once for each driver
        (incident,) = await built.incidents("driver_down", "gateway/driver:site")
        message = await built.told("opened", "gateway/driver:site")
        assert clear(message["title"])
        broker.start()
        await clock.forward(60)
        await built.connected()
        async with Reports(broker.port, built, clock) as sensors:
            await sensors.report("s301", alarm=True)
            await built.told("opened", "s301")
        await clock.forward(30)  # well for long enough: back
        await built.told("cleared", "gateway/driver:site")
        assert (await built.task("driver site"))["up"]
        assert (await built.get(f"incidents/{incident['key']}"))["cleared"]
        await built.all_there()
        await built.stop()


async def test_broker_killed_keeps_our_session_and_what_came_before_we_were_back(
    built: House, clock: Jumpable, influxdb: InfluxDB
) -> None:
    with Mosquitto(DURABLE) as broker:
        built.write(mqtt=broker.port, influx=influxdb.url)
        await built.start()
        await built.connected()
        async with Reports(broker.port, built, clock) as sensors:
            await sensors.report("climate1", temperature=1)
            await built.has("climate1", 1)
        broker.kill()
        await built.until(lambda: len(built.said("task_fell")) == 2)
        reason = built.said("task_fell")[0]["reason"]
        assert reason.startswith(f"the broker at 127.0.0.1:{broker.port} ")
        broker.start()
        async with Reports(broker.port, built, clock, "second", after=1) as second:
            for number in range(2, 52):
                await second.report("climate1", temperature=number)
            await second.report("s301", alarm=True)
        assert len(await built.readings("climate1")) == 1  # nobody has read them yet
        await clock.forward(70)
        await built.told("opened", "s301")
        assert len(built.said("session_is_new")) == 2  # at the first start; it was kept since
        await built.all_there()
        await built.delivered()
        assert influxdb.count("yunhe", "climate", "temperature") == 51
        await built.stop()


async def test_readings_of_a_second_client_arrive_though_we_were_stopped(
    built: House, clock: Jumpable, mosquitto: Mosquitto
) -> None:
    built.write(mqtt=mosquitto.port)
    await built.start()
    await built.connected()
    await built.stop()
    async with Reports(mosquitto.port, built, clock) as sensors:
        for number in range(20):
            await sensors.report("climate1", temperature=number)
        await sensors.report("s301", alarm=True)
    await built.start()
    await built.told("opened", "s301")
    await built.all_there()
    assert not built.said("session_is_new")


async def test_database_gone_at_start_and_for_an_hour_costs_nothing_but_backlog(
    built: House, clock: Jumpable, mosquitto: Mosquitto, influxdb: InfluxDB
) -> None:
    influxdb.kill()
    built.write(mqtt=mosquitto.port, influx=influxdb.url)
    await built.start()
    await built.connected()
    async with Reports(mosquitto.port, built, clock) as sensors:
        for minute in range(60):
            for device in ("climate1", "s302"):
                await sensors.report(device, temperature=minute / 2)
            await clock.forward(HOUR / 60)
        await sensors.report("s301", alarm=True)
        await built.told("opened", "s301")  # people are told without it
        await built.all_there()
    ledger = await built.ledger()
    assert ledger["readers"]["influx"]["waiting"] > 120
    assert ledger["readers"]["influx"]["delivered"] == 0
    down = await built.task("sink influx rest")
    assert not down["up"]
    assert "can not be reached" in down["reason"]
    assert clear(down["reason"])
    message = await built.told("opened", "gateway/sink:influx")
    assert message["category"] == "system"
    falls = built.said("task_fell", reason=down["reason"])
    assert len(falls) <= 3  # once for each lane, once for the record
    influxdb.start()
    await clock.forward(120)
    await built.delivered()
    points = influxdb.points("yunhe", "climate")
    assert [point["temperature"] for point in points] == [minute / 2 for minute in range(60)]
    gaps = [(b["time"] - a["time"]) / SECOND for a, b in pairwise(points)]
    assert all(59 < gap < 70 for gap in gaps), gaps  # each at its own time
    assert influxdb.count("yunhe", "smoke", "temperature") == 60
    assert influxdb.count("yunhe", "smoke", "alarm") == 1
    assert (await built.ledger())["readers"]["influx"]["dropped"].keys() <= {"not_a_reading"}
    await clock.forward(30)
    await built.told("cleared", "gateway/sink:influx")


async def test_database_that_goes_and_comes_back_gets_every_point_once(
    house: House, sensors: Reports, clock: Jumpable, influxdb: InfluxDB
) -> None:
    sent = 0
    for _ in range(3):
        for _ in range(20):
            sent += 1
            await sensors.report("climate1", temperature=sent)
        await house.has("climate1", sent)
        influxdb.kill()
        await clock.forward(10)
        for _ in range(20):
            sent += 1
            await sensors.report("climate1", temperature=sent)
        await clock.forward(60)
        influxdb.start()
        await clock.forward(70)
    await house.delivered()
    points = influxdb.points("yunhe", "climate")
    assert [point["temperature"] for point in points] == list(range(1, sent + 1))


async def test_alarm_overtakes_the_backlog_of_telemetry(
    built: House, clock: Jumpable, mosquitto: Mosquitto, influxdb: InfluxDB
) -> None:
    async with Gate(influxdb.url) as gate:
        built.write(mqtt=mosquitto.port, influx=gate.url)
        await built.start()
        await built.connected()
        await built.has("gateway/self", 1)
        await built.delivered()
        gate.passed.clear()
        gate.open.clear()
        async with Reports(mosquitto.port, built, clock) as sensors:
            for number in range(50):
                await sensors.report("climate1", temperature=number)
            await built.all_there()
            await clock.forward(6)  # telemetry has waited for company long enough
            await built.until(lambda: gate.waiting)
            await sensors.report("s301", alarm=True)
            await built.until(lambda: gate.passed)
            assert gate.passed == [["s301"]]
            assert (await built.ledger())["readers"]["influx"]["waiting"] >= 50
            gate.open.set()
            await built.delivered()
            await built.all_there()
        assert influxdb.count("yunhe", "climate", "temperature") == 50
        await built.stop()
