"""The write API of InfluxDB 1.x over aiohttp: ``/write``, one statement, ``/ping``."""

from __future__ import annotations

from typing import ClassVar, Final

import aiohttp
import structlog

from gateway.ports import Unavailable
from gateway.sinks.influxdb.answers import Answer
from gateway.sinks.influxdb.options import Options
from gateway.web import origin, read_start, retry_after

MOST_OF_AN_ANSWER: Final = 16_384
"""Bytes that are read of an answer."""
LONGEST_HEADER: Final = 400_000
"""Bytes: InfluxDB repeats a refused line in the header X-Influxdb-Error."""

_log = structlog.get_logger("influxdb")


class Version1:
    """Opened by the first request; ``close`` ends it."""

    hint: ClassVar[str] = "username, password, database, retention_policy"

    def __init__(self, options: Options) -> None:
        self._options = options
        self._base = options.url.rstrip("/")
        self._where = origin(options.url)
        self._into = {"db": options.database, "precision": "ns"}
        if options.retention_policy:
            self._into["rp"] = options.retention_policy
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if options.gzip:
            self._headers["Content-Encoding"] = "gzip"
        self._session = aiohttp.ClientSession(
            headers=_login(options),
            timeout=aiohttp.ClientTimeout(total=options.timeout),
            max_field_size=LONGEST_HEADER,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """End the connection."""
        await self._session.close()

    async def send(self, body: bytes) -> Answer:
        """One write of a body that is packed already; a missing database is created once."""
        answer = await self._post("/write", self._into, body, self._headers)
        missing = answer.status == 404 and "database not found" in answer.text
        if not (missing and self._options.create_database):
            return answer
        statement = f'CREATE DATABASE "{self._options.database}"'
        made = await self._post("/query", {"q": statement}, b"", {})
        if made.status != 200 or '"error"' in made.text:
            return made if made.status != 200 else answer
        _log.info("database_created", database=self._options.database, at=self._where)
        return await self._post("/write", self._into, body, self._headers)

    async def ping(self) -> str:
        """The server's version. Raise ``Unavailable`` when somebody else answers."""
        async with self._session.get(f"{self._base}/ping", allow_redirects=False) as answer:
            if answer.status not in (200, 204):
                raise Unavailable(f"{self._where}/ping answers {answer.status}; check url")
            return answer.headers.get("X-Influxdb-Version", "")

    async def _post(
        self, path: str, query: dict[str, str], body: bytes, headers: dict[str, str]
    ) -> Answer:
        async with self._session.post(
            self._base + path, params=query, data=body, headers=headers, allow_redirects=False
        ) as answer:
            text = await read_start(answer.content, MOST_OF_AN_ANSWER)
            return Answer(answer.status, text, retry_after(answer.headers))


def _login(options: Options) -> dict[str, str]:
    if options.password is None:
        return {}
    login = aiohttp.encode_basic_auth(options.username, options.password.reveal(), "utf-8")
    return {"Authorization": login}
