"""What comes through the door, and how the journal keeps it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

from gateway.model.values import URGENT, Value


class Quality(StrEnum):
    """How far a reading's values and its time can be believed."""

    good = "good"
    suspect = "suspect"
    stale = "stale"
    clock_suspect = "clock_suspect"


class Evidence(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A snapshot or clip. A driver fills ``content``; intake stores it and keeps the reference."""

    media_type: str
    sha256: str = ""
    size: int = 0
    content: bytes = b""


class Reading(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="r"):
    """One device's report at one moment.

    A driver gives ``device`` (its address within the driver), ``kind`` ("" if it can not
    know), ``values``, and what it has of the next four; intake fills in the rest.
    ``key`` is the device's counter or time and makes a repeat harmless; "" means none.
    """

    device: str
    kind: str
    values: dict[str, Value]
    observed_at: int | None = None
    key: str = ""
    retained: bool = False
    evidence: Evidence | None = None
    origin: tuple[str, ...] = ()
    received_at: int = 0
    at: int = 0
    quality: Quality = Quality.good
    late: bool = False

    @property
    def urgent(self) -> bool:
        """Whether an alarm-like value is true: such a reading is never kept waiting."""
        values = self.values
        return any(values.get(name) is True for name in URGENT)


class Undecodable(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="u"):
    """Bytes that are no report, and why: they go to quarantine and are acknowledged."""

    source: str
    raw: bytes
    reason: str


class DeviceSeen(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="d"):
    """A device announced by a bridge, a panel's register or a discovery.

    A driver gives its own address of the device; intake puts the registry's id in its place.
    """

    device: str
    kind: str
    model: str = ""
    name: str = ""
    received_at: int = 0


class Action(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="a"):
    """What a person or a carrier answered: a reply by SMS, a delivery receipt."""

    verb: str
    incident: str
    person: str = ""
    text: str = ""
    received_at: int = 0


class Arming(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="m"):
    """Somebody set a place to a mode: 布防, 撤防. ``place`` is "" for the whole site.

    Holds until the next switch of the place's plan, the next word for it or above it, or
    ``until`` (wall ns, 0: none of its own).
    """

    place: str
    mode: str
    """One of ``MODES``, or ``plan``: as its plan says again."""
    by: str
    """``person:ID`` or ``device:ID``."""
    until: int = 0
    received_at: int = 0


class Edition(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="e"):
    """From this record on these rules, or this registry, are in force.

    The text lies beside the journal's records under its digest, so that whoever reads the
    records again sees at each of them what the rules saw.
    """

    what: str
    """``rules`` or ``registry``."""
    digest: str
    received_at: int = 0


Item = Reading | Undecodable | DeviceSeen | Action | Arming
"""What comes through the door."""
Stored = Reading | DeviceSeen | Action | Arming | Edition


class Stamp(NamedTuple):
    """One look at the clocks. ``trusted``: the wall clock is known to be right."""

    boot: str
    mono: int
    wall: int
    trusted: bool


class Record(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A row of the journal. ``n`` is dense: 1, 2, 3 … within one journal id."""

    n: int
    arrival: int
    boot: str
    mono: int
    wall: int
    trusted: bool
    item: Stored
    urgent: bool = False
    """Travels in the alarm lane, which overtakes the rest."""


class Lane(StrEnum):
    """Every sink has two bookmarks, so that alarms overtake telemetry; the rules have one."""

    alarms = "alarms"
    rest = "rest"
    everything = "everything"


class Position(NamedTuple):
    """Everything up to and including record ``n`` of journal ``journal`` is done."""

    journal: str
    n: int
