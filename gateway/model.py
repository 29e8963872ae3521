"""The nouns of Gridwarden: readings, records, places, changes, incidents, messages. No I/O.

All times are integers in nanoseconds. Three clocks appear, never mixed:

``wall``     UTC since 1970 as this gateway believed it (what people are shown)
``mono``     this boot's monotonic clock
``arrival``  an axis that only ever goes forward at the speed of ``mono`` and goes on after
             a boot where it stopped; rules, time limits and retries count on it, so that a
             jump of the wall clock moves nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

SECOND: Final = 1_000_000_000

Value = float | bool | str
"""What one quantity may be. Integers are carried as float."""


class ValueType(NamedTuple):
    """The type and unit of a value name; ``unit`` is "" where there is none."""

    type: type[float] | type[bool] | type[str]
    unit: str = ""


_COMMON: Final = {
    "battery": ValueType(float, "%"),
    "battery_low": ValueType(bool),
    "tamper": ValueType(bool),
    "fault": ValueType(bool),
    "test": ValueType(bool),
    "link": ValueType(float, "%"),
    "rssi": ValueType(float, "dBm"),
}

_ALARM: Final = {"alarm": ValueType(bool)}

KINDS: Final[Mapping[str, Mapping[str, ValueType]]] = MappingProxyType(
    {
        "smoke": _ALARM
        | {
            "density": ValueType(float, "%/m"),
            "temperature": ValueType(float, "°C"),
            "muted": ValueType(bool),
        },
        "heat": _ALARM | {"temperature": ValueType(float, "°C")},
        "gas": _ALARM | {"lel": ValueType(float, "%"), "co": ValueType(float, "ppm")},
        "co": _ALARM | {"lel": ValueType(float, "%"), "co": ValueType(float, "ppm")},
        "infrared": _ALARM | {"armed": ValueType(bool), "occupied": ValueType(bool)},
        "contact": {"open": ValueType(bool)},
        "manhole": {
            "open": ValueType(bool),
            "tilt": ValueType(float, "°"),
            "water_level": ValueType(float, "m"),
            "vibration": ValueType(bool),
            "lel": ValueType(float, "%"),
        },
        "camera": _ALARM
        | {
            "motion": ValueType(bool),
            "area": ValueType(float, "1"),
            "zone": ValueType(str),
            "online": ValueType(bool),
        },
        "water": {
            "leak": ValueType(bool),
            "pressure": ValueType(float, "kPa"),
            "level": ValueType(float, "m"),
        },
        "panic": _ALARM,
        "panel": _ALARM
        | {
            "code": ValueType(str),
            "zone": ValueType(str),
            "shielded": ValueType(bool),
            "started": ValueType(bool),
        },
        "lamp": {
            "on": ValueType(bool),
            "voltage": ValueType(float, "V"),
            "current": ValueType(float, "A"),
            "power": ValueType(float, "W"),
        },
        "power": {
            "on": ValueType(bool),
            "voltage": ValueType(float, "V"),
            "current": ValueType(float, "A"),
            "power": ValueType(float, "W"),
        },
        "climate": {
            "temperature": ValueType(float, "°C"),
            "humidity": ValueType(float, "%"),
            "pm2_5": ValueType(float, "µg/m³"),
            "tvoc": ValueType(float, "ppb"),
            "co2": ValueType(float, "ppm"),
        },
        "gateway": {
            "store_replaced": ValueType(bool),
            "store_damaged": ValueType(bool),
            "sink_down": ValueType(bool),
            "driver_down": ValueType(bool),
            "disk_full": ValueType(bool),
            "broker_drops": ValueType(float, "1"),
            "disk_free": ValueType(float, "%"),
            "backlog": ValueType(float, "1"),
            "memory": ValueType(float, "MiB"),
            "cpu": ValueType(float, "%"),
            "temperature": ValueType(float, "°C"),
            "clock_trusted": ValueType(bool),
            "rules_refused": ValueType(bool),
            "rule_failing": ValueType(bool),
        },
    }
)
"""Kind -> its own value names. ``vocabulary`` adds the names every kind has."""

UNKNOWN_KIND: Final = "unknown"
EXTRA: Final = "extra."
"""Prefix of a value outside the tables; kept, and usable in rules."""

URGENT: Final = frozenset({"alarm", "open", "leak", "motion"})
"""Value names whose truth closes a commit group at once."""

_VOCABULARY: Final = MappingProxyType(
    {kind: MappingProxyType(_COMMON | dict(own)) for kind, own in KINDS.items()}
)
_EVERY_NAME: Final = MappingProxyType(
    _COMMON | {name: kind for own in KINDS.values() for name, kind in own.items()}
)


def vocabulary(kind: str) -> Mapping[str, ValueType]:
    """The value names of ``kind`` with the common ones; the common ones alone for no kind."""
    return _VOCABULARY.get(kind, _COMMON)


def every_value_name() -> Mapping[str, ValueType]:
    """Every value name of any kind: a name means the same everywhere."""
    return _EVERY_NAME


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


# --- the registry's nouns -------------------------------------------------------------

MODES: Final = ("disarmed", "home", "away")
"""撤防, 在家布防, 外出布防. Where nobody ever said a mode and no plan does, a place is ``away``:
what can not be disarmed is armed."""

LEVELS: Final = ("city", "district", "street", "community", "grid", "building")
ROLES: Final = ("assistant", "officer", "supervisor")


class Place(msgspec.Struct, frozen=True):
    """A node of the grid tree. ``code`` extends the parent's code."""

    code: str
    parent: str
    level: str
    name: str
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None


