"""CPU per analysed picture of the camera worker, decoding included: python -m tests.bench.camera

Every picture of a clip is decoded and analysed by the worker process as the gateway runs it;
its user and system time is taken from wait4 (a probe's start-up time deducted) and divided
by the pictures. ``--clip`` names the scene to scale; the default is the demo's recording.

Then the share of a core that CAMERAS cameras take at once, each its own worker at 5 analysed
pictures/s, and (``camera_scores``) what the detector finds and makes up beside plain ways.
``--part cost``, ``capacity`` or ``scores`` runs one of the three alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from drivers.camera.messages import Finished, Job, Message, pack
from drivers.camera.process import QUIET
from gateway.clock import SystemClock
from gateway.model import SECOND
from tests.bench import camera_scores
from tests.shared import DATA

ROOT = Path(__file__).resolve().parents[2]
RECORDING = ROOT / "gateway/demo/recordings/traffic_camera.mp4"
PEER = "motion daemon 4.5, measured on a machine like this one"
PEER_FIGURES = {"640x360": "1.3-1.5", "1280x720": "4.1-4.6"}
CAMERAS = 8
LIVE = 12
"""Seconds of the live part."""
SIZES = ((1280, 720), (640, 360))
MOG2 = """
import resource, sys, cv2
cv2.setNumThreads(1)
video = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
model = cv2.createBackgroundSubtractorMOG2()
video.read()
count, start = 0, resource.getrusage(resource.RUSAGE_SELF)
while True:
    ok, picture = video.read()
    if not ok:
        break
    model.apply(picture)
    count += 1
end = resource.getrusage(resource.RUSAGE_SELF)
print((end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime) / count * 1000)
"""


class Run(NamedTuple):
    """One worker, from start to end. Seconds of CPU, KiB at the most."""

    cpu: float
    memory: int
    analysed: int


def job(source: Path, *, probe: bool = False) -> Job:
    return Job(
        source=str(source),
        stream=False,
        probe=probe,
        analyse_fps=60.0,
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


def run(task: Job) -> Run:
    return finish(start(task))


def start(task: Job) -> subprocess.Popen[bytes]:
    """The worker at its job."""
    worker = subprocess.Popen(
        [sys.executable, "-P", "-m", "drivers.camera.worker", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | QUIET | {"PYTHONPATH": str(ROOT)},
    )
    assert worker.stdin is not None
    worker.stdin.write(pack(task))
    worker.stdin.close()
    return worker


def finish(worker: subprocess.Popen[bytes]) -> Run:
    """What it took, once it has ended."""
    assert worker.stdout is not None
    with worker.stdout:
        said = list(messages(worker.stdout.read()))
    _, status, usage = os.wait4(worker.pid, 0)
    worker.returncode = os.waitstatus_to_exitcode(status)
    analysed = sum(message.analysed for message in said if isinstance(message, Finished))
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss, analysed)


def messages(data: bytes) -> Iterator[Message]:
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        yield msgspec.msgpack.decode(data[at + 4 : at + 4 + length], type=Message)
        at += 4 + length


def per_picture(clip: Path, runs: int) -> tuple[float, float, int]:
    """Milliseconds: the median of the runs, the spread; and MiB."""
    start = statistics.median(run(job(clip, probe=True)).cpu for _ in range(3))
    done = [run(job(clip)) for _ in range(runs)]
    times = [(one.cpu - start) / one.analysed * 1000 for one in done]
    return statistics.median(times), max(times) - min(times), done[0].memory // 1024


def mog2(clip: Path, runs: int) -> float:
    """Milliseconds: OpenCV's background subtractor on the whole picture, decoding included."""
    command = [sys.executable, "-c", MOG2, str(clip)]
    return statistics.median(float(subprocess.check_output(command)) for _ in range(runs))


