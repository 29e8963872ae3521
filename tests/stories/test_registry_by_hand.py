"""The registry of a running gateway, changed row by row over its API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.stories.house import House
from tests.stories.phone import Phone
from tests.stories.test_registry_import import Story, gridwarden
from tests.virtual import VirtualClock

ALARM = json.dumps({"t": 10, "device": "s301", "values": {"alarm": True}, "key": "a"}) + "\n"


class Desk:
    """Somebody who changes rows."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.edition = 1

    async def ask(self, table: str, **sent: Any) -> tuple[int, Any]:
        body = {"by": "person:wu", "edition": self.edition} | sent
        base = self.story.house.running.console_url
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{base}/api/v1/registry/{table}", json=body) as answer,
        ):
            return answer.status, await answer.json()

    async def change(self, table: str, **sent: Any) -> Any:
        status, answer = await self.ask(table, **sent)
        assert (status, answer["faults"]) == (200, [])
        if answer["edition"]:
            assert answer["edition"] == self.edition + 1
            self.edition += 1
        return answer


@pytest.fixture
async def desk(virtual: House) -> Desk:
    story = Story(virtual)
    story.write((10, "s301", {"alarm": True}))
    await story.bring("places", "devices", "people")
    await virtual.start()
    return Desk(story)


async def test_one_telephone_is_changed_and_the_history_says_by_whom(desk: Desk) -> None:
    sent = {"key": "lin", "row": {"phone": "13900000002"}}
    looked = await desk.change("people", **sent, dry=True)
    assert looked["edition"] == 0
    [row] = looked["changes"]
    assert (row["before"]["phone"], row["after"]["phone"]) == ("13800000002", "13900000002")
    assert (await desk.change("people", **sent))["edition"] == 2
    found = await desk.story.house.get("registry/people?text=lin")
    assert [each["row"]["phone"] for each in found["rows"]] == ["13900000002"]
    newest = (await desk.story.house.get("registry"))["editions"]
    assert [(each["number"], each["by_name"]) for each in newest] == [(2, "吴刚"), (1, "admin")]
    assert newest[0]["rows"] == [{"table": "people", "id": "lin", "name": "林涛"}]
    told = json.dumps([desk.story.house.log, await desk.story.house.get("people")], default=str)
    assert "13900000002" not in told
    await desk.story.house.stop()
    said = await gridwarden("export", "editions", "--config", str(desk.story.house.file))
    assert said.out.splitlines()[-1].endswith("person:wu  people: changed 1")


async def test_who_opened_the_form_before_somebody_elses_change_is_told_whose(desk: Desk) -> None:
    await desk.change("devices", key="s302", row={"name": "302 室烟感"})
    desk.edition = 1
    status, answer = await desk.ask("people", key="lin", row={"phone": "110"})
    assert (status, answer["edition"]) == (409, 2)
    assert "吴刚：302 室烟感" in answer["zh"]
    assert "吴刚: 302 室烟感" in answer["en"]
    assert [each["number"] for each in answer["editions"]] == [2]


async def test_what_is_wrong_is_said_at_its_column_and_changes_nothing(desk: Desk) -> None:
    row = {"phone": "one", "channels": "pager", "grid": "7"}
    status, answer = await desk.ask("people", key="lin", row=row)
    assert (status, answer["ok"], answer["edition"]) == (200, False, 0)
    assert {each["column"] for each in answer["faults"]} == {"phone", "channels", "grid"}
    phone = next(each for each in answer["faults"] if each["column"] == "phone")
    assert phone["en"].startswith("no phone number")
    assert (await desk.story.house.get("registry"))["edition"] == 1


