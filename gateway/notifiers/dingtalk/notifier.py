"""The notifier ``dingtalk``: a custom robot of DingTalk, signed where it asks for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Final
from urllib.parse import quote

from gateway.model import Notification, Quota, Receipt
from gateway.notifiers._chat import (
    Codes,
    Robot,
    content,
    encoded,
    fit,
    mobile,
    time_refused,
    wants_everybody,
)
from gateway.notifiers.dingtalk.options import Options
from gateway.ports import Clock, Refused

MOST: Final = 19_000
"""Bytes of the text as it stands in the body; about 20,000 are taken in all."""
_SPARE: Final = 3
"""Messages a minute that only life safety may use."""
_MILLISECOND: Final = 1_000_000
CODES: Final = Codes(
    later={130101: 600.0},
    never={310000: "check keyword, secret and IP list of the robot, and this gateway's clock"},
)


class Notifier(Robot):
    """Enter it before use; it may be told several messages at once."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        super().__init__(name, options, clock, CODES)
        self._options = options
        self.quotas = (Quota(options.per_minute, 60.0, spare=_SPARE),)

    async def tell(self, notification: Notification) -> Receipt:
        """Return when the platform took it; the two errors else."""
        if notification.silent:
            return await self.silently()
        url, stamp = self.client.address(self._options.url), self._clock.now()
        if self._options.secret is not None:
            secret = self.client.reveal(self._options.secret)
            url = signed(url, stamp.wall // _MILLISECOND, secret)
        try:
            return await self.client.tell(url, message(notification, self._options))
        except Refused as error:
            raise time_refused(error, stamp, signed=self._options.secret is not None) from None

    async def check(self) -> str:
        """Also that the secret can be read."""
        if self._options.secret is not None:
            self.client.reveal(self._options.secret)
        return await super().check()


def signed(url: str, milliseconds: int, secret: str) -> str:
    """``url`` with time and signature, each encoded once."""
    return f"{url}{'&' if '?' in url else '?'}timestamp={milliseconds}&sign=" + quote(
        signature(milliseconds, secret), safe=""
    )


def signature(milliseconds: int, secret: str) -> str:
    """Base64 of the HMAC-SHA256 of time and secret, with the secret as the key."""
    said = f"{milliseconds}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha256).digest()).decode()


def message(notification: Notification, options: Options) -> dict[str, Any]:
    """The request's body."""
    must = (notification.link, notification.incident, options.keyword)
    text = fit(content(notification, options.keyword), must, MOST, encoded)
    at: dict[str, Any] = {"isAtAll": options.everybody and wants_everybody(notification)}
    if options.mention and not at["isAtAll"] and (phone := mobile(notification.phone)):
        at["atMobiles"] = [phone]
    return {"msgtype": "text", "text": {"content": text}, "at": at}
