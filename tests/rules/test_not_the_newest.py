"""Reports that are no simple news: late, retained, out of order, by a clock that went back, tests."""

import pytest

import rules
from gateway.model import SECOND
from tests.rules.told import ARRIVAL, WALL, Engine, device, load, rule, site


def engine(*written: str) -> Engine:
    return Engine(load(*written), site(device("s1")))


# --- only known --------------------------------------------------------------------------


def test_one_live_name_of_the_condition_makes_the_quiet_ones_news() -> None:
    e = engine(rule("when: alarm and density > 4", category="facility"))
    assert e.report(0, {"alarm": True, "density": 5.0}, retained=True) == []
    assert e.report(1, {"battery": 9.0}) == []
    e.restart()
    assert e.report(2, {"battery": 8.0}) == []
    assert e.report(3, {"density": 6.0}) == ["alarmed r s1 @3"]


def test_a_value_that_was_live_once_is_not_quiet() -> None:
    e = engine(rule("when: alarm", category="facility"))
    e.report(0, {"alarm": False}, retained=True)
    e.report(1, {"alarm": True})
    e.ruleset = load(rule("when: alarm", name="q", category="facility"))
    assert e.report(2, {"battery": 9.0}) == ["cleared r s1 @2", "alarmed q s1 @2"]


def test_a_life_alarm_found_at_start_rings_under_a_new_rule_without_its_name() -> None:
    e = engine(rule("when: alarm"))
    e.report(0, {"alarm": True}, retained=True)
    e.ruleset = load(rule("when: alarm", name="q"))
    assert e.report(1, {"battery": 9.0}) == ["cleared r s1 @1", "alarmed q s1 @1"]


# --- reports that are older than what is known ---------------------------------------------


@pytest.mark.parametrize(("age", "late"), [(1, False), (20, False), (100, False), (28_800, True)])
def test_a_life_alarm_older_than_what_is_known_rings(age: float, late: bool) -> None:
    e = engine(rule("when: alarm; keep: 5s"))
    e.report(0, {"alarm": False})
    (change,) = e.changes(0.5, {"alarm": True}, age=age, late=late)
    assert (change.found, change.at) == ("late", WALL + SECOND // 2 - int(age * SECOND))
    assert "alarm since" in change.why.en
    assert e.report(5, {"battery": 9.0}) == []
    assert e.wait(60) == []
    assert e.report(61, {"alarm": False}, age=age, late=late) in (
        [],  # ``keep`` counts from the event, or from the arrival where event times went back
        ["cleared r s1 @61" + (" late" if late else "")],
    )
    e.wait(70)
    assert e.state.entries["s1"].active == {}


def test_an_older_report_ends_no_alarm() -> None:
    e = engine(rule("when: alarm"))
    assert e.report(0, {"alarm": True}) == ["alarmed r s1 @0"]
    for age in (1, 50, 500):
        assert e.report(0.5, {"alarm": False}, age=age, late=age > 300) == []
    assert e.report(60, {"alarm": False}) == ["cleared r s1 @60"]


def test_an_alarm_after_an_older_report_that_it_is_over_is_said_again() -> None:
    e = engine(rule("when: alarm"))
    e.report(0, {"alarm": True})
    assert e.report(10, {"alarm": False}, age=28_800, late=True) == []
    assert e.report(11, {"battery": 9.0}) == []
    e.restart()
    again = ["alarmed r s1 @60 late"]
    assert e.report(60, {"alarm": True}, age=28_800, late=True) == again
    assert e.report(61, {"alarm": True}, age=28_800, late=True) == []
    assert e.report(70, {"alarm": False}, age=28_800, late=True) == ["cleared r s1 @70 late"]


def test_the_alarm_after_one_that_came_late_is_said_again() -> None:
    e = engine(rule("when: alarm"))
    e.report(0, {"alarm": False})
    assert e.report(1, {"alarm": True}, age=400, late=True) == ["alarmed r s1 @1 late"]
    assert e.report(900, {"alarm": True}) == ["alarmed r s1 @900"]
    assert e.report(901, {"alarm": True}) == []


def test_an_older_alarm_ends_clearing() -> None:
    e = engine(rule("when: alarm; keep: 30s"))
    e.report(0, {"alarm": True})
    e.report(10, {"alarm": False})
    assert e.report(11, {"alarm": True}, age=5) == []
    assert e.wait(100) == []


def test_for_counts_from_the_arrival_of_an_older_report() -> None:
    e = engine(rule("when: density > 4; for: 10m"))
    e.report(0, {"density": 1.0})
    assert e.report(1, {"density": 5.0}, age=7200, late=True) == []
    e.report(2, {"density": 1.0})
    assert e.wait(1000) == []
    assert e.report(1001, {"density": 5.0}, age=1200, late=True) == []
    (change,) = rules.tick(e.ruleset, e.site, e.state, ARRIVAL + 1601 * SECOND)
    assert (change.found, change.at) == ("late", WALL + 1601 * SECOND)


@pytest.mark.parametrize(
    ("age", "late", "expected"),
    [
        (20, False, []),
        (100, False, ["alarmed r s1 @1 late"]),
        (400, True, []),
    ],
)
def test_an_older_report_of_no_life_rings_where_the_clock_went_back(
    age: float, late: bool, expected: list[str]
) -> None:
    e = engine(rule("when: alarm", category="intrusion"))
    e.report(0, {"alarm": False})
    assert e.report(1, {"alarm": True}, age=age, late=late) == expected


def test_only_the_values_of_the_condition_are_believed() -> None:
    e = engine(rule("when: alarm"))
    e.report(10, {"alarm": False, "density": 2.0})
    e.report(11, {"alarm": True, "density": 1.0}, age=5)
    assert e.state.entries["s1"].values == {"alarm": True, "density": 2.0}


def test_a_newer_and_an_older_value_of_one_report_ring_together() -> None:
    e = engine(rule("when: alarm and density > 4"))
    e.report(10, {"alarm": True})
    assert e.report(11, {"alarm": False, "density": 5.0}, age=5) == ["alarmed r s1 @11"]


# --- tests -----------------------------------------------------------------------------------


def test_a_test_begins_nothing_and_ends_nothing() -> None:
    e = engine(rule("when: alarm and not test; for: 5s"))
    e.report(0, {"alarm": True, "test": True})
    e.report(1, {"battery": 9.0})
    e.restart()
    e.report(2, {"battery": 8.0})
    assert e.wait(10) == []
    e.report(11, {"alarm": True})
    e.report(12, {"alarm": True, "test": True})
    assert e.wait(16) == ["alarmed r s1 @16"]
    assert e.report(20, {"alarm": True, "test": True}) == []
    assert e.report(21, {"alarm": False, "test": True}) == ["cleared r s1 @21"]


def test_a_test_counts_only_for_the_report_it_comes_in() -> None:
    e = engine(rule("when: alarm and not test"), rule("when: test", name="q", category="trouble"))
    (change,) = e.changes(0, {"alarm": True, "test": True})
    assert (change.rule, change.why.en) == ("q", "being tested since 16:00:00")
    assert e.report(1, {"alarm": True, "test": True}) == []
    assert e.report(2, {"alarm": True}) == ["alarmed r s1 @2", "cleared q s1 @2"]
    assert e.state.entries["s1"].values == {"alarm": True}
