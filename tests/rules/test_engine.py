import pytest

import rules
from gateway.model import SECOND, DeviceSeen, Evidence, Record, Severity, Text, Turn, Value
from tests.rules.told import ARRIVAL, WALL, Engine, device, load, record, rule, said, site


def engine(*written: str, at: object = None) -> Engine:
    return Engine(load(*written), at or site(device("s1"), device("s2")))  # type: ignore[arg-type]


def test_a_change_carries_what_an_incident_needs() -> None:
    e = engine(rule("when: density > 0.15; same: building"))
    (change,) = e.changes(5, {"density": 0.31}, n=7, age=2)
    assert change.turn is Turn.alarmed
    assert (change.rule, change.device, change.kind) == ("r", "s1", "smoke")
    assert (change.same, change.place) == ("building:CG1B1", "CG1B1")
    assert change.severity is Severity.alarm
    assert (change.at, change.now) == (WALL + 3 * SECOND, ARRIVAL + 5 * SECOND)
    assert (change.record, change.found, change.incident) == (7, "", "r")
    assert change.why == Text(
        "烟雾浓度 0.31 %/m 高于 0.15\uff0c自 16:00:03 起",
        "density 0.31 %/m above 0.15 since 16:00:03",
    )


def test_values_merge_over_reports() -> None:
    e = engine(rule("when: alarm and temperature > 50"))
    assert e.report(0, {"alarm": True}) == []
    assert e.report(1, {"temperature": 60.0}) == ["alarmed r s1 @1"]
    assert e.report(2, {"battery": 5.0}) == []
    assert e.report(3, {"alarm": False}) == ["cleared r s1 @3"]


def test_a_condition_true_at_the_first_reading_alarms() -> None:
    assert engine(rule("when: alarm")).report(0, {"alarm": True}) == ["alarmed r s1 @0"]


def test_for_begins_at_event_time_and_fires_without_a_record() -> None:
    e = engine(rule("when: alarm; for: 10s"))
    assert e.report(3, {"alarm": True}, age=2) == []
    assert e.state.next_due() == ARRIVAL + 11 * SECOND
    assert e.wait(10.9) == []
    assert e.wait(60) == ["alarmed r s1 @11"]
    assert e.state.next_due() is None


def test_for_that_is_over_on_arrival_alarms_at_once() -> None:
    e = engine(rule("when: alarm; for: 10s"))
    (change,) = e.changes(60, {"alarm": True}, age=30, n=3)
    assert (change.record, change.at) == (3, WALL + 40 * SECOND)


def test_timers_fire_in_order_before_the_record() -> None:
    e = engine(rule("when: alarm; for: 10s"), rule("when: density > 1; for: 5s", name="q"))
    e.report(0, {"alarm": True}, "s1")
    e.report(1, {"density": 2.0}, "s2")
    assert e.report(20, {"alarm": True, "density": 2.0}, "s3") == [
        "alarmed q s2 @6",
        "alarmed r s1 @10",
    ]


def test_pending_is_dropped_when_the_condition_stops() -> None:
    e = engine(rule("when: alarm; for: 10s"))
    e.report(0, {"alarm": True})
    e.report(5, {"alarm": False})
    e.report(6, {"alarm": True})
    assert e.wait(15.9) == []
    assert e.wait(16) == ["alarmed r s1 @16"]


def test_keep_waits_and_starts_again_when_the_alarm_returns() -> None:
    e = engine(rule("when: density > 4; clear: density < 2; keep: 10s"))
    assert e.report(0, {"density": 5.0}) == ["alarmed r s1 @0"]
    assert e.report(1, {"density": 1.0}) == []
    assert e.report(5, {"density": 3.0}) == []
    assert e.wait(30) == []
    assert e.report(31, {"density": 1.5}) == []
    assert e.wait(60) == ["cleared r s1 @41"]
    assert e.report(61, {"density": 5.0}) == ["alarmed r s1 @61"]


