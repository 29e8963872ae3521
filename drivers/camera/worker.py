"""The camera's own process: a crash or a hang of the decoder stays in here.

    standard input   one Job
    standard output  Opened, then Alive, Began, Ended …, then Finished or Failed

It dies with the gateway, whatever it is doing: the kernel sends SIGKILL when the parent ends.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

import cv2

from drivers.camera import messages
from drivers.camera.detect import Detector
from drivers.camera.episode import Episode, Sight, Turn
from drivers.camera.messages import Alive, Began, Ended, Failed, Finished, Job, Message, Opened
from drivers.camera.picture import NoPicture, Video, shown
from gateway.clock import SystemClock
from gateway.model import SECOND
from gateway.ports import Clock

Send = Callable[[Message], None]

_HEARTBEAT: Final = SECOND
_PR_SET_PDEATHSIG: Final = 1
_POLITE: Final = 5
"""Nice value: alarms of the gateway come before pictures."""


class Pass:
    """One way through a video, from its first picture to its last."""

    def __init__(self, job: Job, send: Send, clock: Clock) -> None:
        self._job = job
        self._send = send
        self._clock = clock
        self._detector = Detector(
            job.regions,
            job.masks,
            threshold=job.threshold,
            min_area=job.min_area,
            lightning=job.lightning,
        )
        self.frames = 0
        self.analysed = 0

    async def watch(self, video: Video) -> None:
        """Until no further picture comes; the first one is grabbed already."""
        job = self._job
        fps = min(job.analyse_fps, video.fps)
        episode = Episode(fps, job.min_duration, job.quiet, job.learn)
        started = beat = self._clock.now().mono
        due = before = second = 0.0
        while True:
            self.frames += 1
            now = self._clock.now().mono
            second = (now - started) / SECOND if job.stream else video.second
            if now - beat >= _HEARTBEAT:
                beat = now
                self._send(Alive(self.frames, self.analysed))
            if second >= due - 0.25 / video.fps:
                if job.realtime and not job.stream:
                    await self._clock.sleep(second - (now - started) / SECOND)
                due = max(due + 1 / job.analyse_fps, second)
                self._analyse(video, episode, second, second - before)
                before = second
            if not video.grab():
                break
        if (turn := episode.close(second)) is not None:
            self._say(turn, second, b"")

    def _analyse(self, video: Video, episode: Episode, second: float, elapsed: float) -> None:
        picture = video.grey()
        if picture is None:
            return
        self.analysed += 1
        seen = self._detector.look(picture, elapsed)
        turn = episode.feed(Sight(seen.area, seen.zone, seen.score), second)
        if turn is not None:
            self._say(turn, second, video.jpeg() if turn.what != "ended" else b"")

    def _say(self, turn: Turn, second: float, jpeg: bytes) -> None:
        area, zone, score = round(turn.area, 5), turn.zone, round(turn.score, 3)
        if turn.what == "ended":
            self._send(Ended(second, area, zone, score, round(turn.lasted, 3)))
        else:
            self._send(Began(second, area, zone, score, jpeg, turn.what == "moved"))


async def work(job: Job, send: Send, clock: Clock) -> None:
    """Do the whole job; the last message is Finished or Failed, or Opened for a probe."""
    try:
        while await _once(job, send, clock):
            pass
    except NoPicture as error:
        send(Failed(str(error)))


async def _once(job: Job, send: Send, clock: Clock) -> bool:
    """Open and watch to the end; whether to start over."""
    video = Video(job)
    try:
        if not video.grab():
            raise NoPicture(f"no picture could be decoded from {shown(job.source)}")
        send(Opened(video.width, video.height, video.fps, video.codec))
        if job.probe:
            return False
        one = Pass(job, send, clock)
        await one.watch(video)
    finally:
        video.close()
    if job.stream:
        raise NoPicture(f"{shown(job.source)} stopped sending pictures")
    if not one.analysed:
        raise NoPicture(f"no picture could be decoded from {shown(job.source)}")
    if not job.loop:
        send(Finished(one.frames, one.analysed))
    return job.loop


def _die_with(parent: int) -> None:
    """Asks the kernel; the parent may have gone before that, hence the second look."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    """Run as ``python -m drivers.camera.worker PARENT``."""
    _die_with(int(sys.argv[1]))
    os.nice(_POLITE)
    cv2.setNumThreads(1)
    job = messages.unpack_job(sys.stdin.buffer.read())
    output = sys.stdout.buffer

    def send(message: Message) -> None:
        output.write(messages.pack(message))
        output.flush()

    asyncio.run(work(job, send, SystemClock()))


if __name__ == "__main__":
    main()
