import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from drivers.camera import options as module
from drivers.camera.driver import Driver
from drivers.camera.options import Options
from drivers.camera.picture import shown
from gateway.clock import SystemClock
from gateway.model import Reading
from gateway.ports import Unavailable
from tests import servers
from tests.drivers.camera.clips import draw, worked
from tests.drivers.camera.test_quality import job
from tests.drivers.serial_line.door import Door
from tests.processes import children
from tests.virtual import VirtualClock

FOLDER = Path(__file__).resolve().parents[3] / "drivers/camera"
FAST = {"realtime": False, "analyse_fps": 10, "learn": "2s", "quiet": "1s", "address": "yard"}
LOWER = [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]
OPENED = Reading("yard", "camera", {"online": True, "motion": False})
UPPER = [[0, 0], [1, 0], [1, 0.4], [0, 0.4]]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("clip") / "two.avi", [(4, 6), (8.5, 10)])


def driver(source: Path | str, **options: object) -> Driver:
    chosen = Options.model_validate({"source": str(source)} | FAST | options)
    return Driver("cam", chosen, SystemClock())


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def watched(source: Path, ends: int, **options: object) -> list[Reading]:
    """Everything up to the ``ends``-th end of motion; the first is told at the start."""
    door = Door()
    task = asyncio.create_task(driver(source, **options).run(door))
    await door.until(lambda items: sum(i.values.get("motion") is False for i in items) >= ends)
    await stop(task)
    return door.items


def motions(readings: list[Reading]) -> list[bool]:
    return [r.values["motion"] for r in readings if "motion" in r.values]


def workers() -> list[int]:
    return [pid for pid in children() if pid not in servers.RUNNING]


def worker_of_this_test() -> int:
    """The process id of our only child."""
    (only,) = workers()
    return only


async def test_motion_begins_and_ends_in_pairs(clip):
    items = await watched(clip, 3)
    assert items[0] == OPENED
    assert motions(items) == [False, True, False, True, False]
    began, ended = items[1], items[2]
    assert began.values["area"] == pytest.approx(30 * 40 / (320 * 240), rel=0.5)
    assert 0 < began.values["extra.score"] < 1
    assert ended.values["area"] == 0
    assert ended.values["extra.lasted"] == pytest.approx(1.5, abs=0.4)  # of 2 s; told after 0.6 s
    assert began.observed_at is None


async def test_snapshot_is_a_picture_of_the_moment(clip):
    began = (await watched(clip, 2, snapshot={"max_width": 160}))[1]
    assert began.evidence is not None
    assert began.evidence.media_type == "image/jpeg"
    picture = cv2.imdecode(np.frombuffer(began.evidence.content, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (120, 160, 3)
    assert (picture.min(axis=2) > 220).sum() > 100  # the white block is in it


async def test_snapshot_of_motion_jpeg_is_the_cameras_own_packet(clip):
    began = (await watched(clip, 2))[1]
    assert began.evidence is not None
    assert began.evidence.content in clip.read_bytes()


async def test_zone_is_the_regions_name(clip):
    items = await watched(clip, 2, regions=[{"name": "path", "polygon": LOWER}])
    assert items[1].values["zone"] == "path"


@pytest.mark.parametrize(
    "blind",
    [{"masks": [LOWER]}, {"regions": [{"name": "sky", "polygon": UPPER}]}, {"min_area": 0.1}],
)
async def test_motion_that_is_not_asked_for_is_not_told(clip, blind):
    door = Door()
    task = asyncio.create_task(driver(clip, **blind).run(door))
    await door.has(1)
    async with asyncio.timeout(10):
        while workers():  # noqa: ASYNC110  # a process's end sets no event here
            await asyncio.sleep(0.02)
    await stop(task)
    assert door.items == [OPENED]


async def test_ended_file_rests_and_is_not_told_again(clip):
    door = Door()
    task = asyncio.create_task(driver(clip).run(door))
    await door.has(5)
    await asyncio.sleep(0.3)
    assert not task.done()
    assert len(door.items) == 5
    await stop(task)


async def test_looped_file_starts_over(clip):
    items = await watched(clip, 6, loop=True)
    assert motions(items)[:11] == [False, *([True, False] * 5)]


async def test_file_plays_at_its_own_speed(tmp_path):
    short = draw(tmp_path / "short.avi", [(0.3, 1.0)], seconds=2.0)
    clock = SystemClock()
    started = clock.now().mono
    await watched(short, 2, realtime=True, learn="0s", quiet="500ms", min_duration="200ms")
    assert (clock.now().mono - started) / 1e9 > 1.2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "can not be read: No such file or directory"),
        (b"", "is empty"),
        (b"no video at all" * 100, "is no video that can be decoded"),
    ],
)
async def test_file_that_is_no_video_is_said(tmp_path, content, sentence):
    path = tmp_path / "clip.avi"
    if content is not None:
        path.write_bytes(content)
    door = Door()
    with pytest.raises(Unavailable, match=f"^camera yard: .*{sentence}$"):
        await driver(path).run(door)
    assert door.items == [Reading("yard", "camera", {"online": False, "motion": False})]
    with pytest.raises(Unavailable, match=sentence):
        await driver(path).check()


