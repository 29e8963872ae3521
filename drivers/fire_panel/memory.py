"""What is remembered between frames: announced components, standing alarms, who was heard.

Bounded; a restart forgets it. Then a reset ends only the alarms heard since, and every component
is announced once more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from drivers._momentary import Holds, Momentary
from drivers.fire_panel.decode import Out, Reset
from drivers.fire_panel.states import MAIN
from gateway.model import SECOND, DeviceSeen, Item, Reading

_MOST: Final = 50_000
"""Components whose announcement is remembered, and as many standing alarms."""
_UNITS: Final = 1_000
"""Transmission devices that are supervised."""


class Memory:
    """Turns what frames say into items."""

    def __init__(self, holds: Holds) -> None:
        self._holds = holds
        self._announced: dict[str, DeviceSeen] = {}
        self._alarming: dict[str, tuple[str, int | None]] = {}
        """Device -> kind and time of the alarm, while it stands."""

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
                    self._note(each)
                items.append(each)
        return items

    def _note(self, reading: Reading) -> None:
        alarm = reading.values.get("alarm")
        if alarm is True:
            self._alarming[reading.device] = reading.kind, reading.observed_at
            if len(self._alarming) > _MOST:
                del self._alarming[next(iter(self._alarming))]
        elif alarm is False:
            self._alarming.pop(reading.device, None)

    def _reset(self, reset: Reset) -> list[Reading]:
        """After a reset panels report what alarms again, and of the rest most say nothing."""
        below = reset.scope + "/"
        over = [d for d in self._alarming if d == reset.scope or d.startswith(below)]
        ended: list[Reading] = []
        for device in over:
            kind, since = self._alarming.pop(device)
            # two clocks may be at work, and an end before its beginning would be no end
            at = None if since is None or reset.at is None else max(since, reset.at)
            values = dict.fromkeys(filter(None, ("alarm", MAIN.get(kind))), False)
            key = f"{reset.key}-reset" if reset.key else ""
            reading = Reading(device, kind, dict(values), at, key)
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
