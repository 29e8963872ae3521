"""PDUs of the short message service (3GPP 23.040): SUBMIT out, DELIVER and STATUS-REPORT in. Pure.

    text ──▶ pieces ──▶ SUBMIT …  70 UCS2 characters or 160 septets; 67 or 153 in each of several
    DELIVER, STATUS-REPORT ──▶ what they say

Every PDU is hex with the message centre in front; the length that ``AT+CMGS`` is given counts
the octets behind it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from drivers.sms_modem.address import address, is_word, read_address, read_centre, read_time
from drivers.sms_modem.alphabet import letters, pack, septets, unpack

MAX_PARTS: Final = 255
_OCTETS: Final = 140
"""Of user data in one message."""
_SEPTETS: Final = 160
HEADER: Final = 6
"""Octets of the header that counts parts: 05 00 03, reference, total, number."""
WIDE_HEADER: Final = 7
_SUBMIT, _DELIVER, _REPORT = 0b01, 0b00, 0b10
_VALIDITY, _ASK_REPORT, _HAS_HEADER = 0x10, 0x20, 0x40
_PLAIN, _UCS2 = 0x00, 0x08
_COUNTS_SHORT, _COUNTS_WIDE = 0x00, 0x08
"""Elements of the header: concatenated, with a reference of 8 or of 16 bits."""


class Part(NamedTuple):
    """Which of how many messages one text this is."""

    reference: int
    total: int
    number: int


class Submit(NamedTuple):
    """One message to send: ``AT+CMGS=length``, then ``pdu``."""

    length: int
    pdu: str


class Outgoing(NamedTuple):
    """What a SUBMIT says: a simulated network reads it."""

    number: str
    text: str
    part: Part | None
    wants_report: bool


class Deliver(NamedTuple):
    """A message that came. ``text`` None: it holds data, no text."""

    number: str
    text: str | None
    sent_at: int | None
    """Ns since 1970 UTC by the message centre's clock."""
    part: Part | None
    is_word: bool = False
    """``number`` is a name that the sender chose, though it may read like somebody's number."""


class Report(NamedTuple):
    """What became of the message that the modem gave the number ``reference``."""

    reference: int
    number: str
    status: int


def submits(
    number: str, text: str, *, reference: int = 0, report: bool = True,
    validity: float | None = None, wide: bool = False,
) -> list[Submit]:  # fmt: skip
    """``text`` to ``number`` as one or several messages. ValueError: no number, or too long.

    ``validity``: seconds for which the network tries; None leaves it to the network.
    ``wide``: count parts with a reference of 16 bits.
    """
    code, pieces = pieces_of(text, WIDE_HEADER if wide else HEADER)
    if len(pieces) > MAX_PARTS:
        raise ValueError(f"a text of {len(text):,} characters is too long for text messages")
    first = _SUBMIT | (_ASK_REPORT if report else 0) | (0 if validity is None else _VALIDITY)
    head = address(number) + bytes((0, code))
    if validity is not None:
        head += bytes((_relative(validity),))
    made = []
    for count, piece in enumerate(pieces, 1):
        header = part_header(reference, len(pieces), count, wide) if len(pieces) > 1 else b""
        flags = first | (_HAS_HEADER if header else 0)
        tpdu = bytes((flags, 0)) + head + user_data(code, header, piece)
        made.append(Submit(len(tpdu), "00" + tpdu.hex().upper()))
    return made


def parts_of(text: str) -> int:
    """How many messages ``text`` costs."""
    return len(pieces_of(text)[1])


def read(pdu: str) -> Deliver | Report:
    """What came from the network. ValueError says in a few words why it can not be read."""
    raw, at = _tpdu(pdu)
    kind = raw[at] & 0b11
    if kind == _REPORT:
        return _report(raw, at)
    if kind != _DELIVER:
        raise ValueError("the PDU is neither a message nor a delivery report")
    number, at_code = read_address(raw, at + 1)
    if at_code + 10 > len(raw):
        raise ValueError("the PDU ends before its text")
    code = raw[at_code + 1]
    sent_at = read_time(raw[at_code + 2 : at_code + 9])
    text, part = _text(raw, at_code + 9, code, bool(raw[at] & _HAS_HEADER))
    return Deliver(number, text, sent_at, part, is_word(raw, at + 1))


def read_submit(pdu: str) -> Outgoing:
    """What a SUBMIT says. ValueError as ``read``."""
    raw, at = _tpdu(pdu)
    flags = raw[at]
    if flags & 0b11 != _SUBMIT:
        raise ValueError("the PDU is no message to send")
    number, at_code = read_address(raw, at + 2)
    has_validity = flags >> 3 & 0b11
    at_length = at_code + 2 + (0 if not has_validity else 1 if has_validity == 0b10 else 7)
    if at_length >= len(raw):
        raise ValueError("the PDU ends before its text")
    text, part = _text(raw, at_length, raw[at_code + 1], bool(flags & _HAS_HEADER))
    return Outgoing(number, text or "", part, bool(flags & _ASK_REPORT))


