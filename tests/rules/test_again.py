"""An alarm that stands and is said once more: another one, when ``again`` has passed."""

import msgspec
import pytest

import rules
from gateway.model import SECOND, Evidence, Value
from tests.rules.told import ARRIVAL, WALL, Engine, device, keep, load, rule, site

PRESS: dict[str, Value] = {"alarm": True}


def engine(*written: str) -> Engine:
    return Engine(load(*written), site(device("s1")))


def test_a_press_rings_again_ten_minutes_after_the_last_that_rang() -> None:
    e = engine(rule("when: alarm"))
    assert e.report(0, PRESS) == ["alarmed r s1 @0"]
    assert e.report(599, PRESS) == []
    assert e.report(601, PRESS) == ["alarmed r s1 @601"]
    assert e.report(1200, PRESS) == []
    assert e.report(1201, PRESS) == ["alarmed r s1 @1201"]
    assert e.report(1202, {"alarm": False}) == ["cleared r s1 @1202"]
    assert e.report(1203, PRESS) == ["alarmed r s1 @1203"]


def test_the_change_tells_of_the_new_report() -> None:
    e = engine(rule("when: density > 4; again: 10s"))
    e.changes(0, {"density": 5.0}, evidence=Evidence("image/jpeg", "aa" * 32, 7))
    picture = Evidence("image/jpeg", "bb" * 32, 7)
    (change,) = e.changes(10, {"density": 6}, n=9, age=2, evidence=picture)
    assert (change.at, change.now) == (WALL + 8 * SECOND, ARRIVAL + 10 * SECOND)
    assert (change.record, change.found, change.evidence) == (9, "", picture)
    assert change.why.en == "density 6 %/m above 4 since 16:00:08"
    (found,) = rules.standing(e.ruleset, e.site, e.state, ARRIVAL + 11 * SECOND)
    assert (found.at, found.why, found.evidence) == (change.at, change.why, picture)
    (change,) = e.changes(20, {"density": 6.0})
    assert change.evidence is None


@pytest.mark.parametrize("category", ["life", "intrusion"])
@pytest.mark.parametrize(
    "more", [{"retained": True}, {"late": True}, {"late": True, "age": 400}, {"retained": True, "age": 9}]
)  # fmt: skip
def test_what_is_not_live_rings_no_second_time(category: str, more: dict[str, object]) -> None:
    e = engine(rule("when: alarm; again: 10s", category=category))
    e.report(0, PRESS)
    assert e.report(500, PRESS, **more) == []
    assert e.report(501, PRESS) == ["alarmed r s1 @501"]


def test_a_test_rings_no_second_time() -> None:
    e = engine(rule("when: alarm; again: 10s"), rule("when: test; again: 10s", name="q"))
    assert e.report(0, {"alarm": True, "test": True}) == ["alarmed r s1 @0", "alarmed q s1 @0"]
    assert e.report(60, {"alarm": True, "test": True}) == []
    assert e.report(61, PRESS) == ["alarmed r s1 @61", "cleared q s1 @61"]


@pytest.mark.parametrize(
    ("when", "first", "then", "rings"),
    [
        ("alarm", {"alarm": True}, {"battery": 9.0}, False),
        ("alarm", {"alarm": True}, {"alarm": "yes"}, False),
        ("alarm and not test", {"alarm": True}, {"test": False}, False),
        ("alarm and armed", {"alarm": True, "armed": True}, {"armed": True}, False),
        ("alarm and armed", {"alarm": True, "armed": True}, {"alarm": True}, True),
        ("alarm or density > 4", {"alarm": True}, {"density": 1.0}, False),
        ("alarm or density > 4", {"alarm": True}, {"density": 5}, True),
        ("alarm and density > 4", {"alarm": True, "density": 5.0}, {"alarm": True}, False),
        ("extra.n == 1 or alarm", {"alarm": True}, {"extra.n": 1}, True),
    ],
)
def test_only_what_the_report_says_itself_counts(
    when: str, first: dict[str, Value], then: dict[str, Value], rings: bool
) -> None:
    e = engine(rule(f"when: {when}; again: 10s"))
    assert e.report(0, first) == ["alarmed r s1 @0"]
    assert e.report(60, then) == (["alarmed r s1 @60"] if rings else [])


