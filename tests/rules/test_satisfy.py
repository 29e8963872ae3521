"""What is said of a condition without any values is what its values would say."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import satisfy
from rules.expression import compile_condition, evaluate
from rules.satisfy import MAX_CASES, TooMany, apart, cases, example, together, written
from rules.syntax import Node


def tree(text: str) -> Node:
    return compile_condition(text).tree


def can(text: str) -> bool:
    return cases(tree(text)) != ()


def must(text: str) -> bool:
    return cases(tree(text), False) == ()


def implies(one: str, other: str) -> bool:
    return apart(cases(tree(one)), cases(tree(other), False))


@pytest.mark.parametrize(
    "text",
    [
        "density > 5 and density < 3",
        "density > 5 and density < 5",
        "density > 5 and density <= 5",
        "density == 5 and density != 5",
        "5 < tilt < 3",
        "5 < tilt and tilt < 3",
        "alarm and not alarm",
        "alarm and alarm == false",
        "not (alarm or not alarm)",
        "zone == 'a' and zone == 'b'",
        "zone == 'a' and not (zone == 'a')",
        "battery > 100",
        "battery > 100 %",
        "lel < 0",
        "lel > 101",
        "area > 1",
        "area < 0",
        "humidity > 120",
        "co < 0",
        "temperature < -300",
        "temperature > 3 and 1 > 2",
        "temperature > temperature",
        "level > water_level and water_level > level",
        "level - water_level > 5 and level - water_level < 3",
        "(temperature < 3 or alarm) and temperature > 4 and not alarm",
        "rate(temperature, 3m) > 8 and rate(temperature, 180s) < 3",
        "avg(battery, 1h) > 100",
        "count(alarm, 10m) < 0",
        "changed(code) and not changed(code)",
        "extra.x > 3 and extra.x < 1",
        "extra.x == 'a' and extra.x == 'b'",
        "temperature > 2 * 3 and temperature < 10 / 2",
        "temperature > -(3 - 5) and temperature < 2",
        "armed == alarm and alarm != armed",
    ],
)
def test_these_can_never_hold(text: str) -> None:
    assert not can(text)


@pytest.mark.parametrize(
    "text",
    [
        "density > 3 and density < 5",
        "density >= 5 and density <= 5",
        "alarm and not test",
        "battery >= 100",
        "temperature < -200",
        "zone != 'a' and zone != 'b'",
        "level > water_level and level > 3",
        "rate(temperature, 3m) > 8 and rate(temperature, 4m) < 3",
        "rate(battery, 3m) < -200",
        "level - water_level > 5 and water_level - level > 5",  # only algebra could tell
        "extra.x and extra.y > 5",
        "water_level < 0",
        "broker_drops > 1000",
        "temperature / 0 > 1",
    ],
)
def test_these_can_hold(text: str) -> None:
    assert can(text)
    assert not must(text)


@pytest.mark.parametrize(
    "text",
    [
        "alarm or not alarm",
        "density < 5 or density > 3",
        "density < 5 or density >= 5",
        "battery <= 100",
        "lel >= 0",
        "zone == 'a' or zone != 'a'",
        "not (temperature < 3 and temperature > 4)",
        "temperature == temperature",
        "temperature > 3 or 2 > 1",
    ],
)
def test_these_always_hold(text: str) -> None:
    assert must(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("density > 5", "density > 3"),
        ("density > 5", "density >= 5"),
        ("alarm and not test", "alarm"),
        ("battery < 5", "battery_low or battery < 10"),
        ("5 < tilt < 7", "tilt > 4 and tilt < 9"),
        ("zone == 'a'", "zone != 'b'"),
        ("co >= 300 and not test", "co >= 50 and not test"),
        ("not (alarm or test)", "not test"),
        ("temperature > 57 °C", "temperature > 120 °F"),
    ],
)
def test_one_implies_the_other_and_not_back(one: str, other: str) -> None:
    assert implies(one, other)
    assert not implies(other, one)


def test_equal_conditions_imply_each_other() -> None:
    one, other = "alarm and not test and lel > 5", "5 < lel and alarm == true and test != true"
    assert implies(one, other)
    assert implies(other, one)


def test_an_extra_value_of_another_type_proves_nothing() -> None:
    assert not implies("extra.x", "extra.x > 5")
    assert not implies("extra.x == 'a'", "extra.x > 5")
    assert not implies("extra.x == 'a'", "not extra.x")


def test_too_many_cases_are_not_judged() -> None:
    pairs = " and ".join(f"(extra.a{n} or extra.b{n})" for n in range(9))
    with pytest.raises(TooMany):
        cases(tree(pairs))
    assert len(cases(tree(" or ".join(f"temperature == {n}" for n in range(30))))) == 30
    assert MAX_CASES == 256


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("density > 5 and density < 7", "density = 6"),
        ("density > 5", "density = 6"),
        ("battery < 5", "battery = 1"),
        ("alarm and zone == 'a'", "alarm = true, zone = 'a'"),
        ("zone != 'x'", "zone = 'x1'"),
        ("voltage != 1", "voltage = 2"),
        ("rate(temperature, 90s) > 8", "rate(temperature, 90s) = 9"),
    ],
)
def test_an_example_fits(text: str, said: str) -> None:
    (case,) = cases(tree(text))
    assert example(case) == said


def test_what_fits_two_conditions_is_shown() -> None:
    both = together(cases(tree("density > 5")), cases(tree("density < 8")))
    assert both is not None
    assert example(both) == "density = 6"
    assert together(cases(tree("density > 5")), cases(tree("density < 3"))) is None


@pytest.mark.parametrize(
    "text",
    [
        "alarm and not test",
        "5 < tilt < 7",
        "(alarm or test) and temperature > 57",
        "rate(temperature, 3m) > 8 or changed(code)",
        "not (alarm and test)",
        "temperature - (humidity * 2) > -extra.x",
        "zone == 'a' or armed == false",
        "avg(temperature, 1d) > min(temperature, 2h)",
    ],
)
def test_a_condition_is_written_as_it_was(text: str) -> None:
    assert written(tree(text)) == text


# --- against the slow walk over real values ---------------------------------------------

_NUMBERS = ("temperature", "battery")
_FLAGS = ("alarm", "test")
_BOUNDS = st.sampled_from(["0", "20", "50", "100", "(20 + 30)"])
_SIGNS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
_ATOMS = st.one_of(
    st.tuples(st.sampled_from(_NUMBERS), _SIGNS, _BOUNDS).map(" ".join),
    st.tuples(_BOUNDS, _SIGNS, st.sampled_from(_NUMBERS)).map(" ".join),
    st.tuples(_BOUNDS, _SIGNS, st.sampled_from(_NUMBERS), _SIGNS, _BOUNDS).map(" ".join),
    st.sampled_from([*_FLAGS, "alarm == false", "test != alarm", "zone == 'a'", "zone != 'b'"]),
)
_CONDITIONS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda t: "({} {} {})".format(*t)
        ),
    ),
    max_leaves=6,
)
_POINTS = (0.0, 10.0, 20.0, 30.0, 50.0, 70.0, 100.0)
_EVERYTHING = [
    {"temperature": t, "battery": b, "alarm": a, "test": s, "zone": z}
    for t, b, a, s, z in itertools.product(
        (-1.0, *_POINTS, 101.0), _POINTS, (True, False), (True, False), ("a", "b", "c")
    )
]
"""A value in each gap between the bounds that the conditions can have, and each bound."""


@settings(deadline=None, max_examples=150)
@given(_CONDITIONS, _CONDITIONS)
def test_what_is_said_is_what_every_value_would_say(one: str, other: str) -> None:
    a, b = tree(one), tree(other)
    real = [(evaluate(a, values), evaluate(b, values)) for values in _EVERYTHING]
    assert (cases(a) != ()) is any(x for x, _ in real)
    assert (cases(a, False) == ()) is all(x for x, _ in real)
    assert apart(cases(a), cases(b)) is not any(x and y for x, y in real)
    assert apart(cases(a), cases(b, False)) is all(y for x, y in real if x)
    for case in cases(a):
        some = {what.text: satisfy.some(wanted) for what, wanted in case.items()}
        if "alarm == test" not in some:
            whole = {"temperature": 0.0, "battery": 0.0, "alarm": False, "test": False, "zone": "c"}
            assert evaluate(a, {**whole, **some}) is True
