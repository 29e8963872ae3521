"""Which time limit counts, and the early warning before its end."""

from __future__ import annotations

import pytest

from gateway.incidents import machine, times
from gateway.incidents.decision import World, span_of
from gateway.incidents.limits import Limits
from gateway.model import SECOND, Category, Happened, Limit, Severity, Stage, Turn
from tests.cases.build import DEADLINES, DUTY, alarmed, site
from tests.incidents.test_deeds import KEY, at, done, tells

ROWS = (
    Limit(1, 0),
    Limit(2, 0, category="life"),
    Limit(3, 0, severity="critical"),
    Limit(4, 0, stage="close"),
    Limit(5, 0, "1301"),
    Limit(6, 0, "1301", "life", "critical"),
    Limit(7, 0, "1301", "life", "critical", "handle"),
    Limit(8, 0, "130101", stage="handle"),
)


@pytest.mark.parametrize(
    ("place", "category", "severity", "stage", "within"),
    [
        ("", "facility", "alarm", "receive", 1),
        ("", "life", "critical", "close", 2),  # the category says more than the severity
        ("", "facility", "critical", "close", 3),
        ("", "facility", "notice", "close", 4),
        ("1301", "facility", "critical", "close", 5),  # the nearest place says most
        ("1301", "life", "critical", "receive", 6),
        ("1301", "life", "critical", "handle", 7),
        ("13010103", "life", "critical", "handle", 8),
        ("13010103", "life", "critical", "receive", 6),
        ("nowhere", "life", "alarm", "receive", 2),
    ],
)
def test_the_nearest_place_counts_then_what_is_said_more_closely(
    place: str, category: str, severity: str, stage: str, within: int
) -> None:
    found = Limits(ROWS).find(site(), place, Category(category), Severity(severity), Stage(stage))
    assert found is not None
    assert found.within == within


def test_what_no_row_fits_is_as_the_deadlines_say() -> None:
    limits = Limits([Limit(60 * SECOND, 0, "1301", "system")])
    world = World(site(), DEADLINES, DUTY, {}, limits)
    assert world.limit("1301", Category.life, Severity.alarm, Stage.close).within == 300 * SECOND
    assert world.limit("1301", Category.system, Severity.alarm, Stage.close).within == 60 * SECOND
    bare = World(site(), {}, DUTY)
    assert bare.limit("", Category.life, Severity.alarm, Stage.close).within == 86_400 * SECOND


WORLD = World(
    site(),
    DEADLINES,
    DUTY,
    {},
    Limits(
        [
            Limit(120 * SECOND, 30 * SECOND, category="life", severity="alarm", stage="receive"),
            Limit(60 * SECOND, 0, category="life", severity="critical"),
        ]
    ),
)


def test_the_owner_is_warned_once_before_the_limit_runs_out() -> None:
    opened = machine.react(alarmed(), None, KEY, (), WORLD, at(0))
    assert opened is not None
    assert {timer.kind: timer.due // SECOND for timer in opened.timers_set} == {
        "deadline": 120, "warn": 90,
    }  # fmt: skip
    assert times.ring(opened.incident, "warn", WORLD, at(89)) is None
    warned = times.ring(opened.incident, "warn", WORLD, at(90))
    assert warned is not None
    assert tells(warned) == [("warned", "zhang")]
    assert [event.what for event in warned.events] == [Happened.warned]
    assert {timer.kind for timer in warned.timers_set} == {"deadline"}
    assert times.ring(warned.incident, "warn", WORLD, at(91)) is None
    missed = times.ring(warned.incident, "deadline", WORLD, at(120))
    assert missed is not None
    assert tells(missed) == [("overdue", "zhang"), ("escalated", "li")]
    # Who has it now is warned in time as well.
    assert {timer.kind: timer.due // SECOND for timer in missed.timers_set} == {
        "deadline": 240, "warn": 210,
    }  # fmt: skip


def test_whoever_moves_it_on_is_not_warned_of_the_old_limit() -> None:
    opened = machine.react(alarmed(), None, KEY, (), WORLD, at(0))
    assert opened is not None
    received = done(opened.incident, "receive", when=80, world=WORLD)
    assert ("warn" in {kind for _, kind in received.timers_cleared}) is True
    assert times.ring(received.incident, "warn", WORLD, at(90)) is None


def test_a_warning_that_comes_too_late_is_the_missed_limit() -> None:
    opened = machine.react(alarmed(), None, KEY, (), WORLD, at(0))
    assert opened is not None
    late = times.ring(opened.incident, "warn", WORLD, at(500))
    assert late is not None
    assert [event.what for event in late.events] == [Happened.overdue, Happened.escalated]


def test_an_alarm_that_becomes_critical_has_the_shorter_limit_from_then_on() -> None:
    opened = machine.react(alarmed(), None, KEY, (), WORLD, at(0))
    assert opened is not None
    change = alarmed(turn=Turn.severity, severity=Severity.critical)
    worse = machine.react(change, opened.incident, "", (), WORLD, at(10))
    assert worse is not None
    assert worse.incident.deadline == 70 * SECOND
    assert [timer.due // SECOND for timer in worse.timers_set] == [70]
    assert span_of(worse.incident, WORLD).within == 60 * SECOND
    late = machine.react(change, opened.incident, "", (), WORLD, at(80))
    assert late is not None
    assert late.incident.deadline == 120 * SECOND
