"""Each stage by a table: what it is shown, and the end it names."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from gateway.clock import Arrival
from gateway.incidents.decision import Moment, World
from gateway.incidents.machine import react
from gateway.incidents.numbers import CHINA
from gateway.model import (
    MANUAL,
    SECOND,
    Category,
    End,
    OutboxRow,
    Person,
    Severity,
    Silence,
    State,
    TellingLimits,
)
from gateway.notify.channel import channels_of, in_order, unseen
from gateway.notify.facts import Facts, Look, Way
from gateway.notify.stages import STAGES, judge
from tests.cases.build import DEADLINES, DUTY, alarmed, device, site
from tests.virtual import VirtualClock


def facts(purpose="opened", heard=False, where=None, notifiers=("phone",), **changes) -> Facts:
    clock = VirtualClock()
    moment = Moment(clock.now(), Arrival(0, clock.now())(clock.now()))
    where = where or site()
    world = World(where, DEADLINES, DUTY)
    decision = react(alarmed(), None, "L20260105-0001", (), world, moment)
    assert decision is not None
    incident = msgspec.structs.replace(decision.incident, **changes)
    row = OutboxRow(id=1, incident="L1", seq=1, purpose=purpose, person="zhang", due=0)
    return Facts(row, incident, where, where.people["zhang"], heard, notifiers)


TROUBLE = {"category": Category.trouble}
BYPASSED = site(device("s1", state="bypassed"))


@pytest.mark.parametrize(
    ("given", "end"),
    [
        (facts(), None),
        (facts(state=State.closed), "superseded"),
        (facts("again", state=State.closed), "superseded"),
        (facts("closed", heard=True, state=State.closed), None),
        (facts("closed", heard=False, state=State.closed), "superseded"),
        (facts("closed", heard=False, state=State.closed, reporter="zhang"), None),
        (facts("overdue", warned=1), None),
        (facts("overdue", warned=1, state=State.received), None),
        (facts("overdue", warned=0), "superseded"),
        (facts("overdue", warned=2), "superseded"),
        (facts("warned", early=1), None),
        (facts("warned", early=0), "superseded"),
        (facts("escalated", warned=0), None),
        (facts("escalated", warned=1), "superseded"),
        (facts("escalated", warned=1, raised=1), None),  # passed on too often: its owner has it
        (facts("escalated", state=State.received, warned=1, raised=1), None),
        (facts("answer", state=State.closed), None),
        (facts("answer", where=BYPASSED), None),
        (facts("cleared", heard=True), "superseded"),
        (facts("cleared", heard=True, alarming=()), None),
        (facts("cleared", heard=False, alarming=()), "cleared_before_sending"),
        (facts(alarming=()), None),
        (facts(alarming=(), **TROUBLE), "cleared_before_sending"),
        (facts("again", alarming=(), **TROUBLE), "cleared_before_sending"),
        (facts("overdue", alarming=(), warned=1, **TROUBLE), None),
        (facts(where=BYPASSED), "silenced"),
        (facts("overdue", where=BYPASSED, warned=1), "silenced"),
        (facts(where=BYPASSED, alarming=("s1", "unknown")), None),
        (facts("cleared", where=BYPASSED, heard=True, alarming=()), None),
        (facts("supervised", where=BYPASSED), None),
        (facts("reopened", where=BYPASSED), None),
        (facts(where=BYPASSED, rule=MANUAL), None),  # a person reports it, and not the sensor
        (facts(notifiers=()), "failed_all_channels"),
    ],
)
def test_stage_names_the_end(given: Facts, end: str | None) -> None:
    verdict = judge(given)
    assert (verdict.end.value if verdict else None) == end
    assert verdict is None or verdict.why


def test_stages_stand_in_the_documented_order() -> None:
    assert [stage.__name__ for stage in STAGES] == [
        "superseded", "silence", "inhibit", "cleared_before_sending", "unheard",
        "storm", "duty", "quota", "channel",
    ]  # fmt: skip


def test_person_without_a_configured_channel_gets_every_notifier() -> None:
    person = site().people["li"]
    assert channels_of(person, ["paper", "phone", "x"]) == ["phone", "paper"]
    assert channels_of(person, ["x", "y"]) == ["x", "y"]
    assert channels_of(site().people["wang"], ["x", "y"]) == ["x", "y"]


NOW = 1_000 * SECOND
DAY = 86_400 * SECOND


def silence(**what: Any) -> Silence:
    given = {"place": "", "device": "", "rule": "", "category": "", **what}
    return Silence(
        id=7,
        since=0,
        until=given.pop("until", DAY),
        because="换电池",
        by="person:li",
        made=0,
        **given,
    )


def at(hour: int, minute: int = 0) -> int:
    """Wall ns of a local time in China."""
    return int(datetime(2026, 1, 5, hour, minute, tzinfo=CHINA).timestamp()) * SECOND


def person(**changes: Any) -> Person:
    return msgspec.structs.replace(site().people["zhang"], **changes)


def look(given: Facts, **more: Any) -> Facts:
    return given._replace(now=NOW, **more)


@pytest.mark.parametrize(
    ("given", "end"),
    [
        (silence(device="s1"), "silenced"),
        (silence(device="s2"), None),
        (silence(place="13010103"), "silenced"),
        (silence(place="13010103", until=DAY + 1), None),  # life: 24 h at most
        (silence(place="130101"), None),  # life: a building, not a grid
        (silence(rule="smoke_alarm"), None),
        (silence(category="life"), None),
        (silence(device="s1", rule="other"), None),
        (silence(device="s1", category="life"), "silenced"),
    ],
)
def test_life_safety_is_silenced_by_device_or_building_for_a_day_only(given, end) -> None:
    verdict = judge(look(facts(), silences=[given]))
    assert (verdict.end.value if verdict else None) == end


@pytest.mark.parametrize(
    ("given", "end"),
    [
        (silence(place="1301", until=20 * DAY), "silenced"),
        (silence(rule="smoke_alarm"), "silenced"),
        (silence(rule="low"), None),
        (silence(category="trouble"), "silenced"),
        (silence(category="facility"), None),
        (silence(place="1301", category="facility"), None),
    ],
)
def test_other_categories_are_silenced_by_place_rule_or_category(given, end) -> None:
    verdict = judge(look(facts(**TROUBLE), silences=[given]))
    assert (verdict.end.value if verdict else None) == end


def test_every_device_that_alarms_has_to_be_silenced_or_out_of_use() -> None:
    both = {"alarming": ("s1", "s2")}
    assert judge(look(facts(**both), silences=[silence(device="s1")])) is None
    where = site(device("s1"), device("s2", state="bypassed"))
    verdict = judge(look(facts(where=where, **both), silences=[silence(device="s1")]))
    assert verdict is not None
    assert verdict.why == "maintenance silence 7 by person:li: 换电池"


def test_what_has_a_known_root_cause_is_not_told_unless_it_is_life_or_an_end() -> None:
    verdict = judge(look(facts(**TROUBLE), cause="T1, driver down"))
    assert verdict is not None
    assert (verdict.end, verdict.why) == (End.inhibited, "because of T1, driver down")
    assert judge(look(facts(), cause="T1")) is None
    assert judge(look(facts("answer", **TROUBLE), cause="T1")) is None
    told = facts("cleared", heard=True, alarming=(), **TROUBLE)
    assert judge(look(told, cause="T1")) is None


def test_a_further_message_is_pointless_once_somebody_looks_or_the_limit_has_passed() -> None:
    def further(**changes: Any) -> str:
        given = facts(**changes)
        row = msgspec.structs.replace(given.row, rung=1, held="unseen")
        verdict = judge(given._replace(row=row))
        return verdict.end.value if verdict else ""

    assert further() == ""
    assert further(state=State.received) == "superseded"
    assert further(warned=2) == "superseded"
    assert further(owner="li") == "superseded"  # transferred: who gave it away is left in peace


def test_an_alarm_that_a_night_held_is_told_though_it_is_over() -> None:
    given = facts(alarming=(), **TROUBLE)
    held = given._replace(row=msgspec.structs.replace(given.row, held="quiet"))
    assert judge(held) is None


@pytest.mark.parametrize(
    ("single", "digest", "leader", "held"),
    [
        (0, None, 0, None),
        (2, None, 0, None),
        (3, None, 0, 60),
        (0, NOW - 100 * SECOND, 0, 200),
        (0, NOW - 299 * SECOND, 0, 1),
        (0, None, 9, "merged"),
    ],
)
def test_the_first_few_pass_the_storm_and_the_rest_waits(single, digest, leader, held) -> None:
    given = look(facts(**TROUBLE), look=Look(single, digest, leader))
    verdict = judge(given)
    if held is None:
        assert verdict is None
    elif held == "merged":
        assert verdict is not None
        assert (verdict.end, verdict.into) == (End.merged, 9)
    else:
        assert verdict is not None
        assert (verdict.end, verdict.held, verdict.until) == (None, "storm", NOW + held * SECOND)


def test_life_safety_waits_ten_seconds_at_most_and_a_siren_not_at_all() -> None:
    given = look(facts(), look=Look(single=3))
    verdict = judge(given)
    assert verdict is not None
    assert verdict.until == NOW + 10 * SECOND
    siren = msgspec.structs.replace(given.row, person="notifier:siren")
    assert judge(given._replace(row=siren)) is None


@pytest.mark.parametrize("change", [{"attempts": 1}, {"held": "storm"}, {"held": "quota"}])
def test_what_has_passed_the_storm_once_is_not_held_again(change: dict[str, Any]) -> None:
    given = look(facts(**TROUBLE), look=Look(single=3, leader=9))
    assert judge(given._replace(row=msgspec.structs.replace(given.row, **change))) is None


def test_who_has_no_duty_is_spared_and_the_one_who_has_it_is_told() -> None:
    people = site().people
    verdict = judge(look(facts(owner="somebody above"), duty=[people["li"], people["wang"]]))
    assert verdict is not None
    assert (verdict.end, verdict.instead) == (End.not_on_duty, ("li",))
    verdict = judge(look(facts(owner="li"), duty=[people["li"], people["wang"]]))
    assert verdict is not None
    assert (verdict.end, verdict.instead) == (End.not_on_duty, ())  # who owns it was told so
    assert judge(look(facts(owner="zhang"), duty=[people["li"]])) is None  # owners are told
    assert judge(look(facts(owner="li"), duty=[people["li"], people["zhang"]])) is None
    assert judge(look(facts(owner="li"))) is None  # nobody has duty
    end = facts("closed", heard=True, owner="li", state=State.closed)
    assert judge(look(end, duty=[people["li"]])) is None


@pytest.mark.parametrize(
    ("quiet", "wall", "left"),
    [
        ("22:00-06:30", at(23), 7.5 * 3_600),
        ("22:00-06:30", at(3), 3.5 * 3_600),
        ("22:00-06:30", at(6, 29), 60),
        ("22:00-06:30", at(6, 30), 0),
        ("22:00-06:30", at(12), 0),
        ("12:00-14:00", at(13), 3_600),
        ("12:00-14:00", at(14), 0),
        ("00:00-00:00", at(5), 0),
        ("22:00-06:30", 0, 0),  # nobody knows what time it is
        ("nonsense", at(23), 0),
        ("", at(23), 0),
    ],
)
def test_quiet_hours_hold_until_they_end(quiet: str, wall: int, left: float) -> None:
    given = look(facts(**TROUBLE), person=person(quiet=quiet), wall=wall, zone=CHINA)
    verdict = judge(given)
    if not left:
        assert verdict is None
        return
    assert verdict is not None
    assert (verdict.held, verdict.until) == ("quiet", NOW + int(left * SECOND))


def test_life_safety_and_what_is_critical_ring_at_night() -> None:
    night = {"person": person(quiet="22:00-06:30"), "wall": at(3), "zone": CHINA}
    assert judge(look(facts(), **night)) is None
    critical = facts(severity=Severity.critical, **TROUBLE)
    assert judge(look(critical, **night)) is None


MINUTE = 60 * SECOND


@pytest.mark.parametrize(
    ("life", "waits", "held"),
    [
        (True, (0, 0), None),
        (True, (MINUTE, 0), None),  # the next channel is free
        (True, (MINUTE, 2 * MINUTE), MINUTE),
        (False, (0, 0), None),
        (False, (MINUTE, 0), MINUTE),  # a little patience for the person's first channel
        (False, (MINUTE + 1, 0), None),
        (False, (3 * MINUTE, 2 * MINUTE), 2 * MINUTE),
    ],
)
def test_quota_holds_until_a_channel_is_free(life, waits, held) -> None:
    given = facts() if life else facts(**TROUBLE)
    ways = [Way(f"c{n}", wait) for n, wait in enumerate(waits)]
    verdict = judge(look(given, ways=ways))
    assert (verdict.until - NOW if verdict else None) == held
    assert verdict is None or verdict.held == "quota"


def test_of_what_a_quota_holds_more_than_a_few_are_merged() -> None:
    given = look(facts(**TROUBLE), ways=[Way("c", MINUTE)], behind=[4, 5, 6])
    verdict = judge(given)
    assert verdict is not None
    assert (verdict.end, verdict.into) == (End.merged, 6)
    leading = judge(given._replace(leads=True))
    assert leading is not None
    assert leading.held == "quota"
    life = judge(look(facts(), ways=[Way("c", MINUTE)], behind=[4, 5, 6]))
    assert life is not None
    assert life.held == "quota"


def test_channels_are_tried_in_the_order_that_helps() -> None:
    given = facts()
    row, incident, names = given.row, given.incident, ["a", "b", "c"]
    assert in_order(names, row, incident) == ["a", "b", "c"]
    assert in_order(names, row, incident, away={"a"}) == ["b", "c", "a"]
    assert in_order(names, row, incident, told_by="c", away={"c"}) == ["c", "a", "b"]
    second = msgspec.structs.replace(row, rung=1)
    assert in_order(names, second, incident) == ["b", "c", "a"]
    broken = msgspec.structs.replace(incident, device="gateway/channel:a")
    assert in_order(["a"], row, broken, others=["x", "a", "y"]) == ["x", "y", "a"]
    assert in_order([], row, incident) == []


def test_the_next_channel_is_tried_after_a_while_and_after_the_last_one_none() -> None:
    given, limits = facts(), TellingLimits()
    told = msgspec.structs.replace(given.row, channel="a")
    again = unseen(told, given.incident, ["a", "b"], limits, NOW)
    assert again is not None
    assert (again.rung, again.due, again.held) == (1, NOW + 60 * SECOND, "unseen")
    other = facts(**TROUBLE)
    again = unseen(told, other.incident, ["a", "b"], limits, NOW)
    assert again is not None
    assert again.due == NOW + 300 * SECOND
    last = msgspec.structs.replace(told, channel="b", rung=1)
    assert unseen(last, given.incident, ["a", "b"], limits, NOW) is None
    for purpose in ("transferred", "escalated", "reopened"):  # who has it now has to see it too
        asked = msgspec.structs.replace(told, purpose=purpose)
        assert unseen(asked, given.incident, ["a", "b"], limits, NOW) is not None
    overdue = msgspec.structs.replace(told, purpose="overdue")
    assert unseen(overdue, given.incident, ["a", "b"], limits, NOW) is None


def test_what_is_critical_is_not_merged_into_what_quiet_hours_hold() -> None:
    asleep = Look(leader=9, asleep=True)
    verdict = judge(look(facts(**TROUBLE), look=asleep))
    assert verdict is not None
    assert verdict.into == 9
    assert judge(look(facts(severity=Severity.critical, **TROUBLE), look=asleep)) is None
