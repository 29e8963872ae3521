"""Brings a server of each version to where the sink and the dashboards want it.

1.x              statements (``setup1``), through ``/query``
2.x              buckets, a task, mappings and tokens, through influxdb-client
3.x              a database; VictoriaMetrics: nothing
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import aiohttp
import msgspec

from gateway.model import Text
from gateway.ports import Refused, Unavailable
from gateway.sinks.influxdb import setup1
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.setup1 import Statement, There, Wanted
from gateway.web import one_line, origin, read_start

_MOST: Final = 4_000_000
"""Bytes of an answer."""
_FIRST: Final = "create admin user first"
"""What a server says that asks for passwords and has no user yet."""

Say = Callable[[Text], None]
"""Hears what was done, and what can not be."""


class Admin(NamedTuple):
    """Who may change the server. ``secret`` is a password, or a token."""

    name: str
    secret: str


class Ready1:
    """InfluxDB 1.x, to be entered."""

    def __init__(self, options: Options, admin: Admin | None, say: Say) -> None:
        self._where = origin(options.url)
        self._query = options.url.rstrip("/") + "/query"
        self._admin = admin
        self._say = say
        login = aiohttp.encode_basic_auth(admin.name, admin.secret, "utf-8") if admin else None
        self._session = aiohttp.ClientSession(
            headers={"Authorization": login} if login else {},
            timeout=aiohttp.ClientTimeout(total=max(options.timeout, 60.0)),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def __aenter__(self) -> Ready1:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def prepare(self, wanted: Wanted) -> int:
        """How many statements were needed. Raises ``Refused`` and ``Unavailable``."""
        there = await self._look(wanted)
        needed = setup1.statements(wanted, there)
        for statement in needed:
            await self._do(statement)
        if there.default and there.default != wanted.raw:
            self._say(
                Text(
                    f"旧的数据仍在保留策略 {there.default} 中,默认查询看不到;"
                    "可用 gridwarden influx backfill 补写",
                    f"earlier points stay in the retention policy {there.default}, where queries do"
                    " not look; bring them over with gridwarden influx backfill",
                )
            )
        return len(needed)

    async def draw_together(self, wanted: Wanted, since: int, until: int) -> None:
        """The hourly values of one stretch (wall ns)."""
        await self._ask(setup1.hourly(wanted, since, until))

    async def _look(self, wanted: Wanted) -> There:
        names = [user.name for user in wanted.users]
        asked = setup1.looks(wanted.database, names)
        try:
            answers = {"databases": await self._ask(asked.pop("databases"))}
        except Refused as error:
            if self._admin is None or _FIRST not in error.reason:
                raise
            await self._do(setup1.first_admin(*self._admin))
            answers = {"databases": await self._ask("SHOW DATABASES")}
        for key, statement in asked.items():
            try:
                answers[key] = await self._ask(statement)
            except Refused as error:
                if "not found" not in error.reason:
                    raise
                answers[key] = []
        return setup1.seen(answers, wanted.database)

    async def _do(self, statement: Statement) -> None:
        try:
            await self._ask(statement.text, statement.shown)
        except Refused as error:  # its words may repeat the statement
            secret = statement.secret
            words = error.reason.replace(secret, "***") if secret else error.reason
            raise Refused(words) from None
        self._say(Text(statement.shown, statement.shown))

    async def _ask(self, text: str, shown: str = "") -> list[dict[str, Any]]:
        """In the body, never in the address: a server's log has addresses."""
        try:
            async with self._session.post(
                self._query, data={"q": text}, allow_redirects=False
            ) as answer:
                status, raw = answer.status, await read_start(answer.content, _MOST)
        except (aiohttp.ClientError, OSError) as error:
            said = one_line(str(error)) or "no answer"
            raise Unavailable(f"InfluxDB at {self._where} can not be reached: {said}") from None
        return _series(status, raw, f"InfluxDB at {self._where}", shown or text)


def _series(status: int, raw: str, where: str, shown: str) -> list[dict[str, Any]]:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise Refused(f"{where} does not answer as InfluxDB does ({status}); check url")
    results = body.get("results") or [{}]
    error = body.get("error") or results[0].get("error")
    if status in (401, 403):
        raise Refused(f"{where} refuses the administrator ({status}: {one_line(str(error))})")
    if error:
        raise Refused(f"{where} refuses {shown}: {one_line(str(error))}")
    found: list[dict[str, Any]] = results[0].get("series", [])
    return found


async def is_victoria(options: Options) -> bool:
    """Whether VictoriaMetrics answers: it knows a path that no InfluxDB has.

    False also when nobody answers: whoever asks next says so.
    """
    url = options.url.rstrip("/") + "/api/v1/status/buildinfo"
    timeout = aiohttp.ClientTimeout(total=options.timeout)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            text = await read_start(answer.content, 4_096)
            return answer.status == 200 and '"status":"success"' in text
    except (aiohttp.ClientError, OSError):
        return False
