"""Tekzitel TEKZIPARK parking sensors; facts from the codec in The Things Network's repository."""

from __future__ import annotations

from typing import Any, Final

from drivers.mqtt.lorawan.tables import _ports
from drivers.mqtt.lorawan.tables._layout import layout

_STATUS: Final = (
    "^occupied u8 >>7; ^keepAlive u8 &1; ^reset u8 >>1 &1; ^No_Beacon u8 >>2 &1; ^Radar u8 >>3 &1;"
    " ^Obstruction u8 >>4 &1; Good_Battery u8 >>5 &1; Temperature i8; Parking_ID u8"
)
_SHORT: Final = layout(_STATUS)


def _parking(data: bytes) -> dict[str, Any]:
    """The state, then the beacons that were heard: strength of the strongest and their numbers."""
    found = _SHORT.read(data)
    if len(data) > _SHORT.size:
        found["Beacon_RSSI"] = int.from_bytes(data[3:4], signed=True)
        found["Beacons"] = [int.from_bytes(data[at : at + 2]) for at in range(4, len(data) - 1, 2)]
    return found


_PORTS: Final = _ports.ports(
    {
        1: _parking,
        2: f"{_STATUS}; Deflection_X i8; Deflection_Y i8; Deflection_Z i8; Baseline_X i8;"
        " Baseline_Y i8; Baseline_Z i8; Fault_Code u8; Obstruction u8; D_Reflection u8",
    }
)


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The fields of this port."""
    return _ports.read(port, data, _PORTS)
