"""The camera's own process: a crash or a hang of the decoder stays in here.

    standard input   one Job
    standard output  Opened, then Alive, Began, Ended, Filmed, Troubled …, then Finished or Failed

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

import av.logging
import cv2

from drivers.camera import messages
from drivers.camera.blind import EVERY, Guard, Limits
from drivers.camera.clip import Recorder, playable
from drivers.camera.detect import Detector, Grey
from drivers.camera.episode import Episode, Sight, Turn
from drivers.camera.messages import (
    Alive,
    Began,
    Ended,
    Failed,
    Filmed,
    Finished,
    Job,
    Message,
    Opened,
    Troubled,
)
from drivers.camera.picture import NoPicture, Video, shown
from gateway.clock import SystemClock
from gateway.model import SECOND
from gateway.ports import Clock

Send = Callable[[Message], None]

_HEARTBEAT: Final = SECOND
_STUCK: Final = 10 * SECOND
"""A stream whose pictures all bear the same time is a camera that hangs; it is opened anew."""
_SURE: Final = 10.0
"""Seconds after which a camera without trouble is told to have none."""
_PR_SET_PDEATHSIG: Final = 1
_POLITE: Final = 5
"""Nice value: alarms of the gateway come before pictures."""


class Pass:
    """One way through a video, from its first picture to its last."""

    def __init__(self, job: Job, video: Video, send: Send, clock: Clock) -> None:
        self._job = job
        self._video = video
        self._send = send
        self._clock = clock
        self._detector = Detector(
            job.regions,
            job.masks,
            threshold=job.threshold,
            min_area=job.min_area,
            lightning=job.lightning,
        )
        self._trouble = Watch(job, send)
        self._recorder = _recorder(job, video)
        self._second = 0.0
        self.frames = 0
        self.analysed = 0

    async def watch(self) -> None:
        """Until no further picture comes; the first one is grabbed already."""
        try:
            await self._watch_all()
        except NoPicture:  # torn down by an intruder? what was filmed until then is the evidence
            self._film(self._second, ended=True)
            raise

    async def _watch_all(self) -> None:
        job, video = self._job, self._video
        fps = min(job.analyse_fps, video.fps)
        episode = Episode(fps, job.min_duration, job.quiet, job.learn)
        moved = started = beat = self._clock.now().mono
        mark = None
        due = before = 0.0
        while True:
            self.frames += 1
            now = self._clock.now().mono
            second = self._second = (now - started) / SECOND if job.live else video.second
            if now - beat >= _HEARTBEAT:
                beat = now
                self._send(Alive(self.frames, self.analysed))
            if video.mark is None or video.mark != mark:
                mark, moved = video.mark, now
            elif job.live and now - moved >= _STUCK:
                raise NoPicture(f"{shown(job.source)} repeats one picture time again and again")
            if self._recorder is not None:
                self._recorder.take(video.packets, second)
            if second >= due - 0.25 / video.fps:
                if job.realtime and not job.live:
                    await self._clock.sleep(second - (now - started) / SECOND)
                due = max(due + 1 / job.analyse_fps, second)
                self._analyse(episode, second, second - before)
                before = second
            if not video.grab():
                break
        self._film(second, ended=True)
        if (turn := episode.close(second)) is not None:
            self._say(turn, second, b"")

    def _analyse(self, episode: Episode, second: float, elapsed: float) -> None:
        picture = self._video.grey()
        if picture is None:
            return
        self.analysed += 1
        seen = self._detector.look(picture, elapsed)
        turn = episode.feed(Sight(seen.area, seen.zone, seen.score), second)
        if turn is not None:
            self._say(turn, second, self._video.jpeg() if turn.what != "ended" else b"")
        self._trouble.look(picture, second, self._video)
        self._film(second, ended=False)

    def _say(self, turn: Turn, second: float, jpeg: bytes) -> None:
        area, zone, score = round(turn.area, 5), turn.zone, round(turn.score, 3)
        if turn.what == "ended":
            self._send(Ended(second, area, zone, score, round(turn.lasted, 3)))
            return
        if self._recorder is not None and turn.what == "began":
            self._recorder.begin(second)
        self._send(Began(second, area, zone, score, jpeg, turn.what == "moved"))

    def _film(self, second: float, *, ended: bool) -> None:
        recorder = self._recorder
        if recorder is None or not (ended or recorder.ready(second)):
            return
        if (clip := recorder.finish()) is not None:
            self._send(Filmed(second, round(clip.before, 3), round(clip.lasts, 3), clip.mp4))


class Watch:
    """Says when the camera does not see any more, and when it does again."""

    def __init__(self, job: Job, send: Send) -> None:
        limits = Limits(job.blind_after, job.turned_after, job.frozen_after)
        self._guard = Guard(limits, job.masks) if any(limits) else None
        self._send = send
        self._next = 0.0
        self._said: str | None = None
        """None: nobody knows what an earlier run said last."""

    def look(self, picture: Grey, second: float, video: Video) -> None:
        """About once a second; the first word is that all is well, when it is."""
        if self._guard is None or second < self._next:
            return
        self._next = second + EVERY
        reason = self._guard.look(picture, second)
        if reason == self._said or (self._said is None and not reason and self._doubts(second)):
            return
        self._said = reason
        self._send(Troubled(second, reason, video.jpeg()))

    def _doubts(self, second: float) -> bool:
        """A lens that was covered before a restart is not clear until it is covered again."""
        return second < _SURE or (self._guard is not None and self._guard.suspects)


def _recorder(job: Job, video: Video) -> Recorder | None:
    if job.clip is None or not playable(video.stream):
        return None
    return Recorder(video.stream, *job.clip)


async def work(job: Job, send: Send, clock: Clock) -> None:
    """Do the whole job; the last message is Finished or Failed, or Opened for a probe."""
    try:
        while await _once(job, send, clock):
            pass
    except NoPicture as error:
        send(Failed(str(error)))


async def _once(job: Job, send: Send, clock: Clock) -> bool:
    """Open and watch to the end; whether to start over. NoPicture: it could not be opened."""
    video = Video(job)
    try:
        return await _through(video, job, send, clock)
    except NoPicture as error:
        send(Failed(str(error)))  # now: saying good-bye to a camera that hangs takes seconds
        return False
    finally:
        video.close()


async def _through(video: Video, job: Job, send: Send, clock: Clock) -> bool:
    if not video.grab():
        raise NoPicture(f"no picture could be decoded from {shown(job.source)}")
    films = job.clip is None or playable(video.stream)
    send(Opened(video.width, video.height, video.fps, video.codec, films))
    if job.probe:
        return False
    one = Pass(job, video, send, clock)
    await one.watch()
    if job.live:
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
    av.logging.set_level(None)  # FFmpeg prints addresses, passwords included
    job = messages.unpack_job(sys.stdin.buffer.read())
    output = sys.stdout.buffer

    def send(message: Message) -> None:
        output.write(messages.pack(message))
        output.flush()

    asyncio.run(work(job, send, SystemClock()))


if __name__ == "__main__":
    main()
