"""Arming and rules over the API: what is shown, what may be asked, and who is refused."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model import Device, Place, Text
from tests.console.conftest import Client
from tests.console.memory_view import HOUR, MemoryView, ModeRow
from tests.virtual import START

ARMING = "/api/v1/arming"
GRID = "1309010101"


async def shown(client: Client) -> dict[str, Any]:
    async with client.get(ARMING) as answer:
        assert answer.status == 200
        return {row["place"]: row for row in await answer.json()}


async def asked(client: Client, body: Any, status: int = 200, path: str = ARMING) -> Any:
    async with client.post(path, json=body) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def test_every_place_is_shown_with_who_set_it_and_what_comes_next(
    client: Client, view: MemoryView
) -> None:
    view.the_site.devices["keypad"] = Device("keypad", "line", "k", "panel", "门口键盘", GRID)
    view.armed[GRID] = ModeRow(GRID, "home", "device:keypad", START - HOUR, "offices", START + HOUR)
    view.armed["1309010102"] = ModeRow("1309010102", "away", "plan:offices", 0, "offices", 0, START)
    found = await shown(client)
    assert list(found) == ["1309", "130901", "13090101", GRID, "1309010102"]
    assert [row["depth"] for row in found.values()] == [0, 1, 2, 3, 3]
    assert found[GRID] == {
        "place": GRID,
        "name": "第一网格",
        "parent": "13090101",
        "level": "grid",
        "depth": 3,
        "mode": "home",
        "by": "device:keypad",
        "by_name": "门口键盘",
        "since": "2026-01-05T07:00:00.000Z",
        "plan": "offices",
        "next": "2026-01-05T09:00:00.000Z",
        "until": None,
    }
    planned = found["1309010102"]
    assert (planned["by_name"], planned["since"]) == ("offices", None)
    assert planned["until"] == "2026-01-05T08:00:00.000Z"
    assert (found["1309"]["by"], found["1309"]["by_name"]) == ("", "")


async def test_a_place_whose_parent_nobody_knows_is_shown_as_a_topmost_one(
    client: Client, view: MemoryView
) -> None:
    view.the_site.places["77"] = Place("77", "7", "grid", "孤岛")
    view.armed["77"] = ModeRow("77")
    view.armed["gone"] = ModeRow("gone")
    found = await shown(client)
    assert found["77"]["depth"] == 0
    assert "gone" not in found


async def test_a_person_arms_a_place_for_some_hours(client: Client, view: MemoryView) -> None:
    body = {"place": GRID, "mode": "home", "person": "li", "for": "1h30m"}
    rows = {row["place"]: row for row in await asked(client, body)}
    assert (rows[GRID]["mode"], rows[GRID]["by_name"]) == ("home", "李四")
    assert rows[GRID]["until"] == "2026-01-05T09:30:00.000Z"
    assert rows["1309010102"]["mode"] == "away"
    await asked(client, {"place": "", "mode": "disarmed", "person": "wang"})
    assert {row.mode for row in view.modes()} == {"disarmed"}
    assert {(row.by, row.until) for row in view.modes()} == {("person:wang", 0)}


async def test_a_plan_takes_over_again(client: Client, view: MemoryView) -> None:
    view.armed[GRID] = ModeRow(GRID, "home", "person:li", START, "offices")
    rows = {
        r["place"]: r for r in await asked(client, {"place": GRID, "mode": "plan", "person": "li"})
    }
    assert rows[GRID]["by"] == "plan:offices"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"place": GRID, "mode": "home"}, 400),
        ({"place": GRID, "mode": "armed", "person": "li"}, 400),
        ({"place": GRID, "mode": "home", "person": "nobody"}, 400),
        ({"place": GRID, "mode": "home", "person": ""}, 400),
        ({"place": GRID, "mode": "home", "person": "li", "for": "soon"}, 400),
        ({"place": GRID, "mode": "home", "person": "li", "for": "0s"}, 400),
        ({"place": GRID, "mode": "home", "person": "li", "for": "367d"}, 400),
        ({"place": GRID, "mode": "home", "person": "li", "for": "9" * 400 + "d"}, 400),
        ({"place": GRID, "mode": "home", "person": "li", "admin": True}, 400),
        ({"place": "1310", "mode": "home", "person": "li"}, 404),
        ([], 400),
        ("\ud800", 400),
    ],
)
async def test_a_bad_wish_arms_nothing(
    client: Client, view: MemoryView, body: Any, status: int
) -> None:
    before = view.modes()
    error = (await asked(client, body, status))["error"]
    assert 10 < len(error) < 200
    assert view.modes() == before


async def test_a_refusal_is_said_in_both_languages(client: Client, view: MemoryView) -> None:
    view.refuses_arming = Text("不行。", "No.")
    body = {"place": GRID, "mode": "home", "person": "li"}
    assert await asked(client, body, 409) == {"error": "No.", "zh": "不行。", "en": "No."}


@pytest.mark.parametrize("path", [ARMING, "/api/v1/rules/reload"])
async def test_another_site_can_neither_arm_nor_reload(
    client: Client, view: MemoryView, path: str
) -> None:
    body = {"place": GRID, "mode": "disarmed", "person": "li"}
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        async with client.post(path, json=body, headers=headers) as answer:
            assert answer.status == 403
    async with client.post(path, data=b"{}", headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 415
    assert view.armed[GRID].mode == "away"
    assert view.reloads == 0


async def test_rules_are_shown_with_what_they_did_and_the_faults_of_new_ones(
    client: Client, view: MemoryView
) -> None:
    view.faults = ("site.yaml:4:9: unknown name 'hihg'",)
    reloaded = await asked(client, {}, path="/api/v1/rules/reload")
    assert reloaded.pop("ok") is False
    assert reloaded.pop("faults") == reloaded["problems"]
    async with client.get("/api/v1/rules") as answer:
        assert await answer.json() == reloaded
    assert view.reloads == 1
    assert (reloaded["digest"], reloaded["since"]) == ("5f3c" * 16, "2026-01-05T07:00:00.000Z")
    assert reloaded["problems"] == [{"zh": view.faults[0], "en": view.faults[0]}]
    assert reloaded["refused_at"] == "2026-01-05T08:00:00.000Z"
    assert reloaded["rules"][1] == {
        "name": "device_silent",
        "title": "设备失联",
        "title_en": "Device silent",
        "open": 2,
        "alarms": 7,
        "inhibited": 31,
        "errors": 0,
        "cost": 0.8,
    }
    view.faults = ()
    reloaded = await asked(client, {}, path="/api/v1/rules/reload")
    assert (reloaded["ok"], reloaded["faults"], reloaded["refused_at"]) == (True, [], None)