def capacity(scene: Path, folder: Path) -> None:
    """CAMERAS workers at once, live speed: the share of a core, starting left out."""
    print(
        f"{f'{CAMERAS} cameras, 640x360 H.264, 5 analysed/s':38}{'% of a core':>12}{'MiB each':>10}"
    )
    for rate in (5, 15, 25):
        clip = folder / f"live-{rate}.mp4"
        codec = f"-c:v libx264 -preset veryfast -bf 0 -g {2 * rate} -b:v {24 * rate}k"
        picture = f"setpts=N/25/TB,fps={rate},scale=640:360"
        subprocess.run(
            [
                *("ffmpeg", "-v", "error", "-stream_loop", "1", "-i", str(scene), "-an"),
                *(
                    "-t",
                    str(LIVE),
                    "-vf",
                    picture,
                    *codec.split(),
                    "-pix_fmt",
                    "yuv420p",
                    str(clip),
                ),
            ],
            check=True,
        )
        task = msgspec.structs.replace(job(clip), realtime=True, analyse_fps=5.0)
        probe = run(msgspec.structs.replace(task, probe=True)).cpu
        clock = SystemClock()
        before = clock.now().mono
        done = [finish(worker) for worker in [start(task) for _ in range(CAMERAS)]]
        wall = (clock.now().mono - before) / SECOND
        share = sum(one.cpu - probe for one in done) / LIVE
        analysed = sum(one.analysed for one in done) / LIVE
        name = f"sent at {rate}/s, {analysed:.0f} analysed/s in all"
        print(f"{name:38}{share:12.0%}{done[0].memory // 1024:10}   ({wall:.0f} s)", flush=True)


def make(scene: Path, folder: Path) -> dict[str, Path]:
    """The scene at both sizes as H.264 (25 pictures/s, 2 and 0.6 Mbit/s) and Motion JPEG."""
    clips: dict[str, Path] = {}
    for width, height in SIZES:
        size = f"{width}x{height}"
        rate = "2M" if width > 640 else "600k"
        for name, codec in (
            (f"h264-{size}.mp4", f"-c:v libx264 -preset veryfast -bf 0 -g 50 -b:v {rate}"),
            (f"mjpeg-{size}.avi", "-c:v mjpeg -q:v 5"),
        ):
            picture = f"setpts=N/25/TB,scale={size.replace('x', ':')}"
            subprocess.run(
                [
                    *("ffmpeg", "-v", "error", "-i", str(scene), "-an", "-vf", picture),
                    *("-r", "25", *codec.split(), "-pix_fmt", "yuv420p", str(folder / name)),
                ],
                check=True,
            )
            clips[name] = folder / name
    return clips


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, default=RECORDING)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--part", choices=("cost", "capacity", "scores"))
    parser.add_argument("--videos", type=Path, default=DATA / "video")
    asked = parser.parse_args()
    if not asked.clip.exists():
        sys.exit(f"{asked.clip} does not exist; name a video with --clip")
    encoder = shutil.which("ffmpeg") is not None
    if not encoder:
        print("no ffmpeg here: scaled clips and capacity are left out (apt-get install ffmpeg)")
    with tempfile.TemporaryDirectory() as folder:
        if asked.part in (None, "cost"):
            cost(asked.clip, make(asked.clip, Path(folder)) if encoder else {}, asked.runs)
        if asked.part in (None, "capacity") and encoder:
            capacity(asked.clip, Path(folder))
    if asked.part in (None, "scores"):
        camera_scores.table(asked.videos)


def cost(clip: Path, made: dict[str, Path], runs: int) -> None:
    """CPU of one picture, each clip with MOG2 beside it."""
    print(f"{'ms CPU per analysed picture':38}{'median':>8}{'spread':>8}{'MiB':>6}")
    for name, path in ({f"{clip.name} as it is": clip} | made).items():
        median, spread, memory = per_picture(path, runs)
        print(f"{name:38}{median:8.2f}{spread:8.2f}{memory:6}", flush=True)
        print(f"{name + ', MOG2 instead':38}{mog2(path, min(3, runs)):8.2f}", flush=True)
    for size, figure in PEER_FIGURES.items():
        print(f"{PEER}, {size}: {figure}")


if __name__ == "__main__":
    main()
