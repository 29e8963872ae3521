"""Time, places and modes: however the run is cut, wherever it stops, whatever is exchanged.

A run is a list of records (reports, arming) with ticks in between; rules and registry change at
some of them, as an edition would. A run that is stopped and restored from what was saved, at any
record, gives the changes of the run that never stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from gateway.model import SECOND, Change, Reading, Record, Site, Turn
from tests.rules.told import ARRIVAL, arming, device, keep, load, record, rule, site

PLANS = """keypads:
  - {device: k1, grid: CG1, mode: home}
plans:
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
    rule(
        "when: alarm; armed: any; for: 2s; entry: 3s; exit: 2s; keep: 4s; inhibit: e;"
        " inhibit_in: site",
        name="t",
        category="intrusion",
    ),
    rule(
        "when: density > low; with: {low: 1}; keep: 5s; raise: [{after: 3s, severity: critical},"
        " {when: density > 2, severity: critical}, {when: zone == '2', severity: notice}]",
        name="u",
        category="facility",
    ),
    rule("when: density > 2; alone: record; keep: 2s", name="v", category="facility"),
    rule("when: density > 2; keep: 2s", name="w", category="facility"),
    rule("when: alarm; tag: x; origin: any", name="x", on="any", category="facility"),
    rule("when: alarm; origin: below; keep: 3s", name="y", on="any", category="facility"),
    rule("absent: 8s; armed: [away]; exit: 3s", name="z", on="any", category="trouble"),
    rule("when: alarm; inhibit: i; inhibit_in: building", name="ii", category="facility"),
    rule("when: alarm; inhibit: ii; inhibit_in: grid; for: 1s", name="iii", category="facility"),
    rule("when: density > 1; inhibit: [sure, a]; same: building", name="iv", category="facility"),
    rule("when: rate(density, 4s) > 3; for: 3s", name="o", category="facility"),
    rule("when: avg(density, 6s) > 1 and alarm; keep: 2s", name="l"),
    rule(
        "when: max(density, 5s) > 2; clear: max(density, 5s) < 2; keep: 4s; raise: [{after: 7s,"
        " severity: critical}]",
        name="h",
        category="facility",
    ),
    CONFIRM,
    more=PLANS
    + "settings:\n  - {rule: q, device: s2, set: {absent: 9s}}\n"
    + "  - {rule: u, grid: CG1B1, set: {low: 2, keep: 2s}}\n  - {rule: u, device: s2, set: {off: true}}\n",
)
CHANGED = load(
    rule("when: alarm and not test; keep: 9s; same: building; incident: fire", name="a"),
    rule("when: rate(density, 10s) > 3; same: building; incident: fire", name="c"),
    rule("when: avg(density, 6s) > 2; for: 3s; keep: 2s", name="d", category="facility"),
    rule("when: density > 2; inhibit: d; same: building", name="i", category="facility"),
    rule("when: alarm; armed: away; exit: 2s", name="m", category="intrusion"),
    rule("absent: 12s; inhibit: [c]; inhibit_in: driver", name="q", category="trouble"),
    rule("when: alarm; armed: home; entry: 3s; keep: 1s", name="t", category="intrusion"),
    rule("when: density > 2; keep: 2s", name="v", category="facility"),
    rule("when: density > 2; alone: record; keep: 2s", name="w", category="facility"),
    rule("when: alarm; inhibit: i; inhibit_in: site", name="ii", category="facility"),
    rule("when: density > 1; inhibit: a", name="iv", category="facility"),
    rule("when: rate(density, 7s) > 3; for: 3s", name="o", category="facility"),
    rule(
        "when: density > low; with: {low: 2}; keep: 9s; raise: [{when: alarm, severity: critical}]",
        name="u",
        category="facility",
    ),
    CONFIRM.replace("[a, m]", "[a, c]"),
    more="settings:\n  - {rule: a, device: s2, set: {off: true}}\n",
)
SITE = site(
    device("s1"), device("s2", silence=6), device("s3", place="CG2", tags=("x",)),
    device("h1", "heat"), device("k1", "panel"),
)  # fmt: skip
MOVED = site(
    device("s1", place="CG2"), device("s2", tags=("x",), state="retired"),
    device("s3", driver="e"), device("h1"), version=2,
)  # fmt: skip


