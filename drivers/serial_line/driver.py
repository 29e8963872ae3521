"""Reads the port as the event loop says there is something: no thread, no polling.

    port ──bytes──▶ buffer (bounded) ──▶ Cutter ──▶ Decoder ──▶ emit

While emit waits for the disk the buffer takes up to ``_BUFFER`` bytes (a minute at 9600
baud), then the port is left alone and the kernel's own few kilobytes fill.
"""

from __future__ import annotations

from functools import partial

from drivers._port import Inflow, form, gone, open_port
from drivers.serial_line.decode import Decoder
from drivers.serial_line.frame import Cutter, Next, Piece, next_frame, next_line
from drivers.serial_line.options import Options
from gateway.model import Item, Undecodable
from gateway.ports import Clock, Emit


class Driver:
    """One serial port."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._name = name
        self._options = options
        self._decode = Decoder(name, options)

    async def run(self, emit: Emit) -> None:
        """Live until cancelled. Unavailable when the port can not be opened or goes away."""
        cutter = Cutter(self._step())
        with open_port(self._options) as fd, Inflow(fd) as inflow:
            try:
                while True:
                    data = await inflow.take()
                    if items := self._items(cutter.feed(data)):
                        await emit(items)
            except OSError as error:
                if items := self._items(cutter.finish()):
                    await emit(items)
                raise gone(self._options.port, error) from None

    async def check(self) -> str:
        """Open the port and close it again; whether a device talks there is not known by that."""
        with open_port(self._options):
            return f"serial port {self._options.port} can be opened at {form(self._options)}"

    def _items(self, pieces: list[Piece]) -> list[Item]:
        items: list[Item] = []
        for piece in pieces:
            if piece.reason:
                items.append(Undecodable(self._name, piece.raw, piece.reason))
            elif (item := self._decode(piece.raw)) is not None:
                items.append(item)
        return items

    def _step(self) -> Next:
        if self._options.line is not None:
            return partial(next_line, options=self._options.line)
        assert self._options.frame is not None  # noqa: S101  # the options hold one of the two
        return partial(next_frame, options=self._options.frame)
