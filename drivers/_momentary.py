"""Devices that say when something begins and never when it ends: the end is made here.

Momentary ─▶ take() ─▶ the reading, now          a button, a 433 MHz motion sensor,
               └ held until its time is over     a camera that forgets its "off"
                    └ run() ─▶ emit: the same values, false
"""

from __future__ import annotations

from typing import Final, NamedTuple, NoReturn

import msgspec

from gateway.clock import Signal, at_most
from gateway.model import SECOND, Reading
from gateway.ports import Clock, Emit

_MOST: Final = 5_000
"""Devices that are held or remembered; beyond it the oldest is forgotten, held ones early."""

_NEVER: Final = 2**63
_LIVE: Final = 300 * SECOND
"""A device time no further from ours than this is that of something that happens now."""


class Momentary(NamedTuple):
    """A reading whose ``names`` are true now, and false ``hold`` seconds after the last one."""

    reading: Reading
    names: tuple[str, ...]
    hold: float


class _Held(NamedTuple):
    kind: str
    names: frozenset[str]
    due: int
    """Mono ns."""


class Holds:
    """Lives as long as the driver, through all its connections."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._met: dict[str, None] = {}
        self._next = _NEVER
        """Mono ns when ``run`` looks again by itself."""
        self._news = Signal()

    def take(self, momentary: Momentary) -> list[Reading]:
        """The reading; the first one of a device since the start has its end before it.

        What a gateway that went down in between left true would hide this beginning.
        """
        reading, names, hold = momentary
        reading = self._by_our_clock(reading)
        before = self._held.pop(reading.device, None)
        due = self._clock.now().mono + int(hold * SECOND)
        held = _Held(reading.kind, frozenset(names), due)
        if before is not None:
            held = _Held(reading.kind, held.names | before.names, max(due, before.due))
        self._held[reading.device] = held
        if held.due < self._next or len(self._held) > _MOST:
            self._news.notify()
        if reading.device in self._met:
            return [reading]
        self._met[reading.device] = None
        if len(self._met) > _MOST:
            del self._met[next(iter(self._met))]
        # at the same moment: an end of now would make a beginning of a second ago look overtaken
        return [_end(reading.device, held, reading.observed_at), reading]

    def _by_our_clock(self, reading: Reading) -> Reading:
        """The end is said by our clock, so what is live begins by it, too.

        By a device clock that is some seconds behind, a beginning would be older than the end
        before it, and so be taken for history.
        """
        at = reading.observed_at
        if at is None or abs(self._clock.now().wall - at) > _LIVE:
            return reading
        return msgspec.structs.replace(reading, observed_at=None)

    def note(self, reading: Reading) -> None:
        """A device that says itself that it is over is held no longer."""
        if self._held and (held := self._held.get(reading.device)) is not None:
            left = frozenset(name for name in held.names if reading.values.get(name) is not False)
            if left:
                self._held[reading.device] = held._replace(names=left)
            else:
                del self._held[reading.device]

    async def run(self, emit: Emit) -> NoReturn:
        """Until cancelled: say the end when its time has come."""
        while True:
            seen = self._news.count
            now = self._clock.now().mono
            crowd = len(self._held) - _MOST
            for index, (device, held) in enumerate(list(self._held.items())):
                over = held.due <= now or index < crowd
                # while the disk took the ends before it, it may have begun again
                if over and self._held.get(device) is held:
                    await emit([_end(device, held)])
                    if self._held.get(device) is held:
                        del self._held[device]
            self._next = min((held.due for held in self._held.values()), default=_NEVER)
            if self._next == _NEVER:
                await self._news.wait(seen)
            else:
                left = max(0, self._next - self._clock.now().mono)
                await at_most(left / SECOND, self._clock, self._news.wait(seen))


def _end(device: str, held: _Held, at: int | None = None) -> Reading:
    return Reading(device, held.kind, dict.fromkeys(sorted(held.names), False), at)
