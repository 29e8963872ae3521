"""The rule as it was written, and the time limits of a chain of events."""

from __future__ import annotations

from gateway.model import SECOND, Happened, IncidentEvent, State, Value
from gateway.replay.account import limits, rule_text

FIRST = """
pack: demo
rules:
  - name: a          # the first
    title: A
    on: any
    when: alarm

    # kept with what follows
  - title: B
    name: b
    on: any
    when: >
      alarm and
      not test
    raise:
      - {after: 10m, severity: critical}

settings:
  - rule: b
    grid: [G1]
    set: {off: true}
  - {rule: a, device: [d1], set: {off: true}}
"""
SECOND_FILE = """
settings:
  - device: [d2]
    rule: b
    set: {severity: alarm}
"""
FILES = [("first.yaml", FIRST), ("holidays.ics", "BEGIN:VCALENDAR"), ("second.yaml", SECOND_FILE)]


def test_a_rule_is_found_with_its_line_whatever_key_comes_first() -> None:
    one, _ = rule_text(FILES, "a")
    assert one is not None
    assert (one.file, one.line) == ("first.yaml", 4)
    assert one.text.splitlines() == [
        "- name: a          # the first", "  title: A", "  on: any", "  when: alarm",
    ]  # fmt: skip
    other, _ = rule_text(FILES, "b")
    assert other is not None
    assert (other.line, other.text.splitlines()[0]) == (10, "- title: B")
    assert other.text.splitlines()[-1] == "    - {after: 10m, severity: critical}"


def test_what_overrides_it_is_found_in_every_file() -> None:
    _, settings = rule_text(FILES, "b")
    assert [(one.file, one.line) for one in settings] == [("first.yaml", 20), ("second.yaml", 3)]
    assert settings[1].text.splitlines()[0] == "- device: [d2]"


def test_a_rule_in_one_line_is_that_line() -> None:
    _, settings = rule_text(FILES, "a")
    assert [one.text for one in settings] == ["- {rule: a, device: [d1], set: {off: true}}"]


def test_a_rule_that_is_nowhere_is_none_and_a_broken_file_hides_no_other() -> None:
    assert rule_text([("bad.yaml", "rules: ["), *FILES], "c") == (None, [])
    found, _ = rule_text([("bad.yaml", "rules: ["), *FILES], "a")
    assert found is not None


def event(seq: int, what: Happened, at: int, deadline: int = 0) -> IncidentEvent:
    data: dict[str, Value] = {"deadline": str(deadline * SECOND)} if deadline else {}
    return IncidentEvent("K", seq, what, at * SECOND, at * SECOND, True, "timer", data)


def test_limits_are_kept_missed_or_running() -> None:
    found = limits(
        [
            event(1, Happened.opened, 0, 300),
            event(2, Happened.overdue, 300, 900),
            event(3, Happened.cleared, 350),
            event(4, Happened.received, 400, 700),
            event(5, Happened.handling, 500, 800),
        ]
    )
    assert [(one.until, one.due // SECOND, one.missed, one.met) for one in found] == [
        (State.received, 300, True, None),
        (State.received, 900, False, 400 * SECOND),
        (State.handling, 700, False, 500 * SECOND),
        (State.closed, 800, False, None),
    ]


def test_closing_meets_what_was_asked_last() -> None:
    found = limits(
        [
            event(1, Happened.opened, 0, 300),
            event(2, Happened.received, 10, 310),
            event(3, Happened.closed, 200),
        ]
    )
    assert [one.met for one in found] == [10 * SECOND, 200 * SECOND]
