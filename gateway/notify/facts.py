"""What a stage may look at, and what it may say. Data only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, tzinfo
from typing import Final, NamedTuple

from gateway.incidents.people import FIXTURE
from gateway.model import End, Incident, OutboxRow, Person, Silence, Site, TellingLimits

ANSWER: Final = "answer"
"""A sentence for a person who answered a message."""
ALARMS: Final = ("opened", "again")
ASKS: Final = (*ALARMS, "transferred", "escalated", "reopened")
"""Purposes whose message asks for somebody who takes the incident."""
RESOLVES: Final = ("cleared", "closed")
STORM: Final = "storm"
QUOTA: Final = "quota"
QUIET: Final = "quiet"
UNSEEN: Final = "unseen"


class Way(NamedTuple):
    """One channel by which a person can be told."""

    channel: str
    wait: int = 0
    """Ns until its quota lets this message through."""


class Look(NamedTuple):
    """What was told and is held of the kind of message that a row is: see ``memory``."""

    single: int = 0
    """Told one by one within the span."""
    digest: int | None = None
    """Arrival ns of the newest merged message; None: none lately."""
    leader: int = 0
    """The row that others are merged into now; 0: none."""
    asleep: bool = False
    """Quiet hours hold the one that leads."""


class Facts(NamedTuple):
    """The present, not the moment when the row was written."""

    row: OutboxRow
    incident: Incident
    site: Site
    person: Person
    heard: bool
    """Whether this person was told something of this incident before."""
    notifiers: Collection[str]
    """Channels that there are for this person."""
    now: int = 0
    """Arrival ns."""
    wall: int = 0
    """Wall ns; 0: the clock can not be trusted."""
    zone: tzinfo = UTC
    limits: TellingLimits = TellingLimits()
    silences: Sequence[Silence] = ()
    """Those that have begun and not ended."""
    cause: str = ""
    """What stands that makes this one pointless to tell, for a row that had to wait; "" else."""
    look: Look = Look()
    ways: Sequence[Way] = ()
    """In the order in which to try them."""
    behind: Sequence[int] = ()
    """Rows that the quota holds for this person, of this kind, the oldest first."""
    leads: bool = False
    """Other rows are merged into this one."""
    duty: Sequence[Person] = ()
    """Who has duty now where and as what this person is registered, the responsible first."""
    successors: Sequence[str] = ()
    """Of a resolve: who may have been told in the place of this person."""
    perhaps: bool = False
    """A run that ended may have told this person, and did not come to keep it."""

    @property
    def to_fixture(self) -> bool:
        """Whether it is for a siren: it has no duty, no quiet hours and no patience to lose."""
        return self.row.person.startswith(FIXTURE)


class Verdict(NamedTuple):
    """Why a row is not told now, in a few words, and what becomes of it."""

    end: End | None
    """None: it is held."""
    why: str
    held: str = ""
    until: int = 0
    """Arrival ns to which it is held, or silenced (0: nobody knows)."""
    into: int = 0
    """The row that it is merged into."""
    instead: tuple[str, ...] = ()
    """People who are told in the place of this one."""


def hold(held: str, until: int, why: str) -> Verdict:
    """Not now."""
    return Verdict(None, why, held=held, until=until)
