"""Arming: who looks when, what is found at arming, and what disarming ends."""

from __future__ import annotations

import msgspec

import rules
from gateway.model import SECOND, Person, Site, Text
from rules.modes import who_said
from tests.rules.told import ARRIVAL, WALL, Engine, arming, device, load, record, rule, said, site

DOOR = rule("when: open; armed: any; exit: 30s; entry: 20s", on="contact", category="intrusion")
BEAM = rule("when: alarm; armed: away; keep: 5s", name="beam", on="infrared", category="intrusion")
AT = site(device("d1", "contact"), device("i1", "infrared"), device("i2", "infrared", place="CG2"))
NIGHT = """plans:
  - name: night
    title: Night
    grid: CG1
    week: {daily: "19:00-07:00"}
"""
"""Second 0 of the tests is 16:00: 19:00 is second 10,800, 07:00 second 54,000."""


def door(e: Engine, second: float, open_: bool) -> list[str]:
    return e.report(second, {"open": open_}, "d1", kind="contact")


def beam(e: Engine, second: float, alarm: bool, name: str = "i1") -> list[str]:
    return e.report(second, {"alarm": alarm}, name, kind="infrared")


def test_where_nobody_ever_said_a_mode_the_place_is_armed() -> None:
    e = Engine(load(BEAM), AT)
    assert beam(e, 0, True) == ["alarmed beam i1 @0"]


def test_a_disarmed_place_is_not_looked_at_and_others_are() -> None:
    e = Engine(load(BEAM), AT)
    assert e.arm(0, "disarmed", "CG1") == []
    assert beam(e, 1, True) == []
    assert beam(e, 1, True, "i2") == ["alarmed beam i2 @1"]
    assert e.state.tally["beam", "disarmed"] == 1


def test_the_newest_word_counts_whichever_level_it_is_for() -> None:
    e = Engine(load(BEAM), AT)
    e.arm(0, "disarmed", "CG1")
    e.arm(1, "away", "C")
    assert beam(e, 2, True) == ["alarmed beam i1 @2"]


def test_a_mode_that_a_rule_does_not_name_is_none_of_its_own() -> None:
    e = Engine(load(BEAM), AT)
    e.arm(0, "home", "C")
    assert beam(e, 1, True) == []


def test_disarming_ends_what_stands_and_says_who_did_it() -> None:
    e = Engine(load(BEAM), AT)
    beam(e, 0, True)
    changes = e.step(arming(5, "disarmed"))
    assert [(c.turn.value, c.why.en) for c in changes] == [
        ("cleared", "disarmed at 16:00:05 by p1")
    ]
    assert changes[0].why.zh == "p1 16:00:05 撤防"


def test_people_devices_and_plans_are_called_by_their_names() -> None:
    people = {"p1": Person("p1", "林涛", "CG1", "officer")}
    at = Site(1, AT.places, {**AT.devices, "k1": device("k1", "panel")}, people)
    ruleset = load(BEAM, more=NIGHT)
    assert who_said("person:p1", ruleset, at).zh == "林涛"
    assert who_said("device:k1", ruleset, at).en == "by k1"
    assert who_said("plan:night", ruleset, at).zh == "按计划“Night”"
    assert who_said("", ruleset, at) == Text("", "")


def test_what_holds_when_the_place_is_armed_is_found_after_the_exit_delay() -> None:
    e = Engine(load(BEAM, DOOR), AT)
    e.arm(0, "disarmed")
    door(e, 1, True)
    beam(e, 2, True)
    assert e.arm(10, "away") == ["alarmed beam i1 @10 armed"]
    assert e.wait(59.9) == []  # 30 s to leave, and 20 s for the way to the keypad
    assert e.wait(60) == ["alarmed r d1 @60 armed"]


def test_what_begins_during_the_exit_delay_is_looked_at_when_it_is_over() -> None:
    e = Engine(load(DOOR), AT)
    e.arm(0, "away")
    assert door(e, 1, True) == []
    assert e.wait(49.9) == []
    assert e.wait(50) == ["alarmed r d1 @50 armed"]


def test_an_entry_delay_goes_on_though_the_door_is_shut_and_disarming_ends_it() -> None:
    e = Engine(load(DOOR), AT)
    assert door(e, 100, True) == []
    assert door(e, 102, False) == []
    assert e.wait(119.9) == []
    assert e.wait(120) == ["alarmed r d1 @120", "cleared r d1 @120"]
    assert door(e, 200, True) == []  # the next one, too, may be on the way to the keypad
    assert e.wait(220) == ["alarmed r d1 @220"]
    e = Engine(load(DOOR), AT)
    door(e, 100, True)
    assert e.arm(115, "disarmed") == []
    assert e.wait(500) == []


def test_the_sentence_of_an_entry_is_of_its_begin() -> None:
    e = Engine(load(DOOR), AT)
    door(e, 100, True)
    door(e, 102, False)
    changes = rules.tick(e.ruleset, e.site, e.state, ARRIVAL + 120 * SECOND)
    assert [c.why.en for c in changes] == ["open since 16:01:40", "closed since 16:01:42"]


def test_a_plan_arms_and_disarms_by_itself() -> None:
    e = Engine(load(BEAM, more=NIGHT), AT)
    assert beam(e, 0, True) == []
    assert e.wait(10_799) == []
    assert e.wait(10_800) == ["alarmed beam i1 @10800 armed"]
    assert e.wait(54_000) == ["cleared beam i1 @54000"]


