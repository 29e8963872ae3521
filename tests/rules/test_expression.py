import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import every_value_name
from rules.expression import Condition, compile_condition, evaluate
from rules.syntax import Fault, Faults

FULL = {
    "alarm": True,
    "density": 0.31,
    "temperature": 21.0,
    "zone": "A",
    "test": False,
    "extra.level": 3.0,
    "extra.mode": "away",
    "extra.wet": True,
}


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("alarm", {"alarm": True}, True),
        ("alarm", {"alarm": False}, False),
        ("alarm", {}, False),
        ("not alarm", {}, False),
        ("not alarm", {"alarm": False}, True),
        ("alarm or density > 0.15", {"density": 0.2}, True),
        ("alarm or density > 0.15", {"density": 0.1}, False),
        ("alarm or density > 0.15", {"alarm": True}, True),
        ("alarm and density > 0.15", {"alarm": True}, False),
        ("not (alarm and density > 0.15)", {"alarm": False}, True),
        ("not (alarm and density > 0.15)", {"alarm": True}, False),
        ("not (alarm or density > 0.15)", {"alarm": False}, False),
        ("alarm and not test", {"alarm": True}, True),
        ("alarm and not test", {"alarm": True, "test": True}, False),
        ("alarm and armed", {"alarm": True}, True),
        ("alarm and armed", {"alarm": True, "armed": False}, False),
        ("alarm == true", {"alarm": True}, True),
        ("alarm != true", {}, False),
        ("alarm != true", {"alarm": False}, True),
        ("test == false", {}, True),
        ("0.1 < density <= 0.3", {"density": 0.3}, True),
        ("0.1 < density <= 0.3", {"density": 0.1}, False),
        ("not 0.1 < density <= 0.3", {"density": 0.4}, True),
        ("not 0.1 < density <= 0.3", {}, False),
        ("density != 0.3", {}, False),
        ("density != 0.3", {"density": 0.0}, True),
        ("density == 0", {"density": 0.0}, True),
        ("not density == 0", {}, False),
        ("temperature - 2 * density > 20", {"temperature": 21.0, "density": 0.25}, True),
        ("temperature - 2 * density > 20", {"temperature": 21.0}, False),
        ("1 + 2 * 3 == temperature", {"temperature": 7.0}, True),
        ("(1 + 2) * 3 == temperature", {"temperature": 9.0}, True),
        ("temperature == 8 - 4 - 2", {"temperature": 2.0}, True),
        ("-temperature > 5", {"temperature": -6.0}, True),
        ("temperature / density > 5", {"temperature": 1.0, "density": 0.0}, False),
        ("not temperature / density > 5", {"temperature": 1.0, "density": 0.0}, False),
        ("temperature / density != 5", {"temperature": 1.0, "density": 0.0}, False),
        ("zone == 'A'", {"zone": "A"}, True),
        ("zone != 'A'", {}, False),
        ('zone != "A"', {"zone": "B"}, True),
        ("extra.level > 2", {"extra.level": 3.0}, True),
        ("extra.level > 2", {"extra.level": "many"}, False),
        ("not extra.level > 2", {"extra.level": "many"}, False),
        ("extra.mode == 'away'", {"extra.mode": "away"}, True),
        ("extra.mode == 'away'", {"extra.mode": 1.0}, False),
        ("extra.wet", {"extra.wet": True}, True),
        ("extra.wet", {"extra.wet": 1.0}, False),
        ("extra.a == extra.b", {"extra.a": 1.0, "extra.b": 1.0}, True),
        ("extra.a == extra.b", {"extra.a": 1.0, "extra.b": True}, False),
        ("extra.a != extra.b", {"extra.a": 1.0}, False),
        ("extra.水位 > 1", {"extra.水位": 2.0}, True),
    ],
)
def test_a_condition_holds_only_when_certainly_true(
    text: str, values: dict[str, float | bool | str], holds: bool
) -> None:
    condition = compile_condition(text)
    assert condition.holds(values.get) is holds
    assert (evaluate(condition.tree, values) is True) is holds


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("alarm or density > 4", {"alarm": False}, True),
        ("alarm or density > 4", {"alarm": False, "density": 5.0}, False),
        ("battery_low or battery < 10", {"battery": 20.0}, True),
        ("not online", {"online": True}, True),
        ("not online", {"online": False}, False),
        ("temperature / density > 5", {"temperature": 1.0, "density": 0.0}, False),
        ("zone == 'A' or alarm", {"alarm": False}, True),
    ],
)
def test_the_opposite_leaves_out_values_never_reported(
    text: str, values: dict[str, float | bool | str], holds: bool
) -> None:
    assert compile_condition(text).opposite().holds(values.get) is holds


