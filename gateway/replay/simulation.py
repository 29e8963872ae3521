"""One set of rules over the records again: engine, incidents and people, in memory alone.

    records ─▶ rules.step ─▶ changes ─▶ machine.react ─▶ cases, people told
                                            ▲
               people's deeds, time limits ─┘   (in the journal's own time)

Nothing happens between two changes but deeds and time limits, and those touch no rule: they are
caught up with when a change comes, so that a record without one costs what the engine costs.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import rules
from gateway.incidents import deeds, machine, times
from gateway.incidents.fold import is_worse
from gateway.incidents.machine import Decision, Moment, NotAllowed, World
from gateway.incidents.people import person_of
from gateway.model import (
    SECOND,
    Category,
    Change,
    Edition,
    Happened,
    Incident,
    Record,
    Severity,
    Site,
    Stamp,
    Text,
    is_canary,
)
from gateway.model import Deed as ModelDeed
from gateway.replay.axis import Axis
from gateway.replay.past import NOBODY, Deed, Past, Real

SAME_MOMENT: Final = 60 * SECOND
"""Openings closer than this are the same one: the desk was a little behind the journal."""
LOOK_AHEAD: Final = 3600 * SECOND
"""A real incident that opened within this after a simulated one is the same, met earlier."""
MOST_CASES: Final = 100_000
"""Incidents remembered for the comparison; beyond it they are only counted."""

_REAL, _DEED, _LIMIT = range(3)
_VERB: Final = {
    Happened.received: "receive",
    Happened.handling: "handle",
    Happened.closed: "close",
}


class Editions(Protocol):
    """The rules and registries that a journal names by digest."""

    def rules(self, digest: str) -> rules.Ruleset | None:
        """None: its text is not kept, or can not be read any more."""

    def registry(self, digest: str) -> Site | None:
        """The same."""


@dataclass(slots=True)
class Case:
    """One simulated incident. Times are arrival ns, ``wall`` is UTC ns of the opening."""

    group: str
    same: str
    category: Category
    opened: int
    wall: int
    rule: str
    device: str
    place: str
    title: Text
    why: Text
    severity: Severity
    """The highest it had."""
    incident: Incident | None
    """None once it is closed."""
    closed: int | None = None
    real: Real | None = None
    """The incident of the record that this one is."""
    told: Counter[str] = field(default_factory=Counter)
    """Person -> messages within the time that counts."""
    missed: int = 0
    """Time limits missed within the time that counts."""
    everybody: dict[str, None] = field(default_factory=dict)
    plan: int = 0
    """Which deeds still count: assumed ones end when a real incident turns out to be this one."""


@dataclass(slots=True)
class Totals:
    """What is counted from ``since`` on."""

    incidents: int = 0
    told: Counter[str] = field(default_factory=Counter)
    missed: Counter[Category] = field(default_factory=Counter)


class Simulation:
    """Feed it every record in order, then ``finish``. ``since`` is arrival ns."""

    def __init__(
        self,
        ruleset: rules.Ruleset,
        site: Site,
        world: Callable[[Site], World],
        past: Past,
        axis: Axis,
        since: int,
        editions: Editions,
        *,
        follows_rules: bool,
    ) -> None:
        self._ruleset = ruleset
        self._site = site
        self._world_of = world
        self._world = world(site)
        self._past = past
        self._axis = axis
        self._since = since
        self._editions = editions
        self._follows_rules = follows_rules
        self._state = rules.State()
        self._open: dict[tuple[str, str], Case] = {}
        self._count = itertools.count()
        self._due: list[tuple[int, int, int, object]] = [
            (one.opened, next(self._count), _REAL, one) for one in past.reals
        ]
        heapq.heapify(self._due)
        self.cases: list[Case] = []
        self.totals = Totals()
        self.over_limit = 0
        self.unknown_editions = 0
        """Editions whose text is not kept: what was in force before them goes on."""

    def feed(self, records: Sequence[Record]) -> None:
        """The next records."""
        step, state = rules.step, self._state
        for record in records:
            if type(record.item) is Edition:
                self._swap(record, record.item)
            for change in step(self._ruleset, self._site, state, record):
                self._pass(change.now)
                self._react(change)

    def finish(self, arrival: int) -> None:
        """Nothing more came until ``arrival``: timers, deeds and time limits up to there."""
        self._until(arrival)

    @property
    def site(self) -> Site:
        """The registry that is in force."""
        return self._site

    @property
    def failures(self) -> dict[str, int]:
        """How often each rule raised, of those that did."""
        return {name: count for name, (count, _) in self._state.failures.items()}

    @property
    def refused(self) -> Counter[str]:
        """What the engine had no room for, by reason."""
        return self._state.refused

    def _until(self, arrival: int) -> None:
        """Everything that falls due up to ``arrival``."""
        for change in rules.tick(self._ruleset, self._site, self._state, arrival):
            self._pass(change.now)
            self._react(change)
        self._pass(arrival)

    def _swap(self, record: Record, edition: Edition) -> None:
        """Other rules or another registry from ``record`` on; what was due is decided before."""
        self._until(record.arrival)
        if edition.what == "rules" and self._follows_rules:
            ruleset = self._editions.rules(edition.digest)
            self.unknown_editions += ruleset is None
            self._ruleset = ruleset or self._ruleset
        elif edition.what == "registry":
            site = self._editions.registry(edition.digest)
            self.unknown_editions += site is None
            self._site = site or self._site
            self._world = self._world_of(self._site)
            self._hand_over(record.arrival)

    # --- a change -------------------------------------------------------------------------

    def _react(self, change: Change) -> None:
        if is_canary(change):  # a trial of the way is no past that rules could have changed
            return
        place = (machine.group_of(change), change.same)
        case = self._open.get(place)
        incident = case.incident if case is not None else None
        key = str(next(self._count)) if incident is None else ""
        told = list(case.everybody) if case is not None else []
        moment = self._moment(change.now)
        decision = machine.react(change, incident, key, told, self._world, moment)
        if decision is None:
            return
        if case is None:
            case = self._begin(decision.incident, change, moment)
        self._keep(case, decision, moment)

    def _begin(self, incident: Incident, change: Change, moment: Moment) -> Case:
        case = Case(
            group=incident.group,
            same=incident.same,
            category=incident.category,
            opened=moment.arrival,
            wall=moment.stamp.wall,
            rule=change.rule,
            device=change.device,
            place=change.place,
            title=change.title,
            why=change.why,
            severity=incident.severity,
            incident=incident,
        )
        self._open[case.group, case.same] = case
        if moment.arrival >= self._since:
            self.totals.incidents += 1
        if len(self.cases) < MOST_CASES:
            self.cases.append(case)
        else:
            self.over_limit += 1
        self._expect(case)
        return case

    def _keep(self, case: Case, decision: Decision, moment: Moment) -> None:
        incident = decision.incident
        if is_worse(incident.severity, case.severity):
            case.severity = incident.severity
        counts = moment.arrival >= self._since
        for row in decision.tell:
            case.everybody[row.person] = None
            if counts:
                case.told[row.person] += 1
                self.totals.told[row.person] += 1
        for timer in decision.timers_set:
            self._later(timer.due, _LIMIT, (case, timer.kind))
        if incident.deadline:
            case.incident = incident
        else:
            case.incident, case.closed = None, moment.arrival
            case.everybody.clear()
            del self._open[case.group, case.same]

    def _moment(self, arrival: int) -> Moment:
        return Moment(Stamp("", arrival, self._axis.wall(arrival), True), arrival)

    # --- what people did ------------------------------------------------------------------

    def _expect(self, case: Case) -> None:
        """Somebody will meet it: as the record says, else as the median incident was met."""
        for one in self._past.places.get((case.group, case.same), ()):
            if one.closed is not None and one.closed <= case.opened:
                continue
            if one.opened <= case.opened + LOOK_AHEAD:
                self._meet(case, one)
                return
            break
        for deed in self._past.paces.get(case.category, NOBODY).deeds(case.opened):
            self._later(deed.at, _DEED, (case, deed, case.plan))

    def _meet(self, case: Case, one: Real) -> None:
        """``case`` is the real incident ``one``.

        Who was called later needs as long as they did; who was called earlier comes earlier by as
        much, but closes when it was closed, for until then there was something to do.
        """
        case.real = one
        case.plan += 1
        shift = case.opened - one.opened
        if abs(shift) <= SAME_MOMENT:
            shift = 0
        for deed in one.deeds:
            moved = 0 if shift < 0 and deed.what is Happened.closed else shift
            self._later(max(deed.at + moved, case.opened), _DEED, (case, deed, case.plan))

    def _later(self, due: int, what: int, of: object) -> None:
        heapq.heappush(self._due, (due, next(self._count), what, of))

    def _pass(self, now: int) -> None:
        """Deeds and time limits up to ``now``, in order."""
        due = self._due
        while due and due[0][0] <= now:
            at, _, what, of = heapq.heappop(due)
            if what == _LIMIT and isinstance(of, tuple):
                self._limit(*of, at=at)
            elif what == _REAL and isinstance(of, Real):
                self._found_open(of, at)
            elif isinstance(of, tuple):
                self._do(*of, at=at)

    def _found_open(self, one: Real, at: int) -> None:
        """A real incident opened where a simulated one, that never was, is open by now."""
        case = self._open.get((one.group, one.same))
        if case is None or case.real is not None:
            return
        case.real = one
        case.plan += 1
        for deed in one.deeds:
            self._later(max(deed.at, at), _DEED, (case, deed, case.plan))

    def _do(self, case: Case, deed: Deed, plan: int, *, at: int) -> None:
        incident = case.incident
        if incident is None or plan != case.plan:
            return
        moment = self._moment(at)
        known = person_of(self._world.site, deed.person, self._world.fallback)
        person = known.id if known is not None else incident.owner  # another roster's
        wanted = ModelDeed(_VERB[deed.what], person, deed.outcome)
        try:
            decision = deeds.do(wanted, incident, list(case.everybody), "", self._world, moment)
        except NotAllowed:
            return  # somebody else was assumed to have it already
        if decision is not None:
            self._keep(case, decision, moment)

    def _limit(self, case: Case, kind: str, *, at: int) -> None:
        incident, moment = case.incident, self._moment(at)
        if incident is None:
            return
        decision = times.ring(incident, kind, self._world, moment)
        if decision is None:
            return  # moved on in time: another timer is on its way
        missed = sum(event.what is Happened.overdue for event in decision.events)
        if missed and at >= self._since:
            case.missed += missed
            self.totals.missed[case.category] += missed
        self._keep(case, decision, moment)

    def _hand_over(self, at: int) -> None:
        """With another registry somebody may have left."""
        moment = self._moment(at)
        for case in list(self._open.values()):
            if case.incident is not None:
                decision = times.hand_over(case.incident, self._world, moment)
                if decision is not None:
                    self._keep(case, decision, moment)
