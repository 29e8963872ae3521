"""Officers on their rounds: what is kept, what is missed, and who hears of it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from gateway.cli import main
from gateway.model import SECOND
from tests.stories.estate import GRID, HOUR, MINUTE, ZONE, Estate
from tests.stories.house import House

POINTS = """编号,名称,地点,班次,纬度,经度
gate,北门,9901010101,,38.30000,116.80000
cellar,地下室,990101010101,晚,,
market,市场,9901010102,,,
"""
ROUNDS = '{早: "07:00-09:00", 晚: "18:00-20:00"}'


class Beat:
    """An estate with patrol points, at six in the morning of a Monday."""

    def __init__(self, house: House, missed: str = "tell") -> None:
        self.estate = Estate(house)
        self.house = house
        self.missed = missed
        (house.folder / "points.csv").write_text(POINTS, encoding="utf-8")
        write = house.write

        def with_patrol(**more: Any) -> None:
            write(**more)
            with house.file.open("a", encoding="utf-8") as file:
                file.write(
                    f"patrol: {{points: points.csv, missed: {self.missed}, rounds: {ROUNDS}}}\n"
                )

        house.write = with_patrol  # type: ignore[method-assign]

    async def begin(self) -> None:
        await self.estate.begin(at="2026-01-05 06:00")

    async def check_in(self, point: str, person: str = "chen", **more: Any) -> tuple[int, Any]:
        url = f"{self.house.running.console_url}/api/v1/patrol/checkins"
        body = {"point": point, "person": person, **more}
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            return answer.status, await answer.json()

    async def seen(self, day: str = "2026-01-05") -> dict[str, dict[str, str]]:
        found = await self.house.get(f"patrol?day={day}")
        return {
            each["name"]: {point["id"]: point["state"] for point in each["points"]}
            for each in found["rounds"]
        }


@pytest.fixture
def beat(virtual: House) -> Beat:
    return Beat(virtual)


async def test_what_nobody_came_to_is_one_incident_of_the_grid_a_quarter_after_the_round(
    beat: Beat,
) -> None:
    await beat.begin()
    await beat.estate.skip(1.5 * HOUR)
    assert (await beat.check_in("gate"))[0] == 200
    await beat.estate.skip(3 * HOUR + 14 * MINUTE)
    await beat.estate.at(3 * HOUR + 15 * MINUTE - 1)
    assert beat.estate.told() == []
    await beat.estate.at(3 * HOUR + 15 * MINUTE + 5)
    assert beat.estate.told() == [("opened", "sun")]
    incident = await beat.estate.only(rule="patrol_missed")
    assert incident["place"] == "9901010102"
    assert incident["why"] == "2026-01-05 早巡查漏 1 处:市场"
    assert incident["category"] == "facility"
    assert await beat.seen() == {
        "早": {"gate": "done", "market": "missed"},
        "晚": {"gate": "planned", "cellar": "planned", "market": "planned"},
    }


async def test_who_was_everywhere_rings_nobody(beat: Beat) -> None:
    await beat.begin()
    await beat.estate.skip(1.5 * HOUR)
    for point in ("gate", "market"):
        await beat.check_in(point)
    await beat.estate.skip(12.5 * HOUR)
    for point in ("gate", "market", "cellar"):
        await beat.check_in(point, "lin")
    await beat.estate.skip(23 * HOUR)
    assert beat.estate.told() == []
    assert set((await beat.seen())["晚"].values()) == {"done"}


async def test_a_round_that_ended_while_the_gateway_was_off_is_judged_once(beat: Beat) -> None:
    await beat.begin()
    await beat.estate.skip(HOUR)
    await beat.house.stop()
    beat.estate.clock.mono += int(4 * HOUR * SECOND)
    beat.estate.clock.wall += int(4 * HOUR * SECOND)
    await beat.house.start()
    await beat.estate.clock.advance(5)
    assert sorted(beat.estate.told()) == [("opened", "chen"), ("opened", "sun")]
    await beat.estate.restart()
    await beat.estate.clock.advance(MINUTE)
    assert beat.estate.told() == []


async def test_an_untrusted_clock_judges_nothing(beat: Beat) -> None:
    await beat.begin()
    await beat.estate.skip(HOUR)
    beat.estate.clock.trusted = False
    await beat.estate.skip(5 * HOUR)
    assert beat.estate.told() == []
    beat.estate.clock.trusted = True
    await beat.estate.skip(6.1 * HOUR)
    assert len(beat.estate.told()) == 2


async def test_recording_alone_opens_no_incident(virtual: House) -> None:
    beat = Beat(virtual, "record")
    await beat.begin()
    await beat.estate.skip(4 * HOUR)
    assert await beat.estate.all() == []
    assert (await beat.seen())["早"] == {"gate": "missed", "market": "missed"}


async def test_strangers_and_unknown_points_are_refused_in_both_languages(beat: Beat) -> None:
    await beat.begin()
    status, answer = await beat.check_in("nowhere")
    assert (status, answer["zh"], answer["en"]) == (
        409,
        "没有这个巡查点。",
        "There is no such patrol point.",
    )
    status, answer = await beat.check_in("gate", "nobody")
    assert (status, answer["zh"]) == (409, "名单上没有此人。")
    assert (await beat.check_in("gate", position=[91, 0]))[0] == 400


async def test_a_phone_that_is_elsewhere_is_shown(beat: Beat) -> None:
    await beat.begin()
    await beat.estate.skip(1.5 * HOUR)
    _, far = await beat.check_in("gate", position=[38.31, 116.8])
    assert 1_110 < far["metres"] < 1_114
    day = await beat.house.get("patrol?day=2026-01-05")
    assert day["rounds"][0]["points"][0]["from_afar"] is True


async def test_the_command_shows_the_day_and_1_says_that_something_was_missed(
    beat: Beat, capsys: pytest.CaptureFixture[str]
) -> None:
    await beat.begin()
    await beat.estate.skip(1.5 * HOUR)
    await beat.check_in("gate")
    asked = ["--lang", "zh", "patrol", str(beat.house.file), "--day", "2026-01-05", "--grid", GRID]
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(main, asked)
    assert ended.value.code == 1
    begun = datetime.fromtimestamp(beat.estate.clock.wall // SECOND, ZONE)
    said = capsys.readouterr().out
    assert f"已到  第一网格 北门  {begun:%H:%M}  陈静 (chen)" in said
    assert "漏点  3号楼 地下室" in said
    assert "市场" not in said


async def test_rounds_from_before_the_first_day_are_missed_by_nobody(beat: Beat) -> None:
    await beat.begin()
    yesterday = await beat.seen("2026-01-04")
    assert yesterday == {}
    await beat.estate.skip(4 * HOUR)
    assert (await beat.seen())["早"] == {"gate": "missed", "market": "missed"}
    new = POINTS + "shed,车棚,9901010101,,,\n"
    (beat.house.folder / "points.csv").write_text(new, encoding="utf-8")
    await beat.estate.restart()
    assert "shed" not in (await beat.seen())["早"]
    await beat.estate.skip(15 * HOUR)
    assert (await beat.seen())["晚"]["shed"] == "missed"
