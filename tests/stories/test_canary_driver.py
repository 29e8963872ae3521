"""The canary through a real broker: sent by the driver, heard by it, lost with it, and not forged."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import aiomqtt
import pytest

from gateway.model import Notification, Receipt
from gateway.notifiers.log.notifier import Notifier
from tests.drivers.alarm_panel.panel import frame
from tests.servers import Mosquitto, free_port
from tests.stories.clock import MINUTE, Jumpable
from tests.stories.house import PEOPLE, House
from tests.stories.panel import Panel

CANARY = "rules: {packs: [system]}\ncanary: {every: 10m, within: 60s}\n"
HOPS = {"heard", "stored", "decided", "opened", "told"}
FIRST = 61.0
PANELS = """
  panels:
    type: alarm_panel
    dc09: {{host: 127.0.0.1, tcp_port: {port}, accounts: [{{account: "1234"}}]}}
"""


@pytest.fixture
async def cage(built: House, mosquitto: Mosquitto) -> House:
    """A house with two drivers on one broker, whose people have a sheet of paper."""
    await begin(built, mqtt=mosquitto.port)
    await built.connected()
    return built


async def begin(house: House, **drivers: Any) -> None:
    """Start it with a canary and a sheet of paper; the rules have begun when this returns."""
    (house.folder / "people.csv").write_text(PEOPLE.replace(",phone\n", ",paper\n"), "utf-8")
    paper = f"  paper: {{type: log, file: {house.folder}/paper.ndjson}}\n"
    house.write(notifiers=paper, **drivers)
    with house.file.open("a", encoding="utf-8") as file:
        file.write(CANARY)
    await house.start()
    await house.until(lambda: ruled(house))


async def ruled(house: House) -> bool:
    """Whether the rules have begun: their edition, the registry's and more is behind them."""
    rules = (await house.ledger())["readers"]["rules"]
    return bool(rules["delivered"] > 3 and not rules["waiting"])


async def said(house: House) -> dict[str, Any]:
    """The newest of every value of the canary."""
    merged: dict[str, Any] = {}
    for each in await house.readings("gateway/canary"):
        merged |= each["values"]
    return merged


async def walks(house: House, count: int) -> dict[str, Any]:
    """Until so many were said to be over."""

    async def over() -> dict[str, Any]:
        every = await house.readings("gateway/canary")
        done = sum("canary_lost" in each["values"] for each in every)
        return await said(house) if done >= count else {}

    found: dict[str, Any] = await house.until(over)
    return found


async def test_it_is_sent_through_one_driver_after_the_other_and_comes_back_in(
    cage: House, clock: Jumpable
) -> None:
    await clock.forward(FIRST)
    values = await walks(cage, 1)
    assert (values["canary_lost"], values["extra.driver"], values["extra.hop"]) == (
        False, "site", "",
    )  # fmt: skip
    assert all(0 <= values[f"extra.{hop}"] < 5_000 for hop in HOPS)
    assert values["extra.total"] == pytest.approx(sum(values[f"extra.{h}"] for h in HOPS), abs=0.4)
    health = (await cage.get("health"))["canary"]
    assert (health["driver"], set(health["hops"])) == ("site", HOPS | {"total"})
    url = f"{cage.running.console_url}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert 'gridwarden_canary_seconds{hop="heard"}' in await answer.text()
    await clock.forward(10 * MINUTE)
    assert (await walks(cage, 2))["extra.driver"] == "zigbee"
    await cage.until(lambda: closed(cage, 2))
    assert [each["id"] for each in await cage.get("devices") if "canary" in each["id"]] == [
        "gateway/canary"
    ]
    paper = cage.folder / "paper.ndjson"
    lines = paper.read_text(encoding="utf-8").splitlines() if paper.exists() else []
    assert not [line for line in lines if '"incident":"C' in line]
    assert (await cage.ledger())["refused"] == {}