def test_an_unknown_clear_condition_does_not_clear() -> None:
    e = engine(rule("when: alarm; clear: density < 2"))
    e.report(0, {"alarm": True})
    assert e.report(1, {"alarm": False}) == []
    assert e.report(2, {"density": 1.0}) == ["cleared r s1 @2"]


def test_without_clear_the_alarm_ends_with_its_condition() -> None:
    e = engine(rule("when: alarm or density > 4"))
    e.report(0, {"alarm": True})
    assert e.report(1, {"alarm": False}) == ["cleared r s1 @1"]


def test_clear_waits_while_the_condition_itself_holds() -> None:
    e = engine(rule("when: alarm; clear: density < 2"))
    assert e.report(0, {"alarm": True, "density": 1.0}) == ["alarmed r s1 @0"]
    assert e.report(1, {"battery": 1.0}) == []
    assert e.report(2, {"alarm": False}) == ["cleared r s1 @2"]


def test_an_older_value_does_not_overwrite_a_newer() -> None:
    e = engine(rule("when: alarm"))
    e.report(10, {"density": 1.0})
    e.report(20, {"alarm": True})
    assert e.report(21, {"alarm": False, "temperature": 20.0}, age=5) == []
    assert e.state.entries["s1"].values == {"alarm": True, "density": 1.0, "temperature": 20.0}
    assert e.report(22, {"alarm": False}, age=2) == ["cleared r s1 @22"]


def test_a_wall_clock_that_jumps_moves_nothing() -> None:
    e = engine(rule("when: alarm; for: 10s"))
    e.report(0, {"alarm": False}, jump=14 * 86_400)
    e.report(1, {"alarm": True})
    e.report(2, {"battery": 50.0}, jump=-14 * 86_400)
    assert e.wait(11) == ["alarmed r s1 @11"]
    assert e.report(12, {"alarm": False}, jump=86_400) == ["cleared r s1 @12"]


def test_a_device_clock_ahead_of_ours_delays_nothing() -> None:
    e = engine(rule("when: alarm; for: 10s"))
    e.report(0, {"alarm": True}, age=-50)
    assert e.wait(10) == ["alarmed r s1 @10"]


@pytest.mark.parametrize(
    ("category", "late", "expected"),
    [
        ("life", "", ["alarmed r s1 @0 start"]),
        ("intrusion", "", []),
        ("intrusion", "late: ring", ["alarmed r s1 @0 start"]),
        ("life", "late: record", ["alarmed r s1 @0 start"]),
    ],
)
def test_a_retained_alarm_rings_for_life_and_where_the_rule_says(
    category: str, late: str, expected: list[str]
) -> None:
    e = engine(rule(f"when: alarm; {late}", category=category))
    assert e.report(0, {"alarm": True}, retained=True) == expected


def test_a_late_report_of_no_life_is_only_known_until_a_live_one() -> None:
    e = engine(rule("when: alarm", category="facility"))
    assert e.report(600, {"alarm": True}, age=400, late=True) == []
    assert e.report(601, {"battery": 9.0}) == []
    assert e.report(602, {"alarm": True}) == ["alarmed r s1 @602"]
    assert e.report(700, {"alarm": False}, age=90, late=True) == []
    assert e.report(701, {"battery": 9.0}) == ["cleared r s1 @701"]


def test_a_pending_alarm_keeps_how_it_was_found() -> None:
    e = engine(rule("when: alarm; for: 5s"))
    e.report(0, {"alarm": True}, retained=True)
    assert e.wait(5) == ["alarmed r s1 @5 start"]


def test_a_timer_looks_at_the_values_again() -> None:
    e = engine(rule("when: alarm; for: 10m", category="facility"))
    e.report(0, {"alarm": True})
    e.report(500, {"alarm": False}, age=400, late=True)
    assert e.wait(700) == []


