"""From a sensor to a person and back, in virtual time: every message at its moment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.model import SECOND
from tests.stories.house import House
from tests.virtual import START, VirtualClock

HOUR = 3_600.0


def recording(*lines: tuple[float, str, dict[str, Any]]) -> str:
    """Lines of (s, device, values) as the replay driver plays them."""
    return "".join(
        json.dumps({"t": at, "device": device, "values": values, "key": f"{device}@{at}"}) + "\n"
        for at, device, values in ((0.0, "climate1", {"temperature": 20}), *lines)
    )


class Story:
    """A house whose sensors are a recording; ``at`` goes to a moment of it."""

    def __init__(self, house: House) -> None:
        self.house = house
        assert isinstance(house.clock, VirtualClock)
        self.clock = house.clock
        self._began = 0

    async def begin(self, *lines: tuple[float, str, dict[str, Any]]) -> None:
        self.house.write(replay=recording(*lines))
        self._began = self.clock.mono
        await self.house.start()

    async def at(self, seconds: float) -> None:
        """Go to ``seconds`` after the beginning; the recording is some moments behind."""
        left = seconds - (self.clock.mono - self._began) / SECOND
        assert left > 0
        await self.clock.advance(left)

    def told(self) -> list[tuple[str, str]]:
        """(purpose, person) of every message since the last look."""
        found = [(each["purpose"], each["person"]) for each in self.house.phone.messages]
        self.house.phone.messages.clear()
        return found

    async def only(self) -> dict[str, Any]:
        (incident,) = await self.house.incidents()
        return incident


@pytest.fixture
def story(virtual: House) -> Story:
    return Story(virtual)


async def test_smoke_alarm_is_told_received_cleared_and_closed(story: Story) -> None:
    await story.begin((60, "s301", {"alarm": True}), (120, "s301", {"alarm": False}))
    await story.at(59)
    assert story.told() == []
    await story.at(61)
    (message,) = story.house.phone.messages
    assert (message["purpose"], message["person"], message["category"]) == (
        "opened", "chen", "life",
    )  # fmt: skip
    assert "3号楼" in message["title"]
    assert "户主周先生 13800000011" in message["text"]
    story.told()
    key = (await story.only())["key"]
    await story.house.act(key, "receive", "chen")
    await story.at(121)
    assert story.told() == []  # smoke comes in waves: 30 s without it
    await story.at(152)
    assert story.told() == [("cleared", "chen")]
    assert (await story.only())["state"] == "received"  # sensors close nothing
    await story.house.act(key, "handle", "chen")
    await story.house.act(key, "close", "chen", outcome="real", comment="厨房起火,已扑灭")
    await story.at(160)
    closed = await story.only()
    assert (closed["state"], closed["outcome"], closed["deadline_in"]) == ("closed", "real", None)
    assert {end for _, _, end in await story.house.ends(key)} == {"told"}
    events = (await story.house.get(f"incidents/{key}"))["events"]
    assert [event["what"] for event in events] == [
        "opened", "received", "cleared", "handling", "closed",
    ]  # fmt: skip
    await story.at(1000)
    assert story.told() == []


async def test_alarm_nobody_received_goes_to_the_officer_then_to_the_supervisor(
    story: Story,
) -> None:
    await story.begin((10, "s301", {"alarm": True}), (400, "s301", {"alarm": False}))
    await story.at(309)
    assert story.told() == [("opened", "chen")]
    await story.at(311)
    assert sorted(story.told()) == [("escalated", "lin"), ("overdue", "chen")]
    incident = await story.only()
    assert (incident["overdue"], incident["owner"]) == (True, "lin")
    await story.at(609)
    assert sorted(story.told()) == [("cleared", "chen"), ("cleared", "lin")]
    await story.at(612)  # the next one has the whole limit, and then one rung more
    assert sorted(story.told()) == [("escalated", "zhou"), ("overdue", "chen"), ("overdue", "lin")]
    assert (await story.only())["owner"] == "zhou"


async def test_receiving_in_time_stops_the_limit(story: Story) -> None:
    await story.begin((10, "s301", {"alarm": True}), (400, "s301", {"alarm": False}))
    await story.at(300)
    key = (await story.only())["key"]
    await story.house.act(key, "receive", "lin")
    await story.at(590)
    assert story.told() == [("opened", "chen"), ("cleared", "chen")]
    incident = await story.only()
    assert (incident["owner"], incident["overdue"]) == ("lin", False)
    await story.house.act(key, "handle", "lin")
    await story.house.act(key, "close", "lin", outcome="false_alarm")
    await story.at(1500)
    assert story.told() == [("closed", "chen")]
    assert not (await story.only())["overdue"]


async def test_silent_device_is_trouble_until_it_is_heard_again(story: Story) -> None:
    await story.begin((5, "quiet1", {"alarm": False}), (HOUR, "quiet1", {"alarm": False}))
    await story.at(HOUR / 2 + 4.9)  # its registry row says 30 minutes
    assert story.told() == []
    await story.at(HOUR / 2 + 6)
    assert story.told() == [("opened", "chen")]
    incident = await story.only()
    assert (incident["rule"], incident["device"]) == ("silent", "quiet1")
    assert incident["category"] == "trouble"
    assert (await story.house.device("quiet1"))["silent"]
    await story.at(HOUR + 5)
    (message,) = story.house.phone.messages
    assert (message["purpose"], message["device"]) == ("cleared", "quiet1")
    assert not (await story.house.device("quiet1"))["silent"]


async def test_two_detectors_of_one_building_are_one_incident(story: Story) -> None:
    await story.begin(
        (10, "s301", {"alarm": True}),
        (20, "s302", {"alarm": True}),
        (25, "s501", {"alarm": True}),
        (30, "s301", {"alarm": False}),
        (100, "s302", {"alarm": False}),
    )
    await story.at(50)
    found = {each["place_name"].split(" / ")[-1]: each for each in await story.house.incidents()}
    assert set(found) == {"3号楼", "5号楼"}
    assert found["3号楼"]["alarming"] == ["s301", "s302"]
    assert sorted(story.told()) == [("again", "chen"), *[("opened", "chen")] * 2]
    assert found["3号楼"]["severity"] == "critical"  # two of one building: a fire
    await story.at(99)
    assert story.told() == []  # one of the two still burns
    await story.at(131)
    (message,) = story.house.phone.messages
    assert (message["purpose"], message["incident"]) == ("cleared", found["3号楼"]["key"])


async def test_alarm_again_after_it_was_over_is_told_again_in_the_same_incident(
    story: Story,
) -> None:
    await story.begin(
        (10, "s301", {"alarm": True}),
        (20, "s301", {"alarm": False}),
        (100, "s301", {"alarm": True}),
    )
    await story.at(90)
    assert story.told() == [("opened", "chen"), ("cleared", "chen")]
    await story.at(102)
    assert story.told() == [("again", "chen")]
    await story.only()


async def test_phone_that_is_dead_is_tried_until_it_lives(story: Story) -> None:
    story.house.phone.dead = True
    await story.begin((10, "s301", {"alarm": True}))
    await story.at(60)
    ((_, _, end),) = await story.house.ends((await story.only())["key"])
    assert end == ""  # waits, with a time for the next attempt
    (said,) = story.house.said("channel_down")
    assert "503" in said["reason"]
    story.house.phone.dead = False
    await story.at(200)
    assert story.told() == [("opened", "chen")]
    assert len(story.house.said("channel_back")) == 1


async def restarted(story: Story, *lines: tuple[float, str, dict[str, Any]]) -> None:
    """Stop the whole gateway and start it at once, with other sensors."""
    await story.house.stop()
    story.house.write(replay=recording(*lines))
    await story.house.start()


async def test_restart_in_the_middle_of_a_deadline_rings_when_it_was_due(story: Story) -> None:
    await story.begin((10, "s301", {"alarm": True}))
    await story.at(150)
    before = (await story.only())["deadline_in"]
    await restarted(story)
    after = (await story.only())["deadline_in"]
    assert before - 1 < after <= before
    assert story.told() == [("opened", "chen")]
    await story.clock.advance(after - 1)
    assert story.told() == []
    await story.clock.advance(2)
    assert sorted(story.told()) == [("escalated", "lin"), ("overdue", "chen")]


async def test_restart_in_the_middle_of_a_for_goes_on_where_it_was(story: Story) -> None:
    await story.begin((10, "s301", {"fault": True}))  # the rule waits 60 s
    await story.at(50)
    await restarted(story)
    await story.clock.advance(10)
    assert await story.house.incidents() == []
    await story.clock.advance(20)
    incident = await story.only()
    assert (incident["rule"], incident["device"]) == ("fault", "s301")
    assert story.told() == [("opened", "chen")]


async def test_restart_between_alarm_and_clearing_tells_nobody_twice(story: Story) -> None:
    await story.begin((10, "s301", {"alarm": True}))
    await story.at(30)
    await restarted(story, (5, "s301", {"alarm": False}))
    await story.clock.advance(60)
    assert story.told() == [("opened", "chen"), ("cleared", "chen")]
    await restarted(story)
    await story.clock.advance(60)
    assert story.told() == []
    assert (await story.only())["cleared"]


async def test_dark_hour_is_not_counted_as_silence_or_as_delay(story: Story) -> None:
    await story.begin((10, "s301", {"alarm": True}))
    await story.at(60)
    await story.house.stop()
    story.clock.boot, story.clock.mono = "boot-2", 50 * SECOND  # the machine was off for a day
    story.clock.wall = START + 86_400 * SECOND
    story.house.write(replay=recording())
    await story.house.start()
    assert 249 < (await story.only())["deadline_in"] <= 251
    await story.clock.advance(200)
    assert story.told() == [("opened", "chen")]
    await story.clock.advance(100)
    assert ("escalated", "lin") in story.told()
