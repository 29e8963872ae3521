"""Time, places and modes: however the run is cut, wherever it stops, whatever is exchanged.

A run is a list of records (reports, arming) with ticks in between; rules and registry change at
some of them, as an edition would. A run that is stopped and restored from what was saved, at any
record, gives the changes of the run that never stopped.
"""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from gateway.model import SECOND, Change, Record, Turn
from tests.rules.told import ARRIVAL, arming, device, keep, load, record, rule, site

PLANS = """plans:
  - {name: p, title: P, grid: CG1B1, week: {daily: ["16:00-16:02", "16:05-16:20"]}}
"""
CONFIRM = (
    "  - {name: sure, title: S, confirm: [a, c], within: 20s, same: building, incident: fire,"
    " severity: critical, category: life}\n"
    "  - {name: pair, title: P, confirm: [a, m], within: 9s, devices: 1, same: building,"
    " severity: alarm, category: facility}\n"
)
RULES = load(
    rule("when: alarm and not test; keep: 5s; same: building; incident: fire", name="a"),
    rule("when: rate(density, 10s) > 6; same: building; incident: fire", name="c"),
    rule("when: avg(density, 8s) > 2; for: 3s; keep: 2s", name="d", category="facility"),
    rule("when: count(alarm, 15s) >= 2; alone: record", name="e", category="facility"),
    rule("when: not changed(density, 20s)", name="f", category="trouble"),
    rule("when: changed(zone); late: ring", name="g", category="facility"),
    rule("when: alarm; armed: any; exit: 4s; entry: 6s", name="m", category="intrusion"),
    rule("when: density > 1; armed: home; keep: 3s", name="n", category="intrusion"),
    rule("when: density > 2; inhibit: e; same: building; for: 2s", name="i", category="facility"),
    rule("absent: 15s; inhibit: [a]; inhibit_in: site", name="q", category="trouble"),
    rule("absent: rhythm", name="r", on="any", category="trouble"),
    rule(
        "when: density > 1; raise: [{after: 6s, severity: critical}, {when: alarm, severity:"
        " critical}]",
        name="s",
        category="facility",
    ),
    CONFIRM,
    more=PLANS + "settings:\n  - {rule: q, device: s2, set: {absent: 9s}}\n",
)
CHANGED = load(
    rule("when: alarm and not test; keep: 9s; same: building; incident: fire", name="a"),
    rule("when: rate(density, 10s) > 3; same: building; incident: fire", name="c"),
    rule("when: avg(density, 6s) > 2; for: 3s; keep: 2s", name="d", category="facility"),
    rule("when: density > 2; inhibit: d; same: building", name="i", category="facility"),
    rule("when: alarm; armed: away; exit: 2s", name="m", category="intrusion"),
    rule("absent: 12s; inhibit: [c]; inhibit_in: driver", name="q", category="trouble"),
    CONFIRM.replace("[a, m]", "[a, c]"),
)
SITE = site(device("s1"), device("s2"), device("s3", place="CG2"), device("h1", "heat"))
MOVED = site(device("s1", place="CG2"), device("s2", tags=("x",)), device("h1"), version=2)


class Happens(NamedTuple):
    wait: float
    device: str
    values: dict[str, float | bool | str]
    age: float
    mark: str
    """``retained``, ``late`` or ""."""
    mode: str
    """Not "": somebody sets a place to it, instead of a report."""
    jump: int
    cut: bool
    change: str
    """``rules`` or ``site``: from here on the other ones; "": none."""
    ticks: tuple[float, ...]


def happenings() -> st.SearchStrategy[Happens]:
    values = st.fixed_dictionaries(
        {},
        optional={
            "alarm": st.booleans(),
            "density": st.sampled_from([0.0, 1.5, 2.5, 9.0]),
            "zone": st.sampled_from(["1", "2"]),
            "test": st.just(True),
        },
    )
    return st.builds(
        Happens,
        wait=st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 16.0]),
        device=st.sampled_from(["s1", "s1", "s2", "s3", "x1"]),
        values=values,
        age=st.sampled_from([0.0, 0.0, 0.0, 2.0, 7.0, 40.0]),
        mark=st.sampled_from(["", "", "", "", "retained", "late"]),
        mode=st.sampled_from(["", "", "", "", "disarmed", "home", "away", "plan"]),
        jump=st.sampled_from([0, 0, 0, 100, -100]),
        cut=st.booleans(),
        change=st.sampled_from(["", "", "", "", "", "", "rules", "site"]),
        ticks=st.lists(st.sampled_from([0.1, 0.5, 1.0]), max_size=2).map(tuple),
    )


