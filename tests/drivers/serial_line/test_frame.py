import itertools
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers._runs import MAX_GARBAGE, Piece
from drivers.serial_line.checks import WIDTHS
from drivers.serial_line.frame import Cutter, checksum, next_frame, next_line
from drivers.serial_line.options import Checksum, Frame, Line
from drivers.serial_line.talk import Echo
from tests.cost import affordable

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


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("sum8", 0xDD),
        ("sum16", 0x1DD),
        ("xor8", 0x31),
        ("lrc", 0x23),
        ("crc8", 0xF4),
        ("crc8_maxim", 0xA1),
        ("crc16_modbus", 0x4B37),
        ("crc16_ccitt", 0x29B1),
        ("crc16_xmodem", 0x31C3),
        ("crc16_kermit", 0x2189),
    ],
)
def test_check_has_the_catalogue_value(kind, value):
    assert checksum(Checksum(type=kind), b"123456789") == value
    assert set(WIDTHS) >= {kind}


SIZED = {"start": "A5 5A", "length": {"at": 2, "type": "u8", "plus": 0}, "max": 12, "end": "AA"}
SUM = {"checksum": {"type": "xor8", "over": [2, -2], "position": -2}}
MARKED = {"start": "02", "end": "03", "max": 10}
STUFFED = {"start": "7E", "end": "7E", "max": 12, "escape": {"byte": "7D"}}
DOUBLED = {"start": "10 02", "end": "10 03", "max": 12, "escape": {"byte": "10", "xor": "00"}}
PAIRED = {
    "start": "7E",
    "end": "7E",
    "max": 12,
    "escape": {"byte": "7D", "pairs": {"02": "7E", "01": "7D"}},
}
SIZED_STUFFED = {
    "start": "A5",
    "length": {"at": 1, "plus": 3},
    "max": 12,
    "escape": {"byte": "DB", "pairs": {"DC": "A5", "DD": "DB"}},
}


def cut(given, data: str) -> list[Piece]:
    made = Cutter(partial(next_frame, options=Frame.model_validate(given)))
    return made.feed(bytes.fromhex(data)) + made.finish()


@pytest.mark.parametrize(
    ("given", "data", "frames"),
    [
        (SIZED, "a55a0611 22aa a55a05 33aa", ["a55a061122aa", "a55a0533aa"]),
        (SIZED | SUM, "a55a0711 16aa", []),
        (SIZED | SUM, "a55a0611 17aa", ["a55a061117aa"]),
        (SIZED, "a55aff a55a0533aa", ["a55a0533aa"]),
        (SIZED, "a55a00 a55a0533aa", ["a55a0533aa"]),
        (MARKED, "00 02313203 0203 0241420343", ["02313203", "02414203"]),
        (STUFFED, "7e017d5e7d5d027e 7e037e", ["7e017e7d027e", "7e037e"]),
        (STUFFED, "017e 7e037e", ["7e037e"]),
        (DOUBLED, "1002 01 1010 02 1003 1002 05 1003", ["1002011002" + "1003", "1002051003"]),
        (PAIRED, "7e 7d02 7d01 7e", ["7e7e7d7e"]),
        (SIZED_STUFFED, "a502 01dbdc 04 a50105 06", ["a50201a504", "a5010506"]),
    ],
)
def test_frames_of_every_form_are_cut_and_unescaped(given, data, frames):
    assert [piece.raw.hex() for piece in cut(given, data) if not piece.reason] == frames


FORMS = [SIZED, SIZED | SUM, MARKED, STUFFED, DOUBLED, PAIRED, SIZED_STUFFED]
BITS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"\xa5\x5a",
                b"\x06",
                b"\xaa",
                b"\x02",
                b"\x03",
                b"\x7e",
                b"\x7d",
                b"\x10",
                b"\xdb",
                b"\xa5",
            ]
        ),
        st.binary(max_size=6),
    ),
    max_size=30,
).map(b"".join)


@pytest.mark.parametrize("form", FORMS)
@given(data=BITS, places=st.lists(st.integers(0, 10_000), max_size=20))
def test_any_bytes_in_any_cuts_give_the_same_frames_of_every_form(form, data, places):
    options = Frame.model_validate(form)
    whole = Cutter(partial(next_frame, options=options))
    expected = whole.feed(data) + whole.finish()
    cut_up = Cutter(partial(next_frame, options=options))
    pieces = [piece for part in cuts(data, places) for piece in cut_up.feed(part)] + cut_up.finish()
    assert [(p.raw, bool(p.reason)) for p in pieces] == [(p.raw, bool(p.reason)) for p in expected]
    assert all(len(piece.raw) <= MAX_GARBAGE for piece in pieces)


@pytest.mark.parametrize("form", FORMS)
def test_garbage_costs_little_in_every_form(form):
    options = Frame.model_validate(form | {"max": 512})
    for noise in (b"\x7d\x10\xdb\xff", b"", b"\xff", b"\x01\xf0"):
        data = (options.start + noise) * 2_000
        step = partial(next_frame, options=options)
        affordable(20_000 * len(data), lambda: Cutter(step).feed(data))  # noqa: B023 - called at once


def test_frame_without_length_and_end_is_refused():
    with pytest.raises(ValueError, match="a frame needs a length, or an end mark"):
        Frame.model_validate({"start": "7E"})


def test_echo_is_taken_out_however_it_is_cut():
    echo = Echo()
    echo.sent(b"ASK1")
    assert [echo.strip(b"AS"), echo.strip(b"K1OK"), echo.strip(b"AS")] == [b"", b"OK", b"AS"]
    echo.sent(b"ASK2")
    assert [echo.strip(b"A"), echo.strip(b"LARM")] == [b"", b"ALARM"]
