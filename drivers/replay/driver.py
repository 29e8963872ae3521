"""The replay driver: reads a recording in pieces and emits each line at its moment."""

from __future__ import annotations

import asyncio
import csv
from itertools import islice
from typing import IO, Any, Final, NamedTuple

import msgspec
import structlog

from drivers.replay.decode import Played, from_csv, ndjson
from drivers.replay.options import Options
from gateway.model import SECOND, Item, Reading
from gateway.ports import Clock, Emit, Unavailable

_PIECE: Final = 500
"""Lines read at once, and the most that one emit takes."""
_LONGEST: Final = 1_000_000
"""Bytes of one line; a longer one is cut and each part is undecodable."""
_EARLY: Final = 0.0005
"""Seconds: what is due within this time goes along."""


class _Pass(NamedTuple):
    """One run through the file: when it began, and how its keys differ from other passes'."""

    mono: int
    mark: str


class Driver:
    """Readings from a file. ``run`` plays it once, or for ever, then waits to be cancelled."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._log = structlog.get_logger(name)

    async def run(self, emit: Emit) -> None:
        """Play. Raises ``Unavailable`` when the file can not be read."""
        while True:
            played = await self._play(emit)
            if not self._options.loop:
                break
            if not played:
                raise Unavailable(f"{self._options.path} holds no lines; nothing to repeat")
        self._log.info("recording_ended", path=str(self._options.path))
        await asyncio.Event().wait()

    async def check(self) -> str:
        """The first line can be read."""
        with _Lines(self._options) as lines:
            first = await lines.take(1)
        if not first:
            raise Unavailable(f"{self._options.path} holds no lines")
        return f"{self._options.path} can be read"

    async def _play(self, emit: Emit) -> int:
        """Play the file once; how many lines it had."""
        start = self._clock.now()
        # a key is unique within one pass: played again, the same line is a new reading
        mark = "" if self._options.start_at == "recorded" else f"@{start.wall}"
        this = _Pass(start.mono, mark)
        count, first, last = 0, None, 0.0
        with _Lines(self._options) as lines:
            while piece := await lines.take(_PIECE):
                count += len(piece)
                batch: list[Item] = []
                for line in piece:
                    t = last if line.t is None else line.t
                    first = t if first is None else first
                    last = t
                    wait = self._wait(this, t - first)
                    if wait > _EARLY:
                        if batch:
                            await emit(batch)
                            batch = []
                        await self._clock.sleep(self._wait(this, t - first))
                    batch.append(self._stamped(line, t, this))
                if batch:
                    await emit(batch)
        return count

    def _wait(self, this: _Pass, passed: float) -> float:
        """Seconds until what is ``passed`` into the recording is due."""
        if self._options.speed == 0:
            return 0.0
        due = passed / self._options.speed
        return due - (self._clock.now().mono - this.mono) / SECOND

    def _stamped(self, line: Played, t: float, this: _Pass) -> Item:
        """The line's item as of now, or as of when it was recorded."""
        item = line.item
        if not isinstance(item, Reading):
            return item
        key = item.key + this.mark if item.key else ""
        at = None
        if self._options.start_at == "recorded":
            at = item.observed_at if item.observed_at is not None else int(t * SECOND)
        return msgspec.structs.replace(item, key=key, observed_at=at)


class _Lines:
    """The lines of a recording, read piece by piece in a thread. Raises ``Unavailable``."""

    def __init__(self, options: Options) -> None:
        self._path = path = options.path
        self._file: IO[Any]
        try:
            if options.csv is None:
                self._file = raw = path.open("rb")
                self._lines = ndjson(iter(lambda: raw.readline(_LONGEST), b""), path.name)
            else:
                self._file = words = path.open(encoding="utf-8-sig", errors="replace", newline="")
                self._lines = from_csv(words, options.csv, path.name)
        except OSError as error:
            raise Unavailable(f"recording {path}: {error.strerror}") from None

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    async def take(self, most: int) -> list[Played]:
        """The next lines, ``most`` at most; none at the end."""
        try:
            return await asyncio.to_thread(lambda: list(islice(self._lines, most)))
        except (OSError, csv.Error) as error:
            raise Unavailable(f"recording {self._path}: {error}") from None
