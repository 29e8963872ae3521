"""Films of events: what is in them, and that memory stays bounded."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest

from drivers.camera import clip as module
from drivers.camera.clip import Recorder
from drivers.camera.messages import Began, Failed, Filmed, Message, Opened
from drivers.camera.picture import NoPicture, Video
from drivers.camera.worker import work
from gateway.clock import SystemClock
from gateway.store.evidence import MOST_BYTES
from tests.drivers.camera.clips import draw, encode, film
from tests.drivers.camera.test_quality import job


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "yard.mp4", 20, (8, 11))


async def said(path: Path, **changes: object) -> list[object]:
    messages: list[object] = []
    await work(job(path, learn=2.0, analyse_fps=10, **changes), messages.append, SystemClock())
    return messages


async def test_film_begins_before_the_event_and_is_the_cameras_own_pictures(yard):
    messages = await said(yard, clip=(3.0, 2.0))
    began = next(m for m in messages if isinstance(m, Began))
    (filmed,) = [m for m in messages if isinstance(m, Filmed)]
    assert messages.index(filmed) > messages.index(began)
    assert filmed.second == pytest.approx(began.second + 2, abs=0.2)
    assert 3 <= filmed.before <= 4.1  # from the key picture before
    assert filmed.lasts == pytest.approx(filmed.before + 2, abs=0.3)
    with av.open(io.BytesIO(filmed.mp4)) as box, av.open(str(yard)) as whole:
        stream = box.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert not [s for s in box.streams if s is not stream]
        packets = [bytes(p) for p in box.demux(stream) if p.size]
        theirs = [bytes(p) for p in whole.demux(whole.streams.video[0]) if p.size]
    at = theirs.index(packets[0])
    assert theirs[at : at + len(packets)] == packets  # not encoded again
    with av.open(io.BytesIO(filmed.mp4)) as box:
        frames = list(box.decode(video=0))
    assert len(frames) == len(packets)
    assert frames[0].pts == 0
    assert (frames[-1].to_ndarray(format="gray")[150:190] > 220).sum() > 500  # the block


async def test_motion_jpeg_is_not_filmed_and_that_is_said(tmp_path):
    messages = await said(draw(tmp_path / "a.avi", [(4, 6)]), clip=(2.0, 2.0))
    assert any(isinstance(m, Began) for m in messages)
    assert not any(isinstance(m, Filmed) for m in messages)
    assert next(m for m in messages if isinstance(m, Opened)).films is False


async def test_film_of_an_event_at_the_end_ends_with_the_file(yard):
    (filmed,) = [m for m in await said(yard, clip=(1.0, 25.0)) if isinstance(m, Filmed)]
    assert filmed.lasts > 10


def loud(path: Path, seconds: float, gop: int) -> Path:
    """Noise, which no encoder makes small: about 1.7 MB a second."""
    random = np.random.default_rng(5)
    count = int(seconds * 10)
    pictures = (random.integers(0, 255, (480, 640), np.uint8) for _ in range(count))
    return encode(path, pictures, gop=gop)


@pytest.mark.parametrize("gop", [3, 1000])
def test_ring_and_film_are_bounded(tmp_path, gop):
    with av.open(str(loud(tmp_path / "loud.mp4", 5, gop))) as box:
        stream = box.streams.video[0]
        recorder = Recorder(stream, 30.0, 30.0)
        packets = [packet for packet in box.demux(stream) if packet.size]
        assert sum(packet.size for packet in packets) > 1.5 * MOST_BYTES
        for number, packet in enumerate(packets):
            recorder.take([packet], number / 10)
            assert recorder._held <= module.RING_BYTES
            assert sum(piece.packet.size for piece in recorder._film) <= module.CLIP_BYTES
            if number == 5:
                recorder.begin(number / 10)
        clip = recorder.finish()
    assert clip is not None
    assert len(clip.mp4) <= MOST_BYTES


def test_nothing_is_filmed_before_the_first_key_picture(tmp_path):
    with av.open(str(film(tmp_path / "a.mp4", 3))) as box:
        stream = box.streams.video[0]
        recorder = Recorder(stream, 2.0, 1.0)
        packets = [packet for packet in box.demux(stream) if packet.size]
        recorder.take(packets[1:5], 0.5)
        recorder.begin(0.5)
        assert recorder.finish() is None


def test_times_that_stand_still_or_jump_back_are_put_in_order(tmp_path):
    with av.open(str(film(tmp_path / "a.mp4", 4))) as box:
        stream = box.streams.video[0]
        recorder = Recorder(stream, 5.0, 1.0)
        for number, packet in enumerate(p for p in box.demux(stream) if p.size):
            if number in (7, 8, 20):
                packet.pts = packet.dts = 0 if number == 8 else None
            recorder.take([packet], number / 10)
        recorder.begin(4.0)
        clip = recorder.finish()
    assert clip is not None
    with av.open(io.BytesIO(clip.mp4)) as box:
        times = [p.dts for p in box.demux(video=0) if p.size]
    assert len(times) == 40
    assert times == sorted(set(times))


async def test_film_of_a_camera_that_is_torn_down_ends_with_its_last_picture(yard, monkeypatch):
    messages: list[Message] = []
    grab = Video.grab

    def torn(video: Video) -> bool:
        if any(isinstance(message, Began) for message in messages):
            raise NoPicture("sent nothing for 5 s")
        return grab(video)

    monkeypatch.setattr(Video, "grab", torn)
    given = job(yard, learn=2.0, analyse_fps=10, clip=(3.0, 5.0))
    await work(given, messages.append, SystemClock())
    assert [type(message) for message in messages[-3:]] == [Began, Filmed, Failed]
    assert messages[-2].before > 2
