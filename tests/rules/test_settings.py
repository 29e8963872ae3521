"""Thresholds per device and place, changing severity, tags, origin, rhythm, moved devices."""

from __future__ import annotations

import msgspec
import pytest

import rules
from gateway.document import Problems
from gateway.model import SECOND, Arming, Device, Edition, Reading, Record
from tests.rules.told import ARRIVAL, WALL, Engine, device, load, record, rule, site

DENSE = rule("when: density > high; clear: density < low; with: {high: 4 %/m, low: 2 %/m}")
AT = site(device("s1"), device("s2"), device("s3", place="CG2"))


def dense(e: Engine, second: float, value: float, name: str = "s1") -> list[str]:
    return e.report(second, {"density": value}, name)


def settings(*lines: str) -> str:
    return "settings:\n" + "".join(f"  - {{rule: r, {line}}}\n" for line in lines)


def test_a_threshold_is_inherited_down_the_tree_and_the_nearest_word_wins() -> None:
    more = settings(
        "grid: C, set: {high: 8}", "grid: CG1B1, set: {high: 6}", "device: s2, set: {high: 5}"
    )
    e = Engine(load(DENSE, more=more), AT)
    assert [dense(e, 0, v, "s3") for v in (8.0, 8.1)] == [[], ["alarmed r s3 @0"]]
    assert [dense(e, 0, v, "s1") for v in (6.0, 6.1)] == [[], ["alarmed r s1 @0"]]
    assert [dense(e, 0, v, "s2") for v in (5.0, 5.1)] == [[], ["alarmed r s2 @0"]]


def test_settings_of_several_levels_are_taken_name_by_name() -> None:
    more = settings("set: {high: 8, for: 10s}", "device: s1, set: {low: 7}")
    e = Engine(load(DENSE, more=more), AT)
    assert dense(e, 0, 9.0) == []
    assert e.wait(10) == ["alarmed r s1 @10"]
    assert dense(e, 11, 6.9) == ["cleared r s1 @11"]


def test_a_rule_can_be_taken_away_and_given_back() -> None:
    more = settings("grid: C, set: {off: true}", "device: s2, set: {off: false}")
    e = Engine(load(DENSE, more=more), AT)
    assert dense(e, 0, 9.0) == []
    assert dense(e, 0, 9.0, "s2") == ["alarmed r s2 @0"]


def test_a_setting_may_carry_another_unit_of_the_same_quantity() -> None:
    hot = rule("when: temperature > high; with: {high: 57 °C}", on="heat")
    e = Engine(load(hot, more=settings("set: {high: 100 °F}")), site(device("h1", "heat")))
    assert e.report(0, {"temperature": 38.0}, "h1", kind="heat") == ["alarmed r h1 @0"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("set: {hihg: 3}", "5:20: rule 'r' has no 'hihg'; did you mean 'high'?"),
        ("set: {high: 3 V}", "5:15: with these values 'r' is wrong: 3 is in V"),
        ("set: {for: soon}", "5:20: 'soon' is no duration"),
        ("set: {severity: bad}", "5:20: 'bad' is none of them"),
        ("set: {absent: 1h}", "5:20: rule 'r' has no 'absent'"),
        ("set: {entry: 10s}", "5:20: rule 'r' has no 'entry'"),
        ("set: {off: 1}", "5:20: off: true or false is expected"),
        ("grid: a, device: b, set: {high: 3}", "5:24: either 'grid' or 'device'"),
    ],
)
def test_a_wrong_setting_says_what_and_where(line: str, expected: str) -> None:
    body = DENSE + settings(line)
    with pytest.raises(Problems) as caught:
        rules.load([("x", "rules:\n" + body)])
    first = str(caught.value.problems[0])
    assert expected.split(": ", 1)[1] in first


def test_a_rule_over_a_place_has_no_settings() -> None:
    both = "  - {name: both, title: B, confirm: [r, q], severity: alarm, category: life}\n"
    more = "settings:\n  - {rule: both, set: {severity: critical}}\n"
    with pytest.raises(Problems) as caught:
        load(DENSE, rule("when: alarm", name="q"), both, more=more)
    assert "'both' is over a place and the same for all" in str(caught.value)


def test_a_device_that_moved_ends_its_alarm_where_it_began() -> None:
    e = Engine(load(rule("when: alarm; same: building")), AT)
    (begun,) = e.changes(0, {"alarm": True})
    e.site = site(device("s1", place="CG2"), version=2)
    (over,) = e.changes(1, {"alarm": False})
    assert (over.turn.value, over.same) == ("cleared", begun.same)


# --- severity ------------------------------------------------------------------------------


def severities(e: Engine, second: float, values: dict[str, float | bool]) -> list[str]:
    return [f"{c.turn.value} {c.severity.value}" for c in e.changes(second, values)]


