"""What the motion detector finds and what it makes up, beside two plain ways to do it.

Every recording with a known truth, and still scenes made of the same recordings on which only
the light changes. All three ways see the same small pictures at 5/s and begin and end events by
the same rule (3 of 5 pictures, 5 s of quiet): only the question "what moves?" differs.

    frame difference   the picture before, 30 grey levels
    MOG2               OpenCV's mixture of Gaussians, shadows taken out, its own defaults
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.camera.detect import NOTHING, Detector, Grey, Points, Seen, shrink
from drivers.camera.episode import Episode, Sight
from gateway.clock import spin_ns

FPS: Final = 5.0
MIN_AREA: Final = 0.002
_X, _Y, _W, _H = 631 / 1280, 532 / 720, 210 / 1280, 127 / 720
ROAD: Final = [(_X, _Y), (_X + _W, _Y), (_X + _W, _Y + _H), (_X, _Y + _H)]
"""The region of DVR-Scan's own test."""


class Event(NamedTuple):
    start: float
    end: float


class Clip(NamedTuple):
    """Small grey pictures at FPS, and when something really moves."""

    name: str
    pictures: list[tuple[float, Grey]]
    """With their seconds."""
    truth: list[Event]
    learn: float = 5.0
    quiet: float = 5.0
    minimum: float = 0.6
    region: Points | None = None
    min_area: float = MIN_AREA
    threshold: int = 30


class Looks(Protocol):
    def look(self, picture: Grey, elapsed: float) -> Seen: ...