@pytest.mark.parametrize(
    ("text", "at", "part"),
    [
        ("", 0, "a value is expected"),
        ("alarm and", 9, "a value is expected"),
        ("and alarm", 0, "a value is expected"),
        ("alarm density", 6, "'density' is not expected here"),
        ("alarm and densty > 3", 10, "did you mean 'density'?"),
        ("ALARM", 0, "unknown value 'ALARM'"),
        ("alarm AND test", 6, "write 'and'"),
        ("Not alarm", 4, "'alarm' is not expected"),
        ("density", 0, "is a number; compare it"),
        ("zone", 0, "is a text"),
        ("alarm > 3", 0, "yes or no"),
        ("alarm + 1 > 3", 0, "arithmetic needs numbers"),
        ("density > true", 10, "can not be compared with a number"),
        ("density > 'x'", 10, "can not be compared with a number"),
        ("zone < 'x'", 0, "needs numbers"),
        ("zone == 3", 8, "can not be compared with a text"),
        ("alarm == (density > 3)", 10, "use and, or, not"),
        ("density = 3", 8, "write =="),
        ("alarm && test", 6, "write 'and'"),
        ("alarm || test", 6, "write 'or'"),
        ("!alarm", 0, "write 'not'"),
        ("zone == 'A", 8, "no closing quote"),
        ("density \uff1e 3", 8, "full-width character; write '>'"),
        ("(alarm", 0, "never closed"),
        ("alarm)", 5, "not expected"),
        ("rat(density, 60s) > 3", 0, "there is no function 'rat'; did you mean 'rate'?"),
        ("rate(density) > 3", 0, "rate needs a time, as in rate(temperature, 10m)"),
        ("rate(density, 60) > 3", 14, "a time is expected here"),
        ("rate(density, 8d) > 3", 14, "8d is not within 1s and 7d"),
        ("rate(alarm, 60s) > 3", 0, "rate needs a number"),
        ("rate(4, 60s) > 3", 5, "rate needs the name of a value"),
        ("rate(density, 60s > 3", 18, "'>' is not expected here; as in rate(temperature, 10m)"),
        ("rate(density, 60s", 0, "never closed"),
        ("count(test, 1h) > 3", 0, "'test' counts for its own report alone"),
        ("density > 60s", 10, "60s is no quantity; a time stands only in a function"),
        ("density > 60foo", 10, "put a space"),
        ("density > 60 °C", 10, "60 is in °C; it can not be compared with 'density' in %/m"),
        ("density > temperature", 10, "'temperature' is in °C"),
        ("density + battery > 3", 10, "can not be added to 'density' in %/m"),
        ("rate(temperature, 60s) > 5 °C", 25, "compared with rate(temperature) in °C/min"),
        ("density > 1e999", 10, "too large"),
        ("1 < 2", 0, "names no value"),
        ("true", 0, "names no value"),
        ("not " * 30 + "alarm", 80, "nested more than 20"),
        ("(" * 200, 20, "nested more than 20"),
        ("alarm or " * 200 + "alarm", 1152, "more than 128 parts"),
        ("alarm" + " " * 3000, 0, "longer than 2,000"),
        ("extra.", 5, "not understood"),
        ("density.value > 3", 0, "unknown value 'density.value'"),
        ("__import__('os')", 0, "there is no function"),
        ("alarm if test else alarm", 6, "not expected"),
        ("[alarm]", 0, "not understood"),
        ("alarm; test", 5, "not understood"),
    ],
)
def test_a_bad_condition_says_what_and_where(text: str, at: int, part: str) -> None:
    with pytest.raises(Faults) as error:
        compile_condition(text, ["smoke"])
    fault = error.value.faults[0]
    assert part in fault.message
    assert fault.at == at


