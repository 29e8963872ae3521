"""Teneo IoT filling degree sensor; facts from its codec in The Things Network's repository."""

from __future__ import annotations

from typing import Any, Final

from drivers.mqtt.lorawan.tables._layout import Layout, layout

_BATTERY: Final = "battery u8 /10 +2"
_AIR: Final = "temperature u16 /100; relativeHumidity u16 /100"
_EMPTY: Final = 4
"""Status: nothing within reach."""
_DATA: Final[dict[int, Layout]] = {
    3: layout(f"{_BATTERY}; distance u16"),
    4: layout(f"{_BATTERY}; distance u16; status u8"),
    7: layout(f"{_BATTERY}; distance u16; {_AIR}"),
    8: layout(f"{_BATTERY}; distance u16; status u8; {_AIR}"),
}
_EVENT: Final = layout(f"{_BATTERY}; status u8")
_CHARGING: Final = layout(_BATTERY)


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The fields; None: another device of the maker."""
    if "filling" not in model:
        return None
    if port == 1 and len(data) in _DATA:
        found = _DATA[len(data)].read(data)
    elif port == 2:
        found = _EVENT.read(data)
    elif port == 3:
        found = {**_CHARGING.read(data), "valid": False}
    else:
        raise ValueError(f"{len(data)} bytes on port {port} are none of its messages")
    status = found.pop("status", 0)
    if status == _EMPTY:
        found["distance"] = -1
    elif status:
        found["errorcode"] = status
    return {
        "sensorType": "fillrate",
        "settingsAllowed": True,
        "charging": port == 3,
        "valid": status in (0, _EMPTY),
        **found,
    }