def test_severity_rises_and_falls_while_the_alarm_stands() -> None:
    body = "when: density > 4; raise: [{when: density > 8, severity: critical}]"
    e = Engine(load(rule(body)), AT)
    assert severities(e, 0, {"density": 5.0}) == ["alarmed alarm"]
    assert severities(e, 1, {"density": 9.0}) == ["severity critical"]
    assert severities(e, 2, {"density": 9.5}) == []
    assert severities(e, 3, {"density": 5.0}) == ["severity alarm"]
    assert severities(e, 4, {"density": 1.0}) == ["cleared alarm"]


def test_severity_falls_only_after_keep_and_so_rings_once() -> None:
    body = "when: density > 4; keep: 10s; raise: [{when: density > 8, severity: critical}]"
    e = Engine(load(rule(body)), AT)
    assert severities(e, 0, {"density": 9.0}) == ["alarmed critical"]
    for second in range(1, 60, 4):
        assert severities(e, second, {"density": 5.0}) == []
        e.restart()
        assert severities(e, second + 2, {"density": 9.0}) == []
    assert severities(e, 60, {"density": 5.0}) == []
    e.restart()
    assert e.wait(69.9) == []
    assert e.wait(70) == ["severity r s1 @70"]


def test_an_alarm_begins_with_the_severity_that_its_values_give() -> None:
    body = "when: density > 4; raise: [{when: density > 8, severity: critical}]"
    assert severities(Engine(load(rule(body)), AT), 0, {"density": 9.0}) == ["alarmed critical"]


def test_severity_rises_with_time_also_over_a_restart() -> None:
    e = Engine(load(rule("when: alarm; raise: [{after: 10m, severity: critical}]")), AT)
    e.report(0, {"alarm": True})
    e.restart()
    assert e.wait(599) == []
    e.restart()
    assert e.wait(600) == ["severity r s1 @600"]
    e.restart()
    assert e.wait(5_000) == []
    watch = e.state.entries["s1"].active["r"]
    assert watch.severity == "critical"


def test_the_sentence_says_from_what_to_what_and_why() -> None:
    e = Engine(load(rule("when: alarm; raise: [{after: 10m, severity: critical}]")), AT)
    e.report(0, {"alarm": True})
    (change,) = rules.tick(e.ruleset, e.site, e.state, ARRIVAL + 600 * SECOND)
    assert change.why.en == (
        "severity from alarm to critical: it has lasted 10 min (alarm since 16:00:00)"
    )
    assert change.why.zh == "级别由报警变为危急：已持续 10 分钟（探测器报警，自 16:00:00 起）"


# --- a registry that changed ---------------------------------------------------------------


def test_a_stranger_that_is_registered_hands_its_alarm_on() -> None:
    e = Engine(load(rule("when: alarm; same: building")), AT)
    assert e.report(0, {"alarm": True}, "d/new") == ["alarmed r d/new @0"]
    e.site = site(device("s1"), replace_address(device("n1"), "new"), version=2)
    now = ARRIVAL + 60 * SECOND
    over, begun = rules.tick(e.ruleset, e.site, e.state, now)
    assert (over.turn.value, over.device, over.same) == ("cleared", "d/new", "device:d/new")
    assert over.why.zh == "该设备已登记为“n1”"
    assert (begun.turn.value, begun.device, begun.same) == ("alarmed", "n1", "building:CG1B1")
    e.restart()
    assert e.report(70, {"alarm": False}, "n1") == ["cleared r n1 @70"]
    assert "d/new" not in e.state.entries


def test_the_alarm_of_a_device_that_was_taken_out_of_the_registry_ends() -> None:
    e = Engine(load(rule("when: alarm; raise: [{after: 10m, severity: critical}]")), AT)
    e.report(0, {"alarm": True})
    e.site = site(device("s2"), version=2)
    (over,) = rules.tick(e.ruleset, e.site, e.state, ARRIVAL + 60 * SECOND)
    assert over.why.zh == "该设备已从登记表删除"
    assert e.wait(5_000) == []


def replace_address(one: Device, address: str) -> Device:
    """The device under another address of its driver."""
    return msgspec.structs.replace(one, address=address)


# --- which devices -------------------------------------------------------------------------


def test_devices_with_the_wrong_word_are_left_out() -> None:
    at = site(device("s1", tags=("entry_route", "old")), device("s2"))
    e = Engine(load(rule("when: alarm; not_tag: entry_route")), at)
    assert e.report(0, {"alarm": True}, "s1") == []
    assert e.report(0, {"alarm": True}, "s2") == ["alarmed r s2 @0"]
    assert e.report(0, {"alarm": True}, "stranger") == ["alarmed r stranger @0"]


def test_only_devices_with_the_word_are_looked_at() -> None:
    at = site(device("s1", tags=("kitchen", "old")), device("s2"))
    e = Engine(load(rule("when: alarm; tag: [kitchen, hall]")), at)
    assert e.report(0, {"alarm": True}, "s1") == ["alarmed r s1 @0"]
    assert e.report(0, {"alarm": True}, "s2") == []
    assert e.report(0, {"alarm": True}, "stranger") == []


