"""The camera's worker process, seen from the driver: started, listened to, and always ended."""

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

from drivers.camera.messages import Job, Message, pack, read_message
from gateway.ports import Clock, Unavailable

_ROOT: Final = Path(__file__).resolve().parents[2]
_LAST_WORDS: Final = 2000
"""Bytes of a worker's standard error that are kept for the message."""
_CREDENTIALS: Final = re.compile(rb"://\S*@")
_MISSING: Final = re.compile(r"ModuleNotFoundError: No module named '(av|cv2|numpy)'")
QUIET: Final = {
    # OpenCV prints what it can not decode
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    # one core for one camera, and no idle threads
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


class Worker:
    """The running process. ``camera`` is what its errors begin with."""

    def __init__(
        self, process: asyncio.subprocess.Process, camera: str, hung_after: float, clock: Clock
    ) -> None:
        self._process = process
        self._camera = camera
        self._hung_after = hung_after
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
        limit = asyncio.ensure_future(self._clock.sleep(self._hung_after))
        try:
            await asyncio.wait({read, limit}, return_when=asyncio.FIRST_COMPLETED)
            if not read.done():
                raise self._gone(
                    f"its worker said nothing for {self._hung_after:g} s and was killed"
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
        return Unavailable(f"{self._camera}: {reason}")

    async def _how_it_died(self) -> str:
        code = await self._process.wait()
        if code < 0:
            return f"its worker was ended by {signal.Signals(-code).name}"
        words = (await self._errors).strip().splitlines()
        if words and (missing := _MISSING.match(words[-1])):
            return (
                f"{missing[1]} is not installed: pip install 'gridwarden[camera]'; where there is "
                "no wheel of it (32-bit boards), let the camera itself report motion (onvif)"
            )
        return f"its worker ended with code {code}" + (f": {words[-1]}" if words else "")

    async def _listen(self) -> str:
        """What the worker wrote last to its standard error, without addresses."""
        assert self._process.stderr is not None  # noqa: S101  # asked for as a pipe
        kept = b""
        while chunk := await self._process.stderr.read(_LAST_WORDS):
            kept = (kept + chunk)[-_LAST_WORDS:]
        return _CREDENTIALS.sub(b"://***@", kept).decode("utf-8", "replace")


@asynccontextmanager
async def working(job: Job, camera: str, hung_after: float, clock: Clock) -> AsyncIterator[Worker]:
    """The process with its job; on the way out it is dead and collected."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "drivers.camera.worker", str(os.getpid())),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | QUIET | {"PYTHONPATH": path},
    )
    worker = Worker(process, camera, hung_after, clock)
    try:
        await worker.give(job)
        yield worker
    finally:
        await worker.end()
