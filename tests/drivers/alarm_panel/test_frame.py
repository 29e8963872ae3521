"""Frames of DC-09: captured ones, deviations, streams cut anywhere, answers, keys."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers._runs import MAX_GARBAGE, Piece
from drivers.alarm_panel import content, frame, surgard
from drivers.alarm_panel.cipher import Aes, key_bytes
from drivers.alarm_panel.stream import Cutter
from tests.cost import affordable
from tests.drivers.alarm_panel.panel import checked, crc
from tests.drivers.alarm_panel.panel import frame as made

SMOKE = made('"ADM-CID"0007L0#1234[#1234|1111 01 003]')
BINARY = made('"NULL"0000R1L1#9413[]', binary=True)
OH = b"SR0001L0001    006969XX    [ID00000000]"

CAPTURED = [
    # frames that people showed in issue threads of public projects; the CRC of each is right
    (b'EA740027"NULL"0000L0#1409[]_20:38:07,08-27-2026', "1409", ()),
    (
        b'78FC003B"SIA-DCS"0001L#22334455[#22334455|NCQ1]_14:33:53,02-09-2020',
        "22334455",
        ("bare_line",),
    ),
    (b'189F0029"NULL"0000R1L1#9413[]_17:01:50,09-07-2023', "9413", ()),
    (
        b'\n\xf6\xf30044"ADM-CID"1447R01L01#0001[#0001|1603 01 000][S13]_04:45:01,08-30-2014',
        "0001",
        ("binary_crc",),
    ),
    (
        b'02130047"HENG-BO"0000R1234L6789#000000[#000000|3400 00 000]_17:15:29,12-09-2015',
        "000000",
        (),
    ),
    (b'43580023"SIA-DCS"0084L0#AAA[#AAA|Nri1/XC12]', "AAA", ()),
]


@pytest.mark.parametrize(("raw", "account", "deviations"), CAPTURED)
def test_captured_frame_is_read(raw, account, deviations):
    got = frame.parse(raw)
    assert got.crc is None
    assert (got.account, got.deviations) == (account, deviations)


def test_crc_is_arc():
    assert frame.crc16(b"123456789") == 0xBB3D


@pytest.mark.parametrize(
    ("body", "deviation"),
    [
        ('"NULL"0000L0#ab12[]', "lower_case_account"),
        ('"null"0000L0#1234[]', "token"),
        ('"NULL"7L0#1234[]', "sequence"),
        ('"NULL"0000#1234[]', "no_line"),
        ('"NULL"0000L#1234[]', "bare_line"),
        ('"NULL"0000L0[#1234|]', "no_account"),
        ('"NULL"0000L01234[]', "no_account"),
        ('"NULL"0000 L0 #1234 []', "spaces"),
    ],
)
def test_deviation_is_accepted_and_named(body, deviation):
    got = frame.parse(made(body))
    assert got.crc is None
    assert deviation in got.deviations


def test_length_in_another_base_is_named_apart_from_a_wrong_one():
    body = SMOKE[9:-1]
    for length, name in ((b"0039", "decimal_length"), (b"0028", "length")):
        got = frame.parse(b"\n%04X%s%s\r" % (crc(body), length, body))
        assert got.deviations == (name,)
        assert got.crc is None


def test_wrong_crc_is_told_with_the_right_one():
    got = frame.parse(SMOKE.replace(b"003]", b"004]"))
    assert got.crc == (0x4A46, crc(SMOKE[9:-1].replace(b"003]", b"004]")))


@pytest.mark.parametrize(
    "raw", [b"", b"GET / HTTP/1.1", b'4A460027"ADM-CID', b'4A460027"ADM-CID"0007L0#1234']
)
def test_what_is_no_frame_is_refused_with_a_reason(raw):
    with pytest.raises(ValueError, match=r"."):
        frame.parse(raw)


def test_answer_repeats_the_header_as_it_was_sent():
    assert frame.answer(frame.parse(SMOKE), "ACK") == b'\n04210012"ACK"0007L0#1234[]\r'
    with_receiver = made('"SIA-DCS"0009R1L1#1234[#1234|Nri01/FA003^HALL SMOKE^]')
    assert frame.answer(frame.parse(with_receiver), "ACK") == b'\n0D960014"ACK"0009R1L1#1234[]\r'
    assert frame.answer(frame.parse(with_receiver), "DUH") == b'\n7D4E0014"DUH"0009R1L1#1234[]\r'
    binary = frame.answer(frame.parse(BINARY), "ACK")
    assert checked(binary, binary=True) == '"ACK"0000R1L1#9413[]'
    assert frame.answer(frame.parse(OH), "ACK") == b'"ACK"'


def test_nak_tells_the_time():
    assert frame.nak("_08:30:05,11-21-2026") == b'\nFD580025"NAK"0000R0L0A0[]_08:30:05,11-21-2026\r'
    assert content.stamp_text(1_795_249_805 * 10**9) == "_08:30:05,11-21-2026"


# --- streams --------------------------------------------------------------------------------


def cut(parts: list[bytes], step=frame.next_frame) -> list[Piece]:
    cutter = Cutter(step)
    return [piece for part in parts for piece in cutter.feed(part)] + cutter.finish()


STREAMS = [
    SMOKE + BINARY + SMOKE,
    b"\0\r\n" + SMOKE + b"\0" + SMOKE,
    b"noise" + SMOKE + SMOKE[:20] + SMOKE,
    SMOKE[1:] + SMOKE[1:],
    OH + SMOKE + OH,
    made('"NULL"0000L0#12[]', binary=True).replace(b"\n", b"\n", 1),
]


@pytest.mark.parametrize("stream", STREAMS)
def test_stream_is_read_the_same_however_it_is_cut(stream):
    whole = cut([stream])
    assert [p for p in whole if not p.reason]
    for at in range(len(stream)):
        assert cut([stream[:at], stream[at:]]) == whole
    assert cut([bytes([byte]) for byte in stream]) == whole


def test_every_whole_message_of_a_dirty_stream_is_read():
    pieces = cut([STREAMS[2]])
    frames = [frame.parse(p.raw) for p in pieces if not p.reason and p.raw.endswith(b"]")]
    assert [got.crc for got in frames] == [None, None]


def test_binary_crc_of_line_feeds_and_returns_is_no_end():
    body = next(
        b
        for n in range(10**6)
        if crc(b := f'"NULL"{n % 10000:04}L{n // 10000:X}#12[]'.encode()) & 0xFF in (10, 13)
    )
    (piece,) = cut([made(body, binary=True)])
    assert frame.parse(piece.raw).crc is None


def test_endless_garbage_is_said_once_and_kept_short():
    cutter = Cutter(frame.next_frame)
    pieces = [piece for _ in range(200) for piece in cutter.feed(b"\xff" * 1000)]
    assert len(pieces) == 1
    assert len(pieces[0].raw) == MAX_GARBAGE
    assert cutter.feed(SMOKE)[-1] == Piece(SMOKE[1:-1])


def test_message_without_an_end_does_not_hold_up_the_next():
    pieces = cut([SMOKE[:-1] + b"x" * 5000 + SMOKE])
    assert pieces[-1] == Piece(SMOKE[1:-1])


# --- keys -----------------------------------------------------------------------------------

KEY = "3A1F6B8C9D4E7F20123456789ABCDEF0"


def test_published_encrypted_messages_are_opened():
    sealed = b"09C85DF728BE80C60109ED2D181BE6559CB03AAC2409E829564E57A609CAB83FF0B156A4FB0208D2EDD25BBE7E59A7C3"
    aes = Aes(key_bytes(KEY, "hex"))
    assert aes.decrypt(sealed) == b"#1234|1111 01 003]_08:30:00,11-21-2026"
    assert aes.decrypt(sealed.lower()) == aes.decrypt(sealed)
    # eavanvalkenburg/pysiaalarm, tests (MIT): an Ajax link test
    ajax = b"B4BC8B40D0E6D959D6BEA78E88CC0B2155741A3C44FBB96D476A3E557CAD64D9"
    assert Aes(key_bytes("A" * 16, "auto")).decrypt(ajax) == b"]_18:24:52,07-05-2020"


@given(st.binary(min_size=0, max_size=200).filter(lambda b: not set(b) & set(b"[]|")))
def test_what_was_sealed_opens_again(data):
    aes = Aes(key_bytes(KEY, "hex"))
    text = data + b"]_08:30:00,11-21-2026"
    sealed = aes.encrypt(b"|" + text)
    assert sealed == sealed.upper()
    assert len(sealed) % 32 == 0
    assert aes.decrypt(sealed) == text


@pytest.mark.parametrize("sealed", [b"", b"zz", b"AB", b"00" * 16, b"\xff", b"00" * 2000])
def test_what_no_key_opens_is_refused(sealed):
    with pytest.raises(ValueError, match=r"encrypted part|key does not fit"):
        Aes(b"k" * 16).decrypt(sealed)


@pytest.mark.parametrize(
    ("text", "form", "length"),
    [("a" * 16, "auto", 16), ("g" * 24, "auto", 24), ("x" * 32, "auto", 32), ("0f" * 24, "auto", 24),
     ("0f" * 32, "auto", 32), (KEY, "hex", 16), (KEY, "text", 32)],
)  # fmt: skip
def test_key_is_read_by_its_length(text, form, length):
    assert len(key_bytes(text, form)) == length


@pytest.mark.parametrize(
    ("text", "form", "said"),
    [
        (KEY, "auto", "write key_form"),
        ("xy", "auto", "16, 24 or 32"),
        ("zz" * 16, "hex", "hex digits"),
    ],
)
def test_key_that_is_none_or_could_be_two_is_refused(text, form, said):
    with pytest.raises(ValueError, match=said):
        key_bytes(text, form)


# --- any bytes ------------------------------------------------------------------------------

PIECES = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from(
            [
                SMOKE,
                BINARY,
                OH,
                SMOKE[:15],
                b'"',
                b"[",
                b"]",
                b"\r",
                b"\n",
                b"\x14",
                b"5011 181234E11101003\x14",
            ]
        ),
    ),
    max_size=12,
).map(b"".join)


@given(PIECES, st.integers(0, 600))
@example(b"\n\r", 1)
def test_any_bytes_are_cut_and_read_or_refused(raw, at):
    for step in (frame.next_frame, surgard.next_line):
        whole = cut([raw], step)
        assert cut([raw[:at], raw[at:]], step) == whole
        assert sum(len(piece.raw) for piece in whole) <= len(raw)
    for piece in cut([raw]):
        try:
            got = frame.parse(piece.raw)
        except ValueError:
            continue
        assert checked_or_bare(frame.answer(got, "ACK"), got)


def checked_or_bare(answer: bytes, got: frame.Frame) -> bool:
    return answer == b'"ACK"' if got.token == frame.OH else bool(checked(answer, binary=got.binary))


@given(st.binary(min_size=1, max_size=2), st.integers(0, len(SMOKE) - 4))
def test_damaged_message_is_never_taken_for_a_good_one(damage, at):
    raw = SMOKE[:at] + damage + SMOKE[at + len(damage) :]
    for piece in cut([raw]):
        try:
            got = frame.parse(piece.raw)
        except ValueError:
            continue
        intact = (got.token, got.rest, got.account) == ("ADM-CID", b"#1234|1111 01 003]", "1234")
        assert got.crc is not None or intact or damage in SMOKE or got.binary


@pytest.mark.parametrize(
    "raw",
    [
        b" " * 4000,
        b'0000"NULL"0000' + b" " * 4000,
        b'00000000"' + b"A" * 4000,
        b'00000000"A"1' + b" " * 4000 + b"[",
        b"SR1L1 " + b" " * 4000,
    ],
)
def test_long_rows_of_anything_take_no_long_time(raw):
    def read() -> None:
        for step in (frame.next_frame, surgard.next_line):
            cut([raw], step)
        with suppress(ValueError):
            frame.parse(raw)

    affordable(160_000_000, read)


@pytest.mark.parametrize(
    "unit", [b"\x14", b"\n", b"SR1L1", b'00000000"', b'\n\n\n1234"', b"5011 18", SMOKE]
)
def test_large_read_takes_a_millisecond_for_each_kilobyte_at_most(unit):
    raw = unit * (65_536 // len(unit))
    for step in (frame.next_frame, surgard.next_line):
        affordable(64 * 20_000_000, partial(cut, [raw], step))
