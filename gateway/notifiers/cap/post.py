"""Posts a document to another system. The answer's status decides, as for any web service.

2xx                      taken
408, 425, 429, 5xx, net  Unavailable: again later, the same document
everything else          Refused; a redirect too: it would carry the document elsewhere
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

import aiohttp

from gateway.notifiers.cap.document import MEDIA_TYPE
from gateway.options import Secret
from gateway.ports import Refused, Unavailable
from gateway.web import check_url, one_line, origin, read_start, retry_after

_AGAIN: Final = (408, 425, 429)
_MOST_OF_AN_ANSWER: Final = 4_096


class Post:
    """Enter it before use."""

    def __init__(
        self, name: str, url: str | Secret, headers: dict[str, Secret], timeout: float
    ) -> None:
        self._name = name
        self._given = url
        self._headers = headers
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            connector=aiohttp.TCPConnector(limit=4, keepalive_timeout=60),
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

    async def send(self, document: bytes) -> str:
        """Post it; what the far end answered."""
        url = self._url()
        headers = {"Content-Type": f"{MEDIA_TYPE}; charset=utf-8"}
        headers |= {name: self._reveal(value) for name, value in self._headers.items()}
        where = origin(url)
        try:
            async with self._opened().post(
                url, data=document, headers=headers, allow_redirects=False
            ) as answer:
                text = await _start_of(answer)
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{where} can not be reached: {_kind_of(error)}") from None
        status = f"{answer.status} {answer.reason or ''}".strip()
        if 200 <= answer.status < 300:
            return f"{status} from {where}"
        said = f"{where} answers {status}" + (f": {text}" if text else "")
        if answer.status in _AGAIN or answer.status >= 500:
            raise Unavailable(said, retry_after(answer.headers))
        raise Refused(said)

    async def check(self) -> str:
        """Say that the host takes a connection; nothing is posted."""
        where = origin(self._url())
        try:
            async with self._opened().head(where, allow_redirects=False):
                return f"{where} answers"
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{where} can not be reached: {_kind_of(error)}") from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError(f"notifier {self._name} is used before it is entered")
        return self._session

    def _url(self) -> str:
        try:
            return check_url(self._reveal(self._given))
        except ValueError as error:
            raise Unavailable(f"notifier {self._name}: {error}") from None

    def _reveal(self, value: str | Secret) -> str:
        """Read at every document: a new secret counts without a restart."""
        if isinstance(value, str):
            return value
        try:
            text = value.reveal()
        except ValueError as error:
            raise Unavailable(f"notifier {self._name}: {error}") from None
        if not text.isprintable():
            raise Unavailable(f"notifier {self._name}: a secret is more than one printable line")
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