def test_evidence_of_a_pending_alarm_is_kept_for_it() -> None:
    e = engine(rule("when: alarm; for: 2s"))
    picture = Evidence("image/jpeg", "ab" * 32, 100)
    e.report(0, {"alarm": True}, evidence=picture)
    e.report(1, {"alarm": True})
    (change,) = rules.tick(e.ruleset, e.site, e.state, ARRIVAL + 2 * SECOND)
    assert change.evidence == picture


@pytest.mark.parametrize(
    ("same", "one", "expected"),
    [
        ("device", device("s1"), "device:s1"),
        ("flat", device("s1", flat="301"), "flat:CG1/CG1B1/301"),
        ("flat", device("s1"), "device:s1"),
        ("building", device("s1"), "building:CG1B1"),
        ("building", device("s1", place="CG2"), "device:s1"),
        ("grid", device("s1"), "grid:CG1"),
        ("grid", device("s1", place="C"), "device:s1"),
        ("grid", device("other"), "device:s1"),
    ],
)
def test_same_names_the_place_or_the_next_narrower(same: str, one: object, expected: str) -> None:
    e = engine(rule(f"when: alarm; same: {same}"), at=site(one))  # type: ignore[arg-type]
    assert e.changes(0, {"alarm": True})[0].same == expected


def test_the_word_of_an_incident_is_in_its_changes() -> None:
    e = engine(rule("when: alarm; incident: fire"), rule("when: density > 4", name="q"))
    changes = e.changes(0, {"alarm": True, "density": 5.0})
    assert [change.incident for change in changes] == ["fire", "q"]


def test_an_unknown_device_is_judged_by_its_kind_at_the_root() -> None:
    e = engine(rule("when: alarm"))
    (change,) = e.changes(0, {"alarm": True}, "stranger")
    assert (change.place, change.same) == ("C", "device:stranger")
    assert e.changes(1, {"alarm": True}, "cup", kind="unknown") == []


def test_filters_choose_devices() -> None:
    at = site(device("s1"), device("s2", place="CG2"))
    e = engine(rule("when: alarm; grid: CG1"), rule("when: alarm; device: [s2]", name="q"), at=at)
    assert e.report(0, {"alarm": True}, "s1") == ["alarmed r s1 @0"]
    assert e.report(0, {"alarm": True}, "s2") == ["alarmed q s2 @0"]
    assert e.report(0, {"alarm": True}, "s3") == []


@pytest.mark.parametrize("value", ["ON", 1, 1.0, None, "true", [1]])
def test_a_value_of_another_type_was_not_reported(value: object) -> None:
    e = engine(rule("when: alarm"))
    assert e.report(0, {"alarm": value}) == []  # type: ignore[dict-item]


def test_values_no_rule_knows_are_not_remembered() -> None:
    e = engine(rule("when: alarm or extra.used > 1"))
    values: dict[str, Value] = {f"extra.n{i}": 1.0 for i in range(1000)}
    e.report(0, values | {"extra.used": 2, "battery": 9})
    assert e.state.entries["s1"].values == {"extra.used": 2.0, "battery": 9.0}


def test_other_records_only_let_time_pass() -> None:
    e = engine(rule("when: alarm; for: 5s"))
    e.report(0, {"alarm": True})
    seen = Record(2, ARRIVAL + 9 * SECOND, "b", 0, WALL, True, DeviceSeen("s9", "smoke"))
    assert said(rules.step(e.ruleset, e.site, e.state, seen)) == ["alarmed r s1 @5"]


# --- silence -----------------------------------------------------------------------------

SILENT = rule("absent: device", on="any", category="trouble")
WATCHED = site(device("s1", silence=60), device("s2", silence=100, state="planned"), device("s3"))


def test_silence_counts_from_the_last_arrival() -> None:
    e = engine(SILENT, at=WATCHED)
    e.report(0, {"battery": 1.0})
    e.report(50, {"battery": 1.0}, age=45)
    assert e.wait(109.9) == []
    assert e.wait(300) == ["alarmed r s1 @110"]
    assert e.wait(900) == []
    assert e.report(1000, {}) == ["cleared r s1 @1000"]
    assert e.wait(1100) == ["alarmed r s1 @1060"]


