"""A wire to a server that loses an answer when it is told to."""

from __future__ import annotations

import asyncio
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Relay:
    """Open it with ``async with``; ``url`` leads to the database through it."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._lose = b""
        self._lanes: set[asyncio.Task[None]] = set()
        self.url = ""
        self.dropped = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        where = f"{self._parts.username}@127.0.0.1:{port}"
        self.url = urlunsplit(self._parts._replace(netloc=where))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)
        await self._server.wait_closed()

    def drop_answer_to(self, words: bytes) -> None:
        """The next message with ``words`` arrives; its answer, and the connection, are lost."""
        self._lose, self.dropped = words, False

    async def _relay(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lanes.add(task)
        far, forth = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        answers = asyncio.create_task(_pass_on(far, back))
        try:
            while data := await near.read(65_536):
                loses = bool(self._lose) and self._lose in data
                if loses:
                    self._lose = b""
                    answers.cancel()
                    await asyncio.gather(answers, return_exceptions=True)
                forth.write(data)
                await forth.drain()
                if loses:
                    self.dropped = bool(await far.read(65_536))
                    break
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            for writer in (forth, back):
                writer.close()
            self._lanes.discard(task)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()
