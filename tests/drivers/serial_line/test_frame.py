import itertools
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.serial_line.frame import (
    MAX_GARBAGE,
    Cutter,
    Piece,
    checksum,
    crc16_modbus,
    next_frame,
    next_line,
)
from drivers.serial_line.options import Checksum, Frame, Line

LINE = Line(max=8)
FRAME = Frame.model_validate(
    {
        "start": "A5 5A",
        "length": 6,
        "end": "AA",
        "checksum": {"type": "sum8", "over": [2, 4], "position": 4},
    }
)
GOOD = bytes.fromhex("a55a010203aa")
OTHER = bytes.fromhex("a55a0a5a64aa")


def line_cutter() -> Cutter:
    return Cutter(partial(next_line, options=LINE))


def frame_cutter() -> Cutter:
    return Cutter(partial(next_frame, options=FRAME))


@pytest.mark.parametrize(
    ("buffer", "used", "report", "garbage"),
    [
        (b"", 0, None, False),
        (b"AB", 0, None, False),
        (b"AB\n", 3, b"AB", False),
        (b"AB\r\n", 4, b"AB", False),
        (b"\n", 1, b"", False),
        (b"A\nB\n", 2, b"A", False),
        (b"12345678\n", 9, b"12345678", False),
        (b"12345678", 0, None, False),
        (b"123456789", 8, None, True),
    ],
)
def test_line_framer_says_how_many_bytes_it_used(buffer, used, report, garbage):
    step = next_line(buffer, False, LINE)
    assert (step.used, step.report, bool(step.garbage)) == (used, report, garbage)


@pytest.mark.parametrize(
    ("buffer", "used", "report", "garbage"),
    [
        (b"", 0, None, ""),
        (b"\xa5", 0, None, ""),
        (GOOD[:5], 0, None, ""),
        (GOOD, 6, GOOD, ""),
        (GOOD + b"\xa5", 6, GOOD, ""),
        (b"\x00\xa5", 1, None, "no start of a frame"),
        (b"\x00\x01" + GOOD, 2, None, "no start of a frame"),
        (bytes.fromhex("a55a010203bb"), 1, None, "a frame without its end mark"),
        (bytes.fromhex("a55a010204aa"), 1, None, "checksum 04, computed 03"),
    ],
)
def test_frame_framer_says_how_many_bytes_it_used(buffer, used, report, garbage):
    step = next_frame(buffer, False, FRAME)
    assert (step.used, step.report, step.garbage) == (used, report, garbage)


def test_torn_frame_does_not_take_the_next_one_with_it():
    assert frame_cutter().feed(GOOD[:3] + OTHER + GOOD) == [
        Piece(GOOD[:3], "a frame without its end mark"),
        Piece(OTHER),
        Piece(GOOD),
    ]


def test_noise_between_frames_is_one_run():
    pieces = frame_cutter().feed(GOOD + b"\xa5\x5a\x00\xa5\xff" * 9 + GOOD)
    assert [bool(piece.reason) for piece in pieces] == [False, True, False]
    assert pieces[1].raw == b"\xa5\x5a\x00\xa5\xff" * 9


def test_endless_noise_is_said_once_and_bounded():
    cutter = frame_cutter()
    pieces = [piece for _ in range(100) for piece in cutter.feed(b"\x00" * 1000)]
    pieces += cutter.feed(GOOD)
    assert [len(piece.raw) for piece in pieces] == [MAX_GARBAGE, len(GOOD)]


def test_line_after_a_line_that_is_too_long_is_whole():
    assert line_cutter().feed(b"x" * 20 + b"TAIL\nOK,1\n") == [
        Piece(b"x" * 20 + b"TAIL\n", "no end of line within 8 bytes"),
        Piece(b"OK,1"),
    ]


def test_half_report_at_the_end_is_kept_as_garbage():
    cutter = line_cutter()
    assert cutter.feed(b"HALF") == []
    assert cutter.finish() == [Piece(b"HALF", "half a report when the port closed")]
    assert cutter.finish() == []


def cuts(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(ends)]


FRAMES = st.lists(
    st.one_of(
        st.sampled_from([GOOD, OTHER, GOOD[:3], b"\xa5", b"\xa5\x5a", b"\xaa"]),
        st.binary(max_size=12),
        st.binary(min_size=200, max_size=300),
    ),
    max_size=12,
).map(b"".join)
LINES = st.lists(
    st.one_of(
        st.sampled_from([b"A,1\n", b"A,2\r\n", b"\n", b"12345678\n", b"\r"]),
        st.binary(max_size=12),
        st.just(b"y" * 300),
    ),
    max_size=12,
).map(b"".join)


@pytest.mark.parametrize("make", [line_cutter, frame_cutter])
@given(data=st.one_of(FRAMES, LINES), places=st.lists(st.integers(0, 10_000), max_size=30))
def test_any_bytes_in_any_cuts_give_the_same_pieces(make, data, places):
    whole = make()
    expected = whole.feed(data) + whole.finish()
    cut = make()
    pieces = [piece for part in cuts(data, places) for piece in cut.feed(part)] + cut.finish()
    # what is unfinished at the end is one run with whatever garbage went before it
    assert [piece.raw for piece in pieces] == [piece.raw for piece in expected]
    assert [bool(piece.reason) for piece in pieces] == [bool(p.reason) for p in expected]


@given(frames=st.lists(st.sampled_from([GOOD, OTHER]), max_size=20))
def test_clean_frames_all_arrive_byte_by_byte(frames):
    cutter = frame_cutter()
    pieces = [p for byte in b"".join(frames) for p in cutter.feed(bytes([byte]))]
    assert pieces == [Piece(frame) for frame in frames]


def test_crc16_modbus_has_the_catalogue_check_value():
    assert crc16_modbus(b"123456789") == 0x4B37


@pytest.mark.parametrize(("kind", "value"), [("sum8", 0xDD), ("xor8", 0x31)])
def test_short_checksums_have_their_known_values(kind, value):
    assert checksum(Checksum(type=kind), b"123456789") == value