def test_a_duration_watches_every_device_it_covers() -> None:
    e = engine(rule("absent: 90s", category="trouble"), at=WATCHED)
    assert e.wait(0) == []
    assert e.wait(200) == ["alarmed r s1 @90", "alarmed r s3 @90"]


def test_a_device_added_later_counts_from_then() -> None:
    e = engine(SILENT, at=WATCHED)
    e.report(0, {}, "s3")
    e.site = site(device("s4", silence=60), version=2)
    assert e.wait(10) == []
    assert e.wait(100) == ["alarmed r s4 @70"]


@pytest.mark.parametrize(
    "later", [site(), site(device("s1", silence=60, state="retired")), site(device("s1"))]
)
def test_a_silent_device_that_is_watched_no_longer_is_cleared(later: object) -> None:
    e = engine(SILENT, at=WATCHED)
    e.wait(0)
    assert e.wait(60) == ["alarmed r s1 @60"]
    e.site = later  # type: ignore[assignment]
    assert e.wait(70) == ["cleared r s1 @70"]
    assert e.wait(1000) == []


# --- changed rules -----------------------------------------------------------------------


def test_an_unchanged_condition_keeps_its_state_over_a_reload() -> None:
    e = engine(rule("when: alarm; for: 10s"))
    e.report(0, {"alarm": True})
    e.ruleset = load(rule("when:  alarm; for: 10s; same: grid"))
    assert e.wait(9) == []
    assert e.wait(10) == ["alarmed r s1 @10"]


def test_a_changed_condition_restarts_pending_and_keeps_open() -> None:
    e = engine(rule("when: alarm; for: 10s"), rule("when: density > 1", name="q"))
    assert e.report(0, {"alarm": True, "density": 3.0}) == ["alarmed q s1 @0"]
    e.ruleset = load(rule("when: alarm; for: 20s"), rule("when: density > 2", name="q"))
    assert e.wait(5) == []
    assert e.wait(30) == ["alarmed r s1 @25"]
    assert e.report(31, {"density": 1.5}) == ["cleared q s1 @31"]


def test_a_changed_condition_that_no_longer_holds_drops_pending() -> None:
    e = engine(rule("when: density > 1; for: 10s"))
    e.report(0, {"density": 2.0})
    e.ruleset = load(rule("when: density > 5; for: 10s"))
    assert e.wait(60) == []


def test_an_open_alarm_that_is_over_under_the_new_rule_clears() -> None:
    e = engine(rule("when: density > 1"))
    e.report(0, {"density": 2.0})
    e.ruleset = load(rule("when: density > 5; keep: 10s"))
    assert e.wait(5) == []
    assert e.wait(60) == ["cleared r s1 @15"]


def test_the_alarm_of_a_removed_rule_says_that_it_is_no_longer_watched() -> None:
    e = engine(rule("when: alarm"), rule("when: test", name="q"))
    e.report(0, {"alarm": True})
    e.ruleset = load(rule("when: test", name="q"))
    (change,) = e.changes(1, {"alarm": False})
    assert (change.turn.value, change.rule) == ("cleared", "r")
    assert "no longer watched" in change.why.en
    assert e.state.entries["s1"].active == {}


# --- standing, bounds, saved state -------------------------------------------------------


def test_standing_names_every_alarm_that_stands() -> None:
    e = engine(
        rule("when: alarm; for: 5s; keep: 60s"), SILENT.replace("name: r", "name: q"), at=WATCHED
    )
    e.report(0, {"alarm": True}, "s3")
    e.wait(70)
    e.report(71, {"alarm": False}, "s3")
    e.report(72, {"alarm": True}, "s9")
    found = rules.standing(e.ruleset, e.site, e.state, ARRIVAL + 75 * SECOND)
    assert said(found) == ["alarmed r s3 @75 start", "alarmed q s1 @75 start"]
    assert found[0].why.en == "alarm since 16:00:00"
    assert found[0].at == WALL + 5 * SECOND


