"""Rules that load and are still odd are told of, and sound rules never are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest

import rules
from gateway.model import Device, Site
from rules.review import MAX_WARNINGS, review
from rules.ruleset import Ruleset
from rules.unmatched import odd_tags, unused_packs
from tests.rules.told import device, load, rule, site

ROOT = Path(__file__).parents[2]
SITE = site(
    device("s1", "smoke", "CG1B1", flat="1"),
    device("h1", "heat", "CG1B1", flat="2"),
    device("m1", "manhole", "CG2"),
    device("c1", "camera", "CG2"),
)


def tagged(one: Device, *tags: str) -> Device:
    return msgspec.structs.replace(one, tags=tags)


def said(ruleset: Ruleset, at: Site = SITE) -> list[str]:
    """What each warning says."""
    return [problem.message for problem in review(ruleset, at)]


def odd(body: str, on: str = "smoke", at: Site = SITE) -> list[str]:
    """What is said about one rule ``r``, without its name."""
    return [line.removeprefix("rule 'r': ") for line in said(load(rule(body, on=on)), at)]


# --- one condition ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("when: density > 5 and density < 3", "'when' can never hold"),
        ("when: alarm and not alarm", "'when' can never hold"),
        ("when: battery > 100", "'when' can never hold: 'battery' is within 0..100"),
        (
            "when: 'temperature < -300 °C'",
            "'when' can never hold: 'temperature' is within -273.15..",
        ),
        (
            "when: 'avg(battery, 1h) > 120'",
            "'when' can never hold: 'avg(battery, 1h)' is within 0..100",
        ),
        (
            "when: alarm or battery > 100",
            "the part 'battery > 100' of 'when' can never hold",
        ),
        ("when: density >= 0", "'when' always holds; the rule alarms at every report"),
        ("when: alarm or not alarm", "'when' always holds; the rule alarms at every report"),
        (
            "when: density > 5; clear: density < 0",
            "'clear' can never hold: 'density' is within 0..100",
        ),
        (
            "when: density > 5; clear: density < 2 and density > 3",
            "'clear' can never hold; the alarm never ends",
        ),
        (
            "when: density > 5; clear: density > 8",
            "'clear' holds only while 'when' does; the alarm never ends",
        ),
        (
            "when: density > 5; clear: density < 8",
            "'clear' and 'when' both hold at density = 6; leave a gap",
        ),
        (
            "when: density > high; clear: density < 8; with: {high: 5}",
            "'clear' and 'when' both hold at density = 6; leave a gap",
        ),
        (
            "when: density > 5; raise: [{when: density < 4, severity: critical}]",
            "line 1 of 'raise' can never hold while the alarm stands",
        ),
        (
            "when: density > 5; raise: [{when: alarm and not alarm, severity: critical}]",
            "line 1 of 'raise' can never hold while the alarm stands",
        ),
        (
            "when: alarm; raise: [{when: density > 9, severity: critical},"
            " {when: density > 5, severity: alarm}]",
            "line 1 of 'raise' never counts: line 2 outdoes it",
        ),
        (
            "when: alarm; raise: [{after: 10m, severity: critical}, {after: 5m, severity: alarm}]",
            "line 1 of 'raise' never counts: line 2 outdoes it",
        ),
    ],
)
def test_an_odd_condition_is_told_of(body: str, message: str) -> None:
    assert odd(body) == [message]


@pytest.mark.parametrize(
    "body",
    [
        "when: density > 5 and not test",
        "when: density > 5; clear: density <= 5",
        "when: density > 5; clear: density < 3",
        "when: alarm or density > 5; clear: density < 3",
        "when: alarm; clear: not alarm",
        "when: rate(temperature, 3m) > 8 and temperature > 30; "
        "clear: rate(temperature, 3m) < 3 and temperature < 45",
        "when: alarm; raise: [{after: 5m, severity: critical}, {after: 10m, severity: alarm}]",
        "when: alarm; raise: [{when: density > 5, severity: alarm},"
        " {when: density > 9, severity: critical}]",
        "when: density > 5; clear: density < 3; raise: [{when: density < 4, severity: warning}]",
        "when: density > 5; keep: 1m; raise: [{when: density < 4, severity: warning}]",
        "when: battery == 100",
        "when: battery_low or battery < 10",
        "when: humidity > 3 or extra.x",
    ],
)
def test_a_sound_condition_is_not(body: str) -> None:
    assert [m for m in odd(body) if "reports" not in m] == []


def test_a_condition_with_too_many_cases_is_left_alone() -> None:
    pairs = " and ".join(f"(extra.a{n} or extra.b{n})" for n in range(9))
    assert odd(f"when: {pairs} and alarm and not alarm") == []


def test_a_value_that_the_kind_never_has_is_told_of_with_those_that_have_it() -> None:
    assert odd("when: density > 5", on="manhole") == ["no manhole reports 'density'; smoke can"]
    assert odd(
        "when: open; raise: [{when: lel > 5, severity: critical}]", on="[camera, smoke]"
    ) == [
        "no camera or smoke reports 'lel'; gas, co, manhole can",
        "no camera or smoke reports 'open'; contact, manhole can",
    ]
    assert odd("when: density > 5 and battery < 50 and extra.x", on="[smoke, heat]") == []
    assert odd("when: density > 5", on="any") == []


def test_what_only_a_setting_makes_odd_stands_at_the_setting() -> None:
    text = (
        "rules:\n"
        + rule("when: battery < low; clear: battery > 30; with: {low: 10}")
        + "settings:\n"
        + "  - {rule: r, device: s1, set: {low: 40}}\n"
        + "  - {rule: r, device: h1, set: {low: 20}}\n"
        + "  - {rule: r, device: m1, set: {low: 0}}\n"
    )
    text = text.replace("on: smoke", "on: any")
    ruleset = rules.load([("r.yaml", text)])
    found = [str(problem) for problem in review(ruleset, SITE)]
    assert found == [
        "r.yaml:11:12: rule 'r': 'clear' and 'when' both hold at battery = 31; leave a gap",
        "r.yaml:13:12: rule 'r': 'when' can never hold: 'battery' is within 0..100",
    ]
    odd_before = text.replace("when: battery < low", "when: battery < low and alarm and not alarm")
    found = [str(problem) for problem in review(rules.load([("r.yaml", odd_before)]), SITE)]
    assert found == ["r.yaml:2:11: rule 'r': 'when' can never hold"]


# --- devices ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "on", "message"),
    [
        ("when: alarm", "panic", "no panic is registered"),
        ("when: alarm", "[panic, gas]", "no gas or panic is registered"),
        ("when: alarm; grid: CG3", "smoke", "there is no place 'CG3'; did you mean 'CG2'?"),
        ("when: alarm; grid: Q", "smoke", "there is no place 'Q'"),
        ("when: alarm; device: s2", "smoke", "there is no device 's2'; did you mean 's3'?"),
        ("when: alarm; tag: kitchn", "smoke", "no device has the tag 'kitchn'; did you mean 'kitchen'?"),
        ("when: alarm; not_tag: kitchn", "any", "no device has the tag 'kitchn'; did you mean 'kitchen'?"),
        ("when: motion; not_tag: roof", "camera", "no registered device fits on and not_tag together"),
        ("when: alarm; grid: CG2", "smoke", "no registered device fits on and grid together"),
        ("when: alarm; tag: roof", "smoke", "no registered device fits on and tag together"),
        ("when: alarm; device: m1", "smoke", "no registered device fits on and device together"),
        (
            "absent: 5h; tag: roof; grid: CG1",
            "any",
            "no registered device fits tag and grid together",
        ),
    ],
)  # fmt: skip
def test_a_rule_that_no_device_matches_is_told_of(body: str, on: str, message: str) -> None:
    devices = [*SITE.devices.values(), tagged(device("s3"), "kitchen")]
    at = site(*devices[:-2], devices[-1], tagged(device("c2", "camera", "CG2"), "roof"))
    assert odd(body, on=on, at=at) == [message]


@pytest.mark.parametrize(
    ("body", "on"),
    [
        ("when: alarm; grid: CG1", "smoke"),
        ("when: alarm; grid: [C]", "any"),
        ("when: disk_full", "gateway"),
        ("when: disk_full; device: gateway/health", "gateway"),
        ("when: alarm; device: zigbee/0x01", "smoke"),
        ("when: alarm", "unknown"),
        ("when: open; grid: CG2", "manhole"),
        ("when: alarm; not_tag: bath", "smoke"),
    ],
)
def test_a_rule_that_some_device_may_match_is_not(body: str, on: str) -> None:
    assert odd(body, on=on) == []


def test_an_empty_registry_says_nothing_of_devices() -> None:
    for body in ("when: alarm; grid: X; tag: y; device: z", "when: alarm"):
        assert odd(body, on="panic", at=Site()) == []


def shipped(*written: str) -> tuple[str, str]:
    """A file with the name of a shipped one."""
    return "packs/fire.yaml", "rules:\n" + "".join(written)


def test_a_shipped_rule_is_told_of_only_by_its_own_words() -> None:
    assert said(rules.load([shipped(rule("when: alarm", on="panic"))])) == []
    assert said(rules.load([shipped(rule("when: alarm; tag: bath", on="panic"))])) == []
    assert said(rules.load([shipped(rule("when: alarm; grid: CG8", on="panic"))])) == [
        "rule 'r': there is no place 'CG8'; did you mean 'CG2'?"
    ]


def test_a_tag_that_is_nearly_one_of_the_rules_is_told_of() -> None:
    ruleset = load(rule("when: motion; tag: closed_area", on="camera"))
    cameras = [
        tagged(device("c1", "camera"), "closed_aera"),
        tagged(device("c2", "camera"), "roof"),
    ]
    assert odd_tags(ruleset, site(*cameras)) == {"closed_aera": "closed_area"}
    assert odd_tags(ruleset, site(tagged(device("c1", "camera"), "closed_area"))) == {}
    assert odd_tags(load(rule("when: alarm")), site(*cameras)) == {}


def test_a_pack_of_kinds_that_nobody_has_is_one_line() -> None:
    ruleset = rules.load(rules.packs(rules.pack_names()))
    unused = unused_packs(ruleset, site(device("s1", "smoke"), device("w1", "water")))
    assert unused["packs/cameras.yaml"] == ("camera",)
    assert "packs/fire.yaml" not in unused
    assert "packs/manholes.yaml" not in unused
    assert "packs/system.yaml" not in unused
    assert "packs/trouble.yaml" not in unused
    assert unused_packs(ruleset, Site()) == {}


# --- rules over a place -------------------------------------------------------------------

FIRE = [
    rule("when: alarm; same: building; incident: fire", name="smoke"),
    rule("when: alarm; same: building; incident: fire", name="heat", on="heat"),
]


def confirmed(body: str) -> str:
    """A rule that two others confirm."""
    head = "name: fire; title: T; severity: critical; category: life; confirm: [smoke, heat]"
    lines = [line.strip() for line in f"{head}; {body}".split(";")]
    return "  - " + "\n    ".join(lines) + "\n"


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ("same: building", []),
        ("same: building; kinds: 2", []),
        ("same: grid", []),
        ("same: flat", ["no flat has 2 devices of the rules that confirm it"]),
        ("same: building; devices: 3", ["no building has 3 devices of the rules that confirm it"]),
        (
            "same: building; kinds: 3",
            ["no building has 2 devices of the rules that confirm it, of 3 kinds"],
        ),
        ("same: device", ["'same: device' is one device, and 2 are to confirm"]),
        ("same: device; devices: 1", []),
    ],
)
def test_rules_that_can_not_meet_confirm_nothing(body: str, messages: list[str]) -> None:
    found = said(load(*FIRE, confirmed("incident: fire_confirmed; " + body)))
    assert found == [f"rule 'fire': {message}" for message in messages]


# --- settings -----------------------------------------------------------------------------


def settled(*lines: str) -> list[str]:
    """What is said of these settings of a rule on smoke with thresholds ``high`` and ``low``."""
    text = "rules:\n" + rule("when: density > high and temperature > low; with: {high: 5, low: 1}")
    text += "settings:\n" + "".join(f"  - {{rule: r, {line}}}\n" for line in lines)
    return said(rules.load([("r.yaml", text)]), SITE)


def test_settings_that_reach_nothing_are_told_of() -> None:
    assert settled("grid: CG1, set: {high: 6}", "set: {low: 3}") == []
    assert settled("grid: CG3, set: {high: 6}") == [
        "rule 'r': there is no place 'CG3'; did you mean 'CG2'?"
    ]
    assert settled("device: s9, set: {high: 6}") == [
        "rule 'r': there is no device 's9'; did you mean 's1'?"
    ]
    assert settled("device: m1, set: {high: 6}") == [
        "rule 'r': this setting reaches no device of the rule"
    ]
    assert settled("grid: CG2, set: {off: true}") == [
        "rule 'r': this setting reaches no device of the rule"
    ]


def test_settings_for_devices_that_nobody_registered_are_not() -> None:
    assert settled("device: zigbee/0x01, set: {high: 6}") == []
    text = "rules:\n" + rule("when: memory > high; with: {high: 500}", on="gateway")
    text += "settings:\n  - {rule: r, grid: C, set: {high: 900}}\n"
    assert said(rules.load([("r.yaml", text)]), SITE) == []


def test_a_setting_that_nearer_ones_hide_is_told_of() -> None:
    hidden = "this setting changes nothing: r.yaml:11 is nearer to every device"
    assert settled("grid: CG1, set: {high: 6}", "grid: CG1B1, set: {high: 7}") == [
        f"rule 'r': {hidden}"
    ]
    assert settled("set: {high: 6}", "device: s1, set: {high: 7}") == [f"rule 'r': {hidden}"]
    later = "this setting changes nothing: r.yaml:11 is nearer to every device"
    assert settled("grid: CG1, set: {high: 6}", "grid: CG1, set: {high: 7}") == [
        f"rule 'r': {later}"
    ]
    assert settled("grid: [CG1, CG1B1], set: {high: 6}", "grid: CG1, set: {high: 7}") == [
        "rule 'r': this setting changes nothing: r.yaml:10 is nearer to every device"
    ]
    assert settled("grid: CG1, set: {high: 6, low: 2}", "grid: CG1B1, set: {high: 7}") == []
    assert settled("grid: CG1, set: {high: 6}", "grid: CG1B1, set: {low: 7}") == []


def test_keypads_of_nothing_are_told_of() -> None:
    text = "rules:\n" + rule("when: alarm")
    text += "keypads:\n  - {device: s1, grid: CG1}\n  - {device: s9, grid: [CG1, CG9]}\n"
    text += "  - {device: panel/01, mode: home}\n"
    assert said(rules.load([("r.yaml", text)])) == [
        "keypad 's9': there is no device 's9'; did you mean 's1'?",
        "keypad 's9': there is no place 'CG9'; did you mean 'CG2'?",
    ]


# --- overlaps -----------------------------------------------------------------------------


def pair(one: str, other: str, on: str = "smoke") -> list[str]:
    """What is said of rules ``a`` and ``b``."""
    return said(load(rule(one, name="a", on=on), rule(other, name="b", on=on)))


def test_a_rule_that_adds_nothing_is_told_of() -> None:
    nothing = "it adds nothing to 'a' (site.yaml:2), which holds when it does"
    for narrow in ("density > 5", "density > 3", "density > 5 and alarm", "density == 4"):
        one = "when: density > 3; incident: x"
        assert pair(one, f"when: {narrow}; incident: x") == [f"rule 'b': {nothing}"]
    assert pair("when: density > 5; incident: x", "when: density > 3; incident: x") == [
        "rule 'a': it adds nothing to 'b' (site.yaml:9), which holds when it does"
    ]


@pytest.mark.parametrize(
    "more",
    [
        "when: density > 1; incident: x; for: 10s",
        "when: temperature > 3; incident: x",
        "when: density > 5; incident: x; grid: CG2",
        "when: density > 5; incident: x; raise: [{after: 5m, severity: critical}]",
        "when: density > 5; incident: x; origin: below",
        "when: density > 5; alone: record",
    ],
)
def test_a_rule_that_adds_something_is_not(more: str) -> None:
    at = site(*SITE.devices.values(), device("s5", place="CG2"))
    one = rule("when: density > 3 and not test; incident: x; grid: CG1; for: 5s", name="a")
    assert said(load(one, rule(more, name="b")), at) == []


def test_severity_modes_and_times_decide_what_adds_something() -> None:
    wide = "when: density > 3; incident: x"
    assert pair(f"{wide}; for: 5m", "when: density > 5; incident: x") == []
    assert pair(f"{wide}; armed: [away]", "when: density > 5; incident: x") == []
    louder = rule("when: density > 5; incident: x", name="b").replace("alarm", "critical")
    assert said(load(rule(wide, name="a"), louder)) == []
    over = confirmed("same: building; incident: y").replace("[smoke, heat]", "[b]")
    narrow = rule("when: density > 5; incident: x", name="b")
    known = site(device("s1"), device("s2"))
    assert said(load(rule(wide, name="a"), narrow, over), known) == []


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("grid: CG1B1", "grid: CG1"),
        ("device: s1", "grid: CG1B1"),
        ("tag: kitchen", ""),
        ("grid: CG1", ""),
        ("", "raise: [{after: 5m, severity: critical}]"),
        ("raise: [{after: 5m, severity: warning}]", ""),
        ("inhibit: [other]", ""),
        ("", "late: ring"),
        ("armed: away", ""),
        ("armed: away; entry: 30s", "armed: away"),
        ("armed: away; exit: 30s", "armed: away"),
        ("for: 5s", ""),
        ("origin: here", "origin: any"),
    ],
)
def test_a_narrower_rule_for_more_or_louder_is_not(wide: str, narrow: str) -> None:
    at = site(
        tagged(device("s1"), "kitchen"), device("s2"), device("s3", place="CG1"),
        device("s4", place="CG2"),
    )  # fmt: skip
    ruleset = load(
        rule(f"when: density > 3; incident: x; {wide}", name="a", category="trouble"),
        rule(f"when: density > 5; incident: x; {narrow}", name="b", category="trouble"),
        rule("when: fault", name="other", category="trouble"),
    )
    assert said(ruleset, at) == []


def test_rules_that_settings_change_or_for_more_kinds_are_not_compared() -> None:
    text = "rules:\n" + rule("when: density > 3; incident: x", name="a")
    text += rule("when: density > high; incident: x; with: {high: 5}", name="b")
    assert len(said(rules.load([("r.yaml", text)]))) == 1
    text += "settings:\n  - {rule: b, device: s1, set: {high: 2}}\n"
    assert said(rules.load([("r.yaml", text)])) == []
    more = rule("when: temperature > 60; incident: x", name="b", on="[smoke, heat]")
    assert said(load(rule("when: temperature > 50; incident: x", name="a"), more)) == []


def test_two_incidents_of_one_thing_are_told_of() -> None:
    assert pair("when: density > 3", "when: density > 5") == [
        "rule 'b': whenever it holds, 'a' (site.yaml:2) does too; write incident: a"
    ]
    assert pair("when: density > 5 and alarm", "when: alarm and 5 < density") == [
        "rule 'b': whenever it holds, 'a' (site.yaml:2) does too; write incident: a"
    ]
    assert pair("when: density > 3; armed: home", "when: density > 5; armed: away") == []
    assert pair("when: density > 3; origin: below", "when: density > 5") == []
    assert pair("when: density > 3; grid: CG1", "when: density > 5; grid: CG2") == [
        "rule 'b': no registered device fits on and grid together"
    ]
    trouble = rule("when: density > 3", name="b", category="trouble")
    assert said(load(rule("when: density > 5", name="a"), trouble)) == []


def test_two_incidents_of_one_silence_are_told_of() -> None:
    def silences(one: str, other: str) -> list[str]:
        return pair(f"absent: {one}", f"absent: {other}")

    shorter = "whenever it holds, 'a' (site.yaml:2) does too; write incident: a"
    assert silences("5h", "26h") == [f"rule 'b': {shorter}"]
    assert silences("5h", "5h") == [f"rule 'b': {shorter}"]
    assert silences("rhythm", "device") == [f"rule 'b': {shorter}"]
    assert silences("device", "26h") == []
    assert silences("rhythm", "26h") == []
    assert pair("absent: 5h", "when: density > 3") == []


def test_of_a_shipped_rule_and_another_the_other_is_told_of() -> None:
    pack = shipped(rule("when: density > 4 and not test; incident: fire", name="dense"))
    for condition, message in (
        ("density > 9 and not test", "whenever it holds, 'dense' (packs/fire.yaml:2) does too"),
        ("density > 2", "it holds whenever 'dense' (packs/fire.yaml:2) does"),
    ):
        own = "rules:\n" + rule(f"when: {condition}", name="lobby")
        for files in ([pack, ("own.yaml", own)], [("own.yaml", own), pack]):
            assert [str(problem) for problem in review(rules.load(files), SITE)] == [
                f"own.yaml:2:11: rule 'lobby': {message}; write incident: fire"
            ]
    wide = "rules:\n" + rule("when: density > 2; incident: fire", name="lobby")
    assert review(rules.load([pack, ("own.yaml", wide)]), SITE) == []


def test_a_rule_that_is_always_held_back_is_told_of() -> None:
    first = rule("when: fault; same: grid", name="down", category="system")
    never = rule("when: fault and tamper; inhibit: [down]", category="trouble")
    assert said(load(first, never)) == [
        "rule 'r': it never begins: 'down' holds it back whenever it would"
    ]
    later = rule("when: fault and tamper; inhibit: [down]; for: 5s", category="trouble")
    assert len(said(load(first.replace("when: fault", "when: fault\n    for: 9s"), later))) == 0
    assert said(load(first, never.replace("fault and tamper", "tamper"))) == []


# --- the whole ----------------------------------------------------------------------------


def test_after_a_hundred_warnings_only_their_number_is_given() -> None:
    many = [rule(f"when: alarm; grid: X{n}", name=f"r{n}") for n in range(150)]
    found = said(load(*many))
    assert len(found) == MAX_WARNINGS + 1
    assert found[-1].endswith("… and 50 more problems")


def test_warnings_stand_at_the_name_of_their_rule() -> None:
    [problem] = review(load(rule("when: alarm and not alarm")), SITE)
    assert str(problem) == "site.yaml:2:11: rule 'r': 'when' can never hold"


@pytest.mark.parametrize("folder", ["gateway/demo/site", "deploy/sample"])
def test_the_shipped_packs_give_no_warning_at_the_shipped_sites(folder: str) -> None:
    from gateway.registry import read_csv

    names = (ROOT / folder / f"{name}.csv" for name in ("places", "devices", "people"))
    ruleset = rules.load(rules.packs(rules.pack_names()))
    for at in (read_csv(*names), Site()):
        assert [str(problem) for problem in review(ruleset, at)] == []


def test_what_is_compared_with_what_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules.overlap.MOST_PAIRS", 3)
    many = [rule(f"when: density == {n}", name=f"r{n}") for n in range(5)]
    assert said(load(*many)) == ["too many rules share devices; not all pairs were compared"]


def test_a_rule_is_a_plain_record_to_the_review() -> None:
    """Whatever a rule is given, the review names it."""
    ruleset = load(rule("when: alarm and not alarm"))
    other = dataclasses.replace(ruleset.rules[0], name="other")
    assert "rule 'other'" in review(Ruleset((other,), ruleset.zone), SITE)[0].message
