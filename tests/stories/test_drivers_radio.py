"""Sensors on 433 MHz, which never say that something is over, and boards that run Tasmota."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from gateway.model import SECOND
from tests.servers import Mosquitto
from tests.stories.bridge import listening
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.sender import Sender

RTL_433 = """
- rtl_433: {hold: 1m}
"""
TASMOTA = """
- tasmota:
    zone: "+08:00"
    inputs:
      tasmota_49A3BC:
        Switch1: {value: alarm, kind: smoke, invert: true}
"""
DEVICES = """\
pir1,radio,Risco-RWX95P/4711,infrared,仓库人体感应,9901010101,,,,
board,radio,tasmota_49A3BC,smoke,配电间烟感,990101010101,1,,,
"""
BOARD = "tasmota_49A3BC"


def local(clock: Jumpable) -> str:
    """Now as the radio's host writes it, in China, to the second."""
    moment = datetime.fromtimestamp(clock.wall // SECOND, UTC) + timedelta(hours=8)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


async def motion(radio: Sender, clock: Jumpable) -> None:
    """A motion sensor sends the same three times."""
    event = {"time": local(clock), "model": "Risco-RWX95P", "id": 4711, "motion": 1}
    for _ in range(3):
        await radio.send("rtl_433/roof/events", event)


async def test_motion_that_nobody_ends_clears_after_its_hold_and_the_next_one_rings(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    await listening(built, mosquitto.port, RTL_433, DEVICES)
    async with Sender(mosquitto.port) as radio:
        await motion(radio, clock)
        message = await built.told("opened", "pir1")
        assert (message["person"], message["category"]) == ("chen", "intrusion")
        await built.has("pir1", 4)  # an end before the first, and the radio's repeats
        assert len(built.phone.told("opened")) == 1
        await clock.forward(62, step=10)
        await built.until(lambda: has_ended(built))
        await clock.forward(62, step=10)
        await built.told("cleared", "pir1")
        (incident,) = await built.incidents()
        await built.act(incident["key"], "receive", "chen")
        await built.act(incident["key"], "handle", "chen")
        await built.act(incident["key"], "close", "chen", outcome="false_alarm")
        await motion(radio, clock)
        await built.until(lambda: len(built.phone.told("opened", "pir1")) == 2)
    assert len(await built.incidents(device="pir1")) == 2


async def has_ended(house: House) -> bool:
    """Whether the sensor's alarm is over."""
    return bool((await house.device("pir1"))["values"]["alarm"] is False)


async def test_motion_that_goes_on_is_one_intrusion(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    await listening(built, mosquitto.port, RTL_433, DEVICES)
    async with Sender(mosquitto.port) as radio:
        for _ in range(4):
            await motion(radio, clock)
            await clock.forward(40, step=8)
        await built.told("opened", "pir1")
        assert not built.phone.told("cleared")
        await clock.forward(130, step=10)
        await built.told("cleared", "pir1")
    assert len(await built.incidents()) == 1
    assert len(built.phone.told("opened")) == 1


async def test_motion_with_a_time_that_is_believed_rings_and_rings_again(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    """The radio's clock shows whole seconds: what it saw lies before our own look at it."""
    dialect = '- rtl_433: {hold: 1m, zone: "+08:00"}'
    await listening(built, mosquitto.port, dialect, DEVICES)
    async with Sender(mosquitto.port) as radio:
        for count in (1, 2):
            await motion(radio, clock)
            await built.until(partial(_rang, built, count))
            await clock.forward(62, step=10)
            await built.until(lambda: has_ended(built))
            await clock.forward(62, step=10)
            await built.until(partial(_rang, built, count, "cleared"))
            (incident, *_) = [each for each in await built.incidents() if each["state"] == "open"]
            await built.act(incident["key"], "receive", "chen")
            await built.act(incident["key"], "close", "chen", outcome="false_alarm")
    assert len(await built.incidents()) == 2


def _rang(house: House, count: int, purpose: str = "opened") -> bool:
    return len(house.phone.told(purpose, "pir1")) == count


async def test_board_that_is_gone_is_trouble_until_it_is_back(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    await listening(built, mosquitto.port, TASMOTA, DEVICES)
    async with Sender(mosquitto.port) as board:
        await board.send(f"tele/{BOARD}/LWT", b"Online", retain=True)
        await board.send(f"tele/{BOARD}/SENSOR", _sensor(clock, "ON"))
        await built.has("board", 2)
        await board.send(f"tele/{BOARD}/LWT", b"Offline", retain=True)
        await built.has("board", 3)
        await clock.forward(570)
        assert built.phone.messages == []
        await clock.forward(35, step=5)
        message = await built.told("opened", "board")
        assert message["category"] == "trouble"
        (incident,) = await built.incidents()
        assert incident["rule"] == "offline"
        await board.send(f"tele/{BOARD}/LWT", b"Online", retain=True)
        await built.told("cleared", "board")


async def test_smoke_contact_of_a_board_rings_and_clears(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    await listening(built, mosquitto.port, TASMOTA, DEVICES)
    async with Sender(mosquitto.port) as board:
        await board.send(f"tele/{BOARD}/SENSOR", _sensor(clock, "ON"))
        await built.has("board", 1)
        await board.send(f"stat/{BOARD}/RESULT", {"Switch1": {"Action": "OFF"}})
        message = await built.told("opened", "board")
        assert (message["person"], message["category"]) == ("chen", "life")
        await clock.forward(2)
        # the same words as before: boards repeat nothing, so it is news
        await board.send(f"tele/{BOARD}/SENSOR", _sensor(clock, "ON"))
        await built.until(lambda: _is_quiet(built))
        await clock.forward(32, step=8)
        await built.told("cleared", "board")
    assert (await built.ledger())["refused"] == {}


async def _is_quiet(house: House) -> bool:
    return bool((await house.device("board"))["values"]["alarm"] is False)


def _sensor(clock: Jumpable, switch: str) -> dict[str, Any]:
    return {"Time": local(clock).replace(" ", "T"), "Switch1": switch}
