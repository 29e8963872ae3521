"""Nwave parking sensors: a message for each port.

Facts from the maker's documentation and its codecs in The Things Network's device repository.
"""

from __future__ import annotations

from typing import Any, Final

from drivers.mqtt.lorawan.tables import _ports
from drivers.mqtt.lorawan.tables._layout import layout
from drivers.mqtt.lorawan.tables._ports import Ports

_START: Final = layout(
    "firmware_version dot3; reset_cause u8 = rejoining_lorawan_network|watchdog|power_on"
    "|user_request|6:brownout|7:other; occupied u8 &1 bool"
)
_BEAT: Final = layout(
    "^occupied u8 >>7 bool; hw_health_status u8 &0x7F; battery_voltage u8 *4 +2500 /1000;"
    " temperature i8 /2 +10"
)
_TAG: Final = layout("_ u8; tag_id hex4")
_COLD: Final = -5
"""Below that many °C a battery may have 0.1 V less."""


def _duration(code: int) -> dict[str, Any]:
    """How long the state before lasted, in minutes: the longer, the coarser."""
    if code == 127:
        return {"previous_state_duration": 660, "previous_state_duration_overflow": True}
    if code < 90:
        minutes, error = code, 0
    elif code < 120:
        minutes, error = 90 + (code - 90) * 5, 4
    else:
        minutes, error = 240 + (code - 120) * 60, 59
    return {
        "previous_state_duration": minutes,
        "previous_state_duration_error": error,
        "previous_state_duration_overflow": False,
    }


def _status(data: bytes) -> dict[str, Any]:
    return {
        "type": "parking_status",
        "occupied": bool(data[0] >> 7),
        **_duration(data[0] & 0x7F),
    }


def _heartbeat(data: bytes) -> dict[str, Any]:
    found = _BEAT.read(data)
    cold = 0.1 if found["temperature"] < _COLD else 0.0
    volt = found["battery_voltage"] + cold
    health = "normal" if volt >= 3.0 else "low" if volt >= 2.9 else "critical"
    return {"type": "heartbeat", **found, "battery_health": health}


def _registration(data: bytes) -> dict[str, Any]:
    found = {"type": "user_registration", **_TAG.read(data)}
    found["tag_id"] = found["tag_id"].lstrip("0").upper() or "0"
    return found | ({**_status(data), "type": "user_registration"} if data[0] >> 7 else {})


_FOURTH: Final[Ports] = {
    1: _status,
    2: _heartbeat,
    3: lambda data: {"type": "startup", **_START.read(data)},
    10: _registration,
}
_THIRD: Final[Ports] = {
    1: lambda data: {"type": "parking_status", "occupied": bool(data[0] & 1)},
    2: lambda data: {"type": "heartbeat", "occupied": bool(data[0] & 1)},
    3: lambda data: {"type": "startup", **_START.read(data)},
}


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The message of a parking sensor of the third or fourth generation; None: another device."""
    if "405" in model:
        return _ports.read(port, data, _FOURTH)
    return _ports.read(port, data, _THIRD) if "nps310" in model else None
