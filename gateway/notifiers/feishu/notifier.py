"""The notifier ``feishu``: a custom bot of Feishu or Lark, signed where it asks for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Any, Final

from gateway.model import SECOND, Notification, Quota, Receipt
from gateway.notifiers._chat import (
    Codes,
    Robot,
    content,
    encoded,
    fit,
    time_refused,
    wants_everybody,
)
from gateway.notifiers.feishu.options import Options
from gateway.ports import Clock, Refused

MOST: Final = 19_000
"""Bytes of the text as it stands in the body; 20 KB are taken in all."""
_SPARE: Final = 5
"""Messages a minute that only life safety may use."""
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_EVERYBODY: Final = '<at user_id="all">所有人</at>'
CODES: Final = Codes(
    later={11232: 65.0},
    never={
        9499: "the bot does not understand the message",
        19021: "check the secret, and that this gateway's clock is less than an hour off",
        19022: "this gateway's address is not in the bot's IP list",
        19023: "check how the bot is protected",
        19024: "set the option keyword to one of the bot's keywords",
    },
)


class Notifier(Robot):
    """Enter it before use; it may be told several messages at once."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        super().__init__(name, options, clock, CODES)
        self._options = options
        self.quotas = (
            Quota(options.per_minute, 60.0, spare=min(_SPARE, options.per_minute - 1)),
            Quota(5, 1.0, spare=1),
        )

    async def tell(self, notification: Notification) -> Receipt:
        """Return when the platform took it; the two errors else."""
        if notification.silent:
            return await self.silently()
        body, stamp = message(notification, self._options), self._clock.now()
        if self._options.secret is not None:
            seconds, secret = stamp.wall // SECOND, self.client.reveal(self._options.secret)
            body = {"timestamp": str(seconds), "sign": signature(seconds, secret)} | body
        try:
            return await self.client.tell(self.client.address(self._options.url), body)
        except Refused as error:
            raise time_refused(error, stamp, signed=self._options.secret is not None) from None

    async def check(self) -> str:
        """Also that the secret can be read."""
        if self._options.secret is not None:
            self.client.reveal(self._options.secret)
        return await super().check()


def signature(seconds: int, secret: str) -> str:
    """Base64 of the HMAC-SHA256 of nothing: time and secret together are the key."""
    key = f"{seconds}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


def message(notification: Notification, options: Options) -> dict[str, Any]:
    """The request's body without the signature."""
    called = ""
    if options.everybody and wants_everybody(notification):
        called = f"\n{_EVERYBODY}"
    elif options.mention and _ACCOUNT.fullmatch(notification.account):
        name = escaped(notification.name)
        called = f'\n<at user_id="{notification.account}">{name}</at>'
    must = (notification.link, notification.incident, options.keyword)
    text = fit(
        content(notification, options.keyword),
        must,
        MOST - encoded(called),
        lambda part: encoded(escaped(part)),
    )
    return {"msg_type": "text", "content": {"text": escaped(text) + called}}


def escaped(text: str) -> str:
    """``text`` without a tag in it: somebody may have named a flat so."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
