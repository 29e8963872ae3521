"""What the broker says it has dropped, as readings: how many since the last reading.

$SYS count ─▶ note() ─▶ unreported ─▶ report() ─▶ emit ─▶ on disk: unreported falls
                                          └ ten minutes without a drop: a reading of 0
"""

from __future__ import annotations

from typing import Final, NoReturn

from drivers.mqtt.decode import undecodable
from drivers.mqtt.wire import Message
from gateway.clock import Signal, at_most
from gateway.model import EXTRA, SECOND, Item, Reading
from gateway.ports import Clock, Emit

TOPIC: Final = b"$SYS/broker/publish/messages/dropped"
QUIET: Final = 600.0
"""Seconds without a drop after which 0 is reported, so that what was raised can clear."""


class Drops:
    """Lives as long as the driver, through all its connections."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count: int | None = None
        self._unreported = 0
        self._due = False
        self._quiet_at: int | None = None
        self._news = Signal()

    def note(self, message: Message, *, session_present: bool) -> list[Item]:
        """Take the broker's count; what is no count is handed back as an item.

        The first one of this process counts in whole where the broker kept our session: an
        overflow of our own queue while we were away is in it. Which drops are older, and which
        are another client's, no broker says. With a new session there was nothing of ours to
        drop. A count that has fallen is that of a broker that began again at 0.
        """
        try:
            count = int(message.payload[:20])
        except ValueError:
            count = -1
        if count < 0:
            return [undecodable(message.topic.decode(), message.payload, "no count")]
        if self._count is None:
            self._unreported = count if session_present else 0
            self._due = True
        else:
            self._unreported += count - self._count if count >= self._count else count
        self._count = count
        if self._due or self._unreported:
            self._news.notify()
        return []

    async def report(self, emit: Emit) -> NoReturn:
        """Until cancelled. A number that was not stored is reported again by the next call."""
        while True:
            seen = self._news.count
            if self._due or self._unreported:
                await self._tell(emit, self._unreported)
            elif self._quiet_at is None:
                await self._news.wait(seen)
            elif (left := self._quiet_at - self._clock.now().mono) > 0:
                await at_most(left / SECOND, self._clock, self._news.wait(seen))
            else:
                await self._tell(emit, 0)

    async def _tell(self, emit: Emit, dropped: int) -> None:
        values = {"broker_drops": float(dropped), EXTRA + "total": float(self._count or 0)}
        await emit([Reading("broker", "gateway", {**values})])
        self._due = False
        self._unreported -= dropped
        self._quiet_at = self._clock.now().mono + int(QUIET * SECOND) if dropped else None
