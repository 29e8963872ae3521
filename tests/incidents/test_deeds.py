"""Each verb: what it changes, whom it tells, and the sentence for who is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.incidents import deeds, machine, times
from gateway.incidents.decision import Decision, Moment, NotAllowed, World
from gateway.incidents.deeds import Report
from gateway.incidents.fold import fold
from gateway.incidents.limits import Limits
from gateway.incidents.transfers import MOST
from gateway.model import (
    SECOND,
    Category,
    Deed,
    Happened,
    Incident,
    IncidentEvent,
    Limit,
    Person,
    Severity,
    Stamp,
    State,
    Text,
    Turn,
)
from tests.cases.build import DEADLINES, DUTY, alarmed, cleared, site

WORLD = World(site(), DEADLINES, DUTY)
KEY = "L20260105-0001"


def at(seconds: float) -> Moment:
    now = int(seconds * SECOND)
    return Moment(Stamp("boot", now, 1_767_600_000 * SECOND + now, True), now)


def opened(**changes: Any) -> Incident:
    decision = machine.react(alarmed(**changes), None, KEY, (), WORLD, at(0))
    assert decision is not None
    return decision.incident


def done(incident: Incident, verb: str, person: str = "zhang", *, told: str = "", other: str = "",
         when: float = 10, world: World = WORLD, **more: Any) -> Decision:  # fmt: skip
    deed = Deed(verb, person, **more)
    decision = deeds.do(deed, incident, told.split(), other, world, at(when))
    assert decision is not None
    return decision


def through(*verbs: str) -> Incident:
    incident = opened()
    for verb in verbs:
        outcome = {"outcome": "real"} if verb == "close" else {}
        incident = done(incident, verb, **outcome).incident
    return incident


def tells(decision: Decision) -> list[tuple[str, str]]:
    return [(row.purpose, row.person) for row in decision.tell]


def refused(incident: Incident, verb: str, person: str = "zhang", **more: Any) -> str:
    with pytest.raises(NotAllowed) as caught:
        done(incident, verb, person, **more)
    assert caught.value.text.en
    return caught.value.text.zh


# --- receive, handle: the first one is responsible -------------------------------------------


def test_who_receives_first_is_responsible_whoever_handles() -> None:
    received = done(opened(), "receive", "li").incident
    assert (received.state, received.owner) == (State.received, "li")
    assert "他人签收" in refused(received, "receive", "zhang")
    handled = done(received, "handle", "zhang").incident
    assert (handled.state, handled.owner) == (State.handling, "li")
    assert "李四" in refused(handled, "handle", "zhang")
    assert deeds.do(Deed("handle", "li"), handled, (), "", WORLD, at(20)) is None


def test_each_step_has_its_own_limit() -> None:
    incident = opened()
    assert incident.deadline == 300 * SECOND
    received = done(incident, "receive", when=100)
    assert received.incident.deadline == 400 * SECOND
    assert [timer.due for timer in received.timers_set] == [400 * SECOND]
    assert done(received.incident, "handle", when=200).incident.deadline == 500 * SECOND


# --- transfer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("comment", ["", "  \n"])
def test_transfer_without_a_reason_is_refused(comment: str) -> None:
    assert "理由" in refused(opened(), "transfer", to="li", comment=comment)


@pytest.mark.parametrize("verbs", [(), ("receive",), ("receive", "handle")])
def test_transfer_to_a_person_must_be_received_anew(verbs: tuple[str, ...]) -> None:
    before = through(*verbs)
    decision = done(before, "transfer", "zhang", to="li", comment="在外地", when=50)
    after = decision.incident
    assert (after.state, after.owner, after.deadline) == (State.open, "li", 350 * SECOND)
    assert tells(decision) == [("transferred", "li")]
    event = decision.events[0]
    assert event.data["from"] == "zhang"
    assert "在外地" not in str(event.data)
    assert decision.texts == {event.data["comment"]: "在外地"}
    assert done(after, "receive", "li").incident.owner == "li"


def test_transfer_by_another_tells_who_had_it_as_well() -> None:
    decision = done(opened(), "transfer", "wang", to="li", comment="张三在休假")
    assert tells(decision) == [("transferred", "li"), ("transferred", "zhang")]


def test_transfer_to_a_place_goes_to_who_has_duty_there_and_up_its_ladder() -> None:
    decision = done(opened(), "transfer", to="1301", comment="超出职权")
    after = decision.incident
    assert (after.owner, after.charge, after.place) == ("wang", "1301", "13010103")
    above = times.ring(after, "deadline", WORLD, at(10 + 300))
    assert above is not None
    assert tells(above) == [("overdue", "wang")]  # nobody is above the street's supervisor


def test_transfer_is_refused_to_nobody_to_the_owner_and_when_closed() -> None:
    incident = opened()
    assert "转给谁" in refused(incident, "transfer", comment="x")
    assert "转给谁" in refused(incident, "transfer", to="nobody", comment="x")
    assert "张三" in refused(incident, "transfer", to="zhang", comment="x")
    closed = through("receive", "close")
    assert "已办结" in refused(closed, "transfer", to="li", comment="x")


def passed(incident: Incident, *to: str, when: int = 10, by: str = "") -> list[Decision]:
    """One after the other, a second apart, each by who has it."""
    decisions: list[Decision] = []
    for n, person in enumerate(to):
        who = by or incident.owner
        decisions.append(done(incident, "transfer", who, to=person, comment="x", when=when + n))
        incident = decisions[-1].incident
    return decisions


def test_transfer_back_and_forth_wins_no_time() -> None:
    there, back, again = passed(opened(), "li", "zhang", "li", when=50)
    assert there.incident.deadline == 350 * SECOND
    assert back.incident.deadline == again.incident.deadline == 350 * SECOND
    assert [one.events[0].data.get("because") for one in (there, back, again)] == [
        None,
        "had",
        "had",
    ]
    assert [timer.due for timer in again.timers_set if timer.kind == "deadline"] == [350 * SECOND]


def test_transfer_back_shortens_a_longer_limit() -> None:
    received = done(passed(opened(), "li")[0].incident, "receive", "li", when=20).incident
    world = WORLD._replace(limits=Limits([Limit(9_000 * SECOND, 0, stage="close")]))
    handled = done(received, "handle", "li", when=30, world=world).incident
    assert handled.deadline == 9_030 * SECOND
    back = done(handled, "transfer", "li", to="zhang", comment="x", when=100, world=world).incident
    assert (back.owner, back.deadline) == ("zhang", 400 * SECOND)


def test_reopened_case_gives_everybody_the_limit_again() -> None:
    closed = done(passed(opened(), "li")[0].incident, "receive", "li", when=20).incident
    closed = done(closed, "close", "li", outcome="real", when=20).incident
    reopened = done(closed, "reopen", "wang", comment="x", when=100).incident
    assert (reopened.had, reopened.passed) == ((reopened.owner,), 0)


def test_who_reported_a_case_hears_how_it_ended_unless_that_person_ended_it() -> None:
    incident = deeds.open_by_hand(report(person="wang"), KEY, WORLD, at(0)).incident
    assert incident.reporter == "wang"
    received = done(incident, "receive").incident
    ended = done(received, "close", told="zhang li", outcome="real")
    assert tells(ended) == [("closed", "li"), ("closed", "wang")]
    assert tells(done(received, "close", "wang", told="zhang wang", outcome="real")) == [
        ("closed", "zhang")
    ]
    left = World(site(people=(Person("li", "李四", "130101", "officer"),)), DEADLINES, DUTY)
    assert tells(done(received, "close", "li", world=left, outcome="real")) == []
    assert opened().reporter == ""


def test_supervisor_hears_of_a_case_that_is_passed_on_and_on() -> None:
    decisions = passed(opened(), *(["li", "zhang"] * 6)[: 2 * MOST])
    raised = [n for n, one in enumerate(decisions, 1) if ("escalated", "wang") in tells(one)]
    assert raised == [MOST, 2 * MOST]
    fifth = decisions[MOST - 1]
    assert fifth.incident.owner == "li"  # who has it stays responsible
    assert fifth.events[1].data["because"] == "passed"
    assert (fifth.incident.raised, fifth.incident.passed) == (fifth.events[1].seq, 0)


def test_transfer_by_or_to_a_supervisor_counts_anew() -> None:
    four = passed(opened(), "li", "zhang", "li", "zhang")[-1].incident
    assert four.passed == MOST - 1
    assert passed(four, "li", by="wang")[0].incident.passed == 0
    assert passed(four, "wang")[0].incident.passed == 0


def test_where_no_supervisor_has_duty_the_next_rung_hears() -> None:
    people = (
        Person("zhang", "张三", "130101", "assistant"),
        Person("zhao", "赵六", "130101", "assistant"),
        Person("li", "李四", "130101", "officer"),
    )
    world = World(site(people=people), DEADLINES, DUTY)
    decision = machine.react(alarmed(), None, KEY, (), world, at(0))
    assert decision is not None
    incident = decision.incident
    for n in range(MOST):
        to = "zhao" if incident.owner == "zhang" else "zhang"
        decision = done(incident, "transfer", incident.owner, to=to, comment="x", world=world)
        incident = decision.incident
        assert (("escalated", "li") in tells(decision)) == (n == MOST - 1)
    alone = World(site(people=people[:2]), DEADLINES, DUTY)
    for _ in range(2 * MOST):  # nobody is there who could hear of it
        to = "zhao" if incident.owner == "zhang" else "zhang"
        decision = done(incident, "transfer", incident.owner, to=to, comment="x", world=alone)
        incident = decision.incident
        assert len(decision.events) == 1


# --- supervise ----------------------------------------------------------------------------------


def test_a_supervisor_shortens_the_limit_and_the_owner_stays() -> None:
    received = through("receive")
    decision = done(received, "supervise", "wang", within=120 * SECOND, when=20)
    after = decision.incident
    assert (after.owner, after.state, after.deadline) == ("zhang", State.received, 140 * SECOND)
    assert tells(decision) == [("supervised", "zhang")]
    noted = done(received, "supervise", "wang", comment="请抓紧", when=20)
    assert noted.incident.deadline == received.deadline
    assert [timer.due for timer in noted.timers_set] == [received.deadline]


def test_supervise_needs_a_supervisor_and_something_to_ask() -> None:
    received = through("receive")
    assert "督导员" in refused(received, "supervise", "li", comment="快")
    assert "要求或时限" in refused(received, "supervise", "wang")
    assert "还剩 300 秒" in refused(received, "supervise", "wang", within=300 * SECOND)
    assert "1 分钟" in refused(received, "supervise", "wang", within=SECOND)
    assert "已办结" in refused(through("receive", "close"), "supervise", "wang", comment="快")
    assert done(received, "supervise", "duty", comment="请回电").incident.owner == "zhang"


# --- comment, attach ----------------------------------------------------------------------------


@pytest.mark.parametrize("verbs", [(), ("receive", "close")])
def test_a_comment_and_a_file_belong_to_it_at_any_time(verbs: tuple[str, ...]) -> None:
    before = through(*verbs)
    said = done(before, "comment", "wang", comment="已电话核实")
    assert list(said.texts.values()) == ["已电话核实"]
    kept = done(said.incident, "attach", "wang", attachment="ab" * 32)
    assert kept.incident.evidence == ("ab" * 32,)
    again = deeds.do(
        Deed("attach", "wang", attachment="ab" * 32), kept.incident, (), "", WORLD, at(30)
    )
    assert again is None
    for decision in (said, kept):
        after = decision.incident
        assert (after.state, after.owner) == (before.state, before.owner)
        assert (after.deadline, decision.tell) == (before.deadline, ())


def test_an_empty_comment_and_a_file_that_is_none_are_refused() -> None:
    assert "备注" in refused(opened(), "comment", comment=" ")
    assert "上传" in refused(opened(), "attach", attachment="../etc/passwd")
    assert "2000" in refused(opened(), "comment", comment="长" * 2_001)


# --- close, reopen --------------------------------------------------------------------------------


def test_a_false_alarm_says_of_what_kind() -> None:
    received = through("receive")
    closed = done(received, "close", outcome="false_alarm", cause="cooking", told="zhang li")
    assert (closed.incident.outcome, closed.incident.cause) == ("false_alarm", "cooking")
    assert tells(closed) == [("closed", "li")]
    assert closed.timers_set == ()
    assert {kind for _, kind in closed.timers_cleared} == {"deadline", "warn"}
    assert "误报" in refused(received, "close", outcome="real", cause="cooking")
    assert "误报" in refused(received, "close", outcome="false_alarm", cause="ghosts")


def test_reopened_it_needs_a_reason_and_goes_to_who_had_it() -> None:
    closed = through("receive", "handle", "close")
    assert "理由" in refused(closed, "reopen", "wang")
    decision = done(closed, "reopen", "wang", comment="又冒烟", told="zhang li wang", when=1000)
    after = decision.incident
    assert (after.key, after.state, after.owner) == (closed.key, State.open, "zhang")
    assert (after.outcome, after.deadline) == ("", 1300 * SECOND)
    assert tells(decision) == [("reopened", "zhang"), ("reopened", "li")]
    assert [timer.due for timer in decision.timers_set] == [1300 * SECOND]
    assert "没有办结" in refused(after, "reopen", comment="x")


def test_reopening_is_refused_while_another_is_open_for_the_same() -> None:
    closed = through("receive", "close")
    text = refused(closed, "reopen", comment="又响了", other="L20260105-0002")
    assert "L20260105-0002" in text


def test_what_sensors_did_while_it_was_closed_nobody_claims_to_know() -> None:
    reopened = done(through("receive", "close"), "reopen", comment="又冒烟").incident
    assert reopened.alarming == ()
    assert reopened.over is not None
    assert "没有新的报告" in reopened.over.zh
    assert reopened.severity is Severity.alarm
    again = machine.react(alarmed("s1"), reopened, "", (), WORLD, at(2000))
    assert again is not None
    assert tells(again) == [("again", "zhang")]
    late = machine.react(cleared("s9"), reopened, "", (), WORLD, at(2000))
    assert late is None


def test_nobody_of_the_registry_can_do_nothing_and_there_are_no_other_verbs() -> None:
    assert "名单" in refused(opened(), "receive", "nobody")
    assert "没有这种操作" in refused(opened(), "dance")


# --- by hand -----------------------------------------------------------------------------------


def report(**changes: Any) -> Report:
    usual = Report(
        title=Text("路灯倒伏", "Lamp post down"),
        why=Text("居民来电", "a resident called"),
        category=Category.facility,
        severity=Severity.warning,
        place="130101",
        person="li",
        comment="王女士 13800009999",
    )
    return msgspec.structs.replace(usual, **changes)


def test_a_case_by_hand_is_an_ordinary_one_and_keeps_the_caller_apart() -> None:
    decision = deeds.open_by_hand(report(), "F20260105-0001", WORLD, at(0))
    incident = decision.incident
    assert (incident.state, incident.owner, incident.rule) == (State.open, "zhang", "manual")
    assert decision.events[0].by == "person:li"
    assert incident.deadline == 7_200 * SECOND
    assert tells(decision) == [("opened", "zhang")]
    assert "王女士" not in str(decision.events)
    assert list(decision.texts.values()) == ["王女士 13800009999"]
    other = deeds.open_by_hand(report(), "F20260105-0002", WORLD, at(0)).incident
    assert other.same != incident.same  # each stands alone
    closed = done(done(incident, "receive").incident, "close", outcome="real").incident
    stands = done(closed, "reopen", comment="又倒了").incident
    assert stands.holding == incident.holding  # no sensor can say that it is over


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"person": "nobody"}, "名单"),
        ({"place": "9"}, "地点"),
        ({"device": "s77"}, "设备"),
        ({"title": Text(" ", " ")}, "标题"),
        ({"title": Text("长" * 201, "x")}, "200"),
        ({"why": Text("长" * 2_001, "x")}, "2000"),
    ],
)
def test_a_report_that_says_too_little_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        deeds.check_report(report(**changes), "", WORLD)
    assert words in caught.value.text.zh
    with pytest.raises(NotAllowed, match="F20260105-0001"):
        deeds.check_report(report(same="hazard:7"), "F20260105-0001", WORLD)


def test_an_empty_registry_takes_reports_by_the_duty_officer() -> None:
    nothing = msgspec.structs.replace(site(people=()), places={}, devices={})
    world = World(nothing, DEADLINES, DUTY)
    by_duty = report(person="duty", place="")
    deeds.check_report(by_duty, "", world)
    decision = deeds.open_by_hand(by_duty, "F20260105-0001", world, at(0))
    assert decision.incident.owner == "duty"


# --- time and what was stored before --------------------------------------------------------------


def old(seq: int, what: Happened, by: str, **data: Any) -> IncidentEvent:
    """An event as the version before ladders and warnings wrote it."""
    return IncidentEvent(KEY, seq, what, seq, seq, True, by, data, "", f"h{seq}")


def test_what_an_earlier_version_stored_still_folds_to_the_same_and_goes_on() -> None:
    opening = {
        "rule": "smoke", "group": "smoke", "same": "device:s1", "category": "life",
        "kind": "smoke", "place": "13010103", "owner": "zhang", "deadline": "300", "limit": "300",
        "title_zh": "烟", "title_en": "smoke", "device": "s1", "severity": "alarm", "found": "",
        "at": "1", "evidence": "", "why_zh": "浓", "why_en": "dense",
    }  # fmt: skip
    received = [
        old(1, Happened.opened, "rule:smoke", **opening),
        old(2, Happened.overdue, "timer", missed="300", deadline="900", limit="600"),
        old(3, Happened.received, "person:zhang", deadline="1200", limit="300"),
        old(4, Happened.handling, "person:li", deadline="1500", limit="300"),
    ]
    stored = Incident(
        key=KEY, rule="smoke", same="device:s1", title=Text("烟", "smoke"), category=Category.life,
        severity=Severity.alarm, kind="smoke", device="s1", place="13010103", owner="li",
        state=State.handling, opened_at=1, deadline=1500, why=Text("浓", "dense"),
        alarming=("s1",), overdue=True, events=4, head="h4", since=1, group="smoke",
        holding=(("smoke", "s1"),), severities=(Severity.alarm,), limit=300,
    )  # fmt: skip
    assert fold(received) == stored
    missed = times.ring(stored, "deadline", WORLD, at(2000))
    assert missed is not None
    assert tells(missed) == [("overdue", "li"), ("escalated", "wang")]  # from where li stands
    closed = [*received, old(5, Happened.closed, "person:li", outcome="real")]
    assert fold(closed).outcome == "real"


def test_a_worse_alarm_never_puts_the_end_off() -> None:
    incident = opened()
    change = alarmed(turn=Turn.severity, severity=Severity.critical)
    worse = machine.react(change, incident, "", (), WORLD, at(100))
    assert worse is not None
    assert worse.incident.deadline == incident.deadline


def test_who_has_left_is_replaced_even_after_receiving() -> None:
    received = through("receive")
    left = site(people=tuple(p for p in site().people.values() if p.id != "zhang"))
    world = World(left, DEADLINES, DUTY)
    decision = times.hand_over(received, world, at(50))
    assert decision is not None
    assert (decision.incident.state, decision.incident.owner) == (State.open, "li")
    assert decision.events[0].data["because"] == "left"
    assert decision.incident.deadline == 350 * SECOND
    assert tells(decision) == [("transferred", "li")]


def test_an_empty_registry_that_gets_people_takes_over_from_the_duty_officer() -> None:
    world = World(site(people=()), DEADLINES, DUTY)
    decision = machine.react(alarmed(), None, KEY, (), world, at(0))
    assert decision is not None
    assert times.hand_over(decision.incident, world, at(1)) is None
    handed = times.hand_over(decision.incident, WORLD, at(2))
    assert handed is not None
    assert handed.incident.owner == "zhang"


def test_the_ladder_skips_who_was_asked_already() -> None:
    twice = Person("zhang", "张三", "130101", "assistant")
    people = (
        twice,
        Person("li", "李四", "130101", "officer"),
        Person("li2", "李五", "1301", "officer"),
    )
    world = World(site(people=people), DEADLINES, DUTY)
    decision = machine.react(alarmed(), None, KEY, (), world, at(0))
    assert decision is not None
    incident, asked = decision.incident, []
    for n in range(1, 4):
        rung = times.ring(incident, "deadline", world, at(300 * n))
        assert rung is not None
        incident = rung.incident
        asked.append(incident.owner)
    assert asked == ["li", "li2", "li2"]
