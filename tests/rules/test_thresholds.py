"""Which lines of a chart the rules in force draw."""

from __future__ import annotations

import rules
from gateway.model import Device, Place, Site

_RULE = """
  - name: {name}
    title: {{zh: 规则, en: {name}}}
    on: manhole
    when: {when}
    severity: warning
    category: facility
"""
SITE = Site(
    1,
    {"c": Place("c", "", "community", "社区"), "cg": Place("cg", "c", "grid", "网格")},
    {"m1": Device("m1", "d", "1", "manhole", "井盖", "cg")},
)


def lines(when: str, value: str = "water_level", more: str = "") -> list[tuple[str, float]]:
    text = "rules:" + _RULE.format(name="r", when=when) + more
    ruleset = rules.load([("site.yaml", text)])
    found = rules.thresholds(ruleset, SITE, "m1", "manhole", value)
    return [(line.sign, line.number) for line in found]


def test_a_comparison_with_a_number_is_a_line_in_the_values_unit() -> None:
    assert lines("water_level > 50 cm") == [(">", 0.5)]
    assert lines("0.5 < water_level") == [(">", 0.5)]
    assert lines("tilt > 15 or (water_level >= 1 and not test)") == [(">=", 1.0)]
    assert lines("0.2 <= water_level < 0.8") == [(">=", 0.2), ("<", 0.8)]
    assert lines("tilt < -5", "tilt") == [("<", -5.0)]
    assert lines("water_level > 1 and open or water_level > 1 and vibration") == [(">", 1.0)]


def test_what_is_calculated_negated_or_asked_of_the_past_has_none() -> None:
    assert lines("not water_level < 1") == []
    assert lines("water_level * 2 > 1") == []
    assert lines("rate(water_level, 10m) > 1 and water_level > 3") == []
    assert lines("extra.a > extra.b", "extra.a") == []
    assert lines("water_level == 1") == []
    assert lines("open") == []


def test_the_sites_settings_move_the_line_and_take_it_away() -> None:
    named = "water_level > high\n    with: {high: 1 m}"
    assert lines(named) == [(">", 1.0)]
    below = "settings:\n  - {rule: r, grid: cg, set: {high: 30 cm}, because: a low street}\n"
    assert lines(named, more=below) == [(">", 0.3)]
    assert (
        lines(
            named, more="settings:\n  - {rule: r, device: m1, set: {off: true}, because: a drain}\n"
        )
        == []
    )


def test_rules_of_other_devices_have_none_here() -> None:
    ruleset = rules.load([("site.yaml", "rules:" + _RULE.format(name="r", when="tilt > 1"))])
    assert rules.thresholds(ruleset, SITE, "x", "climate", "tilt") == ()
