"""Who is responsible for a place: one named person, always. Pure."""

from __future__ import annotations

from typing import Final

from gateway.model import ROLES, Person, Site

FIXTURE: Final = "notifier:"
"""Who is told besides people: a siren. It owns nothing, and nobody is spared for it."""


def recipient_of(site: Site, recipient: str, fallback: Person) -> Person | None:
    """Who a message goes to: a person, or a fixture by the name of its notifier."""
    if recipient.startswith(FIXTURE):
        name = recipient.removeprefix(FIXTURE)
        return Person(recipient, name, "", "", channels=(name,))
    return person_of(site, recipient, fallback)


def in_charge(site: Site, place: str, fallback: Person) -> Person:
    """The assistant, else officer, else supervisor nearest to ``place``, going up the tree.

    A grid's own officer comes before the street's assistant: being near counts for more.
    """
    people = list(site.people.values())
    for above in site.chain(place) or site.chain(site.root()):
        here = [person for person in people if person.grid == above.code]
        for role in ROLES:
            for person in here:
                if person.role == role:
                    return person
    return fallback


def people_to_warn(site: Site, place: str, fallback: Person) -> list[Person]:
    """The officer and the supervisor of ``place``; the fallback where there is neither."""
    code = place if place in site.places else site.root()
    found = [site.in_charge(code, role) for role in ("officer", "supervisor")]
    return [person for person in found if person is not None] or [fallback]


def person_of(site: Site, person: str, fallback: Person) -> Person | None:
    """The person of this id, if the registry (or the fallback) knows one."""
    return fallback if person == fallback.id else site.people.get(person)
