"""Who has not been heard for too long: said once, and once more when it is back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from drivers.alarm_panel.decode import Sender, online
from drivers.alarm_panel.standing import Standing
from gateway.clock import Signal, at_most
from gateway.model import SECOND, Reading
from gateway.ports import Clock, Emit

_IDLE: Final = 3_600.0
"""Seconds between two looks when nobody is supervised."""


class Attendance:
    """``limits``: device address -> seconds without a message that are still normal."""

    def __init__(self, limits: Mapping[str, float], clock: Clock, standing: Standing) -> None:
        self._clock = clock
        self._standing = standing
        self._limits = {address: int(limit * SECOND) for address, limit in limits.items()}
        self._due: dict[str, int] = {}
        self._missing: set[str] = set()
        self._unmet = set(self._limits)
        """Not heard since the start: before it they may have been said to be missing."""
        self._news = Signal()

    def back(self, address: str, *, is_link: bool = False) -> list[Reading]:
        """To be emitted before what a panel says that was missing; nothing for others.

        ``is_link``: what it says is that it is there.
        """
        is_unmet = address in self._unmet
        self._unmet.discard(address)
        if address not in self._missing:
            return [online(Sender(address))] if is_unmet and not is_link else []
        return [self._standing.settle(online(Sender(address), fault=False))]

    def heard(self, address: str) -> None:
        """What ``address`` said is stored: its time starts again."""
        if (limit := self._limits.get(address)) is not None:
            self._due[address] = self._clock.now().mono + limit
            if address in self._missing:
                self._missing.discard(address)
                self._news.notify()  # ``run`` does not count down for who is missing

    async def run(self, emit: Emit) -> NoReturn:
        """Until cancelled. The time of each one starts now."""
        start = self._clock.now().mono
        self._due = {address: start + limit for address, limit in self._limits.items()}
        while True:
            seen = self._news.count
            now = self._clock.now().mono
            for address, due in list(self._due.items()):
                if due <= now and address not in self._missing:
                    self._missing.add(address)  # before the disk: it may be heard meanwhile
                    gone = online(Sender(address), is_online=False, fault=True)
                    await emit([self._standing.settle(gone)])
            waiting = [due for each, due in self._due.items() if each not in self._missing]
            left = (min(waiting) - self._clock.now().mono) / SECOND if waiting else _IDLE
            await at_most(max(left, 0.001), self._clock, self._news.wait(seen))
