"""Levels to readings: what bounces is none, what holds is one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.gpio.contacts import Contacts, Debounce
from drivers.gpio.options import Input, Options
from gateway.model import SECOND

ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a machine that is busy with other tests an example may take its time."""

MS = SECOND // 1_000


def test_a_level_counts_once_it_has_held() -> None:
    one = Debounce(0.05)
    one.feed(False, 0, moved=False)
    assert (one.settled, one.due) == (None, 50 * MS)
    one.feed(False, 50 * MS, moved=False)
    assert one.settled is False
    one.feed(True, 60 * MS, moved=True)
    one.feed(True, 109 * MS, moved=False)
    assert one.settled is False
    one.feed(True, 110 * MS, moved=False)
    assert one.settled is True
    assert one.due > 10**18


def test_what_went_back_in_between_begins_anew() -> None:
    one = Debounce(0.05)
    one.feed(True, 0, moved=False)
    one.feed(True, 40 * MS, moved=True)  # it was low for a moment that nobody saw
    one.feed(True, 80 * MS, moved=False)
    assert one.settled is None
    one.feed(True, 90 * MS, moved=False)
    assert one.settled is True


def test_without_debouncing_every_level_counts_at_once() -> None:
    one = Debounce(0.0)
    for now, level in enumerate((True, False, True)):
        one.feed(level, now, moved=True)
        assert one.settled is level


@ANY
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 120)), max_size=40))
def test_a_level_that_counts_has_held_all_its_time(steps: list[tuple[bool, bool, int]]) -> None:
    one, now = Debounce(0.05), 0
    said: list[tuple[int, bool, bool]] = []
    for level, moved, later in steps:
        now += later * MS
        before = one.settled
        one.feed(level, now, moved=moved)
        said.append((now, level, moved))
        if one.settled is not before:
            began: int | None = None
            for at, was, shook in said:
                if was is not level:
                    began = None
                elif began is None or shook:
                    began = at
            assert one.settled is level
            assert began is not None
            assert now - began >= 50 * MS
        assert one.due > now or one.settled is level


def contacts(*inputs: dict[str, Any]) -> Contacts:
    return Contacts(Input.model_validate({"device": "door", "debounce": "0s"} | i) for i in inputs)


def test_readings_are_made_of_changes_and_repeated() -> None:
    two = contacts({"line": 1}, {"line": 2, "value": "tamper", "repeat": "10s"})
    first = two.readings({"1": True, "2": False}, (), 0)
    assert [(r.device, r.kind, r.values) for r in first] == [
        ("door", "contact", {"open": True}), ("door", "contact", {"tamper": False}),
    ]  # fmt: skip
    assert two.due == 10 * SECOND
    assert two.readings({"1": True, "2": False}, (), 9 * SECOND) == []
    [again] = two.readings({"1": True, "2": False}, (), 10 * SECOND)
    assert again.values == {"tamper": False}
    [changed] = two.readings({"1": False, "2": False}, ("1",), 11 * SECOND)
    assert changed.values == {"open": False}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "write inputs: or outputs:"),
        ({"inputs": [{"line": "a b", "device": "x"}]}, "is no line"),
        ({"inputs": [{"line": -1, "device": "x"}]}, "is no line"),
        ({"inputs": [{"line": "../x", "device": "x"}]}, "is no line"),
        ({"inputs": [{"line": True, "device": "x"}]}, "is no line"),
        ({"inputs": [{"line": 1, "device": "x", "value": "opn"}]}, "unknown value 'opn'; did you"),
        ({"inputs": [{"line": 1, "device": "x", "value": "battery"}]}, "no truth value"),
        ({"inputs": [{"line": 1, "device": "x", "kind": "dor"}]}, "unknown kind"),
        ({"inputs": [{"line": 1, "device": "x"}, {"line": "1", "device": "y"}]}, "1: each line is"),
        (
            {"inputs": [{"line": 1, "device": "x"}, {"line": 2, "device": "x"}]},
            "x open: each value",
        ),
        (
            {"inputs": [{"line": 1, "device": "x"}], "outputs": {"x": {"line": 2}}},
            "x: an input and an output have different names",
        ),
    ],
)
def test_wrong_options_are_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Options.model_validate(given)
