"""Alarms that could get lost, stand for ever or ring twice where keywords meet each other."""

from __future__ import annotations

import msgspec
import pytest

import rules
from gateway.document import Problems
from gateway.model import SECOND, Arming, Record, Site, Value
from tests.rules.told import PLACES, WALL, Engine, arming, device, load, record, rule, site

DOOR = rule("when: open; armed: any; exit: 30s; entry: 20s", on="contact", category="intrusion")
BEAM = rule("when: alarm; armed: any; exit: 10s", name="beam", on="infrared", category="intrusion")
AT = site(device("d1", "contact"), device("i1", "infrared"), device("i2", "infrared", place="CG2"))
ROOT = rule("when: fault", name="root", category="facility")
HELD = rule("when: alarm; inhibit: root; same: building", category="facility")
BOTH = site(device("s1"), device("s2"))


def door(e: Engine, second: float, open_: bool, **more: object) -> list[str]:
    return e.report(second, {"open": open_}, "d1", kind="contact", **more)


def beam(e: Engine, second: float, alarm: bool, name: str = "i1", **more: object) -> list[str]:
    return e.report(second, {"alarm": alarm}, name, kind="infrared", **more)


# --- arming ------------------------------------------------------------------------------


def test_another_armed_mode_is_no_disarming_and_the_entry_goes_on() -> None:
    e = Engine(load(DOOR, BEAM), AT)
    e.arm(0, "home")
    door(e, 100, True)
    door(e, 101, False)
    assert beam(e, 102, True) == ["alarmed beam i1 @102"]
    assert e.arm(105, "away") == []
    e.restart()
    assert e.wait(119.9) == []
    assert e.wait(120) == ["alarmed r d1 @120", "cleared r d1 @120"]
    assert beam(e, 121, False) == ["cleared beam i1 @121"]


def test_another_armed_mode_has_its_exit_delay_for_what_begins_then() -> None:
    e = Engine(load(BEAM), AT)
    e.arm(0, "home")
    beam(e, 50, False)
    e.arm(100, "away")
    assert beam(e, 105, True) == []
    assert e.wait(110) == ["alarmed beam i1 @110 armed"]


def test_an_entry_is_ended_by_disarming_alone_not_by_what_would_hold_it_back() -> None:
    held = DOOR.replace("when: open", "when: open\n    inhibit: root\n    inhibit_in: site")
    e = Engine(load(rule("when: fault", name="root", on="any", category="facility"), held), AT)
    door(e, 100, True)
    door(e, 101, False)
    assert e.report(110, {"fault": True}, "i1", kind="infrared") == ["alarmed root i1 @110"]
    assert e.wait(120) == ["alarmed r d1 @120", "cleared r d1 @120"]


def test_a_silence_is_looked_at_again_when_its_place_is_armed_again() -> None:
    e = Engine(load(rule("absent: 60s; armed: any; exit: 5s", category="trouble")), BOTH)
    e.report(0, {"battery": 9.0}, "s1")
    e.report(0, {"battery": 9.0}, "s2")
    assert e.wait(60) == ["alarmed r s1 @60", "alarmed r s2 @60"]
    assert e.arm(70, "disarmed") == ["cleared r s1 @70", "cleared r s2 @70"]
    e.report(80, {"battery": 9.0}, "s1")
    e.restart()
    assert e.wait(200) == []
    e.arm(300, "away")
    assert e.wait(305) == ["alarmed r s1 @305", "alarmed r s2 @305"]


def test_a_door_that_stood_open_is_found_though_the_broker_repeated_it() -> None:
    e = Engine(load(DOOR), AT)
    e.arm(0, "disarmed")
    door(e, 10, True)
    door(e, 20, True, retained=True)
    door(e, 21, True, late=True, age=10)
    e.arm(100, "away")
    assert e.wait(150) == ["alarmed r d1 @150 armed"]


def test_what_only_the_broker_ever_said_is_still_not_found() -> None:
    e = Engine(load(DOOR), AT)
    e.arm(0, "disarmed")
    door(e, 10, False)
    door(e, 20, True, retained=True)
    e.arm(100, "away")
    assert e.wait(500) == []


def test_a_device_that_comes_to_an_armed_place_is_looked_at() -> None:
    e = Engine(load(BEAM), AT)
    e.arm(0, "disarmed", "CG1")
    beam(e, 1, True)
    e.restart()
    e.wait(2)
    e.site = site(device("i1", "infrared", place="CG2"), version=2)
    assert e.wait(3) == ["alarmed beam i1 @3 armed"]


def test_a_device_that_comes_to_a_disarmed_place_alarms_no_more() -> None:
    e = Engine(load(BEAM), AT)
    e.arm(0, "disarmed", "CG1")
    assert beam(e, 1, True, "i2") == ["alarmed beam i2 @1"]
    e.site = site(device("i2", "infrared"), version=2)
    assert e.wait(3) == ["cleared beam i2 @3"]


