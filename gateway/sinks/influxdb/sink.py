"""The sink ``influxdb``: readings of the journal to a time-series database."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import ClassVar, Final, Protocol, Self

import aiohttp

from gateway.model import Reading, Record, Site
from gateway.model.series import Point
from gateway.ports import Clock, Refused, Unavailable
from gateway.sinks.influxdb.answers import Answer, excuse
from gateway.sinks.influxdb.delivery import Delivery, Fates, Line
from gateway.sinks.influxdb.lines import Encoder, UnencodableError
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.version1 import Version1
from gateway.sinks.influxdb.version3 import Version3
from gateway.web import one_line, origin

_AT_A_TIME: Final = 100
_BREATH: Final = 0.002
"""Readings encoded in one go (a quarter of a millisecond), and seconds for others in between: an
alarm on its way to a person takes a dozen turns of the loop and must not wait for a slice each
time. A full batch is a backlog, which is brought over in larger slices without a pause."""
_BEHIND: Final = 500
_PACKED_ASIDE: Final = 65_536
"""Bytes from which packing goes to a thread: below it is done sooner than a thread is woken."""
_MOST_KNOWN: Final = 60_000
"""Records whose fate is remembered: two lanes with the largest batch, and room."""
_GZIP: Final = 31
"""zlib's window size that means gzip's header."""


class _Transport(Protocol):
    hint: ClassVar[str]

    def __init__(self, options: Options) -> None: ...
    async def send(self, body: bytes) -> Answer: ...
    async def ping(self) -> str: ...
    async def close(self) -> None: ...


class Sink:
    """Enter it before use; it may be written to by several at once.

    Records other than readings are done without being sent: they are no measurements.
    """

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = name
        self._options = options
        self._clock = clock
        self._where = origin(options.url)
        self._encoder = Encoder(options.tags, whole=options.version == 3)
        self._known: Fates = {}
        self._site: Callable[[], Site] | None = None
        self._make: type[_Transport] = Version1
        self._transport: _Transport | None = None

    def follow(self, site: Callable[[], Site]) -> None:
        """Tag every reading with the place of its device in ``site()``."""
        self._site = site

    async def __aenter__(self) -> Self:
        if self._options.version == 2:
            # only now: importing the library takes a quarter of a second and 27 MB
            from gateway.sinks.influxdb.version2 import Version2

            self._make = Version2
        elif self._options.version == 3:
            self._make = Version3
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    async def write(self, batch: Sequence[Record]) -> None:
        """Return when every reading is stored over there; the two errors else."""
        refused: dict[int, str] = {}
        async for lines in self._encoded(batch, refused):
            refused |= await self._bring(lines)
        for record in batch:
            self._known.pop(record.n, None)
        if refused:
            raise Refused(f"InfluxDB at {self._where} refuses {len(refused)} readings", refused)

    async def write_points(self, points: Sequence[Point]) -> None:
        """The same for points of other series: see ``gateway.model.series``."""
        refused: dict[int, str] = {}
        sent: list[Line] = []
        for start in range(0, len(points), self._options.batch):
            lines: list[Line] = []
            for row, point in enumerate(points[start : start + self._options.batch], start):
                try:
                    text = self._encoder.point(point)
                except UnencodableError as error:
                    refused[row] = str(error)
                    continue
                lines.append(Line(row, text, text, point))
                if row % _BEHIND == _BEHIND - 1:
                    await self._clock.sleep(0.0)
            refused |= await self._bring(lines)
            sent += lines
        if self._known:
            for line in sent:
                self._known.pop(line.n, None)
        if refused:
            raise Refused(f"InfluxDB at {self._where} refuses {len(refused)} points", refused)

    async def _bring(self, lines: list[Line]) -> dict[int, str]:
        """Place in the batch -> why it is refused; what earlier attempts found out counts."""
        known = {line.n: self._known[line.n] for line in lines if line.n in self._known}
        delivery = Delivery(self._send, self._encoder, self._excuse, known)
        try:
            await delivery.bring(lines)
        finally:
            self._remember(delivery.fates)
        found = delivery.refused
        return {line.row: found[line.n] for line in lines if line.n in found}

    def _remember(self, fates: Fates) -> None:
        """For the next attempt, so that a long search for refused lines gets to its end."""
        if len(self._known) + len(fates) > _MOST_KNOWN:
            self._known.clear()  # of batches that never came again; it costs requests, no line
        self._known |= fates

    async def check(self) -> str:
        """Say that the server answers."""
        try:
            version = await self._open().ping()
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from error
        return " ".join(f"InfluxDB {version} at {self._where} answers".split())

    async def _encoded(
        self, batch: Sequence[Record], refused: dict[int, str]
    ) -> AsyncIterator[list[Line]]:
        """Lines for one request after the other; fills ``refused`` with what has no line."""
        if self._site is not None:
            self._encoder.follow(self._site())
        lines: list[Line] = []
        behind = len(batch) >= self._options.batch
        slice_, breath = (_BEHIND, 0.0) if behind else (_AT_A_TIME, _BREATH)
        for start in range(0, len(batch), slice_):
            if start:
                await self._clock.sleep(breath)
            for index, record in enumerate(batch[start : start + slice_], start):
                if not isinstance(record.item, Reading):
                    continue
                try:
                    text = self._encoder.line(record.item, record.trusted)
                except UnencodableError as error:
                    refused[index] = str(error)
                    continue
                if text:
                    lines.append(Line(index, record.n, text, record.item))
                if len(lines) >= self._options.batch:
                    yield lines
                    lines = []
        if lines:
            yield lines

    async def _send(self, body: bytes) -> Answer:
        if level := self._options.gzip:
            if len(body) < _PACKED_ASIDE:
                body = zlib.compress(body, level, _GZIP)
            else:
                body = await asyncio.to_thread(zlib.compress, body, level, _GZIP)
        try:
            answer = await self._open().send(body)
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from error
        if answer.status in (401, 403):
            await self._close()  # the next attempt reads the secrets anew
        return answer

    def _open(self) -> _Transport:
        if self._transport is None:
            try:
                self._transport = self._make(self._options)
            except ValueError as error:  # a secret that is not there; it says which
                raise Unavailable(f"sink {self.name}: {error}") from None
        return self._transport

    async def _close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    def _excuse(self, answer: Answer) -> str:
        return excuse(answer, self._where, self._make.hint)

    def _unreachable(self, error: Exception) -> Unavailable:
        said = one_line(str(error)) or f"no answer within {self._options.timeout:g} s"
        return Unavailable(f"InfluxDB at {self._where} can not be reached: {said}")
