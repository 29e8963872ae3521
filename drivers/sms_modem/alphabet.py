"""The GSM 7-bit default alphabet and its extension (3GPP 23.038), packed and unpacked. Pure."""

from __future__ import annotations

from typing import Final

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\",
    0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip
_ESCAPE: Final = 0x1B
_SEPTETS: Final = {
    character: bytes((code,)) for code, character in enumerate(_BASIC) if code != _ESCAPE
} | {character: bytes((_ESCAPE, code)) for code, character in _EXTENDED.items()}


def septets(character: str) -> bytes | None:
    """The one or two septets of ``character``; None: the alphabet has no such letter."""
    return _SEPTETS.get(character)


def letters(codes: bytes) -> str:
    """The text of septets; what an escape makes of an unknown letter is the plain letter."""
    text: list[str] = []
    escaped = False
    for code in codes:
        code &= 0x7F
        if escaped:
            text.append(_EXTENDED.get(code, _BASIC[code]))
            escaped = False
        elif code == _ESCAPE:
            escaped = True
        else:
            text.append(_BASIC[code])
    return "".join(text)


def pack(codes: bytes, fill: int = 0) -> bytes:
    """Septets as octets, lowest bit first; ``fill`` bits are left free before the first."""
    number = 0
    for place, code in enumerate(codes):
        number |= code << (7 * place)
    bits = fill + 7 * len(codes)
    return (number << fill).to_bytes((bits + 7) // 8, "little")


def unpack(octets: bytes, count: int, fill: int = 0) -> bytes:
    """``count`` septets of ``octets``; fewer where the octets end before."""
    number = int.from_bytes(octets, "little") >> fill
    count = min(count, max(0, (8 * len(octets) - fill) // 7))
    return bytes(number >> (7 * place) & 0x7F for place in range(count))
