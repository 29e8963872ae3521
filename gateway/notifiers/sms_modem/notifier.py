"""The notifier ``sms_modem``: one text message through a driver that has a modem.

told         the network took it; that it reached the phone is an ``Action`` of the driver
Refused      the person has no number, or the network says that nobody has it
Unavailable  everything else: the next channel's turn, and this one's again later
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model import Notification, Quota, Receipt
from gateway.notifiers.sms_modem.options import Options
from gateway.notifiers.sms_modem.words import body
from gateway.phones import dialled
from gateway.ports import Clock, Refused, Texter


class Notifier:
    """Give it the drivers that have a modem."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = name
        self._options = options
        self._texters: Mapping[str, Texter] | None = None
        parts = options.parts if options.form == "full" else 1
        self.quotas = (Quota(1, options.every * parts),) if options.every else ()

    def text_by(self, texters: Mapping[str, Texter]) -> None:
        """The drivers that have a modem, by name."""
        self._texters = texters

    async def tell(self, notification: Notification) -> Receipt:
        """Returned: the network took the message. Else one of the two errors."""
        number = self._number(notification)
        if notification.silent:
            return Receipt(f"nothing was sent; {self._texter().ready()}")
        options = self._options
        text = body(
            notification, full=options.form == "full", parts=options.parts, replies=options.replies
        )
        return await self._texter().text(number, text, notification.key, notification.incident)

    async def check(self) -> str:
        """Say that there is a driver to send by. Nothing is sent: somebody would be told."""
        if self._texters is not None:
            self._texter()
        return f"text messages by {self._options.driver}; the driver is checked by itself"

    def _number(self, notification: Notification) -> str:
        """What the person is at this channel, else the phone; the number is shown nowhere."""
        written = notification.account or notification.phone
        if not written:
            raise Refused(f"{notification.name} has no phone number in the registry")
        try:
            dialled(written)
        except ValueError:
            raise Refused(f"the phone number of {notification.name} is none") from None
        return written

    def _texter(self) -> Texter:
        texters = self._texters or {}
        found = texters.get(self._options.driver)
        if found is None:
            have = ", ".join(texters) or "none"
            wanted = self._options.driver
            raise Refused(f"no driver {wanted!r} runs here that has a modem; there is {have}")
        return found
