"""What one message is about, before it is worded. Data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple

import msgspec

from gateway.model import Category, Device, Incident, Person, Place, Reading, Site, Text

Neighbour = tuple[Device, Reading]
"""Another device near by and what it reported last."""


class Wording(NamedTuple):
    """What a site adds to its messages."""

    map: str = ""
    """A URL with ``{lat}``, ``{lon}`` and ``{name}``; "" says the coordinates instead."""
    gcj02: bool = True
    """Whether that map draws GCJ-02, as those in China do."""
    call: Mapping[Category, str] = {}
    """Whom else to call, such as the fire station."""


class About(msgspec.Struct, frozen=True):
    """One message to be worded."""

    purpose: str
    incident: Incident
    site: Site
    chain: Sequence[Place]
    """The incident's place and those above it, nearest first."""
    device: Device
    person: Person
    zone: tzinfo
    wording: Wording = Wording()
    neighbours: Sequence[Neighbour] = ()
    link: str = ""
    many: Sequence[Incident] = ()
    """Of a message about several incidents all of them; ``incident`` is the worst."""
    anchor: str = ""
    """The short form of the record's head, by which a later look finds that nothing was changed."""
    said: str = ""
    """What somebody wrote with it: the reason of a transfer, an answer."""

    def say(self, text: Text) -> str:
        """``text`` in the reader's language."""
        return text.say(self.person.language)

    @property
    def is_digest(self) -> bool:
        """Whether one message stands for many."""
        return self.purpose == "digest" or len(self.many) > 1

    @property
    def english(self) -> bool:
        """Whether the reader wants English."""
        return self.person.language == "en"

    @property
    def is_owner(self) -> bool:
        """Whether it is the reader's own case."""
        return self.person.id == self.incident.owner
