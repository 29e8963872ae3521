"""The notifier ``webhook``: one JSON POST per message, over a connection that is kept alive.

2xx                      told
408, 425, 429, 5xx, net  Unavailable: again later, the same Idempotency-Key
everything else          Refused; a redirect too: it would carry the message elsewhere
"""

from __future__ import annotations

import hashlib
import hmac
from types import TracebackType
from typing import Final, Self

import aiohttp
import msgspec

from gateway.model import Notification, Receipt
from gateway.notifiers.webhook.options import Options
from gateway.options import Secret
from gateway.ports import Clock, Refused, Unavailable
from gateway.web import check_url, one_line, origin, read_start, retry_after

_AGAIN: Final = (408, 425, 429)
_MOST_OF_AN_ANSWER: Final = 4_096
"""Bytes that are read of an answer: a reason fits."""


class Notifier:
    """Enter it before use; it may be told several messages at once."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = name
        self._options = options
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._options.timeout),
            connector=aiohttp.TCPConnector(limit=20, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def tell(self, notification: Notification) -> Receipt:
        """Return when the far end took it; the two errors else."""
        if notification.silent:
            return Receipt(await self.check())
        body = msgspec.json.encode(notification)
        url = self._url()
        where = origin(url)
        headers = self._headers(notification, body)
        try:
            async with self._opened().post(
                url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                text = await _start_of(answer)
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise Unavailable(f"notifier {self.name}: check url, it can not be used") from None
        except (aiohttp.ClientError, OSError) as error:
            # from None and by its class: aiohttp repeats the URL in some of its errors
            raise Unavailable(f"{where} can not be reached: {_kind_of(error)}") from None
        status = f"{answer.status} {answer.reason or ''}".strip()
        if 200 <= answer.status < 300:
            return Receipt(f"{status} from {where}")
        said = f"{where} answers {status}" + (f": {text}" if text else "")
        if answer.status in _AGAIN or answer.status >= 500:
            raise Unavailable(said, retry_after(answer.headers))
        raise Refused(said)

    async def check(self) -> str:
        """Say that the host takes a connection; nothing is posted, for somebody would be told."""
        where = origin(self._url())
        try:
            async with self._opened().head(where, allow_redirects=False):
                return f"{where} answers"
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{where} can not be reached: {_kind_of(error)}") from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError(f"notifier {self.name} is used before it is entered")
        return self._session

    def _url(self) -> str:
        try:
            return check_url(self._reveal(self._options.url))
        except ValueError as error:
            raise Unavailable(f"notifier {self.name}: {error}") from None

    def _headers(self, notification: Notification, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": notification.key,
        }
        for name, value in self._options.headers.items():
            headers[name] = self._reveal(value)
        if self._options.hmac is not None:
            key = self._reveal(self._options.hmac).encode()
            signature = hmac.new(key, body, hashlib.sha256).hexdigest()
            headers["X-Gridwarden-Signature"] = f"sha256={signature}"
        return headers

    def _reveal(self, value: str | Secret) -> str:
        """Read at every message: a new secret counts without a restart."""
        if isinstance(value, str):
            return value
        try:
            text = value.reveal()
        except ValueError as error:
            raise Unavailable(f"notifier {self.name}: {error}") from None
        if not text.isprintable():
            raise Unavailable(f"notifier {self.name}: a secret is more than one printable line")
        return text


async def _start_of(answer: aiohttp.ClientResponse) -> str:
    """What it says, on one line. The status has decided: a body that breaks off changes nothing."""
    try:
        return one_line(await read_start(answer.content, _MOST_OF_AN_ANSWER))
    except (aiohttp.ClientError, OSError):
        return ""


def _kind_of(error: Exception) -> str:
    """What happened on the network, without the URL."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorError):
        return one_line(error.os_error.strerror or "no connection")
    return type(error).__name__
