"""A burglar and fire alarm panel, from its DC-09 message to the person told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.servers import free_port
from tests.stories.clock import MINUTE, Jumpable
from tests.stories.disk import fails_at_once, held
from tests.stories.house import House
from tests.stories.panel import ACCOUNT, Panel

DRIVER = """
  panels:
    type: alarm_panel
    dc09:
      host: 127.0.0.1
      tcp_port: {port}
      udp_port: {port}
      accounts:
        - {{account: "1234", supervise: 3m}}
        - {{account: "5678", key: {{file: panel.key}}, key_form: hex}}
"""
DEVICES = f"""\
shop,panels,{ACCOUNT},panel,云河路3号商铺主机,990101010101,1,,,
shop3,panels,{ACCOUNT}:3,smoke,商铺后间烟感,990101010101,1,,,
vault9,panels,5678:9,smoke,金库烟感,990101010101,1,,,
shop6,panels,{ACCOUNT}:6,infrared,商铺前门红外,990101010101,1,,,
"""
FIRE, FIRE_OVER = "1111 01 003", "3111 01 003"
TAMPER, TAMPER_OVER = "1383 01 006", "3383 01 006"
MAINS_LOST, MAINS_BACK = "1301 00 000", "3301 00 000"
PERIODIC_TEST = "1602 00 000"
KEY = bytes(range(16))
NO_ANSWER = 0.3
"""Seconds without an ACK that are taken for none: a stored message is answered in 30 ms."""


@pytest.fixture
async def panel(built: House, clock: Jumpable) -> Panel:
    """The panel of a running house; it has called once."""
    port = free_port()
    (built.folder / "panel.key").write_text(KEY.hex(), encoding="ascii")
    built.write(drivers=DRIVER.format(port=port), devices=DEVICES)
    await built.start()
    panel = Panel(port, clock)
    assert (await panel.say(panel.link_test())).startswith('"ACK"0000')
    return panel


async def alarms(house: House) -> list[dict[str, Any]]:
    """The detector's readings that say fire."""
    return [each for each in await house.readings("shop3") if each["values"].get("alarm")]


async def test_fire_is_told_with_its_place_and_its_restore_clears_it(
    built: House, clock: Jumpable, panel: Panel
) -> None:
    await panel.tell(FIRE)
    message = await built.told("opened", "shop3")
    assert (message["person"], message["category"]) == ("chen", "life")
    assert "3号楼" in message["title"]
    await panel.tell(FIRE_OVER)
    await clock.forward(32, step=8)
    await built.told("cleared", "shop3")
    (incident,) = await built.incidents()
    assert (incident["rule"], incident["cleared"]) == ("smoke_alarm", True)
    assert (await built.ledger())["refused"] == {}


async def test_zone_that_nobody_registered_rings_who_is_in_charge_of_it_all(
    built: House, panel: Panel
) -> None:
    await panel.tell("1110 01 017")
    message = await built.told("opened", f"panels/{ACCOUNT}:17")
    assert (message["person"], message["category"]) == ("sun", "life")


async def test_message_is_acknowledged_when_the_disk_has_it_and_not_before(
    built: House, panel: Panel
) -> None:
    message = panel.contact_id(FIRE)
    with held(built):
        waiting = asyncio.create_task(panel.say(message))
        await asyncio.sleep(NO_ANSWER)
        assert not waiting.done()
        assert not built.phone.told("opened")
    assert (await waiting).startswith('"ACK"0001')
    await built.told("opened", "shop3")
    assert len(await alarms(built)) == 1


async def test_failed_commit_acknowledges_nothing_and_the_repeat_is_taken(
    built: House, clock: Jumpable, panel: Panel
) -> None:
    await fails_at_once(built)
    message = panel.contact_id(FIRE)
    with held(built):
        assert await panel.say(message) == ""
        assert built.said("commit_failed")
    await clock.forward(12, step=2)  # the supervisor opens the port again
    assert (await panel.say(message)).startswith('"ACK"0001')
    await built.told("opened", "shop3")
    assert (await built.ledger())["refused"] == {}  # it had never been stored: no duplicate
    assert len(await alarms(built)) == 1