def run(told: list[Happens], *, cutting: bool) -> list[Change]:
    """The changes of a run; ``cutting`` stops and restores, and ticks, where it says so."""
    state, saved = rules.State(), dict[str, bytes]()
    ruleset, at = RULES, SITE
    changes = rules.tick(ruleset, at, state, ARRIVAL)
    second, jump = 0.0, 0
    for number, one in enumerate(told):
        for part in sorted(one.ticks) if cutting else ():
            now = ARRIVAL + int((second + part * one.wait) * SECOND)
            changes += rules.tick(ruleset, at, state, now)
        if cutting and one.cut:
            keep(saved, state)
            state = rules.State.restore(saved)
            assert not state.refused
        second += one.wait
        if one.change:  # as the detector does with an edition: what was due first, then the new
            changes += rules.tick(ruleset, at, state, ARRIVAL + int(second * SECOND))
            ruleset = CHANGED if one.change == "rules" else ruleset
            at = MOVED if one.change == "site" else at
        jump += one.jump
        changes += rules.step(ruleset, at, state, made(one, second, jump, number))
        assert not state.failures
    return changes + rules.tick(ruleset, at, state, ARRIVAL + int((second + 60) * SECOND))


def made(one: Happens, second: float, jump: int, number: int) -> Record:
    if one.mode:
        place = "" if one.device == "x1" else "CG1"
        return arming(second, one.mode, place, until=second + 5 if one.age > 5 else 0)
    return record(
        second,
        dict(one.values),
        one.device,
        age=one.age,
        retained=one.mark == "retained",
        late=one.mark == "late",
        n=number + 1,
        jump=jump,
    )


@settings(max_examples=400, deadline=None)
@given(st.lists(happenings(), max_size=25))
def test_restarts_and_cuts_change_nothing(told: list[Happens]) -> None:
    assert run(told, cutting=True) == run(told, cutting=False)


@settings(max_examples=150, deadline=None)
@given(st.lists(happenings(), max_size=25))
def test_one_alarm_never_opens_twice_and_only_what_stands_changes_or_ends(
    told: list[Happens],
) -> None:
    standing: dict[tuple[str, str], str] = {}
    now = 0
    for change in run(told, cutting=True):
        key = (change.rule, change.device)
        if change.turn is Turn.alarmed:
            again = load_again(change.rule)
            assert key not in standing or again, change
            standing[key] = change.severity.value
        elif change.turn is Turn.severity:
            assert standing[key] != change.severity.value
            standing[key] = change.severity.value
        elif change.turn is Turn.cleared:
            del standing[key]
        assert change.now >= now
        assert change.why.zh
        assert change.why.en
        assert change.rule != "e"  # it is only recorded
        now = change.now


def load_again(name: str) -> bool:
    """Whether a rule may say an alarm that stands once more: after ten minutes, or doubted."""
    rule = RULES.by_name.get(name)
    return rule is not None and rule.absent is None and rule.confirm is None


@settings(max_examples=100, deadline=None)
@given(st.lists(happenings(), max_size=25))
def test_what_stands_is_what_was_said_to_begin_and_not_to_end(told: list[Happens]) -> None:
    state, standing = rules.State(), set[tuple[str, str]]()
    second = 0.0
    for number, one in enumerate(told):
        second += one.wait
        for change in rules.step(RULES, SITE, state, made(one, second, 0, number)):
            key = (change.rule, change.device)
            if change.turn is Turn.alarmed:
                standing.add(key)
            elif change.turn is Turn.cleared:
                standing.discard(key)
        found = rules.standing(RULES, SITE, state, state.now)
        assert {(change.rule, change.device) for change in found} == standing
