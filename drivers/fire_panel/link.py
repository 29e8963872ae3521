"""One caller: bytes in, items to the door, and only then confirms out.

read ─▶ Cutter ─▶ Decoder ─▶ Memory ─▶ emit ─▶ on disk ─▶ confirm (3), deny (6)
            └ answers to our questions ─▶ Exchange
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final, NamedTuple

from drivers.fire_panel.desk import Desk
from drivers.fire_panel.exchange import Exchange
from drivers.fire_panel.frame import (
    ANSWER,
    CONFIRM,
    DENY,
    SEND,
    Cutter,
    Frame,
    Layout,
    Piece,
    answer,
    time_bytes,
)
from drivers.fire_panel.inquiry import Inquiry
from drivers.fire_panel.tables import COMMANDS
from gateway.clock import at_most
from gateway.model import Item, Reading, Undecodable
from gateway.ports import in_words

_READ: Final = 16_384
_STALLED: Final = 3.0
"""Seconds after which a frame that has begun is not expected to go on: a device sends one whole."""
_UNREAD: Final = 20.0
"""Seconds that a caller may leave our confirms unread."""
_MOST_GARBAGE: Final = 65_536
"""Bytes without a frame after which the caller is something else."""
_REPLIES: Final = (CONFIRM, ANSWER, DENY)
_MOST_UNITS: Final = 256
"""Transmission devices of one connection that are asked things."""
_PROBES: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 4))
"""A device that was switched off says no goodbye: its connection ends after 140 s."""


class _Turn(NamedTuple):
    """What one read brings: to store, to answer (with which command), and answers to us."""

    items: list[Item]
    replies: list[tuple[Frame, int]]
    settled: list[Frame]


class Link:
    """One connection. ``run`` lives until the caller is gone or is sent away."""

    def __init__(
        self, desk: Desk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, caller: str
    ) -> None:
        self._desk = desk
        self._reader = reader
        self._writer = writer
        self._caller = caller
        options = desk.options
        self._exchange = Exchange(
            self._say, desk.clock, options.answer_within, options.resends, options.checksum
        )
        self._units = frozenset(options.units)
        self._garbage = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._met: dict[str, Frame] = {}
        """Who was heard by this read, and a frame of each."""
        self._refused: set[str] = set()

    async def run(self) -> None:
        """Read until the caller hangs up. What ``emit`` raises is raised here."""
        _keep_alive(self._writer)
        options = self._desk.options
        cutter = Cutter(Layout(options.checksum, options.max_length))
        try:
            while self._garbage < _MOST_GARBAGE:
                for task in self._tasks.values():
                    if task.done():
                        task.result()
                data = await self._read(_STALLED if cutter.waiting else options.idle)
                if data is None and not cutter.waiting:
                    self._desk.log.info("caller_silent", caller=self._caller)
                    return
                if data == b"":
                    await self._take(cutter.finish())
                    return
                self._garbage += len(data or b"")
                await self._take(cutter.give_up() if data is None else cutter.feed(data))
            self._desk.log.warning("caller_speaks_something_else", caller=self._caller)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _read(self, seconds: float) -> bytes | None:
        """What has come; b"" at the end; None when nothing came in time."""
        got: list[bytes] = []

        async def take() -> None:
            got.append(await self._reader.read(_READ))

        if not await at_most(seconds, self._desk.clock, take()):
            return None
        return got[0] if got else b""

    async def _take(self, pieces: list[Piece]) -> None:
        """Everything that one read brought: stored first, answered then."""
        turn = _Turn([], [], [])
        for piece in pieces:
            self._one(piece, turn)
        if turn.items:
            await self._desk.emit(turn.items)
        for frame in turn.settled:
            self._exchange.settle(frame)
        options = self._desk.options
        if turn.replies and not options.is_trial:
            time = self._time()
            out = [answer(frame, word, time, options.checksum) for frame, word in turn.replies]
            await self._say(b"".join(out))
        if options.asks:
            self._ask()
        self._met.clear()

    def _one(self, piece: Piece, turn: _Turn) -> None:
        frame = piece.frame
        if frame is None or piece.reason:
            turn.items.append(Undecodable(self._caller, piece.raw, piece.reason))
            if frame is not None and frame.command not in _REPLIES:
                turn.replies.append((frame, DENY))
            return
        self._garbage = 0
        if frame.command in _REPLIES:
            frame = self._exchange.turned(frame)
        unit = self._desk.decoder.unit(frame)
        if self._units and unit not in self._units:
            self._refuse(frame, unit, turn)
            return
        self._met.setdefault(unit, frame)
        self._read_frame(frame, unit, turn)
        if self._desk.heard(unit):  # behind its report, whose time is a little earlier
            turn.items.append(Reading(unit, "panel", {"extra.online": True}))

    def _read_frame(self, frame: Frame, unit: str, turn: _Turn) -> None:
        """Add what ``frame`` says, and how it is to be answered."""
        if frame.command in (SEND, ANSWER):
            counts = frame.command == ANSWER or self._desk.memory.counts(unit, frame)
            decoded = self._desk.decoder(frame, self._now(), counts=counts)
            turn.items.extend(self._desk.memory.items(decoded.items))
            good = decoded.known or self._desk.options.confirm_unknown
            if frame.command == SEND:
                turn.replies.append((frame, CONFIRM if good else DENY))
        if frame.command in _REPLIES:
            turn.settled.append(frame)
        elif frame.command != SEND:
            turn.replies.append((frame, DENY))
            known = COMMANDS.get(frame.command)
            why = f"{known.en} is for the centre to send" if known else "nobody knows it"
            turn.items.append(Undecodable(unit, frame.raw, f"command {frame.command}: {why}"))

    def _refuse(self, frame: Frame, unit: str, turn: _Turn) -> None:
        """A sender that may not report here; kept once, denied always."""
        if unit not in self._refused and len(self._refused) < _MOST_UNITS:
            self._refused.add(unit)
            self._desk.log.warning("device_refused", unit=unit, caller=self._caller)
            why = f"device {unit} is not among units:"
            turn.items.append(Undecodable(self._caller, frame.raw, why))
        if frame.command not in _REPLIES:
            turn.replies.append((frame, DENY))

    def _ask(self) -> None:
        """Begin to ask those that were met: after the confirm that they wait for."""
        for unit, frame in self._met.items():
            if unit not in self._tasks and len(self._tasks) < _MOST_UNITS:
                inquiry = Inquiry(self._desk, self._exchange, frame, unit)
                self._tasks[unit] = asyncio.create_task(self._while_open(inquiry))

    async def _while_open(self, inquiry: Inquiry) -> None:
        """A connection that breaks while something is asked is the reader's to notice."""
        try:
            await inquiry.run()
        except OSError as error:
            self._desk.log.info("not_asked", caller=self._caller, reason=in_words(error))

    async def _say(self, raw: bytes) -> None:
        """Write ``raw``; ConnectionError for a caller that reads nothing any more."""
        self._writer.write(raw)
        if not self._writer.transport.get_write_buffer_size():
            return  # the kernel has it
        if not await at_most(_UNREAD, self._desk.clock, self._writer.drain()):
            self._writer.transport.abort()
            raise ConnectionError(f"{self._caller} reads nothing")

    def _time(self) -> bytes:
        options = self._desk.options
        wall = self._desk.clock.now().wall
        return time_bytes(wall, options.offset, bcd=options.time_format == "bcd")

    def _now(self) -> int | None:
        """Our wall clock, where it can be trusted."""
        stamp = self._desk.clock.now()
        return stamp.wall if stamp.trusted else None


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Let the kernel find out that the other end is gone; the probes are Linux's."""
    plug = writer.get_extra_info("socket")
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _PROBES:
        if (option := getattr(socket, name, None)) is not None:
            plug.setsockopt(socket.IPPROTO_TCP, option, value)
