"""Registers and bits to values."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.decode import read, value_of
from drivers.modbus.plan import Block, blocks
from drivers.modbus.points import Point
from tests.cost import affordable


def point(**given: Any) -> Point:
    where = {} if {"coil", "discrete", "input"} & set(given) else {"register": 0}
    return Point.model_validate({"value": "extra.x"} | where | given)


def words(text: str) -> list[int]:
    data = bytes.fromhex(text)
    return list(struct.unpack(f">{len(data) // 2}H", data))


@pytest.mark.parametrize(
    ("given", "raw", "value"),
    [
        ({"value": "humidity", "scale": 0.1}, "0292", 65.8),
        ({"value": "temperature", "type": "i16", "scale": 0.1}, "FF9B", -10.1),
        ({"value": "temperature", "scale": 0.1, "negative_from": 10000}, "280A", -25.0),
        ({"value": "temperature", "scale": 0.1, "negative_from": 10000}, "00FA", 25.0),
        ({"value": "temperature", "type": "sm16", "scale": 0.1}, "8065", -10.1),
        ({"value": "temperature", "scale": 0.1, "offset": -40}, "0000", -40.0),
        ({"type": "u32"}, "00000128", 296.0),
        ({"type": "i32"}, "FFFFFFFE", -2.0),
        ({"type": "f32"}, "41CC0000", 25.5),
        ({"type": "f32", "order": "CDAB"}, "000041CC", 25.5),
        ({"type": "f32", "order": "BADC"}, "CC410000", 25.5),
        ({"type": "f32", "order": "DCBA"}, "0000CC41", 25.5),
        ({"type": "u16", "order": "BADC"}, "9202", 658.0),
        ({"type": "f64"}, "C000000000000000", -2.0),
        ({"type": "i64"}, "FFFFFFFFFFFFFFFE", -2.0),
        ({"type": "text", "count": 4}, "4142434445464700", "ABCDEFG"),
        ({"bit": 8, "bits": 8, "words": {1: "H2S", 4: "CO"}}, "0403", "CO"),
        ({"value": "fault", "bit": 1}, "0002", True),
        ({"value": "alarm", "true": [65, 66], "false": [64, 67, 68]}, "0042", True),
        ({"value": "fault", "false": [0]}, "0007", True),
        ({"value": "alarm", "invert": True}, "0000", True),
        ({"value": "alarm"}, "0000", False),
        ({"value": "temperature", "type": "i16", "absent": ["0x7FFF", "0x8000"]}, "8000", None),
        ({"value": "code"}, "0003", "3"),
        ({"bit": 3}, "0008", True),
        ({"value": "temperature", "type": "i16", "scale": 0.1}, "0000", 0.0),
    ],
)
def test_register_becomes_a_value(given, raw, value) -> None:
    assert value_of(point(**given), words(raw)) == value


@pytest.mark.parametrize(
    ("given", "bit", "value"),
    [
        ({"value": "alarm", "discrete": 0}, 1, True),
        ({"value": "alarm", "discrete": 0, "invert": True}, 1, False),
        ({"value": "alarm", "discrete": 0, "invert": True}, 0, True),
        ({"value": "extra.relay", "coil": 9}, 0, False),
        ({"value": "extra.relay", "coil": 9, "invert": True}, 0, True),
    ],
)
def test_bit_becomes_a_truth_value(given, bit, value) -> None:
    assert value_of(point(**given), [bit]) is value


@pytest.mark.parametrize(
    ("given", "raw", "reason"),
    [
        ({"value": "alarm"}, "0002", "2 is neither 0 nor 1"),
        ({"value": "alarm", "true": [1], "false": [0]}, "0002", "neither in true nor in false"),
        ({"words": {1: "on"}}, "0002", "2 has no word"),
        ({"type": "f32"}, "7FC00000", "not a finite number"),
        ({"type": "f32"}, "7F800000", "not a finite number"),
        ({"value": "humidity", "scale": 0.1, "range": [0, 100]}, "7FFF", "3276.7 lies outside 0"),
        ({"type": "text", "count": 1}, "FFFE", "no text"),
        ({"value": "", "expect": [131]}, "0007", "holds 7, not 131: another device"),
        ({"type": "u32"}, "0001", "1 of 2 places"),
    ],
)
def test_register_that_holds_no_value_says_why(given, raw, reason) -> None:
    with pytest.raises(ValueError, match=reason):
        value_of(point(**given), words(raw))


def test_bad_point_hides_no_good_one_and_another_model_leaves_none() -> None:
    good = point(value="humidity", register=0)
    bad = point(value="alarm", register=1)
    found = read(Block("register", 0, 2, (good, bad)), [50, 7])
    assert found.values == {("", "humidity"): 50.0}
    assert [fault.point for fault in found.faults] == [bad]
    other = point(value="", register=1, expect=[131])
    assert read(Block("register", 0, 2, (good, other)), [50, 7]).values == {}


TYPES = ["u16", "i16", "sm16", "u32", "i32", "f32", "u64", "i64", "f64", "text"]
ANY_POINT = st.builds(
    lambda kind, order, scale, offset, absent: point(
        type=kind,
        order=order,
        absent=absent,
        **({} if kind == "text" else {"scale": scale, "offset": offset}),
    ),
    st.sampled_from(TYPES),
    st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]),
    st.floats(-1e300, 1e300),
    st.floats(-1e300, 1e300),
    st.lists(st.integers(0, 0xFFFF), max_size=2),
)


@given(given=ANY_POINT, answer=st.lists(st.integers(-1, 70_000), max_size=5))
def test_any_registers_give_a_value_or_a_reason(given, answer) -> None:
    found = read(Block("register", 0, given.size, (given,)), answer)
    assert len(found.values) + len(found.faults) <= 1
    assert all(0 < len(fault.reason) < 200 for fault in found.faults)
    for value in found.values.values():
        assert not isinstance(value, float) or math.isfinite(value)


@given(
    value=st.floats(width=32, allow_nan=False, allow_infinity=False),
    order=st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]),
)
def test_every_order_is_undone(value, order) -> None:
    a, b, c, d = struct.pack(">f", value)
    at = dict(zip("ABCD", (a, b, c, d), strict=True))
    raw = bytes(at[letter] for letter in order)
    assert value_of(point(type="f32", order=order), words(raw.hex())) == value


def test_full_answer_is_decoded_in_little_time() -> None:
    points = [point(value=f"extra.v{n}", register=n, type="i16", scale=0.1) for n in range(125)]
    [block] = blocks(points, max_registers=125, max_bits=2000, bridge=0)
    answer = list(range(125))
    assert len(affordable(20_000_000, lambda: read(block, answer)).values) == 125
