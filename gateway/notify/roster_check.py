"""The roster check: before a shift begins every channel of its people is tried, and nobody is rung.

    shifts that begin soon ─▶ their people ─▶ each channel, silently ─▶ person:ID      unreachable
    the roster of the next day ─▶ gaps, names nobody knows           ─▶ roster:PLACE   roster_gap

What is found is a reading of the gateway's own, and so an incident now and not at 03:00. People
without a roster always have duty: they are tried once a day.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Final

import structlog

from gateway.model import SECOND, Notification, Person, Receipt, Site, Stamp, Value
from gateway.notify.channels import Channels, Note
from gateway.notify.settled import reason_of
from gateway.ports import Clock
from gateway.registry.duty import Gap, Key, gaps_at, shifts, with_rosters

AHEAD: Final = 3_600.0
"""Seconds before a shift begins at which its people are tried: time to mend a telephone."""
LOOKED_AHEAD: Final = 86_400.0
"""Seconds of the roster that are looked through for gaps."""
FIRST: Final = 60.0
"""Seconds after a start to the first look: channels open their sessions first."""
EVERY: Final = 900.0
"""Seconds between looks."""
ONCE_MORE: Final = 60.0
"""Seconds until somebody whom no channel reached is tried once more, before it is said: a server
that restarts, or one lost packet, makes nobody unreachable."""
AGAIN: Final = 20 * 3_600.0
"""Seconds until somebody who could be reached is tried again: once a day, at any hour."""
PURPOSE: Final = "trial"
_SOON_AGAIN: Final = 3_600.0
"""Seconds until somebody who could not be reached is tried again."""
_AT_ONCE: Final = 40
"""People tried in one look: 4,000 officers are through in a day, and no channel is flooded."""
_REASON: Final = 200
_ROSTERS_AT_ONCE: Final = 20
"""Looked through before others get the loop: a few milliseconds of a district's second."""

log = structlog.get_logger("roster")


class RosterCheck:
    """``run`` looks and tries; ``note`` reports values of a part of the gateway.

    ``said`` gives what was reported of a part last, also before a restart; ``parts`` the names of
    all that anything was reported of.
    """

    def __init__(
        self,
        channels: Channels,
        site: Callable[[], Site],
        clock: Clock,
        note: Note,
        said: Callable[[str], Mapping[str, Value]],
        parts: Callable[[], Iterable[str]],
        *,
        ahead: float = AHEAD,
    ) -> None:
        self._channels = channels
        self._site = site
        self._clock = clock
        self._note = note
        self._said = said
        self._parts = parts
        self._ahead = int(ahead * SECOND)
        self._tried: dict[str, int] = {}
        """Person -> mono ns of the next trial."""

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        await self._clock.sleep(FIRST)
        while True:
            stamp, site = self._clock.now(), self._site()
            if stamp.trusted:
                await self._look_for_gaps(site, stamp.wall)
                await self._try_all(await self._due(site, stamp))
            self._forget(site)
            await self._clock.sleep(EVERY)

    async def _rosters(self, site: Site) -> AsyncIterator[Key]:
        for number, key in enumerate(list(with_rosters(site))):
            if number % _ROSTERS_AT_ONCE == 0:
                await self._clock.sleep(0)
            yield key

    async def _look_for_gaps(self, site: Site, wall: int) -> None:
        found: dict[str, list[Gap]] = {}
        async for key in self._rosters(site):
            for gap in gaps_at(site, key, wall, wall + int(LOOKED_AHEAD * SECOND)):
                found.setdefault(gap.place, []).append(gap)
        for place in {*found, *site.places, *self._named("roster:")}:  # also one that is gone
            part, open_now = f"roster:{place}", place in found
            if open_now == (self._said(part).get("roster_gap") is True):
                continue
            values: dict[str, Value] = {"roster_gap": open_now}
            if open_now:
                values["extra.reason"] = _worded(site, found[place][0])
            self._note(part, values)

    async def _due(self, site: Site, stamp: Stamp) -> list[Person]:
        """Whose shift begins soon, then those who always have duty; no more than a look takes."""
        soon = await self._beginning(site, stamp.wall)
        covered = set(with_rosters(site))
        always = (each for each in site.people.values() if (each.grid, each.role) not in covered)
        wanted = [*soon.values(), *always]
        due = [each for each in wanted if self._tried.get(each.id, 0) <= stamp.mono]
        return list({each.id: each for each in due}.values())[:_AT_ONCE]

    async def _beginning(self, site: Site, wall: int) -> dict[str, Person]:
        found: dict[str, Person] = {}
        async for place, role in self._rosters(site):
            for shift in shifts(site, place, role, wall, wall + self._ahead):
                if wall <= shift.begin:
                    found |= {person.id: person for person in shift.people}
        return found

    async def _try_all(self, people: list[Person]) -> None:
        doubtful = [person for person in people if await self._lost(person, surely=False)]
        if doubtful:
            await self._clock.sleep(ONCE_MORE)
        for each in doubtful:  # as the registry has them by now
            if person := self._site().people.get(each.id):
                await self._lost(person, surely=True)

    async def _lost(self, person: Person, *, surely: bool) -> bool:
        """Whether no channel of one person answers; ``surely``: it is said then.

        Every one is tried, so that the second one is known to be there too.
        """
        failed: list[str] = []
        names = self._channels.of(person)
        for name in names:
            answer = await self._channels.trial(name, _trial(person, name))
            if not isinstance(answer, Receipt):
                failed.append(f"{name}: {reason_of(answer)}")
        lost = len(failed) == len(names)
        if failed:
            log.warning("trial_failed", person=person.id, failed=failed, lost=lost)
        if surely or not lost or not names:
            self._tell(person, lost, failed)
            return False
        return True

    def _tell(self, person: Person, lost: bool, failed: list[str]) -> None:
        wait = _SOON_AGAIN if failed else AGAIN
        self._tried[person.id] = self._clock.now().mono + int(wait * SECOND)
        part = f"person:{person.id}"
        if lost != (self._said(part).get("unreachable") is True):
            values: dict[str, Value] = {"unreachable": lost}
            if lost:
                values["extra.reason"] = ("; ".join(failed) or "no notifier")[:_REASON]
            self._note(part, values)

    def _forget(self, site: Site) -> None:
        """Who left the registry needs not be reachable."""
        known = {*self._tried, *self._named("person:")}
        for person in sorted(known - set(site.people)):
            self._tried.pop(person, None)
            if self._said(f"person:{person}").get("unreachable") is True:
                self._note(f"person:{person}", {"unreachable": False})

    def _named(self, kind: str) -> list[str]:
        return [part.removeprefix(kind) for part in self._parts() if part.startswith(kind)]


def _worded(site: Site, gap: Gap) -> str:
    """As ``third grid, officer: nobody has duty``, for the sentence of the incident."""
    place = site.places.get(gap.place)
    where = place.name if place is not None else gap.place
    what = f"nobody knows {gap.person}" if gap.person else "nobody has duty"
    return f"{where}, {gap.role}: {what}"[:_REASON]


def _trial(person: Person, channel: str) -> Notification:
    """What is sent nowhere: ``silent`` says so."""
    return Notification(
        key=f"{PURPOSE}/{person.id}/{channel}",
        incident="",
        purpose=PURPOSE,
        person=person.id,
        name=person.name,
        phone=person.phone,
        language=person.language,
        title="",
        text="",
        category="system",
        severity="notice",
        state="open",
        kind="gateway",
        device="",
        place=person.grid,
        opened_at=0,
        head="",
        email=person.email,
        account=person.accounts.get(channel, ""),
        silent=True,
    )
