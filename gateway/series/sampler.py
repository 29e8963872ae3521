"""Looks at the gateway every minute and hands what it sees to every stream, as points.

    every minute       ledger, channels, devices whose silence begins or ends
    a sixtieth a minute   every device once an hour
    every 15 minutes   who has duty, and at once when that changes
    a sixtieth a minute   every place once an hour, and at once what the registry calls otherwise

Nothing is sampled while the wall clock is not believed: a moment that was wrong can not be mended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol
from zlib import crc32

from gateway.model import SECOND, Device, Place, Reading, Site, Stamp
from gateway.model.series import Point
from gateway.ports import Clock, Unavailable
from gateway.series import samples
from gateway.series.samples import Heard
from gateway.series.stream import Samples
from gateway.store import series

_MINUTE: Final = 60 * SECOND
_DAY: Final = 86_400 * SECOND
_DUTY_EVERY: Final = 15
"""Minutes."""
_HOUR: Final = 60
_SLICE: Final = 50
"""Devices, or posts, looked at before others get the loop."""
_AT_ONCE: Final = 1_000
_BETWEEN: Final = 1.0
"""Points handed over at once, and seconds until the next."""
_BATTERY_EVERY: Final = 5
_BATTERY_KEPT: Final = 60
"""Days between two samples of a battery, and for how many days they are kept."""


class Around(Protocol):
    """What is looked at."""

    def site(self) -> Site:
        """The registry."""

    def ledger(self) -> Mapping[str, Any]:
        """The journal's."""

    def states(self) -> Mapping[str, str]:
        """``ok`` or why not, by channel."""

    def latest(self) -> Mapping[str, Reading]:
        """Device -> its newest reading."""

    def heard(self) -> Mapping[str, int]:
        """Device -> arrival ns of it."""


class Sampler:
    """``run`` until cancelled."""

    def __init__(
        self,
        around: Around,
        read: Callable[..., Awaitable[Any]],
        note: Callable[..., Awaitable[Any]],
        to: Sequence[Samples],
        clock: Clock,
        arrival: Callable[[Stamp], int],
    ) -> None:
        """``read`` and ``note`` are those of ``cases.db``."""
        self._around = around
        self._read = read
        self._note = note
        self._to = to
        self._clock = clock
        self._arrival = arrival
        self._silent: set[str] = set()
        self._battery: dict[str, list[tuple[int, float]]] = {}
        self._duty: dict[tuple[str, str], tuple[object, ...]] = {}
        self._duty_until = 0
        """Wall ns at which some shift ends."""
        self._duty_for: Site | None = None
        self._places: Mapping[str, Place] = {}
        """As they were written last."""

    async def run(self) -> None:
        """A look at the beginning of every minute."""
        self._battery = await self._read(series.batteries)
        while True:
            now = self._clock.now()
            await self._clock.sleep((_MINUTE - now.wall % _MINUTE) / SECOND)
            now = self._clock.now()
            if now.trusted:
                await self._look((now.wall + SECOND) // _MINUTE)

    async def _look(self, minute: int) -> None:
        wall = minute * _MINUTE
        points = list(samples.ledger(self._around.ledger(), wall))
        held = await self._held()
        points += samples.channels(self._around.states(), held, wall)
        self._add(points)
        await self._devices(minute, wall)
        await self._duties(minute, wall)
        await self._names(minute, wall)

    async def _held(self) -> Mapping[str, int]:
        try:
            found: Mapping[str, int] = await self._read(series.held)
        except Unavailable:  # said by the store; the rest is still to be seen
            return {}
        return found

    def _add(self, points: Sequence[Point]) -> None:
        for each in self._to:
            each.add(points)

    async def _add_many(self, points: Sequence[Point]) -> None:
        """A district's places are more than wait at once: those who take them get time between."""
        for start in range(0, len(points), _AT_ONCE):
            if start:
                await self._clock.sleep(_BETWEEN)
            self._add(points[start : start + _AT_ONCE])

    async def _devices(self, minute: int, wall: int) -> None:
        site, points, day = self._around.site(), [], wall // _DAY
        fresh: list[tuple[str, int, float]] = []
        now = self._arrival(self._clock.now())
        for number, known in enumerate(list(site.devices.values())):
            if number % _SLICE == _SLICE - 1:
                await self._clock.sleep(0)
            if not samples.is_expected(known):
                continue
            at = self._around.heard().get(known.id)
            age = None if at is None else max(now - at, 0) / SECOND
            silent = samples.is_silent(known, age)
            turned = silent != (known.id in self._silent)
            (self._silent.add if silent else self._silent.discard)(known.id)
            due = crc32(known.id.encode()) % _HOUR == minute % _HOUR
            if turned or due:
                latest = self._around.latest().get(known.id)
                past = self._battery.get(known.id, ())
                heard = Heard(age, latest, past, day)
                where = samples.path(site, known.place)
                points.append(samples.device(known, heard, wall, where))
                if due:
                    fresh += self._sampled(known, latest, day)
        self._silent &= site.devices.keys()
        await self._add_many(points)
        if fresh:
            await self._keep(fresh, day)

    def _sampled(
        self, known: Device, latest: Reading | None, day: int
    ) -> list[tuple[str, int, float]]:
        """Its battery, when it is time to remember it."""
        battery = latest.values.get("battery") if latest is not None else None
        past = self._battery.get(known.id)
        if not isinstance(battery, float) or (past and day - past[-1][0] < _BATTERY_EVERY):
            return []
        return [(known.id, day, battery)]

    async def _keep(self, fresh: Sequence[tuple[str, int, float]], day: int) -> None:
        try:
            await self._note(series.keep_batteries, fresh, day - _BATTERY_KEPT)
        except Unavailable:  # said by the store; the next hour tries again
            return
        for device, at, battery in fresh:
            past = [each for each in self._battery.get(device, ()) if each[0] > day - _BATTERY_KEPT]
            self._battery[device] = [*past, (at, battery)]

    async def _duties(self, minute: int, wall: int) -> None:
        site = self._around.site()
        whole = minute % _DUTY_EVERY == 0 or site is not self._duty_for
        if not whole and not 0 < self._duty_until <= wall:
            return
        points: list[Point] = []
        seen: dict[tuple[str, str], tuple[object, ...]] = {}
        ends: list[int] = []
        for number, post in enumerate(samples.posts(site)):
            if number % _SLICE == _SLICE - 1:
                await self._clock.sleep(0)
            found = samples.duty(site, *post, wall)
            seen[post] = tuple(found.point.fields.items())
            ends += [found.until] if found.until > wall else []
            if whole or seen[post] != self._duty.get(post):
                points.append(found.point)
        self._duty, self._duty_for = seen, site
        self._duty_until = min(ends, default=0)
        await self._add_many(points)

    async def _names(self, minute: int, wall: int) -> None:
        places, points = self._around.site().places, []
        for number, known in enumerate(places.values()):
            if number % _SLICE == _SLICE - 1:
                await self._clock.sleep(0)
            due = crc32(known.code.encode()) % _HOUR == minute % _HOUR
            if due or self._places.get(known.code) != known:
                points.append(samples.place(known, wall))
        self._places = places
        await self._add_many(points)
