"""The wall clock jumps: no time limit moves, nothing rings late, nobody is called silent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from gateway.model import SECOND
from tests.servers import InfluxDB
from tests.stories.clock import DAY, MINUTE, Jumpable
from tests.stories.house import House
from tests.stories.reports import Reports
from tests.virtual import START

PURPOSES = ("opened", "again", "overdue", "cleared", "closed")


def wall(text: str) -> float:
    """Seconds since the story's beginning on the wall."""
    return datetime.fromisoformat(text).timestamp() - START / SECOND


async def deadline(house: House) -> float:
    (incident,) = await house.incidents("smoke_alarm")
    return float(incident["deadline_in"])


async def jumped(house: House, sensors: Reports, clock: Jumpable, seconds: float) -> dict[str, Any]:
    """An alarm is open, devices report, the clock jumps; the reading that comes next."""
    await sensors.report("climate1", temperature=1)
    await sensors.report("quiet1", temperature=1)
    await sensors.report("s301", alarm=True)
    await house.told("opened", "s301")
    before = await deadline(house)
    clock.jump(seconds)
    await clock.forward(10)
    assert before - 20 < await deadline(house) < before - 9
    await sensors.report("climate1", temperature=2)
    after: dict[str, Any] = (await house.has("climate1", 2))[-1]
    return after


async def nothing_else_rang(house: House, clock: Jumpable) -> None:
    """Only the smoke alarm: no device called silent, and its limit rings when it is due."""
    assert [each["rule"] for each in await house.incidents()] == ["smoke_alarm"]
    assert [each["purpose"] for each in house.phone.messages] == ["opened"]
    assert not any(each["silent"] for each in await house.get("devices") if each["values"])
    await clock.forward(await deadline(house) - 30)
    assert len(house.phone.messages) == 1
    await clock.forward(40)
    await house.told("overdue", "s301")


async def test_a_day_forward_moves_no_limit_and_makes_nobody_silent(
    house: House, sensors: Reports, clock: Jumpable
) -> None:
    reading = await jumped(house, sensors, clock, 1.2 * DAY)
    assert DAY < wall(reading["at"]) < 1.3 * DAY
    assert reading["quality"] == "good"  # our clock says that it is right
    await nothing_else_rang(house, clock)


async def test_fourteen_days_back_moves_no_limit_and_makes_nobody_silent(
    house: House, sensors: Reports, clock: Jumpable
) -> None:
    reading = await jumped(house, sensors, clock, -14 * DAY)
    assert wall(reading["at"]) < -13 * DAY
    await nothing_else_rang(house, clock)


async def test_device_that_kept_its_time_is_marked_while_ours_is_fourteen_days_behind(
    house: House, sensors: Reports, clock: Jumpable
) -> None:
    clock.jump(-14 * DAY)
    await sensors.report("s301", age=-14 * DAY, alarm=True)
    await house.told("opened", "s301")
    (reading,) = await house.readings("s301")
    assert reading["quality"] == "clock_suspect"
    assert reading["at"] == reading["received_at"]


async def test_silence_is_counted_in_time_that_passed(
    house: House, sensors: Reports, clock: Jumpable
) -> None:
    await sensors.report("quiet1", temperature=1)
    await house.has("quiet1", 1)
    clock.jump(-14 * DAY)
    for _ in range(29):
        await sensors.report("climate1", temperature=1)
        await clock.forward(MINUTE)
    await house.all_there()
    assert await house.incidents("silent") == []
    await clock.forward(1.5 * MINUTE)
    message = await house.told("opened", "quiet1")
    assert message["category"] == "trouble"
    assert (await house.device("quiet1"))["silent"]
    assert [each["device"] for each in await house.incidents("silent")] == ["quiet1"]


@pytest.mark.parametrize("runs", [True, False], ids=["while it runs", "while it is off"])
async def test_readings_of_a_clock_nobody_believed_reach_the_database_at_their_right_time(
    house: House, sensors: Reports, clock: Jumpable, influxdb: InfluxDB, runs: bool
) -> None:
    clock.jump(-14 * DAY)
    clock.trusted = False  # as after a boot without a battery: NTP has not answered yet
    for number in range(5):
        await sensors.report("climate1", temperature=number)
        await clock.forward(10)
    readings = await house.has("climate1", 5)
    assert {each["quality"] for each in readings} == {"clock_suspect"}
    await sensors.report("s301", alarm=True)
    await house.told("opened", "s301")  # an alarm does not wait for the right time
    if not runs:
        await house.stop()
    clock.jump(14 * DAY)
    clock.trusted = True
    if not runs:
        await house.start()
    await clock.forward(10)
    if runs:
        await house.until(lambda: house.said("clock_trusted"))
    await house.delivered()
    points = influxdb.points("yunhe", "climate")
    assert [point["temperature"] for point in points] == [0, 1, 2, 3, 4]
    assert all(0 <= (point["time"] - START) / SECOND < 120 for point in points)
    assert all("clock_suspect" not in point for point in points)