class Device(msgspec.Struct, frozen=True):
    """A registered device. ``address`` is its name inside driver ``driver``."""

    id: str
    driver: str
    address: str
    kind: str
    name: str
    place: str
    model: str = ""
    floor: str = ""
    flat: str = ""
    latitude: float | None = None
    longitude: float | None = None
    max_silence: int = 0
    """Nanoseconds without a report that are still normal; 0: not watched."""
    ranges: dict[str, tuple[float, float]] = {}
    contact: str = ""
    state: str = "accepted"
    """planned, installed, accepted, bypassed or retired."""
    tags: tuple[str, ...] = ()
    """Words that rules choose by, such as ``closed_area``."""


class Person(msgspec.Struct, frozen=True):
    """Somebody who can be told. ``channels`` are notifier names, in the order to try them."""

    id: str
    name: str
    grid: str
    role: str
    phone: str = ""
    language: str = "zh"
    channels: tuple[str, ...] = ()


class Site(msgspec.Struct, frozen=True):
    """A frozen, versioned picture of the registry."""

    version: int = 0
    places: dict[str, Place] = {}
    devices: dict[str, Device] = {}
    people: dict[str, Person] = {}

    def chain(self, code: str) -> list[Place]:
        """``code``'s place and its ancestors, nearest first; empty for a code nobody knows."""
        found: list[Place] = []
        while (place := self.places.get(code)) is not None and place not in found:
            found.append(place)
            code = place.parent
        return found

    def level(self, code: str, level: str) -> str:
        """The code of the ancestor-or-self of ``code`` at ``level``, or ""."""
        return next((place.code for place in self.chain(code) if place.level == level), "")

    def root(self) -> str:
        """The code of the topmost place, or "" in an empty registry."""
        return next((p.code for p in self.places.values() if p.parent not in self.places), "")

    def place_of(self, device: str) -> str:
        """The place code of a device; the root for a device nobody knows."""
        known = self.devices.get(device)
        return known.place if known is not None else self.root()

    def in_charge(self, code: str, role: str) -> Person | None:
        """The person of ``role`` at ``code``, or at the nearest ancestor that has one."""
        for place in self.chain(code):
            for person in self.people.values():
                if person.grid == place.code and person.role == role:
                    return person
        return None


# --- what the rules decide --------------------------------------------------------------


class Severity(StrEnum):
    """Rising."""

    notice = "notice"
    warning = "warning"
    alarm = "alarm"
    critical = "critical"


class Category(StrEnum):
    """Decides the time limit and whether quiet hours count."""

    life = "life"
    intrusion = "intrusion"
    facility = "facility"
    trouble = "trouble"
    system = "system"


class Text(msgspec.Struct, frozen=True):
    """One sentence in both languages that officers and operators read."""

    zh: str
    en: str

    def say(self, language: str) -> str:
        """The sentence in ``language``; Chinese unless it is ``en``."""
        return self.en if language == "en" else self.zh


class Turn(StrEnum):
    """What a change is, of one rule for one device."""

    alarmed = "alarmed"
    cleared = "cleared"
    evidence = "evidence"
    """A picture or a clip came while the condition held: it belongs to the incident."""
    severity = "severity"
    """The alarm holds and is now more, or less, severe; ``severity`` is the new one."""


class Change(msgspec.Struct, frozen=True):
    """A rule's condition began to hold, or ended, for one device."""

    turn: Turn
    rule: str
    device: str
    kind: str
    same: str
    """The place within which alarms are one incident, as ``device:ID``, ``grid:CODE`` …"""
    place: str
    category: Category
    severity: Severity
    title: Text
    why: Text
    at: int
    """Event time, wall ns."""
    now: int
    """Arrival axis, ns."""
    record: int
    """The journal record that caused it; 0 for a timer."""
    found: str = ""
    """"start" (retained at start), "late", "armed" (held when its place was armed), or "" for
    live."""
    evidence: Evidence | None = None
    incident: str = ""
    """What kind of incident this is part of: rules that say the same share one per ``same``
    place (a fire is smoke, density and heat). "" means the rule's own name."""
    armed: str = ""
    """Of a rule that looks in some modes only: the mode of the place, and whose word it was, as
    ``away person:li``."""


