"""Ellenex pressure and level transmitters: eight bytes on port 15.

Facts from the codecs in The Things Network's device repository. Readings are raw counts: range and
scale depend on the sensor that was ordered.
"""

from __future__ import annotations

from typing import Any, Final

from drivers.mqtt.lorawan.tables._layout import layout

_PORT: Final = 15
_READING: Final = {"pls": "level", "pts": "pressure"}
"""The first three letters of the model -> what the reading is called."""
_ROWS: Final = {
    name: layout(f"_ u24; {name} i16; _ u16; batteryVoltage u8 /10") for name in _READING.values()
}


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """Reading and battery; None: neither a level nor a pressure transmitter."""
    name = _READING.get(model[:3])
    if name is None:
        return None
    if port != _PORT:
        raise ValueError(f"nothing is sent on port {port}, use {_PORT}")
    row = _ROWS[name]
    if len(data) != row.size:
        raise ValueError(f"{len(data)} bytes, needs {row.size}")
    return row.read(data)
