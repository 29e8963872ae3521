"""What is remembered between frames: announced components, standing alarms, who was heard.

Bounded; a restart forgets it. Then a reset ends the alarms heard since at once, older ones when
they come again, and every component is announced once more.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from drivers._momentary import Holds, Momentary
from drivers.fire_panel.decode import Out, Reset
from drivers.fire_panel.frame import Frame
from drivers.fire_panel.states import MAIN
from gateway.model import SECOND, DeviceSeen, Item, Reading, Value

_MOST: Final = 50_000
"""Components whose announcement is remembered, and as many standing alarms."""
_UNITS: Final = 1_000
"""Transmission devices that are supervised, and whose serial numbers are watched."""
_RESETS: Final = 1_000
"""Systems and transmission devices whose newest reset is remembered."""


class _Newest(NamedTuple):
    """A transmission device's newest report."""

    serial: bytes
    data: int
    """Its checksum."""
    stands: bool
    """Whether another report had this serial number."""


class Memory:
    """Turns what frames say into items."""

    def __init__(self, holds: Holds) -> None:
        self._holds = holds
        self._announced: dict[str, DeviceSeen] = {}
        self._alarming: dict[str, tuple[str, int | None]] = {}
        """Device -> kind and time of the alarm, while it stands."""
        self._met: dict[str, None] = {}
        """Devices that have said since the start whether they alarm."""
        self._resets: dict[str, Reset] = {}
        """The newest one of each scope."""
        self._newest: dict[str, _Newest] = {}

    def counts(self, unit: str, frame: Frame) -> bool:
        """Whether the serial number of a report tells it from the one before it.

        Some devices leave it at 0; then alarm, end and alarm of one second are the same bytes.
        """
        if not frame.data:
            return True
        data = zlib.crc32(frame.data)
        before = self._newest.pop(unit, None)
        stands = False
        if before is not None and before.serial == frame.serial:
            stands = before.stands or before.data != data
        self._newest[unit] = _Newest(frame.serial, data, stands)
        if len(self._newest) > _UNITS:
            del self._newest[next(iter(self._newest))]
        return not stands

    def lost(self, items: Iterable[Item]) -> None:
        """These were not stored: what they were made of comes again, and must say them again."""
        for item in items:
            if isinstance(item, DeviceSeen):
                self._announced.pop(item.device, None)
            elif isinstance(item, Reading) and item.values.get("alarm") is False:
                self._alarming.setdefault(item.device, (item.kind, None))

    def items(self, decoded: Iterable[Out]) -> list[Item]:
        """The items to emit, in order."""
        items: list[Item] = []
        for each in decoded:
            if isinstance(each, Momentary):
                for reading in self._holds.take(each):
                    self._note(reading)
                    items.append(reading)
            elif isinstance(each, Reset):
                items += self._reset(each)
            elif isinstance(each, DeviceSeen):
                if self._is_news(each):
                    items.append(each)
            else:
                if isinstance(each, Reading):
                    self._holds.note(each)
                    items += self._begun(each)
                    self._note(each)
                items.append(each)
        return items

    def _begun(self, reading: Reading) -> list[Reading]:
        """The end of an alarm that began before we did, once a reset has ended it unheard."""
        device = reading.device
        if reading.values.get("alarm") is not True or device in self._met:
            return []
        steps = device.split("/")
        scopes = ("/".join(steps[:count]) for count in range(len(steps), 0, -1))
        reset = next((self._resets[scope] for scope in scopes if scope in self._resets), None)
        if reset is None:
            return []
        at = reading.observed_at
        if at is not None and reset.at is not None:
            at = min(at, reset.at)
        return [Reading(device, reading.kind, _ended(reading.kind), at)]

    def _note(self, reading: Reading) -> None:
        alarm = reading.values.get("alarm")
        if alarm is not None:
            self._met[reading.device] = None
            if len(self._met) > _MOST:
                del self._met[next(iter(self._met))]
        if alarm is True:
            self._alarming[reading.device] = reading.kind, reading.observed_at
            if len(self._alarming) > _MOST:
                del self._alarming[next(iter(self._alarming))]
        elif alarm is False:
            self._alarming.pop(reading.device, None)

    def _reset(self, reset: Reset) -> list[Reading]:
        """After a reset panels report what alarms again, and of the rest most say nothing."""
        self._resets.pop(reset.scope, None)
        self._resets[reset.scope] = reset
        if len(self._resets) > _RESETS:
            del self._resets[next(iter(self._resets))]
        below = reset.scope + "/"
        over = [d for d in self._alarming if d == reset.scope or d.startswith(below)]
        ended: list[Reading] = []
        for device in over:
            kind, since = self._alarming.pop(device)
            # two clocks may be at work, and an end before its beginning would be no end
            at = None if since is None or reset.at is None else max(since, reset.at)
            key = f"{reset.key}-reset" if reset.key else ""
            reading = Reading(device, kind, _ended(kind), at, key)
            self._holds.note(reading)
            ended.append(reading)
        return ended

    def _is_news(self, seen: DeviceSeen) -> bool:
        """A text that is missing this time takes nothing back."""
        before = self._announced.get(seen.device)
        if before is not None:
            name = seen.name or before.name
            if before == DeviceSeen(seen.device, seen.kind, seen.model or before.model, name):
                return False
        elif len(self._announced) >= _MOST:
            del self._announced[next(iter(self._announced))]
        self._announced[seen.device] = seen
        return True


def _ended(kind: str) -> dict[str, Value]:
    return dict.fromkeys(filter(None, ("alarm", MAIN.get(kind))), False)


class _Heard(NamedTuple):
    at: int
    """Mono ns."""
    online: bool
    met: bool = True
    """False of one that is only expected."""


class Supervision:
    """Which transmission devices are heard; one that is silent for too long is offline, once."""

    def __init__(self, silence: float | None, expected: Iterable[str]) -> None:
        self._silence = None if silence is None else int(silence * SECOND)
        self._expected = tuple(expected)
        self._units: dict[str, _Heard] = {}

    def begin(self, now: int) -> None:
        """We listen from ``now`` on (mono ns): silence before it was ours."""
        for unit, heard in self._units.items():
            self._units[unit] = heard._replace(at=now)
        for unit in self._expected:
            self._units.setdefault(unit, _Heard(now, True, met=False))

    def heard(self, unit: str, now: int) -> bool:
        """Note a sign of life. True: it is the first, or the first after a silence."""
        before = self._units.get(unit)
        if before is None and len(self._units) >= _UNITS:
            return False
        self._units[unit] = _Heard(now, True)
        return before is None or not (before.online and before.met)

    def lost(self, unit: str, online: bool) -> None:
        """That was not stored, and is news once more."""
        if (heard := self._units.get(unit)) is not None:
            self._units[unit] = heard._replace(online=True, met=heard.met and not online)

    def silent(self, now: int) -> list[str]:
        """Those that have just become silent."""
        if self._silence is None:
            return []
        found = [
            unit
            for unit, heard in self._units.items()
            if heard.online and now - heard.at >= self._silence
        ]
        for unit in found:
            self._units[unit] = self._units[unit]._replace(online=False)
        return found

    def due(self) -> int | None:
        """When the next one may become silent, mono ns; None: no one can."""
        if self._silence is None:
            return None
        online = [heard.at for heard in self._units.values() if heard.online]
        return min(online) + self._silence if online else None