def _tpdu(pdu: str) -> tuple[bytes, int]:
    """The octets, and where the TPDU begins."""
    try:
        raw = bytes.fromhex(pdu)
    except ValueError:
        raise ValueError("the PDU is no row of hex digits") from None
    at = read_centre(raw)[1]
    if at >= len(raw):
        raise ValueError("the PDU ends after the message centre's number")
    return raw, at


def _report(raw: bytes, at: int) -> Report:
    number, end = read_address(raw, at + 2)
    if end + 15 > len(raw):
        raise ValueError("the delivery report ends before its status")
    return Report(raw[at + 1], number, raw[end + 14])


def pieces_of(text: str, header: int = HEADER) -> tuple[int, list[bytes]]:
    """The data coding, and the text cut where no character is torn.

    ``header``: octets that each of several messages begins with.
    """
    plain = [septets(character) for character in text]
    if all(each is not None for each in plain):
        codes = [each for each in plain if each is not None]
        alone, several = _SEPTETS, (8 * (_OCTETS - header)) // 7
        return _PLAIN, _cut(codes, alone, several)
    wide = [character.encode("utf-16-be", "replace") for character in text]
    return _UCS2, _cut(wide, _OCTETS, (_OCTETS - header) // 2 * 2)


def _cut(characters: list[bytes], alone: int, several: int) -> list[bytes]:
    whole = b"".join(characters)
    if len(whole) <= alone:
        return [whole]
    pieces = [bytearray()]
    for character in characters:
        if len(pieces[-1]) + len(character) > several:
            pieces.append(bytearray())
        pieces[-1] += character
    return [bytes(piece) for piece in pieces]


def part_header(reference: int, total: int, number: int, wide: bool) -> bytes:
    """The user data header that says which of how many messages it is."""
    if wide:
        count = bytes((_COUNTS_WIDE, 4)) + (reference & 0xFFFF).to_bytes(2, "big")
    else:
        count = bytes((_COUNTS_SHORT, 3, reference & 0xFF))
    count += bytes((total, number))
    return bytes((len(count),)) + count


def user_data(code: int, header: bytes, piece: bytes) -> bytes:
    """Length, header and text, as they end a PDU."""
    if code == _UCS2:
        return bytes((len(header) + len(piece),)) + header + piece
    fill = _fill(len(header))
    return bytes(((8 * len(header) + fill) // 7 + len(piece),)) + header + pack(piece, fill)


def _fill(header: int) -> int:
    """Bits between a header of so many octets and the first septet."""
    return -8 * header % 7


def _text(raw: bytes, at: int, code: int, has_header: bool) -> tuple[str | None, Part | None]:
    """The text of the user data whose length stands at ``at``, and which part it is."""
    length, data = raw[at], raw[at + 1 : at + 1 + _OCTETS]
    header = 0
    part = None
    if has_header and data:
        header = 1 + data[0]
        if header > len(data):
            raise ValueError("the header is longer than the message")
        part = _part(data[1:header])
    letter = _alphabet(code)
    if letter is None:
        return None, part
    if letter == _UCS2:
        if length > len(data):
            raise ValueError(f"the text has {len(data)} octets; its length says {length}")
        body = data[header:length]
        return body[: len(body) // 2 * 2].decode("utf-16-be", "replace"), part
    if -(-7 * length // 8) > len(data):
        raise ValueError(f"the text has {len(data)} octets; its length says {length} septets")
    fill = _fill(header)
    count = length - (8 * header + fill) // 7
    return letters(unpack(data[header:], max(0, count), fill)), part


def _part(header: bytes) -> Part | None:
    """What the header says of parts; other elements are passed over."""
    at = 0
    while at + 2 <= len(header):
        kind, body = header[at], header[at + 2 : at + 2 + header[at + 1]]
        at += 2 + header[at + 1]
        wide = kind == _COUNTS_WIDE
        if kind in (_COUNTS_SHORT, _COUNTS_WIDE) and len(body) == (4 if wide else 3):
            total, number = body[-2:]
            if 1 <= number <= total and total > 1:
                return Part(int.from_bytes(body[:-2], "big"), total, number)
    return None


def _alphabet(code: int) -> int | None:
    """``_PLAIN`` or ``_UCS2``; None for data (23.038, section 4)."""
    if code < 0x80:
        if code & 0x20:
            return None  # compressed
        return {0: _PLAIN, 2: _UCS2}.get(code >> 2 & 0b11)
    group = code >> 4
    if group == 0xE:
        return _UCS2
    if group in (0xC, 0xD):
        return _PLAIN
    return _PLAIN if group == 0xF and not code & 0b100 else None


def _relative(seconds: float) -> int:
    """The next step of the relative validity period: 5 min … 63 weeks (9.2.3.12.1)."""
    minutes = -(-int(seconds) // 60)
    if minutes <= 12 * 60:
        return max(0, -(-minutes // 5) - 1)
    if minutes <= 24 * 60:
        return 143 + -(-(minutes - 12 * 60) // 30)
    days = -(-minutes // (24 * 60))
    return 166 + days if days <= 30 else min(255, 192 + -(-days // 7))
