"""A broker that stops: one word about it, none about the twenty devices behind it."""

from __future__ import annotations

from collections import Counter

from tests.servers import Mosquitto
from tests.stories.clock import MINUTE, Jumpable
from tests.stories.house import DEVICES, House
from tests.stories.reports import Reports

TWENTY = [f"d{number:02}" for number in range(20)]
_DRIVER = """  site:
    type: mqtt
    port: {port}
    dialects:
      - json:
          topics:
            - topic: site/+/report
              device: "{{1}}"
              values: {{alarm: alarm, temperature: temperature, online: extra.online}}
              key: n
"""


def write(house: House, port: int) -> None:
    """A configuration with one driver and the twenty."""
    house.write(drivers=_DRIVER.format(port=port))
    head = DEVICES.splitlines()[0]
    rows = (f"{id_},site,{id_},smoke,{id_}烟感,990101010101,1,{id_[1:]},30m," for id_ in TWENTY)
    house.registry = "\n".join([head, *rows, ""])
    (house.folder / "devices.csv").write_text(house.registry, encoding="utf-8")


def heard(house: House) -> Counter[tuple[str, str]]:
    """(purpose, what it is about) of every message so far."""
    return Counter((each["purpose"], each["device"]) for each in house.phone.messages)


async def test_broker_that_is_down_for_hours_is_one_incident_and_only_who_died_is_told_after_it(
    built: House, clock: Jumpable
) -> None:
    with Mosquitto() as broker:
        write(built, broker.port)
        await built.start()
        await built.until(lambda: built.said("connected"))
        async with Reports(broker.port, built, clock) as sensors:
            for name in TWENTY:
                await sensors.report(name, temperature=20)
            await sensors.report("d07", temperature=20, online=False)  # offline counts 10 min
            await built.all_there()
        broker.stop()
        await built.until(lambda: built.said("task_fell"))
        await clock.forward(3 * 60 * MINUTE)
        await built.told("opened", "gateway/driver:site")
        assert heard(built) == {("opened", "gateway/driver:site"): 1}
        assert [each["rule"] for each in await built.incidents()] == ["driver_down"]

        broker.start()
        await clock.forward(MINUTE)
        await built.until(lambda: len(built.said("connected")) >= 2)
        await clock.forward(MINUTE)
        await built.told("cleared", "gateway/driver:site")
        async with Reports(broker.port, built, clock, "again", after=100) as sensors:
            for name in TWENTY[:-1]:  # the last one died meanwhile
                await sensors.report(name, temperature=21, online=True)
            await built.all_there()
            await clock.forward(25 * MINUTE)
            for name in TWENTY[:-1]:
                await sensors.report(name, temperature=22, online=True)
            await built.all_there()
            assert {rule["rule"] for rule in await built.incidents()} == {"driver_down"}
            await clock.forward(10 * MINUTE)
            message = await built.told("opened", "d19")
        assert heard(built) == {
            ("opened", "gateway/driver:site"): 1,
            ("cleared", "gateway/driver:site"): 1,
            ("opened", "d19"): 1,
        }
        assert "失联" in message["title"]
        assert "无上报" in message["text"]
        await built.stop()


async def test_alarm_that_waited_in_the_broker_while_the_gateway_was_cut_off_rings(
    built: House, clock: Jumpable
) -> None:
    """Category life is never held back by a driver that was down."""
    with Mosquitto("persistence true\nautosave_interval 1\nautosave_on_changes true\n") as broker:
        write(built, broker.port)
        await built.start()
        await built.until(lambda: built.said("connected"))
        broker.stop()
        await built.until(lambda: built.said("task_fell"))
        await clock.forward(10 * MINUTE)
        await built.told("opened", "gateway/driver:site")
        broker.start()
        async with Reports(broker.port, built, clock) as sensors:
            await sensors.report("d03", alarm=True)
            await clock.forward(MINUTE)
            await built.told("opened", "d03")
        await built.stop()


async def test_gateway_restarted_while_the_broker_is_down_calls_nobody_silent(
    built: House, clock: Jumpable
) -> None:
    with Mosquitto() as broker:
        write(built, broker.port)
        await built.start()
        await built.until(lambda: built.said("connected"))
        async with Reports(broker.port, built, clock) as sensors:
            for name in TWENTY:
                await sensors.report(name, temperature=20)
            await built.all_there()
        broker.stop()
        await built.until(lambda: built.said("task_fell"))
        await clock.forward(20 * MINUTE)
        await built.stop()
        await built.start()
        await clock.forward(120 * MINUTE)
        assert {purpose: n for (purpose, _), n in heard(built).items()} == {"opened": 1}
        assert [each["rule"] for each in await built.incidents()] == ["driver_down"]
        await built.stop()
