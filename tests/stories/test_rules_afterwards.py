"""Weeks later a stranger asks the data folder: why did this ring, and what would other rules do?"""

from __future__ import annotations

import asyncio
import re
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


@pytest.mark.long
async def test_explain_says_who_disarmed_what_confirmed_and_which_rule_it_was_then(
    estate: Estate,
) -> None:
    config = str(await lived(estate))
    zh = await run(estate, "zh", "explain", "I20260105-0001", config)
    en = await run(estate, "en", "explain", "I20260105-0001", config)
    assert "入侵已确认" in zh
    assert "便利店红外" in zh
    assert "便利店摄像头" in zh
    assert re.search("林涛.{0,20}撤防", "".join(zh.split()))  # lines are folded anywhere
    assert "Intrusion confirmed" in en
    assert re.search("disarmed.* by 林涛", " ".join(en.split()))
    assert "16:00:32" in zh
    assert "升级为 危急" in zh
    fire = await run(estate, "zh", "explain", "L20260105-0001", config)
    assert "火灾已确认" in fire
    assert "301室烟感" in fire
    assert "401室感温" in fire
    facility = await run(estate, "en", "explain", "F20260105-0001", config)
    assert "when: temperature > 40" in facility  # not the one of afterwards
    assert "去看看" in facility
    wrong = await asyncio.to_thread(gridwarden, "--lang", "zh", "explain", "I2026-1", config)
    assert wrong.returncode == 1
    assert wrong.stdout == ""
    assert len(wrong.stderr.splitlines()) == 1
    assert "I20260105-0001" in wrong.stderr


@pytest.mark.long
async def test_replay_of_the_same_rules_is_the_same_and_gentler_ones_lose_just_the_hot_room(
    estate: Estate,
) -> None:
    config = str(await lived(estate))
    folder = estate.house.folder
    same = await run(
        estate, "en", "replay", config, "--since", "2026-01-05", "--rules", str(folder / "rules")
    )
    assert "No difference." in same
    assert "3 real incidents in this time; the rules as they were give 3 of them again" in same
    other = folder / "gentle"
    other.mkdir()
    (other / "own.yaml").write_text(_GENTLE, encoding="utf-8")
    for language in ("zh", "en"):
        said = await run(
            estate, language, "replay", config, "--since", "2026-01-05", "--rules", str(other)
        )
        assert "F20260105-0001" in said
        assert "L20260105-0001" not in said
        assert "I20260105-0001" not in said
    assert "3 real incidents" in said


async def test_explain_of_a_disarmed_alarm_names_who_and_does_not_say_the_sensors_are_well(
    estate: Estate,
) -> None:
    config = str(await lived(estate))
    zh = await run(estate, "zh", "explain", "I20260105-0001", config)
    (disarmed,) = [line for line in zh.splitlines() if "撤防" in line]
    assert "林涛" in disarmed
    assert "恢复正常" not in disarmed
