"""The notifier ``webhook``: one JSON POST per message, over a connection that is kept alive.

What the far end's answer means is said in ``_http``; every attempt has the same Idempotency-Key.
"""

from __future__ import annotations

import hashlib
import hmac
from types import TracebackType
from typing import Self

import msgspec

from gateway.model import Notification, Receipt
from gateway.notifiers._http import Poster
from gateway.notifiers.webhook.options import Options
from gateway.ports import Clock


class Notifier:
    """Enter it before use; it may be told several messages at once."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = name
        self._options = options
        self._poster = Poster(name, options.url, options.headers, options.timeout)

    async def __aenter__(self) -> Self:
        await self._poster.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._poster.__aexit__(kind, error, trace)

    async def tell(self, notification: Notification) -> Receipt:
        """Return when the far end took it; the two errors else."""
        if notification.silent:  # a POST would reach somebody
            return Receipt(await self.check())
        body = msgspec.json.encode(notification)
        return Receipt(await self._poster.post(body, self._headers(notification, body)))

    async def check(self) -> str:
        """Say that the host takes a connection; nothing is posted, for somebody would be told."""
        return await self._poster.check()

    def _headers(self, notification: Notification, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": notification.key,
        }
        if self._options.hmac is not None:
            key = self._poster.reveal(self._options.hmac).encode()
            signature = hmac.new(key, body, hashlib.sha256).hexdigest()
            headers["X-Gridwarden-Signature"] = f"sha256={signature}"
        return headers
