"""What may pass the door: plain checks of one item, each refusal with its name in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Final

import msgspec

from gateway.model import (
    EXTRA,
    MODES,
    Arming,
    Device,
    Reading,
    Site,
    Value,
    every_value_name,
)

BEYOND: Final = 2**62
"""Beyond any measurement and any time in ns."""
LONGEST_TEXT: Final = 1_024
_MOST_VALUES: Final = 64
_LONGEST_AUTHOR: Final = 200

UNKNOWN_MODE: Final = "unknown_mode"
UNKNOWN_PLACE: Final = "unknown_place"
UNSIGNED: Final = "unsigned"
BAD_VALUE: Final = "bad_value"
NOT_SENT: Final = "canary_token"
"""A report that says to be the canary's, with a token that is not under way."""


class Refusal(Exception):
    """Why one reading is not taken; ``reason`` is the name in the ledger."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def check_arming(arming: Arming, site: Site) -> None:
    """Raises ``Refusal`` for a mode or a place that is none, and for nobody's word."""
    if arming.mode not in (*MODES, "plan"):
        raise Refusal(UNKNOWN_MODE, f"{arming.mode!r:.80} is no mode")
    if arming.place and arming.place not in site.places:
        raise Refusal(UNKNOWN_PLACE, f"{arming.place!r:.80} is no place of the registry")
    if not arming.by.strip() or len(arming.by) > _LONGEST_AUTHOR or not arming.by.isprintable():
        raise Refusal(UNSIGNED, f"{arming.by!r:.80} names nobody")
    if not 0 <= arming.until < BEYOND:
        raise Refusal(BAD_VALUE, f"{arming.until} is no time")


def completed(newer: Reading, older: Reading) -> Reading:
    """``newer`` with the values that only ``older`` has, as far as a report may hold values."""
    if newer.values.keys() >= older.values.keys():
        return newer
    values = {**older.values, **newer.values}
    if len(values) > _MOST_VALUES:
        return newer
    return msgspec.structs.replace(newer, values=values)


def check_texts(item: Reading) -> None:
    """Half a surrogate pair can not be stored. Raises ``Refusal``."""
    for text in (item.device, item.key, *item.values, *item.values.values()):
        if isinstance(text, str) and not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                raise Refusal(BAD_VALUE, f"{text!r:.80} is no Unicode text") from None


def checked(values: Mapping[str, Value]) -> dict[str, Value]:
    """Finite numbers, short texts and booleans under known names. Raises ``Refusal``."""
    if not values:
        raise Refusal("no_values", "the report holds no values")
    if len(values) > _MOST_VALUES:
        raise Refusal(BAD_VALUE, f"{len(values)} values in one report; {_MOST_VALUES} at most")
    names = every_value_name()  # a multi-sensor says all it knows under its main kind
    found: dict[str, Value] = {}
    for name, value in values.items():
        known = names.get(name)
        if known is None and not name.startswith(EXTRA):
            name = EXTRA + name
        of = type(value)
        if of is float:
            if not isfinite(value):  # type: ignore[arg-type]
                raise Refusal("not_finite", f"{name} is {value}")
        elif of is int:
            if abs(value) > BEYOND:  # type: ignore[arg-type]
                raise Refusal(BAD_VALUE, f"{name} is larger than any measurement")
            value = float(value)
            of = float
        elif of is str:
            value = value[:LONGEST_TEXT]  # type: ignore[index]
        elif of is not bool:
            raise Refusal(BAD_VALUE, f"{name} is a {of.__name__}, not a number, text or boolean")
        if known is not None and known.type is not of:
            raise Refusal(BAD_VALUE, f"{name} is a {of.__name__}, not a {known.type.__name__}")
        found[name] = value
    return found


def out_of_range(values: Mapping[str, Value], device: Device) -> bool:
    """Whether a number lies outside of what is plausible for the device."""
    for name, (low, high) in device.ranges.items():
        value = values.get(name)
        if isinstance(value, float) and not low <= value <= high:
            return True
    return False
