"""The stages a due row passes before it becomes a message, in order. Pure.

    due row ▸ superseded ▸ silenced ▸ cleared_before_sending ▸ unheard ▸ channel ▸ message

A stage gives the named end that it puts to the row and why, or None to let it pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from gateway.model import Category, End, Incident, OutboxRow, Person, Site, State

_RESOLVES: Final = ("cleared", "closed")
_ALARMS: Final = ("opened", "again")
_OUT_OF_USE: Final = ("bypassed", "retired")


class Facts(NamedTuple):
    """What a stage may look at: the present, not the moment when the row was written."""

    row: OutboxRow
    incident: Incident
    site: Site
    person: Person
    heard: bool
    """Whether this person was told something of this incident before."""
    notifiers: Collection[str]


class Verdict(NamedTuple):
    """How a row ends without a message, and why in a few words."""

    end: End
    why: str


def superseded(facts: Facts) -> Verdict | None:
    """Something newer has made the message pointless."""
    purpose, incident = facts.row.purpose, facts.incident
    if incident.state is State.closed and purpose not in ("closed", "answer"):
        return Verdict(End.superseded, "the incident was closed meanwhile")
    if purpose == "overdue" and incident.warned != facts.row.seq:
        return Verdict(End.superseded, "somebody took it on meanwhile, or a newer reminder did")
    if purpose == "cleared" and incident.alarming:
        return Verdict(End.superseded, "it alarms again")
    return None


def silenced(facts: Facts) -> Verdict | None:
    """Every device concerned is bypassed or retired: somebody works on it. Resolves still go."""
    if facts.row.purpose in _RESOLVES:
        return None
    devices = facts.incident.alarming or (facts.incident.device,)
    known = [facts.site.devices.get(device) for device in devices]
    if all(device is not None and device.state in _OUT_OF_USE for device in known):
        return Verdict(End.silenced, "the device is bypassed or retired")
    return None


def cleared_before_sending(facts: Facts) -> Verdict | None:
    """The sensors are back to normal; for life safety people hear of it all the same."""
    if facts.incident.category is Category.life or facts.incident.alarming:
        return None
    if facts.row.purpose in _ALARMS:
        return Verdict(End.cleared_before_sending, "back to normal before anything was sent")
    return None


def unheard(facts: Facts) -> Verdict | None:
    """Who never heard of an alarm is not told of its end."""
    if facts.row.purpose not in _RESOLVES or facts.heard:
        return None
    end = End.cleared_before_sending if facts.row.purpose == "cleared" else End.superseded
    return Verdict(end, "this person was not told of the alarm")


def channel(facts: Facts) -> Verdict | None:
    """There has to be a way to tell."""
    if channels_of(facts.person, facts.notifiers):
        return None
    return Verdict(End.failed_all_channels, "no notifier is configured")


STAGES: Final[tuple[Callable[[Facts], Verdict | None], ...]] = (
    superseded,
    silenced,
    cleared_before_sending,
    unheard,
    channel,
)


def judge(facts: Facts) -> Verdict | None:
    """The first stage's verdict that ends the row; None: tell."""
    for stage in STAGES:
        if (verdict := stage(facts)) is not None:
            return verdict
    return None


def channels_of(person: Person, notifiers: Collection[str]) -> list[str]:
    """The person's configured channels in order; every notifier for a person without any."""
    own = [name for name in person.channels if name in notifiers]
    return own or list(notifiers)
