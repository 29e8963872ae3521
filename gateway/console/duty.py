"""Who has duty where, and until when: ``GET /api/v1/duty``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from aiohttp import web

from gateway.console import query
from gateway.console.guard import as_json
from gateway.console.shapes import Json, iso, place_name
from gateway.console.view import Now
from gateway.model import ROLES, SECOND, Person, Site
from gateway.registry.duty import shifts, with_rosters

MOST: Final = 200
"""Places of one answer."""
_USUAL: Final = 20
_AHEAD: Final = 8 * 86_400 * SECOND
"""Ns that are looked ahead for the next change: a week and a day."""


class Wish(NamedTuple):
    """Which places are to be shown."""

    place: str = ""
    """There, or below it."""
    text: str = ""
    """Every word of it stands in the path or code of the place, or in a name of its people."""


class DutyApi:
    """The handler over the registry's newest picture."""

    def __init__(self, site: Callable[[], Site], now: Callable[[], Now]) -> None:
        self._site = site
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """Every path of it."""
        return [web.get("/api/v1/duty", self.duty)]

    async def duty(self, request: web.Request) -> web.Response:
        """Who has duty now; made beside the loop: 200 places with rosters take 0.3 s."""
        most = query.limit(request.query, _USUAL, MOST)
        wish = Wish(*(query.optional(request.query, name) for name in ("place", "text")))
        wall = self._now().wall
        return as_json(await asyncio.to_thread(duty_json, self._site(), wall, wish, most))


def duty_json(site: Site, wall: int, wish: Wish, most: int) -> Json:
    """``places``: at most ``most`` of the ``found`` ones that have people or a roster."""
    staff = _staff(site)
    found = [code for code in site.places if code in staff and _wanted(site, code, wish, staff)]
    return {"found": len(found), "places": [_place(site, code, wall) for code in found[:most]]}


def _staff(site: Site) -> dict[str, set[str]]:
    """Names by place: of those registered there; also empty ones, where a roster names others."""
    found: dict[str, set[str]] = {code: set() for code, _ in with_rosters(site)}
    for person in site.people.values():
        for code in (person.grid, *person.areas):
            found.setdefault(code, set()).add(person.name)
    return found


def _wanted(site: Site, code: str, wish: Wish, staff: dict[str, set[str]]) -> bool:
    if wish.place and not code.startswith(wish.place):
        return False
    words = wish.text.casefold().split()
    if not words:
        return True
    said = "\n".join((code, place_name(site, code), *staff[code])).casefold()
    return all(word in said for word in words)


def _place(site: Site, code: str, wall: int) -> Json:
    return {
        "place": code,
        "place_name": place_name(site, code),
        "name": site.places[code].name,
        "roles": list(_roles(site, code, wall)),
    }


def _roles(site: Site, code: str, wall: int) -> Iterator[Json]:
    """``next`` is when the people change, None without a roster or for more than a week."""
    for role in ROLES:
        ahead = shifts(site, code, role, wall, wall + _AHEAD)
        people = ahead[0].people if ahead else site.registered(code, role)
        if not ahead and not people:
            continue
        after = next((each for each in ahead if each.people != people), None)
        yield {
            "role": role,
            "roster": bool(ahead),
            "people": _names(people),
            "next": iso(after.begin) if after is not None else None,
            "next_people": _names(after.people) if after is not None else [],
        }


def _names(people: tuple[Person, ...]) -> list[Json]:
    return [{"id": person.id, "name": person.name} for person in people]
