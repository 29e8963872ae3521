"""PDUs against what others have published, and against themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.sms_modem.address import read_time, time_octets
from drivers.sms_modem.alphabet import letters, pack, septets, unpack
from drivers.sms_modem.pdu import (
    MAX_PARTS,
    Deliver,
    Part,
    Report,
    parts_of,
    read,
    read_submit,
    submits,
)
from drivers.sms_modem.simulator import delivers, status_report
from tests.cost import affordable

OFFICER = "+8613800138000"
SECOND = 1_000_000_000
WALL = 1_767_600_000 * SECOND

PHONE_NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
TEXTS = st.text(
    st.characters(exclude_categories=("Cs",)) | st.sampled_from("火😀€[]{}^~\\|éüñ\n\f 1aZ"),
    max_size=400,
)


def refusal(reader: Callable[[str], object], pdu: str) -> str:
    """Why ``reader`` refuses ``pdu``; "" when it reads it."""
    try:
        reader(pdu)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("number", "text", "length", "pdu"),
    [
        (OFFICER, "火警", 18, "0021000D91683108108300F0000804706B8B66"),
        (OFFICER, "一层烟感报警", 26, "0021000D91683108108300F000080C4E005C4270DF611F62A58B66"),
        ("13800138000", "测试", 17, "0021000BA13108108300F00008046D4B8BD5"),
    ],
)
def test_short_text_is_the_pdu_of_the_reference(number, text, length, pdu) -> None:
    assert submits(number, text) == [(length, pdu)]


def test_eighty_characters_are_two_messages_as_the_reference_counts_them() -> None:
    first, second = submits(OFFICER, "火" * 80, reference=2)
    assert first.length == 154
    assert first.pdu == "00" + "61000D91683108108300F000088C050003020201" + "706B" * 67
    assert second.length == 46
    assert second.pdu.endswith("0820" + "050003020202" + "706B" * 13)


@pytest.mark.parametrize(
    ("pdu", "number", "text"),
    [
        (
            "069144888888F811000C9153481032547600000B20D4F29C9E769F4161D0BC3D07B5CBF379F89C769F416F7B590E62D3CB",
            "+358401234567",
            "Testing a sms messaging over lte",
        ),
        (
            "0011000C9104214365870900080B12795D60A867094E2A7F8E597D76844E005929",
            "+401234567890",
            "祝您有个美好的一天",
        ),
    ],
)
def test_published_message_to_send_is_read(pdu, number, text) -> None:
    found = read_submit(pdu)
    assert (found.number, found.text, found.part) == (number, text, None)


def test_published_message_of_a_maker_is_rebuilt_octet_by_octet() -> None:
    built = submits(
        "+358401234567", "Testing a sms messaging over lte", report=False, validity=3_600
    )
    published = (
        "11000C9153481032547600000B20D4F29C9E769F4161D0BC3D07B5CBF379F89C769F416F7B590E62D3CB"
    )
    assert built == [(42, "00" + published)]


def test_lengths_of_published_messages_are_counted_without_the_centre() -> None:
    for length, pdu in (
        (42, "069144888888F811000C9153481032547600000B20D4F29C9E769F4161D0BC3D07B5CBF379F89C769F416F7B590E62D3CB"),
        (18, "088128010099010259115507811020905512F90000A704F4F29C0E"),
        (32, "0011000C9104214365870900080B12795D60A867094E2A7F8E597D76844E005929"),
    ):  # fmt: skip
        assert len(pdu) // 2 - 1 - int(pdu[:2], 16) == length


def test_incoming_message_of_the_reference_is_read() -> None:
    found = read("0891683108100005F0240D91683108103800F0000862114290100023" + "08706B8B664F4E7535")
    assert found == Deliver("+8613800183000", "火警低电", 1_795_482_060 * SECOND, None)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("火" * 70, 1),
        ("火" * 71, 2),
        ("火" * 134, 2),
        ("火" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),
        ("😀" * 67, 3),
    ],
)
def test_parts_are_counted_as_carriers_do(text: str, parts: int) -> None:
    assert parts_of(text) == len(submits(OFFICER, text)) == parts


@given(PHONE_NUMBERS, TEXTS, st.integers(0, 65_535), st.booleans(), st.booleans())
def test_any_text_comes_out_as_it_went_in(number, text, reference, wide, report) -> None:
    built = submits(number, text, reference=reference, report=report, wide=wide)
    found = [read_submit(each.pdu) for each in built]
    assert "".join(each.text for each in found) == text
    assert {each.number for each in found} == {number}
    assert {each.wants_report for each in found} == {report}
    if len(built) > 1:
        kept = reference if wide else reference & 0xFF
        assert [each.part for each in found] == [
            Part(kept, len(built), n) for n in range(1, len(built) + 1)
        ]
    for each in built:
        assert len(each.pdu) // 2 - 1 == each.length


@given(PHONE_NUMBERS, TEXTS, st.integers(0, 65_535), st.booleans())
def test_any_text_that_comes_is_read(number, text, reference, wide) -> None:
    found = [read(pdu) for pdu in delivers(number, text, WALL, reference, wide=wide)]
    assert all(isinstance(each, Deliver) for each in found)
    assert "".join(each.text or "" for each in found) == text
    assert {(each.number, each.sent_at) for each in found} == {(number, WALL)}


@given(st.integers(0, 255), PHONE_NUMBERS, st.integers(0, 255))
def test_any_delivery_report_is_read(given_number, number, status) -> None:
    assert read(status_report(given_number, number, WALL, status)) == Report(
        given_number, number, status
    )


@given(st.binary(max_size=180) | st.text("0123456789ABCDEFabcdef xyz", max_size=400))
def test_rubbish_is_refused_in_words_or_read(raw: bytes | str) -> None:
    pdu = raw.hex() if isinstance(raw, bytes) else raw
    for reader in (read, read_submit):
        assert refusal(reader, pdu)[:4] in ("", "the ")


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4), st.data())
def test_torn_message_is_refused_in_words_or_read(at, other, data) -> None:
    whole = bytes.fromhex(delivers(OFFICER, "1 L20260105-0007 火警" * 5, WALL)[0])
    at = at % len(whole)
    for raw in (whole[:at], whole[:at] + other + whole[at + len(other) :]):
        assert refusal(read, raw.hex())[:4] in ("", "the ")


@given(st.integers(1_000_000_000, 4_100_000_000), st.integers(-48, 56))
def test_time_of_any_zone_comes_out_as_it_went_in(seconds: int, quarters: int) -> None:
    assert read_time(time_octets(seconds * SECOND, quarters)) == seconds * SECOND


def test_time_that_is_none_is_none() -> None:
    assert read_time(bytes.fromhex("00000000000000")) is None
    assert read_time(b"\xff" * 7) is None


@given(st.binary(max_size=200).map(lambda raw: bytes(b & 0x7F for b in raw)), st.integers(0, 6))
def test_septets_come_out_of_octets_as_they_went_in(codes: bytes, fill: int) -> None:
    assert unpack(pack(codes, fill), len(codes), fill) == codes


def test_every_letter_of_the_alphabet_is_written_and_read() -> None:
    known = [chr(code) for code in range(0x10000) if septets(chr(code)) is not None]
    assert len(known) == 127 + 10
    for letter in known:
        codes = septets(letter)
        assert codes is not None
        assert letters(codes) == letter


def test_letters_are_those_of_the_standard() -> None:
    table = {
        b"\x00": "@", b"\x01": "£", b"\x02": "$", b"\x10": "Δ", b"\x11": "_", b"\x24": "¤",
        b"\x40": "¡", b"\x5b": "Ä", b"\x60": "¿", b"\x7b": "ä", b"\x7f": "à", b"\x0d": "\r",
        b"\x1b\x65": "€", b"\x1b\x3c": "[", b"\x1b\x3e": "]", b"\x1b\x28": "{", b"\x1b\x29": "}",
        b"\x1b\x2f": "\\", b"\x1b\x3d": "~", b"\x1b\x14": "^", b"\x1b\x40": "|", b"\x1b\x0a": "\f",
    }  # fmt: skip
    assert {codes: letters(codes) for codes in table} == table
    assert letters(b"\x1bA") == "A"


def test_one_bit_is_left_free_between_the_header_of_parts_and_the_letters() -> None:
    """153 septets behind 48 bits: 160 septets of user data, the first from bit 49 on."""
    first = bytes.fromhex(submits(OFFICER, "A" * 161)[0].pdu)
    at = first.index(bytes.fromhex("050003"))
    assert first[at - 1] == 160
    assert first[at + 6] == ord("A") << 1
    assert len(first) - at == 140


def test_sender_that_is_a_word_is_read() -> None:
    word = pack(b"".join(septets(c) or b"" for c in "Bank"))
    head = bytes.fromhex("00" + "04") + bytes((7, 0xD0)) + word + bytes((0, 0))
    raw = head + time_octets(WALL) + b"\x02" + pack(b"Hi")
    found = read(raw.hex())
    assert isinstance(found, Deliver)
    assert (found.number, found.text) == ("Bank", "Hi")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0x00, "Hi"),
        (0x10, "Hi"),
        (0xF1, "Hi"),
        (0xC8, "Hi"),
        (0x04, None),
        (0xF5, None),
        (0x20, None),
    ],
)
def test_text_is_told_from_data_by_its_coding(code: int, text: str | None) -> None:
    raw = bytes.fromhex("0004") + bytes((3, 0x81, 0x21, 0xF3, 0, code)) + time_octets(WALL)
    found = read((raw + b"\x02" + pack(b"Hi")).hex())
    assert isinstance(found, Deliver)
    assert (found.number, found.text) == ("123", text)


@pytest.mark.parametrize(
    ("seconds", "octet"),
    [
        (300, 0x00),
        (3_600, 0x0B),
        (43_200, 0x8F),
        (86_400, 0xA7),
        (172_800, 0xA8),
        (38_102_400, 0xFF),
    ],
)
def test_validity_is_the_octet_of_the_standard(seconds: int, octet: int) -> None:
    [built] = submits(OFFICER, "火警", validity=seconds)
    raw = bytes.fromhex(built.pdu)
    assert raw[1] == 0x31
    assert raw[14] == octet
    assert read_submit(built.pdu).text == "火警"


@pytest.mark.parametrize("number", ["", "+", "110x", "电话", "+86 138"])
def test_number_that_is_none_is_not_repeated(number: str) -> None:
    with pytest.raises(ValueError, match=r"^this is no phone number$"):
        submits(number, "火警")


def test_endless_text_is_refused() -> None:
    assert len(submits(OFFICER, "火" * 67 * MAX_PARTS)) == MAX_PARTS
    with pytest.raises(ValueError, match="too long for text messages"):
        submits(OFFICER, "火" * (67 * MAX_PARTS + 1))


def test_cost_of_a_long_text_is_its_length() -> None:
    text = "火" * 67 * MAX_PARTS
    affordable(400_000_000, lambda: submits(OFFICER, text))
