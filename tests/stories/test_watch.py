"""What no part of the gateway can say of itself is watched, through failures."""

from __future__ import annotations

from tests.stories.clock import DAY, Jumpable
from tests.stories.house import House
from tests.stories.reports import Reports
from tests.stories.test_reload_faults import takes_nothing


async def test_the_right_time_is_said_once_the_journal_takes_it(
    house: House, sensors: Reports, clock: Jumpable
) -> None:
    clock.jump(-14 * DAY)
    clock.trusted = False
    await sensors.report("climate1", temperature=20)
    await house.has("climate1", 1)
    await clock.forward(10)
    await takes_nothing(house, "journal", True)
    clock.jump(14 * DAY)
    clock.trusted = True
    await clock.forward(10)
    assert house.said("clock_trusted") == []
    await takes_nothing(house, "journal", False)

    async def said() -> bool:
        await clock.forward(10)
        return bool(house.said("clock_trusted"))

    await house.until(said)
