from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.fire_panel.frame import (
    CONFIRM,
    DENY,
    MAX_GARBAGE,
    Cutter,
    Layout,
    Piece,
    answer,
    build,
    time_bytes,
    time_ns,
)
from tests.cost import affordable
from tests.drivers.fire_panel.terminal import component, components, frame, real

STANDARD = Layout()
CHINA = timedelta(hours=8)
FIRE = real(
    "40 40 01 00 01 01 20 3A 09 1A 09 0C 79 03 00 00 00 00 38 5B 01 00 00 00 30 00 02 | 02 01"
    "| 01 01 28 0A 00 02 00 02 00" + "20" * 30 + "00 02 3A 09 1A 09 0C | 46 23 23"
)
CONFIRMED = real(
    "40 40 01 00 01 01 23 3A 09 1A 09 0C 38 5B 01 00 00 00 79 03 00 00 00 00 00 00 03 AB 23 23"
)
DENIED = CONFIRMED[:26] + bytes.fromhex("06 AE 23 23")
HEAD = "40 40 01 00 01 01 20 3A 09 1A 09 0C"
TO_CENTRE = HEAD + "79 03 00 00 00 00 38 5B 01 00 00 00"
TO_UNIT = HEAD + "38 5B 01 00 00 00 79 03 00 00 00 00"
REFERENCE = {
    "fire": FIRE,
    "confirm": CONFIRMED,
    "deny": DENIED,
    "mains fault": real(TO_CENTRE + "09 00 02 15 01 08 02 3A 09 1A 09 0C 42 23 23"),
    "roll call answered": real(TO_CENTRE + "0A 00 02 18 01 20 01 02 3A 09 1A 09 0C 5F 23 23"),
    "version": real(TO_CENTRE + "04 00 02 19 01 01 01 C7 23 23"),
    "time": real(TO_CENTRE + "08 00 02 1C 01 02 3A 09 1A 09 0C 40 23 23"),
    "read state": real(TO_UNIT + "03 00 04 51 01 00 FE 23 23"),
    "state": real(TO_CENTRE + "09 00 05 15 01 08 02 3A 09 1A 09 0C 45 23 23"),
    "set clock": real(TO_UNIT + "08 00 01 5A 01 02 3A 09 1A 09 0C 7D 23 23"),
    "roll call": real(TO_UNIT + "03 00 01 5B 01 0A 0F 23 23"),
    "initialise": real(TO_UNIT + "03 00 01 59 01 00 03 23 23"),
    "captured": real(
        "40 40 00 00 01 01 18 0D 11 16 0A 14 00 00 00 00 00 00 06 05 04 03 02 01 30 00 02 02 01"
        "01 03 00 D9 00 06 00 02 00 A3 C1 C7 F8 A3 B1 B2 E3 DF C8 B2 B8 D7 DF C0 C8"
        + "00" * 15
        + "30 12 13 01 08 14 68 23 23"
    ),
    "photo smoke": real(
        "40 40 07 00 01 01 00 1E 08 15 0B 1A 01 10 00 00 00 00 01 00 00 00 00 00 30 00 02 02 01"
        "01 01 2A 0C 00 03 00 03 00 33 BA C5 C2 A5 32 B2 E3 D7 DF C0 C8"
        + "00" * 19  # the text is padded to 31 bytes
        + "00 1E 08 15 0B 1A 6C 23 23"
    ),
    "temperature": real(
        "40 40 08 00 01 01 00 1E 08 15 0B 1A 01 10 00 00 00 00 01 00 00 00 00 00 12 00 02 03 01"
        "01 01 1E 0C 00 03 00 03 C9 FF 00 1E 08 15 0B 1A EE 23 23"
    ),
    "system mains fault": real(
        "40 40 09 00 01 01 00 1E 08 15 0B 1A 01 10 00 00 00 00 01 00 00 00 00 00 0C 00 02 01 01"
        "01 01 01 01 00 1E 08 15 0B 1A F1 23 23"
    ),
}
"""The worked examples of the reference; sums and lengths were computed apart from ours."""


def cut(*parts: bytes, layout: Layout = STANDARD, end: bool = False) -> list[Piece]:
    cutter = Cutter(layout)
    pieces = [piece for part in parts for piece in cutter.feed(part)]
    return pieces + (cutter.finish() if end else [])


def good(pieces: list[Piece]) -> list[bytes]:
    return [piece.raw for piece in pieces if not piece.reason]


