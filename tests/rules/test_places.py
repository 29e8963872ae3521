"""Rules over a place, and rules that hold others back."""

from __future__ import annotations

from tests.rules.told import Engine, device, load, rule, site

FIRE = (
    rule("when: alarm; same: building; incident: fire", name="smoke"),
    rule("when: alarm; same: building; incident: fire", name="heat", on="heat"),
    "  - {name: sure, title: Sure, confirm: [smoke, heat], within: 5m, same: building,"
    " incident: fire, severity: critical, category: life}\n",
)
AT = site(
    device("s1"), device("s2"), device("h1", "heat"), device("s9", place="CG2"),
    device("x1", driver="mqtt"), device("x2", driver="bus"),
)  # fmt: skip


def engine(*written: str, more: str = "") -> Engine:
    return Engine(load(*written, more=more), AT)


def heat(e: Engine, second: float, alarm: bool) -> list[str]:
    return e.report(second, {"alarm": alarm}, "h1", kind="heat")


def test_two_devices_of_a_building_confirm_each_other() -> None:
    e = engine(*FIRE)
    assert e.report(0, {"alarm": True}, "s1") == ["alarmed smoke s1 @0"]
    (first, second) = e.changes(200, {"alarm": True}, "s2")
    assert (second.rule, second.same, second.incident) == ("sure", "building:CG1B1", "fire")
    assert second.severity == "critical"
    assert second.why.en == "several alarms in one place: s1 (T), s2 (T) at 16:03:20"
    assert first.rule == "smoke"


def test_one_device_alone_confirms_nothing_however_often() -> None:
    e = engine(*FIRE)
    for second in range(0, 60, 10):
        e.report(second, {"alarm": True}, "s1")
        assert "sure" not in str(e.report(second + 5, {"alarm": False}, "s1"))


def test_a_detector_of_another_building_confirms_nothing() -> None:
    e = engine(*FIRE)
    e.report(0, {"alarm": True}, "s1")
    assert e.report(1, {"alarm": True}, "s9") == ["alarmed smoke s9 @1"]


def test_an_alarm_that_is_over_counts_for_its_time() -> None:
    e = engine(*FIRE)
    e.report(0, {"alarm": True}, "s1")
    e.report(10, {"alarm": False}, "s1")
    assert heat(e, 299, True) == ["alarmed heat h1 @299", "alarmed sure h1 @299"]
    assert e.wait(1000) == ["cleared sure h1 @300"]
    heat(e, 1001, False)
    assert e.report(1302, {"alarm": True}, "s1") == ["alarmed smoke s1 @1302"]


def test_what_none_of_its_alarms_says_any_more_is_over() -> None:
    e = engine(*FIRE)
    e.report(0, {"alarm": True}, "s1")
    e.report(1, {"alarm": True}, "s2")
    assert e.report(10, {"alarm": False}, "s1") == ["cleared smoke s1 @10"]
    assert e.report(20, {"alarm": False}, "s2") == ["cleared smoke s2 @20", "cleared sure s2 @20"]


def test_an_alarm_that_has_stood_for_days_confirms_nothing() -> None:
    e = engine(*FIRE)
    day = 86_400
    for hour in range(49):  # it says so again every hour
        e.report(hour * 3_600, {"alarm": True}, "s1")
    assert "sure" not in str(heat(e, 2 * day + 1, True))
    e.report(2 * day + 2, {"alarm": False}, "s1")
    e.restart()
    assert "alarmed sure s2" in str(e.report(2 * day + 3, {"alarm": True}, "s2"))


def test_kinds_are_counted_where_they_are_asked_for() -> None:
    e = engine(*FIRE[:2], FIRE[2].replace("within: 5m", "within: 5m, kinds: 2"))
    e.report(0, {"alarm": True}, "s1")
    assert e.report(1, {"alarm": True}, "s2") == ["alarmed smoke s2 @1"]
    assert heat(e, 2, True) == ["alarmed heat h1 @2", "alarmed sure h1 @2"]


