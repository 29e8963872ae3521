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
    """Why it waits until ``due`` though nothing failed: ``storm``, ``quota``, ``quiet``, or
    ``unseen`` (it is only for when nobody takes the incident on by then); "" when it does not."""
    rung: int = 0
    """Of the person's channels, the one to begin with: those before it were not seen in time.
    Negative: the message was silenced so many times before."""
    digest: int = 0
    """Of a merged row: the id of the row whose message tells of this one as well."""


class Sent(NamedTuple):
    """One message that a channel with a quota was, or is about to be, asked to take."""

    channel: str
    person: str
    at: int
    """Arrival ns."""


class Silence(msgspec.Struct, frozen=True):
    """A maintenance silence: whom an alarm within it concerns is not told of it.

    What is "" does not matter; of the four at least one is given, and all that are have to fit.
    """

    id: int
    place: str
    """With all that lies in it."""
    device: str
    rule: str
    category: str
    since: int
    """Arrival ns."""
    until: int
    """Arrival ns: ended early, it is the moment of that."""
    because: str
    by: str
    """``person:ID``."""
    made: int
    """Wall ns."""
    ended_by: str = ""
    """``person:ID`` of who ended it early."""
    ends: int = 0
    """Wall ns of ``until`` as planned; 0: no clock could be trusted yet."""


class TellingLimits(NamedTuple):
    """How much one person is told at once, and how long a message may go unseen. Seconds."""

    first: int = 3
    """Messages of one category from one grid that a person gets one by one ``within`` the span;
    what comes on top is merged."""
    within: float = 60.0
    window: float = 60.0
    """Until the first merged message goes out."""
    later: float = 300.0
    """Between it and the next ones."""
    life: float = 10.0
    """The same two for life safety, where alarms of one building are merged."""
    unseen_life: float = 60.0
    """Until the next channel is tried because nobody has received the incident."""
    unseen: float = 300.0


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