@pytest.mark.parametrize("raw", REFERENCE.values(), ids=REFERENCE)
def test_reference_frame_is_cut_and_built_again(raw: bytes) -> None:
    (piece,) = cut(raw)
    assert piece.reason == ""
    assert piece.frame is not None
    assert build(piece.frame) == raw


def test_confirm_and_denial_are_those_of_the_reference() -> None:
    (piece,) = cut(FIRE)
    assert piece.frame is not None
    time = bytes.fromhex("23 3A 09 1A 09 0C")
    assert answer(piece.frame, CONFIRM, time) == CONFIRMED
    assert answer(piece.frame, DENY, time) == DENIED


def test_confirm_one_second_later_is_that_of_the_reference() -> None:
    (piece,) = cut(REFERENCE["photo smoke"])
    assert piece.frame is not None
    assert answer(piece.frame, CONFIRM, bytes.fromhex("01 1E 08 15 0B 1A")) == real(
        "40 40 07 00 01 01 01 1E 08 15 0B 1A 01 00 00 00 00 00 01 10 00 00 00 00 00 00 03 7F 23 23"
    )


def test_marks_inside_a_frame_are_data() -> None:
    raw = frame(b"\x02\x01" + b"@@##" * 5)
    assert good(cut(raw + raw)) == [raw, raw]


def test_wrong_sum_is_refused_and_the_next_frame_is_read() -> None:
    bad, next_one = frame(components(3), wrong=1), frame(components(1), serial=8)
    refused, read = cut(bad + next_one)
    assert refused.frame is not None
    assert refused.frame.serial == b"\x07\x00"
    assert "checksum" in refused.reason
    assert refused.raw == bad
    assert read == Piece(next_one, read.frame)


def test_too_long_data_is_refused_at_the_head() -> None:
    raw = frame(bytes(1025))
    refused = cut(raw)[0]
    assert refused.frame is not None
    assert "1025 bytes of application data; 1024 are the limit" in refused.reason
    assert good(cut(raw, layout=Layout(max_length=2048))) == [raw]


def test_longest_frame_of_the_standard_is_read() -> None:
    raw = frame(bytes((2,)) + bytes(1023))
    assert len(raw) == 1054
    assert good(cut(raw)) == [raw]


def test_lost_byte_costs_one_frame() -> None:
    torn = FIRE[:40] + FIRE[41:]
    pieces = cut(torn + FIRE + FIRE)
    assert good(pieces) == [FIRE, FIRE]
    assert [piece.reason for piece in pieces if piece.reason] == ["a frame without ## at its end"]


def test_garbage_between_frames_is_one_piece() -> None:
    pieces = cut(b"AT+CIPSTART\r\n" + FIRE + b"@\xa5Z@" + FIRE)
    assert [piece.raw for piece in pieces] == [b"AT+CIPSTART\r\n", FIRE, b"@\xa5Z@", FIRE]


def test_endless_garbage_is_said_once() -> None:
    pieces = cut(*[bytes(100)] * 50, FIRE)
    assert [len(piece.raw) for piece in pieces] == [MAX_GARBAGE, len(FIRE)]


def test_third_at_sign_does_not_hide_a_frame() -> None:
    assert good(cut(b"@" + FIRE + FIRE)) == [FIRE, FIRE]


def test_false_start_is_given_up_in_time() -> None:
    cutter = Cutter(Layout())
    false = b"@@" + bytes(22) + (900).to_bytes(2, "little") + b"\x02"
    assert cutter.feed(false + FIRE) == []
    assert cutter.waiting
    pieces = cutter.give_up()
    assert good(pieces) == [FIRE]
    assert not cutter.waiting


def test_half_a_frame_at_the_end_is_kept_aside() -> None:
    (piece,) = cut(FIRE[:50], end=True)
    assert piece == Piece(FIRE[:50], None, "half a frame at the end")


@pytest.mark.parametrize(
    ("rule", "over"),
    [("with_start", slice(0, -3)), ("control_unit", slice(2, 27)), ("data_unit", slice(27, -3))],
)
def test_sum_over_another_range_is_read_and_written(rule: str, over: slice) -> None:
    raw = bytearray(FIRE)
    raw[-3] = sum(raw[over]) % 256
    (piece,) = cut(bytes(raw), layout=Layout(checksum=rule))  # type: ignore[arg-type]
    assert piece.reason == ""
    assert piece.frame is not None
    assert build(piece.frame, rule) == raw  # type: ignore[arg-type]
    assert cut(bytes(raw))[0].reason != ""


