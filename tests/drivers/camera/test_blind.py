"""Cameras that see nothing, and what must not be taken for one."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from drivers.camera.blind import Guard, Limits
from drivers.camera.detect import shrink
from drivers.camera.driver import Driver
from drivers.camera.messages import Job, Troubled
from drivers.camera.options import Options
from drivers.camera.worker import work
from gateway.clock import SystemClock
from tests.drivers.camera.clips import encode, film, noisy, scene
from tests.drivers.camera.test_quality import job

SCENE = shrink(scene())
FROZEN = 11
"""The first frozen picture is still a new one."""
LIMITS = Limits(blind=5, changed=10, frozen=10)


def watch(
    look: Callable[[int], np.ndarray],
    seconds: int,
    masks: tuple[list[tuple[float, float]], ...] = (),
) -> list[tuple[int, str]]:
    """What is said, and when: a minute of the scene, then what ``look`` makes of it."""
    guard, random = Guard(LIMITS, masks), np.random.default_rng(1)
    said: list[tuple[int, str]] = []
    for second in range(-60, seconds):
        picture = noisy(SCENE, random, 2) if second < 0 else look(second)
        reason = guard.look(picture, second + 60.0)
        if reason != (said[-1][1] if said else ""):
            said.append((second, reason))
    return said


def like(change: Callable[[np.ndarray], np.ndarray], spread: float = 2.0):
    random = np.random.default_rng(2)
    changed = change(SCENE.astype(float))
    return lambda _: noisy(changed, random, spread)


def clock(picture: np.ndarray, second: int) -> np.ndarray:
    """A line of text in the upper left corner, with seconds that run."""
    written = picture.copy()
    text = f"2026-01-05 08:00:{second % 60:02}"
    cv2.putText(written, text, (2, 8), cv2.FONT_HERSHEY_SIMPLEX, 0.28, 255, 1)
    return written


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p * 0.01 + 5, "too_dark"),
        (lambda p: p * 0.02 + 245, "too_bright"),
        (lambda p: cv2.GaussianBlur(p, (0, 0), 18) * 0.7, "covered"),
        (lambda p: p * 0 + 120, "covered"),
        (lambda p: np.roll(p, 53, axis=1)[::-1], "scene_changed"),
        (lambda p: shrink(scene(99)), "scene_changed"),
    ],
)
def test_blind_camera_is_told_once(change, reason):
    wait = 10 if reason == "scene_changed" else 5
    assert watch(like(change), 40) == [(wait, reason)]


def test_clock_in_a_dark_picture_is_no_sight():
    random = np.random.default_rng(3)
    assert watch(lambda s: clock(noisy(SCENE * 0.0 + 6, random, 2), s), 30) == [(5, "too_dark")]


def vignette(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape
    y, x = np.mgrid[0:height, 0:width]
    return np.exp(-(((x - width / 2) / width * 2) ** 2 + ((y - height / 2) / height * 2) ** 2))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p * 0.3,
        lambda p: p * 1.6,
        lambda p: p + 40,
        lambda p: 255 * (p / 255) ** 0.5 * vignette(p),
        lambda p: (255 - cv2.GaussianBlur(p, (0, 0), 8)) * 0.4 + (p - p.mean()) * 0.5 + 60,
        lambda p: np.roll(p, 2, axis=1),
    ],
    ids=["dim", "bright", "fog-light", "infrared", "infrared-foliage", "sway"],
)
def test_change_of_light_and_wind_raise_nothing(change):
    assert watch(like(change, 3), 120) == []


def test_dusk_and_dawn_raise_nothing():
    random = np.random.default_rng(4)
    light = lambda s: 0.6 + 0.35 * np.cos(s / 300 * 2 * np.pi)  # noqa: E731
    assert watch(lambda s: noisy(SCENE * light(s), random, 2), 600) == []


def test_what_passes_before_the_lens_for_a_moment_raises_nothing():
    random = np.random.default_rng(5)
    covered = noisy(SCENE * 0.0 + 90, random)
    assert watch(lambda s: covered if s % 20 < 4 else noisy(SCENE, random), 100) == []


def test_it_is_over_when_the_camera_sees_again_for_a_while():
    random = np.random.default_rng(6)
    look = lambda s: noisy(SCENE * (0.0 if s < 20 or s == 22 else 1.0), random)  # noqa: E731
    assert watch(look, 40) == [(5, "too_dark"), (28, "")]


def test_frozen_picture_is_told_and_its_clock_does_not_hide_it():
    still = SCENE.copy()
    assert watch(lambda s: clock(still, s), 30) == [(FROZEN, "frozen")]
    random = np.random.default_rng(7)
    look = lambda s: still if s < 20 else noisy(SCENE, random)  # noqa: E731
    assert watch(look, 30) == [(FROZEN, "frozen"), (21, "")]


def test_camera_turned_on_purpose_is_the_new_scene_after_half_an_hour():
    assert watch(like(lambda p: shrink(scene(99))), 1900) == [(10, "scene_changed"), (1810, "")]


def test_masked_part_does_not_count():
    left = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]
    half = SCENE.copy()
    half[:, 70:] = 100
    random = np.random.default_rng(8)
    assert watch(lambda s: noisy(half, random), 20, (left,)) == [(5, "covered")]
    assert watch(lambda s: noisy(half, random), 20) == []


@pytest.mark.parametrize("off", ["blind", "changed", "frozen"])
def test_what_is_not_watched_is_not_told(off):
    guard = Guard(LIMITS._replace(**{off: 0}))
    random = np.random.default_rng(9)
    for second in range(60):
        guard.look(noisy(SCENE, random), second)
    looks = {"blind": SCENE * 0 + 4, "changed": shrink(scene(99)), "frozen": SCENE}
    for second in range(60, 100):
        picture = looks[off] if off == "frozen" else noisy(looks[off], random)
        assert guard.look(picture.astype(np.uint8), second) == ""


@pytest.mark.parametrize("shape", [(7, 160), (160, 7), (1, 1), (12, 8), (90, 160)])
def test_pictures_of_any_size_are_looked_at(shape):
    guard = Guard(LIMITS)
    for second in range(10):
        guard.look(np.full(shape, second, np.uint8), second)


async def test_covered_camera_is_a_reading_with_a_picture(tmp_path):
    """Through the worker and H.264, which leaves hardly any noise."""

    def look(picture: np.ndarray, second: float) -> np.ndarray:
        return picture // 16 if 15 <= second < 30 else picture

    watched: Job = job(
        film(tmp_path / "dark.mp4", 45, look=look),
        blind_after=5.0,
        turned_after=9.0,
        frozen_after=9.0,
    )
    messages: list[object] = []
    await work(watched, messages.append, SystemClock())
    troubles = [m for m in messages if isinstance(m, Troubled)]
    assert [m.reason for m in troubles] == ["", "too_dark", ""]
    assert troubles[1].second == pytest.approx(20, abs=1.5)
    assert troubles[2].second == pytest.approx(35, abs=1.5)
    assert troubles[1].jpeg[:2] == b"\xff\xd8"
    driver = Driver(
        "cam", Options.model_validate({"source": "a", "address": "yard"}), SystemClock()
    )
    readings = [driver._troubled(m) for m in troubles]
    assert [r.values["fault"] for r in readings] == [False, True, False]
    assert [r.values["extra.reason"] for r in readings] == ["clear", "too_dark", "clear"]
    assert [r.evidence is not None for r in readings] == [False, True, False]


async def test_frozen_stream_of_h264_is_noticed(tmp_path):
    random = np.random.default_rng(1)
    still = noisy(scene(), random)
    pictures = [noisy(scene(), random) if n < 100 else still for n in range(400)]
    watched = job(encode(tmp_path / "frozen.mp4", pictures, gop=50), frozen_after=10.0)
    messages: list[object] = []
    await work(watched, messages.append, SystemClock())
    assert [m.reason for m in messages if isinstance(m, Troubled)] == ["", "frozen"]


async def test_camera_that_is_covered_when_it_comes_back_was_never_clear(tmp_path):
    grey = (np.full((240, 320), 120, np.uint8) for _ in range(30 * 2))
    path = encode(tmp_path / "covered.mp4", grey, fps=2)
    messages: list[object] = []
    await work(job(path, blind_after=15.0), messages.append, SystemClock())
    assert [m.reason for m in messages if isinstance(m, Troubled)] == ["covered"]
