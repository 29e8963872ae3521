"""What goes to a time-series database besides readings: points, and the series they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.model.values import Value


class Point(NamedTuple):
    """One point. The same measurement, tags and ``at`` again write over it.

    Tags are of bounded sets only, an empty one is left out; what is free text is a field.
    """

    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, Value]
    at: int
    """Wall ns, UTC."""


SERIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "incident": ("place", "category", "severity", "kind", "what"),
        "stage": ("place", "category", "stage", "person"),
        "closing": ("place", "category", "kind", "device", "outcome", "cause"),
        "cases": ("place", "category", "severity", "stage"),
        "open_case": ("slot",),
        "message": ("channel", "purpose", "end", "category"),
        "duty": ("place", "role"),
        "storm": ("place",),
        "ledger": ("reader",),
        "device_state": ("device", "place", "kind"),
        "channel": ("channel",),
        "place": ("place", "level"),
    }
)
"""Measurement -> its tags. Every other measurement is a kind of device."""

SERIES_FIELDS: Final = frozenset(
    {
        *("age", "attempts", "battery", "battery_days", "battery_low", "by", "category", "cause"),
        *("clock_suspect", "dead_n", "dead_why", "dead_why_en", "deadline", "delivered"),
        *("device", "dropped", "false", "held", "key", "label", "latitude", "limit", "link"),
        *("longitude", "merged", "more", "n", "name", "oldest", "on_time", "on_time_n", "open"),
        *("outcome", "overdue", "owner", "owner_name", "parent", "person", "place", "received"),
        *("refused", "rssi", "seconds", "severity", "silent", "silent_n", "since", "stage"),
        *("state", "stored", "title", "title_en", "to_receive", "transfers", "until", "up"),
        *("waiting", "where"),
    }
)
"""Every field of these series: a site's own tag of such a name would hide it."""
