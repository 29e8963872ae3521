"""Which message a delivery report is about: the network knows only a number from 0 to 255.

+CMGS: 17 ──▶ sent(17, …)          +CDS … 17, status ──▶ take ──▶ delivered, undelivered
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from drivers.sms_modem.pdu import Report
from gateway.model import Action

MOST: Final = 512
"""Messages whose reports are waited for; the oldest is given up."""
_EARLY: Final = 32
"""Reports that came before it was known which number the modem gave."""
_TAIL: Final = 9
"""Digits that are compared: carriers write the country, or do not."""
_STILL_TRYING: Final = range(0x20, 0x40)
_WORDS: Final = {
    0x41: "rejected", 0x42: "rejected", 0x43: "unknown_number", 0x46: "expired",
    0x47: "deleted", 0x48: "deleted", 0x49: "unknown_number", 0x61: "busy", 0x62: "no_answer",
    0x63: "rejected",
}  # fmt: skip
"""TP-Status (3GPP 23.040, 9.2.3.15) as the named reason of ``undelivered``; else ``failed``."""


class Message:
    """One text in one or several messages."""

    def __init__(self, reference: str, incident: str, parts: int) -> None:
        self.reference = reference
        self.incident = incident
        self.left = parts


class _Key(NamedTuple):
    given: int
    tail: str


class Reports:
    """``ready`` holds what became of messages, until it is on disk."""

    def __init__(self) -> None:
        self.ready: deque[Action] = deque()
        self._waiting: dict[_Key, Message] = {}
        self._early: deque[Report] = deque(maxlen=_EARLY)

    @property
    def waiting(self) -> int:
        """Messages whose report has not come."""
        return len(self._waiting)

    def sent(self, message: Message, given: int, number: str) -> None:
        """The network took a part of ``message``; the modem calls it ``given``."""
        key = _key(given, number)
        self._waiting.pop(key, None)
        self._waiting[key] = message
        if len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]
        early = next((r for r in self._early if _key(r.reference, r.number) == key), None)
        if early is not None:
            self._early.remove(early)
            self.take(early)

    def take(self, report: Report) -> None:
        """A report has come; what is final stands in ``ready`` then."""
        if report.status in _STILL_TRYING:
            return
        message = self._waiting.pop(_key(report.reference, report.number), None)
        if message is None:
            self._early.append(report)
            return
        if message.left <= 0:  # one part has failed: it was said
            return
        if report.status < _STILL_TRYING.start:
            message.left -= 1
            if not message.left:
                self._say("delivered", message, message.reference)
            return
        message.left = 0
        why = _WORDS.get(report.status, "failed")
        self._say("undelivered", message, f"{message.reference}\n{why}")

    def _say(self, verb: str, message: Message, text: str) -> None:
        """While the disk takes nothing, the first of them wait."""
        if len(self.ready) < MOST:
            self.ready.append(Action(verb, message.incident, "", text))


def _key(given: int, number: str) -> _Key:
    return _Key(given, number[-_TAIL:])
