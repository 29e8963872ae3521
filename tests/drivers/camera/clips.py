"""Clips that the tests draw themselves, and where the recorded ones lie."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from drivers.camera import picture
from drivers.camera.messages import Job, Message
from drivers.camera.worker import work
from gateway.clock import SystemClock
from tests.shared import shared

SIZE = (320, 240)
FPS = 10
SHIPPED = Path(__file__).resolve().parents[3] / "gateway/demo/recordings"


def draw(path: Path, moving: list[tuple[float, float]], seconds: float = 12.0) -> Path:
    """A still, noisy scene in Motion JPEG; between each pair of seconds a block crosses it.

    The block is 30x40 of 320x240 (1.6 % of the picture) and crosses the lower half.
    """
    random = np.random.default_rng(7)
    scene = cv2.GaussianBlur(random.integers(60, 180, (*SIZE[::-1], 3), np.uint8), (0, 0), 9)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, SIZE)
    assert writer.isOpened()
    for number in range(int(seconds * FPS)):
        second = number / FPS
        picture = cv2.add(scene, random.integers(0, 6, scene.shape, np.uint8))
        for start, end in moving:
            if start <= second < end:
                left = int(20 + (second - start) / (end - start) * 240)
                cv2.rectangle(picture, (left, 150), (left + 30, 190), (250, 250, 250), -1)
        writer.write(picture)
    writer.release()
    return path


def recorded(*names: str) -> Path:
    """A recording shipped with the demo, in the folder GRIDWARDEN_VIDEO names, or a shared one."""
    folders = (SHIPPED, *map(Path, filter(None, [os.environ.get("GRIDWARDEN_VIDEO")])))
    return shared(*(f"video/{name}" for name in names), folders=folders)


def encode(path: Path, pictures: Iterable[np.ndarray], *, fps: int = 10, gop: int = 10) -> Path:
    """H.264 as cameras make it: no B pictures, a key picture every ``gop``; grey or BGR."""
    with av.open(str(path), "w") as box:
        stream = box.add_stream(
            "libx264", rate=fps, options={"preset": "ultrafast", "bf": "0", "threads": "1"}
        )
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = gop
        for picture in pictures:
            kind = "gray" if picture.ndim == 2 else "bgr24"
            if not stream.codec_context.is_open:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format=kind)
            box.mux(stream.encode(frame))
        box.mux(stream.encode())
    return path


def scene(seed: int = 7) -> np.ndarray:
    """A still scene with edges, grey, 320x240."""
    random = np.random.default_rng(seed)
    picture = random.integers(60, 180, (SIZE[1], SIZE[0]), np.uint8)
    picture = cv2.GaussianBlur(picture, (0, 0), 5)
    for _ in range(25):
        x, y = int(random.integers(0, 280)), int(random.integers(0, 200))
        size = (x + int(random.integers(15, 60)), y + int(random.integers(10, 40)))
        cv2.rectangle(picture, (x, y), size, int(random.integers(40, 220)), -1)
    return picture


def noisy(picture: np.ndarray, random: np.random.Generator, spread: float = 3.0) -> np.ndarray:
    """With a sensor's noise."""
    loud = picture + random.normal(0, spread, picture.shape)
    return np.clip(loud, 0, 255).astype(np.uint8)


def film(
    path: Path,
    seconds: float,
    moving: tuple[float, float] = (0, 0),
    *,
    look: Callable[[np.ndarray, float], np.ndarray] = lambda picture, _: picture,
) -> Path:
    """A noisy scene in H.264, a white block crossing it while ``moving``; ``look`` may change it."""
    random = np.random.default_rng(3)
    still = scene()

    def pictures() -> Iterator[np.ndarray]:
        for number in range(int(seconds * FPS)):
            second = number / FPS
            picture = still.copy()
            if moving[0] <= second < moving[1]:
                left = int(20 + (second - moving[0]) / (moving[1] - moving[0]) * 240)
                cv2.rectangle(picture, (left, 150), (left + 30, 190), 250, -1)
            yield look(noisy(picture, random), second)

    return encode(path, pictures())


async def worked(
    monkeypatch: pytest.MonkeyPatch, job: Job, hears: Callable[[Message], None] | None = None
) -> list[Message]:
    """What a worker says of ``job`` that waits for one second where it would wait for five."""
    monkeypatch.setattr(picture, "_TIMEOUT", 1.0)
    monkeypatch.setitem(picture._STREAM_OPTIONS, "timeout", "1000000")
    said: list[Message] = []

    def take(message: Message) -> None:
        said.append(message)
        if hears is not None:
            hears(message)

    await asyncio.to_thread(lambda: asyncio.run(work(job, take, SystemClock())))
    return said
