"""The notifier ``wecom``: a group robot of WeCom. Plain text, for markdown calls nobody by name."""

from __future__ import annotations

from typing import Any, Final

from gateway.model import Notification, Quota, Receipt
from gateway.notifiers._chat import Codes, Robot, content, fit, mobile, utf8, wants_everybody
from gateway.notifiers.wecom.options import Options
from gateway.ports import Clock

MOST: Final = 2_048
"""UTF-8 bytes of a text."""
_SPARE: Final = 3
"""Messages a minute that only life safety may use."""
CODES: Final = Codes(
    later={45009: 65.0},
    never={
        93000: "the robot was removed, or its address is wrong",
        40058: "a part of the message is not allowed or too long",
    },
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
        url = self.client.address(self._options.url)
        return await self.client.tell(url, message(notification, self._options))


def message(notification: Notification, options: Options) -> dict[str, Any]:
    """The request's body."""
    must = (notification.link, notification.incident)
    text: dict[str, Any] = {"content": fit(content(notification), must, MOST, utf8)}
    if options.everybody and wants_everybody(notification):
        text["mentioned_list"] = ["@all"]
    elif options.mention and notification.account:
        text["mentioned_list"] = [notification.account]
    elif options.mention and (phone := mobile(notification.phone)):
        text["mentioned_mobile_list"] = [phone]
    return {"msgtype": "text", "text": text}
