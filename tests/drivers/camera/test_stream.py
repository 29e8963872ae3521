"""RTSP against GStreamer's server: what a camera does to us."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from drivers.camera.driver import Driver
from drivers.camera.messages import Alive, Failed, Message, Opened
from drivers.camera.options import Options
from drivers.camera.picture import NoPicture
from drivers.camera.worker import Pass
from gateway.clock import SystemClock
from gateway.model import SECOND
from gateway.ports import Unavailable
from tests.drivers.camera.clips import film, worked
from tests.drivers.camera.rtsp_server import PASSWORD, RtspServer
from tests.drivers.camera.test_quality import job
from tests.drivers.serial_line.door import Door
from tests.virtual import VirtualClock


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("rtsp") / "yard.mp4", 40, (4, 6))


def camera(monkeypatch: pytest.MonkeyPatch, url: str, **options: object) -> Driver:
    monkeypatch.setenv("CAMERA_URL", url)
    chosen = Options.model_validate({"address": "yard", "url": {"env": "CAMERA_URL"}} | options)
    return Driver("cam", chosen, SystemClock())


async def test_stream_is_watched_and_filmed(clip, monkeypatch):
    with RtspServer(clip) as server:
        one = camera(
            monkeypatch,
            server.url(),
            learn="1s",
            quiet="1s",
            clip={"before": "2s", "after": "1s"},
        )
        assert await one.check() == "camera yard sends 320x240 h264, 10 pictures/s"
        door = Door()
        task = asyncio.create_task(one.run(door))
        await door.until(lambda items: any("extra.clip" in i.values for i in items), 20)
        await door.until(lambda items: items[-1].values.get("motion") is False, 20)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    motion = [item.values["motion"] for item in door.items if "motion" in item.values]
    assert motion == [False, True, False]
    filmed = next(item for item in door.items if "extra.clip" in item.values)
    assert filmed.evidence.media_type == "video/mp4"
    assert filmed.values["extra.clip_before"] >= 1


async def test_server_that_is_killed_and_comes_back(clip, monkeypatch):
    with RtspServer(clip) as server:
        one, door = camera(monkeypatch, server.url()), Door()
        task = asyncio.create_task(one.run(door))
        await door.has(1)
        server.kill()
        with pytest.raises(Unavailable, match=r"rtsp://127.0.0.1:\d+ stopped sending pictures"):
            await task
        with pytest.raises(Unavailable, match="nobody listens there"):
            await one.run(door)
        server.start()
        task = asyncio.create_task(one.run(door))
        await door.has(3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [item.values["online"] for item in door.items] == [True, False, True]


async def test_server_that_stalls_is_given_up_by_the_worker(clip, monkeypatch):
    with RtspServer(clip) as server:

        def stall(message: Message) -> None:
            if isinstance(message, Opened):
                server.pause()

        given = job(clip, source=server.url(), stream=True)
        async with asyncio.timeout(8):
            said = await worked(monkeypatch, given, stall)
    assert [type(message) for message in said if not isinstance(message, Alive)] == [Opened, Failed]
    assert "sent nothing for 1 s" in said[-1].reason


@pytest.mark.parametrize(
    ("password", "path", "sentence"),
    [
        ("hunter2", "/live", "it refuses the user name or the password"),
        (PASSWORD, "/nothing", "it has no such stream: check the path of the address"),
    ],
)
async def test_refusals_are_told_apart_without_the_password(
    clip, monkeypatch, password, path, sentence
):
    with RtspServer(clip) as server:
        url = server.url(password, path)
        with pytest.raises(Unavailable, match=sentence) as error:
            await camera(monkeypatch, url).run(Door())
    assert (
        str(error.value)
        == f"camera yard: no stream from rtsp://127.0.0.1:{server.port}; {sentence}"
    )


async def test_camera_of_this_machine_that_is_not_there_is_said():
    options = Options.model_validate({"source": "/dev/video93"})
    assert options.is_device
    with pytest.raises(Unavailable, match=r"/dev/video93 can not be read: No such file.*plug"):
        await Driver("cam", options, SystemClock()).check()
    options = Options.model_validate({"source": "/dev/null"})
    with pytest.raises(Unavailable, match="/dev/null is no camera that can be read"):
        await Driver("cam", options, SystemClock()).check()


class StuckVideo:
    """A stream that goes on sending, with the same picture time again and again."""

    fps, packets, stream = 5.0, (), None

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.mark = 1

    def grab(self) -> bool:
        self._clock.mono += SECOND // 5
        self.mark = min(self.mark + 1, 20)
        return True

    def grey(self) -> np.ndarray:
        return np.full((90, 160), 80, np.uint8)


async def test_stream_that_repeats_one_picture_time_is_opened_anew():
    clock, said = VirtualClock(), []
    watched = job(Path("rtsp://cam/1"), stream=True)
    one = Pass(watched, StuckVideo(clock), said.append, clock)
    with pytest.raises(NoPicture, match="repeats one picture time again and again"):
        await one.watch()
    assert one.frames == pytest.approx(20 + 10 * 5, abs=3)
