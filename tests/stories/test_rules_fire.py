"""A fire in a building, from one detector to the end, with a restart at any moment of it."""

from __future__ import annotations

import pytest

from tests.stories.estate import MINUTE, Estate, Line
from tests.stories.house import House

Told = list[list[tuple[str, str]]]
EVERYBODY = ["chen", "lin", "zhou"]
SPREADS: list[Line] = [
    (10, "s301", {"alarm": True}),
    (40, "h401", {"alarm": True}),
    (420, "s301", {"alarm": False}),
    (430, "h401", {"alarm": False}),
]
LASTS: list[Line] = [(10, "s301", {"alarm": True}), (700, "s301", {"alarm": False})]


@pytest.fixture
def estate(virtual: House) -> Estate:
    estate = Estate(virtual)
    estate.packs = "fire"
    return estate


async def lived(
    estate: Estate, moments: list[float], restart_after: int | None, received_after: int = -1
) -> Told:
    """What was told up to each moment; after one of them the officer receives, or a restart."""
    said: Told = []
    for number, moment in enumerate(moments):
        await estate.at(moment)
        said.append(sorted(estate.told()))
        if number == received_after:
            await estate.house.act((await estate.only())["key"], "receive", "lin")
        if number == restart_after:
            await estate.restart()
    return said


@pytest.mark.parametrize("restart_after", [None, 0, 1, 2, 3, 4, 5])
async def test_smoke_then_heat_of_another_flat_is_one_fire_that_gets_worse_and_ends_for_all(
    estate: Estate, restart_after: int | None
) -> None:
    await estate.begin(*SPREADS)
    said = await lived(estate, [12, 39, 45, 315, 425, 455, 470], restart_after)
    assert said == [
        [("opened", "chen")],
        [],
        [("again", "chen")],
        [("escalated", "lin"), ("overdue", "chen")],
        [],
        [],
        [("cleared", "chen"), ("cleared", "lin")],
    ]
    incident = await estate.only()
    assert (incident["severity"], incident["title"]) == ("critical", "火灾已确认")
    assert incident["cleared"]
    assert incident["state"] == "open"  # sensors close nothing
    why = [why for what, why in await estate.sentences(incident["key"]) if "同一" in why]
    assert "301室烟感" in why[0]
    assert "401室感温" in why[0]


@pytest.mark.parametrize("restart_after", [None, 0, 1, 2, 3, 4])
async def test_smoke_that_stays_is_critical_by_time_and_told_again(
    estate: Estate, restart_after: int | None
) -> None:
    await estate.begin(*LASTS)
    said = await lived(estate, [12, 315, 609, 612, 705, 732], restart_after, received_after=1)
    assert said == [
        [("opened", "chen")],
        [("escalated", "lin"), ("overdue", "chen")],
        [],
        [("again", "lin")],
        [("escalated", "zhou"), ("overdue", "lin")],
        [("cleared", who) for who in EVERYBODY],
    ]
    incident = await estate.only()
    assert incident["severity"] == "critical"
    assert any("已持续 10 分钟" in why for _, why in await estate.sentences(incident["key"]))


async def test_heat_in_the_house_next_door_confirms_nothing(estate: Estate) -> None:
    await estate.begin((10, "s501", {"alarm": True}), (20, "h401", {"alarm": True}))
    await estate.at(60)
    assert estate.told() == [("opened", "chen"), ("opened", "chen")]
    assert {each["severity"] for each in await estate.all()} == {"alarm"}


async def test_smoke_and_heat_an_hour_apart_confirm_nothing(estate: Estate) -> None:
    await estate.begin(
        (10, "s301", {"alarm": True}),
        (20, "s301", {"alarm": False}),
        (70 * MINUTE, "h401", {"alarm": True}),
    )
    await estate.skip(69 * MINUTE)
    (incident,) = await estate.all()
    await estate.done(incident["key"])
    await estate.at(71 * MINUTE)
    assert estate.told() == [("opened", "chen")]
    assert [each["severity"] for each in await estate.all()] == ["alarm", "alarm"]


async def test_fire_that_somebody_has_in_hand_is_told_again_to_whoever_has_it_when_confirmed(
    estate: Estate,
) -> None:
    await estate.begin((10, "s301", {"alarm": True}), (60, "h401", {"alarm": True}))
    await estate.at(20)
    estate.told()
    await estate.house.act((await estate.only())["key"], "receive", "lin")
    await estate.at(65)
    assert estate.told() == [("again", "lin")]


async def test_heat_at_the_detector_makes_it_critical_and_going_cold_is_told_to_nobody(
    estate: Estate,
) -> None:
    await estate.begin(
        (10, "s301", {"alarm": True, "temperature": 24}),
        (40, "s301", {"alarm": True, "temperature": 60}),
        (100, "s301", {"alarm": True, "temperature": 26}),
    )
    await estate.at(20)
    assert estate.told() == [("opened", "chen")]
    await estate.at(45)
    assert estate.told() == [("again", "chen")]
    assert (await estate.only())["severity"] == "critical"
    await estate.at(250)
    assert estate.told() == []
    assert (await estate.only())["severity"] == "alarm"  # it still smokes
    assert not (await estate.only())["cleared"]
    await estate.at(309)
    assert [purpose for purpose, _ in estate.told()] == []


async def test_fire_closed_by_a_person_while_it_still_burns_is_told_anew_when_it_spreads(
    estate: Estate,
) -> None:
    await estate.begin((10, "s301", {"alarm": True}), (200, "h401", {"alarm": True}))
    await estate.at(20)
    estate.told()
    await estate.done((await estate.only())["key"])
    await estate.at(190)
    assert estate.told() == []
    await estate.at(205)
    assert estate.told()[0] == ("opened", "chen")
    (new,) = [each for each in await estate.all() if each["state"] == "open"]
    assert new["severity"] == "critical"
