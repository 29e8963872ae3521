"""Noah trash bin sensor; facts from its codec in The Things Network's device repository."""

from __future__ import annotations

from typing import Any, Final

from drivers.mqtt.lorawan.tables._layout import Kinds, layout


def _small_float(raw: bytes) -> float:
    """Sign, four bits of exponent and eleven of fraction, between -1 and 1; in per cent."""
    bits = int.from_bytes(raw, "little")
    value = (bits & 0x7FF) / 2048 * 2.0 ** ((bits >> 11 & 15) - 15) * 100
    return -value if bits & 0x8000 else value


_KINDS: Final[Kinds] = {"small": (2, _small_float)}
_BIN: Final = layout("temp small; voltage u16; level small", little=True, kinds=_KINDS)


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """Temperature, battery and filling, in the decoder's own scale; None: another device."""
    return _BIN.read(data) if "trash" in model else None
