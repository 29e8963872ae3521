"""A case from hand to hand, in virtual time: the ladder, a transfer, a shift, three days."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from gateway.incidents import people
from gateway.model import SECOND, Action, Person, Site
from tests.stories.estate import HOUR, Estate
from tests.stories.house import PEOPLE, House

SHIFT = PEOPLE.replace("lin,", "bai,白洁,9901010101,assistant,13800000004,zh,phone\nlin,", 1)
LIMITS = """
limits:
  - {place: "9901010101", category: life, stage: receive, within: 4m, warn: 1m}
  - {category: life, stage: close, within: 30h, warn: 6h}
"""


@pytest.fixture
def estate(virtual: House) -> Estate:
    estate = Estate(virtual)
    estate.packs = "fire"
    return estate


async def asked(estate: Estate, key: str, verb: str, **body: str) -> tuple[int, dict[str, Any]]:
    url = f"{estate.house.running.console_url}/api/v1/incidents/{key}/{verb}"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        return answer.status, await answer.json()


async def limit_runs_out(estate: Estate) -> None:
    """To just after the deadline."""
    left = (await estate.only())["deadline_in"]
    await estate.skip(estate.now + left - 1, 60)
    await estate.at(estate.now + 2)


async def what(estate: Estate, key: str) -> list[str]:
    return [event["what"] for event in (await estate.house.get(f"incidents/{key}"))["events"]]


async def test_nobody_comes_and_the_ladder_goes_to_the_top_and_rings_on(
    estate: Estate,
) -> None:
    await estate.begin((10, "s301", {"alarm": True}))
    await estate.at(11)
    key = (await estate.only())["key"]
    owners = [(await estate.only())["owner"]]
    for _ in range(5):
        await limit_runs_out(estate)
        owners.append((await estate.only())["owner"])
    # assistant, officer, supervisor of the grid, then those of the district
    assert owners == ["chen", "lin", "zhou", "sun", "wu", "zhao"]
    told = estate.told()
    for person in ("lin", "zhou", "sun", "wu", "zhao"):
        assert ("escalated", person) in told
    await limit_runs_out(estate)  # nobody is above
    everybody = sorted(("overdue", who) for who in owners)
    assert sorted(set(estate.told()) - {("again", "zhou")}) == everybody
    assert 590 < (await estate.only())["deadline_in"] <= 600  # twice as far each time
    await limit_runs_out(estate)
    assert sorted(estate.told()) == everybody
    assert 1_190 < (await estate.only())["deadline_in"] <= 1_200
    assert (await what(estate, key)).count("escalated") == 5


async def test_a_transfer_without_a_reason_is_refused_and_changes_nothing(estate: Estate) -> None:
    await estate.begin((10, "s301", {"alarm": True}))
    await estate.at(20)
    estate.told()
    key = (await estate.only())["key"]
    await estate.house.act(key, "receive", "chen")
    status, answer = await asked(estate, key, "transfer", person="chen", to="lin")
    assert status == 409
    assert answer["zh"] == "转办必须说明理由。"
    assert "reason" in answer["en"]
    assert (await estate.only())["owner"] == "chen"
    assert await what(estate, key) == ["opened", "received"]
    status, done = await asked(
        estate, key, "transfer", person="chen", to="lin", comment="需要进屋,我没有钥匙"
    )
    assert (status, done["owner"], done["state"]) == (200, "lin", "open")
    await estate.at(22)
    assert estate.told() == [("transferred", "lin")]
    event = (await estate.house.get(f"incidents/{key}"))["events"][-1]
    assert event["texts"]["comment"] == "需要进屋,我没有钥匙"
    await estate.house.act(key, "receive", "lin")
    await estate.house.act(key, "handle", "lin")
    await estate.house.act(key, "close", "lin", outcome="false_alarm", cause="cooking")
    assert (await estate.only())["cause"] == "cooking"


async def test_a_resolve_after_three_days_reaches_everybody_who_was_told(estate: Estate) -> None:
    estate.limits = LIMITS
    end = 73 * HOUR
    await estate.begin((10, "s301", {"alarm": True}), (end, "s301", {"alarm": False}))
    await estate.at(200)
    assert estate.told() == [("opened", "chen"), ("warned", "chen")]  # a minute before
    await estate.at(252)
    assert sorted(estate.told()) == [("escalated", "lin"), ("overdue", "chen")]
    key = (await estate.only())["key"]
    await estate.house.act(key, "receive", "lin")
    await estate.house.act(key, "handle", "lin")
    await estate.skip(24.5 * HOUR, HOUR)
    assert [one for one in estate.told() if one[0] != "again"] == [("warned", "lin")]
    await estate.skip(30.5 * HOUR, HOUR)
    assert sorted(estate.told()) == [("escalated", "zhou"), ("overdue", "lin")]
    assert (await estate.only())["owner"] == "lin"  # the first who took it stays responsible
    await estate.skip(end - 10, HOUR)
    estate.told()
    await estate.skip(end + 60, 10)
    assert {who for purpose, who in estate.told() if purpose == "cleared"} >= {
        "chen",
        "lin",
        "zhou",
    }
    await estate.house.act(key, "close", "lin", outcome="real", comment="更换线路")
    await estate.clock.advance(5)
    assert {("closed", "chen"), ("closed", "zhou")} <= set(estate.told())
    closed = await estate.only()
    assert (closed["state"], closed["deadline_in"]) == ("closed", None)
    status, again = await asked(estate, key, "reopen", person="zhou", comment="又有焦味")
    assert (status, again["state"], again["owner"], again["key"]) == (200, "open", "lin", key)
    await estate.clock.advance(5)
    told = estate.told()
    assert ("reopened", "lin") in told
    assert ("reopened", "chen") in told


def in_shifts(where: Site, code: str, role: str, wall: int) -> tuple[Person, ...]:
    """The assistants of a grid relieve each other at 20 o'clock (China)."""
    found = [p for p in where.people.values() if (p.grid, p.role) == (code, role)]
    night = (wall // SECOND + 8 * 3_600) % 86_400 >= 20 * 3_600
    return tuple(found[night:][:1] or found) if role == "assistant" else tuple(found)


async def test_a_shift_that_ends_leaves_the_case_to_the_next_one(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "on_duty", in_shifts)
    (estate.house.folder / "people.csv").write_text(SHIFT, encoding="utf-8")
    estate.limits = LIMITS.replace("within: 4m", "within: 40m")
    await estate.begin((10, "s301", {"alarm": True}), at="2026-01-05 19:50")
    await estate.at(60)
    assert estate.told() == [("opened", "chen")]
    before = await estate.only()
    await estate.skip(599, 30)
    assert estate.told() == []
    await estate.skip(600 + 181, 30)  # looked at every three minutes
    assert [one for one in estate.told() if one[0] != "again"] == [("transferred", "bai")]
    now = await estate.only()
    assert (now["owner"], now["state"]) == ("bai", "open")
    assert now["deadline_in"] == before["deadline_in"] - 721  # the case's own clock goes on
    event = (await estate.house.get(f"incidents/{now['key']}"))["events"][-1]
    assert (event["what"], event["by"], event["data"]["because"]) == (
        "transferred",
        "timer",
        "shift",
    )
    await estate.house.act(now["key"], "receive", "bai")
    estate.told()
    await estate.clock.advance(400)
    assert (await estate.only())["owner"] == "bai"


async def test_who_leaves_the_registry_leaves_the_case_at_once(estate: Estate) -> None:
    await estate.begin((10, "s301", {"alarm": True}))
    await estate.at(20)
    estate.told()
    key = (await estate.only())["key"]
    await estate.house.act(key, "receive", "chen")
    file = estate.house.folder / "people.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("chen,陈静", "xie,谢敏"), encoding="utf-8")
    await estate.at(40)
    assert estate.told() == [("transferred", "xie")]
    incident = await estate.only()
    assert (incident["owner"], incident["state"]) == ("xie", "open")


async def test_an_answer_in_the_journal_is_a_deed_once_also_after_a_restart(
    estate: Estate,
) -> None:
    await estate.begin((10, "s301", {"alarm": True}), (60, "s301", {"alarm": False}))
    await estate.at(20)
    key = (await estate.only())["key"]
    await estate.reply(Action("receive", "", "13800000001", "1 马上到"))
    await estate.at(25)
    assert (await estate.only())["state"] == "received"
    await estate.reply(Action("close", key, "13800000002", "2 油烟"))
    await estate.at(30)
    closed = await estate.only()
    assert (closed["state"], closed["outcome"], closed["cause"]) == (
        "closed",
        "false_alarm",
        "cooking",
    )
    await estate.reply(Action("close", key, "13800000002", "2"))
    await estate.at(35)
    assert ("answer", "lin") in estate.told()
    before = await what(estate, key)
    assert before == ["opened", "received", "closed", "refused"]
    await estate.restart()
    await estate.clock.advance(30)
    assert await what(estate, key) == before
    assert estate.told() == []


async def test_a_hazard_seen_on_patrol_runs_through_the_same_machine(estate: Estate) -> None:
    await estate.begin((3_000, "s301", {"alarm": False}))
    url = f"{estate.house.running.console_url}/api/v1/incidents"
    body = {
        "title": "楼道堆放杂物", "why": "三层楼道堵塞", "category": "facility", "severity": "warning",
        "place": "990101010101", "person": "lin", "comment": "住户王女士 13800009999",
    }  # fmt: skip
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json=body) as answer:
            assert answer.status == 201
            made = await answer.json()
        async with session.post(url, json=body | {"place": "nowhere"}) as answer:
            assert answer.status == 409
            assert (await answer.json())["zh"] == "没有这个地点。"
    await estate.clock.advance(1)
    assert estate.told() == [("opened", "chen")]
    assert (made["owner"], made["title"], made["state"]) == ("chen", "楼道堆放杂物", "open")
    (message,) = await estate.house.ends(made["key"])
    assert message == ("opened", "chen", "told")
    found = await estate.house.get("incidents?state=open&category=facility&text=杂物&owner=chen")
    assert [each["key"] for each in found] == [made["key"]]
    await estate.done(made["key"])
    assert (await estate.only())["state"] == "closed"
