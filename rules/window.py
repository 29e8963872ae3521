"""What a value was over a time: ``rate``, ``avg``, ``min``, ``max``, ``count``, ``changed``.

A window runs on event time, from the device's newest report back; a report that was overtaken
by up to 30 s is put where it belongs. Everything is unknown (None) while there is not enough.

    rate      change per minute, from the report that stood at the window's begin (or, where it
              covers at least half of it, the oldest within) to the newest
    avg       mean of the reports        min, max   of the reports
    count     how often a yes-or-no value became true; of a device that never says otherwise
              each report counts; of a number or a text the reports
    changed   whether the value was another one within; known once watched for so long
"""

from __future__ import annotations

from bisect import bisect_right
from math import fsum
from typing import Final, NamedTuple

import msgspec

from gateway.model import Value
from rules.syntax import Call

MOST_SAMPLES: Final = 240
"""Reports kept of one value of one device. More are drawn together in pairs (numbers) or the
oldest let go (others), so that a window is never finer than a hundredth of itself."""
LEAST_EQUAL: Final = 8
"""Reports of the same value before it counts as unchanged: a device that says little is not
stuck."""
_MINUTE: Final = 60_000_000_000


class Sample(msgspec.Struct, array_like=True, gc=False):
    """One report of a value, or several drawn together. ``at``: event time of the newest."""

    at: int
    last: Value
    n: int = 1
    total: float = 0.0
    low: float = 0.0
    high: float = 0.0


class Since(msgspec.Struct, array_like=True, gc=False):
    """When a value was first seen and when it was last another one; ``equal`` reports since."""

    first: int
    changed: int
    equal: int
    last: Value
    at: int = 0
    """Event time of the newest report of it."""


class Windows(msgspec.Struct, array_like=True):
    """Of one device: the samples of the values that functions ask for, by value name."""

    samples: dict[str, list[Sample]] = {}
    since: dict[str, Since] = {}
    newest: int = 0
    """Event time of the newest report that was taken in, whatever it brought."""


class Asked(NamedTuple):
    """What the rules of a device ask of its past."""

    calls: tuple[Call, ...]
    lengths: dict[str, int]
    """Value name -> the longest time that is asked for, ns."""
    watched: frozenset[str]
    """Value names of ``changed``."""


def asked(calls: dict[str, Call]) -> Asked | None:
    """The calls of several conditions together; None for none."""
    if not calls:
        return None
    lengths: dict[str, int] = {}
    for call in calls.values():
        if call.function != "changed":
            lengths[call.name] = max(lengths.get(call.name, 0), call.length)
    watched = frozenset(call.name for call in calls.values() if call.function == "changed")
    return Asked(tuple(calls.values()), lengths, watched)


def note(windows: Windows, wanted: Asked, name: str, value: Value, at: int) -> bool:
    """Take the report of a value in; whether it was another one than the one before."""
    if (length := wanted.lengths.get(name)) is not None:
        samples = windows.samples.setdefault(name, [])
        if not samples or type(samples[-1].last) is type(value):
            _insert(samples, value, at, length)
        elif type(samples[-1].last) is not float:  # a text among numbers says nothing of them
            samples.clear()
            _insert(samples, value, at, length)
    if name not in wanted.watched:
        return False
    since = windows.since.get(name)
    if since is None:
        windows.since[name] = Since(at, at, 1, value, at)
        return False
    same = type(since.last) is type(value) and since.last == value
    if at < since.at:  # overtaken: it was another one meanwhile, and is not so now
        if not same:
            since.changed, since.equal = max(since.changed, at), 1
        return False
    since.at = at
    if same:
        since.equal += 1
        return False
    since.last, since.equal = value, 1
    since.changed = max(since.changed, at)
    return True


def _insert(samples: list[Sample], value: Value, at: int, length: int) -> None:
    if samples and samples[-1].at > at:
        place = bisect_right(samples, at, key=_at)
    else:
        place = len(samples)
        if value is False and samples and samples[-1].last is False:
            samples[-1].at = at  # nothing is counted but how often it became true
            return
    number = value if type(value) is float else 0.0
    samples.insert(place, Sample(at, value, 1, number, number, number))
    # The one before the window says what stood at its begin; older ones say nothing.
    start = samples[-1].at - length
    while len(samples) > 1 and samples[1].at <= start:
        del samples[0]
    if len(samples) > MOST_SAMPLES:
        _draw_together(samples)