async def test_a_broker_that_is_gone_loses_it_at_the_driver_which_has_to_hear_the_next(
    cage: House, clock: Jumpable, mosquitto: Mosquitto
) -> None:
    mosquitto.kill()
    await clock.forward(FIRST)
    await clock.forward(MINUTE)
    values = await walks(cage, 1)
    assert (values["canary_lost"], values["extra.hop"], values["extra.driver"]) == (
        True, "heard", "site",
    )  # fmt: skip
    assert "no connection to the broker" in values["extra.reason"]
    (lost,) = await cage.until(lambda: cage.incidents("canary_lost"))
    why = (await cage.get(f"incidents/{lost['key']}"))["events"][0]["data"]
    assert "：停在“驱动接收”（驱动 site）：there is no" in why["why_zh"]
    assert ": stopped at heard (driver site): there is no" in why["why_en"]
    assert await cage.incidents("canary") == []

    mosquitto.start()
    await clock.forward(MINUTE)
    await cage.until(lambda: len(cage.said("connected")) >= 4)
    await clock.forward(9 * MINUTE)
    values = await walks(cage, 2)  # through the other driver, which proves nothing of this one
    await cage.until(lambda: closed(cage, 1))
    assert (values["canary_lost"], values["extra.driver"], values["extra.through"]) == (
        True, "site", "zigbee",
    )  # fmt: skip
    await clock.forward(10 * MINUTE)
    values = await walks(cage, 3)
    assert (values["canary_lost"], values["extra.driver"]) == (False, "site")
    await cage.until(lambda: cleared(cage, lost["key"]))


async def test_a_forged_old_or_strange_token_is_refused_and_opens_and_closes_nothing(
    cage: House, clock: Jumpable, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[Notification] = []

    async def hold(self: Notifier, notification: Notification) -> Receipt:
        held.append(notification)
        await clock.sleep(30)
        return Receipt()

    monkeypatch.setattr(Notifier, "tell", hold)
    topic = "gridwarden/canary/gridwarden-site"
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as stranger:
        await stranger.subscribe(topic)
        await clock.forward(FIRST)
        await cage.until(lambda: held)
        ours = json.loads(bytes((await anext(stranger.messages)).payload))
        forged = [ours, {"canary": "0" * 32}, {"canary": False}, ["canary"]]
        for each in forged:
            await stranger.publish(topic, json.dumps(each), 1)
        await cage.until(lambda: refused(cage, canary_token=2, undecodable=2))
        (flight,) = await cage.until(lambda: cage.incidents("canary"))
        assert flight["state"] == "open"
        await clock.forward(31)
        assert (await walks(cage, 1))["canary_lost"] is False
        await stranger.publish(topic, json.dumps(ours), 1)
        await cage.until(lambda: refused(cage, canary_token=3, undecodable=2))
    await cage.until(lambda: closed(cage, 1))
    assert len(await cage.incidents()) == 1
    kept = [each.reason for each in cage.quarantine()]
    assert kept.count("no such report of the canary is under way") == 3
    assert ours["canary"] not in str([each.raw for each in cage.quarantine()])


async def test_a_port_that_panels_call_is_called_and_a_strangers_call_opens_nothing(
    built: House, clock: Jumpable
) -> None:
    port = free_port()
    await begin(built, drivers=PANELS.format(port=port))
    panel = Panel(port, clock)
    forged = frame(f'"CANARY"0000L0#0[{"0" * 32}]')
    assert await panel.say(forged) == '"ACK"0000L0#0[]'  # it learns nothing
    await clock.forward(FIRST)
    values = await walks(built, 1)
    assert (values["canary_lost"], values["extra.driver"]) == (False, "panels")
    assert "extra.heard" in values
    await built.until(lambda: closed(built, 1))
    await built.until(lambda: refused(built, canary_token=1))


async def cleared(house: House, key: str) -> bool:
    return bool((await house.get(f"incidents/{key}"))["cleared"])


async def closed(house: House, count: int) -> bool:
    """Whether there were so many, and each is closed as a test."""
    ends = [(each["state"], each["outcome"]) for each in await house.incidents("canary")]
    return ends == [("closed", "test")] * count


async def refused(house: House, **wanted: int) -> bool:
    return bool((await house.ledger())["refused"] == wanted)