async def test_damaged_pictures_inside_a_file_are_passed_over(clip, tmp_path):
    data = bytearray(clip.read_bytes())
    for at in range(len(data) // 4, len(data) // 4 + 20_000, 7):
        data[at] = 0
    damaged = tmp_path / "damaged.avi"
    damaged.write_bytes(data)
    door = Door()
    task = asyncio.create_task(driver(damaged).run(door))
    await door.has(1)
    await stop(task)
    assert door.items[0].values == OPENED.values


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        (signal.SIGKILL, "its worker was ended by SIGKILL"),
        (signal.SIGSEGV, "its worker was ended by SIGSEGV"),
        (signal.SIGSTOP, "its worker said nothing for 5 s and was killed"),
    ],
)
async def test_worker_that_dies_or_hangs_is_unavailable(clip, what, sentence):
    door = Door()
    camera = driver(clip, realtime=True, loop=True, hung_after="5s")
    task = asyncio.create_task(camera.run(door))
    await door.has(1)
    os.kill(worker_of_this_test(), what)
    with pytest.raises(Unavailable, match=f"^camera yard: {sentence}$"):
        await task
    assert [item.values for item in door.items] == [OPENED.values, {"online": False}]


async def test_motion_does_not_outlive_its_camera(clip):
    door = Door()
    task = asyncio.create_task(driver(clip, realtime=False, loop=True).run(door))
    await door.until(lambda items: items[-1:] != [] and items[-1].values.get("motion") is True)
    door.open.clear()
    os.kill(worker_of_this_test(), signal.SIGKILL)
    door.open.set()
    with pytest.raises(Unavailable):
        await task
    assert motions(door.items)[-1] is False
    assert door.items[-1].values["online"] is False


async def test_motion_that_a_stopped_gateway_left_open_ends_with_the_next_start(clip):
    door = Door()
    task = asyncio.create_task(driver(clip).run(door))
    await door.until(lambda items: items[-1:] != [] and items[-1].values.get("motion") is True)
    await stop(task)
    left = len(door.items)
    task = asyncio.create_task(driver(clip).run(door))
    await door.has(left + 1)
    await stop(task)
    assert door.items[left] == OPENED


async def test_motion_that_could_not_be_ended_is_ended_when_the_camera_is_back(clip):
    async def full(items):
        raise OSError("disk full")

    camera, door = driver(clip), Door()
    task = asyncio.create_task(camera.run(door))
    await door.until(lambda items: items[-1:] != [] and items[-1].values.get("motion") is True)
    await stop(task)
    with pytest.raises(OSError, match="disk full"):
        await camera.run(full)
    left = len(door.items)
    task = asyncio.create_task(camera.run(door))
    await door.has(left + 1)
    await stop(task)
    assert door.items[left].values == {"motion": False}


async def test_slow_disk_does_not_look_like_a_hung_worker(clip):
    class Slow(Door):
        asked = False

        async def __call__(self, items) -> None:
            self.asked = True
            await super().__call__(items)

    door, clock = Slow(), VirtualClock()
    door.open.clear()
    chosen = Options.model_validate({"source": str(clip)} | FAST)
    task = asyncio.create_task(Driver("cam", chosen, clock).run(door))
    async with asyncio.timeout(10):
        while not door.asked:  # noqa: ASYNC110  # what is waited for is that it waits
            await asyncio.sleep(0.02)
    await clock.advance(600)
    assert not task.done()
    door.open.set()
    items = await door.has(5)
    await stop(task)
    assert motions(items) == [False, True, False, True, False]


