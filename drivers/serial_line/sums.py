"""How check sums are made. Every start mark inside garbage may cost one, so they must be quick."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastcrc import crc8, crc16


def _xor8(data: bytes) -> int:
    """All bytes, one over the other: the number they form is folded in halves."""
    width = 1 << max(0, len(data) - 1).bit_length()
    number = int.from_bytes(data, "big")
    while width > 1:
        width //= 2
        number = number >> 8 * width ^ number & (1 << 8 * width) - 1
    return number


SUMS: Final[dict[str, Callable[[bytes], int]]] = {
    "sum8": lambda data: sum(data) & 0xFF,
    "sum16": lambda data: sum(data) & 0xFFFF,
    "xor8": _xor8,
    "lrc": lambda data: -sum(data) & 0xFF,
    "crc8": crc8.smbus,
    "crc8_maxim": crc8.maxim_dow,
    "crc16_modbus": crc16.modbus,
    "crc16_ccitt": crc16.ibm_3740,
    "crc16_xmodem": crc16.xmodem,
    "crc16_kermit": crc16.kermit,
}
"""By the names of ``checks``."""
