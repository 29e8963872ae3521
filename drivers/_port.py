"""A serial port and its bytes, as the event loop says there are some: no thread, no polling."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import serial

from drivers._port_options import PortOptions
from gateway.ports import Unavailable, in_words

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


@contextmanager
def open_port(options: PortOptions) -> Iterator[int]:
    """The port's file descriptor, non-blocking, held by us alone. Raises ``Unavailable``."""
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
        raise gone(options.port, error) from None
    try:
        # pyserial's lock is advisory; this one stops programs that never ask
        fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
        yield port.fileno()
    finally:
        port.close()


def form(options: PortOptions) -> str:
    """Speed and character, as ``9600 baud, 8N1``."""
    parity = _PARITY[options.parity]
    return f"{options.baud} baud, {options.bytesize}{parity}{options.stopbits}"


def gone(port: str, error: Exception) -> Unavailable:
    """What an error of ``port`` means, and what to do."""
    code = getattr(error, "errno", None)
    if code is None:  # pyserial wraps some errors in its own words
        told = str(error).lower()
        code = errno.EBUSY if "lock" in told else errno.ENOTTY if "configure" in told else None
    hint = _HINTS.get(code or 0) or (os.strerror(code) if code else in_words(error))
    return Unavailable(f"serial port {port}: {hint}")


class Inflow:
    """Bytes of a file descriptor, gathered by the event loop's reader callback; answers go out."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._waiting = bytearray()
        self._some = asyncio.Event()
        self._error: OSError | None = None
        self._listening = False

    def __enter__(self) -> Inflow:
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

    async def send(self, data: bytes) -> None:
        """Write ``data``, waiting for a line that takes nothing. OSError once the port is gone."""
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                room = asyncio.Event()
                self._loop.add_writer(self._fd, room.set)
                try:
                    await room.wait()
                finally:
                    self._loop.remove_writer(self._fd)

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
