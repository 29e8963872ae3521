"""The semi-octets of a PDU: numbers and times (3GPP 23.040, 9.1.2). Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from drivers.sms_modem.alphabet import letters, unpack

INTERNATIONAL: Final = 0x91
NATIONAL: Final = 0xA1
UNKNOWN: Final = 0x81
_WORD: Final = 0b101
"""Type of number: the sender is a word, as of a bank."""
_DIGITS: Final = "0123456789*#abc"
_SHORTEST_NATIONAL: Final = 7
"""Digits: a shorter number is the carrier's own."""
_SECOND: Final = 1_000_000_000


def address(number: str) -> bytes:
    """``+8613800138000`` international, ``13800138000`` national, ``10086`` of the carrier."""
    digits = number.removeprefix("+")
    if not digits or any(digit not in _DIGITS for digit in digits):
        raise ValueError("this is no phone number")
    if number.startswith("+"):
        kind = INTERNATIONAL
    else:
        kind = NATIONAL if len(digits) >= _SHORTEST_NATIONAL else UNKNOWN
    return bytes((len(digits), kind)) + _semi_octets(digits)


def read_address(raw: bytes, at: int) -> tuple[str, int]:
    """The number or word at ``at``, and where it ends. ValueError: the PDU ends before."""
    if at + 2 > len(raw):
        raise ValueError("the PDU ends before the number")
    count, kind = raw[at], raw[at + 1]
    end = at + 2 + (count + 1) // 2
    if end > len(raw):
        raise ValueError("the PDU ends within the number")
    body = raw[at + 2 : end]
    if is_word(raw, at):
        return letters(unpack(body, count * 4 // 7)), end
    prefix = "+" if kind >> 4 & 0b111 == 1 else ""
    return prefix + _digits(body, count), end


def is_word(raw: bytes, at: int) -> bool:
    """Whether the sender at ``at`` is a word, which whoever buys texts in bulk may choose."""
    return raw[at + 1] >> 4 & 0b111 == _WORD


def read_centre(raw: bytes) -> tuple[str, int]:
    """The message centre before the TPDU, counted in octets; "" for the stored one."""
    if not raw:
        raise ValueError("the PDU is empty")
    end = 1 + raw[0]
    if end > len(raw):
        raise ValueError("the PDU ends within the message centre's number")
    if raw[0] < 2:
        return "", end
    prefix = "+" if raw[1] >> 4 & 0b111 == 1 else ""
    return prefix + _digits(raw[2:end], 2 * (raw[0] - 1)), end


def read_time(raw: bytes) -> int | None:
    """Ns since 1970 UTC from seven semi-octets; None where they are no time."""
    pairs = [(octet & 0x0F) * 10 + (octet >> 4) for octet in raw]
    quarters = (raw[6] & 0x07) * 10 + (raw[6] >> 4)
    zone = timedelta(minutes=15 * (-quarters if raw[6] & 0x08 else quarters))
    try:
        local = datetime(2000 + pairs[0], *pairs[1:6], tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    return int((local - zone).timestamp()) * _SECOND


def time_octets(wall: int, quarters: int = 32) -> bytes:
    """``wall`` (ns UTC) as a message centre ``quarters`` of an hour ahead of UTC writes it."""
    local = datetime.fromtimestamp(wall // _SECOND, UTC) + timedelta(minutes=15 * quarters)
    fields = (local.year % 100, local.month, local.day, local.hour, local.minute, local.second)
    octets = bytes(field % 10 << 4 | field // 10 for field in (*fields, abs(quarters)))
    return octets if quarters >= 0 else octets[:6] + bytes((octets[6] | 0x08,))


def _semi_octets(digits: str) -> bytes:
    codes = [_DIGITS.index(digit) for digit in digits] + [0x0F] * (len(digits) % 2)
    return bytes(low | high << 4 for low, high in zip(codes[::2], codes[1::2], strict=True))


def _digits(body: bytes, count: int) -> str:
    codes = [code for octet in body for code in (octet & 0x0F, octet >> 4)][:count]
    return "".join(_DIGITS[code] for code in codes if code < len(_DIGITS))
