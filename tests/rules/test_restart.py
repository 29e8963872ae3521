"""However the journal is cut, and wherever the program stops: the same changes."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from gateway.model import SECOND, Change, Evidence, Reading, Record, Turn
from rules.state import OPEN
from tests.rules.told import ARRIVAL, Engine, device, keep, load, record, rule, site

RULES = load(
    rule("when: alarm or density > 4; for: 5s; keep: 7s; same: building", name="a"),
    rule("when: alarm; late: ring", name="b", category="intrusion", on="[smoke, heat]"),
    rule("when: alarm and not test", name="g"),
    rule("when: alarm and not test; for: 1s", name="h", category="intrusion"),
    rule("when: density > 2; clear: density < 1; keep: 3s", name="c", category="facility"),
    rule("when: alarm and not test; keep: 5s; again: 4s", name="i"),
    rule("when: density > 2; clear: alarm; again: 6s", name="j", category="intrusion"),
    rule("absent: device", name="d", on="any", category="trouble"),
    rule("absent: 30s", name="e", category="trouble"),
)
CHANGED = load(
    rule("when: alarm or density > 3; for: 6s; keep: 7s; same: building", name="a"),
    rule("when: density > 2; clear: density < 1; keep: 3s", name="c", category="facility"),
    rule("when: alarm and not test; keep: 5s; again: 2s", name="i"),
    rule("absent: 20s", name="e", category="trouble"),
    rule("when: alarm and temperature > 50", name="f"),
)
SITE = site(device("s1", silence=20), device("s2", silence=11), device("h1", "heat"))
SMALLER = site(device("s1", silence=15), device("s3"), version=2)
PICTURE = Evidence("image/jpeg", "ab" * 32, 7)


class Report(NamedTuple):
    wait: float
    device: str
    kind: str
    values: dict[str, float | bool]
    age: float
    retained: bool
    late: bool
    picture: bool
    jump: int
    cut: bool
    """A restart comes before this report."""
    ticks: tuple[float, ...]
    """Parts of ``wait`` after which the engine is asked for its timers."""


def reports() -> st.SearchStrategy[Report]:
    values = st.fixed_dictionaries(
        {},
        optional={
            "alarm": st.booleans(),
            "density": st.sampled_from([0.0, 1.5, 3.5, 5.0]),
            "temperature": st.sampled_from([20.0, 60.0]),
            "test": st.booleans(),
        },
    )
    return st.builds(
        Report,
        wait=st.sampled_from([0.0, 0.5, 1.0, 3.0, 5.0, 7.0, 12.0, 40.0]),
        device=st.sampled_from(["s1", "s2", "h1", "x1"]),
        kind=st.sampled_from(["smoke", "smoke", "heat"]),
        values=values,
        age=st.sampled_from([0.0, 0.0, 0.0, 0.5, 4.0, 40.0, 400.0, -2.0]),
        retained=st.sampled_from([False, False, False, True]),
        late=st.sampled_from([False, False, False, True]),
        picture=st.booleans(),
        jump=st.sampled_from([0, 0, -86_400, 86_400]),
        cut=st.booleans(),
        ticks=st.lists(st.sampled_from([0.1, 0.5, 1.0]), max_size=2).map(tuple),
    )


def run(told: list[Report], changed_at: int, *, cutting: bool) -> list[Change]:
    """The changes of a run; ``cutting`` restarts and ticks where the reports say."""
    state, saved = rules.State(), dict[str, bytes]()
    ruleset, at = RULES, SITE
    changes = rules.tick(ruleset, at, state, ARRIVAL)
    second = 0.0
    for number, one in enumerate(told):
        if cutting and number != changed_at:
            for part in sorted(one.ticks):
                now = ARRIVAL + int((second + part * one.wait) * SECOND)
                changes += rules.tick(ruleset, at, state, now)
        if cutting and one.cut:
            keep(saved, state)
            state = rules.State.restore(saved)
        second += one.wait
        if number == changed_at:
            # As the detector does with an edition: what was in force is taken up and what is due
            # decided by it, then the new ones.
            changes += rules.tick(ruleset, at, state, ARRIVAL + int(second * SECOND))
            ruleset, at = CHANGED, SMALLER
        changes += rules.step(ruleset, at, state, made(one, second, number))
    return changes + rules.tick(ruleset, at, state, ARRIVAL + int((second + 100) * SECOND))


def made(one: Report, second: float, number: int) -> Record:
    return record(
        second,
        dict(one.values),
        one.device,
        kind=one.kind,
        age=one.age,
        retained=one.retained,
        late=one.late,
        evidence=PICTURE if one.picture else None,
        n=number + 1,
        jump=one.jump,
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(reports(), max_size=25), st.integers(-1, 25))
def test_restarts_and_cuts_change_nothing(told: list[Report], changed_at: int) -> None:
    straight = run(told, changed_at, cutting=False)
    assert run(told, changed_at, cutting=True) == straight


@settings(max_examples=100, deadline=None)
@given(st.lists(reports(), max_size=25))
def test_only_a_standing_alarm_clears_and_time_never_goes_back(told: list[Report]) -> None:
    # A device that changes its kind leaves its rules, and their alarms with their owner.
    told = [one._replace(kind="heat" if one.device == "h1" else "smoke") for one in told]
    standing: set[tuple[str, str]] = set()
    now = 0
    for change in run(told, -1, cutting=True):
        key = (change.rule, change.device)
        if change.turn is Turn.cleared:
            standing.remove(key)
        else:
            standing.add(key)
        assert change.now >= now
        assert change.why.zh
        assert change.why.en
        now = change.now


LIFE = load(rule("when: alarm and not test"))


@settings(max_examples=200, deadline=None)
@given(st.lists(reports(), max_size=25))
def test_an_alarm_for_life_rings_whatever_the_device_thinks_the_time_is(
    told: list[Report],
) -> None:
    # Each incident may be closed at once, so after each word of "no alarm" the next one rings.
    state, second, over = rules.State(), 0.0, dict[str, bool]()
    for number, one in enumerate(told):
        second += one.wait
        record = made(one._replace(kind="smoke"), second, number)
        changes = rules.step(LIFE, SITE, state, record)
        assert isinstance(record.item, Reading)
        device, alarm = record.item.device, record.item.values.get("alarm")
        if Turn.alarmed in [change.turn for change in changes]:
            over[device] = False
        elif alarm is False:
            over[device] = True
        if alarm and not record.item.values.get("test"):
            assert not over.get(device, True)
            assert state.entries[device].active["r"].phase == OPEN


def test_what_was_kept_over_a_downtime_is_newer_than_what_was_stored_before_it() -> None:
    e = Engine(load(rule("when: alarm")), site(device("s1")))
    assert e.report(0, {"alarm": True}) == ["alarmed r s1 @0"]
    e.restart()
    # 200 s of nobody: the broker kept the end for 100 of them
    assert e.report(10, {"alarm": False}, age=100, jump=200) == ["cleared r s1 @10"]


def test_what_was_sent_before_the_downtime_stays_older() -> None:
    e = Engine(load(rule("when: alarm")), site(device("s1")))
    assert e.report(0, {"alarm": True}) == ["alarmed r s1 @0"]
    e.restart()
    assert e.report(10, {"alarm": False}, age=215, jump=200) == []


def test_only_the_last_downtimes_are_remembered() -> None:
    e = Engine(load(rule("when: alarm")), site(device("s1")))
    for downtime in range(30):
        e.report(downtime, {"alarm": False}, jump=downtime * 100)
    keep(e.saved, e.state)
    assert len(e.saved["clock"]) < 300