NIGHT = """plans:
  - {name: night, title: N, grid: CG1, week: {daily: "19:00-07:00"}}
"""


@pytest.mark.parametrize("wrong", [86_400 * 365, -86_400 * 3650])
def test_a_word_under_a_clock_nobody_trusts_holds_until_the_next_switch(wrong: int) -> None:
    e = Engine(load(BEAM, more=NIGHT), AT)

    def untrusted(one: Record) -> Record:
        assert isinstance(one.item, Arming)
        item = msgspec.structs.replace(one.item, received_at=one.wall + wrong * SECOND)
        return msgspec.structs.replace(
            one, trusted=False, wall=one.wall + wrong * SECOND, item=item
        )

    e.step(untrusted(arming(0, "away", "CG1")))
    assert beam(e, 10, True) == ["alarmed beam i1 @10"]  # from here on the clock is trusted
    assert beam(e, 11, False) == ["cleared beam i1 @11"]
    e.arm(12, "disarmed", "CG1")
    e.step(untrusted(arming(13, "disarmed", "CG1")))
    assert beam(e, 14, True) == []
    assert e.wait(10_799) == []
    assert e.wait(10_810) == ["alarmed beam i1 @10810 armed"]


def test_words_for_a_place_that_is_gone_hold_again_when_it_is_back() -> None:
    e = Engine(load(BEAM), AT)
    e.arm(0, "disarmed", "CG2")
    assert beam(e, 1, True, "i2") == []
    without = {code: p for code, p in PLACES.items() if code != "CG2"}
    e.site = Site(2, without, AT.devices)
    e.wait(2)
    e.restart()
    e.site = AT
    beam(e, 3, False, "i2")
    assert beam(e, 4, True, "i2") == []


# --- keypads -----------------------------------------------------------------------------

KEYPAD = "keypads:\n  - {device: k1, grid: CG1}\n"


def key(e: Engine, second: float, armed: bool, **more: object) -> list[str]:
    return e.report(second, {"armed": armed}, "k1", kind="panel", **more)


def mode(e: Engine) -> str:
    rows = rules.modes(e.ruleset, e.site, e.state, WALL + 10_000 * SECOND)
    return {row.place: row.mode for row in rows}["CG1B1"]


def test_what_a_keypad_said_while_nobody_listened_is_heard_with_its_next_report() -> None:
    e = Engine(load(BEAM, more=KEYPAD), AT)
    key(e, 0, False)
    key(e, 10, True, retained=True)
    assert mode(e) == "disarmed"
    e.restart()
    key(e, 20, True)
    assert mode(e) == "away"


def test_a_broker_that_repeats_a_keypad_makes_no_new_word_of_it() -> None:
    e = Engine(load(BEAM, more=KEYPAD), AT)
    key(e, 0, False)
    e.arm(5, "away", "CG1")
    key(e, 10, False, retained=True)
    key(e, 20, False)
    assert mode(e) == "away"


def test_a_report_of_a_keypad_that_was_overtaken_is_no_word() -> None:
    e = Engine(load(BEAM, more=KEYPAD), AT)
    key(e, 0, False)
    key(e, 10, True)
    key(e, 11, False, age=5)
    assert mode(e) == "away"
    key(e, 12, False)
    assert mode(e) == "disarmed"


# --- held back ---------------------------------------------------------------------------


def held() -> Engine:
    e = Engine(load(ROOT, HELD), BOTH)
    e.report(0, {"fault": True}, "s1")
    assert e.report(1, {"alarm": True}, "s2") == []
    e.restart()
    e.wait(2)
    return e


def test_what_was_held_back_is_looked_at_when_the_rule_that_did_it_is_gone() -> None:
    e = held()
    e.ruleset = load(rule("when: alarm; same: building", category="facility"))
    assert e.wait(3) == ["cleared root s1 @3", "alarmed r s2 @3"]


def test_what_was_held_back_is_looked_at_when_it_is_no_more() -> None:
    e = held()
    e.ruleset = load(ROOT, HELD.replace("same: building", "same: device"))
    assert e.wait(3) == ["alarmed r s2 @3"]


def test_what_was_held_back_is_looked_at_when_its_device_moved_away() -> None:
    e = held()
    e.site = site(device("s1"), device("s2", place="CG2"), version=2)
    assert e.wait(3) == ["alarmed r s2 @3"]


def test_what_was_held_back_is_looked_at_when_a_kind_changes() -> None:
    e = held()
    assert e.report(3, {"fault": True}, "s1", kind="water") == [
        "cleared root s1 @3", "alarmed r s2 @3"
    ]  # fmt: skip


