"""MClimate sensors, told apart by their model.

Facts from the maker's protocol pages and its codecs in the device repositories of The Things
Network and ChirpStack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from drivers.mqtt.lorawan.tables import known

_KEEPALIVE: Final = 1
_REASONS: Final = ("keepalive", "testButtonPressed", "floodDetected", "fraudDetected")


def _degrees(high: int, low: int) -> float:
    """Tenths of a degree above -40."""
    return ((high << 8 | low) - 400) / 10


def _needs(data: bytes, least: int) -> None:
    if len(data) < least:
        raise ValueError(f"{len(data)} bytes, needs {least}")


def _of_keepalive(data: bytes, size: int) -> bytes:
    """The last bytes: answers to commands stand in front of them."""
    _needs(data, size if data[0] == _KEEPALIVE else size + 1)
    return data[:size] if data[0] == _KEEPALIVE else data[-size:]


def _flood(data: bytes) -> dict[str, Any]:
    _needs(data, 2)
    reason = data[0] >> 5
    found: dict[str, Any] = {
        "reason": _REASONS[reason] if reason < len(_REASONS) else "unknown",
        "boxTamper": bool(data[0] & 0x08),
        "flood": bool(data[0] & 0x02),
        "battery": data[1] * 16 / 1000,
    }
    return found | ({"temperature": data[2]} if len(data) > 2 else {})


def _air(data: bytes) -> dict[str, Any]:
    """Short messages without a probe have the names of the older decoder."""
    _needs(data, 5)
    short = len(data) == 5
    row = data if short else _of_keepalive(data, 7)
    temperature = _degrees(row[1], row[2])
    humidity = round(row[3] * 100 / 256, 2)
    battery = round(2 + (row[4] >> 4) * 0.1, 2)
    if short:
        reason = "keepalive" if row[0] == _KEEPALIVE else "unknown"
        return {
            "reason": reason,
            "temperature": temperature,
            "humidity": humidity,
            "batteryVoltage": battery,
        }
    probe = not row[5] & 4
    return {
        "sensorTemperature": temperature,
        "relativeHumidity": humidity,
        "batteryVoltage": battery,
        "thermistorProperlyConnected": probe,
        "extThermistorTemperature": ((row[5] & 3) << 8 | row[6]) / 10 if probe else 0,
    }


def _co2(data: bytes) -> dict[str, Any]:
    row = _of_keepalive(data, 7)
    return {
        "co2": row[1] << 8 | row[2],
        "temperature": _degrees(row[3], row[4]),
        "humidity": round(row[5] * 100 / 256, 2),
        "battery": round((row[6] * 8 + 1600) / 1000, 2),
    }


def _air_quality(data: bytes) -> dict[str, Any]:
    """Fields of 9, 5, 10, 8, 8, 11, 10 and 2 bits after the first byte, then the battery."""
    _needs(data, 10)
    bits = int.from_bytes(data[1:9])
    return {
        "sAQI": (bits >> 55) * 16,
        "AQI": (bits >> 50 & 31) * 16,
        "CO2eq": (bits >> 40 & 1023) * 32,
        "VOC": data[4] * 4,
        "relative_humidity": data[5] * 4 / 10,
        "pressure": ((bits >> 13 & 2047) * 40 + 30000) / 100,
        "temperature": ((bits >> 2 & 1023) - 400) / 10,
        "accuracy_aqi": data[8] & 3,
        "voltage": (data[9] * 8 + 1600) / 1000,
    }


MODELS: Final[Mapping[str, Callable[[bytes], dict[str, Any]]]] = {
    "aqi": _air_quality,
    "co2sensor": _co2,
    "floodsensor": _flood,
    "htsensor": _air,
}
"""A part of the model's plain name -> how its messages are read, on any port."""


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The fields; None: a model that is not in the table."""
    name = known(MODELS, model)
    return None if name is None else MODELS[name](data)
