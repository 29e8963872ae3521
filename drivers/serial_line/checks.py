"""Check sums that serial devices put behind what they say. Pure.

The names follow the catalogues of CRC parameters; each has its check value for ``123456789`` in
the tests. ``lrc`` is the two's complement of the sum, as Modbus ASCII has it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import xor
from typing import Final, Literal, NamedTuple

Kind = Literal[
    "sum8", "sum16", "xor8", "lrc", "crc8", "crc8_maxim",
    "crc16_modbus", "crc16_ccitt", "crc16_xmodem", "crc16_kermit",
]  # fmt: skip


class Check(NamedTuple):
    """A sum: its bytes, and how it is made."""

    width: int
    of: Callable[[bytes], int]


def _table(poly: int, bits: int, *, reflected: bool) -> list[int]:
    top, mask = 1 << bits - 1, (1 << bits) - 1
    found = []
    for byte in range(256):
        crc = byte if reflected else byte << bits - 8
        for _ in range(8):
            if reflected:
                crc = crc >> 1 ^ (poly if crc & 1 else 0)
            else:
                crc = (crc << 1 ^ (poly if crc & top else 0)) & mask
        found.append(crc)
    return found


def _right(poly: int, bits: int, start: int) -> Callable[[bytes], int]:
    """A reflected CRC: the lowest bit goes first. ``poly`` is the reversed one."""
    table = _table(poly, bits, reflected=True)

    def crc_of(data: bytes) -> int:
        crc = start
        for byte in data:
            crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
        return crc

    return crc_of


def _left(poly: int, bits: int, start: int) -> Callable[[bytes], int]:
    table = _table(poly, bits, reflected=False)
    mask = (1 << bits) - 1

    def crc_of(data: bytes) -> int:
        crc = start
        for byte in data:
            crc = (crc << 8 & mask) ^ table[(crc >> bits - 8 ^ byte) & 0xFF]
        return crc

    return crc_of


CHECKS: Final[dict[str, Check]] = {
    "sum8": Check(1, lambda data: sum(data) & 0xFF),
    "sum16": Check(2, lambda data: sum(data) & 0xFFFF),
    "xor8": Check(1, lambda data: reduce(xor, data, 0)),
    "lrc": Check(1, lambda data: -sum(data) & 0xFF),
    "crc8": Check(1, _left(0x07, 8, 0)),
    "crc8_maxim": Check(1, _right(0x8C, 8, 0)),
    "crc16_modbus": Check(2, _right(0xA001, 16, 0xFFFF)),
    "crc16_ccitt": Check(2, _left(0x1021, 16, 0xFFFF)),
    "crc16_xmodem": Check(2, _left(0x1021, 16, 0)),
    "crc16_kermit": Check(2, _right(0x8408, 16, 0)),
}
