"""What the console asks of the program: one protocol, which the composition root fulfils."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypedDict

from gateway.history.picture import Asked, History
from gateway.incidents.deeds import Report
from gateway.model import (
    CheckIn,
    Deed,
    DeviceSeen,
    Hazard,
    Incident,
    IncidentEvent,
    OutboxRow,
    Person,
    Point,
    Reading,
    Severity,
    Site,
    Text,
    Wanted,
)
from gateway.registry.changes import Changes


class ActRefused(Exception):
    """What a person asked for is not possible now; ``text`` tells that person why."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class AttachRefused(ActRefused):
    """The file can not be taken; ``text`` tells why."""


class Attached(Protocol):
    """A file as it was stored."""

    @property
    def sha256(self) -> str:
        """Its name from now on."""

    @property
    def media_type(self) -> str:
        """What it is by its first bytes."""

    @property
    def size(self) -> int:
        """Bytes."""


class Now(NamedTuple):
    """One moment on the two axes that the console shows: ns on the wall, ns of arrival."""

    wall: int
    arrival: int


class Reader(TypedDict):
    """One reader's share of what was stored; the three parts add up to ``stored``."""

    delivered: int
    waiting: int
    dropped: dict[str, int]


class Ledger(TypedDict):
    """Where every reading went: received = stored + the sum of refused.

    ``series`` counts points instead: by sink, since the start, outside the sums.
    """

    received: int
    refused: dict[str, int]
    stored: int
    readers: dict[str, Reader]
    in_flight: int
    """What an unfinished commit holds; outside the sums."""
    broker_dropped: int
    """What brokers say they have dropped before it reached us; outside the sums."""
    series: dict[str, Reader]


class TaskHealth(TypedDict):
    """One supervised task; ``since`` is wall ns of the last change of ``up``, 0 for never."""

    name: str
    up: bool
    reason: str
    falls: int
    since: int


class Health(TypedDict):
    """What the gateway knows of itself."""

    ok: bool
    clock: dict[str, Any]
    """At least ``trusted``: whether the wall clock is known to be right."""
    tasks: list[TaskHealth]
    memory_mib: float
    stores: dict[str, dict[str, Any]]
    """By store name; numbers become metrics, ``put_aside`` names a broken file's new name."""
    canary: dict[str, Any] | None
    """The newest trial of the way to a person: ``at``, ``lost``, ``hop``, ``driver`` (through
    which it began; "": at our own door), ``reason``, ``person``, and
    ``hops`` (ms of each); None before the first."""
    version: str


class Telling(TypedDict):
    """How telling people and signing the record stand."""

    held: dict[str, int]
    """Messages that wait by what holds them: ``storm``, ``quota``, ``quiet``, ``unseen`` (only for
    when nobody takes the incident on); ``retry`` for those that nothing holds."""
    oldest: float
    """Seconds since the oldest message that is to be told was written; 0 when none waits."""
    channels: dict[str, str]
    """By name: ``ok``, ``down`` or ``refuses``."""
    anchor_age: float | None
    """Seconds since the newest anchor; None before the first."""
    unsigned: int
    """Incidents with an event that no anchor speaks for yet."""


class ModeRow(Protocol):
    """How one place is armed now."""

    @property
    def place(self) -> str:
        """Its code."""

    @property
    def mode(self) -> str:
        """One of ``gateway.model.MODES``."""

    @property
    def by(self) -> str:
        """Who set it: ``person:ID``, ``device:ID`` or ``plan:NAME``; "" when nobody ever did."""

    @property
    def since(self) -> int:
        """Wall ns; 0 when it was never anything else."""

    @property
    def plan(self) -> str:
        """The name of the plan that switches this place; "" without one."""

    @property
    def next(self) -> int:
        """Wall ns of the plan's next switch; 0 without one."""

    @property
    def until(self) -> int:
        """Wall ns at which what was said ends by itself; 0: it does not."""


