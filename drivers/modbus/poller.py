"""Whose turn it is on the bus: the living first, the silent in the time between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from drivers.modbus.link import Link
from drivers.modbus.outflow import Outflow
from drivers.modbus.station import Station
from gateway.model import SECOND, Item
from gateway.ports import Clock

STALE: Final = 120 * SECOND
"""Ns without any answer after which the connection is made anew: gateways and adapters hang."""
_IDLE: Final = 10 * SECOND
_PATIENCE: Final = 10 * SECOND
"""Ns after which a silent slave gets its turn on a bus that is always busy."""
_LATE: Final = 5 * SECOND


class Poller:
    """All slaves of one bus. One question at a time; a dead slave costs one timeout per turn."""

    def __init__(self, stations: Sequence[Station], clock: Clock) -> None:
        self._stations = stations
        self._clock = clock
        self._probe_after = 0
        self._warned = False
        self._log = structlog.get_logger("modbus")

    async def run(self, link: Link, outflow: Outflow) -> None:
        """Until nobody has answered for ``STALE``; Unavailable when the connection is gone."""
        for station in self._stations:
            station.connected()
        while (now := self._clock.now().mono) - link.heard < STALE:
            if (chosen := self.choose(now)) is None:
                await self._clock.sleep(self._until_next(now) / SECOND)
            else:
                await outflow.put(await self._poll(chosen, link, now))
        self._log.warning("bus_silent_reopening")

    async def _poll(self, station: Station, link: Link, now: int) -> list[Item]:
        if station.due and not self._warned and now - station.due > _LATE:
            self._warned = True
            self._log.warning(
                "bus_too_slow", unit=station.unit, hint="a longer `every`, fewer points"
            )
        silent = station.presence.failures
        items = await station.poll(link)
        if station.presence.failures > silent:
            done = self._clock.now().mono
            self._probe_after = done + (done - now)
        return items

    def choose(self, now: int) -> Station | None:
        """Who is asked now.

        After a question to a silent slave the living have as long for themselves as it took.
        """
        due = [station for station in self._stations if station.due <= now]
        living = [station for station in due if not station.presence.failures]
        silent = [station for station in due if station.presence.failures]
        if silent and now >= self._probe_after:
            longest = min(silent, key=_due)
            if not living or now - longest.due > _PATIENCE:
                return longest
        return min(living, key=_due, default=None)

    def _until_next(self, now: int) -> int:
        """Ns until somebody may be due."""
        ends = [
            max(station.due, self._probe_after) if station.presence.failures else station.due
            for station in self._stations
        ]
        return max(min(min(ends, default=now + _IDLE) - now, _IDLE), SECOND // 1000)


def _due(station: Station) -> int:
    return station.due
