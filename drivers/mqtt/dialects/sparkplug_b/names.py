"""Metric names of Sparkplug devices to values: declared ones, then well-known ones. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from drivers._fields import converter
from drivers._values import Coerce, coercer
from drivers.mqtt.dialects.sparkplug_b.options import DeviceOptions
from gateway.model import EXTRA, every_value_name

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "smoke": ("alarm", "smoke"),
    "smoke_alarm": ("alarm", "smoke"),
    "fire": ("alarm", "smoke"),
    "fire_alarm": ("alarm", "smoke"),
    "heat_alarm": ("alarm", "heat"),
    "gas_alarm": ("alarm", "gas"),
    "co_alarm": ("alarm", "co"),
    "panic": ("alarm", "panic"),
    "sos": ("alarm", "panic"),
    "motion": ("alarm", "infrared"),
    "intrusion": ("alarm", "infrared"),
    "occupancy": ("occupied", "infrared"),
    "door_open": ("open", "contact"),
    "leak": ("leak", "water"),
    "water_leak": ("leak", "water"),
    "pressure": ("pressure", ""),
    "low_battery": ("battery_low", ""),
    "battery_percent": ("battery", ""),
    "signal_rssi": ("rssi", ""),
}
"""Last steps of metric names in other words than ours."""
_NOT_A_WORD: Final = re.compile(r"[^a-z0-9]+")
_LONGEST: Final = 60


class Read(NamedTuple):
    """How one metric is read."""

    name: str
    convert: Coerce
    loose: str
    """Where a value goes that does not fit; "" where the reading was declared."""


class Names(NamedTuple):
    """How one device's metrics are read."""

    kind: str
    declared: Mapping[str, Read]


def names_of(address: str, options: Sequence[DeviceOptions]) -> Names:
    """What is declared for the device at ``address``: of the first entry that fits."""
    for each in options:
        if fnmatchcase(address, each.match):
            declared = {
                field.field: Read(name, converter(name, field), "")
                for name, field in each.values.items()
            }
            return Names(each.kind, declared)
    return Names("", {})


def well_known(metric: str, unit: str) -> tuple[Read, str]:
    """How an undeclared metric is read, and the kind that its name speaks of, or ""."""
    steps = [_NOT_A_WORD.sub("_", step.lower()).strip("_") for step in metric.split("/")]
    last, two = steps[-1], "_".join(steps[-2:])
    loose = EXTRA + ("_".join(step for step in steps if step)[-_LONGEST:] or "metric")
    for word in (two, last):
        if word in _WORDS:
            name, kind = _WORDS[word]
            return Read(name, coercer(name), loose), kind
    known = every_value_name().get(last)
    if known is not None and (not unit or not known.unit or unit == known.unit):
        return Read(last, coercer(last), loose), ""
    return Read(loose, coercer(loose), loose), ""
