"""When the rounds of a day are, and which one a moment belongs to. Pure.

A round is a span of local time; one that ends before it begins goes on past midnight and belongs
to the day on which it begins. Where the clocks change, the local time on the wall counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple

from gateway.model import SECOND

_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
Spans = Mapping[str, tuple[time, time]]
"""Round -> its local beginning and end, in the order of the day."""


class Round(NamedTuple):
    """One round of one day; wall ns, the end not included."""

    name: str
    day: date
    begins: int
    ends: int


def parse_span(text: str) -> tuple[time, time]:
    """``07:00-09:00``. ValueError says what is expected."""
    found = _SPAN.fullmatch(text.strip())
    if found is None or found.groups()[:2] == found.groups()[2:]:
        raise ValueError(f"{text!r} is no span of a day; write it like 07:00-09:00")
    hours = [int(number) for number in found.groups()]
    return time(hours[0], hours[1]), time(hours[2], hours[3])


def rounds_of(day: date, spans: Spans, zone: tzinfo) -> list[Round]:
    """The rounds that begin on ``day``, by their beginning."""
    found = []
    for name, (begin, end) in spans.items():
        last = day + timedelta(days=1) if end <= begin else day
        found.append(Round(name, day, _wall(day, begin, zone), _wall(last, end, zone)))
    return sorted(found, key=lambda each: each.begins)


def ended_between(after: int, upto: int, spans: Spans, zone: tzinfo) -> list[Round]:
    """The rounds whose end lies in (after, upto], wall ns, the longest ended first."""
    day = local_day(after, zone) - timedelta(days=1)
    found: list[Round] = []
    while day <= local_day(upto, zone):
        found += [each for each in rounds_of(day, spans, zone) if after < each.ends <= upto]
        day += timedelta(days=1)
    return sorted(found, key=lambda each: each.ends)


def next_end(after: int, spans: Spans, zone: tzinfo) -> int | None:
    """When the next round ends later than ``after``; None without rounds."""
    day = local_day(after, zone)
    near = (day + timedelta(days=n) for n in (-1, 0, 1))
    ends = [each.ends for one in near for each in rounds_of(one, spans, zone)]
    return min((end for end in ends if end > after), default=None)


def local_day(wall: int, zone: tzinfo) -> date:
    """The local date of ``wall`` ns."""
    return datetime.fromtimestamp(wall // SECOND, UTC).astimezone(zone).date()


def _wall(day: date, at: time, zone: tzinfo) -> int:
    return int(datetime.combine(day, at, zone).timestamp()) * SECOND
