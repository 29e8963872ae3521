"""What simulated devices need: a serial line without a cable, a TCP port that nobody uses."""

from __future__ import annotations

import os
import socket
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.ports import Unavailable


def free_port() -> int:
    """A free port on loopback. Another program may take it first; the user of it then says so."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class SerialPair:
    """A pseudo-terminal. ``port`` is the gateway's end."""

    def __init__(self, ours: int, port: str) -> None:
        self._ours = ours
        self.port = port

    @property
    def fd(self) -> int:
        """Our end, for reading what the gateway writes; non-blocking."""
        return self._ours

    def send(self, content: bytes) -> bool:
        """Whether all of it was taken; a line that nobody reads overflows, as a real one does."""
        try:
            return os.write(self._ours, content) == len(content)
        except BlockingIOError:
            return False


@contextmanager
def serial_pair() -> Iterator[SerialPair]:
    """A pair whose other end stays open, so that the gateway may open it again and again."""
    try:
        ours, theirs = os.openpty()
    except OSError as error:
        raise Unavailable(f"no pseudo-terminal: {error.strerror}; is /dev/pts mounted?") from None
    try:
        tty.setraw(theirs)  # no echo: what we send must not come back
        os.set_blocking(ours, False)
        yield SerialPair(ours, os.ttyname(theirs))
    finally:
        os.close(ours)
        os.close(theirs)
