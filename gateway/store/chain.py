"""The hash chain of an incident's events: how a link is made, and how a chain is checked. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from gateway.model import IncidentEvent, Value

_SHORT: Final = 12
"""Characters of a hash's short form: 60 bits, more than somebody can make a second event for
before the message is read again, and still to be read aloud on the telephone."""
_GROUP: Final = 4
_MISREAD: Final = str.maketrans("018", "OIB", "- ")
"""Base32 has no 0, 1 and 8: who types one means the letter that looks like it."""


class Link(NamedTuple):
    """An event exactly as it is stored; ``data`` is JSON text with sorted names."""

    incident: str
    seq: int
    what: str
    wall: int
    arrival: int
    trusted: int
    by: str
    data: str
    previous: str
    hash: str


class Flaw(NamedTuple):
    """What is wrong with the first link of an incident that does not hold."""

    incident: str
    seq: int
    what: str
    """``missing``, ``unlinked``, ``changed``, ``unlisted`` or ``head``."""

    @property
    def line(self) -> str:
        """The same in words."""
        return f"incident {self.incident}: {_WORDS[self.what].format(seq=self.seq)}"


_WORDS: Final = {
    "missing": "event {seq} is missing",
    "unlinked": "event {seq} does not follow the one before it",
    "changed": "event {seq} was changed",
    "unlisted": "has {seq} events and no incident row",
    "head": "event {seq} is not the head that was recorded",
}


def short(digest: str) -> str:
    """The short form of a hash (64 hex digits) as messages show it: ``K7QF-2MXA-P3TD``."""
    text = base64.b32encode(bytes.fromhex(digest)).decode()[:_SHORT]
    return "-".join(text[at : at + _GROUP] for at in range(0, _SHORT, _GROUP))


def short_typed(text: str) -> str:
    """A short form as somebody typed it from a message, as ``short`` writes it."""
    plain = text.upper().translate(_MISREAD)
    return "-".join(plain[at : at + _GROUP] for at in range(0, len(plain), _GROUP))


def digest_of(text: str) -> str:
    """The SHA-256 under which a personal text is named in an event."""
    return hashlib.sha256(text.encode()).hexdigest()


def seal(event: IncidentEvent, previous: str) -> IncidentEvent:
    """``event`` as the link after the one whose hash is ``previous`` ("" for the first)."""
    data: dict[str, Value] = {
        name: float(value) if type(value) is int else value for name, value in event.data.items()
    }
    event = msgspec.structs.replace(event, data=data, previous=previous)
    return msgspec.structs.replace(event, hash=link_hash(stored(event)))


def stored(event: IncidentEvent) -> Link:
    """The fields as the table holds them."""
    data = msgspec.json.encode(event.data, order="sorted").decode()
    return Link(
        event.incident,
        event.seq,
        event.what.value,
        event.wall,
        event.arrival,
        int(event.trusted),
        event.by,
        data,
        event.previous,
        event.hash,
    )


class Walk:
    """Checks links in (incident, seq) order, given in any portions; remembers each chain's end."""

    def __init__(self) -> None:
        self.ends: dict[str, tuple[int, str]] = {}
        """Incident -> (events, hash of the last one)."""
        self.broken: dict[str, Flaw] = {}
        """Incident -> its first link that does not hold."""

    def check(self, links: Iterable[Link]) -> None:
        """Look at the next links."""
        for link in links:
            seq, previous = self.ends.get(link.incident, (0, ""))
            self.ends[link.incident] = (link.seq, link.hash)
            if link.seq != seq + 1:
                self._note(link.incident, seq + 1, "missing")
            elif link.previous != previous:
                self._note(link.incident, link.seq, "unlinked")
            elif link.hash != link_hash(link):
                self._note(link.incident, link.seq, "changed")

    def compare(self, heads: Mapping[str, tuple[int, str]]) -> None:
        """Look whether each chain ends where its incident's row says: (events, hash)."""
        for incident in {*self.ends, *heads}:
            events, _ = end = self.ends.get(incident, (0, ""))
            said = heads.get(incident)
            if said is None:
                self._note(incident, events, "unlisted")
            elif said[0] > events:
                self._note(incident, events + 1, "missing")
            elif said != end:
                self._note(incident, events, "head")

    def _note(self, incident: str, seq: int, what: str) -> None:
        self.broken.setdefault(incident, Flaw(incident, seq, what))


def gaps(keys: Iterable[str], removed: Mapping[str, int]) -> list[Flaw]:
    """The first event of every incident that a day's numbers lack: they are given without gaps.

    ``removed`` are the days' highest numbers that retention took away, with all below them.
    """
    days: dict[str, set[int]] = {}
    for key in keys:
        day, _, number = key.rpartition("-")
        if number.isdigit():
            days.setdefault(day, set()).add(int(number))
    return [
        Flaw(f"{day}-{number:04}", 1, "missing")
        for day, numbers in sorted(days.items())
        for number in sorted({*range(removed.get(day, 0) + 1, max(numbers) + 1)} - numbers)
    ]


def link_hash(link: Link) -> str:
    """Over every field but the hash; JSON tells where each one ends."""
    return hashlib.sha256(msgspec.json.encode(link[:-1])).hexdigest()
