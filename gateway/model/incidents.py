"""What happens to an incident."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.model.changes import Category, Severity, Text
from gateway.model.values import Value


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