@pytest.mark.parametrize(("origin", "rings"), [("here", 1), ("below", 1), ("any", 2)])
def test_a_rule_is_for_its_own_level_unless_it_says_otherwise(origin: str, rings: int) -> None:
    e = Engine(load(rule(f"when: alarm; origin: {origin}")), AT)
    told = e.report(0, {"alarm": True}, "s1")
    below = record(1, {"alarm": True}, "s2")
    assert isinstance(below.item, Reading)
    item = msgspec.structs.replace(below.item, origin=("gateway-7",))
    told += [c.device for c in e.step(msgspec.structs.replace(below, item=item))]
    assert len(told) == rings


def test_an_edition_is_remembered_over_a_restart() -> None:
    e = Engine(load(DENSE), AT)
    item = Edition("rules", "abc", WALL)
    e.step(Record(1, ARRIVAL, "b", 0, WALL, True, item))
    e.restart()
    assert e.state.editions == {"rules": "abc"}


# --- rhythm --------------------------------------------------------------------------------


RHYTHM = rule("absent: rhythm", category="trouble")
HOUR = 3_600


def hourly(e: Engine, count: int, start: float = 0) -> float:
    """So many reports, an hour apart; the second of the last one."""
    for n in range(count):
        assert e.report(start + n * HOUR, {"battery": 90.0}) == []
    return start + (count - 1) * HOUR


def test_silence_by_the_devices_own_rhythm() -> None:
    e = Engine(load(RHYTHM), site(device("s1")))
    last = hourly(e, 25)
    assert e.wait(last + 3 * HOUR - 1) == []
    assert e.wait(last + 3 * HOUR) == [f"alarmed r s1 @{last + 3 * HOUR:g}"]
    assert e.report(last + 4 * HOUR, {"battery": 90.0}) == [f"cleared r s1 @{last + 4 * HOUR:g}"]


def test_a_rhythm_is_learnt_for_a_day_and_kept_over_a_restart() -> None:
    e = Engine(load(RHYTHM), site(device("s1")))
    last = hourly(e, 20)
    e.restart()
    assert e.wait(last + 30 * HOUR) == []
    for n in range(9):
        e.report(last + (31 + n) * HOUR, {"battery": 90.0})
        e.restart()
    assert e.wait(last + 300 * HOUR) != []


def test_a_burst_is_no_other_rhythm() -> None:
    e = Engine(load(RHYTHM), site(device("s1")))
    last = hourly(e, 70)
    for n in range(1, 100):
        e.report(last + n * 10, {"density": 3.0})
    assert e.wait(last + 1_000 + HOUR) == []


def test_a_written_maximum_silence_goes_before_the_rhythm() -> None:
    e = Engine(load(RHYTHM), site(device("s1", silence=86_400)))
    last = hourly(e, 30)
    assert e.wait(last + 86_399) == []
    assert e.wait(last + 86_400) == [f"alarmed r s1 @{last + 86_400:g}"]


def test_a_device_that_changed_its_rhythm_is_learnt_anew() -> None:
    e = Engine(load(RHYTHM), site(device("s1")))
    last = hourly(e, 30)
    told = [e.report(last + n * 5 * HOUR, {"battery": 90.0}) for n in range(1, 13)]
    assert [bool(one) for one in told] == [True] * 3 + [False] * 9


def test_a_failing_rule_is_counted_and_its_neighbours_go_on() -> None:
    ruleset = load(rule("when: alarm", name="a"), rule("when: alarm", name="b"))

    def broken(get: object) -> bool:
        raise ZeroDivisionError("as if")

    object.__setattr__(ruleset.by_name["a"].when, "holds", broken)
    state = rules.State()
    changes = rules.step(ruleset, AT, state, record(0, {"alarm": True}))
    assert [change.rule for change in changes] == ["b"]
    assert state.failures == {"a": (1, "ZeroDivisionError: as if")}


def test_what_rules_take_is_measured_and_decides_nothing() -> None:
    e = Engine(load(DENSE), AT)
    ticks = iter(range(0, 100_000, 7))
    state = rules.State()
    one = record(0, {"density": 9.0})
    with_meter = rules.step(e.ruleset, AT, state, one, lambda: next(ticks))
    assert with_meter == rules.step(e.ruleset, AT, rules.State(), one)
    assert state.costs["r"].count == 1
    assert state.costs["r"].total == 7


def test_an_arming_record_needs_no_rule_that_looks_at_modes() -> None:
    e = Engine(load(DENSE), AT)
    item = Arming("CG1", "home", "person:p1", 0, WALL)
    assert e.step(Record(1, ARRIVAL, "b", 0, WALL, True, item)) == []
