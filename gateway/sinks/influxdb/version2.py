"""The write API of InfluxDB 2.x through influxdb-client, which is imported here and only here.

It carries our own lines as they are (its own points cost eight times the CPU), sends each batch
once, and hands back status, headers and body; retrying stays ours. What it does not do
well enough is done around it: packing (it packs at level 9, on the event loop) and redirects
(it would follow them, with the token).
"""

from __future__ import annotations

from typing import ClassVar, Final

import aiohttp
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException

from gateway.ports import Unavailable
from gateway.sinks.influxdb.answers import Answer
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.version1 import LONGEST_HEADER, MOST_OF_AN_ANSWER
from gateway.web import origin, retry_after

_UNKNOWN: Final = "unknown"
"""What the library says of a server that does not tell."""


class Version2:
    """Opened by the first request; ``close`` ends it."""

    hint: ClassVar[str] = "token, org, bucket"

    def __init__(self, options: Options) -> None:
        if options.token is None:
            raise ValueError("version 2 needs token")
        self._options = options
        self._where = origin(options.url)
        self._client = InfluxDBClientAsync(
            url=options.url.rstrip("/"),
            token=options.token.reveal(),
            org=options.org,
            timeout=aiohttp.ClientTimeout(total=options.timeout),
            allow_redirects=False,
            client_session_kwargs={
                "max_field_size": LONGEST_HEADER,
                "cookie_jar": aiohttp.DummyCookieJar(),
            },
        )
        if options.gzip:
            self._client.api_client.default_headers["Content-Encoding"] = "gzip"
        self._writer = self._client.write_api()

    async def close(self) -> None:
        """End the connection."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def send(self, body: bytes) -> Answer:
        """One write of a body that is packed already."""
        try:
            stored = await self._writer.write(self._options.bucket, record=body)
        except ApiException as error:
            text = (error.body or b"")[:MOST_OF_AN_ANSWER]
            if isinstance(text, bytes):
                text = text.decode("utf-8", "replace")
            return Answer(error.status or 0, text, retry_after(error.headers or {}))
        return Answer(204 if stored else 200, "")

    async def ping(self) -> str:
        """The server's version. Raise ``Unavailable`` when somebody else answers."""
        try:
            found = await self._client.version()
        except ApiException as error:
            raise Unavailable(f"{self._where}/ping answers {error.status}; check url") from None
        return "" if found == _UNKNOWN else found
