"""What a broker remembers, and what comes late: a danger to life rings and says so."""

from __future__ import annotations

from tests.servers import Mosquitto
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.reports import Reports

OTHERS = {"ir1": {"alarm": True}}
"""Nothing to do any more: a hole in the road, which rings late as well, is told of in its pack."""


async def test_retained_life_alarm_rings_at_start_and_others_are_only_known(
    built: House, clock: Jumpable, mosquitto: Mosquitto
) -> None:
    built.write(mqtt=mosquitto.port)
    async with Reports(mosquitto.port, built, clock) as sensors:
        # the devices' rows are written with the configuration: known from here on
        await sensors.report("s301", alarm=True, retain=True)
        for device, values in OTHERS.items():
            await sensors.report(device, retain=True, **values)
        await sensors.send("zigbee2mqtt/厨房烟感", {"smoke": True, "battery": 90}, retain=True)
        await built.start()
        for device in ("s301", "kitchen"):
            message = await built.told("opened", device)
            assert "启动时发现" in message["text"]
            (incident,) = await built.incidents(device=device)
            assert incident["found"] == "start"
        await built.all_there()
        for device, values in OTHERS.items():
            known = await built.device(device)
            assert known["values"] == values
            assert (await built.readings(device))[0]["retained"]
        assert {each["device"] for each in await built.incidents()} == {"s301", "kitchen"}
        # what happens now rings
        await sensors.report("ir1", alarm=True)
        message = await built.told("opened", "ir1")
        assert "启动时发现" not in message["text"]


async def test_late_life_alarm_rings_marked_and_others_are_only_known(
    house: House, sensors: Reports
) -> None:
    for device, values in OTHERS.items():
        await sensors.report(device, age=600, **values)
    await sensors.report("s301", age=600, alarm=True)
    message = await house.told("opened", "s301")
    assert "迟到的报告" in message["text"]
    (incident,) = await house.incidents()
    assert (incident["device"], incident["found"]) == ("s301", "late")
    for device in OTHERS:
        (reading,) = await house.has(device, 1)
        assert reading["late"]
        assert reading["quality"] == "good"
    await sensors.report("ir1", age=1, alarm=True)
    message = await house.told("opened", "ir1")
    assert "迟到的报告" not in message["text"]


async def test_retained_alarm_of_long_ago_that_is_over_does_not_ring_again_at_each_reconnect(
    house: House, sensors: Reports, clock: Jumpable
) -> None:
    await sensors.report("s301", alarm=True, retain=True)
    await house.told("opened", "s301")
    await house.stop()
    await house.start()
    await house.connected()
    await sensors.report("climate1", temperature=1)
    await house.all_there()
    assert len(house.phone.told("opened")) == 1
    assert len(await house.incidents(device="s301")) == 1
