"""Terabee level monitoring XL; facts from its codec in The Things Network's device repository."""

from __future__ import annotations

from typing import Any, Final

from drivers.mqtt.lorawan.tables._layout import layout

_LEVEL: Final = layout("distance u16; levelPercentage u8; batteryVoltage u16")
_COUNT: Final = layout(
    "count_in u32; count_out u32; ^TPC_STOPPED u8 &1 ?0; ^TPC_STUCK u8 >>1 &1;"
    " ^MULTI_DEV_ISSUE u8 >>2 &1; WIFI_AP_ENABLED u8 >>3 &1"
)
_COUNT_PORT: Final = 1


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """Level in a bin, or people counted; None: another device or message."""
    if "lmxl" in model or "level" in model:
        return _LEVEL.read(data)
    if "people" not in model or "flow" not in model or port != _COUNT_PORT:
        return None
    found = _COUNT.read(data)
    counts = {name: found.pop(name) for name in ("count_in", "count_out")}
    return {**counts, "flags": {name: value for name, value in found.items() if value}}