class RuleRow(Protocol):
    """One rule in force; it is counted since the program started."""

    @property
    def name(self) -> str:
        """As the rule file calls it."""

    @property
    def title(self) -> Text:
        """As people call it."""

    @property
    def counters(self) -> Mapping[str, int]:
        """``open`` (alarms that stand now), ``alarmed``, ``inhibited``, ``failed``; absent: 0."""

    @property
    def mean(self) -> int:
        """Ns of one evaluation; 0 before the first that was measured."""


class Threshold(Protocol):
    """A number that a rule compares a value with."""

    @property
    def title(self) -> Text:
        """Of the rule."""

    @property
    def severity(self) -> Severity:
        """Of the rule's alarm."""

    @property
    def sign(self) -> str:
        """One of < <= > >=."""

    @property
    def number(self) -> float:
        """In the unit of the value."""


class RulesEdition(Protocol):
    """Which rules are in force, and why newer ones are not."""

    @property
    def digest(self) -> str:
        """SHA-256 of the rules in force."""

    @property
    def since(self) -> int:
        """Wall ns from when they are; 0 for not known."""

    @property
    def problems(self) -> Sequence[str]:
        """``file:line:column: message`` of the files as they are now; empty: they are in force."""

    @property
    def refused_at(self) -> int:
        """Wall ns when they were refused; 0 while they are in force."""


class Outcome(Protocol):
    """What became of a reload."""

    @property
    def ok(self) -> bool:
        """Whether the files are in force as they are now."""

    @property
    def problems(self) -> Sequence[str]:
        """If not, why: one line each."""


class PatrolRound(Protocol):
    """One round of one day."""

    @property
    def name(self) -> str:
        """As the configuration calls it."""

    @property
    def begins(self) -> int:
        """Wall ns."""

    @property
    def ends(self) -> int:
        """Wall ns."""


class PatrolLine(Protocol):
    """One point in one round."""

    @property
    def round(self) -> PatrolRound:
        """The round."""

    @property
    def point(self) -> Point:
        """The point."""

    @property
    def checkin(self) -> CheckIn | None:
        """Who was there first; None: nobody, or not yet."""

    @property
    def from_afar(self) -> bool:
        """Whether the phone was somewhere else."""


class PatrolWalk(Protocol):
    """What one person has to walk today."""

    @property
    def lines(self) -> Sequence[PatrolLine]:
        """By round."""

    @property
    def due(self) -> PatrolRound | None:
        """For which a check-in counts now."""

    @property
    def points(self) -> int:
        """How many points the person has; ``lines`` may be about fewer."""


class Imported(Protocol):
    """What became of files that were to change the registry."""

    @property
    def problems(self) -> Sequence[str]:
        """Why they were not taken: one line each; empty when they are right."""

    @property
    def changes(self) -> Changes | None:
        """What they change; None with problems."""

    @property
    def edition(self) -> int:
        """The registry's new number; 0 when nothing was changed."""


