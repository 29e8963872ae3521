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
