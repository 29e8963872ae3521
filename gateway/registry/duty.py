"""Who has duty at a place, in a role, at a moment. Pure."""

from __future__ import annotations

from gateway.model import Person, Site


def on_duty(site: Site, code: str, role: str, wall: int) -> tuple[Person, ...]:
    """Who has duty for ``role`` at exactly place ``code`` at ``wall`` ns, the responsible first.

    Where no roster covers the place: everybody registered there, in the registry's order.
    """
    return tuple(p for p in site.people.values() if p.grid == code and p.role == role)
