"""From levels to readings: a level counts once it has held for its time. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from drivers.gpio.options import Input
from gateway.model import SECOND, Reading

_NEVER: Final = 2**63


class Debounce:
    """One level. ``now`` is mono ns and never goes back."""

    def __init__(self, period: float) -> None:
        self._period = int(period * SECOND)
        self._level: bool | None = None
        self._since = 0
        self.settled: bool | None = None
        """The last level that held for its time; None before the first one did."""

    def feed(self, level: bool, now: int, *, moved: bool) -> None:
        """What the level is; ``moved``: it has been another in between, however shortly."""
        if moved or level is not self._level:
            self._level, self._since = level, now
        if now - self._since >= self._period:
            self.settled = self._level

    @property
    def due(self) -> int:
        """When the level that is there will count; far away when it does already."""
        waiting = self._level is not None and self._level is not self.settled
        return self._since + self._period if waiting else _NEVER


class Contact:
    """One input: what it is, and what was said of it."""

    def __init__(self, given: Input) -> None:
        self.given = given
        self.debounce = Debounce(given.debounce)
        self._repeat = int(given.repeat * SECOND)
        self._said: bool | None = None
        self._said_at = 0

    def reading(self, now: int) -> Reading | None:
        """What has changed, or has not been said for a while."""
        settled = self.debounce.settled
        if settled is None or (settled is self._said and now - self._said_at < self._repeat):
            return None
        self._said, self._said_at = settled, now
        return Reading(self.given.device, self.given.kind, {self.given.value: settled})

    @property
    def due(self) -> int:
        """When there is something to look at again, if nothing moves before."""
        if self._said is None:
            return self.debounce.due
        return min(self.debounce.due, self._said_at + self._repeat)


class Contacts:
    """The inputs of one chip."""

    def __init__(self, inputs: Iterable[Input]) -> None:
        self._contacts = [Contact(each) for each in inputs]

    def readings(
        self, levels: Mapping[str, bool], moved: Collection[str], now: int
    ) -> list[Reading]:
        """What follows from the levels at ``now``."""
        found: list[Reading] = []
        for contact in self._contacts:
            line = contact.given.line
            contact.debounce.feed(levels[line], now, moved=line in moved)
            if (reading := contact.reading(now)) is not None:
                found.append(reading)
        return found

    @property
    def due(self) -> int:
        """When to look again, if nothing moves before."""
        return min((contact.due for contact in self._contacts), default=_NEVER)
