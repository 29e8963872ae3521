"""One camera: its pictures, watched by a worker process, and what it reports by itself.

source, url ─▶ worker process ─▶ messages ─┐
                                           ├─▶ State ─▶ readings of one device
onvif ───────▶ subscription ───▶ notices ──┘
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import structlog

from drivers.camera.events import SOURCE, Events
from drivers.camera.messages import (
    TAMPER,
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
from drivers.camera.options import Options
from drivers.camera.process import Worker, working
from drivers.camera.state import State
from gateway.model import EXTRA, SECOND, Evidence, Reading, Value
from gateway.ports import Clock, Emit, Unavailable

_PICTURES: Final = "pictures"
_EVENTS: Final = "events"
_AGAIN: Final = 30.0
"""Seconds after which the half of a camera that is down is tried again.

Against the rule that a driver leaves this to its supervisor: that would end the other half too,
and a wrong ONVIF password would blind the camera. When both are down it is the supervisor's turn.
"""
_REASON: Final = EXTRA + "reason"
_CLEAR: Final = "clear"
"""The reason that is told when there is none any more."""


class Driver:
    """One camera."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._name = name
        self._options = options
        self._clock = clock
        self._log = structlog.get_logger("camera")
        self._state = State()
        self._events = (
            Events(options.address, options.onvif, self._state, clock) if options.onvif else None
        )
        self._down: set[str] = set()
        self._rests: dict[str, int] = {}
        """Until when (mono ns) a half wants peace: whatever the other does, a wrong password must
        not be tried again."""
        self._online: bool | None = None
        self._moving: bool | None = None
        """None: an earlier run may have been ended in mid-motion, and nobody told the end."""

    async def run(self, emit: Emit) -> None:
        """Live until cancelled; a file that has ended is not played again."""
        parts: dict[str, Callable[[Emit], Awaitable[None]]] = {}
        if self._options.has_pictures:
            parts[_PICTURES] = self._watch
        if self._events is not None:
            parts[_EVENTS] = self._listen
        if len(parts) == 1:
            await next(iter(parts.values()))(emit)
            return
        self._down.clear()
        tasks = [
            asyncio.ensure_future(self._keep(name, partial(part, emit)))
            for name, part in parts.items()
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def check(self) -> str:
        """Open the video and decode one picture; subscribe to the events."""
        said = []
        if self._options.has_pictures:
            said.append(await self._probe())
        if self._events is not None:
            try:
                said.append(await self._events.check())
            except Unavailable as error:
                raise self._gone(error.reason, error.retry_after) from None
        return f"camera {self._options.address}: {'; '.join(said)}" if self._events else said[0]

    async def _probe(self) -> str:
        async with self._worker(probe=True) as worker:
            while not isinstance(message := await worker.next(), Opened):
                if isinstance(message, Failed):
                    raise self._gone(message.reason)
        what = f"{message.width}x{message.height} {message.codec}, {message.fps:g} pictures/s"
        return f"camera {self._options.address} sends {what}"

    async def _keep(self, name: str, live: Callable[[], Awaitable[None]]) -> None:
        """One half of a camera that has two: again after a pause, unless both are down."""
        told = ""
        if (left := self._rests.get(name, 0) - self._clock.now().mono) > 0:
            await self._clock.sleep(left / SECOND)
        while True:
            try:
                await live()
            except Unavailable as error:
                self._down.add(name)
                if error.retry_after:
                    rest = int(error.retry_after * SECOND)
                    self._rests[name] = self._clock.now().mono + rest
                if len(self._down) > 1:
                    raise
                if error.reason != told:
                    self._log.warning("camera_half_down", driver=self._name, reason=error.reason)
                told = error.reason
                await self._clock.sleep(max(_AGAIN, error.retry_after or 0.0))

    # --- pictures ---------------------------------------------------------------------------

    async def _watch(self, emit: Emit) -> None:
        try:
            async with self._worker(probe=False) as worker:
                while not isinstance(message := await worker.next(), Finished):
                    await self._take(message, emit)
        except Unavailable:
            await self._turned(emit, online=False)
            raise
        self._log.info("camera_file_ended", driver=self._name, frames=message.frames)
        await asyncio.Event().wait()

    async def _take(self, message: Message, emit: Emit) -> None:
        if isinstance(message, Failed):
            raise self._gone(message.reason)
        if isinstance(message, Opened):
            self._down.discard(_PICTURES)
            if not message.films:
                self._log.warning("camera_no_clips", driver=self._name, codec=message.codec)
            await self._turned(emit, online=True)
        elif isinstance(message, Began):
            self._moving = True
            await emit([self._began(message)])
        elif isinstance(message, Ended):
            await emit([self._ended(message)])
            self._moving = False
        elif isinstance(message, Filmed):
            values: dict[str, Value] = {EXTRA + "clip": message.lasts}
            values[EXTRA + "clip_before"] = message.before
            await emit([self._reading(values, Evidence("video/mp4", content=message.mp4))])
        elif isinstance(message, Troubled):
            await emit([self._troubled(message)])

    def _began(self, message: Began) -> Reading:
        values: dict[str, Value] = {"motion": True, "area": message.area}
        if message.zone:
            values["zone"] = message.zone
        values[EXTRA + "score"] = message.score
        return self._reading(values, _jpeg(message.jpeg))

    def _ended(self, message: Ended) -> Reading:
        values: dict[str, Value] = {"motion": False, "area": 0.0}
        if message.zone:
            values["zone"] = message.zone
        values[EXTRA + "peak_area"] = message.area
        values[EXTRA + "peak_score"] = message.score
        values[EXTRA + "lasted"] = message.lasted
        return self._reading(values)

    def _troubled(self, message: Troubled) -> Reading:
        values: dict[str, Value] = {
            "tamper": message.reason in TAMPER,
            "fault": bool(message.reason) and message.reason not in TAMPER,
            _REASON: message.reason or _CLEAR,
        }
        return self._reading(values, _jpeg(message.jpeg) if message.reason else None)

    def _reading(self, values: dict[str, Value], evidence: Evidence | None = None) -> Reading:
        said = _truthful(self._state.say(_PICTURES, values))
        return Reading(self._options.address, "camera", said, evidence=evidence)

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

    # --- the camera's own events --------------------------------------------------------------

    async def _listen(self, emit: Emit) -> None:
        assert self._events is not None  # noqa: S101  # run() asks for it only then

        async def opened() -> None:
            self._down.discard(_EVENTS)
            await self._events_turned(emit, online=True)

        try:
            await self._events.run(emit, opened)
        except Unavailable as error:
            await self._events_turned(emit, online=False)
            raise self._gone(error.reason, error.retry_after) from None

    async def _events_turned(self, emit: Emit, *, online: bool) -> None:
        """Without pictures the subscription is the camera; beside them its loss is a fault.

        Motion is over with it. A fire is not out because it has cut the cable: what the camera
        does not tell any more when it is back is over.
        """
        values = self._state.forget(SOURCE, ("motion",))
        if self._options.has_pictures:
            lost = self._state.says(_EVENTS, "fault")
            if lost is online:
                values |= self._state.say(_EVENTS, {"fault": not online})
                values[_REASON] = _CLEAR if online else "events_lost"
        else:
            if self._online is not online:
                values["online"] = online
            if self._moving is None:
                values["motion"] = False
            self._online, self._moving = online, False
        if values:
            await emit([Reading(self._options.address, "camera", _truthful(values))])

    # --- the worker ---------------------------------------------------------------------------

    def _gone(self, reason: str, retry_after: float | None = None) -> Unavailable:
        return Unavailable(f"camera {self._options.address}: {reason}", retry_after)

    @asynccontextmanager
    async def _worker(self, *, probe: bool) -> AsyncIterator[Worker]:
        camera, hung_after = f"camera {self._options.address}", self._options.hung_after
        async with working(self._job(probe=probe), camera, hung_after, self._clock) as worker:
            yield worker

    def _job(self, *, probe: bool) -> Job:
        options = self._options
        try:
            source = options.url.reveal() if options.url is not None else options.source
        except ValueError as error:
            raise self._gone(str(error)) from None
        blind = options.watched
        return Job(
            source=source,
            stream=options.is_stream,
            device=options.is_device,
            probe=probe,
            regions=[(region.name, region.polygon) for region in options.regions],
            quality=options.snapshot.quality,
            max_width=options.snapshot.max_width,
            clip=(options.clip.before, options.clip.after) if options.clip else None,
            blind_after=blind.after,
            turned_after=blind.turned_after,
            frozen_after=blind.frozen_after,
            **options.model_dump(
                include={
                    *("analyse_fps", "realtime", "loop", "masks", "threshold", "min_area"),
                    *("min_duration", "quiet", "learn", "lightning"),
                }
            ),
        )


def _truthful(values: dict[str, Value]) -> dict[str, Value]:
    """One source's trouble is clear, but another's goes on: then nothing is."""
    if values.get(_REASON) == _CLEAR and True in (values.get("tamper"), values.get("fault")):
        return {name: value for name, value in values.items() if name != _REASON}
    return values


def _jpeg(content: bytes) -> Evidence | None:
    return Evidence("image/jpeg", content=content) if content else None
