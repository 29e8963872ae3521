"""A UDP port that panels call: a bounded queue, and answers to where they came from."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, Final, NamedTuple, cast

from gateway.clock import Signal
from gateway.ports import Unavailable, in_words

MOST: Final = 512
"""Datagrams that may wait for the disk; beyond it they are dropped, and panels send them again."""
LONGEST: Final = 8_192
"""Bytes of one that are looked at: a message has half of it at most."""
AT_ONCE: Final = 64
"""Datagrams of one commit."""


class Datagram(NamedTuple):
    """One of them."""

    content: bytes
    sender: Any
    """An address of the socket's family."""


class Datagrams(asyncio.DatagramProtocol):
    """The open port."""

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: dict[Datagram, None] = {}
        """In order, each once: while the disk is slow panels repeat themselves."""
        self._some = Signal()
        self._transport: asyncio.DatagramTransport | None = None
        self._lost: OSError | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of asyncio."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # by its methods

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Of asyncio."""
        datagram = Datagram(data[:LONGEST], addr)
        if datagram in self._waiting:
            return
        if len(self._waiting) >= MOST:
            self.dropped += 1
            return
        self._waiting[datagram] = None
        self._some.notify()

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio."""
        self._lost = exc if isinstance(exc, OSError) else OSError("the port was closed")
        self._some.notify()

    async def take(self) -> list[Datagram]:
        """All that came, ``AT_ONCE`` at most. OSError once the port is gone."""
        while not self._waiting:
            seen = self._some.count
            if self._lost is not None:
                raise self._lost
            await self._some.wait(seen)
        taken = list(islice(self._waiting, AT_ONCE))
        for datagram in taken:
            del self._waiting[datagram]
        return taken

    def send(self, content: bytes, receiver: Any) -> None:
        """An answer; lost ones are asked for again by the panel's repetition."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(content, receiver)


@asynccontextmanager
async def datagrams(host: str, port: int) -> AsyncIterator[Datagrams]:
    """Serve ``host``:``port`` while entered. Raises ``Unavailable``."""
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.create_datagram_endpoint(
            Datagrams, local_addr=(host, port)
        )
    except OSError as error:
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else in_words(error)
        raise Unavailable(f"UDP port {port} of {host} can not be opened: {why}") from None
    try:
        yield protocol
    finally:
        transport.close()
        while protocol._lost is None:  # the socket closes in a later turn of the loop
            await protocol._some.wait(protocol._some.count)
