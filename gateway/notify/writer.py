"""Writes the message for a row: gathers what the pure wording is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.incidents.people import FIXTURE
from gateway.links import link
from gateway.model import (
    SECOND,
    Category,
    Device,
    Incident,
    Notification,
    OutboxRow,
    Person,
    Severity,
    Site,
    is_canary,
)
from gateway.notify import words
from gateway.notify.about import About, Neighbour, Wording
from gateway.notify.messages import notification
from gateway.ports import Clock

if TYPE_CHECKING:  # it brings Jinja, which only a site with a wording of its own needs
    from gateway.notify.templates import Templates

_PLAIN: Final = Wording()
_GATEWAY: Final = "gateway/"


class Linker:
    """Makes the links of messages: to ``base``, signed with ``key``, good for ``expires`` s."""

    def __init__(self, base: str, key: bytes, expires: float, clock: Clock) -> None:
        self._base = base
        self._key = key
        self._expires = int(expires * SECOND)
        self._clock = clock

    def __call__(self, incident: str, person: str) -> str:
        """While nobody knows the time a link is good as long as its case is open."""
        stamp = self._clock.now()
        until = stamp.wall + self._expires if stamp.trusted else 0
        try:
            return link(self._base, self._key, incident, person, until)
        except ValueError:  # a name no link can hold; the message goes without
            return ""


class Writer:
    """Called once for each attempt: people get what is true then."""

    def __init__(
        self,
        zone: tzinfo,
        *,
        wording: Wording = _PLAIN,
        templates: Templates | None = None,
        announced: Callable[[str], str] = lambda device: "",
        neighbours: Callable[[Incident, Site], Sequence[Neighbour]] = lambda incident, site: (),
        linked: Callable[[str, str], str] = lambda incident, person: "",
        anchor: Callable[[str], str] = lambda head: "",
    ) -> None:
        """``anchor``: the short form in which a message shows the record's head."""
        self._zone = zone
        self._wording = wording
        self._templates = templates
        self._announced = announced
        self._neighbours = neighbours
        self._linked = linked
        self._anchor = anchor

    def __call__(
        self,
        row: OutboxRow,
        incident: Incident,
        site: Site,
        person: Person,
        channel: str,
        *,
        said: str = "",
        many: Sequence[Incident] = (),
    ) -> Notification:
        """The message for ``person`` by ``channel``.

        ``said`` is what somebody wrote: the reason of a transfer, the sentence of an answer.
        ``many``: every incident that a merged message is about; the worst of them leads.
        """
        incident = max(many, key=_urgency) if many else incident
        device = site.devices.get(incident.device)
        if device is None:
            announced = self._announced(incident.device)
            device = _stranger(incident, announced, person.language)
        # a siren opens no link, and nothing happened that a trial could link to
        silent = is_canary(incident)
        for_people = not (silent or person.id.startswith(FIXTURE) or row.purpose == "trial")
        about = About(
            row.purpose,
            incident,
            site,
            site.chain(incident.place),
            device,
            person,
            self._zone,
            self._wording,
            self._neighbours(incident, site),
            self._linked(incident.key, person.id) if for_people else "",
            many,
            self._anchor(incident.head),
            said,
        )
        message = notification(row, about, channel, self._templates)
        return msgspec.structs.replace(message, silent=True) if silent else message


def _urgency(incident: Incident) -> tuple[bool, int, int]:
    """Life first, then the most severe, then the newest."""
    life = incident.category is Category.life
    return life, list(Severity).index(incident.severity), incident.opened_at


def _stranger(incident: Incident, announced: str, language: str) -> Device:
    """A device that the registry does not know: a part of the gateway, or one nobody registered."""
    part = incident.device.removeprefix(_GATEWAY)
    if part != incident.device:
        what, _, which = part.partition(":")
        named = words.PARTS.get(what, words.ITSELF).say(language)
        name = named + (f" {which}" if what in words.PARTS else "")
    elif announced:
        name = f"{announced} ({incident.device})"
    else:
        name = f"{words.UNREGISTERED.say(language)} {incident.device}"
    return Device(incident.device, "", "", incident.kind, name, incident.place)