async def test_repeat_under_the_same_number_is_acknowledged_and_is_one_incident(
    built: House, panel: Panel
) -> None:
    message = await panel.tell(FIRE)
    for _ in range(3):  # the answer got lost, says the panel
        assert (await panel.say(message)).startswith('"ACK"0001')
    await built.refused("duplicate", 3)
    await built.told("opened", "shop3")
    assert len(await alarms(built)) == 1
    assert len(await built.incidents()) == 1
    assert len(built.phone.told("opened")) == 1


async def test_answer_lost_over_a_restart_leaves_one_reading_and_one_call(
    built: House, panel: Panel
) -> None:
    message = await panel.tell(FIRE)
    await built.told("opened", "shop3")
    await built.stop()
    await built.start()
    assert (await panel.say(message)).startswith('"ACK"0001')
    await built.refused("duplicate", 1)
    assert len(await alarms(built)) == 1
    assert len(built.phone.told("opened")) == 1


async def test_wrong_crc_gets_no_answer_and_the_right_message_rings(
    built: House, panel: Panel
) -> None:
    message = panel.contact_id(FIRE)
    wrong = message.replace(b"|1111", b"|1112")
    assert await panel.say(wrong, within=NO_ANSWER) == ""
    await built.refused("undecodable", 1)
    (row,) = built.quarantine()
    assert "CRC" in row.reason
    assert (await panel.say(message)).startswith('"ACK"0001')
    await built.told("opened", "shop3")


async def test_encrypted_datagram_rings_and_a_recording_of_it_does_not(
    built: House, clock: Jumpable, panel: Panel
) -> None:
    message = panel.sealed("5678", KEY, "1111 01 009")
    with held(built):
        waiting = asyncio.create_task(panel.say_by_udp(message))
        await asyncio.sleep(NO_ANSWER)
        assert not waiting.done()
    assert (await waiting).startswith('"*ACK"0001L0#5678[')
    await built.told("opened", "vault9")
    recorded = panel.sealed("5678", KEY, "3111 01 009")  # its end, held back by somebody
    await clock.forward(10 * MINUTE)
    assert (await panel.say_by_udp(recorded)).startswith('"NAK"')
    await clock.forward(MINUTE)
    (incident,) = await built.incidents(device="vault9")
    assert not incident["cleared"]


async def test_test_tamper_and_trouble_are_no_fire_and_not_each_other(
    built: House, clock: Jumpable, panel: Panel
) -> None:
    await panel.tell(PERIODIC_TEST)
    await clock.forward(90)
    assert await built.incidents() == []
    await panel.tell(TAMPER)
    message = await built.told("opened", "shop6")
    assert message["category"] == "trouble"
    await panel.tell(MAINS_LOST)
    await clock.forward(62, step=10)
    message = await built.told("opened", "shop")
    assert message["category"] == "trouble"
    rules = {each["device"]: each["rule"] for each in await built.incidents()}
    assert rules == {"shop6": "tamper", "shop": "fault"}
    await panel.tell(TAMPER_OVER)
    await panel.tell(MAINS_BACK)
    for device in ("shop6", "shop"):
        await built.told("cleared", device)
    assert {each["category"] for each in built.phone.messages} == {"trouble"}


async def test_panel_that_does_not_call_is_trouble_until_it_calls_again(
    built: House, clock: Jumpable, panel: Panel
) -> None:
    for _ in range(3):
        await clock.forward(2 * MINUTE)
        await panel.say(panel.link_test())
    assert await built.incidents() == []
    await clock.forward(3 * MINUTE + 1, step=15)
    await built.until(lambda: _is_online(built, False))
    await clock.forward(11 * MINUTE)
    await built.until(lambda: _has_opened(built, "offline"))
    assert {each["category"] for each in built.phone.messages} == {"trouble"}
    await panel.say(panel.link_test())
    await built.until(lambda: _all_cleared(built))
    await panel.tell(FIRE)  # and is heard again
    await built.told("opened", "shop3")


async def _is_online(house: House, online: bool) -> bool:
    return bool((await house.device("shop"))["values"].get("extra.online") is online)


async def _has_opened(house: House, rule: str) -> bool:
    return bool(await house.incidents(rule=rule, device="shop") and house.phone.told("opened"))


async def _all_cleared(house: House) -> bool:
    return all(each["cleared"] for each in await house.incidents())
