"""Reads the port as the event loop says there is something: no thread, no polling.

    port ──bytes──▶ buffer (bounded) ──▶ Cutter ──▶ Decoder ──▶ emit ──▶ acknowledgement
      ◀── questions, where the device wants to be asked

While emit waits for the disk the buffer takes up to ``_BUFFER`` bytes (a minute at 9600
baud), then the port is left alone and the kernel's own few kilobytes fill.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import NamedTuple

from drivers._port import Inflow, form, gone, open_port
from drivers._runs import Piece
from drivers.serial_line.decode import Decoder
from drivers.serial_line.frame import Cutter, Next, next_frame, next_line
from drivers.serial_line.options import Options
from drivers.serial_line.talk import Talk
from gateway.model import Item, Undecodable
from gateway.ports import Clock, Emit


class _Taken(NamedTuple):
    """What came in one go: the items, and for each piece in order whether it was a report."""

    items: list[Item]
    good: list[bool]


class Driver:
    """One serial port."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._name = name
        self._options = options
        self._clock = clock
        self._decode = Decoder(name, options)

    async def run(self, emit: Emit) -> None:
        """Live until cancelled. Unavailable when the port can not be opened or goes away."""
        with open_port(self._options) as fd, Inflow(fd) as inflow:
            talk = Talk(self._options, inflow, self._clock)
            lives = [asyncio.ensure_future(self._listen(inflow, talk, emit))]
            if self._options.ask:
                lives.append(asyncio.ensure_future(talk.ask()))
            try:
                await asyncio.wait(lives, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for life in lives:
                    life.cancel()
                await asyncio.gather(*lives, return_exceptions=True)
            for life in lives:
                if not life.cancelled():
                    life.result()

    async def check(self) -> str:
        """Open the port and close it again; whether a device talks there is not known by that."""
        with open_port(self._options):
            return f"serial port {self._options.port} can be opened at {form(self._options)}"

    async def _listen(self, inflow: Inflow, talk: Talk, emit: Emit) -> None:
        cutter = Cutter(self._step())
        try:
            while True:
                data = talk.heard(await inflow.take())
                taken = self._taken(cutter.feed(data))
                if taken.items:
                    await emit(taken.items)
                for good in taken.good:
                    await talk.acknowledge(good=good)
        except OSError as error:
            if items := self._taken(cutter.finish()).items:
                await emit(items)
            raise gone(self._options.port, error) from None

    def _taken(self, pieces: list[Piece]) -> _Taken:
        """A report that no pattern fits is kept with the reason, and good: it has arrived."""
        taken = _Taken([], [])
        for piece in pieces:
            taken.good.append(not piece.reason)
            if piece.reason:
                taken.items.append(Undecodable(self._name, piece.raw, piece.reason))
            elif (item := self._decode(piece.raw)) is not None:
                taken.items.append(item)
        return taken

    def _step(self) -> Next:
        if self._options.line is not None:
            return partial(next_line, options=self._options.line)
        assert self._options.frame is not None  # noqa: S101  # the options hold one of the two
        return partial(next_frame, options=self._options.frame)
