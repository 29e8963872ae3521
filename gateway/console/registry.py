"""``POST /api/v1/registry``: tables of the registry are taken over, or only looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web

from gateway.console import shapes
from gateway.console.guard import as_json
from gateway.console.query import ApiError
from gateway.console.view import Imported, View

MAX_FILES: Final = 20
MAX_BODY: Final = 64_000_000
"""Bytes: a district's tables are a few millions."""
_LONGEST: Final = 200
_AT_ONCE: Final = 2
"""Imports whose files are held in memory."""
_WITHIN: Final = 300.0
"""Seconds for the files to come, waiting for another import included."""


class _Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file; its content is base64 in JSON."""

    name: str
    content: bytes


class _Import(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of the request."""

    files: list[_Sent]
    by: str
    dry: bool = False


class RegistryApi:
    """The handler over one view; ``chinese`` translates a line about a file."""

    def __init__(self, view: View, chinese: Callable[[str], str]) -> None:
        self._view = view
        self._chinese = chinese
        self._imports = asyncio.Semaphore(_AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        """Its path."""
        return [web.post("/api/v1/registry", self.take)]

    async def take(self, request: web.Request) -> web.Response:
        """Take the files over, or say what they would change; ``faults`` if they are wrong."""
        # A form of another site can send other types without asking first; JSON it can not.
        if request.content_type != "application/json":
            raise ApiError(415, "send Content-Type: application/json")
        try:
            async with asyncio.timeout(_WITHIN) as patience, self._imports:
                body = await _body(request)
                patience.reschedule(None)
                return as_json(self._shown(await self._taken(body)))
        except TimeoutError:
            message = f"the files did not come within {_WITHIN:g} s"
            raise ApiError(408, message, "文件没有在规定时间内传完。") from None

    async def _taken(self, body: bytes) -> Imported:
        asked = await asyncio.to_thread(_checked, body)
        files = [(sent.name, sent.content) for sent in asked.files]
        return await self._view.import_registry(files, asked.by.strip(), dry=asked.dry)

    def _shown(self, outcome: Imported) -> shapes.Json:
        changes = outcome.changes
        return {
            "ok": not outcome.problems,
            "edition": outcome.edition,
            "faults": shapes.problems_json(outcome.problems, self._chinese),
            "counts": {t: c._asdict() for t, c in changes.counts.items()} if changes else {},
            "named": changes.named if changes else {},
            "replaced": changes.replaced if changes else [],
        }


async def _body(request: web.Request) -> bytes:
    """The whole body; it may be larger than that of an action."""
    parts, left = [], MAX_BODY
    async for part in request.content.iter_any():
        left -= len(part)
        if left < 0:
            raise ApiError(413, f"the files are larger than {MAX_BODY:,} bytes together")
        parts.append(part)
    return b"".join(parts)


def _checked(body: bytes) -> _Import:
    try:
        asked = msgspec.json.decode(body, type=_Import)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, f"the body must be {{files, by, dry}}: {error}") from None
    if not 0 < len(asked.by.strip()) <= _LONGEST or not asked.by.isprintable():
        raise ApiError(400, "by must say who imports it", "没有说明由谁导入。")
    if not 0 < len(asked.files) <= MAX_FILES:
        raise ApiError(400, f"between 1 and {MAX_FILES} files are expected")
    for sent in asked.files:
        if not 0 < len(sent.name) <= _LONGEST or not sent.name.isprintable():
            raise ApiError(400, "a file has no name that can be shown")
    return asked
