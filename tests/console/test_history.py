"""The API of the charts, over a view in memory and over a whole gateway."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.history.keeper import Keeper
from gateway.model import SECOND, Quality, Reading, Severity, Text
from gateway.ports import Unavailable
from tests.console.conftest import Client
from tests.console.memory_view import HOUR, MemoryView, Threshold, make_incident
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.phone import Phone

MINUTE = 60 * SECOND


def a_day(view: MemoryView) -> None:
    """A room's temperature every minute, with a hole of two hours, and what a door said."""
    now = view.now().wall
    for n in range(24 * 60):
        if 600 <= n < 720:
            continue
        at = now - (24 * 60 - n) * MINUTE
        value = round(20 + 5 * math.sin(n / 200), 2)
        view.kept_readings.append(
            Reading("cl-1", "climate", {"temperature": value}, received_at=at, at=at,
                    late=n == 800, quality=Quality.suspect if n == 801 else Quality.good)
        )  # fmt: skip
    for hours, opened in ((20, False), (6, True), (4, False)):
        at = now - hours * HOUR
        view.kept_readings.append(
            Reading("mh-1", "manhole", {"open": opened}, received_at=at, at=at)
        )


async def get(client: Client, path: str, status: int = 200) -> Any:
    async with client.get(f"/api/v1/history?{path}") as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def test_a_number_has_least_most_and_mean_in_each_bucket(
    client: Client, view: MemoryView
) -> None:
    a_day(view)
    found = await get(client, "device=cl-1&value=temperature&since=24h&points=300")
    assert (found["type"], found["unit"], found["step"]) == ("number", "°C", 300.0)
    assert found["gap"] == 1200.0
    assert 260 <= len(found["buckets"]) <= 290
    bucket = found["buckets"][5]
    assert bucket["count"] == 5
    assert bucket["min"] < bucket["mean"] < bucket["max"]
    assert "flags" not in bucket
    assert {flag for each in found["buckets"] for flag in each.get("flags", ())} == {
        "late",
        "suspect",
    }
    assert found["since"] <= found["buckets"][0]["at"] < found["buckets"][-1]["at"] < found["until"]


async def test_yes_or_no_has_its_share_of_the_time(client: Client, view: MemoryView) -> None:
    a_day(view)
    found = await get(client, "device=mh-1&value=open&since=24h&points=24")
    assert found["type"] == "yes"
    assert (found["step"], found["thresholds"]) == (3600.0, [])
    assert [each["share"] for each in found["buckets"]][-6:] == [1, 1, 0, 0, 0, 0]
    assert [each["any"] for each in found["buckets"]].count(True) == 2
    assert sum(each["count"] for each in found["buckets"]) == 3


async def test_incidents_and_thresholds_stand_beside_it(client: Client, view: MemoryView) -> None:
    a_day(view)
    now = view.now().wall
    await view.open(make_incident("T0105-0001", now, device="cl-1", opened_at=now - HOUR))
    await view.open(make_incident("T0105-0002", now, device="sm-1", opened_at=now - HOUR))
    await view.open(make_incident("T0104-0001", now, device="cl-1", opened_at=now - 30 * HOUR))
    view.lines_of["temperature"] = (
        Threshold(Text("温度偏高", "Warm"), Severity.warning, ">", 26.0),
    )
    found = await get(client, "device=cl-1&value=temperature&since=24h")
    assert [mark["key"] for mark in found["marks"]] == ["T0105-0001"]
    assert found["marks"][0]["title_en"].startswith("Smoke")
    assert found["thresholds"] == [
        {
            "title": "温度偏高",
            "title_en": "Warm",
            "severity": "warning",
            "sign": ">",
            "number": 26.0,
        }
    ]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("value=temperature", "device is missing"),
        ("device=cl-1", "value is missing"),
        ("device=cl-1&value=x&points=0", "points is '0'"),
        ("device=cl-1&value=x&points=2001", "from 1 to 2000"),
        ("device=cl-1&value=x&since=500d", "at most 400 d"),
        ("device=cl-1&value=x&since=1h&until=2h", "since must lie before until"),
        ("device=cl-1&value=x&since=yesterday", "since is 'yesterday'"),
    ],
)
async def test_a_wrong_question_is_answered_with_what_is_wrong(
    client: Client, asked: str, said: str
) -> None:
    assert said in (await get(client, asked, 400))["error"]


async def test_a_value_that_nobody_reported_has_no_bucket(client: Client) -> None:
    found = await get(client, "device=nobody&value=temperature")
    assert (found["buckets"], found["type"]) == ([], "number")


RULE = """
rules:
  - name: warm
    title: {zh: 温度偏高, en: Warm}
    on: climate
    when: temperature > high or 12 >= temperature and not (temperature == 3)
    with: {high: 30}
    severity: warning
    category: trouble
  - name: changing
    title: {zh: 变化, en: Changing}
    on: climate
    when: rate(temperature, 10m) > 5 or temperature + 1 > 90 or humidity > 95
    severity: notice
    category: trouble
settings:
  - {rule: warm, device: climate1, set: {high: 35}, because: an oven}
"""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with Phone() as phone:
        house = House(tmp_path, Jumpable(), phone)
        house.write(replay='{"t": 0, "device": "climate1", "values": {"temperature": 41}}\n')
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules" / "site.yaml").write_text(RULE, encoding="utf-8")
        with house.file.open("a", encoding="utf-8") as file:
            file.write("rules: {dir: rules, packs: []}\n")
        yield house
        await house.stop()


async def test_a_whole_gateway_draws_what_came_in_with_its_rules_and_incidents(
    house: House,
) -> None:
    await house.start()
    await house.until(lambda: house.incidents("warm"))
    for asked in ("history?device=climate1&value=temperature&since=10m&points=300",
                  "history?device=climate1&value=temperature&since=7d"):  # fmt: skip
        found = await house.get(asked)
        assert [(each["min"], each["max"]) for each in found["buckets"]] == [(41.0, 41.0)]
        assert found["behind"] == 0
        assert [
            (line["title_en"], line["sign"], line["number"]) for line in found["thresholds"]
        ] == [
            ("Warm", ">", 35.0),
            ("Warm", "<=", 12.0),
        ]
        assert [mark["severity"] for mark in found["marks"]] == ["warning"]


async def test_charts_that_do_not_run_are_said_in_one_line(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_keeper: Keeper, _asked: object) -> None:
        raise Unavailable("history: the charts' reader does not run now")

    monkeypatch.setattr(Keeper, "ask", away)
    await house.start()
    found = await house.get("history?device=climate1&value=temperature")
    assert "charts' reader" in found["error"]