def _at(sample: Sample) -> int:
    return sample.at


def _draw_together(samples: list[Sample]) -> None:
    if type(samples[-1].last) is not float:
        del samples[0]
        return
    drawn = [
        Sample(b.at, b.last, a.n + b.n, a.total + b.total, min(a.low, b.low), max(a.high, b.high))
        for a, b in zip(samples[:-1:2], samples[1::2], strict=False)
    ]
    if len(samples) % 2:
        drawn.append(samples[-1])
    samples[:] = drawn


def forget(windows: Windows, wanted: Asked | None) -> bool:
    """Drop what nobody asks for any more; whether there was any."""
    lengths = wanted.lengths if wanted else {}
    watched = wanted.watched if wanted else frozenset()
    samples, since = windows.samples.keys() - lengths.keys(), windows.since.keys() - watched
    for name in samples:
        del windows.samples[name]
    for name in since:
        del windows.since[name]
    return bool(samples or since)


def worth(windows: Windows, call: Call, end: int, newest: int) -> Value | None:
    """``call`` for the window that ends at ``end``; ``newest``: the newest report taken in."""
    function = call.function
    if function == "changed":
        return _changed(windows.since.get(call.name), call.length, newest)
    samples = windows.samples.get(call.name)
    if not samples:
        return None
    start, first = end - call.length, 0
    for sample in samples:  # at most one stands before the longest window
        if sample.at > start:
            break
        first += 1
    if function == "count":
        return _count(samples, first)
    last = samples[-1]
    if first == len(samples) or type(last.last) is not float:
        return None
    if function == "rate":
        return _rate(samples, first, call.length, start)
    return _mean(samples, first) if function == "avg" else _extreme(samples, first, function)


def next_end(windows: Windows, wanted: Asked, end: int) -> int | None:
    """The next end of a window, by event time, at which a report falls out of one.

    ``rate`` looks back for as long once more: what stood at the window's begin grows old, too.
    """
    found: int | None = None
    for call in wanted.calls:
        if call.function == "changed":
            continue
        lengths = (call.length, 2 * call.length) if call.function == "rate" else (call.length,)
        samples = windows.samples.get(call.name, ())
        for length in lengths:
            start = end - length
            for sample in samples:
                if sample.at > start:
                    leaves = sample.at + length
                    found = leaves if found is None or leaves < found else found
                    break
    return found


def _extreme(samples: list[Sample], first: int, function: str) -> float:
    found = samples[first].low if function == "min" else samples[first].high
    for number in range(first + 1, len(samples)):
        sample = samples[number]
        if function == "min":
            found = sample.low if sample.low < found else found
        elif sample.high > found:
            found = sample.high
    return found


def _mean(samples: list[Sample], first: int) -> float:
    inside = samples[first:]
    mean = fsum([sample.total for sample in inside]) / sum([sample.n for sample in inside])
    # Rounding must not lift the mean of equal values above each of them.
    low, high = _extreme(samples, first, "min"), _extreme(samples, first, "max")
    return min(max(mean, low), high)


def _rate(samples: list[Sample], first: int, length: int, start: int) -> float | None:
    newest = samples[-1]
    stood = first and samples[first - 1].at > start - length
    base = samples[first - 1] if stood else samples[first]
    span = newest.at - base.at
    if span < length // 2 or span <= 0 or type(base.last) is not float:
        return None
    if type(newest.last) is not float:
        return None
    return (newest.last - base.last) * _MINUTE / span


def _count(samples: list[Sample], first: int) -> float:
    if type(samples[-1].last) is not bool:
        return float(sum([sample.n for sample in samples[first:]]))
    rises = trues = 0
    others = False
    before: Value | None = None
    for number, sample in enumerate(samples):
        if sample.last is True:
            if number >= first:
                trues += 1
                rises += before is not True
        else:
            others = True
        before = sample.last
    return float(rises if others else trues)


def _changed(since: Since | None, length: int, newest: int) -> bool | None:
    if since is None:
        return None
    if since.changed > newest - length and since.changed > since.first:
        return True
    if newest - since.first < length or since.equal < LEAST_EQUAL:
        return None
    return False