async def test_a_bypassed_detector_is_silent_until_its_time_and_a_broken_one_is_replaced(
    desk: Desk,
) -> None:
    until = {"until": "2026-01-05 18:00", "because": "装修"}
    found = await desk.change("devices", change="bypass", key="s301", row=until)
    assert found["changes"][0]["after"]["state"] == "bypassed"
    await desk.story.at(11)
    assert desk.story.told() == []
    await desk.change("devices", change="restore", key="s301")
    await desk.change("devices", change="replace", key="s501", row={"address": "s999"})
    devices = desk.story.house.running.view.site().devices
    assert (devices["s301"].state, devices["s501"].address) == ("accepted", "s999")
    await desk.change("devices", change="retire", key="s302", row={"because": "坏了"})
    await desk.change("devices", change="remove", key="s302")
    assert "s302" not in desk.story.house.running.view.site().devices


async def test_a_shift_is_swapped_and_a_person_gone_from_a_roster_is_refused(desk: Desk) -> None:
    line = {"place": "9901010101", "role": "officer", "people": "lin", "hours": "00:00-12:00"}
    await desk.change("rosters", row=line)
    await desk.change("rosters", row=line | {"people": "wu", "hours": "12:00-24:00"})
    swap = {"place": "9901010101", "role": "officer", "one": "lin", "other": "wu",
            "day": "2026-01-06"}  # fmt: skip
    found = await desk.change("rosters", change="swap", row=swap)
    assert [each["after"]["people"] for each in found["changes"]] == ["wu", "lin"]
    _, answer = await desk.ask("people", change="remove", key="lin")
    assert "lin" in answer["faults"][0]["zh"]
    await desk.change("holidays", row={"day": "2026-10-01", "name": "国庆"})
    place = {"code": "9901010103", "parent": "99010101", "level": "网格", "name": "第三网格"}
    await desk.change("places", row=place)
    assert (await desk.story.house.get("registry/places?text=第三"))["rows"][0][
        "key"
    ] == "9901010103"
    assert (await desk.story.house.get("registry/rosters?place=9901010102"))["found"] == 0


async def test_what_is_no_change_is_refused_and_so_is_every_one_where_files_are_the_registry(
    desk: Desk,
) -> None:
    for sent in ({"by": " "}, {"change": "swap"}, {"row": {"a": 1}}, {"more": 1}, {"by": "a\n"},
                 {"key": "x" * 201}, {"row": {"name": "x" * 8_001}}):  # fmt: skip
        assert (await desk.ask("people", **sent))[0] == 400, sent
    assert (await desk.ask("people", row={"name": "x" * 20_000}))[0] == 413
    assert (await desk.ask("borders"))[0] == 404
    base = desk.story.house.running.console_url
    async with aiohttp.ClientSession(base) as session:
        async with session.post("/api/v1/registry/people", data=b"{}") as answer:
            assert answer.status == 415
        other = {"Origin": "http://elsewhere.example"}
        async with session.post("/api/v1/registry/people", json={}, headers=other) as answer:
            assert answer.status == 403
        async with session.get("/api/v1/registry/people?limit=201") as answer:
            assert answer.status == 400
    await desk.story.house.stop()
    desk.story.write(files=True)
    await desk.story.house.start()
    status, answer = await desk.ask("people", key="lin", row={"phone": "110"})
    assert status == 409
    assert "registry" in answer["zh"]
    assert (await desk.story.house.get("registry"))["in_files"] is True


async def test_on_postgresql_too(tmp_path: Path, phone: Phone, postgresql: str) -> None:
    house = House(tmp_path, VirtualClock(), phone)
    house.write(replay=ALARM, cases=postgresql)
    text = "\n".join(r for r in house.file.read_text("utf-8").splitlines() if "registry:" not in r)
    house.file.write_text(text, encoding="utf-8")
    story = Story(house)
    await house.start()
    try:
        story.say("devices", story.devices)
        assert (await story.bring("places", "devices", "people")).code == 0
        desk = Desk(story)
        await desk.change("people", key="lin", row={"phone": "13900000002"})
        newest = (await house.get("registry"))["editions"]
        assert newest[0]["rows"] == [{"table": "people", "id": "lin", "name": "林涛"}]
    finally:
        await house.stop()
