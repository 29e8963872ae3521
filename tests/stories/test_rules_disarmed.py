"""A shop that is armed by a plan: nobody is rung by day, somebody is at night."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.stories.estate import HOUR, SHOP, Estate
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