def test_a_detector_known_as_disarmed_does_not_ring_again() -> None:
    e = engine(rule("when: alarm and armed; clear: not alarm; again: 10s", category="intrusion"))
    e.report(0, PRESS)
    assert e.report(20, {"armed": False}) == []
    assert e.report(40, PRESS) == []
    assert e.report(60, {"alarm": True, "armed": True}) == ["alarmed r s1 @60"]


def test_what_waits_to_begin_has_not_rung() -> None:
    e = engine(rule("when: alarm; for: 60s; again: 10s"))
    assert e.report(0, PRESS) == []
    assert e.report(30, PRESS) == []
    assert e.wait(60) == ["alarmed r s1 @60"]
    assert e.report(69, PRESS) == []
    assert e.report(70, PRESS) == ["alarmed r s1 @70"]


def test_an_alarm_that_returns_while_it_clears_rings_when_it_is_time() -> None:
    e = engine(rule("when: alarm; keep: 60s; again: 30s"))
    e.report(0, PRESS)
    e.report(10, {"alarm": False})
    assert e.report(20, PRESS) == []
    e.report(25, {"alarm": False})
    assert e.report(40, PRESS) == ["alarmed r s1 @40"]
    assert e.wait(1000) == []
    assert e.report(1001, {"alarm": False}) == []
    assert e.wait(1061) == ["cleared r s1 @1061"]


def test_between_the_thresholds_nothing_rings_again() -> None:
    e = engine(rule("when: density > 4; clear: density < 2; again: 10s"))
    e.report(0, {"density": 5.0})
    assert e.report(60, {"density": 3.0}) == []
    assert e.report(61, {"density": 4.5}) == ["alarmed r s1 @61"]


def test_a_clock_that_went_back_does_not_hide_the_next_press() -> None:
    e = engine(rule("when: alarm; again: 10s"))
    e.report(0, PRESS)
    assert e.report(60, PRESS, age=200) == ["alarmed r s1 @60 late"]
    assert e.report(61, PRESS, age=200) == []
    assert e.report(70, PRESS, age=200) == ["alarmed r s1 @70"]


def test_reports_that_overtook_each_other_ring_no_second_time() -> None:
    e = engine(rule("when: alarm; clear: density < 1; again: 10s", category="intrusion"))
    e.report(0, PRESS)
    e.report(60, {"alarm": False})
    assert e.report(60.5, PRESS, age=5) == []
    assert e.report(61, PRESS) == ["alarmed r s1 @61"]


def test_never_and_a_wall_clock_that_jumps() -> None:
    e = engine(rule("when: alarm; again: never"), rule("when: alarm", name="q"))
    e.report(0, PRESS)
    assert e.report(300, PRESS, jump=86_400) == []
    assert e.report(601, PRESS, jump=-86_400) == ["alarmed q s1 @601"]
    assert e.report(10_000_000, {"battery": 9.0}) == []


def test_a_restart_and_a_changed_again_keep_what_is_counted() -> None:
    e = engine(rule("when: alarm; for: 5s"))
    e.report(0, PRESS)
    e.wait(5)
    e.restart()
    assert e.report(604, PRESS) == []
    e.ruleset = load(rule("when: alarm; for: 5s; again: 700s"))
    e.restart()
    assert e.report(704, PRESS) == []
    assert e.report(705, PRESS) == ["alarmed r s1 @705"]
    assert e.ruleset.rules[0].digest == load(rule("when: alarm; for: 5s")).rules[0].digest


def test_a_changed_again_does_not_restart_what_waits() -> None:
    e = engine(rule("when: alarm; for: 10s"))
    e.report(0, PRESS)
    e.ruleset = load(rule("when: alarm; for: 10s; again: 5s"))
    assert e.wait(10) == ["alarmed r s1 @10"]


def test_state_saved_before_there_was_an_again_loads_and_the_next_press_rings() -> None:
    e = engine(rule("when: alarm"))
    e.report(0, PRESS)
    keep(e.saved, e.state)
    *entry, active = msgspec.msgpack.decode(e.saved["device:s1"])[:8]
    older = {"r": active["r"][:10]}
    e.saved["device:s1"] = msgspec.msgpack.encode([*entry, older])
    e.state = rules.State.restore(e.saved)
    assert e.state.refused == {}
    assert e.report(1, {"battery": 9.0}) == []
    assert e.report(2, PRESS) == ["alarmed r s1 @2"]
    assert e.report(3, PRESS) == []
