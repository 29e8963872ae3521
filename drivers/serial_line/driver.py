"""Reads the port as the event loop says there is something: no thread, no polling.

    port ──bytes──▶ buffer (bounded) ──▶ Cutter ──▶ Decoder ──▶ emit

While emit waits for the disk the buffer takes up to ``_BUFFER`` bytes (a minute at 9600
baud), then the port is left alone and the kernel's own few kilobytes fill.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import serial

from drivers.serial_line.decode import Decoder
from drivers.serial_line.frame import Cutter, Next, Piece, next_frame, next_line
from drivers.serial_line.options import Options
from gateway.model import Item, Undecodable
from gateway.ports import Clock, Emit, Unavailable

_BUFFER: Final = 65_536
_READ: Final = 4096
_PARITY: Final = {"none": "N", "even": "E", "odd": "O", "mark": "M", "space": "S"}
_HINTS: Final = {
    errno.ENOENT: "there is no such port; is the adapter plugged in?",
    errno.EACCES: "no permission; add the gateway's user to the group dialout",
    errno.EBUSY: "another program holds it",
    errno.EAGAIN: "another program holds it",
    errno.EIO: "the adapter is gone",
    errno.ENXIO: "the adapter is gone",
    errno.ENODEV: "the adapter is gone",
    errno.ENOTTY: "that is no serial port",
}


class Driver:
    """One serial port."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._name = name
        self._options = options
        self._decode = Decoder(name, options)

    async def run(self, emit: Emit) -> None:
        """Live until cancelled. Unavailable when the port can not be opened or goes away."""
        cutter = Cutter(self._step())
        with self._open() as fd, _Inflow(fd) as inflow:
            try:
                while True:
                    data = await inflow.take()
                    if items := self._items(cutter.feed(data)):
                        await emit(items)
            except OSError as error:
                if items := self._items(cutter.finish()):
                    await emit(items)
                raise self._gone(error) from None

    async def check(self) -> str:
        """Open the port and close it again; whether a device talks there is not known by that."""
        with self._open():
            options = self._options
            form = f"{options.bytesize}{_PARITY[options.parity]}{options.stopbits}"
            return f"serial port {options.port} can be opened at {options.baud} baud, {form}"

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

    @contextmanager
    def _open(self) -> Iterator[int]:
        options = self._options
        try:
            port = serial.Serial(
                options.port,
                options.baud,
                bytesize=options.bytesize,
                parity=_PARITY[options.parity],
                stopbits=options.stopbits,
                timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError) as error:
            raise self._gone(error) from None
        try:
            # pyserial's lock is advisory; this one stops programs that never ask
            fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
            yield port.fileno()
        finally:
            port.close()

    def _gone(self, error: Exception) -> Unavailable:
        code = getattr(error, "errno", None)
        if code is None:  # pyserial wraps some errors in its own words
            told = str(error).lower()
            code = errno.EBUSY if "lock" in told else errno.ENOTTY if "configure" in told else None
        hint = _HINTS.get(code or 0) or (os.strerror(code) if code else str(error))
        return Unavailable(f"serial port {self._options.port}: {hint}")


class _Inflow:
    """Bytes of a file descriptor, gathered by the event loop's reader callback."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._waiting = bytearray()
        self._some = asyncio.Event()
        self._error: OSError | None = None
        self._listening = False

    def __enter__(self) -> _Inflow:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    async def take(self) -> bytes:
        """Everything that has come; OSError once the port is gone and all bytes are taken."""
        await self._some.wait()
        if not self._waiting and self._error is not None:
            raise self._error
        data = bytes(self._waiting)
        self._waiting.clear()
        if self._error is None:
            self._some.clear()
            self._listen()
        return data

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, _READ)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(error)
            return
        if not data:  # a hung-up line is readable for ever and has nothing
            self._fail(OSError(errno.EIO, os.strerror(errno.EIO)))
            return
        self._waiting += data
        self._some.set()
        if len(self._waiting) >= _BUFFER:
            self._stop()

    def _fail(self, error: OSError) -> None:
        self._error = error
        self._stop()
        self._some.set()

    def _listen(self) -> None:
        if not self._listening:
            self._loop.add_reader(self._fd, self._readable)
            self._listening = True

    def _stop(self) -> None:
        if self._listening:
            self._loop.remove_reader(self._fd)
            self._listening = False
