"""The answer among bytes: published exchanges, and any noise around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.wire import Asked, answer_to, asked, crc16
from tests.cost import affordable

EXCHANGES = [
    ("01030000 0002 C40B", "01030402 92FF9B5A3D"),  # repository samples of many vendors
    ("FF0200000008 6C12", "FF02010151A0"),  # Novabo, normal
    ("FF0200000008 6C12", "FF0201009060"),  # Novabo, alarm
    ("010400010001 600A", "0104020131 7974"),  # SHT20
    ("0A0400000002 70B0", "0A0404000001 2840CA"),  # NHZD210
    ("010300030001 740A", "01030200017984"),
    ("010300000002 C40B", "018302C0F1"),  # illegal address
    ("01050000FF00 8C3A", "01050000FF008C3A"),
    ("010607D00002 0886", "010607D000020886"),
    ("01100010000204 00010002 22A2", "011000100002400D"),
    ("010200000004 79C9", "010201 05618B"),
]


def pair(number: int) -> tuple[Asked, bytes]:
    question, answer = (bytes.fromhex(text) for text in EXCHANGES[number])
    assert crc16(question[:-2]) == question[-2:]
    found = asked(question, "rtu")
    assert found is not None
    return found, answer


def as_ascii(frame: bytes) -> bytes:
    content = frame[:-2] + bytes([-sum(frame[:-2]) & 0xFF])
    return b":" + content.hex().upper().encode() + b"\r\n"


def as_mbap(frame: bytes, tid: bytes) -> bytes:
    return tid + b"\0\0" + (len(frame) - 2).to_bytes(2, "big") + frame[:-2]


@pytest.mark.parametrize("number", range(len(EXCHANGES)))
def test_published_exchange_is_understood_in_every_framing(number: int) -> None:
    question, answer = pair(number)
    raw = bytes.fromhex(EXCHANGES[number][0])
    assert answer_to(question, "rtu", answer) == answer
    assert asked(as_ascii(raw), "ascii") == question
    assert answer_to(question, "ascii", as_ascii(answer)) == as_ascii(answer)
    question = question._replace(tid=b"\x12\x34")
    assert asked(as_mbap(raw, b"\x12\x34"), "mbap") == question
    assert answer_to(question, "mbap", as_mbap(answer, b"\x12\x34")) == as_mbap(answer, b"\x12\x34")


def test_answer_to_an_earlier_question_is_none_on_tcp() -> None:
    question, answer = pair(0)
    question = question._replace(tid=b"\0\2")
    stream = as_mbap(answer, b"\0\1") + as_mbap(answer, b"\0\2")
    assert answer_to(question, "mbap", as_mbap(answer, b"\0\1")) == b""
    assert answer_to(question, "mbap", stream) == as_mbap(answer, b"\0\2")


@pytest.mark.parametrize(
    "wrong",
    [
        "0103040292FF9B5A3E",
        "0203040292FF9B",
        "01030202920000",
        "010402 0292",
        "0103040292FF9B03E800385A3D",  # a printed example whose size and CRC are wrong
    ],
)
def test_what_does_not_fit_the_question_is_no_answer(wrong: str) -> None:
    question, _ = pair(0)
    raw = bytes.fromhex(wrong)
    assert answer_to(question, "rtu", raw) == b""
    assert answer_to(question, "rtu", raw + crc16(raw)) == b""


@pytest.mark.parametrize("framing", ["rtu", "ascii", "mbap"])
@given(
    number=st.integers(0, len(EXCHANGES) - 1),
    before=st.binary(max_size=40),
    after=st.binary(max_size=40),
    cut=st.integers(0, 60),
)
def test_answer_is_found_in_any_noise_once_it_is_whole(framing, number, before, after, cut) -> None:
    question, frame = pair(number)
    question = question._replace(tid=b"\x9c\x41")
    if framing == "ascii":
        before, frame = before.replace(b":", b""), as_ascii(frame)
    elif framing == "mbap":
        frame = as_mbap(frame, question.tid)
    found = answer_to(question, framing, before + frame + after)
    assert found == frame or framing == "rtu"
    assert found != b""
    part = (before + frame)[: min(cut, len(before) + len(frame) - 1)]
    assert len(answer_to(question, framing, part)) < len(frame) or framing == "rtu"


@given(framing=st.sampled_from(["rtu", "ascii", "mbap"]), data=st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_nothing(framing, data) -> None:
    for number in range(len(EXCHANGES)):
        question, _ = pair(number)
        found = answer_to(question._replace(tid=data[:2] or b"\0\0"), framing, data)
        assert found == b"" or found in data
    asked(data, framing)


def test_worst_noise_costs_little() -> None:
    question = Asked(1, b"\x03\x00\x00\x00\x18")
    noise = (b"\x01\x03\x30" * 90)[:264]
    assert affordable(20_000_000, lambda: answer_to(question, "rtu", noise)) == b""


def test_crc_has_the_catalogue_check_value() -> None:
    assert crc16(b"123456789") == b"\x37\x4b"