# --- what happens to an incident --------------------------------------------------------


class State(StrEnum):
    """待签收, 签收, 办理, 办结."""

    open = "open"
    received = "received"
    handling = "handling"
    closed = "closed"


class Outcome(StrEnum):
    """Closing needs one."""

    real = "real"
    false_alarm = "false_alarm"
    test = "test"
    duplicate = "duplicate"
    cannot_reproduce = "cannot_reproduce"


class Happened(StrEnum):
    """What an incident event says."""

    opened = "opened"
    alarmed = "alarmed"
    cleared = "cleared"
    received = "received"
    handling = "handling"
    overdue = "overdue"
    evidence = "evidence"
    severity = "severity"
    closed = "closed"


class IncidentEvent(msgspec.Struct, frozen=True):
    """One link of an incident's chain. ``hash`` covers every other field and ``previous``."""

    incident: str
    seq: int
    what: Happened
    wall: int
    arrival: int
    trusted: bool
    by: str
    """``rule:NAME``, ``timer``, or ``person:ID``."""
    data: dict[str, Value]
    """What the event says besides; personal texts only as their SHA-256."""
    previous: str = ""
    hash: str = ""


class Incident(msgspec.Struct, frozen=True):
    """The fold over an incident's events."""

    key: str
    rule: str
    """The rule that opened it."""
    same: str
    title: Text
    category: Category
    severity: Severity
    kind: str
    device: str
    place: str
    owner: str
    state: State
    opened_at: int
    """Wall ns."""
    deadline: int
    """Arrival ns by when somebody must have moved it on; 0 once closed, and only then."""
    why: Text
    found: str = ""
    alarming: tuple[str, ...] = ()
    """Devices whose condition still holds; empty: the sensors are back to normal."""
    overdue: bool = False
    """Whether a deadline has ever passed."""
    outcome: str = ""
    evidence: tuple[str, ...] = ()
    """SHA-256 of each snapshot."""
    events: int = 0
    head: str = ""
    """The hash of the newest event."""
    since: int = 0
    """Event time of the alarm that ``why`` is about, wall ns: what people are told as "since"."""
    group: str = ""
    """With ``same``, what it is one incident of: ``Change.incident``, or the rule's name."""
    holding: tuple[tuple[str, str], ...] = ()
    """(rule, device) whose condition holds: a device alarms until its last rule has cleared."""
    severities: tuple[Severity, ...] = ()
    """How severe each of ``holding`` is, in its order. The worst of them, or ``left``, is
    ``severity``."""
    left: Severity | None = None
    """The worst that one of them was when it cleared: clearing makes no incident less severe."""
    over: Text | None = None
    """Why the newest alarm that ended did: the device said so, or somebody disarmed its place, or
    its rule is gone. None in what an earlier version stored."""
    limit: int = 0
    """Ns from when ``deadline`` was set to it; when it passes, the next one is twice as far."""
    warned: int = 0
    """``seq`` of the newest overdue event since somebody moved it on; 0: none."""


class End(StrEnum):
    """How an outbox row ended."""

    told = "told"
    failed_all_channels = "failed_all_channels"
    silenced = "silenced"
    inhibited = "inhibited"
    merged = "merged"
    not_on_duty = "not_on_duty"
    superseded = "superseded"
    cleared_before_sending = "cleared_before_sending"


class OutboxRow(msgspec.Struct, frozen=True):
    """One person who might have to be told of one event, and what became of it."""

    id: int
    incident: str
    seq: int
    purpose: str
    person: str
    due: int
    """Arrival ns of the next attempt."""
    attempts: int = 0
    channel: str = ""
    """The notifier that took it, or was tried last."""
    end: str = ""
    """A value of ``End``; "" while it waits."""
    detail: str = ""
    """The receipt, or why the last attempt failed."""
    ended_at: int = 0
    """Wall ns."""
    since: int = 0
    """Arrival ns when it was written; retries end a fixed time after it."""


class Notification(msgspec.Struct, frozen=True):
    """One message to one person through one channel."""

    key: str
    """The same for every attempt: a receiver that has seen it may drop the repeat."""
    incident: str
    purpose: str
    """opened, again, cleared, overdue or closed."""
    person: str
    name: str
    phone: str
    language: str
    title: str
    text: str
    category: str
    severity: str
    state: str
    kind: str
    device: str
    place: str
    opened_at: int
    head: str
    """Hash of the incident's newest event: the message anchors the record."""


class Receipt(msgspec.Struct, frozen=True):
    """What the far end answered when it took a message, in one line."""

    detail: str = ""
