"""What an InfluxDB 3 needs: its database, with a retention. Tokens there are the operator's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import aiohttp

from gateway.model import Text
from gateway.ports import Refused, Unavailable
from gateway.sinks.influxdb.answers import Answer
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.setup1 import KEEP
from gateway.web import one_line, origin, read_start

_MOST: Final = 100_000
_DAY: Final = 86_400


async def prepare(
    options: Options, token: str, keep: int | None, say: Callable[[Text], None]
) -> int:
    """Make the database; how much was missing. Raises ``Refused`` and ``Unavailable``."""
    where = f"InfluxDB at {origin(options.url)}"
    days = max((keep or KEEP) // _DAY, 1)
    body = {"db": options.database, "retention_period": f"{days}d"}
    url = options.url.rstrip("/") + "/api/v3/configure/database"
    timeout = aiohttp.ClientTimeout(total=max(options.timeout, 30.0))
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
            session.post(url, json=body, allow_redirects=False) as answer,
        ):
            status, text = answer.status, await read_start(answer.content, _MOST)
    except (aiohttp.ClientError, OSError) as error:
        said = one_line(str(error)) or "no answer"
        raise Unavailable(f"{where} can not be reached: {said}") from None
    said = f"{status}: {one_line(Answer(status, text).words)}"
    made = status in (200, 201, 204)
    if status in (401, 403):
        raise Refused(f"{where} refuses the administrator's token ({said})")
    if not made and status != 409:  # 409: it is there already
        raise Refused(f"{where} refuses to make database {options.database} ({said})")
    if made:
        say(
            Text(
                f"已建立:数据库 {options.database},保留 {days} 天",
                f"made: database {options.database}, kept for {days} days",
            )
        )
    return int(made)
