"""A camera's film, and what Frigate says of one: motion, its pictures, and one message."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import aiohttp
import av
import cv2
import pytest

from gateway.model import SECOND
from tests.drivers.camera.clips import film, scene
from tests.servers import Mosquitto
from tests.stories.bridge import listening
from tests.stories.clock import Jumpable
from tests.stories.house import House
from tests.stories.sender import Sender

CAMERA = """
  yard:
    type: camera
    source: {source}
    learn: 500ms
    analyse_fps: 10
    quiet: 2s
    clip: {{before: 1s, after: 1s}}
    hung_after: 10m
"""
DEVICES = """\
gate,yard,camera,camera,小区东门摄像头,9901010101,,,,
front,radio,front_door,camera,3号楼大门摄像头,990101010101,,,,
"""
FRIGATE = """
- frigate: {labels: [person]}
"""


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody crosses the yard between 1.2 s and 3.2 s."""
    return film(tmp_path_factory.mktemp("film") / "yard.mp4", 6, (1.2, 3.2))


async def fetched(house: House, path: str) -> tuple[str, bytes]:
    """Type and content of what an officer's browser gets."""
    async with (
        aiohttp.ClientSession(house.running.console_url) as browser,
        browser.get(path) as answer,
    ):
        assert answer.status == 200
        return answer.headers["Content-Type"], await answer.read()


async def pictures(house: House, count: int) -> list[str]:
    """Where the only incident's ``count`` pictures and clips are, once there are so many."""

    async def enough() -> list[str]:
        (incident,) = await house.incidents(rule="camera_motion")
        found: list[str] = (await house.get(f"incidents/{incident['key']}"))["evidence"]
        return found if len(found) >= count else []

    found: list[str] = await house.until(enough)
    return found


async def test_clip_joins_the_incident_that_its_snapshot_opened_and_rings_nobody_again(
    built: House, clock: Jumpable, yard: Path
) -> None:
    built.write(drivers=CAMERA.format(source=yard), devices=DEVICES)
    await built.start()
    await built.until(lambda: is_moving(built, "gate", True))
    await clock.forward(2.1, step=0.7)  # longer than a bird
    message = await built.told("opened", "gate")
    assert (message["person"], message["category"]) == ("chen", "intrusion")
    snapshot, clip = await pictures(built, 2)
    kind, content = await fetched(built, snapshot)
    assert kind == "image/jpeg"
    assert content.startswith(b"\xff\xd8\xff")
    kind, content = await fetched(built, clip)
    assert kind == "video/mp4"
    assert await asyncio.to_thread(_seconds, content) > 1.5
    await built.until(lambda: is_moving(built, "gate", False))
    await clock.forward(22, step=4)
    await built.told("cleared", "gate")
    assert [each["purpose"] for each in built.phone.messages] == ["opened", "cleared"]
    (incident,) = await built.incidents()
    assert [each["what"] for each in (await built.get(f"incidents/{incident['key']}"))["events"]] == [
        "opened", "evidence", "cleared",
    ]  # fmt: skip


async def is_moving(house: House, device: str, moving: bool) -> bool:
    """Whether the device's newest word is that it does, or does not, see motion."""
    values = (await house.device(device))["values"]
    return bool(values and values.get("motion") is moving)


def _seconds(mp4: bytes) -> float:
    with av.open(io.BytesIO(mp4), "r") as box:
        assert box.streams.video[0].codec_context.name == "h264"
        return len([each for each in box.demux(video=0) if each.size]) / 10


def review(kind: str, number: int = 1, **more: Any) -> dict[str, Any]:
    """What Frigate publishes of a review."""
    after = {
        "id": f"1767600000.{number}-abcdef",
        "camera": "front_door",
        "start_time": 1767600000.0 + number,
        "end_time": None,
        "severity": "alert",
        "thumb_path": "",
        "data": {"detections": [], "objects": ["person"], "zones": ["yard"], "audio": []},
    }
    return {"type": kind, "before": after, "after": after | more}


async def test_review_of_frigate_is_an_incident_with_its_picture_until_it_ends(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    await listening(built, mosquitto.port, FRIGATE, DEVICES)
    picture = cv2.imencode(".jpg", scene())[1].tobytes()
    async with Sender(mosquitto.port) as frigate:
        await frigate.send("frigate/available", b"online", retain=True)
        await frigate.send("frigate/reviews", review("new"))
        await built.until(lambda: is_moving(built, "front", True))
        assert built.phone.messages == []
        await clock.forward(2.1, step=0.7)
        message = await built.told("opened", "front")
        assert (message["person"], message["category"]) == ("chen", "intrusion")
        assert "3号楼" in message["title"]
        await frigate.send("frigate/front_door/person/snapshot", picture)
        (url,) = await pictures(built, 1)
        assert (await fetched(built, url)) == ("image/jpeg", picture)
        await frigate.send("frigate/reviews", review("update"))
        await frigate.send("frigate/reviews", review("end", end_time=clock.wall / SECOND))
        await built.until(lambda: is_moving(built, "front", False))
        await clock.forward(22, step=4)
        await built.told("cleared", "front")
    assert [each["purpose"] for each in built.phone.messages] == ["opened", "cleared"]


async def test_review_of_a_car_is_nothing_where_people_are_watched_for(
    built: House, mosquitto: Mosquitto, clock: Jumpable
) -> None:
    await listening(built, mosquitto.port, FRIGATE, DEVICES)
    car = {"detections": [], "objects": ["car"], "zones": [], "audio": []}
    async with Sender(mosquitto.port) as frigate:
        await frigate.send("frigate/reviews", review("new", data=car))
        await frigate.send("frigate/reviews", review("new", 2))
        await built.has("front", 1)
        await clock.forward(2.1, step=0.7)
        await built.told("opened", "front")
    moving = [each for each in await built.readings("front") if each["values"].get("motion")]
    assert len(moving) == 1
