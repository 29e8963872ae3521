"""A gateway without a battery boots in 1970: no plan counts until it knows the time."""

from __future__ import annotations

from datetime import datetime

import pytest

from gateway.model import SECOND
from tests.stories.estate import HOUR, SHOP, ZONE, Estate, pulse
from tests.stories.house import House
from tests.stories.test_rules_shop import PLAN

_PLAN = PLAN.replace("    holidays: holidays.ics\n", "")


@pytest.fixture
def estate(virtual: House) -> Estate:
    estate = Estate(virtual)
    estate.files = {"plan.yaml": _PLAN}
    estate.clock.trusted = False
    return estate


def learns_the_time(estate: Estate, local: str) -> None:
    estate.clock.wall = int(datetime.fromisoformat(local).replace(tzinfo=ZONE).timestamp()) * SECOND
    estate.clock.trusted = True


@pytest.mark.parametrize("hour", ["1970-01-01 12:00", "2024-03-05 12:00"])
async def test_without_a_clock_no_plan_disarms_and_smoke_and_infrared_ring(
    estate: Estate, hour: str
) -> None:
    await estate.begin((10, "s301", {"alarm": True}), (20, "pir", {"alarm": True}), at=hour)
    await estate.at(30)
    assert estate.told() == [("opened", "chen"), ("opened", "chen")]
    assert {each["category"] for each in await estate.all()} == {"life", "intrusion"}


async def test_clock_that_becomes_right_in_the_evening_arms_at_once(estate: Estate) -> None:
    await estate.begin(*pulse(100, "pir"), at="1970-01-01 12:00")
    await estate.at(10)
    await estate.arm(SHOP, "disarmed")
    assert (await estate.mode())[0] == "disarmed"
    await estate.arm(SHOP, "plan")
    learns_the_time(estate, "2026-01-05 20:00")
    await estate.at(85)  # with the next record; the gateway measures itself every minute
    assert await estate.mode() == ("away", "plan:shop_nights")
    await estate.at(110)
    assert estate.told() == [("opened", "chen")]
    assert (await estate.only())["opened_at"].startswith("2026-01-05T12:01")


async def test_clock_that_becomes_right_at_noon_disarms_at_once_and_ends_what_stands(
    estate: Estate,
) -> None:
    await estate.begin((10, "pir", {"alarm": True}), *pulse(900, "hall"), at="1970-01-01 08:30")
    await estate.at(20)
    assert estate.told() == [("opened", "chen")]
    learns_the_time(estate, "2026-01-05 12:00")
    await estate.at(85)  # with the next record; the gateway measures itself every minute
    assert await estate.mode() == ("disarmed", "plan:shop_nights")
    assert estate.told() == [("cleared", "chen")]
    await estate.at(930)
    assert len(await estate.all()) == 1


async def test_plan_switches_by_the_new_time_after_the_clock_was_put_on(estate: Estate) -> None:
    estate.clock.trusted = True
    await estate.begin(*pulse(700, "pir"), at="2026-01-05 12:00")
    await estate.at(10)
    assert (await estate.mode())[0] == "disarmed"
    learns_the_time(estate, "2026-01-05 18:55")  # an hour's worth of NTP
    await estate.at(20)
    assert (await estate.mode())[0] == "disarmed"
    await estate.at(320)
    assert await estate.mode() == ("away", "plan:shop_nights")
    await estate.at(720)
    assert estate.told() == [("opened", "chen")]


async def test_hour_for_which_somebody_disarmed_ends_at_the_moment_that_was_shown(
    estate: Estate,
) -> None:
    """`gridwarden arm` says "to 21:00"; a clock that is put on by half an hour keeps that word."""
    estate.clock.trusted = True
    await estate.begin(*pulse(2_000, "pir"), at="2026-01-05 20:00")
    await estate.at(10)
    await estate.arm(SHOP, "disarmed", "1h")
    estate.clock.jump(HOUR / 2)
    await estate.skip(1_700)
    assert (await estate.mode())[0] == "disarmed"
    await estate.skip(1_900)
    assert await estate.mode() == ("away", "plan:shop_nights")
    await estate.at(2_010)
    assert estate.told() == [("opened", "chen")]


async def test_without_a_clock_nobody_is_shown_what_a_plan_would_say(estate: Estate) -> None:
    await estate.begin(at="2024-03-05 12:00")  # the last time a clock was saved: a Tuesday's noon
    await estate.at(10)
    assert await estate.mode() == ("away", "")
    assert {row["next"] for row in await estate.house.get("arming")} == {None}


async def test_first_minute_of_a_new_gateway_is_no_exit_delay(estate: Estate) -> None:
    """Nobody has armed anything: it always was armed. A board without a clock begins at 0."""
    await estate.begin((20, "pir", {"alarm": True}), at="1970-01-01 08:00")
    await estate.at(25)
    assert estate.told() == [("opened", "chen")]


async def test_after_a_power_cut_without_a_clock_the_plan_of_before_does_not_disarm(
    estate: Estate,
) -> None:
    """Off at 18:00 while the shop was open, on again at night, and the line to the time server is
    cut as well: nobody knows that it is not 18:00 any more.
    """
    estate.clock.trusted = True
    await estate.begin((200, "pir", {"alarm": True}), at="2026-01-05 18:00")
    await estate.at(100)
    assert (await estate.mode())[0] == "disarmed"
    estate.clock.trusted = False
    await estate.house.stop()
    estate.clock.boot, estate.clock.wall = "boot-2", 0
    await estate.restart()
    await estate.at(210)
    assert estate.told() == [("opened", "chen")]


async def test_hour_for_which_somebody_disarmed_ends_though_no_clock_can_be_trusted(
    estate: Estate,
) -> None:
    await estate.begin(*pulse(1.5 * HOUR, "pir"), at="2024-03-05 12:00")
    await estate.at(10)
    await estate.arm(SHOP, "disarmed", "1h")
    await estate.skip(1.5 * HOUR - 30)
    await estate.at(1.5 * HOUR + 20)
    assert estate.told() == [("opened", "chen")]