def test_worker_dies_with_the_gateway(clip):
    gateway = (
        "import asyncio, os, sys\n"
        "from drivers.camera.driver import Driver\n"
        "from drivers.camera.options import Options\n"
        "from gateway.clock import SystemClock\n"
        "async def emit(items):\n"
        "    me = os.getpid()\n"
        "    print(open(f'/proc/self/task/{me}/children').read(), flush=True)\n"
        "camera = Driver('c', Options(source=sys.argv[1], loop=True), SystemClock())\n"
        "asyncio.run(camera.run(emit))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", gateway, str(clip)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        worker = Path("/proc") / parent.stdout.readline().strip()
        parent.kill()
    for _ in range(100):
        state = worker / "stat"
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.02)
    raise AssertionError(f"{worker} is still there")


async def test_stream_that_ends_is_unavailable_and_not_over(clip):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: video/x-msvideo\r\n\r\n" + data)
        try:
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    data = clip.read_bytes()
    door = Door()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable, match=f"http://127.0.0.1:{port} stopped sending pictures"):
            await driver(f"http://127.0.0.1:{port}/clip.avi").run(door)
    assert [item.values for item in door.items] == [OPENED.values, {"online": False}]


async def test_silent_stream_is_given_up_by_the_worker_itself(monkeypatch):
    async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(be_silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        said = await worked(
            monkeypatch, job(Path(), source=f"rtsp://127.0.0.1:{port}/1", stream=True)
        )
    (failed,) = said
    assert failed.reason.startswith(f"no stream from rtsp://127.0.0.1:{port};")


async def test_password_is_in_no_argument_no_environment_and_no_message(tmp_path, monkeypatch):
    monkeypatch.setenv("CAMERA", "rtsp://admin:geh@im/1@127.0.0.1:9/stream")
    camera = Driver("cam", Options.model_validate({"url": {"env": "CAMERA"}}), SystemClock())
    with pytest.raises(Unavailable) as error:
        await camera.check()
    assert "geh" not in str(error.value)
    assert "no stream from" in str(error.value)
    assert shown("rtsp://admin:secret@10.0.0.8:554/ch1") == "rtsp://10.0.0.8:554"


async def test_secret_that_is_missing_is_said(monkeypatch):
    monkeypatch.delenv("CAMERA", raising=False)
    camera = Driver("cam", Options.model_validate({"url": {"env": "CAMERA"}}), SystemClock())
    with pytest.raises(Unavailable, match="the environment has no CAMERA"):
        await camera.check()


async def test_check_says_what_the_camera_sends(clip):
    assert await driver(clip).check() == "camera yard sends 320x240 MJPG, 10 pictures/s"


def test_decoder_is_not_loaded_into_the_gateway():
    code = "import sys, drivers.camera.driver; print({'cv2', 'numpy'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "write either source"),
        ({"source": "a.mp4", "url": {"env": "X"}}, "write either source"),
        ({"source": "rtsp://me:pw@cam/1"}, "must not hold a password"),
        ({"source": "concat:a|b", "threshold": 0}, "greater than or equal to 1"),
        ({"source": "ftp://cam/1"}, "rtsp, rtsps, http or https"),
        ({"source": "a", "masks": [[[0, 0], [1, 1]]]}, "at least 3 items"),
        ({"source": "a", "masks": [[[0, 0], [1, 1], [640, 0]]]}, "less than or equal to 1"),
    ],
)
def test_wrong_options_are_refused_with_the_reason(options, message):
    with pytest.raises(ValidationError, match=message) as error:
        Options.model_validate(options)
    assert "me:pw" not in str(error.value)


def test_sample_of_the_readme_is_the_tested_one():
    text = (FOLDER / "sample.yaml").read_text()
    assert text.strip() in (FOLDER / "README.md").read_text()
    written = yaml.safe_load(text)["yard"]
    assert written.pop("type") == "camera"
    assert Options.model_validate(written).is_stream


def test_every_option_is_in_the_readme():
    readme = (FOLDER / "README.md").read_text()
    names = {n for m in (module.Options, module.Region, module.Snapshot) for n in m.model_fields}
    assert {name for name in names if f"`{name}`" not in readme} == set()
