"""The canary: it walks the whole way, rings nobody, closes itself, and is missed when it is lost."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from gateway.model import Notification, Receipt
from gateway.notifiers.log.notifier import Notifier
from gateway.ports import Refused
from tests.stories.estate import MINUTE, Estate
from tests.stories.house import House

RULE = "canary"


class Cage:
    """An estate whose canary flies every ten minutes; its people have a sheet of paper as their channel."""

    def __init__(self, house: House, every: str = "10m") -> None:
        self.estate = Estate(house)
        self.estate.packs = "fire, intrusion, system"
        self.estate.limits = f"canary: {{every: {every}, within: 60s}}\n"
        self.house = house
        self.paper = house.folder / "paper.ndjson"
        people = (house.folder / "people.csv").read_text(encoding="utf-8")
        (house.folder / "people.csv").write_text(people.replace(",phone\n", ",paper\n"), "utf-8")
        write = house.write
        house.write = lambda **given: write(  # type: ignore[method-assign]
            **given, notifiers=f"  paper: {{type: log, file: {self.paper}}}\n"
        )

    async def values(self) -> dict[str, Any]:
        found = await self.house.readings("gateway/canary")
        merged: dict[str, Any] = {}
        for each in found:
            merged |= each["values"]
        return merged

    async def flights(self) -> list[dict[str, Any]]:
        """Its incidents, oldest first."""
        return (await self.house.incidents(RULE))[::-1]

    async def rows(self, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.house.get(f"incidents/{key}"))["messages"]
        return found

    def written(self) -> list[dict[str, Any]]:
        if not self.paper.exists():
            return []
        return [json.loads(line) for line in self.paper.read_text("utf-8").splitlines()]


@pytest.fixture
def cage(virtual: House) -> Cage:
    return Cage(virtual)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[Notification]:
    """Every message that the channel was handed; it works on."""
    found: list[Notification] = []
    tell = Notifier.tell

    async def noted(self: Notifier, notification: Notification) -> Receipt:
        if notification.purpose != "trial":  # that is the roster check
            found.append(notification)
        return await tell(self, notification)

    monkeypatch.setattr(Notifier, "tell", noted)
    return found


async def test_it_walks_every_hop_is_told_silently_and_closes_itself(
    cage: Cage, tried: list[Notification]
) -> None:
    await cage.estate.begin()
    await cage.estate.at(59)
    assert await cage.flights() == []
    await cage.estate.at(62)
    (flight,) = await cage.flights()
    assert flight["key"] == "C20260105-0001"
    assert (flight["state"], flight["outcome"], flight["category"]) == ("closed", "test", "system")
    assert [(m.silent, m.link) for m in tried] == [(True, "")]
    assert cage.written() == []
    (row,) = await cage.rows(flight["key"])
    assert (row["purpose"], row["end"], row["channel"]) == ("opened", "told", "paper")
    values = await cage.values()
    assert (values["canary"], values["canary_lost"], values["extra.hop"]) == (False, False, "")
    hops = [values[f"extra.{hop}"] for hop in ("stored", "decided", "opened", "told")]
    assert all(0 <= ms < 5_000 for ms in hops)
    assert values["extra.total"] == pytest.approx(sum(hops), abs=0.3)
    health = (await cage.house.get("health"))["canary"]
    assert (health["lost"], health["hop"], set(health["hops"])) == (
        False, "", {"stored", "decided", "opened", "told", "total"},
    )  # fmt: skip
    url = f"{cage.house.running.console_url}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        metrics = await answer.text()
    assert "gridwarden_canary_lost 0.0" in metrics
    assert 'gridwarden_canary_seconds{hop="told"}' in metrics


async def test_each_time_it_is_somebody_elses_turn_also_after_a_restart(
    cage: Cage, tried: list[Notification]
) -> None:
    await cage.estate.begin()
    await cage.estate.at(62)
    await cage.estate.at(62 + 10 * MINUTE)
    await cage.estate.restart()
    await cage.estate.clock.advance(62)
    assert [m.person for m in tried] == ["chen", "lin", "zhou"]
    assert [each["owner"] for each in await cage.flights()] == ["chen", "lin", "zhou"]


async def test_a_channel_that_refuses_loses_it_at_the_last_hop_and_that_is_an_incident(
    cage: Cage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(self: Notifier, notification: Notification) -> Receipt:
        if notification.silent and notification.purpose != "trial":
            raise Refused("this robot was deleted")
        return await tell(self, notification)

    tell = Notifier.tell
    await cage.estate.begin()
    with monkeypatch.context() as patch:
        patch.setattr(Notifier, "tell", refuse)
        await cage.estate.at(65)
        values = await cage.values()
        assert (values["canary_lost"], values["extra.hop"]) == (True, "told")
        assert values["extra.reason"] == "failed_all_channels: paper: this robot was deleted"
        (lost,) = await cage.house.incidents("canary_lost")
        assert (lost["severity"], lost["state"]) == ("alarm", "open")
        assert [m["incident"] for m in cage.written()] == [lost["key"]]
        assert (await cage.flights())[0]["state"] == "closed"
        assert (await cage.house.get("health"))["ok"] is False
    await cage.estate.at(65 + 600)  # it is tried again sooner, and arrives
    (lost,) = await cage.house.incidents("canary_lost")
    assert lost["cleared"]
    assert (await cage.house.get("health"))["ok"] is True
    assert (await cage.values())["canary_lost"] is False


async def test_a_silence_of_everything_the_gateway_says_does_not_silence_it(
    cage: Cage, tried: list[Notification]
) -> None:
    await cage.estate.begin()
    body = {"person": "chen", "because": "检修", "for": "2h", "category": "system"}
    session = aiohttp.ClientSession(cage.house.running.console_url)
    async with session, session.post("/api/v1/silences", json=body) as answer:
        assert answer.status == 200
    await cage.estate.at(62)
    assert [m.silent for m in tried] == [True]
    assert (await cage.values())["canary_lost"] is False


async def test_a_restart_in_the_middle_ends_it_and_nobody_has_it_left(
    cage: Cage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(self: Notifier, notification: Notification) -> Receipt:
        await asyncio.get_running_loop().create_future()
        return Receipt()

    await cage.estate.begin()
    with monkeypatch.context() as patch:
        patch.setattr(Notifier, "tell", slow)
        await cage.estate.at(70)
        (flight,) = await cage.flights()
        assert flight["state"] == "open"
    await cage.estate.restart()
    await cage.estate.clock.advance(5)
    (flight,) = await cage.flights()
    assert (flight["state"], flight["outcome"]) == ("closed", "test")
    assert all(row["end"] for row in await cage.rows(flight["key"]))
    assert await cage.house.incidents("canary_lost") == []


async def test_an_untrusted_clock_keeps_it_from_nothing(
    cage: Cage, tried: list[Notification]
) -> None:
    cage.estate.clock.trusted = False
    await cage.estate.begin()
    await cage.estate.at(65)
    assert [m.person for m in tried] == ["chen"]
    assert (await cage.values())["canary_lost"] is False


async def test_without_its_rule_or_when_nobody_asked_for_it_none_flies(virtual: House) -> None:
    cage = Cage(virtual)
    cage.estate.packs = "fire"
    await cage.estate.begin()
    await cage.estate.at(90)
    assert await cage.house.readings("gateway/canary") == []
    assert len(virtual.said("canary_skipped")) == 1
    cage.estate.packs, cage.estate.limits = "fire, system", ""
    await cage.estate.restart()
    await cage.estate.clock.advance(2 * MINUTE)
    assert await cage.house.readings("gateway/canary") == []
