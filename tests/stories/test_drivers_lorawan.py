"""LoRaWAN sensors behind a ChirpStack server, from the uplink to the person told."""

from __future__ import annotations

import base64
from typing import Any, Final

import pytest

from tests.servers import Mosquitto
from tests.stories.bridge import listening
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.sender import Sender

COVER: Final = "24e124713c000001"
SHAFT: Final = "24e124713c000002"
STRANGER: Final = "24e124713c0000ff"
DIALECT = f"""
- chirpstack:
    depth: {{"{SHAFT}": 3.2}}
"""
DEVICES = f"""\
cover7,radio,{COVER},manhole,云河路7号井盖,9901010102,,,,
shaft7,radio,{SHAFT},manhole,云河路7号井,9901010102,,,,
"""
_TILT: Final = "Milesight EM310-TILT"
_LEVEL: Final = "Milesight EM500-UDL"
_APPLICATION: Final = "17c82e96-be03-4f38-aef3-f83d48582d97"


class Server(Sender):
    """What ChirpStack publishes of a device's uplinks."""

    _count = 0

    async def up(self, eui: str, name: str, profile: str, **more: Any) -> None:
        """An uplink: ``object`` as the server's codec decoded it, or ``data`` as it came."""
        self._count += 1
        if isinstance(data := more.get("data"), str):
            more["data"] = base64.b64encode(bytes.fromhex(data)).decode()
        info = {
            "applicationId": _APPLICATION,
            "deviceProfileName": profile,
            "deviceName": name,
            "devEui": eui,
        }
        await self.send(
            f"application/{_APPLICATION}/device/{eui}/event/up",
            {
                "deduplicationId": f"3ac7e3c4-4401-4b8d-9386-{self._count:012x}",
                "deviceInfo": info,
                "devAddr": "00189440",
                "fCnt": self._count,
                "fPort": 85,
                "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -97, "snr": 6.2}],
                **more,
            },
        )


def _tilt(degrees: float) -> dict[str, Any]:
    return {"angle_x": degrees, "angle_y": 0.3, "battery": 98}


def _distance(millimetres: int) -> str:
    """The sensor's own bytes: battery 92 %, and how far down the water is."""
    return f"01755c0382{millimetres.to_bytes(2, 'little').hex()}"


async def test_tilted_cover_is_told_to_its_grid_and_cleared_when_it_lies_again(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    await listening(built, mosquitto.port, DIALECT, DEVICES)
    async with Server(mosquitto.port) as server:
        await server.up(COVER, "7号井盖", _TILT, object=_tilt(0.4))
        await built.has("cover7", 1)
        assert await built.incidents() == []
        await server.up(COVER, "7号井盖", _TILT, object=_tilt(41.5))
        await built.has("cover7", 2)
        await clock.forward(11)  # a lorry lifts a cover, too
        message = await built.told("opened", "cover7")
        assert message["category"] == "facility"
        assert message["kind"] == "manhole"
        assert "云河路7号井盖" in message["title"] + message["text"]
        (incident,) = await built.incidents()
        assert (incident["rule"], incident["place"]) == ("manhole_tilted", "9901010102")
        await server.up(COVER, "7号井盖", _TILT, object=_tilt(0.5))
        await built.has("cover7", 3)
        await clock.forward(63, step=7)
        await built.told("cleared", "cover7")
    assert (await built.ledger())["refused"] == {}


async def test_uplink_that_two_servers_pass_on_is_one_reading(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    await listening(built, mosquitto.port, DIALECT, DEVICES)
    async with Server(mosquitto.port) as server, Server(mosquitto.port, "second") as second:
        for each in (server, second):
            await each.up(COVER, "7号井盖", _TILT, object=_tilt(41.5))
    await built.refused("duplicate", 1)
    await clock.forward(11)
    await built.told("opened", "cover7")
    assert len(await built.readings("cover7")) == 1
    assert len(built.phone.told("opened")) == 1


async def test_flooded_shaft_is_told_from_the_bytes_of_a_level_sensor(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    await listening(built, mosquitto.port, DIALECT, DEVICES)
    async with Server(mosquitto.port) as server:
        await server.up(SHAFT, "7号井水位", _LEVEL, data=_distance(2900))
        (dry,) = await built.has("shaft7", 1)
        assert round(dry["values"]["water_level"], 3) == 0.3
        assert dry["values"]["battery"] == 92
        await server.up(SHAFT, "7号井水位", _LEVEL, data=_distance(1700))
        await built.has("shaft7", 2)
        await clock.forward(30)
        assert await built.incidents() == []  # a wave is no flood
        await clock.forward(35, step=7)
        await built.told("opened", "shaft7")
        assert [each["rule"] for each in await built.incidents()] == ["manhole_flooding"]
        await server.up(SHAFT, "7号井水位", _LEVEL, data=_distance(2900))
        await built.told("cleared", "shaft7")


@pytest.mark.long
async def test_device_that_nobody_can_decode_is_kept_raw_and_named(
    built: House, mosquitto: Mosquitto
) -> None:
    device = f"radio/{STRANGER}"
    await listening(built, mosquitto.port, DIALECT)
    async with Server(mosquitto.port) as server:
        await server.up(STRANGER, "泵房新表", "LoRaWAN Class A", data="0badc0de42")
        (kept,) = await built.has(device, 1)
        assert kept["values"]["extra.raw"] == "0badc0de42"
        assert kept["values"]["extra.port"] == 85
        shown = await built.device(device)
        assert shown["unknown"]
        assert shown["name"].startswith("泵房新表")
        await server.up(STRANGER, "泵房新表", _TILT, object=_tilt(50))  # its profile was set
        message = await built.told("opened", device)
        assert message["person"] == "sun"
    assert (await built.ledger())["refused"] == {}