def test_a_word_holds_until_the_next_switch_of_the_plan() -> None:
    e = Engine(load(BEAM, more=NIGHT), AT)
    beam(e, 0, False)
    e.arm(10_900, "disarmed", "CG1")
    assert beam(e, 11_000, True) == []
    beam(e, 11_001, False)
    assert e.wait(60_000) == []
    assert beam(e, 97_300, True) == ["alarmed beam i1 @97300"]  # 19:01 the next evening


def test_a_word_with_an_end_holds_until_then() -> None:
    e = Engine(load(BEAM, more=NIGHT), AT)
    e.arm(10_900, "disarmed", "CG1", until=14_400)
    assert beam(e, 11_000, True) == []
    assert e.wait(14_400) == ["alarmed beam i1 @14400 armed"]


def test_the_plan_counts_again_when_somebody_says_so() -> None:
    e = Engine(load(BEAM, more=NIGHT), AT)
    beam(e, 11_000, False)
    e.arm(11_001, "disarmed", "CG1")
    assert beam(e, 11_002, True) == []
    assert e.arm(11_003, "plan", "CG1") == ["alarmed beam i1 @11003 armed"]


def test_a_word_for_everywhere_shows_its_end_at_every_place() -> None:
    e = Engine(load(BEAM), AT)
    e.arm(0, "away", "CG1", until=9_000)
    e.arm(1, "disarmed", "", until=7_200)
    rows = rules.modes(e.ruleset, e.site, e.state, WALL + 10 * SECOND)
    assert {row.until for row in rows} == {WALL + 7_200 * SECOND}


def test_an_alarm_says_in_which_mode_its_place_is_and_by_whom() -> None:
    e = Engine(load(BEAM), AT)
    e.arm(0, "away", "CG1", by="person:li")
    (change,) = e.changes(1, {"alarm": True}, "i1", kind="infrared")
    assert change.armed == "away person:li"


def test_after_a_power_cut_without_a_clock_no_plan_counts() -> None:
    e = Engine(load(BEAM, more=NIGHT), AT)
    assert beam(e, 0, True) == []  # 16:00, disarmed by the plan
    e.restart()
    one = record(10, {"battery": 9.0}, "i2", kind="infrared")
    cut = msgspec.structs.replace(one, boot="another", trusted=False)
    assert [c.device for c in e.step(cut)] == ["i1"]  # nobody knows that it is still day
    assert e.step(cut)[0:] == []


def test_an_hour_is_an_hour_whatever_the_clock_says() -> None:
    e = Engine(load(BEAM), AT)
    word = msgspec.structs.replace(arming(0, "disarmed", until=3_600), trusted=False)
    e.step(word)
    assert beam_by(e, 1, trusted=False) == []
    e.restart()
    assert e.wait(3_599) == []
    assert e.wait(3_600) == ["alarmed beam i1 @3600 armed"]


def beam_by(e: Engine, second: float, *, trusted: bool) -> list[str]:
    one = record(second, {"alarm": True}, "i1", kind="infrared")
    return said(e.step(msgspec.structs.replace(one, trusted=trusted)))


def test_a_keypad_arms_its_place_when_it_says_something_new() -> None:
    e = Engine(load(BEAM, more="keypads:\n  - {device: k1, grid: CG1}\n"), AT)

    def key(second: float, armed: bool, *, retained: bool = False) -> list[str]:
        return e.report(second, {"armed": armed}, "k1", kind="panel", retained=retained)

    assert key(0, False) == []
    assert beam(e, 1, True) == []
    assert beam(e, 1, True, "i2") == ["alarmed beam i2 @1"]
    assert key(2, True) == ["alarmed beam i1 @2 armed"]
    e.restart()
    assert e.arm(3, "disarmed", "CG1") == ["cleared beam i1 @3"]
    assert key(4, True) == []  # said before: no new word
    assert key(5, False, retained=True) == []
    mode = e.state.modes["CG1B1"]
    assert (mode.mode, mode.by) == ("disarmed", "person:p1")


def test_a_clock_that_jumps_moves_the_switch_with_it() -> None:
    e = Engine(load(BEAM, more=NIGHT), AT)
    assert beam(e, 0, True) == []
    # at second 10 the clock turns out to be 3 hours behind: it is 19:00:10 already
    assert e.report(10, {"battery": 9.0}, "i2", kind="infrared", jump=10_800) == [
        "alarmed beam i1 @10 armed"
    ]


def test_a_restart_changes_nothing_in_any_of_it() -> None:
    e = Engine(load(BEAM, DOOR, more=NIGHT), AT)
    assert beam(e, 0, True) == []
    door(e, 1, True)
    e.restart()
    assert e.wait(10_800) == ["alarmed beam i1 @10800 armed"]
    e.restart()
    assert e.wait(10_849.9) == []
    e.restart()
    assert e.wait(10_850) == ["alarmed r d1 @10850 armed"]
    e.restart()
    assert e.arm(10_860, "disarmed") == ["cleared r d1 @10860", "cleared beam i1 @10860"]


def test_modes_are_told_with_who_and_when() -> None:
    e = Engine(load(BEAM, more=NIGHT), AT)
    beam(e, 0, False)
    e.arm(5, "disarmed", "CG2", by="person:li")
    rows = {row.place: row for row in rules.modes(e.ruleset, e.site, e.state, WALL + 10 * SECOND)}
    assert (rows["CG2"].mode, rows["CG2"].by, rows["CG2"].since) == (
        "disarmed", "person:li", WALL + 5 * SECOND,
    )  # fmt: skip
    assert (rows["CG1B1"].mode, rows["CG1B1"].plan) == ("disarmed", "night")
    assert rows["CG1B1"].next == WALL + 10_800 * SECOND
    assert (rows["C"].mode, rows["C"].by, rows["C"].next) == ("away", "", 0)