def test_a_silence_that_was_held_back_counts_from_the_change_that_freed_it() -> None:
    down = rule("when: driver_down", name="down", on="gateway", category="system")
    quiet = "absent: 60s; inhibit: down; inhibit_in: driver"
    silent = rule(quiet, on="any", category="trouble")
    e = Engine(load(down, silent), site(device("x1", driver="mqtt")))
    e.report(0, {"battery": 90.0}, "x1")
    e.report(30, {"driver_down": True}, "gateway/driver:mqtt", kind="gateway")
    e.wait(200)
    e.site = site(device("x1", driver="bus"), version=2)
    assert "x1" not in str(e.wait(201))
    assert "x1" not in str(e.wait(260))
    assert "alarmed r x1 @261" in e.wait(261)


def test_a_device_that_was_retired_is_silent_from_its_return_on() -> None:
    e = Engine(load(rule("absent: device", category="trouble")), site(device("s1", silence=60)))
    e.report(0, {"battery": 90.0}, "s1")
    e.site = site(device("s1", silence=60, state="retired"), version=2)
    assert e.wait(1000) == []
    e.restart()
    e.wait(1001)
    e.site = site(device("s1", silence=60), version=3)
    assert e.wait(1059) == []
    assert e.wait(1119) == ["alarmed r s1 @1119"]


# --- rules that change while an alarm stands ---------------------------------------------


def test_an_alarm_that_was_said_is_said_to_end_though_its_rule_only_records_now() -> None:
    body = "when: alarm"
    e = Engine(load(rule(body, category="facility")), BOTH)
    assert e.report(0, {"alarm": True}) == ["alarmed r s1 @0"]
    e.ruleset = load(rule(f"{body}; alone: record", category="facility"))
    assert e.wait(1) == []
    assert len(rules.standing(e.ruleset, e.site, e.state, e.state.now)) == 1
    assert e.report(2, {"alarm": False}) == ["cleared r s1 @2"]
    assert e.report(3, {"alarm": True}) == []


def test_an_alarm_that_was_only_recorded_is_not_said_to_end_though_its_rule_rings_now() -> None:
    body = "when: alarm"
    e = Engine(load(rule(f"{body}; alone: record", category="facility")), BOTH)
    assert e.report(0, {"alarm": True}) == []
    e.ruleset = load(rule(body, category="facility"))
    assert e.wait(1) == []
    assert rules.standing(e.ruleset, e.site, e.state, e.state.now) == []
    assert e.report(2, {"alarm": False}) == []
    assert e.report(3, {"alarm": True}) == ["alarmed r s1 @3"]


def test_a_severity_rises_by_time_also_where_the_alarm_was_about_to_clear() -> None:
    when = "when: max(density, 20s) > 5 or alarm; clear: max(density, 20s) < 3 and not alarm"
    more = "keep: 40s; raise: [{after: 60s, severity: critical}]"
    e = Engine(load(rule(f"{when}; {more}", category="facility")), BOTH)
    assert e.report(0, {"density": 9.0}) == ["alarmed r s1 @0"]
    assert e.report(21, {"density": 1.0}) == []  # clearing until 61
    assert e.report(22, {"density": 4.0, "alarm": False}) == []
    assert e.wait(61) == ["severity r s1 @60"]


# --- windows -----------------------------------------------------------------------------


def heat(when: str, more: str = "", category: str = "facility") -> Engine:
    body = rule(f"when: {when}; {more}", on="heat", category=category)
    return Engine(load(body), site(device("h1", "heat")))


def warm(e: Engine, second: float, value: float, **more: object) -> list[str]:
    return e.report(second, {"temperature": value}, "h1", kind="heat", **more)


@pytest.mark.parametrize("behind", [0, 29, 31, 240])
def test_a_device_whose_clock_is_behind_has_its_windows(behind: float) -> None:
    e = heat("rate(temperature, 3m) >= 10 °C/min")
    assert [warm(e, n * 60, v, age=behind) for n, v in enumerate([20.0, 30.0, 40.0])] == [
        [], [], ["alarmed r h1 @120"]
    ]  # fmt: skip
    e.restart()
    assert warm(e, 180, 40.0, age=behind) == ["cleared r h1 @180"]


def test_a_backlog_rings_for_life_as_it_was() -> None:
    e = heat("rate(temperature, 3m) >= 10 °C/min", category="life")
    old = [warm(e, n, v, age=3600 - n * 59, late=True) for n, v in enumerate([20.0, 30.0, 40.0])]
    assert old == [[], [], ["alarmed r h1 @2 late"]]


def test_a_rate_is_the_same_after_a_restart_as_time_passes() -> None:
    found = []
    for stop in (0, 125):
        e = heat("rate(temperature, 1m) >= 1 °C/min", "for: 30s")
        warm(e, 0, 20.0)
        warm(e, 100, 40.0)
        if stop:
            e.wait(stop)
            e.restart()
        found.append(e.wait(140))
    assert found[0] == found[1]