def test_every_unknown_name_is_named_at_once() -> None:
    with pytest.raises(Faults) as error:
        compile_condition("densty > 1 or temprature > 2")
    assert [fault.at for fault in error.value.faults] == [0, 14]


def attempt(text: str) -> tuple[Condition | None, tuple[Fault, ...]]:
    try:
        return compile_condition(text), ()
    except Faults as error:
        return None, error.faults


WORDS = st.sampled_from(
    [
        *("alarm", "density", "temperature", "zone", "extra.x", "test", "and", "or", "not"),
        *("true", "false", "(", ")", "<", "<=", "==", "!=", "+", "-", "*", "/", "0", "1.5"),
        *("'A'", ".5", "1e3", "rate", ",", ">", "=", "&&", "\x00", "\ud800", "é", "井"),
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=25).map(" ".join)))
def test_any_text_is_a_condition_or_a_fault(text: str) -> None:
    condition, faults = attempt(text)
    if condition is None:
        assert faults
        assert all(0 <= fault.at <= len(text) and fault.message for fault in faults)
    else:
        for test in (condition, condition.opposite()):
            assert isinstance(test.holds({}.get), bool)
            assert isinstance(test.holds(FULL.get), bool)


NUMBERS = st.recursive(
    st.sampled_from(["density", "temperature", "extra.level", "0", "1.5", "20"]),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner)
        | st.builds("(-{})".format, inner)
    ),
    max_leaves=5,
)
COMPARED = st.builds(
    "{} {} {}".format, NUMBERS, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), NUMBERS
)
CONDITIONS = st.recursive(
    COMPARED
    | st.sampled_from(
        ["alarm", "test", "extra.wet", "zone == 'A'", "zone != 'B'", "alarm == false"]
    ),
    lambda inner: (
        st.builds("({} and {})".format, inner, inner)
        | st.builds("({} or {})".format, inner, inner)
        | st.builds("not ({})".format, inner)
    ),
    max_leaves=8,
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "alarm": st.booleans(),
        "test": st.booleans(),
        "density": st.sampled_from([0.0, 1.5, 20.0, -3.0, 1e308]),
        "temperature": st.sampled_from([0.0, 1.5, 20.0, -3.0, 1e308]),
        "zone": st.sampled_from(["A", "B"]),
        "extra.level": st.sampled_from([0.0, 1.5, "x", True]),
        "extra.wet": st.sampled_from([True, False, 1.0, "x"]),
    },
)


@given(CONDITIONS, VALUES)
def test_the_compiled_form_agrees_with_the_walked_tree(
    text: str, values: dict[str, float | bool | str]
) -> None:
    condition, faults = attempt(text)
    if condition is None:
        reasons = ("names no value", "nested", " is in ")
        assert any(reason in faults[0].message for reason in reasons)
        return
    walked = evaluate(condition.tree, values)
    assert condition.holds(values.get) is (walked is True)
    if walked is False:
        assert condition.opposite().holds(values.get)
    if walked is True:
        assert not condition.opposite().holds(values.get) or set(condition.names) - set(values)


def test_every_value_name_can_be_used() -> None:
    for name, kind in every_value_name().items():
        text = {float: f"{name} > 1", bool: name, str: f"{name} == 'x'"}[kind.type]
        assert compile_condition(text).names == {name}
