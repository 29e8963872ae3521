"""ELSYS: items of type (1) and content, high byte first; all models share the types.

Facts from the maker's "Sensor payload" document and its decoder.
"""

from __future__ import annotations

from typing import Any, Final

from drivers.mqtt.lorawan.tables import _tlv

_CELLS: Final = 64


def _grid_eye(data: bytes, at: int, found: dict[str, Any]) -> int:
    """A thermal picture: a reference temperature and 64 differences in tenths."""
    cells = data[at + 1 : at + 1 + _CELLS]
    if len(cells) < _CELLS:
        raise ValueError(f"{len(cells)} of {_CELLS} cells")
    found["grideye"] = [data[at] + cell / 10 for cell in cells]
    return at + 1 + _CELLS


def _second_probe(data: bytes, at: int, found: dict[str, Any]) -> int:
    """A second external temperature; several of them make a list."""
    if at + 2 > len(data):
        raise ValueError(f"{len(data)} bytes, needs {at + 2}")
    value = int.from_bytes(data[at : at + 2], signed=True) / 10
    name = "externalTemperature2"
    before = found.get(name)
    if before is None:
        found[name] = value
    else:
        found[name] = [*(before if isinstance(before, list) else [before]), value]
    return at + 2


_TYPES: Final = _tlv.channels(
    {
        "01": "temperature i16 /10",
        "02": "humidity u8",
        "03": "x i8; y i8; z i8",
        "04": "light u16",
        "05": "motion u8",
        "06": "co2 u16",
        "07": "vdd u16",
        "08": "analog1 u16",
        "09": "lat u24; long u24",
        "0a": "pulse1 u16",
        "0b": "pulseAbs i32",
        "0c": "externalTemperature i16 /10",
        "0d": "digital u8",
        "0e": "distance u16",
        "0f": "accMotion u8",
        "10": "irInternalTemperature i16 /10; irExternalTemperature i16 /10",
        "11": "occupancy u8",
        "12": "waterleak u8",
        "13": _grid_eye,
        "14": "pressure i32 /1000",
        "15": "soundPeak u8; soundAvg u8",
        "16": "pulse2 u16",
        "17": "pulseAbs2 i32",
        "18": "analog2 u16",
        "19": _second_probe,
        "1a": "digital2 u8",
        "1b": "analogUv i32",
        "1c": "tvoc u16",
        "3d": "_ u32",
    }
)


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The items, on any port and for any model."""
    return _tlv.read(data, _TYPES, width=1)
