"""The state machine against a model: whatever happens in whatever order, the promises hold.

Changes of rules, deeds of people, time, people who come and go, rosters, wall clocks that jump.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.incidents import deeds, machine, people, times
from gateway.incidents.decision import TIMERS, Decision, Moment, NotAllowed, World, due
from gateway.incidents.deeds import Report
from gateway.incidents.fold import fold, is_worse
from gateway.incidents.limits import Limits
from gateway.incidents.people import FIXTURE, duty_at, rungs
from gateway.incidents.transfers import MOST
from gateway.model import (
    SECOND,
    VERBS,
    Category,
    Change,
    Deed,
    Evidence,
    Happened,
    Incident,
    IncidentEvent,
    Limit,
    Person,
    Severity,
    Site,
    Stamp,
    State,
    Text,
    Turn,
)
from gateway.store.chain import Walk, stored
from tests.cases.build import DEADLINES, DUTY, alarmed, site

SIREN = "notifier:siren"
EVERYBODY = (
    *site().people.values(),
    Person("zhao", "赵六", "130101", "assistant"),
    Person("qian", "钱七", "1301", "officer"),
)
LIMITS = Limits(
    [
        Limit(120 * SECOND, 30 * SECOND, "130101", "life", "critical"),
        Limit(400 * SECOND, 100 * SECOND, "1301", "life", "", "handle"),
    ]
)
BERLIN = ZoneInfo("Europe/Berlin")
"""Has summer time: the night of 2026-03-29 lacks an hour."""
START = int(datetime(2026, 3, 28, 23, 0, tzinfo=BERLIN).timestamp()) * SECOND

devices = st.sampled_from(["s1", "s2", "stranger"])
rules = st.sampled_from(["smoke_alarm", "heat_alarm", "fire_confirmed"])
places = st.sampled_from(["building:1", "building:2"])
severities = st.sampled_from(Severity)
persons = st.sampled_from([*(person.id for person in EVERYBODY), "duty", "nobody"])
DEEDS = st.builds(
    Deed,
    verb=st.sampled_from(VERBS),
    person=persons,
    outcome=st.sampled_from(["real", "false_alarm", "", "odd"]),
    comment=st.sampled_from(["", "说明", " "]),
    to=st.sampled_from(["", "li", "wang", "zhao", "130101", "1301", "odd"]),
    attachment=st.sampled_from(["", "c" * 64]),
    cause=st.sampled_from(["", "cooking", "odd"]),
    within=st.sampled_from([0, 30 * SECOND, 90 * SECOND, 10_000 * SECOND]),
)


def by_hour(where: Site, code: str, role: str, wall: int) -> tuple[Person, ...]:
    """A roster: the assistants of the grid change at 8 and 20 o'clock local time, and nobody has
    duty at the street on Sundays."""
    found = [p for p in where.people.values() if p.grid == code and p.role == role]
    local = datetime.fromtimestamp(wall // SECOND, BERLIN)
    if code == "1301":
        return () if local.weekday() == 6 else tuple(found)
    night = not 8 <= local.hour < 20
    return tuple(found[night:][:1] or found) if role == "assistant" else tuple(found)


class Incidents(RuleBasedStateMachine):
    """The machine with the memory that the desk gives it, and nothing of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.wall = 1, START
        self.site = site(people=EVERYBODY)
        self.events: dict[str, list[IncidentEvent]] = {}
        self.known: dict[str, Incident] = {}
        self.timers: dict[tuple[str, str], int] = {}
        self.told: dict[str, list[str]] = {}
        self.sentences: set[str] = set()

    @initialize(rosters=st.booleans())
    def begin(self, rosters: bool) -> None:
        self.patch = pytest.MonkeyPatch()
        if rosters:
            self.patch.setattr(people, "on_duty", by_hour)

    def teardown(self) -> None:
        self.patch.undo()

    # --- what happens -------------------------------------------------------------------

    @rule(
        turn=st.sampled_from(Turn),
        name=rules,
        device=devices,
        same=places,
        severity=severities,
        picture=st.sampled_from(["", "a" * 64, "b" * 64]),
    )
    def change(
        self, turn: Turn, name: str, device: str, same: str, severity: Severity, picture: str
    ) -> None:
        evidence = Evidence("image/jpeg", picture) if picture else None
        change = alarmed(
            device, turn=turn, rule=name, same=same, severity=severity, incident="fire",
            evidence=evidence,
        )  # fmt: skip
        before = self._open("fire", same)
        told = self.told[before.key] if before is not None else []
        key = f"L{len(self.known) + 1}"
        decision = machine.react(change, before, key, told, self._world(), self._moment())
        if decision is None:
            return
        self._keep(decision)
        self._check_telling(change, before, decision)

    @rule(deed=DEEDS, data=st.data())
    @precondition(lambda self: self.known)
    def deed(self, deed: Deed, data: Any) -> None:
        incident = self.known[data.draw(st.sampled_from(sorted(self.known)))]
        other = self._open(incident.group, incident.same)
        named = other.key if other is not None and other.key != incident.key else ""
        told = self.told[incident.key]
        try:
            decision = deeds.do(deed, incident, told, named, self._world(), self._moment())
        except NotAllowed as refusal:
            self.sentences |= {refusal.text.zh, refusal.text.en}
            return
        if decision is not None:
            self._keep(decision)
            self._check_deed(deed, incident, decision)

    @rule(
        person=persons,
        same=st.sampled_from(["", "hazard:1"]),
        place=st.sampled_from(["130101", "x"]),
    )
    def report(self, person: str, same: str, place: str) -> None:
        report = Report(
            title=Text("灯坏了", "Lamp broken"), why=Text("巡查发现", "seen on patrol"),
            category=Category.facility, severity=Severity.warning, place=place, person=person,
            same=same, comment="王女士 13800000000",
        )  # fmt: skip
        other = self._open("manual", same) if same else None
        key = f"F{len(self.known) + 1}"
        try:
            deeds.check_report(report, other.key if other else "", self._world())
        except NotAllowed:
            assert person == "nobody" or place == "x" or other or not self._known(person)
            return
        decision = deeds.open_by_hand(report, key, self._world(), self._moment())
        assert "王女士" not in str(decision.events)
        self._keep(decision)

    @rule(seconds=st.sampled_from([1, 89, 299, 300, 7_200, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self.wall += seconds * SECOND
        while ring := next((of for of, at in self.timers.items() if at <= self.now), None):
            decision = times.ring(self.known[ring[0]], ring[1], self._world(), self._moment())
            assert decision is not None, "a timer of an incident that needs none"
            self._keep(decision)
        self._look()

    @rule(days=st.integers(-14, 14))
    def wall_clock_jumps(self, days: int) -> None:
        self.wall += days * 86_400 * SECOND

    @rule(gone=st.sets(st.sampled_from([person.id for person in EVERYBODY])))
    def people_come_and_go(self, gone: set[str]) -> None:
        left = {p.id: p for p in EVERYBODY if p.id not in gone}
        self.site = msgspec.structs.replace(self.site, people=left)
        self._look()

    # --- what always holds ----------------------------------------------------------------

    @invariant()
    def every_incident_is_its_events_and_its_chain_holds(self) -> None:
        walk = Walk()
        for key, incident in self.known.items():
            assert fold(self.events[key]) == incident
            walk.check(stored(event) for event in self.events[key])
        walk.compare({key: (each.events, each.head) for key, each in self.known.items()})
        assert walk.broken == {}

    @invariant()
    def every_open_incident_has_an_owner_and_a_next_deadline(self) -> None:
        for key, incident in self.known.items():
            timers = {kind: at for (of, kind), at in self.timers.items() if of == key}
            assert timers == {kind: due(incident, kind) for kind in TIMERS if due(incident, kind)}
            if incident.state is State.closed:
                assert (incident.deadline, timers) == (0, {})
            else:
                assert self._known(incident.owner)
                assert self.now < incident.deadline == timers["deadline"]

    @invariant()
    def who_is_refused_reads_why(self) -> None:
        assert "" not in self.sentences

    @invariant()
    def one_place_has_one_open_incident(self) -> None:
        open_ = [(i.group, i.same) for i in self.known.values() if i.state is not State.closed]
        assert len(open_) == len(set(open_))

    @invariant()
    def an_incident_is_as_severe_as_the_worst_of_what_holds_and_of_what_cleared(self) -> None:
        for incident in self.known.values():
            assert len(incident.severities) == len(incident.holding) == len(set(incident.holding))
            every = [*incident.severities, *([incident.left] if incident.left else [])]
            assert incident.severity is max(every, key=list(Severity).index)

    # --- what it stands on ------------------------------------------------------------------

    def _world(self) -> World:
        return World(self.site, DEADLINES, DUTY, {SIREN: {Category.life}}, LIMITS)

    def _known(self, person: str) -> bool:
        return self._world().knows(person)

    def _open(self, group: str, same: str) -> Incident | None:
        of = [
            i for i in self.known.values()
            if (i.group, i.same) == (group, same) and i.state is not State.closed
        ]  # fmt: skip
        return of[0] if of else None

    def _moment(self) -> Moment:
        return Moment(Stamp("boot", self.now, self.wall, True), self.now)

    def _look(self) -> None:
        """As the desk does when the registry changes, and every few minutes."""
        for incident in list(self.known.values()):
            decision = times.hand_over(incident, self._world(), self._moment())
            if decision is not None:
                self._keep(decision)
                self._check_hand_over(incident, decision.incident)

    def _keep(self, decision: Decision) -> None:
        incident = decision.incident
        self.known[incident.key] = incident
        self.events.setdefault(incident.key, []).extend(decision.events)
        told = self.told.setdefault(incident.key, [])
        seqs = {event.seq for event in decision.events}
        assert len({(row.seq, row.person) for row in decision.tell}) == len(decision.tell)
        for row in decision.tell:
            assert row.seq in seqs
            assert row.person.startswith(FIXTURE) or self._known(row.person) or row.person in told
        told += [row.person for row in decision.tell]
        for timer in decision.timers_set:
            self.timers[timer.incident, timer.kind] = timer.due
        for of in decision.timers_cleared:
            self.timers.pop(of, None)

    def _check_deed(self, deed: Deed, before: Incident, decision: Decision) -> None:
        after, (event, *raised) = decision.incident, decision.events
        assert [each.what for each in raised] == [Happened.escalated] * len(raised)
        assert event.by == f"person:{deed.person}"
        assert "说明" not in str(event.data), "words of people are kept apart"
        match deed.verb:
            case "handle" | "supervise" | "comment" | "attach" | "close":
                assert after.owner == before.owner
            case "transfer":
                assert after.state is State.open
                assert after.owner != before.owner
                assert deed.comment.strip()
                if after.owner in before.had:
                    assert after.deadline <= before.deadline, "passing it back wins no time"
                assert bool(raised) <= (before.passed >= MOST - 1)
                assert after.passed < MOST or not raised
        if deed.verb == "supervise" and deed.within:
            assert after.deadline < before.deadline

    def _check_hand_over(self, before: Incident, after: Incident) -> None:
        assert after.state is State.open
        assert after.owner != before.owner or not self._known(before.owner)
        if before.state is State.open:
            assert after.deadline == before.deadline, "the case's own clock goes on"

    def _check_telling(self, change: Change, before: Incident | None, decision: Decision) -> None:
        after, purposes = decision.incident, {row.purpose for row in decision.tell}
        if before is None:
            assert purposes == {"opened"}
            return
        if is_worse(after.severity, before.severity):
            assert purposes == {"again"}
            assert {row.person for row in decision.tell} == {after.owner, SIREN}
            assert (after.severity, after.title, after.why) == (
                change.severity,
                change.title,
                change.why,
            )
            assert after.deadline <= before.deadline, "worse is never less urgent"
        if is_worse(before.severity, after.severity):
            assert change.turn is Turn.severity, "only a fall makes it less severe"
            assert purposes == set()
        if decision.events[0].what in (Happened.severity, Happened.evidence):
            assert before.holding == after.holding


Incidents.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, derandomize=True, database=None
)
test_any_sequence_keeps_owner_deadline_and_severity = Incidents.TestCase


@pytest.mark.parametrize("answered", [False, True])
def test_whoever_stays_silent_the_ladder_reaches_everybody_once(answered: bool) -> None:
    """From the assistant to the top, then the same people again and again, at least daily."""
    where = site(people=EVERYBODY)
    world = World(where, DEADLINES, DUTY)
    moment = Moment(Stamp("boot", 1, START, True), 1)
    decision = machine.react(alarmed(), None, "L1", (), world, moment)
    assert decision is not None
    incident = decision.incident
    if answered:
        received = deeds.do(Deed("receive", "zhang"), incident, (), "", world, moment)
        assert received is not None
        incident = received.incident
    asked, spans = [], []
    for _ in range(20):
        spans.append(incident.deadline - moment.arrival)
        moment = Moment(moment.stamp, incident.deadline)
        rung = times.ring(incident, "deadline", world, moment)
        assert rung is not None
        incident = rung.incident
        asked += [str(e.data["to"]) for e in rung.events if e.what is Happened.escalated]
    # Who stands beside the owner on one rung is not above; nobody is asked twice.
    assert asked == ["li", "qian", "wang"]
    assert incident.owner == ("zhang" if answered else "wang")
    assert max(spans) == spans[-1] == 86_400 * SECOND
    assert _ladder(where) == ["zhang", "zhao", "li", "qian", "wang"]


def _ladder(where: Site) -> Iterable[str]:
    found: list[str] = []
    for rung in rungs(where, "13010103"):
        found += [person.id for person in duty_at(where, rung, START)]
    return found
