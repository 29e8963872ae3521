"""Silences and held messages over the API, with the real store, desk and teller behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.console.app import create_app
from gateway.model import Category, TellingLimits
from gateway.telling import StoreTelling
from tests.cases.build import alarmed
from tests.cases.house import House, Phone, StoryClock, living
from tests.console.conftest import Client
from tests.console.memory_view import MemoryView

SILENCES = "/api/v1/silences"
WISH = {"person": "li", "because": "换电池", "for": "2h", "place": "130101"}


class Console(NamedTuple):
    client: Client
    house: House
    clock: StoryClock


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    clock = StoryClock()
    limits = TellingLimits(first=1)
    async with living(tmp_path / "c.db", clock, {"phone": Phone()}, limits=limits) as house:
        view = MemoryView(clock)
        view.the_site = house.site
        app = create_app(view, clock=clock, telling=StoreTelling(house.cases, house.silences))
        async with TestClient(TestServer(app)) as client:
            yield Console(client, house, clock)


async def asked(client: Client, method: str, path: str, status: int = 200, **more: Any) -> Any:
    async with client.request(method, path, **more) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def test_silence_is_made_shown_and_ended(console: Console) -> None:
    [made] = await asked(console.client, "POST", SILENCES, json=WISH)
    assert made == {
        "id": 1,
        "place": "130101",
        "place_name": "云河社区 / 一网格",
        "device": "",
        "device_name": "",
        "rule": "",
        "category": "",
        "since": "2026-01-05T08:00:00.000Z",
        "until": "2026-01-05T10:00:00.000Z",
        "stands": True,
        "over": False,
        "because": "换电池",
        "by": "person:li",
        "by_name": "李四",
        "ended_by": "",
    }
    later = await asked(console.client, "POST", SILENCES, json={**WISH, "begin": "30m"})
    assert [each["stands"] for each in later] == [False, True]
    [_, over] = await asked(console.client, "DELETE", f"{SILENCES}/1?person=wang")
    assert (over["stands"], over["ended_by"]) == (False, "person:wang")
    assert len(await asked(console.client, "GET", SILENCES)) == 2


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"person": "nobody"}, 400),
        ({"for": "soon"}, 400),
        ({"begin": "soon"}, 400),
        ({"for": "31d"}, 409),
        ({"place": "9"}, 409),
        ({"place": "", "category": "life"}, 409),
        ({"because": ""}, 409),
        ({"because": "x" * 2_001}, 400),
        ({"more": 1}, 400),
    ],
    ids=["person", "span", "begin", "long", "place", "life", "no reason", "endless", "unknown"],
)
async def test_impossible_silence_is_refused(
    console: Console, change: dict[str, Any], status: int
) -> None:
    said = await asked(console.client, "POST", SILENCES, status, json={**WISH, **change})
    assert said["error"]
    assert await asked(console.client, "GET", SILENCES) == []


async def test_only_a_silence_that_stands_can_be_ended_and_by_somebody(console: Console) -> None:
    await asked(console.client, "DELETE", f"{SILENCES}/1?person=li", 409)
    await asked(console.client, "DELETE", f"{SILENCES}/x?person=li", 404)
    await asked(console.client, "DELETE", f"{SILENCES}/1", 400)


async def test_what_is_held_says_for_whom_why_and_until_when(console: Console) -> None:
    changes = (alarmed(rule="low", same=f"d{n}", category=Category.trouble) for n in range(3))
    await console.house.take(*changes)
    await console.clock.settle()
    [held] = await asked(console.client, "GET", "/api/v1/held")
    assert held["held"] == "storm"
    assert (held["person"], held["name"], held["purpose"]) == ("zhang", "张三", "opened")
    assert held["until"] == "2026-01-05T08:01:00.000Z"
    assert held["due_in"] == 60
    await console.clock.advance(60)
    assert await asked(console.client, "GET", "/api/v1/held") == []
