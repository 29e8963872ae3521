"""Clips that the tests draw themselves, and where the recorded ones lie."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

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
