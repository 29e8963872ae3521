"""Devices that announce themselves: shown by their names before anybody registered them."""

from __future__ import annotations

from typing import Any, Final

from tests.servers import Mosquitto
from tests.stories.bridge import listening
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.sender import Sender

DIALECTS = """
- zigbee2mqtt: {address: ieee}
- homeassistant: {skip: [zigbee2mqtt]}
"""
HALL: Final = "0x00158d0001a2b3c4"
CELLAR: Final = "0x00158d0001a2b3c5"
REGISTERED = f"hall,radio,{HALL},smoke,3号楼门厅烟感,990101010101,1,,,\n"
GAS: Final[dict[str, Any]] = {
    "device": {"identifiers": ["gas-07"], "name": "5号楼燃气探测器", "model": "JT-01"},
    "unique_id": "gas-07-gas",
    "device_class": "gas",
    "state_topic": "site/gas-07/gas",
    "availability_topic": "site/gas-07/status",
}


def _member(ieee: str, name: str) -> dict[str, Any]:
    smoke = {"type": "binary", "property": "smoke", "access": 1, "value_on": True}
    test = {"type": "binary", "property": "test", "access": 1, "value_on": True}
    return {
        "ieee_address": ieee,
        "friendly_name": name,
        "type": "EndDevice",
        "definition": {
            "vendor": "Heiman",
            "model": "HS1SA",
            "exposes": [smoke | {"value_off": False}, test | {"value_off": False}],
        },
    }


async def announce_zigbee(bridge: Sender) -> None:
    """The bridge's list of its two smoke detectors."""
    members = [_member(HALL, "hall smoke"), _member(CELLAR, "地下室/烟感")]
    await bridge.send("zigbee2mqtt/bridge/devices", members, retain=True)


async def test_zigbee_stranger_is_shown_by_its_announced_name_and_its_alarm_rings(
    built: House, mosquitto: Mosquitto
) -> None:
    async with Sender(mosquitto.port) as bridge:
        await announce_zigbee(bridge)
        await listening(built, mosquitto.port, DIALECTS, REGISTERED)
        await bridge.send("zigbee2mqtt/地下室/烟感", {"smoke": False, "test": False})
        await built.has(f"radio/{CELLAR}", 1)
        shown = await built.device(f"radio/{CELLAR}")
        assert shown["unknown"]
        assert shown["kind"] == "smoke"
        assert shown["name"].startswith("地下室/烟感")
        await bridge.send("zigbee2mqtt/地下室/烟感", {"smoke": True, "test": False})
        message = await built.told("opened", f"radio/{CELLAR}")
        assert (message["person"], message["category"]) == ("sun", "life")
        await bridge.send("zigbee2mqtt/hall smoke", {"smoke": True, "test": False})
        message = await built.told("opened", "hall")
        assert message["person"] == "chen"
        assert "3号楼" in message["title"]
    assert (await built.ledger())["refused"] == {}


async def test_zigbee_test_button_is_no_fire_and_its_alarm_clears(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    async with Sender(mosquitto.port) as bridge:
        await announce_zigbee(bridge)
        await listening(built, mosquitto.port, DIALECTS, REGISTERED)
        for smoke, test in ((False, False), (True, True), (False, False)):
            await bridge.send("zigbee2mqtt/hall smoke", {"smoke": smoke, "test": test})
        await built.has("hall", 3)
        await clock.forward(60)
        assert await built.incidents() == []
        await bridge.send("zigbee2mqtt/hall smoke", {"smoke": True, "test": False})
        await built.told("opened", "hall")
        await bridge.send("zigbee2mqtt/hall smoke", {"smoke": False, "test": False})
        await built.has("hall", 5)
        await clock.forward(32, step=8)
        await built.told("cleared", "hall")


async def test_home_assistant_stranger_is_shown_by_its_announced_name_and_its_alarm_rings(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    stranger = "radio/gas-07"
    async with Sender(mosquitto.port) as maker:
        await maker.send("homeassistant/binary_sensor/gas-07/gas/config", GAS, retain=True)
        await maker.send("site/gas-07/status", b"online", retain=True)
        await maker.send("site/gas-07/gas", b"OFF", retain=True)
        await listening(built, mosquitto.port, DIALECTS)
        await built.has(stranger, 2)  # what was announced is subscribed to by now
        shown = await built.device(stranger)
        assert shown["unknown"]
        assert shown["kind"] == "gas"
        assert shown["name"].startswith("5号楼燃气探测器")
        await maker.send("site/gas-07/gas", b"ON")
        message = await built.told("opened", stranger)
        assert (message["person"], message["category"]) == ("sun", "life")
        assert message["kind"] == "gas"
        await maker.send("site/gas-07/gas", b"OFF")
        await built.has(stranger, 4)
        await clock.forward(32, step=8)
        await built.told("cleared", stranger)
        await maker.send("site/gas-07/status", b"offline", retain=True)
        await built.has(stranger, 5)
        await clock.forward(605)
        await built.until(lambda: _troubles(built, stranger))
    assert (await built.ledger())["refused"] == {}


async def test_announced_topics_are_heard_again_when_the_broker_has_lost_everything(
    built: House, clock: Jumpable
) -> None:
    stranger = "radio/gas-07"
    with Mosquitto("persistence false") as broker:
        async with Sender(broker.port) as maker:
            await maker.send("homeassistant/binary_sensor/gas-07/gas/config", GAS, retain=True)
            await maker.send("site/gas-07/gas", b"OFF", retain=True)
            await listening(built, broker.port, DIALECTS)
            await built.has(stranger, 1)
        broker.restart()
        async with Sender(broker.port) as maker:
            await maker.send("site/gas-07/gas", b"OFF", retain=True)
            await clock.forward(12, step=1)
            await built.has(stranger, 2)  # though nobody has announced it again
            await maker.send("site/gas-07/gas", b"ON")
            message = await built.told("opened", stranger)
            assert message["category"] == "life"
        await built.stop()


def _troubles(house: House, device: str) -> list[dict[str, Any]]:
    return [each for each in house.phone.told("opened", device) if each["category"] == "trouble"]