def test_ignored_sum_is_ignored_and_written_by_the_standard() -> None:
    (piece,) = cut(frame(components(3), wrong=5), layout=Layout(checksum="ignored"))
    assert piece.reason == ""
    assert piece.frame is not None
    assert build(piece.frame, "ignored") == frame(components(3))


# --- properties -----------------------------------------------------------------------------

STREAM = st.lists(
    st.one_of(
        st.sampled_from([FIRE, frame(components(3, 1)), frame(), frame(components(2), wrong=9)]),
        st.binary(max_size=40),
        st.sampled_from([b"@", b"@@", b"##", FIRE[:30], FIRE[30:], b"@@" + bytes(40)]),
    ),
    max_size=12,
).map(b"".join)


@given(STREAM, st.data())
@settings(max_examples=150)
def test_pieces_are_the_same_however_the_stream_is_cut(stream: bytes, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    edges = [0, *places, len(stream)]
    parts = [stream[a:b] for a, b in pairwise(edges)]
    assert cut(*parts, end=True) == cut(stream, end=True)


@given(st.lists(st.binary(max_size=120), max_size=6))
def test_frames_are_found_byte_by_byte(payloads: list[bytes]) -> None:
    frames = [frame(payload, serial=number) for number, payload in enumerate(payloads)]
    stream = b"".join(frames)
    assert good(cut(*[stream[i : i + 1] for i in range(len(stream))])) == frames


@given(st.binary(max_size=2000))
def test_any_bytes_are_used_up(stream: bytes) -> None:
    cutter = Cutter(Layout())
    pieces = cutter.feed(stream)
    for _ in range(len(stream) + 1):
        pieces += cutter.give_up()
    assert not cutter.waiting
    assert all(piece.reason or piece.frame for piece in pieces)


@pytest.mark.parametrize(
    "pattern", [b"@", b"@@", b"@@" + bytes(22) + b"\xff\x03\x02", FIRE[:-1] + b"@", b"\0"]
)
def test_hostile_stream_takes_linear_time(pattern: bytes) -> None:
    stream = pattern * (200_000 // len(pattern))

    def cut_up() -> None:
        cutter = Cutter(Layout())
        for at in range(0, len(stream), 16_384):
            cutter.feed(stream[at : at + 16_384])

    affordable(4_000_000_000, cut_up)  # 20 ms per kilobyte; a quadratic one takes minutes


# --- times ----------------------------------------------------------------------------------


def test_time_is_local_and_of_the_zone() -> None:
    at = time_ns(bytes.fromhex("02 3A 09 1A 09 0C"), CHINA)
    assert at == datetime(2012, 9, 26, 1, 58, 2, tzinfo=UTC).timestamp() * 1_000_000_000


def test_bcd_time_is_another_time() -> None:
    raw = bytes.fromhex("59 30 23 31 12 26")
    at = time_ns(raw, timedelta(), bcd=True)
    assert at == datetime(2026, 12, 31, 23, 30, 59, tzinfo=UTC).timestamp() * 1_000_000_000
    assert time_bytes(at, timedelta(), bcd=True) == raw
    assert time_ns(bytes.fromhex("0A 00 00 01 01 26"), timedelta(), bcd=True) is None


@pytest.mark.parametrize(
    "raw",
    [
        "000000000000",
        "000000010100",
        "3C0000010126",
        "003C00010126",
        "000018010126",
        "00000000011A",
        "00000001001A",
        "0000001E021A",
        "0000000101FF",
        "00000001010A",
    ],
)
def test_what_is_no_time_is_none(raw: str) -> None:
    assert time_ns(bytes.fromhex(raw), CHINA) is None


@given(st.integers(1_300_000_000, 4_000_000_000), st.booleans())
def test_written_time_is_read_again(second: int, bcd: bool) -> None:
    raw = time_bytes(second * 1_000_000_000, CHINA, bcd=bcd)
    assert time_ns(raw, CHINA, bcd=bcd) == second * 1_000_000_000


@given(st.binary(min_size=6, max_size=6), st.booleans())
def test_any_six_bytes_are_a_time_or_none(raw: bytes, bcd: bool) -> None:
    at = time_ns(raw, CHINA, bcd=bcd)
    assert at is None or time_bytes(at, CHINA, bcd=bcd) == raw


def test_two_objects_in_one_frame_are_one_frame() -> None:
    raw = frame(bytes((2, 2)) + component(3) + component(1))
    assert good(cut(raw)) == [raw]
