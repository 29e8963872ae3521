"""The notifier ``siren``: on with an incident, off when nobody needs it any more.

opened, again ──▶ on, held by this incident until ``on_for`` is over
cleared, closed ─▶ the incident lets go ─▶ off, unless another one still holds it
start ──────────▶ it may be on since before: off when ``on_for`` is over, unless one holds it
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Self

import structlog

from gateway.clock import Signal, at_most
from gateway.model import SECOND, Notification, Receipt
from gateway.notifiers.siren.options import Options
from gateway.ports import Clock, Refused, Switch, Unavailable

_MOST: Final = 1_000
"""Incidents that hold it; beyond it the oldest lets go."""
_AGAIN: Final = 5.0
"""Seconds between two attempts to end it."""
_AGAIN_BEFORE: Final = 60.0
"""The same for what only may be on: a relay that is not there must not cost its bus much."""
_IDLE: Final = 3_600.0
_OFF: Final = ("cleared", "closed")
_BEFORE: Final = ""
"""Holds what may be on since before the start: no incident is called that."""


class Notifier:
    """Enter it before use, and give it the drivers that can switch."""

    is_fixture: Final = True
    """It is told besides people, never instead of one."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = name
        self._options = options
        self._clock = clock
        self._switches: Mapping[str, Switch] | None = None
        self._held: dict[str, int] = {}
        """Incident -> mono ns when it lets go by itself."""
        self._turn = asyncio.Lock()
        self._news = Signal()
        self._ending: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("notify")

    async def __aenter__(self) -> Self:
        self._held[_BEFORE] = self._ends()
        self._ending = asyncio.create_task(self._end_in_time(), name=f"siren {self.name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        """The output stays as it is: a restart in a fire must not silence it."""
        if self._ending is not None:
            self._ending.cancel()
            await asyncio.gather(self._ending, return_exceptions=True)

    def use(self, switches: Mapping[str, Switch]) -> None:
        """The drivers that can switch, by name."""
        self._switches = switches

    async def tell(self, notification: Notification) -> Receipt:
        """Returned: it is switched as it should be. Else what the driver raised."""
        purpose, incident = notification.purpose, notification.incident
        if notification.silent:
            return Receipt(await self.check())
        if purpose in _OFF:
            async with self._turn:
                return await self._release(incident)
        if notification.category not in self._options.categories:
            raise Refused(f"siren {self.name} is not for category {notification.category}")
        if purpose not in self._options.purposes:
            raise Refused(f"siren {self.name} is not for {purpose}")
        async with self._turn:
            return await self._hold(incident)

    async def check(self) -> str:
        """Say that there is a driver to switch it by. Nothing is switched: it would be heard."""
        if self._switches is not None:
            self._switch()
        return f"{self._where}; the driver is checked by itself"

    async def _hold(self, incident: str) -> Receipt:
        await self._switch().switch(self._options.output, True)
        self._held.pop(incident, None)  # the newest stands last
        self._held[incident] = self._ends()
        if len(self._held) > _MOST:
            del self._held[next(iter(self._held))]
        self._news.notify()
        return Receipt(f"{self._where} on for {self._options.on_for:g} s")

    async def _release(self, incident: str) -> Receipt:
        """Let go; what can not be switched off now stays held, and is tried again."""
        others = len(self._held.keys() - {incident, _BEFORE})
        if others:
            self._held.pop(incident, None)
            return Receipt(f"{self._where} stays on for {others} other incident(s)")
        await self._switch().switch(self._options.output, False)
        self._held.clear()
        return Receipt(f"{self._where} off")

    async def _end_in_time(self) -> None:
        """Let go of what is over; off with the last."""
        failing = False
        while True:
            seen = self._news.count
            async with self._turn:
                failing = not await self._end_due(failing)
            ends = min(self._held.values(), default=None)
            left = _IDLE if ends is None else max((ends - self._clock.now().mono) / SECOND, 0.001)
            if failing:
                left = _AGAIN if self._held.keys() - {_BEFORE} else _AGAIN_BEFORE
            await at_most(left, self._clock, self._news.wait(seen))

    async def _end_due(self, failed: bool) -> bool:
        """Whether nothing is left on that should be off."""
        now = self._clock.now().mono
        due = [incident for incident, ends in self._held.items() if ends <= now]
        if not due:
            return True
        if len(due) == len(self._held):
            known = due != [_BEFORE]
            try:
                await self._switch().switch(self._options.output, False)
            except (Unavailable, Refused) as error:
                if known and not failed:
                    self._log.error("siren_stays_on", notifier=self.name, reason=error.reason)
                return False
            if known:
                self._log.info("siren_ended", notifier=self.name, after=self._options.on_for)
        for incident in due:
            del self._held[incident]
        return True

    def _ends(self) -> int:
        """Mono ns when what begins now is over."""
        return self._clock.now().mono + int(self._options.on_for * SECOND)

    @property
    def _where(self) -> str:
        return f"{self._options.output} of {self._options.driver}"

    def _switch(self) -> Switch:
        switches = self._switches or {}
        found = switches.get(self._options.driver)
        if found is None:
            have = ", ".join(switches) or "none"
            wanted = self._options.driver
            raise Refused(f"no driver {wanted!r} runs here that can switch; there is {have}")
        return found
