"""Arming and rules over the API: what is shown, what may be asked, and who is refused."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.cli._problems import in_chinese
from gateway.console import arming
from gateway.console.app import create_app
from gateway.model import Device, Place, Text
from gateway.ports import Unavailable
from tests.console.conftest import Client
from tests.console.memory_view import HOUR, MemoryView, ModeRow
from tests.virtual import START, VirtualClock

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
        "by_name_en": "门口键盘",
        "since": "2026-01-05T07:00:00.000Z",
        "plan": "offices",
        "plan_title": "办公区夜间布防",
        "plan_title_en": "Offices at night",
        "next": "2026-01-05T09:00:00.000Z",
        "until": None,
    }
    planned = found["1309010102"]
    assert (planned["by_name"], planned["since"]) == ("办公区夜间布防", None)
    assert planned["by_name_en"] == "Offices at night"
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
    assert {row.mode for row in await view.modes()} == {"disarmed"}
    assert {(row.by, row.until) for row in await view.modes()} == {("person:wang", 0)}


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
    before = await view.modes()
    error = (await asked(client, body, status))["error"]
    assert 10 < len(error) < 200
    assert await view.modes() == before


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


async def test_what_is_unchanged_is_not_sent_again(client: Client, view: MemoryView) -> None:
    async with client.get(ARMING) as answer:
        tag = answer.headers["ETag"]
    async with client.get(ARMING, headers={"If-None-Match": tag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    await view.arm(GRID, "home", "person:li", 0)
    async with client.get(ARMING, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 200
        assert answer.headers["ETag"] != tag


async def test_where_the_registry_names_nobody_the_duty_officer_arms(
    client: Client, view: MemoryView
) -> None:
    async with client.get("/api/v1/people") as answer:
        assert "duty" not in {person["id"] for person in await answer.json()}
    await asked(client, {"place": GRID, "mode": "home", "person": "duty"}, 400)
    view.the_site = msgspec.structs.replace(view.the_site, people={})
    async with client.get("/api/v1/people") as answer:
        [duty] = await answer.json()
    assert (duty["id"], duty["name"], duty["name_en"]) == ("duty", "值班员", "Duty officer")
    await asked(client, {"place": "", "mode": "disarmed", "person": "duty"})
    row = (await shown(client))[GRID]
    assert (row["by"], row["by_name"], row["by_name_en"]) == (
        "person:duty",
        "值班员",
        "Duty officer",
    )


@pytest.mark.parametrize(
    ("body", "status", "zh"),
    [
        ({"place": GRID, "mode": "home", "person": "nobody"}, 400, "名单上没有此人。"),
        ({"place": "1310", "mode": "home", "person": "li"}, 404, "没有这个地点。"),
    ],
)
async def test_what_a_person_may_meet_is_refused_in_both_languages(
    client: Client, body: Any, status: int, zh: str
) -> None:
    answer = await asked(client, body, status)
    assert answer["zh"] == zh
    assert answer["en"] == answer["error"]


async def test_an_origin_that_is_no_address_is_refused_and_not_fallen_over(client: Client) -> None:
    body = {"place": GRID, "mode": "disarmed", "person": "li"}
    for origin in ("http://[evil", "null", "file://", "http://127.0.0.1@evil.example"):
        async with client.post(ARMING, json=body, headers={"Origin": origin}) as answer:
            assert answer.status == 403, origin


async def test_one_thousand_four_hundred_grids_are_made_into_an_answer_off_the_loop(
    client: Client, view: MemoryView, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop_thread = threading.get_ident()
    made_in: list[int] = []
    make = arming.arming_json

    def noting(*arguments: Any) -> Any:
        made_in.append(threading.get_ident())
        return make(*arguments)

    monkeypatch.setattr("gateway.console.api.arming_json", noting)
    grids = [Place(f"g{n}", "1309", "grid", f"{n} 网格") for n in range(1_400)]
    view.the_site.places.update({each.code: each for each in grids})
    view.armed |= {each.code: ModeRow(each.code) for each in grids}
    assert len(await shown(client)) == 1_405
    await shown(client)
    assert len(made_in) == 1, "it is made anew only when something changed"
    assert loop_thread not in made_in


async def test_a_store_that_takes_nothing_says_so_in_both_languages(
    view: MemoryView, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise Unavailable("/data/journal.db: database or disk is full; make room on the disk")

    monkeypatch.setattr(view, "arm", full)
    app = create_app(view, clock=clock, chinese=in_chinese)
    async with TestClient(TestServer(app)) as client:
        body = {"place": GRID, "mode": "home", "person": "li"}
        answer = await asked(client, body, 503)
    assert answer["zh"] == "/data/journal.db:磁盘已满,请腾出磁盘空间"
    assert answer["en"] == answer["error"]