def test_a_restart_at_the_instant_a_report_leaves_its_window_changes_nothing() -> None:
    for when in ("avg(temperature, 60s) > 30", "max(temperature, 60s) > 30"):
        found = []
        for stop in (False, True):
            e = heat(when)
            warm(e, 0, 50.0)
            warm(e, 30, 20.0)
            e.wait(60)
            if stop:
                e.restart()
            found.append(e.wait(100))
        assert found == [["cleared r h1 @60"]] * 2


def test_a_retained_report_moves_no_window() -> None:
    found = []
    for stop in (False, True):
        e = heat("avg(temperature, 60s) > 30", "for: 7s")
        warm(e, 0, 50.0, age=20)
        warm(e, 30, 20.0, age=20)
        warm(e, 41, 20.0, retained=True)
        if stop:
            e.restart()
        found.append([*e.wait(45), *e.wait(200)])
    assert found[0] == found[1]


def test_a_report_that_was_overtaken_changes_nothing_for_this_moment() -> None:
    e = Engine(load(rule("when: changed(zone)", category="facility")), BOTH)
    e.report(0, {"zone": "1"})
    assert e.report(10, {"zone": "2"}) == ["alarmed r s1 @10"]
    assert e.report(11, {"zone": "1"}, age=5) == ["cleared r s1 @11"]
    assert e.report(12, {"zone": "2"}) == []


def test_a_text_among_numbers_is_no_number() -> None:
    e = heat("min(extra.level, 60s) < 1 or avg(extra.level, 60s) < 4")
    told: list[Value] = [5.0, "n/a", 5.0, 5.0]
    for second, value in enumerate(told):
        assert e.report(second, {"extra.level": value}, "h1", kind="heat") == []


def test_test_itself_can_not_be_asked_for_over_a_time() -> None:
    with pytest.raises(Problems, match="counts for its own report alone"):
        load(rule("when: count(test, 10m) > 1"))


# --- what is saved -----------------------------------------------------------------------


def test_damaged_blobs_are_counted_and_the_rest_goes_on() -> None:
    text = load(
        DOOR, ROOT, HELD.replace("name: r", "name: h"), rule("when: avg(density, 9s) > 1", name="w", category="facility"),
        more=NIGHT,
    )  # fmt: skip
    e = Engine(text, site(*AT.devices.values(), *BOTH.devices.values()))
    e.arm(0, "away")
    e.report(1, {"fault": True, "density": 5.0, "alarm": True})
    door(e, 40, True)
    saved = {k: v for k, v in e.state.take_dirty().items() if v is not None}
    for name, blob in saved.items():
        for at in range(len(blob)):
            for byte in (0x00, 0xC1, 0xFF, 0x93, 0xA5, 0x80, 0xCF, 0xC0, 0xC3):
                hurt = dict(saved)
                hurt[name] = blob[:at] + bytes([byte]) + blob[at + 1 :]
                e.state = rules.State.restore(hurt)
                rules.tick(e.ruleset, e.site, e.state, record(50, {}).arrival)
                rules.step(e.ruleset, e.site, e.state, record(51, {"fault": False, "alarm": False}))


def test_what_the_version_before_saved_is_taken_up() -> None:
    e = Engine(load(rule("when: alarm; keep: 5s; raise: [{after: 60s, severity: critical}]")), BOTH)
    e.report(0, {"alarm": True})
    entry = e.state.entries["s1"]
    watch = msgspec.to_builtins(entry.active["r"])[:11]
    old = ("smoke", entry.newest, entry.heard, entry.heard_wall, entry.values, entry.times, {})
    saved = {k: v for k, v in e.state.take_dirty().items() if k == "clock" and v is not None}
    saved["device:s1"] = msgspec.msgpack.encode((*old, {"r": watch}))
    e.state = rules.State.restore(saved)
    assert not e.state.refused
    assert e.wait(1) == []
    assert len(rules.standing(e.ruleset, e.site, e.state, e.state.now)) == 1
    assert e.report(10, {"alarm": False}) == []
    assert e.wait(15) == ["cleared r s1 @15"]


def test_a_severity_rises_at_once_where_an_alarm_that_was_clearing_goes_on() -> None:
    when = "when: max(density, 20s) > 5; clear: max(density, 20s) < 3; keep: 40s"
    lines = "raise: [{after: 25s, severity: critical}]"
    for stop in (False, True):
        e = Engine(load(rule(f"{when}; {lines}", category="facility")), BOTH)
        assert e.report(0, {"density": 9.0}) == ["alarmed r s1 @0"]
        assert e.report(10, {"density": 1.0}) == []
        assert e.wait(29) == []  # clearing since 20; at 30 nothing is known any more
        if stop:
            e.restart()
        assert e.wait(100) == ["severity r s1 @30"]
