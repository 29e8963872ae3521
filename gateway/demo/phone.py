"""The officers' phone: a small web server that shows each message as it arrived."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from gateway.model import Text
from gateway.simulate import free_port

_LONGEST = 100_000
"""Bytes of a message; the gateway's own are a hundredth of it."""
_REMEMBERED = 1000
"""Messages whose repeats are not shown again."""


@asynccontextmanager
async def phone(say: Callable[[Text], None]) -> AsyncIterator[str]:
    """A running phone; yields the URL for the webhook. ``say`` shows every message once."""
    shown: deque[str] = deque(maxlen=_REMEMBERED)

    async def receive(request: web.Request) -> web.Response:
        message = await request.json()
        key = request.headers.get("Idempotency-Key", "")
        if not key or key not in shown:
            shown.append(key)
            say(spoken(message))
        return web.Response(text="shown")

    app = web.Application(client_max_size=_LONGEST)
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


def spoken(message: Mapping[str, Any]) -> Text:
    """The message as it was received, in the receiver's own language, one line below another."""
    person = str(message.get("person", "?"))
    name = message.get("name") or person
    text = f"{message.get('title', '')}\n{message.get('text', '')}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return Text(f"{name}的手机收到:", "\n  | ".join([f"on the phone of {person}:", *lines]))
