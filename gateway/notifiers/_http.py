"""What notifiers that post to a program of somebody else share. The answer's status decides.

2xx                      taken
408, 425, 429, 5xx, net  Unavailable: again later, the same body
everything else          Refused; a redirect too: it would carry the message elsewhere
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import aiohttp

from gateway.options import Secret
from gateway.ports import Refused, Unavailable
from gateway.web import check_url, one_line, origin, read_start, retry_after

AGAIN: Final = (408, 425, 429)
"""What is said of a request that may be made again, besides 5xx."""
_CONNECTIONS: Final = 20
_MOST_OF_AN_ANSWER: Final = 4_096
"""Bytes that are read of an answer: a reason fits."""


class Poster:
    """Enter it before use; it may post several bodies at once. Nothing it says holds a secret."""

    def __init__(
        self,
        name: str,
        url: str | Secret,
        headers: Mapping[str, str] | Mapping[str, Secret] | Mapping[str, str | Secret],
        timeout: float,
    ) -> None:
        self._name = name
        self._given = url
        self._headers = headers
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=60),
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

    async def post(self, body: bytes, headers: Mapping[str, str]) -> str:
        """What the far end answered when it took ``body``; else one of the two errors.

        ``headers`` come besides those that the options have.
        """
        url = self._url()
        where = origin(url)
        given = {name: self.reveal(value) for name, value in self._headers.items()}
        try:
            async with self._opened().post(
                url, data=body, headers={**headers, **given}, allow_redirects=False
            ) as answer:
                text = await _start_of(answer)
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise Unavailable(f"notifier {self._name}: check url, it can not be used") from None
        except (aiohttp.ClientError, OSError) as error:
            # from None and by its class: aiohttp repeats the URL in some of its errors
            raise Unavailable(f"{where} can not be reached: {kind_of(error)}") from None
        status = f"{answer.status} {answer.reason or ''}".strip()
        if 200 <= answer.status < 300:
            return f"{status} from {where}"
        said = f"{where} answers {status}" + (f": {text}" if text else "")
        if answer.status in AGAIN or answer.status >= 500:
            raise Unavailable(said, retry_after(answer.headers))
        raise Refused(said)

    async def check(self) -> str:
        """Say that the host takes a connection; nothing is posted, for somebody would be told."""
        where = origin(self._url())
        try:
            async with self._opened().head(where, allow_redirects=False):
                return f"{where} answers"
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{where} can not be reached: {kind_of(error)}") from None

    def reveal(self, value: str | Secret) -> str:
        """Read at every message: a new secret counts without a restart."""
        if isinstance(value, str):
            return value
        try:
            text = value.reveal()
        except ValueError as error:
            raise Unavailable(f"notifier {self._name}: {error}") from None
        if not text.isprintable():
            raise Unavailable(f"notifier {self._name}: a secret is more than one printable line")
        return text

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError(f"notifier {self._name} is used before it is entered")
        return self._session

    def _url(self) -> str:
        try:
            return check_url(self.reveal(self._given))
        except ValueError as error:
            raise Unavailable(f"notifier {self._name}: {error}") from None


def kind_of(error: Exception) -> str:
    """What happened on the network, without the URL."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorError):
        return one_line(error.os_error.strerror or "no connection")
    return type(error).__name__


async def _start_of(answer: aiohttp.ClientResponse) -> str:
    """What it says, on one line. The status has decided: a body that breaks off changes nothing."""
    try:
        return one_line(await read_start(answer.content, _MOST_OF_AN_ANSWER))
    except (aiohttp.ClientError, OSError):
        return ""
