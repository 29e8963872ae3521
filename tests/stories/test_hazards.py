"""Hazards seen on a patrol: they stand in the register, with limits of their own, until closed."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import aiohttp
import openpyxl
import pytest

from gateway.cli import main
from tests.stories.estate import GRID, HOUR, MINUTE, Estate
from tests.stories.house import House

POINTS = "编号,名称,地点,班次,纬度,经度\ncellar,地下室,990101010101,,,\n"
LIMITS = """limits:
  - {category: facility, within: 30m}
  - {category: hazard, within: 3d}
patrol: {points: points.csv, missed: record, rounds: {早: "07:00-09:00"}}
"""
SEEN = {
    "title": "电动车进楼", "why": "楼道内充电", "category": "facility", "severity": "warning",
    "person": "lin", "hazard": True,
}  # fmt: skip


@pytest.fixture
async def estate(virtual: House) -> Estate:
    estate = Estate(virtual)
    estate.limits = LIMITS
    (virtual.folder / "points.csv").write_text(POINTS, encoding="utf-8")
    await estate.begin()
    return estate


async def report(estate: Estate, **more: Any) -> tuple[int, Any]:
    url = f"{estate.house.running.console_url}/api/v1/incidents"
    async with aiohttp.ClientSession() as session:
        posting = session.post(url, json=SEEN | more)
        async with posting as answer:
            return answer.status, await answer.json()


async def register(estate: Estate, asked: str = "") -> list[str]:
    return [each["key"] for each in (await estate.house.get(f"hazards{asked}"))["hazards"]]


async def test_hazards_of_a_point_and_a_place_stand_until_somebody_closes_them(
    estate: Estate,
) -> None:
    status, first = await report(estate, point="cellar")
    assert (status, first["key"], first["rule"]) == (201, "H20260105-0001", "hazard")
    assert (first["place"], first["why"]) == ("990101010101", "地下室:楼道内充电")
    _, second = await report(estate, place=GRID)
    _, again = await report(estate, place=GRID)  # many of the same may stand
    assert again["key"] == "H20260105-0003"
    _, plain = await report(estate, place=GRID, hazard=False)
    assert plain["key"] == "F20260105-0001"
    keys = [first["key"], second["key"], again["key"]]
    assert await register(estate) == keys
    assert await register(estate, "?place=990101010101") == keys[:1]
    few = await estate.house.get("hazards?limit=2")
    assert (few["found"], [each["key"] for each in few["hazards"]]) == (3, keys[:2])
    (grid,) = few["grids"]
    assert (grid["grid"], grid["open"], grid["week"], grid["older"]) == (GRID, 3, 3, 0)
    await estate.skip(HOUR)
    await estate.done(second["key"], "chen")
    assert await register(estate) == [keys[0], keys[2]]
    assert await register(estate, "?since=30m") == keys
    await estate.skip(2 * HOUR)
    assert await register(estate, "?since=30m") == [keys[0], keys[2]]


async def test_its_limits_are_those_of_hazards_and_not_of_its_category(estate: Estate) -> None:
    await report(estate, place=GRID)
    await report(estate, place=GRID, hazard=False)
    await estate.skip(31 * MINUTE, 60.0)
    late = {each["rule"]: each["overdue"] for each in await estate.all()}
    assert late == {"hazard": False, "manual": True}


async def test_what_is_unknown_is_refused(estate: Estate) -> None:
    assert (await report(estate, point="attic"))[0] == 404
    status, answer = await report(estate)
    assert (status, answer["zh"]) == (409, "没有这个地点。")
    assert await register(estate) == []


async def test_the_command_lists_counts_and_writes_a_workbook(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    await report(estate, point="cellar")
    target = estate.house.folder / "register.xlsx"
    for more in ([], ["--json"], ["--csv"], ["--xlsx", str(target)]):
        asked = ["--lang", "zh", "hazards", str(estate.house.file), *more]
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(main, asked)
        assert ended.value.code == 0
        said = capsys.readouterr().out
        if not more:
            assert "H20260105-0001  待签收" in said
            assert "第一网格: " in said
        elif more == ["--json"]:
            (row,) = json.loads(said)
            assert (row["place"], row["title"]) == ("3号楼 (990101010101)", "电动车进楼")
        elif more == ["--csv"]:
            assert said.splitlines()[1].startswith("H20260105-0001,第一网格 (9901010101),")
    book = openpyxl.load_workbook(io.BytesIO(target.read_bytes()))
    assert book.sheetnames == ["隐患台账", "按网格统计"]
    assert [cell.value for cell in book["隐患台账"][2]][:1] == ["H20260105-0001"]
