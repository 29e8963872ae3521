"""The API's shapes, and what it does with hostile requests."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.console import query, shapes
from gateway.console.query import ApiError
from gateway.console.view import Now
from gateway.model import (
    SECOND,
    CheckIn,
    Deed,
    DeviceSeen,
    End,
    Happened,
    Point,
    Quality,
    Reading,
    Site,
    State,
    Wanted,
)
from gateway.patrol.report import Line
from gateway.patrol.rounds import Round
from tests.console.conftest import Client
from tests.console.memory_view import HOUR, MemoryView, make_incident
from tests.virtual import START

KEY = "F0105-0001"
RECEIVE = f"/api/v1/incidents/{KEY}/receive"
CLOSE = f"/api/v1/incidents/{KEY}/close"
NEW = {
    "title": "路灯倒伏", "why": "居民来电", "category": "facility", "severity": "warning",
    "place": "1309010101", "person": "li",
}  # fmt: skip


async def asked(client: Client, path: str, status: int = 200) -> Any:
    async with client.get(path) as answer:
        assert answer.status == status, await answer.text()
        assert answer.content_type == "application/json"
        return await answer.json()


async def posted(client: Client, path: str, body: Any, status: int = 200, **more: Any) -> Any:
    async with client.post(path, json=body, **more) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def test_a_list_goes_on_after_the_last_that_was_shown(
    client: Client, view: MemoryView
) -> None:
    for n in range(5):
        await view.open(make_incident(f"F{n}", START, opened_at=START - n // 2))
    found: list[str] = []
    while True:
        after = f"&after={found[-1]}" if found else ""
        page = await asked(client, f"/api/v1/incidents?limit=2{after}")
        found += [each["key"] for each in page]
        if len(page) < 2:
            break
    assert found == ["F1", "F0", "F3", "F2", "F4"]
    said = await asked(client, "/api/v1/incidents?after=F9", 400)
    assert said["error"] == "after is 'F9'; write the key of an incident"


async def test_people_are_sent_again_only_when_they_changed(
    client: Client, view: MemoryView
) -> None:
    async with client.get("/api/v1/people") as answer:
        tag = answer.headers["ETag"]
    async with client.get("/api/v1/people", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    people = {"li": view.the_site.people["li"]}
    view.the_site = msgspec.structs.replace(view.the_site, people=people)
    async with client.get("/api/v1/people", headers={"If-None-Match": tag}) as answer:
        assert [each["id"] for each in await answer.json()] == ["li"]


async def test_an_event_names_those_it_speaks_of(client: Client, view: MemoryView) -> None:
    await view.open(make_incident(KEY, START))
    moved = {"from": "zhang", "owner": "gone", "charge": "1309010102"}
    await view.happened(KEY, Happened.transferred, "person:li", moved)
    event = (await asked(client, f"/api/v1/incidents/{KEY}"))["events"][-1]
    assert event["names"] == {
        "from": "张三", "owner": "gone", "charge": "云河区 / 建设街道 / 花园社区 / 第二网格",
    }  # fmt: skip


async def test_a_long_round_shows_its_most_urgent_points(client: Client, view: MemoryView) -> None:
    begins = view.now().wall - HOUR
    early = Round("早巡", date(2026, 1, 5), begins, begins + 1)
    done = CheckIn("p0", "li", begins, 0, True)
    view.lines = [
        Line(early, Point(f"p{n}", f"点 {n}", "1309"), None if n else done) for n in range(4)
    ]
    [found] = (await asked(client, "/api/v1/patrol?day=2026-01-05&limit=2"))["rounds"]
    assert (found["of"], found["done"], found["missed"]) == (4, 1, 3)
    assert [each["id"] for each in found["points"]] == ["p1", "p2"]
    [whole] = (await asked(client, "/api/v1/patrol"))["rounds"]
    assert [each["id"] for each in whole["points"]] == ["p0", "p1", "p2", "p3"]


async def test_incidents_have_the_promised_fields(client: Client, view: MemoryView) -> None:
    digest = view.keep_picture()
    await view.open(make_incident(KEY, START, evidence=(digest,)), "zhang")
    [found] = await asked(client, "/api/v1/incidents?open=1")
    assert (
        found.items()
        >= {
            "key": KEY,
            "category": "life",
            "severity": "critical",
            "state": "open",
            "kind": "smoke",
            "device": "sm-1",
            "place": "1309010101",
            "place_name": "云河区 / 建设街道 / 花园社区 / 第一网格",
            "title": "烟雾报警：3 号楼 7 层烟感",
            "title_en": "Smoke alarm: building 3, floor 7",
            "opened_at": "2026-01-05T07:58:48.000Z",
            "age": 72.0,
            "owner": "zhang",
            "owner_name": "张三",
            "deadline_in": 228.0,
            "overdue": False,
            "cleared": False,
            "evidence": [f"/api/v1/evidence/{digest}"],
        }.items()
    )


async def test_open_leaves_closed_incidents_out_and_limit_bounds_the_list(
    client: Client, view: MemoryView
) -> None:
    for n in range(5):
        await view.open(make_incident(f"F{n}", START, opened_at=START - n * SECOND))
    await view.open(make_incident("F9", START, state=State.closed, deadline=0))
    assert len(await asked(client, "/api/v1/incidents")) == 6
    assert [i["key"] for i in await asked(client, "/api/v1/incidents?open=1&limit=2")] == ["F0", "F1"]  # fmt: skip
    closed = [i for i in await asked(client, "/api/v1/incidents") if i["key"] == "F9"]
    assert closed[0]["deadline_in"] is None


async def test_an_incident_tells_its_events_and_what_became_of_every_message(
    client: Client, view: MemoryView
) -> None:
    await view.open(make_incident(KEY, START), "zhang", "li")
    await view.end(KEY, "zhang", End.told)
    await view.act(KEY, Deed("receive", "li"))
    await view.act(KEY, Deed("close", "li", "false_alarm", "炒菜油烟"))
    found = await asked(client, f"/api/v1/incidents/{KEY}")
    opened, received, closed = found["events"]
    assert (opened["what"], opened["by"], opened["by_name"]) == ("opened", "rule:smoke_alarm", "")
    assert (closed["what"], closed["by_name"]) == ("closed", "李四")
    assert closed["previous"] == received["hash"]
    assert closed["texts"] == {"comment": "炒菜油烟"}
    told, waiting = found["messages"]
    assert (told["name"], told["end"], told["channel"], told["due_in"]) == ("张三", "told", "webhook", None)  # fmt: skip
    assert (waiting["name"], waiting["end"], waiting["due_in"]) == ("李四", "", 0.0)
    view.kept_texts.clear()
    found = await asked(client, f"/api/v1/incidents/{KEY}")
    assert found["events"][2]["texts"] == {}, "a deleted text is gone, its digest stays"


async def test_devices_show_newest_values_silence_and_strangers(client: Client) -> None:
    devices = {device["id"]: device for device in await asked(client, "/api/v1/devices")}
    smoke = devices["sm-1"]
    assert smoke["values"]["density"] == 0.31
    assert smoke["units"] == {"density": "%/m", "temperature": "°C", "battery": "%"}
    assert (smoke["age"], smoke["silent"], smoke["unknown"]) == (12.0, False, False)
    assert devices["sm-2"]["silent"]
    assert (devices["cam-1"]["age"], devices["cam-1"]["silent"]) == (None, False)
    stranger = devices["mqtt/zigbee/0x00158d"]
    assert (stranger["unknown"], stranger["kind"], stranger["driver"]) == (True, "unknown", "mqtt")
    own = devices["gateway/self"]
    assert (own["unknown"], own["own"]) == (False, True), "the gateway is no stranger to itself"
    assert devices["mh-1"]["quality"] == "clock_suspect"


async def test_people_leave_their_telephone_numbers_at_home(client: Client) -> None:
    people = await asked(client, "/api/v1/people")
    assert {"zhang", "li", "zhao", "wang"} == {person["id"] for person in people}
    assert "139" not in json.dumps([{**person, "grid": ""} for person in people])


async def test_readings_are_chosen_by_device_and_since(client: Client, view: MemoryView) -> None:
    ages = (7_200, 1_800, 60)
    view.kept_readings = [
        Reading("cl-1", "climate", {"temperature": float(age)}, at=START - age * SECOND,
                received_at=START - age * SECOND, quality=Quality.good)
        for age in ages
    ]  # fmt: skip

    async def seen(since: str) -> list[float]:
        found = await asked(client, f"/api/v1/readings?device=cl-1&since={since}")
        return [reading["values"]["temperature"] for reading in found]

    assert await seen("1h") == [1_800.0, 60.0]
    assert await seen("1h30m&limit=1") == [60.0]
    assert await seen("2026-01-05T07:59:00Z") == [60.0]
    assert await seen("2026-01-05T15:00:00%2B08:00") == [1_800.0, 60.0]
    assert await seen(str(START // SECOND - 7_200)) == [7_200.0, 1_800.0, 60.0]
    assert await asked(client, "/api/v1/readings?device=nobody") == []


@pytest.mark.parametrize(
    "path",
    [
        "readings",
        "readings?device=",
        "readings?device=" + "x" * 300,
        "readings?device=a&since=yesterday",
        "readings?device=a&since=-1h",
        "readings?device=a&since=" + "9" * 400,
        "readings?device=a&since=2026-13-45",
        "readings?device=a&since=%00",
        "readings?device=a&limit=10001",
        "readings?device=a&limit=0",
        "readings?device=a&limit=-1",
        "readings?device=a&limit=1e3",
        "readings?device=a&limit=%D9%A3",
        "readings?device=a&limit=" + "9" * 5_000,
        "incidents?limit=1001",
        "incidents?open=maybe",
        "incidents?state=lost",
        "incidents?category=life,gossip",
        "incidents?severity=9",
        "incidents?overdue=perhaps",
        "incidents?since=yesterday",
        "incidents?until=%00",
        "incidents?text=" + "x" * 201,
    ],
)
async def test_a_bad_question_is_answered_with_400_and_a_reason(client: Client, path: str) -> None:
    found = await asked(client, f"/api/v1/{path}", 400)
    assert 10 < len(found["error"]) < 200


@given(st.text(max_size=60))
def test_any_since_is_a_time_in_range_or_an_error(text: str) -> None:
    with contextlib.suppress(ApiError):
        assert 0 <= query.since({"since": text}, START) < 2**63


@given(st.integers())
def test_any_time_is_shown_or_absent(wall: int) -> None:
    shown = shapes.iso(wall)
    assert shown is None or shown.endswith("Z")


async def test_not_a_number_does_not_break_the_answer(client: Client, view: MemoryView) -> None:
    view.kept_readings = [Reading("x", "climate", {"temperature": float("nan")}, at=START)]
    [found] = await asked(client, "/api/v1/readings?device=x")
    assert found["values"] == {"temperature": None}


async def test_the_ledger_adds_up(client: Client) -> None:
    ledger = await asked(client, "/api/v1/ledger")
    assert ledger["received"] == ledger["stored"] + sum(ledger["refused"].values())
    for reader in ledger["readers"].values():
        parts = reader["delivered"] + reader["waiting"] + sum(reader["dropped"].values())
        assert parts == ledger["stored"]
    assert ledger["series"]["influxdb"]["dropped"] == {"too_old": 320}


async def test_health_is_200_when_well_and_503_when_not(client: Client, view: MemoryView) -> None:
    health = await asked(client, "/api/v1/health")
    assert health["ok"]
    assert health["tasks"][0]["since"] == "2026-01-05T08:00:00.000Z"
    view.well = False
    health = await asked(client, "/api/v1/health", 503)
    assert health["tasks"][1]["reason"] == "connection refused"


async def test_a_person_receives_and_closes(client: Client, view: MemoryView) -> None:
    await view.open(make_incident(KEY, START), "zhang")
    done = await posted(client, RECEIVE, {"person": "li"})
    assert (done["state"], done["owner_name"]) == ("received", "李四")
    done = await posted(client, CLOSE, {"person": "li", "outcome": "real", "comment": "已扑灭"})
    assert (done["state"], done["outcome"], done["deadline_in"]) == ("closed", "real", None)
    refused = await posted(client, RECEIVE, {"person": "li"}, 409)
    assert refused["zh"] == "这个事件已经办结。"
    assert refused["error"] == refused["en"] == "This incident is closed already."


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (CLOSE, {"person": "li"}, 400),
        (CLOSE, {"person": "li", "outcome": "whatever"}, 400),
        (RECEIVE, {}, 400),
        (RECEIVE, [], 400),
        (RECEIVE, {"person": ""}, 400),
        (RECEIVE, {"person": 7}, 400),
        (RECEIVE, {"person": "nobody"}, 400),
        (RECEIVE, {"person": "li", "comment": "长" * 2_001}, 400),
        (RECEIVE, {"person": "li", "admin": True}, 400),
        (RECEIVE, {"person": "li", "comment": "x" * 40_000}, 413),
        ("/api/v1/incidents/F9999/receive", {"person": "li"}, 404),
        (f"/api/v1/incidents/{KEY}/delete", {"person": "li"}, 404),
        (CLOSE, {"person": "li", "outcome": "false_alarm", "cause": "ghosts"}, 400),
        (f"/api/v1/incidents/{KEY}/attach", {"person": "li", "attachment": "../x"}, 400),
        (f"/api/v1/incidents/{KEY}/transfer", {"person": "li", "to": "x" * 201}, 400),
        (f"/api/v1/incidents/{KEY}/supervise", {"person": "wang", "within": "soon"}, 400),
        (f"/api/v1/incidents/{KEY}/supervise", {"person": "wang", "within": "31d"}, 400),
        ("/api/v1/incidents", {"person": "li"}, 400),
        ("/api/v1/incidents", NEW | {"category": "gossip"}, 400),
        ("/api/v1/incidents", NEW | {"title": "x" * 201}, 400),
        ("/api/v1/incidents", NEW | {"place": "nowhere"}, 409),
    ],
)
async def test_a_bad_action_changes_nothing(
    client: Client, view: MemoryView, path: str, body: Any, status: int
) -> None:
    await view.open(make_incident(KEY, START), "zhang")
    assert "error" in await posted(client, path, body, status)
    assert view.found[KEY].state is State.open


@pytest.mark.parametrize(
    ("verb", "body", "deed"),
    [
        ("transfer", {"to": "li", "comment": "休假"}, Deed("transfer", "wang", "", "休假", "li")),
        ("supervise", {"within": "30m"}, Deed("supervise", "wang", within=1_800 * SECOND)),
        ("comment", {"comment": "已核实"}, Deed("comment", "wang", comment="已核实")),
        ("attach", {"attachment": "ab" * 32}, Deed("attach", "wang", attachment="ab" * 32)),
        ("reopen", {"comment": "复燃"}, Deed("reopen", "wang", comment="复燃")),
        (
            "close",
            {"outcome": "false_alarm", "cause": "steam"},
            Deed("close", "wang", "false_alarm", cause="steam"),
        ),
    ],
)
async def test_every_verb_reaches_the_desk_whole(
    client: Client, view: MemoryView, verb: str, body: dict[str, str], deed: Deed
) -> None:
    await view.open(make_incident(KEY, START, state=State.received), "zhang")
    await posted(client, f"/api/v1/incidents/{KEY}/{verb}", {"person": "wang", **body})
    assert view.deeds == [deed]


async def test_a_person_opens_an_incident(client: Client, view: MemoryView) -> None:
    made = await posted(client, "/api/v1/incidents", NEW, 201)
    assert (made["title"], made["category"], made["rule"]) == ("路灯倒伏", "facility", "manual")
    assert made["key"] in view.found


async def test_incidents_are_chosen_by_several_criteria_at_once(
    client: Client, view: MemoryView
) -> None:
    path = (
        "/api/v1/incidents?state=open,received&category=life&severity=alarm,critical&owner=li"
        "&place=1309&since=2026-01-01&until=2026-02-01&overdue=1&text=烟雾"
    )
    await asked(client, path)
    day = 86_400 * SECOND
    january = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * SECOND
    assert view.wanted == Wanted(
        ("open", "received"), ("life",), ("alarm", "critical"), ("li",), "1309",
        january, january + 31 * day, True, "烟雾",
    )  # fmt: skip
    await asked(client, "/api/v1/incidents?open=1")
    assert view.wanted.states == ("open", "received", "handling")
    await asked(client, "/api/v1/incidents")
    assert view.wanted == Wanted()


async def test_a_broken_body_is_answered_with_400(client: Client, view: MemoryView) -> None:
    await view.open(make_incident(KEY, START))
    headers = {"Content-Type": "application/json"}
    for body in (b"", b"{", b"\xff\xfe", b"[" * 10_000, b'{"person": "\xff"}'):
        async with client.post(RECEIVE, data=body, headers=headers) as answer:
            assert answer.status == 400
            assert "error" in await answer.json()


async def test_a_snapshot_is_served_by_its_digest_alone(client: Client, view: MemoryView) -> None:
    digest = view.keep_picture()
    async with client.get(f"/api/v1/evidence/{digest}") as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
    assert view.folder is not None
    secret = view.folder.parent / "secret"
    secret.write_text("secret")
    page = "f" * 64
    (view.folder / page).write_text("<script>alert(1)</script>")
    async with client.get(f"/api/v1/evidence/{page}") as answer:
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment"
    for path in ("../secret", "..%2Fsecret", "%2e%2e%2fsecret", "0" * 64, digest.upper(), "%00"):
        async with client.get(f"/api/v1/evidence/{path}") as answer:
            assert answer.status == 404
            assert "secret" not in (await answer.text()).replace("/secret", "")
    for path in ("/static/../app.py", "/static/..%2Fapp.py", "/static/%2e%2e/app.py"):
        async with client.get(path) as answer:
            assert answer.status in (403, 404)


async def test_wrong_paths_and_methods_are_errors_in_json(client: Client) -> None:
    assert "nothing at" in (await asked(client, "/api/v1/nonsense", 404))["error"]
    assert "nothing at" in (await asked(client, "/nonsense", 404))["error"]
    async with client.delete("/api/v1/incidents") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD, POST"
        assert "use GET" in (await answer.json())["error"]


def test_every_model_field_that_the_page_needs_survives_json() -> None:
    incident = make_incident(KEY, START)
    view_of = shapes.incident_json(Site(), incident, Now(START, 0), {})
    assert msgspec.json.decode(msgspec.json.encode(view_of))["owner_name"] == "zhang"


async def test_a_stranger_is_shown_by_the_name_its_bridge_gave_it(
    client: Client, view: MemoryView
) -> None:
    view.the_announced = {
        "lora/a84041": DeviceSeen("lora/a84041", "manhole", "Milesight EM310", "五号井"),
        "mqtt/zigbee/0x00158d": DeviceSeen("mqtt/zigbee/0x00158d", "", "", "zigbee/0x00158d"),
    }
    devices = {device["id"]: device for device in await asked(client, "/api/v1/devices")}
    silent = devices["lora/a84041"]
    assert (silent["name"], silent["model"]) == ("五号井 (lora/a84041)", "Milesight EM310")
    assert (silent["kind"], silent["age"], silent["unknown"]) == ("manhole", None, True)
    assert devices["mqtt/zigbee/0x00158d"]["name"] == "mqtt/zigbee/0x00158d"


async def test_a_clip_is_served_as_a_video(client: Client, view: MemoryView) -> None:
    view.keep_picture()
    assert view.folder is not None
    name = "e" * 64
    (view.folder / name).write_bytes(b"\0\0\0\x18ftypmp42" + bytes(40))
    async with client.get(f"/api/v1/evidence/{name}", headers={"Range": "bytes=0-9"}) as answer:
        assert (answer.status, answer.content_type) == (206, "video/mp4")
        assert "Content-Disposition" not in answer.headers
