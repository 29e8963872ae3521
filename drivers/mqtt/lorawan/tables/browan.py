"""Browan TABS and MerryIoT: a fixed layout, low byte first; each kind of sensor has its own port.

Facts from the maker's reference manuals and the codecs in The Things Network's and ChirpStack's
device repositories.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drivers.mqtt.lorawan.tables import _ports, known
from drivers.mqtt.lorawan.tables._ports import Ports

_BATTERY: Final = "battery u8 &15 +25 /10"
_BOARD: Final = "temperatureBoard u8 &0x7F -32"
_DOOR: Final = f"status u8 &1; {_BATTERY}; {_BOARD}; time u16; count u24"
_FLAGS: Final = "^open u8 &1; ^button u8 >>1 &1; ^tamper u8 >>2 &1; tilt u8 >>3 &1"
_VOLT: Final = "battery_volt u8 +21 /10"
_MERRY: Final = _ports.ports(
    {
        120: f"{_FLAGS}; {_VOLT}; temperature i8; humi u8; time u16; count u24",
        127: "^trigger u8 &1; ^button u8 >>1 &1; ^co2threshold u8 >>4 &1;"
        f" co2calibration u8 >>5 &1; {_VOLT}; temperature i8; humidity u8; co2_ppm u16",
    },
    little=True,
)
_MERRY_FINE: Final = _ports.ports(
    {
        120: f"{_FLAGS}; {_VOLT}; temperature i16 /10; humi u8; time u16; count u24",
        127: "^trigger u8 &1; ^button u8 >>1 &1; ^co2threshold u8 >>4 &1;"
        f" co2calibration u8 >>5 &1; {_VOLT}; temperature i16 /10; humidity u8; co2_ppm u16",
    },
    little=True,
)
"""Newer firmware: one byte more, tenths of a degree."""
_FINE: Final[Mapping[int, int]] = {120: 10, 127: 7}
_AIR: Final = _ports.ports(
    {
        103: f"^status u8 &1; ^tempHumidChanged u8 >>4 &1; iaqChanged u8 >>5 &1; {_BATTERY};"
        f" {_BOARD}; humidity u8 &0x7F; eco2 u16; voc u16; iaq u16; temperature u8 &0x7F -32"
    },
    little=True,
)
_TABS: Final[Ports] = _ports.ports(
    {
        100: _DOOR,
        102: _DOOR,
        103: f"status u8 >>3; {_BATTERY}; temperature u8 &0x7F -32; humidity u8 &0x7F",
        104: f"^darker u8 &1; ^lighter u8 >>1 &1; ^statusChange u8 >>4 &1; keepAlive u8 >>5 &1;"
        f" {_BATTERY}; {_BOARD}; lux u24 /100",
        105: f"status u8 &1; {_BATTERY}; {_BOARD}; decibel u8",
        106: "^status u8 &1; ^temperatureChanged u8 >>5 &1; humidityChanged u8 >>6 &1;"
        f" {_BATTERY}; {_BOARD}; humidity u8; temperature u8 &0x7F -32",
        147: f"status u8 &1; {_BATTERY}; {_BOARD}",
    },
    little=True,
)
_MODELS: Final[Mapping[str, Ports]] = {
    "tbhv": _AIR,
    "merryiot": _MERRY,
}


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The fields; TABS sensors are told apart by their port."""
    table = _MODELS.get(known(_MODELS, model) or "", _TABS)
    if table is _TABS and port in _MERRY and port not in _TABS:
        table = _MERRY
    if table is _MERRY and len(data) >= _FINE.get(port, len(data) + 1):
        table = _MERRY_FINE
    return _ports.read(port, data, table)
