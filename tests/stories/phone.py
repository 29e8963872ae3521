"""A person's phone: a real web server in this process that keeps every message."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from aiohttp import web


class Phone:
    """Enter it before use. ``dead`` makes it answer 503, as a gateway of a carrier does."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.dead = False
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        message = await request.json()
        if self.dead:
            return web.Response(status=503)
        self.messages.append(message)
        return web.Response(status=204)

    def told(self, purpose: str = "", device: str = "") -> list[dict[str, Any]]:
        """The messages of ``purpose`` about ``device``; of all without."""
        return [
            each
            for each in self.messages
            if purpose in ("", each["purpose"]) and device in ("", each["device"])
        ]
