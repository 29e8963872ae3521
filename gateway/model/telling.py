"""Who has to be told what, and what became of it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec


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
    held: str = ""
    """Why it waits until ``due`` though nothing failed: ``storm``, ``quota``, ``quiet``; "" when
    it does not."""
    rung: int = 0
    """Of the person's channels, the one to begin with: those before it were not seen in time."""


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
    email: str = ""
    account: str = ""
    """Who the person is at this channel."""
    short: str = ""
    """What matters most, for a channel that counts letters: at most 70 characters of Chinese."""
    link: str = ""
    """To the case, signed and for a time; "" where the site has no address for it."""
    since: int = 0
    """Event time of the alarm, wall ns."""
    latitude: float | None = None
    longitude: float | None = None
    address: str = ""
    """Place names and address, floor and flat, in the person's language."""
    count: int = 1
    """Incidents that this one message is about."""
    silent: bool = False
    """A trial of the channel: nobody is to be rung."""


class Receipt(msgspec.Struct, frozen=True):
    """What the far end answered when it took a message, in one line."""

    detail: str = ""


class Quota(NamedTuple):
    """A channel's documented limit; a notifier lists its own as ``quotas``."""

    most: int
    """Messages in any ``per`` seconds."""
    per: float
    spare: int = 0
    """Of ``most``, those that only life safety may use."""
    each: bool = False
    """Counted for each person, not for the channel."""
