"""What happens to an incident."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from gateway.model.changes import Category, Change, Severity, Text
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


class Cause(StrEnum):
    """Of what kind a false alarm was."""

    cooking = "cooking"
    steam = "steam"
    dust = "dust"
    insect = "insect"
    test = "test"
    fault = "fault"
    other = "other"


class Stage(StrEnum):
    """What has to be done next; each has its time limit."""

    receive = "receive"
    handle = "handle"
    close = "close"


STAGES: Final = {
    State.open: Stage.receive,
    State.received: Stage.handle,
    State.handling: Stage.close,
}
"""What an incident in a state waits for."""

VERBS: Final = (
    "receive", "handle", "transfer", "supervise", "comment", "attach", "close", "reopen",
)  # fmt: skip
"""签收, 办理, 转办, 督办, 备注, 附件, 办结, 重新打开."""

MANUAL: Final = "manual"
"""The rule and the group of a case that a person opened."""
HAZARD: Final = "hazard"
"""The same of a hazard: it stands in the register until a person closes it."""
HAZARDS: Final = "H"
"""Begins the key of a hazard, and of nothing else: the register is found by it."""

PATROL: Final = "patrol_missed"
"""The rule of a case of missed patrols: each round it names is over, so none of them clears."""
PATROLLED: Final = "gateway/patrol:"
"""Begins the device of such a case: a site's own rule of that name is an alarm like any other."""

CANARY: Final = "canary"
"""The rule of the marked synthetic alarm that tries the way to a person."""
CANARY_DEVICE: Final = "gateway/canary"
"""What raises it: a site's own rule of that name is an alarm like any other."""


class Deed(msgspec.Struct, frozen=True):
    """What a person does with an incident."""

    verb: str
    """One of ``VERBS``."""
    person: str
    """The id of who does it."""
    outcome: str = ""
    """Of ``close``: a value of ``Outcome``."""
    comment: str = ""
    """Transfer and reopen need one: it is the reason."""
    to: str = ""
    """Of ``transfer``: a person's id, or a place's code: whoever has duty there."""
    attachment: str = ""
    """Of ``attach``: SHA-256 of stored evidence."""
    cause: str = ""
    """Of a false alarm: a value of ``Cause``; "": not said."""
    within: int = 0
    """Of ``supervise``: ns within which the next stage is asked for; 0: only the comment."""


class Limit(NamedTuple):
    """A time limit for whatever fits ``place``, ``category``, ``severity`` and ``stage``.

    "" fits everything, and a place everything below it. ``within`` and ``warn`` are ns.
    """

    within: int
    warn: int = 0
    """How long before the end its owner is warned; 0: not at all."""
    place: str = ""
    category: str = ""
    severity: str = ""
    stage: str = ""


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
    transferred = "transferred"
    """Somebody else has it: a person said so, the shift ended, or who had it left."""
    supervised = "supervised"
    commented = "commented"
    attached = "attached"
    reopened = "reopened"
    refused = "refused"
    """Somebody answered with a deed that was not possible."""
    warned = "warned"
    """A time limit is about to run out."""
    escalated = "escalated"
    """A time limit was missed: the next one up the ladder is told, and owns it if nobody has
    received it."""


class Wanted(msgspec.Struct, frozen=True):
    """Which incidents somebody looks for. What is empty, 0 or None leaves out none."""

    states: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    place: str = ""
    """The code of a place: there, or below it."""
    since: int = 0
    """Wall ns: opened then or later."""
    until: int = 0
    """Wall ns: opened before."""
    overdue: bool | None = None
    """Whether a time limit was ever missed."""
    text: str = ""
    """In the title, the reason, the key or the device."""


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
    cause: str = ""
    """Of what kind the false alarm was."""
    charge: str = ""
    """The place whose people have it, where it was handed to another than ``place``."""
    rung: str = ""
    """How high it is on the ladder, as ``PLACE/ROLE``; "" where its owner has no duty there."""
    ladder: tuple[str, ...] = ()
    """Who was asked to take it since a person moved it on, its first owner included."""
    warn: int = 0
    """Arrival ns of the early warning of ``deadline``; 0: none."""
    early: int = 0
    """``seq`` of the early warning of this ``deadline``; 0: none yet."""
    had: tuple[str, ...] = ()
    """Who has had the whole limit for receiving it since it was opened."""
    passed: int = 0
    """Transfers since a supervisor last had a hand in it."""
    reporter: str = ""
    """Who opened it by hand."""
    more: int = 0
    """Missed rounds that ``holding`` does not list any more."""
    raised: int = 0
    """``seq`` of the newest escalation because it was passed on too often; 0: none."""


def is_canary(of: Incident | Change) -> bool:
    """Whether it is the synthetic alarm: told silently, and closed by its own end."""
    return of.rule == CANARY and of.device == CANARY_DEVICE


def is_patrol(of: Incident | Change) -> bool:
    """Whether it is about missed rounds."""
    return of.rule == PATROL and of.device.startswith(PATROLLED)
