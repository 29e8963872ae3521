"""Keeps one camera's worker alive, and turns its messages into readings."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import structlog

from drivers.camera.messages import (
    Began,
    Ended,
    Failed,
    Finished,
    Job,
    Message,
    Opened,
    pack,
    read_message,
)
from drivers.camera.options import Options
from gateway.model import EXTRA, Evidence, Reading, Value
from gateway.ports import Clock, Emit, Unavailable

_ROOT: Final = Path(__file__).resolve().parents[2]
_LAST_WORDS: Final = 2000
"""Bytes of a worker's standard error that are kept for the message."""
_CREDENTIALS: Final = re.compile(rb"://\S*@")
_QUIET: Final = {
    # FFmpeg and OpenCV print addresses, passwords included
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    # UDP hangs with cameras behind a switch that drops it; the time-out is in microseconds
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;tcp|timeout;5000000",
    # one core for one camera, and no idle threads
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


class Driver:
    """One camera, one worker process."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._name = name
        self._options = options
        self._clock = clock
        self._log = structlog.get_logger("camera")
        self._online: bool | None = None
        self._moving: bool | None = None
        """None: an earlier run may have been ended in mid-motion, and nobody told the end."""

    async def run(self, emit: Emit) -> None:
        """Live until cancelled; a file that has ended is not played again."""
        try:
            async with self._worker(probe=False) as worker:
                while not isinstance(message := await worker.next(), Finished):
                    await self._take(message, emit)
        except Unavailable:
            await self._turned(emit, online=False)
            raise
        self._log.info("camera_file_ended", driver=self._name, frames=message.frames)
        await asyncio.Event().wait()

    async def check(self) -> str:
        """Open the video and decode one picture."""
        async with self._worker(probe=True) as worker:
            while not isinstance(message := await worker.next(), Opened):
                if isinstance(message, Failed):
                    raise self._gone(message.reason)
        what = f"{message.width}x{message.height} {message.codec}, {message.fps:g} pictures/s"
        return f"camera {self._options.address} sends {what}"

    async def _take(self, message: Message, emit: Emit) -> None:
        if isinstance(message, Failed):
            raise self._gone(message.reason)
        if isinstance(message, Opened):
            await self._turned(emit, online=True)
        elif isinstance(message, Began):
            self._moving = True
            await emit([self._began(message)])
        elif isinstance(message, Ended):
            await emit([self._ended(message)])
            self._moving = False

    def _began(self, message: Began) -> Reading:
        values: dict[str, Value] = {"motion": True, "area": message.area}
        if message.zone:
            values["zone"] = message.zone
        values[EXTRA + "score"] = message.score
        jpeg = message.jpeg
        evidence = Evidence("image/jpeg", content=jpeg) if jpeg else None
        return self._reading(values, evidence)

    def _ended(self, message: Ended) -> Reading:
        values: dict[str, Value] = {"motion": False, "area": 0.0}
        if message.zone:
            values["zone"] = message.zone
        values[EXTRA + "peak_area"] = message.area
        values[EXTRA + "peak_score"] = message.score
        values[EXTRA + "lasted"] = message.lasted
        return self._reading(values)

    def _reading(self, values: dict[str, Value], evidence: Evidence | None = None) -> Reading:
        return Reading(self._options.address, "camera", values, evidence=evidence)

    async def _turned(self, emit: Emit, *, online: bool) -> None:
        """Motion that nobody sees any more is over: an event never outlives its camera."""
        values: dict[str, Value] = {}
        if self._online is not online:
            values["online"] = online
        if self._moving is not False:
            values["motion"] = False
        if values:
            await emit([self._reading(values)])
        self._online, self._moving = online, False

    def _gone(self, reason: str) -> Unavailable:
        return Unavailable(f"camera {self._options.address}: {reason}")

    @asynccontextmanager
    async def _worker(self, *, probe: bool) -> AsyncIterator[_Worker]:
        """The process with its job; on the way out it is dead and collected."""
        job = self._job(probe=probe)
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "drivers.camera.worker", str(os.getpid())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | _QUIET | {"PYTHONPATH": path},
        )
        worker = _Worker(process, self._options, self._clock)
        try:
            await worker.give(job)
            yield worker
        finally:
            await worker.end()

    def _job(self, *, probe: bool) -> Job:
        options = self._options
        try:
            source = options.url.reveal() if options.url is not None else options.source
        except ValueError as error:
            raise self._gone(str(error)) from None
        return Job(
            source=source,
            stream=options.is_stream,
            probe=probe,
            regions=[(region.name, region.polygon) for region in options.regions],
            quality=options.snapshot.quality,
            max_width=options.snapshot.max_width,
            **options.model_dump(
                include={
                    *("analyse_fps", "realtime", "loop", "masks", "threshold", "min_area"),
                    *("min_duration", "quiet", "learn", "lightning"),
                }
            ),
        )


class _Worker:
    """The running process, seen from the driver."""

    def __init__(self, process: asyncio.subprocess.Process, options: Options, clock: Clock) -> None:
        self._process = process
        self._options = options
        self._clock = clock
        self._errors = asyncio.ensure_future(self._listen())

    async def give(self, job: Job) -> None:
        """Hand the job over and close the pipe; a worker that is dead already is met in next."""
        assert self._process.stdin is not None  # noqa: S101  # asked for as a pipe
        try:
            self._process.stdin.write(pack(job))
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            self._process.stdin.close()

    async def next(self) -> Message:
        """The next message. Unavailable when the worker died, lies or says nothing for long.

        The time is counted only while the driver waits, so that a slow disk behind emit
        never makes a worker look hung.
        """
        assert self._process.stdout is not None  # noqa: S101  # asked for as a pipe
        read = asyncio.ensure_future(read_message(self._process.stdout))
        limit = asyncio.ensure_future(self._clock.sleep(self._options.hung_after))
        try:
            await asyncio.wait({read, limit}, return_when=asyncio.FIRST_COMPLETED)
            if not read.done():
                raise self._gone(
                    f"its worker said nothing for {self._options.hung_after:g} s and was killed"
                )
            return read.result()
        except asyncio.IncompleteReadError:
            raise self._gone(await self._how_it_died()) from None
        except ValueError as error:
            raise self._gone(f"its worker sent nonsense: {error}") from None
        finally:
            read.cancel()
            limit.cancel()
            await asyncio.wait({read, limit})

    async def end(self) -> None:
        """SIGKILL works on a stopped and on a hung process alike."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._errors

    def _gone(self, reason: str) -> Unavailable:
        return Unavailable(f"camera {self._options.address}: {reason}")

    async def _how_it_died(self) -> str:
        code = await self._process.wait()
        if code < 0:
            return f"its worker was ended by {signal.Signals(-code).name}"
        words = (await self._errors).strip().splitlines()
        return f"its worker ended with code {code}" + (f": {words[-1]}" if words else "")

    async def _listen(self) -> str:
        """What the worker wrote last to its standard error, without addresses."""
        assert self._process.stderr is not None  # noqa: S101  # asked for as a pipe
        kept = b""
        while chunk := await self._process.stderr.read(_LAST_WORDS):
            kept = (kept + chunk)[-_LAST_WORDS:]
        return _CREDENTIALS.sub(b"://***@", kept).decode("utf-8", "replace")
