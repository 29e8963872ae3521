"""The notifier ``cap``: each event of an incident as a CAP document, to a folder and a URL.

opened ─────────────────▶ Alert
again, overdue, cleared ─▶ Update ─┐  references: what was sent before,
closed ─────────────────▶ Cancel ─┘  read from the folder
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final, Self

import structlog

from gateway.model import Notification, Receipt, Site
from gateway.notifiers._http import Poster
from gateway.notifiers.cap.document import MEDIA_TYPE, document, identifier, stem
from gateway.notifiers.cap.options import Options
from gateway.notifiers.cap.outline import polygons
from gateway.notifiers.cap.shelf import SUFFIX, Shelf
from gateway.ports import Clock, Refused, Unavailable

_OVER: Final = ("cleared", "closed")
_POSTED: Final = {"Content-Type": f"{MEDIA_TYPE}; charset=utf-8"}


class Notifier:
    """Enter it before use."""

    is_fixture: Final = True
    """It is told besides people, never instead of one."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = name
        self._options = options
        self._clock = clock
        self._shelf = Shelf(options.folder, options.files, options.keep)
        self._post: Poster | None = None
        if options.url is not None:
            self._post = Poster(name, options.url, options.headers, options.timeout)
        self._site: Callable[[], Site] = Site
        self._turn = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._log = structlog.get_logger("notify")

    async def __aenter__(self) -> Self:
        if self._post is not None:
            await self._stack.enter_async_context(self._post)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def follow(self, site: Callable[[], Site]) -> None:
        """The registry as it is: borders are in it."""
        self._site = site

    async def tell(self, notification: Notification) -> Receipt:
        """Return when the document is on disk, and taken where it is posted to."""
        if notification.silent:
            return Receipt(await self.check())
        if notification.category not in self._options.categories:
            raise Refused(f"cap {self.name} is not for category {notification.category}")
        async with self._turn:
            content = await self._on_disk(notification)
        if content is None:
            return Receipt("nothing was sent of this incident, so there is nothing to end")
        said = f"{identifier(notification)}{SUFFIX} is in {self._options.folder}"
        if self._post is not None:
            said += f"; {await self._post.post(content, _POSTED)}"
        return Receipt(said)

    async def check(self) -> str:
        """Say that the folder can be written, and that the host behind the URL answers."""
        try:
            await asyncio.to_thread(self._shelf.try_out)
        except OSError as error:
            raise self._no_folder(error) from None
        said = f"{self._options.folder} can be written"
        return said if self._post is None else f"{said}; {await self._post.check()}"

    async def _on_disk(self, notification: Notification) -> bytes | None:
        """The document as it was written, now or at an earlier attempt; None: it is pointless."""
        stamp = self._clock.now()
        try:
            known = await asyncio.to_thread(self._shelf.find, identifier(notification))
            if known is not None:
                return known
            if not stamp.trusted:  # readers drop what is from the past, and its end with it
                raise Unavailable(f"cap {self.name}: the clock can not be believed yet")
            content, gone = await asyncio.to_thread(self._write, notification, stamp.wall)
        except OSError as error:
            raise self._no_folder(error) from None
        if gone:
            self._log.info("cap_documents_deleted", notifier=self.name, count=gone)
        return content

    def _write(self, notification: Notification, wall: int) -> tuple[bytes | None, int]:
        """The new document, and how many old ones made room."""
        earlier = self._shelf.earlier(stem(notification))
        if not earlier and notification.purpose in _OVER:
            return None, 0
        outlines = polygons(self._site(), notification.place)
        content = document(notification, self._options, wall, earlier, outlines)
        self._shelf.put(identifier(notification), content)
        return content, self._shelf.tidy(wall)

    def _no_folder(self, error: OSError) -> Unavailable:
        return Unavailable(f"notifier {self.name}: {self._options.folder}: {error.strerror}")
