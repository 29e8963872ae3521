"""Weeks later a stranger asks the data folder: why did this ring, and what would other rules do?"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.test_commands import gridwarden
from tests.stories.estate import MINUTE, SHOP, Estate
from tests.stories.house import House
from tests.stories.test_rules_reload import TAKEN, hot

_GENTLE = """
rules:
  - name: hot
    title: {zh: 配电间过热, en: Switch room too hot}
    on: climate
    when: temperature > 60
    severity: warning
    category: facility
"""


@pytest.fixture
def estate(virtual: House) -> Estate:
    estate = Estate(virtual)
    estate.files = {"own.yaml": hot("40")}
    return estate


async def run(estate: Estate, language: str, *arguments: str, code: int = 0) -> str:
    done = await asyncio.to_thread(gridwarden, "--lang", language, *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


async def lived(estate: Estate) -> Path:
    """An intruder, seen twice; a hot room; a fire that spreads; rules that change; a disarming."""
    await estate.begin(
        (10, "pir", {"alarm": True}),
        (30, "cam", {"motion": True}),
        (100, "climate1", {"temperature": 45}),
        (400, "s301", {"alarm": True}),
        (440, "h401", {"alarm": True}),
        (700, "s301", {"alarm": False}),
        (701, "h401", {"alarm": False}),
        (800, "climate1", {"temperature": 45}),
    )
    await estate.at(60)
    await estate.arm(SHOP, "disarmed", "2h", person="lin")
    await estate.at(200)
    estate.say("own.yaml", hot("44"))
    await estate.at(200 + TAKEN)
    fire = next(each for each in await estate.all() if each["category"] == "facility")
    await estate.house.act(fire["key"], "receive", "chen", comment="去看看")
    await estate.at(20 * MINUTE)
    await estate.house.stop()
    return estate.house.file


async def test_explain_of_a_disarmed_alarm_names_who_and_does_not_say_the_sensors_are_well(
    estate: Estate,
) -> None:
    config = str(await lived(estate))
    zh = await run(estate, "zh", "explain", "I20260105-0001", config)
    (disarmed,) = [line for line in zh.splitlines() if "撤防" in line]
    assert "林涛" in disarmed
    assert "恢复正常" not in disarmed