def test_what_is_only_recorded_rings_nobody_and_confirms() -> None:
    e = engine(FIRE[0].replace("when:", "alone: record\n    when:"), *FIRE[1:])
    assert e.report(0, {"alarm": True}, "s1") == []
    assert heat(e, 1, True) == ["alarmed heat h1 @1", "alarmed sure h1 @1"]
    assert e.report(2, {"alarm": False}, "s1") == []


def test_a_restart_in_the_middle_still_confirms_and_still_ends() -> None:
    e = engine(*FIRE)
    e.report(0, {"alarm": True}, "s1")
    e.restart()
    assert heat(e, 10, True) == ["alarmed heat h1 @10", "alarmed sure h1 @10"]
    e.restart()
    assert heat(e, 400, False) == ["cleared heat h1 @400", "cleared sure h1 @400"]
    assert e.state.groups != {}  # the smoke alarm stands
    e.restart()
    assert e.report(500, {"alarm": False}, "s1") == ["cleared smoke s1 @500"]
    assert e.state.groups == {}


def test_a_rule_over_a_place_that_is_gone_says_so() -> None:
    e = engine(*FIRE)
    e.report(0, {"alarm": True}, "s1")
    heat(e, 1, True)
    e.restart()
    e.ruleset = load(*FIRE[:2])
    assert heat(e, 2, True) == ["cleared sure h1 @2"]


# --- held back -----------------------------------------------------------------------------

DOWN = rule("when: driver_down", name="down", on="gateway", category="system")
SILENT = rule(
    "absent: 60s; inhibit: down; inhibit_in: driver", name="silent", on="any", category="trouble"
)


def down(e: Engine, second: float, is_down: bool, name: str = "mqtt") -> list[str]:
    who = f"gateway/driver:{name}"
    return e.report(second, {"driver_down": is_down}, who, kind="gateway")


def test_a_driver_that_is_down_hides_the_silence_of_its_devices_alone() -> None:
    e = engine(DOWN, SILENT)
    e.report(0, {"battery": 90.0}, "x1")
    e.report(0, {"battery": 90.0}, "x2")
    down(e, 30, True)
    told = e.wait(100)
    assert "alarmed silent x2 @60" in told
    assert "x1" not in str(told)


def test_silence_counts_from_when_the_driver_is_back() -> None:
    e = engine(DOWN, SILENT)
    e.report(0, {"battery": 90.0}, "x1")
    down(e, 30, True)
    e.wait(200)
    down(e, 210, False)
    assert "x1" not in str(e.wait(269))
    assert "alarmed silent x1 @270" in e.wait(270)


def test_a_restart_while_it_is_held_back_changes_nothing() -> None:
    e = engine(DOWN, SILENT)
    e.report(0, {"battery": 90.0}, "x1")
    down(e, 30, True)
    e.wait(200)
    e.restart()
    down(e, 210, False)
    e.restart()
    assert "x1" not in str(e.wait(269))
    assert "alarmed silent x1 @270" in e.wait(270)


def test_what_was_held_back_and_still_holds_begins_when_it_is_free() -> None:
    e = engine(
        rule("when: fault", name="root", category="facility"),
        rule("when: alarm; inhibit: root; same: building; for: 5s", category="facility"),
    )
    e.report(0, {"fault": True}, "s1")
    assert e.report(1, {"alarm": True}, "s2") == []
    assert e.wait(100) == []
    assert e.state.tally["r", "inhibited"] == 1
    assert e.report(110, {"fault": False}, "s1") == ["cleared root s1 @110"]
    assert e.wait(115) == ["alarmed r s2 @115"]


def test_what_stood_before_goes_on_standing() -> None:
    e = engine(
        rule("when: fault", name="root", category="facility"),
        rule("when: alarm; inhibit: root; same: building", category="facility"),
    )
    assert e.report(0, {"alarm": True}, "s2") == ["alarmed r s2 @0"]
    assert e.report(1, {"fault": True}, "s1") == ["alarmed root s1 @1"]
    assert e.report(2, {"alarm": False}, "s2") == ["cleared r s2 @2"]
