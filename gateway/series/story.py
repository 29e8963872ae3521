"""The record, number by number, as points: the same live and long afterwards. Pure.

Live points and those of a backfill have the same measurement, tags and time, so that one writes
over the other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from gateway.model import SECOND, IncidentEvent, Site, State, Value, is_canary
from gateway.model.series import Point
from gateway.series import case as cases
from gateway.series.case import Case
from gateway.series.gauges import Gauges
from gateway.store.series import Bookmark, Ended, Happening, Merged

MOST_OPEN: Final = 20_000
"""Open cases in memory and in the gauges: four times what the desk holds; further ones have their
points, and are read again for each."""
ROOM: Final = 3_600 * SECOND
"""Ns before and after a stretch that are looked at as well: events may be stamped a little out of
their order, and what changed is shown a little later."""
_PASSING: Final = 500
"""Cases in memory that are closed, or too many: one that goes on later is read again."""


class Story:
    """Begins at ``n`` with what was so then; ``take`` wants the numbers after it in order."""

    def __init__(
        self,
        n: int,
        site: Callable[[], Site],
        chains: Iterable[list[IncidentEvent]] = (),
        *,
        apart: int | None = None,
        merged: Iterable[Merged] = (),
        listed_from: int = 0,
        begins: int = 0,
        most_open: int = MOST_OPEN,
    ) -> None:
        """``chains``: of each case that was open its events; gauges are due from ``begins`` on."""
        self.n = n
        self.settled = Bookmark(n, begins)
        """From here another story goes on in the same way, once the points so far are there."""
        self._most_open = most_open
        self.unreadable = 0
        """Events that make no sense after those before them."""
        self._apart = apart
        """Wall minus arrival where a clock was last believed."""
        self._cases: dict[str, Case] = {}
        self._passing: OrderedDict[str, Case] = OrderedDict()
        self.gauges = Gauges(site, listed_from)
        self._merged: dict[int, dict[str, int]] = {}
        for each in merged:
            self._merged.setdefault(each.leader, {})[each.place] = each.rows
        for chain in chains:
            self.know(chain)
        self.begin(begins)

    def begin(self, wall: int) -> None:
        """What is known by now was so, and shown, at ``wall`` ns."""
        self.gauges.begin(wall)
        self.settled = Bookmark(self.n, wall)

    def lacks(self, page: Iterable[Happening]) -> set[str]:
        """Incidents of ``page`` whose events before it have to be told to ``know`` first."""
        found: set[str] = set()
        begun: set[str] = set()
        for happening in page:
            of = happening.of
            if isinstance(of, IncidentEvent) and not self._has(of.incident):
                (begun if of.seq == 1 else found).add(of.incident)
        return found - begun

    def know(self, chain: Iterable[IncidentEvent]) -> None:
        """A case as it is by events that are done already, oldest first."""
        case: Case | None = None
        try:
            for event in chain:
                case = cases.follow(case, event, self._wall(event, learn=False))
        except (ValueError, KeyError):
            self.unreadable += 1
            return
        if case is not None:
            self._keep(case, case.stage.wall)

    def take(self, happening: Happening) -> Iterator[Point]:
        """The points up to and of the next number."""
        if isinstance(happening.of, Ended):
            yield from self._ended(happening.of, happening.n)
        else:
            yield from self._event(happening.of, happening.n)
        self.done(happening.n)

    def done(self, n: int) -> None:
        """Everything up to number ``n`` was taken, or is gone."""
        self.n = n
        self._settle()

    def upto(self, wall: int) -> Iterator[Point]:
        """Nothing else has happened up to ``wall`` ns: the gauges that are due by then."""
        yield from self.gauges.upto(wall)
        self._settle()

    def _settle(self) -> None:
        """A change that is not shown yet has to be seen again by whoever begins after it."""
        if self.gauges.is_settled:
            self.settled = Bookmark(self.n, self.gauges.seen)

    def _has(self, key: str) -> bool:
        return key in self._cases or key in self._passing

    def _event(self, event: IncidentEvent, n: int) -> Iterator[Point]:
        wall = self._wall(event, learn=True)
        yield from self.upto(wall)
        before = self._cases.get(event.incident) or self._passing.get(event.incident)
        if event.seq != (before.incident.events if before is not None else 0) + 1:
            return  # it was told before, or what comes before it can not be had
        try:
            after = cases.follow(before, event, wall)
        except (ValueError, KeyError):  # no event that this program writes
            self.unreadable += 1
            return
        yield from cases.points(before, event, after, n, wall)
        self._keep(after, wall)

    def _keep(self, case: Case, wall: int) -> None:
        key, over = case.incident.key, False
        if case.incident.state is not State.closed:
            over = key not in self._cases and len(self._cases) >= self._most_open
        if over or case.incident.state is State.closed:
            self._cases.pop(key, None)
            self._passing[key] = case
            self._passing.move_to_end(key)
            while len(self._passing) > _PASSING:
                self._passing.popitem(last=False)
        else:
            self._passing.pop(key, None)
            self._cases[key] = case
        if not over and not is_canary(case.incident):
            self.gauges.put(case, wall)

    def _wall(self, event: IncidentEvent, *, learn: bool) -> int:
        """When it was; of a clock that nobody believed by what was known before."""
        if event.trusted:
            if learn:
                self._apart = event.wall - event.arrival
            return event.wall
        return event.wall if self._apart is None else event.arrival + self._apart

    def _ended(self, ended: Ended, n: int) -> Iterator[Point]:
        row, incident = ended.row, ended.incident
        if is_canary(incident):
            return
        at = cases.set_apart(row.ended_at, n)
        fields: dict[str, Value] = {
            "key": incident.key,
            "person": row.person,
            "seconds": max(row.ended_at - ended.written, 0) / SECOND,
            "attempts": float(row.attempts),
            "n": 1.0,
        }
        tags = {
            "channel": row.channel,
            "purpose": row.purpose,
            "end": row.end,
            "category": incident.category.value,
        }
        yield Point("message", tags, fields, at)
        yield from self._storm(ended, at)

    def _storm(self, ended: Ended, at: int) -> Iterator[Point]:
        """A message that was merged into another, or one that others were merged into."""
        row, place = ended.row, ended.incident.place
        over = self._merged.pop(row.id, {})
        if row.digest:
            members = self._merged.setdefault(row.digest, {})
            members[place] = members.get(place, 0) + 1
            over = {**over, place: 0}
        for each in sorted(over):
            yield Point("storm", {"place": each}, {"merged": self._merging(each)}, at)

    def _merging(self, place: str) -> float:
        leaders: Iterable[Mapping[str, int]] = self._merged.values()
        return float(sum(members.get(place, 0) for members in leaders))
