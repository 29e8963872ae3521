"""Who is responsible for a place, and who is asked next: one named person, always. Pure.

    assistant › officer › supervisor of the place › the same three of the place above › …

Each step is a rung, ``PLACE/ROLE``; its people are those who have duty there at the moment. Nobody
stands on the ladder twice while there is somebody else.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from gateway.model import ROLES, Person, Site
from gateway.registry.duty import on_duty

FIXTURE: Final = "notifier:"
"""Who is told besides people: a siren. It owns nothing, and nobody is spared for it."""
_STAFFED: Final = "staffed"


class Rung(NamedTuple):
    """Somebody on the ladder."""

    person: Person
    name: str
    """``PLACE/ROLE``; "" for who has no duty there."""


def recipient_of(site: Site, recipient: str, fallback: Person) -> Person | None:
    """Who a message goes to: a person, or a fixture by the name of its notifier."""
    if recipient.startswith(FIXTURE):
        name = recipient.removeprefix(FIXTURE)
        return Person(recipient, name, "", "", channels=(name,))
    return person_of(site, recipient, fallback)


def person_of(site: Site, person: str, fallback: Person) -> Person | None:
    """The person of this id, if the registry (or the fallback) knows one."""
    return fallback if person == fallback.id else site.people.get(person)


def in_charge(site: Site, place: str, fallback: Person, wall: int) -> Person:
    """Who has ``place`` at ``wall`` ns; see ``first_rung``."""
    return first_rung(site, place, fallback, wall).person


def first_rung(site: Site, place: str, fallback: Person, wall: int) -> Rung:
    """The assistant, else officer, else supervisor on duty nearest to ``place``, going up the tree.

    A grid's own officer comes before the street's assistant: being near counts for more. In a gap
    of every roster it is whoever is registered nearest; the fallback while nobody is.
    """
    found = next_rung(site, place, "", (), wall)
    if found is not None:
        return found
    for name in rungs(site, place):
        code, _, role = name.rpartition("/")
        for person in site.registered(code, role):
            return Rung(person, "")
    return Rung(fallback, "")


def next_rung(
    site: Site, place: str, above: str, without: Collection[str], wall: int
) -> Rung | None:
    """The next one above rung ``above`` ("": from the bottom) who is none of ``without``."""
    names = rungs(site, place)
    start = names.index(above) + 1 if above in names else 0
    for name in names[start:]:
        for person in duty_at(site, name, wall):
            if person.id not in without:
                return Rung(person, name)
    return None


def duty_at(site: Site, rung: str, wall: int) -> tuple[Person, ...]:
    """Who has duty at ``rung`` at ``wall`` ns."""
    code, _, role = rung.rpartition("/")
    return on_duty(site, code, role, wall)


def rungs(site: Site, place: str) -> list[str]:
    """The ladder of ``place``, the lowest first."""
    return [f"{code}/{role}" for code in _chain(site, place) for role in ROLES]


def own_rung(site: Site, place: str, person: Person) -> str:
    """Where ``person`` stands on the ladder of ``place``; "" for who does not."""
    name = f"{person.grid}/{person.role}"
    return name if name in rungs(site, place) else ""


def _chain(site: Site, place: str) -> list[str]:
    """Where people are looked for, the nearest first.

    A place that is gone from the registry is the nearest that its code extends. Where nobody is
    at all (of an unknown device only the topmost place is known) it is the topmost place that has
    people: the fallback has no telephone.
    """
    staffed = _staffed(site)
    ends = (place[:length] for length in range(len(place), 0, -1))
    nearest = next((code for code in ends if code in site.places), site.root())
    codes = [above.code for above in site.chain(nearest)]
    if not staffed or any(code in staffed for code in codes):
        return codes
    return [next(iter(staffed))]


def _staffed(site: Site) -> dict[str, None]:
    """The places that have people or a roster, the topmost first. Worked out once."""
    known = site.kept.get(_STAFFED)
    if isinstance(known, dict):
        return known
    codes = {code for person in site.people.values() for code in (person.grid, *person.areas)}
    codes |= {line.place for line in site.rosters}
    ranked = sorted((len(site.chain(code)), code) for code in codes if code in site.places)
    found = site.kept[_STAFFED] = {code: None for _, code in ranked}
    return found
