"""A gate before InfluxDB: it passes requests on, notes which devices they carried, and can close."""

from __future__ import annotations

import asyncio
import re
import zlib
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

_DEVICE = re.compile(r",device=([^, ]+)")


class Gate:
    """Enter it before use. While ``open`` is not set, writes without an alarm wait in it."""

    def __init__(self, target: str) -> None:
        self.url = ""
        self.open = asyncio.Event()
        self.open.set()
        self.waiting = 0
        self.passed: list[list[str]] = []
        """The devices of each write that went through, in order."""
        self._target = target
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        app = web.Application(client_max_size=10_000_000)
        app.router.add_post("/{path}", self._pass)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.open.set()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._session.close()

    async def _pass(self, request: web.Request) -> web.Response:
        body = await request.read()  # aiohttp has unpacked it
        text = body.decode(errors="replace")
        if request.path == "/write" and "alarm=t" not in text:
            self.waiting += 1
            await self.open.wait()
            self.waiting -= 1
        headers = {"Content-Encoding": "gzip"} if body else {}
        packed = zlib.compress(body, 1, 31) if body else b""
        url = f"{self._target}{request.rel_url}"
        async with self._session.post(url, data=packed, headers=headers) as answer:
            if answer.status == 204:
                self.passed.append(_DEVICE.findall(text))
            return web.Response(status=answer.status, body=await answer.read())
