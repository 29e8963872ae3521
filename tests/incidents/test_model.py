"""The state machine against a model: whatever happens in whatever order, the promises hold."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.incidents import machine
from gateway.incidents.fold import fold, is_worse
from gateway.incidents.machine import Decision, Moment, NotAllowed, World
from gateway.model import (
    SECOND,
    Category,
    Change,
    Evidence,
    Happened,
    Incident,
    IncidentEvent,
    Severity,
    Stamp,
    State,
    Turn,
)
from tests.cases.build import DEADLINES, DUTY, alarmed, site

SIREN = "notifier:siren"
WORLD = World(site(), DEADLINES, DUTY, MappingProxyType({SIREN: {Category.life}}))
PEOPLE = ("zhang", "li", "wang")

devices = st.sampled_from(["s1", "s2", "stranger"])
rules = st.sampled_from(["smoke_alarm", "heat_alarm", "fire_confirmed"])
places = st.sampled_from(["building:1", "building:2"])
severities = st.sampled_from(Severity)
people = st.sampled_from(PEOPLE)


class Incidents(RuleBasedStateMachine):
    """The machine with the memory that the desk gives it, and nothing of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1
        self.events: dict[str, list[IncidentEvent]] = {}
        self.known: dict[str, Incident] = {}
        self.timers: dict[str, int] = {}
        self.told: dict[str, list[str]] = {}

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
        before = self._open(same)
        told = self.told[before.key] if before is not None else []
        key = f"L{len(self.known) + 1}"
        decision = machine.react(change, before, key, told, WORLD, self._moment())
        if decision is None:
            return
        self._keep(decision)
        self._check_telling(change, before, decision)

    @rule(verb=st.sampled_from(["receive", "handle", "close"]), person=people, data=st.data())
    @precondition(lambda self: self.known)
    def deed(self, verb: str, person: str, data: Any) -> None:
        incident = self.known[data.draw(st.sampled_from(sorted(self.known)))]
        moment = self._moment()
        try:
            match verb:
                case "receive":
                    decision = machine.receive(incident, person, "", WORLD, moment)
                case "handle":
                    decision = machine.handle(incident, person, "", WORLD, moment)
                case _:
                    told = self.told[incident.key]
                    decision = machine.close(incident, person, "real", "好", told, moment)
        except NotAllowed:
            return
        if decision is not None:
            self._keep(decision)

    @rule(seconds=st.sampled_from([1, 299, 300, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND
        while due := [key for key, at in self.timers.items() if at <= self.now]:
            decision = machine.overdue(self.known[due[0]], WORLD, self._moment())
            assert decision is not None, "a timer of an incident that needs none"
            self._keep(decision)

    # --- what always holds ----------------------------------------------------------------

    @invariant()
    def every_incident_is_its_events(self) -> None:
        for key, incident in self.known.items():
            assert fold(self.events[key]) == incident

    @invariant()
    def every_open_incident_has_an_owner_and_a_next_deadline(self) -> None:
        for key, incident in self.known.items():
            assert incident.owner in PEOPLE
            if incident.state is State.closed:
                assert key not in self.timers
            else:
                assert self.now < incident.deadline == self.timers[key]

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

    def _open(self, same: str) -> Incident | None:
        of = [i for i in self.known.values() if i.same == same and i.state is not State.closed]
        return of[0] if of else None

    def _moment(self) -> Moment:
        return Moment(Stamp("boot", self.now, self.now, True), self.now)

    def _keep(self, decision: Decision) -> None:
        incident = decision.incident
        self.known[incident.key] = incident
        self.events.setdefault(incident.key, []).extend(decision.events)
        self.told.setdefault(incident.key, []).extend(row.person for row in decision.tell)
        for timer in decision.timers_set:
            self.timers[timer.incident] = timer.due
        for key, _ in decision.timers_cleared:
            self.timers.pop(key, None)

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
        if is_worse(before.severity, after.severity):
            assert change.turn is Turn.severity, "only a fall makes it less severe"
            assert purposes == set()
        if decision.events[0].what in (Happened.severity, Happened.evidence):
            assert before.holding == after.holding


Incidents.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, derandomize=True, database=None
)
test_any_sequence_keeps_owner_deadline_and_severity = Incidents.TestCase
