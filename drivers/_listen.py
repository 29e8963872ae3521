"""A TCP port that devices call: bounded in connections, and nothing is left when it closes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from gateway.ports import Unavailable, in_words

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]
"""One connection, until it returns: (bytes in, bytes out, the caller's address)."""
LONGEST: Final = 65_536
"""Bytes that a reader holds for one connection."""

_LAST_WORDS: Final = 5.0
"""Seconds that a caller has to read what was said to it before the connection was closed."""


class Listening:
    """The open port."""

    def __init__(self, talk: Talk, most: int) -> None:
        self.host = ""
        self.port = 0
        self._talk = talk
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._log = structlog.get_logger("listen")

    async def forever(self) -> None:
        """Until cancelled; what ``talk`` raised, other than a broken connection, is raised here."""
        raise await self._failed

    @property
    def connections(self) -> int:
        """How many callers there are."""
        return len(self._tasks)

    def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername") or ("?", 0)
        caller = f"{peer[0]}:{peer[1]}"
        if len(self._tasks) >= self._most:
            self._log.warning("caller_refused", caller=caller, connections=self._most)
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._one(reader, writer, caller))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, caller: str
    ) -> None:
        try:
            await self._talk(reader, writer, caller)
            writer.close()
            async with asyncio.timeout(_LAST_WORDS):
                await writer.wait_closed()
        except (OSError, EOFError) as error:  # the caller hung up in the middle of something
            self._log.info("caller_gone", caller=caller, reason=in_words(error))
        finally:
            writer.transport.abort()  # a caller that reads nothing would keep the socket for ever

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not self._failed.done():
            self._failed.set_result(error)

    async def _close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def listen(host: str, port: int, talk: Talk, *, most: int) -> AsyncIterator[Listening]:
    """Serve ``most`` callers at once on ``host``:``port`` (0: any free one) while entered."""
    listening = Listening(talk, most)
    try:
        server = await asyncio.start_server(listening._called, host, port, limit=LONGEST)
    except OSError as error:
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else in_words(error)
        raise Unavailable(f"port {port} of {host} can not be opened: {why}") from None
    try:
        listening.host, listening.port = server.sockets[0].getsockname()[:2]
        yield listening
    finally:
        server.close()
        await listening._close()
        await server.wait_closed()
