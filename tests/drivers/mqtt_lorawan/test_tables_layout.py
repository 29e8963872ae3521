"""Layouts as text: the little language that the payload tables are written in."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.mqtt.lorawan.tables import _tlv
from drivers.mqtt.lorawan.tables._layout import layout

FIELDS = {
    "unsigned": ("a u16", "ff01", {"a": 0xFF01}),
    "signed": ("a i16 /10", "ff9c", {"a": -10}),
    "three bytes": ("a i24", "fffffe", {"a": -2}),
    "in order": ("a u8 &15 +25 /10", "fb", {"a": 3.6}),
    "kept for the next": ("^a u8 &1; b u8 >>1 &1; c u8", "0207", {"a": 0, "b": 1, "c": 7}),
    "skipped": ("_ u16; a u8", "ffff05", {"a": 5}),
    "words": ("a u8 = no|yes", "01", {"a": "yes"}),
    "a word that is not there": ("a u8 = no|yes", "02", {"a": "unknown"}),
    "one word for the rest": ("a u8 = no|yes..", "ff", {"a": "yes"}),
    "numbered words": ("a u8 = 1:one|255:error", "ff", {"a": "error"}),
    "a word with a colon": ("a u8 = 0:at 1:00|1:b", "00", {"a": "at 1:00"}),
    "truth": ("a u8 >>4 bool", "10", {"a": True}),
    "a special value": ("a u16 /10 ?0xFFFF:NoSensor", "ffff", {"a": "NoSensor"}),
    "a value that is none": ("a u16 ?0xFFFF; b u8", "ffff01", {"b": 1}),
    "a float": ("a f32", "41b4b8e5", {"a": pytest.approx(22.5903, abs=1e-4)}),
    "a float that is none": ("a f32 /10; b u8", "7fc0000001", {"b": 1}),
    "digits": ("a hex2; b dot2; c text3", "0aff010241004a", {"a": "0aff", "b": "1.2", "c": "A"}),
    "unused bytes": ("a u8", "01ffffff", {"a": 1}),
}


@pytest.mark.parametrize(("text", "data", "expected"), FIELDS.values(), ids=FIELDS)
def test_a_layout_reads_what_it_says(text: str, data: str, expected: dict[str, Any]) -> None:
    assert layout(text).read(bytes.fromhex(data)) == expected


def test_a_little_endian_layout_reads_the_low_byte_first() -> None:
    assert layout("a u16; b f32", little=True).read(bytes.fromhex("0102e5b8b441"))["a"] == 0x0201


def test_too_few_bytes_are_refused_or_taken_as_zero_where_the_maker_does() -> None:
    row = layout("a u8; b u16")
    with pytest.raises(ValueError, match="1 bytes, needs 3"):
        row.read(b"\1")
    assert row.read(b"\1", least=1) == {"a": 1, "b": 0}
    with pytest.raises(ValueError, match="0 bytes, needs 1"):
        row.read(b"", least=1)


@pytest.mark.parametrize("text", ["a x8", "a u8 %3", "a u8 /x"])
def test_a_wrong_layout_is_found_when_its_table_is_made(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - three different texts
        layout(text)


def test_an_unknown_item_ends_the_payload_and_what_came_before_stands() -> None:
    table = _tlv.channels({"0175": "battery u8"})
    assert _tlv.read(bytes.fromhex("017564ffee01"), table) == {"battery": 100}
    with pytest.raises(ValueError, match="begins with item ff ee"):
        _tlv.read(bytes.fromhex("ffee01"), table)


def test_an_item_that_is_cut_off_is_refused_with_its_place() -> None:
    table = _tlv.channels({"0175": "battery u8", "0367": "temperature i16 /10"})
    with pytest.raises(ValueError, match="item 03 67 is cut off"):
        _tlv.read(bytes.fromhex("017564036701"), table)


def test_more_items_than_any_payload_has_are_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        _tlv.read(b"\1\0" * (_tlv.ITEMS + 1), _tlv.channels({"01": "a u8"}), width=1)
