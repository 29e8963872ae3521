"""Moire Labs pressure transducer; facts from its codec in The Things Network's repository."""

from __future__ import annotations

from typing import Any, Final

from drivers.mqtt.lorawan.tables._layout import layout

_PRESSURE: Final = layout(
    "unit u8 = 2:kPa|3:MPa; min_value f32 round4; max_value f32 round4; average_value f32 round4;"
    " last_value f32 round4",
    little=True,
)


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """Least, most, mean and last pressure of the interval; None: another device."""
    return _PRESSURE.read(data) if "p1a" in model or "pressure" in model else None
