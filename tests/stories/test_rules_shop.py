"""A shop that is armed by a plan: nobody is rung by day, somebody is at night."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.stories.estate import HOUR, MINUTE, SHOP, Estate, pulse
from tests.stories.house import House

PLAN = """
plans:
  - name: shop_nights
    title: {zh: 便利店夜间, en: The shop at night}
    grid: ["990101010101"]
    week: {mon-fri: ["19:00-07:30"], sat-sun: ["00:00-24:00", "19:00-07:30"]}
    holidays: holidays.ics
"""
HOLIDAY = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\n"
    "DTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20260106\r\nSUMMARY:店休\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)
KEYPAD = """
keypads:
  - {device: keypad, grid: "990101010101", mode: away}
"""
MONDAY, TUESDAY, WEDNESDAY = -16 * HOUR, 8 * HOUR, 32 * HOUR
"""Midnights; the story begins on Monday at 16:00."""


@pytest.fixture
def estate(virtual: House) -> Estate:
    estate = Estate(virtual)
    estate.files = {"plan.yaml": PLAN, "holidays.ics": HOLIDAY}
    return estate


async def gridwarden_arm(estate: Estate, *arguments: str) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    url = estate.house.running.console_url
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "--lang", "zh", "arm", *arguments, "--url", url,
        "--config", str(estate.house.file), cwd=Path(__file__).parents[2],
        env=kept | {"PYTHONUTF8": "1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_infrared_by_day_rings_nobody_at_night_and_on_a_holiday_the_assistant(
    estate: Estate,
) -> None:
    await estate.begin(
        *pulse(MONDAY + 18 * HOUR, "pir"),
        *pulse(MONDAY + 20 * HOUR, "pir"),
        *pulse(TUESDAY + 11 * HOUR, "pir"),
        *pulse(WEDNESDAY + 7.4 * HOUR, "pir"),
        *pulse(WEDNESDAY + 10 * HOUR, "pir"),
    )
    await estate.skip(MONDAY + 19.5 * HOUR)
    assert await estate.house.incidents() == []
    for moment in (MONDAY + 20 * HOUR, TUESDAY + 11 * HOUR, WEDNESDAY + 7.4 * HOUR):
        await estate.skip(moment - 30)
        assert estate.told() == []
        await estate.at(moment + 30)
        assert estate.told() == [("opened", "chen")]
        await estate.at(moment + 80)
        assert estate.told() == [("cleared", "chen")]
        (incident,) = [each for each in await estate.all() if each["state"] != "closed"]
        assert (incident["rule"], incident["device"]) == ("infrared_intrusion", "pir")
        await estate.done(incident["key"])
    await estate.skip(WEDNESDAY + 12 * HOUR)
    assert estate.told() == []
    assert len(await estate.all()) == 3


async def test_who_disarms_for_two_hours_is_named_and_then_the_shop_is_armed_again(
    estate: Estate,
) -> None:
    night = MONDAY + 20 * HOUR
    await estate.begin(
        (night, "pir", {"alarm": True}),
        *pulse(night + 1 * HOUR, "pir"),
        *pulse(night + 2.5 * HOUR, "pir"),
    )
    await estate.skip(night - 30)
    assert await estate.mode() == ("away", "plan:shop_nights")
    await estate.at(night + 60)
    assert estate.told() == [("opened", "chen")]
    said = await gridwarden_arm(estate, "3号楼", "disarmed", "--by", "林涛", "--for", "2h")
    assert said == (
        "3号楼 (990101010101): 撤防, 自 01-05 20:01, 林涛, 到 01-05 22:01, "
        "计划“便利店夜间”于 01-07 07:30 切换\n"
    )
    await estate.at(night + 62)
    assert estate.told() == [("cleared", "chen")]
    incident = await estate.only()
    what, why = (await estate.sentences(incident["key"]))[-1]
    assert what == "cleared"
    assert "撤防" in why
    assert "lin" in why or "林涛" in why
    await estate.done(incident["key"])
    await estate.skip(night + 1.9 * HOUR)
    assert estate.told() == []
    await estate.skip(night + 2.4 * HOUR)
    assert await estate.mode() == ("away", "plan:shop_nights")
    await estate.skip(night + 2.5 * HOUR - 30)
    await estate.at(night + 2.5 * HOUR + 10)
    assert estate.told() == [("opened", "chen")]


async def test_plan_again_ends_what_a_person_said(estate: Estate) -> None:
    await estate.begin(*pulse(30 * MINUTE, "pir"))
    await estate.at(10)
    assert await estate.mode() == ("disarmed", "plan:shop_nights")
    await estate.arm(SHOP, "away")
    assert await estate.mode() == ("away", "person:chen")
    await estate.arm(SHOP, "plan")
    assert (await estate.mode())[0] == "disarmed"
    await estate.skip(40 * MINUTE)
    assert estate.told() == []


async def test_restart_in_the_middle_of_an_exit_delay_does_not_shorten_it(estate: Estate) -> None:
    await estate.begin(*pulse(140, "pir", long=2), *pulse(155, "pir", long=2), *pulse(162, "pir"))
    await estate.at(100)
    await estate.arm(SHOP, "away")  # whoever does it has 60 s to get out
    await estate.at(145)
    await estate.restart()
    await estate.at(159)
    assert estate.told() == []
    assert await estate.all() == []
    await estate.at(163)
    assert estate.told() == [("opened", "chen")]


async def test_restart_in_the_middle_of_an_entry_delay_neither_rings_early_nor_never(
    estate: Estate,
) -> None:
    await estate.begin((200, "door", {"open": True}))
    await estate.at(100)
    await estate.arm(SHOP, "away")
    await estate.at(215)
    await estate.restart()
    await estate.at(229)
    assert estate.told() == []
    await estate.at(231)
    assert estate.told() == [("opened", "chen")]


@pytest.mark.parametrize("restarted", [False, True])
async def test_keypad_in_time_tells_nobody_and_too_late_is_an_alarm_that_it_ends(
    estate: Estate, restarted: bool
) -> None:
    estate.files = {"keypad.yaml": KEYPAD}
    await estate.begin(
        (5, "keypad", {"armed": False}),
        (10, "keypad", {"armed": True}),
        (100, "door", {"open": True}),
        (105, "hall", {"alarm": True}),
        (120, "keypad", {"armed": False}),
        (125, "door", {"open": False}),
        (126, "hall", {"alarm": False}),
        (200, "keypad", {"armed": True}),
        (300, "door", {"open": True}),
        (340, "keypad", {"armed": False}),
    )
    await estate.at(20)
    assert await estate.mode() == ("away", "device:keypad")
    await estate.at(110)
    if restarted:
        await estate.restart()
    await estate.at(190)
    assert await estate.mode() == ("disarmed", "device:keypad")
    assert estate.told() == []
    assert await estate.all() == []
    await estate.at(331)
    assert estate.told() == [("opened", "chen")]
    await estate.at(341)
    assert estate.told() == [("cleared", "chen")]
    incident = await estate.only()
    assert "撤防" in (await estate.sentences(incident["key"]))[-1][1]


async def test_camera_that_sees_what_infrared_felt_raises_the_one_incident(estate: Estate) -> None:
    estate.files = {}
    await estate.begin(
        (10, "pir", {"alarm": True}),
        (30, "cam", {"motion": True}),
        (40, "pir", {"alarm": False}),
        (50, "cam", {"motion": False}),
    )
    await estate.at(20)
    assert estate.told() == [("opened", "chen")]
    assert (await estate.only())["severity"] == "alarm"
    await estate.at(35)
    assert estate.told() == [("again", "chen")]
    incident = await estate.only()
    assert (incident["severity"], incident["title"]) == ("critical", "入侵已确认")
    await estate.at(200)
    assert estate.told() == [("cleared", "chen")]
    assert (await estate.only())["cleared"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_shop_that_opens_late_stays_open_though_the_plan_arms_meanwhile(
    estate: Estate, restarted: bool
) -> None:
    evening = MONDAY + 18.5 * HOUR
    await estate.begin(*pulse(evening + HOUR, "pir"), *pulse(evening + 2.2 * HOUR, "pir"))
    await estate.skip(evening)
    await estate.arm(SHOP, "disarmed", "2h")  # stocktaking: the plan would arm at 19:00
    await estate.skip(evening + 1.4 * HOUR)
    if restarted:
        await estate.restart()
    await estate.skip(evening + 1.9 * HOUR)
    assert await estate.mode() == ("disarmed", "person:chen")
    assert estate.told() == []
    await estate.skip(evening + 2.2 * HOUR - 30)
    assert await estate.mode() == ("away", "plan:shop_nights")
    await estate.at(evening + 2.2 * HOUR + 10)
    assert estate.told() == [("opened", "chen")]


async def test_disarming_without_an_end_lasts_until_the_plan_arms(estate: Estate) -> None:
    evening = MONDAY + 18.5 * HOUR
    await estate.begin(*pulse(evening + HOUR, "pir"))
    await estate.skip(evening)
    await estate.arm(SHOP, "disarmed")
    await estate.skip(evening + HOUR - 30)
    assert await estate.mode() == ("away", "plan:shop_nights")
    await estate.at(evening + HOUR + 10)
    assert estate.told() == [("opened", "chen")]


async def test_door_that_stands_open_when_the_plan_arms_is_told_with_that_reason(
    estate: Estate,
) -> None:
    evening = MONDAY + 19 * HOUR
    await estate.begin((evening - HOUR, "door", {"open": True}))
    await estate.skip(evening - 60)
    assert estate.told() == []
    await estate.skip(evening + 30)
    assert estate.told() == []
    await estate.at(evening + 120)
    (message,) = estate.house.phone.messages
    assert (message["purpose"], message["person"]) == ("opened", "chen")
    assert "布防时已存在" in message["text"]


async def test_whole_site_disarmed_by_one_word_and_armed_again_by_another(estate: Estate) -> None:
    estate.files = {}
    await estate.begin(*pulse(100, "pir"), *pulse(300, "pir"))
    await estate.at(10)
    await gridwarden_arm(estate, "all", "disarmed", "--by", "chen")
    await estate.at(150)
    assert estate.told() == []
    await gridwarden_arm(estate, "all", "away", "--by", "陈静")
    assert await estate.mode() == ("away", "person:chen")
    await estate.at(310)
    assert estate.told() == [("opened", "chen")]


async def test_plan_that_is_written_while_the_shop_runs_is_in_force_at_once(estate: Estate) -> None:
    estate.files = {}
    await estate.begin((10, "pir", {"alarm": True}), *pulse(200, "pir"))
    await estate.at(20)
    assert estate.told() == [("opened", "chen")]  # nobody ever said when it is open
    estate.say("plan.yaml", PLAN)
    estate.say("holidays.ics", HOLIDAY)
    await estate.at(40)
    assert await estate.mode() == ("disarmed", "plan:shop_nights")
    assert [purpose for purpose, _ in estate.told()] == ["cleared"]
    await estate.at(240)
    assert estate.told() == []
    assert len(await estate.all()) == 1


async def test_sentence_names_the_keypad_and_the_person_as_people_do(
    estate: Estate,
) -> None:
    estate.files |= {"keypad.yaml": KEYPAD}
    lines = [pulse(MINUTE * n + 30, "pir", long=200) for n in (10, 30)]
    await estate.begin((5, "keypad", {"armed": True}), (12 * MINUTE, "keypad", {"armed": False}),
                       *lines[0], *lines[1])  # fmt: skip
    await estate.skip(13 * MINUTE)
    await estate.arm(SHOP, "away")
    await estate.skip(31 * MINUTE)
    await estate.arm(SHOP, "disarmed", person="lin")
    await estate.at(32 * MINUTE)
    incident = await estate.only()
    said = [why for _, why in await estate.sentences(incident["key"]) if "撤防" in why]
    assert len(said) == 2
    assert "便利店键盘" in said[0]
    assert "林涛" in said[1]


async def test_message_about_an_alarm_that_was_disarmed_says_so_and_not_that_all_is_well(
    estate: Estate,
) -> None:
    """Whoever breaks in and knows the code: the assistant has to hear that it was disarmed."""
    night = MONDAY + 20 * HOUR
    await estate.begin((night, "pir", {"alarm": True}))
    await estate.skip(night - 30)
    await estate.at(night + 30)
    estate.told()
    await estate.arm(SHOP, "disarmed", person="lin")
    await estate.at(night + 35)
    (message,) = estate.house.phone.messages
    assert "撤防" in message["text"]
    assert "传感器已恢复正常" not in message["text"]
    assert "恢复正常" not in message["title"]