class _Plain:
    """What both plain ways share: a mask of moved points to the largest thing."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._inside: Grey | None = None

    def _largest(self, moved: Grey) -> Seen:
        if self._clip.region is not None:
            if self._inside is None:
                height, width = moved.shape
                corners = [(round(x * width), round(y * height)) for x, y in self._clip.region]
                self._inside = np.zeros_like(moved)
                cv2.fillPoly(self._inside, [np.array(corners, np.int32)], 255)
            moved = cv2.bitwise_and(moved, self._inside)
        moved = cv2.morphologyEx(moved, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(moved, None))
        area = float(stats[1:, cv2.CC_STAT_AREA].max(initial=0)) / moved.size
        return Seen(area, "", 0.5) if area >= self._clip.min_area else NOTHING


class FrameDifference(_Plain):
    _before: Grey | None = None

    def look(self, picture: Grey, elapsed: float) -> Seen:
        before, self._before = self._before, picture
        if before is None:
            return NOTHING
        return self._largest(
            cv2.compare(cv2.absdiff(picture, before), self._clip.threshold, cv2.CMP_GT)
        )


class Mog2(_Plain):
    def __init__(self, clip: Clip) -> None:
        super().__init__(clip)
        self._model = cv2.createBackgroundSubtractorMOG2()

    def look(self, picture: Grey, elapsed: float) -> Seen:
        return self._largest(cv2.compare(self._model.apply(picture), 200, cv2.CMP_GT))


def ours(clip: Clip) -> Detector:
    regions = [("road", clip.region)] if clip.region is not None else []
    return Detector(regions, min_area=clip.min_area, threshold=clip.threshold)


WAYS: Final[dict[str, Callable[[Clip], Looks]]] = {
    "ours": ours,
    "frame difference": FrameDifference,
    "MOG2": Mog2,
}


class Score(NamedTuple):
    """What one way made of one clip."""

    told: list[Event]
    found: int
    false: int
    delays: list[float]
    cpu: float
    """Microseconds per picture, decoding left out."""


def score(clip: Clip, way: Callable[[Clip], Looks]) -> Score:
    told, cpu = events(clip, way(clip))
    hits = [(truth, [event for event in told if begins(event, truth)]) for truth in clip.truth]
    false = [event for event in told if not any(begins(event, truth) for truth in clip.truth)]
    delays = [found[0].start - max(truth.start, clip.learn) for truth, found in hits if found]
    return Score(told, sum(bool(found) for _, found in hits), len(false), delays, cpu)


def begins(event: Event, truth: Event) -> bool:
    """Whether ``event`` can be of ``truth``: what begins more than a second early is another."""
    return truth.start - 1.0 <= event.start <= truth.end


def events(clip: Clip, detector: Looks) -> tuple[list[Event], float]:
    episode = Episode(FPS, clip.minimum, clip.quiet, clip.learn)
    told: list[Event] = []
    spent = 0
    start = last = 0.0
    for second, picture in clip.pictures:
        before = spin_ns()
        seen = detector.look(picture, second - last)
        spent += spin_ns() - before
        last = second
        turn = episode.feed(Sight(seen.area, seen.zone, seen.score), second)
        if turn is not None and turn.what == "began":
            start = second
        elif turn is not None and turn.what == "ended":
            told.append(Event(start, start + turn.lasted))
    if episode.close(last) is not None:
        told.append(Event(start, last))
    return told, spent / max(1, len(clip.pictures)) / 1000


# --- clips --------------------------------------------------------------------------------


def recorded(folder: Path) -> Iterator[Clip]:
    """The recordings of ``folder`` whose truth somebody wrote down; what is missing is left out."""
    if (path := folder / "dvrscan_traffic_camera.mp4").exists():
        truth = [Event(9 / 25, 149 / 25), Event(358 / 25, 491 / 25), Event(542 / 25, 576 / 25)]
        small = list(pictures(path))
        yield Clip(path.name, small, truth, 0.0, 2.0, 0.16, ROAD, 0.0007, threshold=25)
    if (path := folder / "opencv_tree.avi").exists():
        yield Clip(path.name, list(pictures(path)), [Event(23.5, 30.0)])
    if (path := folder / "opencv_vtest.avi").exists():
        yield Clip(path.name, list(pictures(path)), _people(folder))
    for path in sorted(folder.glob("sbi_*.mp4")):
        yield Clip(path.name, list(pictures(path)), _masks(path), 1.0)  # some last for 4 s


def pictures(path: Path) -> Iterator[tuple[float, Grey]]:
    """Small grey pictures at FPS, or at what the recording has."""
    with av.open(str(path)) as box:
        due = 0.0
        for frame in box.decode(video=0):
            second = frame.time or 0.0
            if second >= due - 0.01:
                due = max(due + 1 / FPS, second)
                yield second, shrink(frame.to_ndarray(format="gray"))


def _masks(path: Path) -> list[Event]:
    """From the drawn masks: somebody is there who is larger than ``MIN_AREA``."""
    with path.with_name(f"{path.stem}_groundtruth.csv").open() as file:
        rows = [
            (int(r["gt_number"]), float(r["foreground_fraction"])) for r in csv.DictReader(file)
        ]
    times = [(number / 25, fraction >= MIN_AREA) for number, fraction in rows]
    return joined([second for second, there in times if there])


def _people(folder: Path) -> list[Event]:
    with (folder / "opencv_vtest_person_detections.csv").open() as file:
        frames = {int(row[0]) for row in csv.reader(file) if row and row[0].isdigit()}
    return joined([(number - 1) / 10 for number in sorted(frames)])


def joined(seconds: Sequence[float]) -> list[Event]:
    """Moments to events: those less than 5 s apart are one, as an event's quiet time has it."""
    found: list[Event] = []
    for second in seconds:
        if found and second - found[-1].end < 5:
            found[-1] = Event(found[-1].start, second)
        else:
            found.append(Event(second, second))
    return found


Light = Callable[[NDArray[np.float64], float], NDArray[np.float64]]


def _spot(picture: NDArray[np.float64], x: float, y: float, strength: float) -> NDArray[np.float64]:
    height, width = picture.shape
    rows, columns = np.mgrid[0:height, 0:width]
    far = ((columns / width - x) / 0.25) ** 2 + ((rows / height - y) / 0.25) ** 2
    lit: NDArray[np.float64] = picture * (1 + strength * np.exp(-far))
    return lit