class Happens(NamedTuple):
    wait: float
    device: str
    values: dict[str, float | bool | str]
    age: float
    mark: str
    """``retained``, ``late`` or ""."""
    mode: str
    """Not "": somebody sets a place to it, instead of a report."""
    kind: str
    below: bool
    """A gateway below passed it on."""
    trusted: bool
    jump: float
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
            "armed": st.booleans(),
        },
    )
    return st.builds(
        Happens,
        wait=st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 16.0]),
        device=st.sampled_from(["s1", "s1", "s1", "s2", "s2", "s3", "x1", "k1"]),
        values=values,
        age=st.sampled_from([0.0, 0.0, 0.0, 2.0, 7.0, 40.0]),
        mark=st.sampled_from(["", "", "", "", "retained", "late"]),
        mode=st.sampled_from(["", "", "", "", "disarmed", "home", "away", "plan"]),
        kind=st.sampled_from(["smoke"] * 9 + ["heat"]),
        below=st.sampled_from([False] * 9 + [True]),
        trusted=st.sampled_from([True] * 5 + [False]),
        jump=st.sampled_from([0, 0, 0, 0, 0.4, 0.7, -0.6, 100, -100, 86_400]),
        cut=st.booleans(),
        change=st.sampled_from(["", "", "", "", "", "", "rules", "site"]),
        ticks=st.lists(st.sampled_from([0.1, 0.5, 1.0]), max_size=2).map(tuple),
    )


class Looked(NamedTuple):
    changes: list[Change]
    state: rules.State
    ruleset: rules.Ruleset
    at: Site


def walk(told: list[Happens], *, cutting: bool) -> Iterator[Looked]:
    """What each record of a run changes; ``cutting`` stops and restores, and ticks, as it says."""
    state, saved = rules.State(), dict[str, bytes]()
    ruleset, at = RULES, SITE
    changes = rules.tick(ruleset, at, state, ARRIVAL)
    second, jump = 0.0, 0.0
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
            if one.change == "rules":
                ruleset = RULES if ruleset is CHANGED else CHANGED
            else:
                at = SITE if at is MOVED else MOVED
        jump += one.jump
        changes += rules.step(ruleset, at, state, made(one, second, jump, number))
        assert not state.failures
        yield Looked(changes, state, ruleset, at)
        changes = []
    last = rules.tick(ruleset, at, state, ARRIVAL + int((second + 60) * SECOND))
    yield Looked(changes + last, state, ruleset, at)


def run(told: list[Happens], *, cutting: bool) -> list[Change]:
    """The changes of a run."""
    return [change for looked in walk(told, cutting=cutting) for change in looked.changes]


def made(one: Happens, second: float, jump: float, number: int) -> Record:
    if one.mode:
        place = "" if one.device == "x1" else "CG1"
        said = arming(second, one.mode, place, until=second + 5 if one.age > 5 else 0)
        wall = said.wall + int(jump * SECOND)
        item = msgspec.structs.replace(said.item, received_at=wall)
        return msgspec.structs.replace(said, item=item, wall=wall, trusted=one.trusted)
    made = record(
        second,
        dict(one.values),
        one.device,
        kind="panel" if one.device == "k1" else one.kind,
        age=one.age,
        retained=one.mark == "retained",
        late=one.mark == "late",
        n=number + 1,
    )
    wall, shift = made.wall + int(jump * SECOND), int(jump * SECOND)
    assert isinstance(made.item, Reading)
    item = msgspec.structs.replace(
        made.item,
        received_at=wall,
        at=made.item.at + shift,
        origin=("below",) if one.below else (),
    )
    return msgspec.structs.replace(made, item=item, wall=wall, trusted=one.trusted)


@settings(max_examples=400, deadline=None)
@given(st.lists(happenings(), max_size=25))
def test_restarts_and_cuts_change_nothing(told: list[Happens]) -> None:
    assert run(told, cutting=True) == run(told, cutting=False)


@settings(max_examples=150, deadline=None)
@given(st.lists(happenings(), max_size=25))
def test_one_alarm_never_opens_twice_and_only_what_stands_changes_or_ends(
    told: list[Happens],
) -> None:
    standing: dict[tuple[str, str, str], str] = {}
    now = 0
    for change in run(told, cutting=True):
        key = (change.rule, change.device, change.same)
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
    standing = set[tuple[str, str, str]]()
    for changes, state, ruleset, at in walk(told, cutting=True):
        for change in changes:
            key = (change.rule, change.device, change.same)
            if change.turn is Turn.alarmed:
                standing.add(key)
            elif change.turn is Turn.cleared:
                standing.discard(key)
        found = rules.standing(ruleset, at, state, state.now)
        assert {(change.rule, change.device, change.same) for change in found} == standing
