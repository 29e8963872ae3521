"""Check sums that serial devices put behind what they say: their names and widths. No library.

The names follow the catalogues of CRC parameters; each has its check value for ``123456789`` in
the tests. ``lrc`` is the two's complement of the sum, as Modbus ASCII has it.
"""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal[
    "sum8", "sum16", "xor8", "lrc", "crc8", "crc8_maxim",
    "crc16_modbus", "crc16_ccitt", "crc16_xmodem", "crc16_kermit",
]  # fmt: skip

WIDTHS: Final[dict[str, int]] = {
    "sum8": 1,
    "sum16": 2,
    "xor8": 1,
    "lrc": 1,
    "crc8": 1,
    "crc8_maxim": 1,
    "crc16_modbus": 2,
    "crc16_ccitt": 2,
    "crc16_xmodem": 2,
    "crc16_kermit": 2,
}
"""Bytes of each."""
