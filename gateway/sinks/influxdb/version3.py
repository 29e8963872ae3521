"""The write API of InfluxDB 3 over aiohttp: ``/api/v3/write_lp``, ``/health``."""

from __future__ import annotations

from typing import ClassVar, Final

import aiohttp

from gateway.ports import Unavailable
from gateway.sinks.influxdb.answers import Answer
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.version1 import LONGEST_HEADER
from gateway.web import origin, read_start, retry_after

_MOST_OF_AN_ANSWER: Final = 2_000_000
"""Bytes that are read of an answer: it repeats up to a hundred refused lines."""


class Version3:
    """Opened by the first request; ``close`` ends it.

    Good lines of a body with bad ones are stored (``accept_partial``), and an answer comes when the
    write-ahead log is on disk (``no_sync=false``): returned means kept.
    """

    hint: ClassVar[str] = "token, database"

    def __init__(self, options: Options) -> None:
        if options.token is None:
            raise ValueError("version 3 needs token")
        self._base = options.url.rstrip("/")
        self._where = origin(options.url)
        self._into = {
            "db": options.database,
            "precision": "nanosecond",
            "accept_partial": "true",
            "no_sync": "false",
        }
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if options.gzip:
            self._headers["Content-Encoding"] = "gzip"
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {options.token.reveal()}"},
            timeout=aiohttp.ClientTimeout(total=options.timeout),
            max_field_size=LONGEST_HEADER,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """End the connection."""
        await self._session.close()

    async def send(self, body: bytes) -> Answer:
        """One write of a body that is packed already."""
        async with self._session.post(
            f"{self._base}/api/v3/write_lp",
            params=self._into,
            data=body,
            headers=self._headers,
            allow_redirects=False,
        ) as answer:
            text = await read_start(answer.content, _MOST_OF_AN_ANSWER)
            return Answer(answer.status, text, retry_after(answer.headers))

    async def ping(self) -> str:
        """The server's version, "" when it keeps it. ``Unavailable`` when somebody else answers."""
        async with self._session.get(f"{self._base}/health", allow_redirects=False) as answer:
            if answer.status != 200:
                raise Unavailable(f"{self._where}/health answers {answer.status}; check url, token")
            return answer.headers.get("x-influxdb-version", "")