class View(Protocol):
    """The read side of the stores, and the one door for what a person does."""

    def now(self) -> Now:
        """One look at the clocks."""

    def site(self) -> Site:
        """The newest picture of the registry."""

    async def incidents(self, *, open_only: bool, limit: int) -> list[Incident]:
        """Newest first, at most ``limit``."""

    async def search(
        self, wanted: Wanted, limit: int, after: tuple[int, str] | None = None
    ) -> list[Incident]:
        """Those that are ``wanted``, newest first, at most ``limit``.

        ``after``: only what follows the incident with this (``opened_at``, ``key``).
        """

    async def incident(
        self, key: str
    ) -> tuple[Incident, list[IncidentEvent], list[OutboxRow]] | None:
        """One incident with its events and what became of each message; None: no such key."""

    async def texts(self, digests: list[str]) -> dict[str, str]:
        """The personal texts that still exist, by SHA-256."""

    def latest(self) -> Mapping[str, Reading]:
        """The newest value of each name by device id, devices that nobody registered included."""

    def announced(self) -> Mapping[str, DeviceSeen]:
        """What bridges and panels said of devices, by device id."""

    def heard(self) -> Mapping[str, int]:
        """When it came, by device id: ns on the arrival axis, for wall clocks jump."""

    async def readings(self, device: str, since: int, limit: int) -> list[Reading]:
        """Of one device, at or after ``since`` (wall ns), oldest first, the newest ``limit``."""

    async def history(self, asked: Asked) -> History:
        """One value of one device over a span. Raises ``Unavailable``."""

    async def thresholds(self, device: str, value: str) -> Sequence[Threshold]:
        """The numbers that the rules in force compare a value of a device with."""

    async def ledger(self) -> Ledger:
        """Where every reading went, read in one snapshot."""

    def health(self) -> Health:
        """What the gateway knows of itself now."""

    async def outbox_counts(self) -> dict[str, int]:
        """How many messages ended in each way; ``waiting`` for those that have not."""

    async def telling(self) -> Telling:
        """What waits, what is in trouble. Raises ``Unavailable``."""

    async def act(self, key: str, deed: Deed) -> Incident:
        """What a person does with an incident; raises ``ActRefused``."""

    async def report(self, report: Report) -> Incident:
        """A new incident that a person reports; raises ``ActRefused``."""

    async def modes(self) -> Sequence[ModeRow]:
        """How every place is armed now, one row for each."""

    async def plan_titles(self) -> Mapping[str, Text]:
        """What people call each plan, by its name."""

    def duty(self) -> Person:
        """Who acts where the registry names nobody."""

    async def arm(self, place: str, mode: str, by: str, until: int) -> None:
        """Set a place ("" for the whole site) to a mode, or to ``plan``: as its plan says again.

        ``by`` is ``person:ID``; ``until`` is wall ns, 0: until somebody or a plan says otherwise.
        Returned: it is on disk. Raises ``ActRefused`` and ``Unavailable``.
        """

    def rules_report(self) -> Sequence[RuleRow]:
        """The rules in force; empty until they run."""

    def rules_edition(self) -> RulesEdition:
        """Which rules these are."""

    async def reload_rules(self) -> Outcome:
        """Read the rule files again; the old rules go on when anything is wrong with them."""

    def patrol_points(self) -> Sequence[Point]:
        """Where officers check in."""

    def today(self) -> date:
        """The local date."""

    async def patrol(self, day: date) -> Sequence[PatrolLine]:
        """Every point of every round that begins on ``day``."""

    async def walk(self, person: str) -> PatrolWalk:
        """The points of ``person`` in today's rounds. Raises ``Unavailable``."""

    async def hazards(self, since: int | None) -> Sequence[Hazard]:
        """The open ones, and with ``since`` (wall ns) those closed from then on; oldest first."""

    async def check_in(
        self, point: str, person: str, position: tuple[float, float] | None
    ) -> CheckIn:
        """Somebody is at a point; ``position`` is the phone's. Raises ``ActRefused``."""

    async def links_ended(self) -> Mapping[str, int]:
        """Person -> how often the links to their rounds were ended. Raises ``Unavailable``."""

    async def end_links(self, person: str) -> None:
        """No link to the rounds of ``person`` opens anything from now on. Raises ``ActRefused``."""

    async def import_registry(
        self, files: Sequence[tuple[str, bytes]], by: str, *, dry: bool
    ) -> Imported:
        """Take over tables of the registry by their names; ``dry``: only say what would change.

        Raises ``Unavailable``.
        """

    async def attach(self, blocks: AsyncIterator[bytes]) -> Attached:
        """Store a file that a person hands over; the deed that names it comes afterwards.

        Raises ``AttachRefused`` for what is no picture, clip or PDF, or is too large, and
        ``Unavailable``.
        """

    def evidence(self, sha256: str) -> Path | None:
        """The file of a snapshot; None when it is not, or no longer, kept."""

    async def changed(self, after: int) -> int:
        """Wait until the change counter is above ``after`` and return it.

        It counts what people act on (incidents, their events, what became of messages,
        tasks that fall or return, arming, a reload of the rules), not each reading.
        """