def test_strangers_never_crowd_out_the_registered() -> None:
    e = engine(rule("when: alarm"))
    e.state = rules.State(limit=50)
    for number in range(20):
        e.report(number, {"alarm": False}, f"x{number}")
    assert len(e.state.entries) == 5
    assert e.state.refused == {"strangers_full": 15}
    assert e.report(30, {"alarm": True}, "s1") == ["alarmed r s1 @30"]


def test_a_full_state_refuses_by_name() -> None:
    e = engine(rule("when: alarm"), at=site(*(device(f"s{i}") for i in range(9))))
    e.state = rules.State(limit=4)
    for number in range(9):
        e.report(number, {"alarm": True}, f"s{number}")
    assert e.state.refused == {"devices_full": 5}


def test_idle_strangers_are_forgotten_when_the_registry_changes() -> None:
    e = engine(rule("when: alarm"))
    e.report(0, {"alarm": False}, "x1")
    e.report(0, {"alarm": True}, "x2")
    e.state.take_dirty()
    e.site = site(device("s1"), version=2)
    e.wait(8 * 86_400)
    assert set(e.state.entries) == {"x2"}
    assert e.state.take_dirty()["device:x1"] is None


def test_timers_of_a_flapping_device_do_not_pile_up() -> None:
    e = engine(rule("when: alarm; for: 10m; keep: 10m"))
    for second in range(500):
        e.report(second, {"alarm": second % 2 == 0})
    assert len(e.state.heap) == 1


def test_an_unreadable_saved_state_is_counted_and_left() -> None:
    e = engine(rule("when: alarm"))
    e.report(0, {"alarm": True})
    saved = {key: blob or b"" for key, blob in e.state.take_dirty().items()}
    state = rules.State.restore(saved | {"device:s2": b"\xc1", "device:s3": b"\x93abc", "old": b""})
    assert state.refused == {"unreadable": 2}
    assert set(state.entries) == {"s1"}


def test_only_what_changed_is_saved() -> None:
    e = engine(rule("when: alarm"))
    e.report(0, {"alarm": True}, "s1")
    e.report(1, {"alarm": True}, "s2")
    assert set(e.state.take_dirty()) == {"clock", "device:s1", "device:s2"}
    e.report(2, {"alarm": True}, "s2")
    assert set(e.state.take_dirty()) == {"clock", "device:s2"}
    assert e.state.take_dirty() == {}


def test_a_restart_in_the_middle_of_for_goes_on() -> None:
    e = engine(rule("when: alarm; for: 10s; keep: 10s"))
    e.report(0, {"alarm": True})
    e.restart()
    assert e.wait(5) == []
    e.restart()
    assert e.wait(10) == ["alarmed r s1 @10"]
    e.restart()
    assert e.report(11, {"alarm": False}) == []
    e.restart()
    assert e.wait(21) == ["cleared r s1 @21"]


def test_a_record_of_the_past_does_not_turn_time_back() -> None:
    e = engine(rule("when: alarm; for: 10s"))
    e.wait(100)
    e.report(50, {"alarm": True})
    assert e.wait(110) == ["alarmed r s1 @110"]
    assert rules.step(e.ruleset, e.site, e.state, record(0, {})) == []


def test_a_picture_that_comes_while_it_alarms_is_a_change_of_its_own() -> None:
    e = engine(rule("when: alarm; keep: 20s"))
    clip, late = (Evidence("video/mp4", mark * 64, 9) for mark in "ab")
    assert e.report(0, {"alarm": True}) == ["alarmed r s1 @0"]
    (change,) = e.changes(5, {"alarm": False}, evidence=clip)
    assert (change.turn, change.evidence, change.device) == (Turn.evidence, clip, "s1")
    assert e.wait(30) == ["cleared r s1 @25"]
    assert e.report(40, {"alarm": False}, evidence=late) == []
