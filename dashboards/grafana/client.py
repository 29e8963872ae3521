"""HTTP to one Grafana: one request after the other, each a plain call, over one aiohttp session.

Who answers may be no Grafana at all. So the token goes nowhere but to the given address (no
redirects, no proxies of the environment), and of an answer no more is read than a Grafana gives.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import aiohttp
import msgspec

from dashboards.grafana.trouble import (
    endless,
    foreign,
    moved,
    silent,
    unbelievable,
    unreachable,
)
from gateway.web import origin

MOST: Final = 16_000_000
"""Bytes of an answer, unpacked: the 5,000 results of a search are 3 MB, a board with pictures in
its texts a few."""
_KEPT: Final = 2.0
"""Seconds a connection is used again: nobody sees it close between two calls, and no proxy closes
one as early as this."""


class Answer(NamedTuple):
    """What came back, whole."""

    status: int
    """Never a redirect's."""
    body: object
    """What its JSON says; its text where it has none and ``status`` is 400 or more."""


class Client:
    """``with Client(…) as client``; nothing is sent before ``ask``. Not from within a loop."""

    def __init__(self, url: str, token: str, timeout: float, ca: Path | None) -> None:
        """``url`` without a slash at its end; ``timeout``: seconds for a request and its answer.

        ``ca``: a file with whose certificates are believed, None for whom the system believes.
        """
        self._url = url
        self._where = origin(url)
        self._token = token
        self._timeout = timeout
        self._ca = ca

    def __enter__(self) -> Self:
        """``Away`` for a file that holds no certificates."""
        context = self._believed()
        # a loop by the factory is no one else's: the thread's own is left as it was
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._session = self._runner.run(self._opened(context))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._runner:
            self._runner.run(self._session.close())

    def ask(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str | int]] = (),
        body: dict[str, Any] | None = None,
    ) -> Answer:
        """Send ``body`` as JSON to ``path`` below ``/api``; ``Away`` when no Grafana answers."""
        try:
            status, raw = self._runner.run(self._asked(method, path, query, body))
        except TimeoutError:
            raise silent(self._where, self._timeout) from None
        except aiohttp.ClientResponseError:  # what came is no HTTP
            raise foreign(self._where) from None
        except (aiohttp.InvalidURL, UnicodeError):
            raise unreachable(self._where, "no such host name") from None
        except (aiohttp.ClientError, OSError) as error:
            said = str(error)  # some repeat the URL, whose path may be a secret
            plain = said if said and "://" not in said else type(error).__name__
            raise unreachable(self._where, plain) from None
        if 300 <= status < 400:
            raise moved(self._where)
        if len(raw) > MOST:
            raise endless(self._where, MOST)
        try:
            return Answer(status, msgspec.json.decode(raw))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            if status < 400:
                raise foreign(self._where) from None
            return Answer(status, raw.decode("utf-8", "replace"))

    def _believed(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._ca)
        except OSError as error:
            raise unbelievable(str(self._ca), error.strerror or str(error)) from None

    async def _opened(self, context: ssl.SSLContext) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._token}", "Accept": "application/json"},
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            connector=aiohttp.TCPConnector(limit=1, keepalive_timeout=_KEPT, ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def _asked(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str | int]],
        body: dict[str, Any] | None,
    ) -> tuple[int, bytes]:
        """Status and body, of which one byte more than ``MOST`` says that it is too long."""
        async with self._session.request(
            method,
            f"{self._url}/api{path}",
            params=query,
            data=None if body is None else msgspec.json.encode(body),
            headers={} if body is None else {"Content-Type": "application/json"},
            allow_redirects=False,
        ) as answer:
            raw = bytearray()
            while len(raw) <= MOST and (part := await answer.content.read(MOST + 1 - len(raw))):
                raw += part
            return answer.status, bytes(raw)
