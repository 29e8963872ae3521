"""The hash chain of an incident's events: how a link is made, and how a chain is checked. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from gateway.model import IncidentEvent, Value


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


def digest_of(text: str) -> str:
    """The SHA-256 under which a personal text is named in an event."""
    return hashlib.sha256(text.encode()).hexdigest()


def seal(event: IncidentEvent, previous: str) -> IncidentEvent:
    """``event`` as the link after the one whose hash is ``previous`` ("" for the first)."""
    data: dict[str, Value] = {
        name: float(value) if type(value) is int else value for name, value in event.data.items()
    }
    event = msgspec.structs.replace(event, data=data, previous=previous)
    return msgspec.structs.replace(event, hash=_digest(stored(event)))


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
        self.broken: dict[str, str] = {}
        """Incident -> one line about its first link that does not hold."""

    def check(self, links: Iterable[Link]) -> None:
        """Look at the next links."""
        for link in links:
            seq, previous = self.ends.get(link.incident, (0, ""))
            self.ends[link.incident] = (link.seq, link.hash)
            if link.seq != seq + 1:
                self._note(link.incident, f"event {seq + 1} is missing")
            elif link.previous != previous:
                self._note(link.incident, f"event {link.seq} does not follow the one before it")
            elif link.hash != _digest(link):
                self._note(link.incident, f"event {link.seq} was changed")

    def compare(self, heads: Mapping[str, tuple[int, str]]) -> None:
        """Look whether each chain ends where its incident's row says: (events, hash)."""
        for incident in {*self.ends, *heads}:
            events, _ = end = self.ends.get(incident, (0, ""))
            said = heads.get(incident)
            if said is None:
                self._note(incident, f"has {events} events and no incident row")
            elif said[0] > events:
                self._note(incident, f"event {events + 1} is missing")
            elif said != end:
                self._note(incident, f"event {events} is not the head that was recorded")

    def _note(self, incident: str, wrong: str) -> None:
        self.broken.setdefault(incident, f"incident {incident}: {wrong}")


def gaps(keys: Iterable[str], removed: Mapping[str, int]) -> list[str]:
    """One line for each day's number that no incident has: numbers are given without gaps.

    ``removed`` are the days' highest numbers that retention took away, with all below them.
    """
    days: dict[str, set[int]] = {}
    for key in keys:
        day, _, number = key.rpartition("-")
        if number.isdigit():
            days.setdefault(day, set()).add(int(number))
    return [
        f"incident {day}-{number:04}: event 1 is missing"
        for day, numbers in sorted(days.items())
        for number in sorted({*range(removed.get(day, 0) + 1, max(numbers) + 1)} - numbers)
    ]


def _digest(link: Link) -> str:
    """Over every field but the hash; JSON tells where each one ends."""
    return hashlib.sha256(msgspec.json.encode(link[:-1])).hexdigest()
