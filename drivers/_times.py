"""A device's own time, as it writes it, to nanoseconds since 1970 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Literal

Unit = Literal["s", "ms", "us", "ns", "iso"]

_FACTOR: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_END: Final = 2**63
"""What a signed 64-bit column holds: the year 2262."""


def iso_ns(text: str, zone: timedelta = timedelta()) -> int:
    """From ISO 8601; a time without an offset is taken to be ``zone`` ahead of UTC.

    ValueError where it is none, or lies outside 1970 to 2262.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no ISO 8601 time") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    else:
        zone = timedelta()
    return _bounded((found - _EPOCH - zone) // _MICROSECOND * 1_000, text)


def unit_ns(number: float, unit: str) -> int:
    """From a number of ``unit`` (s, ms, us, ns) since 1970; ValueError outside 1970 to 2262."""
    factor = _FACTOR[unit]
    if isinstance(number, int):
        return _bounded(number * factor, number)
    if not abs(number) < 1e19:
        raise ValueError(f"{number} is no time")
    return _bounded(round(number * 1e6) * factor // 1_000_000, number)


def time_ns(raw: object, unit: str, zone: timedelta = timedelta()) -> int | None:
    """From what a field holds; None for null and empty text. ValueError: it is no time."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, bool):
        raise ValueError("a truth value is no time")
    if unit == "iso":
        if isinstance(raw, str):
            return iso_ns(raw, zone)
    elif isinstance(raw, (int, float)):
        return unit_ns(raw, unit)
    elif isinstance(raw, str):
        try:
            return unit_ns(float(raw) if "." in raw else int(raw[:30]), unit)
        except ValueError:
            raise ValueError(f"{raw[:40]!r} is no time") from None
    raise ValueError(f"a {type(raw).__name__} is no time")


def _bounded(ns: int, said: object) -> int:
    if 0 <= ns < _END:
        return ns
    raise ValueError(f"{str(said)[:40]!r} lies outside 1970 to 2262")