def _infrared(picture: NDArray[np.float64], second: float) -> NDArray[np.float64]:
    """Another brightness everywhere, lamps beside the lens, dark corners."""
    return _spot(255 * (picture / 255) ** 0.6, 0.5, 0.5, 0.5) * 0.8 if second > 12 else picture


LIGHTS: Final[dict[str, Light]] = {
    "step to 60 %": lambda p, s: p * (0.6 if s > 12 else 1.0),
    "step to 150 %": lambda p, s: p * (1.5 if s > 12 else 1.0),
    "ramp to 40 % in 3 s": lambda p, s: p * (1 - 0.6 * min(1.0, max(0.0, (s - 12) / 3))),
    "ramp to 40 % in 15 s": lambda p, s: p * (1 - 0.6 * min(1.0, max(0.0, (s - 12) / 15))),
    "clouds": lambda p, s: p * (0.8 + 0.2 * math.cos(s / 6 * 2 * math.pi)),
    "a lamp on one side": lambda p, s: _spot(p, 0.2, 0.4, 0.8 if s > 12 else 0.0),
    "infrared": _infrared,
}


def lit(clips: Sequence[Clip]) -> Iterator[Clip]:
    """Each recording's middle picture, standing still but for noise, in changing light."""
    random = np.random.default_rng(11)
    for clip in clips:
        some = [picture for _, picture in clip.pictures[:: max(1, len(clip.pictures) // 25)]]
        still = np.median(np.stack(some), axis=0)
        for name, light in LIGHTS.items():
            changed = [
                np.clip(light(still, n / FPS) + random.normal(0, 2, still.shape), 0, 255)
                for n in range(int(30 * FPS))
            ]
            small = [(n / FPS, each.astype(np.uint8)) for n, each in enumerate(changed)]
            yield clip._replace(name=name, pictures=small, truth=[], learn=5.0)


# --- the table ----------------------------------------------------------------------------


def table(folder: Path) -> None:
    """Print both parts."""
    clips = list(recorded(folder))
    if not clips:
        print(f"no recordings in {folder}: motion is not scored")
        return
    print(f"{'found/true, false, seconds to detect':38}" + "".join(f"{way:>22}" for way in WAYS))
    totals = {way: [0, 0, 0] for way in WAYS}
    for clip in clips:
        cells = []
        for name, way in WAYS.items():
            one = score(clip, way)
            delay = f"{sum(one.delays) / len(one.delays):.1f}" if one.delays else "-"
            cells.append(f"{one.found}/{len(clip.truth)} {one.false:>3} {delay:>5}")
            totals[name] = [
                a + b
                for a, b in zip(totals[name], (one.found, len(clip.truth), one.false), strict=True)
            ]
        print(f"{clip.name:38}" + "".join(f"{cell:>22}" for cell in cells), flush=True)
    recall = [
        f"{found / true:.0%}, {found / max(1, found + false):.0%}"
        for found, true, false in totals.values()
    ]
    print(f"{'recall, precision':38}" + "".join(f"{cell:>22}" for cell in recall))
    _light_table(clips)


def _light_table(clips: Sequence[Clip]) -> None:
    false: dict[str, dict[str, int]] = {light: dict.fromkeys(WAYS, 0) for light in LIGHTS}
    cpu: dict[str, list[float]] = {way: [] for way in WAYS}
    for clip in lit(clips):
        for name, way in WAYS.items():
            one = score(clip, way)
            false[clip.name][name] += bool(one.told)
            cpu[name].append(one.cpu)
    print(f"{f'light alone: scenes of {len(clips)} that alarm':38}")
    for light, counts in false.items():
        print(f"{light:38}" + "".join(f"{count:>22}" for count in counts.values()))
    cells = [f"{sum(times) / len(times):.0f}" for times in cpu.values()]
    print(f"{'us CPU per small picture':38}" + "".join(f"{cell:>22}" for cell in cells))
