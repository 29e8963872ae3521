"""Alarms held against labelled events: what was found, what was missed, what was made up.

Times are seconds on the recording's own clock.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple


class Event(NamedTuple):
    """Something that should ring, as the recording's authors labelled it."""

    start: float
    end: float
    name: str = ""


class Alarm(NamedTuple):
    """One ``alarmed`` change."""

    at: float
    rule: str
    device: str = ""
    again: bool = False
    """It stood already and was said once more."""


class Found(NamedTuple):
    """An event and its first alarm."""

    event: Event
    alarm: Alarm

    @property
    def delay(self) -> float:
        """Seconds from the event's begin to the alarm; negative before it."""
        return self.alarm.at - self.event.start


class Score(NamedTuple):
    """Of one recording."""

    found: tuple[Found, ...]
    missed: tuple[Event, ...]
    false: tuple[Alarm, ...]
    again: int
    """How often an alarm that stood was said once more, wherever."""

    def of(self, name: str) -> Score:
        """The same without the events of other names."""
        return self._replace(
            found=tuple(one for one in self.found if one.event.name == name),
            missed=tuple(one for one in self.missed if one.name == name),
        )

    @property
    def by_rule(self) -> Counter[str]:
        """The false alarms of each rule."""
        return Counter(alarm.rule for alarm in self.false)

    @property
    def first_by(self) -> Counter[str]:
        """How many events each rule was the first to find."""
        return Counter(found.alarm.rule for found in self.found)

    @property
    def median(self) -> float | None:
        """Seconds to alarm; None where nothing was found."""
        return statistics.median(one.delay for one in self.found) if self.found else None

    @property
    def worst(self) -> float | None:
        """Seconds of the slowest."""
        return max((one.delay for one in self.found), default=None)


def score(
    events: Sequence[Event], alarms: Iterable[Alarm], *, before: float = 0, after: float = 0
) -> Score:
    """An alarm belongs to each event that it lies in, widened by ``before`` and ``after``.

    An event with one is detected, and its first one counts. An alarm that belongs to none is
    false. One that stood already finds nothing and is not made up anew: it is only counted.
    """
    first: dict[Event, Alarm] = {}
    false = []
    again = 0
    for alarm in sorted(alarms):
        if alarm.again:
            again += 1
            continue
        inside = [e for e in events if e.start - before <= alarm.at <= e.end + after]
        if not inside:
            false.append(alarm)
        for event in inside:
            first.setdefault(event, alarm)
    found = tuple(Found(event, first[event]) for event in events if event in first)
    missed = tuple(event for event in events if event not in first)
    return Score(found, missed, tuple(false), again)


def covered(times: Sequence[float], longest: float) -> float:
    """Seconds between neighbouring ``times``; a gap beyond ``longest`` is a hole in the recording."""
    gaps = (b - a for a, b in pairwise(times))
    return sum(gap for gap in gaps if gap <= longest)


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest of ``values`` that at least ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def runs(
    times: Sequence[float], holds: Sequence[bool], name: str = "", step: float = 0
) -> list[Event]:
    """The stretches where ``holds``; each ends ``step`` after its last report."""
    found: list[Event] = []
    start: float | None = None
    for number, (at, true) in enumerate(zip(times, holds, strict=True)):
        if true and start is None:
            start = at
        last = number + 1 == len(times)
        if start is not None and (not true or last):
            end = at if true else times[number - 1]
            found.append(Event(start, end + step, name))
            start = None
    return found
