"""What the detector finds in recordings whose truth others wrote down; run with -s for the report.

Recordings that may not be shipped are looked for in ``shared/data`` beside the repository, or in the
folder that GRIDWARDEN_VIDEO names; a test whose recording is not there is skipped.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import cv2
import pytest

from drivers.camera.detect import Detector, shrink
from drivers.camera.messages import Began, Ended, Job, Message
from drivers.camera.worker import work
from gateway.clock import SystemClock
from tests.drivers.camera.clips import recorded

DEFAULTS = Job(
    source="",
    stream=False,
    probe=False,
    analyse_fps=5,
    realtime=False,
    loop=False,
    regions=[],
    masks=[],
    threshold=30,
    min_area=0.002,
    min_duration=0.6,
    quiet=5.0,
    learn=5.0,
    lightning=0.8,
    quality=80,
    max_width=1280,
)
ROAD = (631 / 1280, 532 / 720, 210 / 1280, 127 / 720)
"""The region of DVR-Scan's own test."""
DVR_SCAN = [(358 / 25, 491 / 25), (9 / 25, 149 / 25), (542 / 25, 576 / 25)]
"""Seconds; its tests/test_scan_context.py, baseline, 2 s after the last motion included."""


class Event(NamedTuple):
    start: float
    end: float


def job(path: Path, **changes: object) -> Job:
    fields = {name: getattr(DEFAULTS, name) for name in Job.__struct_fields__}
    return Job(**(fields | {"source": str(path)} | changes))  # type: ignore[arg-type]


async def events(task: Job) -> list[Event]:
    said: list[Message] = []
    await work(task, said.append, SystemClock())
    starts = [m.second for m in said if isinstance(m, Began) and not m.moved]
    ends = [m.second for m in said if isinstance(m, Ended)]
    return [Event(*pair) for pair in zip(starts, ends, strict=True)]


@pytest.mark.parametrize(
    ("fps", "threshold", "min_area", "found"), [(5, 25, 0.0007, 2), (25, 15, 0.0004, 3)]
)
async def test_traffic_events_are_those_that_dvr_scan_finds(fps, threshold, min_area, found):
    """The third event begins 1.4 s before the clip ends: one needs every picture to confirm it."""
    x, y, width, height = ROAD
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    got = await events(
        job(
            recorded("traffic_camera.mp4", "dvrscan_traffic_camera.mp4"),
            analyse_fps=fps,
            regions=[("road", corners)],
            threshold=threshold,
            min_area=min_area,
            min_duration=0.16,
            learn=0.0,
            quiet=2.0,
        )
    )
    pairs = [
        (event, truth)
        for event in got
        for truth in DVR_SCAN
        if abs(event.start - truth[0]) < 0.5 and abs(event.end - truth[1]) < 0.5
    ]
    print(f"traffic at {fps}/s: found {len(pairs)} of 3, false {len(got) - len(pairs)}: {got}")
    assert len(pairs) == found
    assert len(got) == found


async def test_tree_in_the_wind_raises_nothing_until_the_hand_comes():
    """A hand comes into OpenCV's tree clip at 23.5 s and stays to its end."""
    got = await events(job(recorded("opencv_tree.avi")))
    print(f"tree: {got}")
    assert len(got) == 1
    assert 23.5 < got[0].start < 25


async def test_campus_full_of_people_is_always_moving():
    got = await events(job(recorded("opencv_vtest.avi")))
    print(f"campus: {got}")
    assert len(got) == 1
    assert got[0].start < 6
    assert got[0].end > 79


def test_hall_pictures_agree_with_the_drawn_masks():
    """Found where somebody is drawn that is larger than ``min_area``; silent where nobody is."""
    video = cv2.VideoCapture(str(recorded("sbi_hallandmonitor.mp4")))
    with recorded("sbi_hallandmonitor_groundtruth.csv").open() as file:
        rows = list(csv.DictReader(file))
    truth = {int(row["gt_number"]): float(row["foreground_fraction"]) for row in rows}
    detector = Detector()
    hits = set()
    number = 0
    while video.grab():
        grey = cv2.cvtColor(shrink(video.retrieve()[1]), cv2.COLOR_BGR2GRAY)
        if detector.look(grey, 1 / 25).area:
            hits.add(number)
        number += 1
    video.release()
    there = {n for n, fraction in truth.items() if fraction >= 0.002}
    empty = {n for n, fraction in truth.items() if fraction == 0}
    found, false = len(there & hits), len(empty & hits)
    print(f"hall: found {found} of {len(there)}, false {false} of {len(empty)}")
    assert found > 0.95 * len(there)
    assert false == 0
