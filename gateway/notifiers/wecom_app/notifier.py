"""The notifier ``wecom_app``: a message of a WeCom application to one person's own account.

token ──▶ send ──┬▶ 0, and the person is not in ``invaliduser`` ──▶ told
  ▲              └▶ 40014, 42001: the token is no longer good ──┐
  └──────────────────────── a new one, once ◀───────────────────┘
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

from gateway.model import SECOND, Notification, Quota, Receipt
from gateway.notifiers._chat import Answer, Client, Codes, content, fit, utf8
from gateway.notifiers.wecom_app.options import Options
from gateway.ports import Clock, Refused, Unavailable
from gateway.web import origin

_OLD_TOKEN: Final = (40014, 42001)
_MARGIN: Final = 300.0
"""Seconds before its end at which a token counts as used up."""
_SHORTEST: Final = 60.0
"""Seconds for which a token is kept whatever is said of its end: asking too often is refused."""
_SPARE: Final = 3
_LONGEST_TOKEN: Final = 2_048
_LONGEST_LIFE: Final = 30 * 86_400.0


class Notifier:
    """Enter it before use; it may be told several messages at once."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = name
        self._options = options
        self._clock = clock
        codes = Codes(
            {45009: 65.0}, dict.fromkeys(options.refusals, "check corpid, secret and agentid")
        )
        self._client = Client(name, options.timeout, codes, clock)
        self._base = options.base.rstrip("/") + "/cgi-bin/"
        self._where = origin(options.base)
        self._renewing = asyncio.Lock()
        self._token = ""
        self._until = 0
        """Monotonic ns."""
        most = options.per_minute
        self.quotas = (Quota(most, 60.0, spare=min(_SPARE, most - 1), each=True),)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def tell(self, notification: Notification) -> Receipt:
        """Return when the platform took it; the two errors else."""
        if notification.silent:
            return Receipt(f"tried without a message: {await self.check()}")
        body = message(notification, self._options)
        self._client.keep_away()
        token = await self._good_token()
        answer = await self._send(token, body)
        if answer.code in _OLD_TOKEN:
            answer = await self._send(await self._good_token(old=token), body)
        self._client.judge(answer, self._where)
        if notification.account in str(answer.body.get("invaliduser") or "").split("|"):
            raise Refused(f"{self._where} does not know the account of {notification.name}")
        return Receipt(f"taken by {self._where}")

    async def check(self) -> str:
        """Say that the platform gives a token; nobody is told anything."""
        await self._good_token()
        return f"{self._where} gives a token"

    async def _send(self, token: str, body: dict[str, Any]) -> Answer:
        url = f"{self._base}message/send?access_token={quote(token, safe='')}"
        return await self._client.ask("POST", url, body)

    async def _good_token(self, old: str = "") -> str:
        """The one that is held; a new one where it is over, or is the ``old`` one."""
        async with self._renewing:
            if self._token and self._token != old and self._clock.now().mono < self._until:
                return self._token
            secret = quote(self._client.reveal(self._options.secret), safe="")
            url = f"{self._base}gettoken?corpid={self._options.corpid}&corpsecret={secret}"
            answer = await self._client.ask("GET", url)
            self._client.judge(answer, self._where)
            self._token, seconds = _token_of(answer, self._where)
            self._until = self._clock.now().mono + int(seconds * SECOND)
            return self._token


def message(notification: Notification, options: Options) -> dict[str, Any]:
    """The request's body. ``Refused`` where nobody knows who the person is there."""
    account = notification.account
    if not account or "|" in account or account.startswith("@"):
        raise Refused(f"{notification.name} has no account here; write it into the registry")
    must = (notification.link, notification.incident)
    text = fit(content(notification), must, options.most_bytes, utf8)
    return {
        "touser": account,
        "msgtype": "text",
        "agentid": options.agentid,
        "text": {"content": text},
    }


def _token_of(answer: Answer, where: str) -> tuple[str, float]:
    """The token and for how many seconds it is good."""
    token, seconds = answer.body.get("access_token"), answer.body.get("expires_in")
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST_TOKEN:
        raise Unavailable(f"{where} gives no token")
    if isinstance(seconds, int | float) and 0 < seconds < _LONGEST_LIFE:
        return token, max(_SHORTEST, seconds - _MARGIN)
    return token, _SHORTEST
