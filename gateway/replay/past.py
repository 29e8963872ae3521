"""What people really did: the incidents of the record, and how fast each category was met.

What somebody would have done about an incident that never was, nobody knows. It is taken to be
what the median real incident of its category saw; an incident that nobody took on counts as one
that waits for ever, so that where most were never received, an imagined one is not either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.model import Category, Happened, Incident, IncidentEvent, Outcome

NEVER: Final = -1
_FOREVER: Final = 1 << 62
_VERBS: Final = (Happened.received, Happened.handling, Happened.closed)
_PERSON: Final = "person:"


class Deed(NamedTuple):
    """``what`` is received, handling or closed; ``at`` is arrival ns."""

    at: int
    what: Happened
    person: str
    """"" for an imagined deed: the owner's."""
    outcome: str = ""


class Real(NamedTuple):
    """One incident of the record. Times are arrival ns."""

    key: str
    group: str
    same: str
    category: Category
    opened: int
    closed: int | None
    deeds: tuple[Deed, ...]


class Pace(NamedTuple):
    """Ns from opening until the median real incident was taken on; NEVER when it was not."""

    received: int
    handling: int
    closed: int
    of: int
    """How many incidents that rests on."""

    def deeds(self, opened: int) -> list[Deed]:
        """What is assumed of an incident that opened at ``opened``."""
        spans = zip((self.received, self.handling, self.closed), _VERBS, strict=True)
        return [
            Deed(opened + span, verb, "", Outcome.cannot_reproduce.value)
            for span, verb in spans
            if span != NEVER
        ]


NOBODY: Final = Pace(NEVER, NEVER, NEVER, 0)


def real(incident: Incident, events: Iterable[IncidentEvent]) -> Real | None:
    """An incident with its events, oldest first; None when they begin nothing."""
    chain = list(events)
    if not chain or chain[0].what is not Happened.opened:
        return None
    deeds = tuple(
        Deed(
            event.arrival,
            event.what,
            event.by.removeprefix(_PERSON),
            str(event.data.get("outcome", "")),
        )
        for event in chain
        if event.what in _VERBS
    )
    closed = next((deed.at for deed in deeds if deed.what is Happened.closed), None)
    return Real(
        incident.key,
        incident.group,
        incident.same,
        incident.category,
        chain[0].arrival,
        closed,
        deeds,
    )


class Past:
    """The real incidents by group and place, and the pace of each category."""

    def __init__(self, reals: Iterable[Real], unreadable: int = 0) -> None:
        self.unreadable = unreadable
        """Incidents of the record whose events are damaged or begin nothing."""
        self.reals = sorted(reals, key=lambda one: (one.opened, one.key))
        places: dict[tuple[str, str], list[Real]] = {}
        categories: dict[Category, list[Real]] = {}
        for one in self.reals:
            places.setdefault((one.group, one.same), []).append(one)
            categories.setdefault(one.category, []).append(one)
        self.places: Mapping[tuple[str, str], list[Real]] = MappingProxyType(places)
        self.paces: Mapping[Category, Pace] = MappingProxyType(
            {category: _pace(found) for category, found in categories.items()}
        )


def _pace(reals: list[Real]) -> Pace:
    medians = []
    for verb in _VERBS:
        spans = sorted(
            next((deed.at - one.opened for deed in one.deeds if deed.what is verb), _FOREVER)
            for one in reals
        )
        middle = spans[(len(spans) - 1) // 2]
        medians.append(NEVER if middle == _FOREVER else middle)
    received, handling, closed = medians
    return Pace(received, handling, closed, of=len(reals))
