"""The ways in: each reads, lets the receiver judge, stores, and only then answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol

import structlog

from drivers._port import Inflow
from drivers._runs import Piece
from drivers.alarm_panel.attendance import Attendance
from drivers.alarm_panel.datagrams import Datagrams
from drivers.alarm_panel.stream import Cutter, Next
from drivers.alarm_panel.verdict import Verdict
from gateway.clock import at_most
from gateway.model import SECOND
from gateway.ports import Clock, Emit

_READ: Final = 4_096
_UNTIL_FIRST: Final = 30.0
"""Seconds a caller has to say something that is a message."""
_HALF: Final = 30.0
"""Seconds a message may take from its first byte to its last."""
_TAKES_ANSWER: Final = 30.0
"""Seconds a caller may leave its answers unread."""
_IDLE: Final = 900.0
"""Seconds without a message after which a caller that had spoken is hung up on."""


class Receives(Protocol):
    """What the receivers of both protocols have in common."""

    def take(self, raw: bytes) -> Verdict:
        """One whole message."""

    def noise(self, raw: bytes, reason: str) -> Verdict:
        """Bytes that are none."""


class Life:
    """One ``run`` of a driver: all its ways in share the receiver and the door."""

    def __init__(
        self,
        receiver: Receives,
        step: Next,
        attendance: Attendance,
        emit: Emit,
        clock: Clock,
        idle: float = _IDLE,
    ) -> None:
        self._receiver = receiver
        self._step = step
        self._attendance = attendance
        self._emit = emit
        self._clock = clock
        self._idle = idle
        self._log = structlog.get_logger("alarm_panel")

    async def attend(self) -> None:
        """Until cancelled: say who has not been heard."""
        await self._attendance.run(self._emit)

    async def line(self, inflow: Inflow) -> None:
        """A serial line, until it is gone: OSError."""
        cutter = Cutter(self._step)
        try:
            while True:
                for answer in await self._store(self._judge(cutter.feed(await inflow.take()))):
                    await inflow.send(answer)
        except OSError:
            await self._store(self._judge(cutter.finish()))
            raise

    async def caller(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, caller: str
    ) -> None:
        """One TCP connection, until it ends or is silent for too long."""
        cutter = Cutter(self._step)
        due = self._in(_UNTIL_FIRST)
        half = 0
        while True:
            data = await self._read(reader, min(due, half) if half else due)
            if not data:
                if data is None:
                    self._log.info("caller_silent", caller=caller)
                await self._store(self._judge(cutter.finish()))
                return
            verdicts = self._judge(cutter.feed(data))
            for answer in await self._store(verdicts):
                writer.write(answer)
            if not await at_most(_TAKES_ANSWER, self._clock, writer.drain()):
                return
            if any(verdict.heard for verdict in verdicts):
                due = self._in(self._idle)
            if verdicts or not cutter.half:
                half = 0
            if cutter.half:
                half = half or self._in(_HALF)

    async def datagrams(self, port: Datagrams) -> None:
        """A UDP port, until it is gone: OSError. What came together is stored together."""
        dropped = 0
        while True:
            came = await port.take()
            verdicts = [self._datagram(each.content) for each in came]
            await self._store([verdict for several in verdicts for verdict in several])
            for each, several in zip(came, verdicts, strict=True):
                for verdict in several:
                    if verdict.answer:
                        port.send(verdict.answer, each.sender)
            if port.dropped > dropped:
                self._log.warning("datagrams_dropped", count=port.dropped - dropped)
                dropped = port.dropped

    def _datagram(self, content: bytes) -> list[Verdict]:
        cutter = Cutter(self._step)
        return self._judge([*cutter.feed(content + b"\r"), *cutter.finish()])

    def _judge(self, pieces: Sequence[Piece]) -> list[Verdict]:
        receiver = self._receiver
        return [
            receiver.noise(piece.raw, piece.reason) if piece.reason else receiver.take(piece.raw)
            for piece in pieces
        ]

    async def _store(self, verdicts: Sequence[Verdict]) -> list[bytes]:
        """The answers, once everything is on disk."""
        if items := [item for verdict in verdicts for item in verdict.items]:
            await self._emit(items)
        for verdict in verdicts:
            if verdict.heard:
                self._attendance.heard(verdict.heard)
        return [verdict.answer for verdict in verdicts if verdict.answer]

    def _in(self, seconds: float) -> int:
        return self._clock.now().mono + int(seconds * SECOND)

    async def _read(self, reader: asyncio.StreamReader, due: int) -> bytes | None:
        """Some bytes; none at the end; None when ``due`` (mono ns) came first."""
        came: list[bytes] = []

        async def read() -> None:
            came.append(await reader.read(_READ))

        left = (due - self._clock.now().mono) / SECOND
        if not await at_most(left, self._clock, read()):
            return None
        return came[0] if came else b""  # a broken connection is an end as well


async def first_to_end(*lives: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Live them all until the first ends; what it raised is raised, the others are stopped."""
    tasks: list[asyncio.Task[None]] = [asyncio.ensure_future(life()) for life in lives]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, caller: str) -> None:
    """For a port that is only opened to see that it can be."""
