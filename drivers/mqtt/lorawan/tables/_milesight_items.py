"""Milesight: the kinds of values and the items that a layout alone does not describe."""

from __future__ import annotations

import math
import struct
from typing import Any, Final

from drivers.mqtt.lorawan.tables._layout import Kinds, layout


def _nibbles(raw: bytes) -> str:
    return f"v{raw[0] >> 4}.{raw[0] & 0x0F}"


def _hardware(raw: bytes) -> str:
    return f"v{raw[0]:x}.{raw[1] >> 4}"


def _firmware(raw: bytes) -> str:
    return f"v{raw[0]:x}.{raw[1]:x}"


def _float(raw: bytes) -> float | None:
    (value,) = struct.unpack("<f", raw)
    return round(value, 2) if math.isfinite(value) else None


KINDS: Final[Kinds] = {
    "nibbles": (1, _nibbles),
    "hardware": (2, _hardware),
    "firmware": (2, _firmware),
    "litres": (4, _float),
}


def tilt320(data: bytes, at: int, found: dict[str, Any]) -> int:
    """Three angles whose lowest bit is the axis' alarm."""
    for axis, raw in zip("xyz", struct.unpack_from("<3h", data[at : at + 6]), strict=True):
        found[f"angle_{axis}"] = (raw >> 1) / 100
        found[f"threshold_{axis}"] = "trigger" if raw & 1 else "normal"
    return at + 6


def button(data: bytes, at: int, found: dict[str, Any]) -> int:
    """A scene panel's key: which one, and the command it stands for."""
    found[f"button_{data[at]}"] = "trigger"
    return _within(data, at + 3)


def press(data: bytes, at: int, found: dict[str, Any]) -> int:
    words = {1: "short press", 2: "long press", 3: "double press"}
    found["button_event"] = {"status": words.get(data[at], "unknown")}
    return at + 1


def sound(data: bytes, at: int, found: dict[str, Any]) -> int:
    """Sound levels, named by the weightings they were taken with (LAF, LAeq, LAFmax)."""
    weight, now, mean, most = struct.unpack_from("<B3H", data[at : at + 7])
    frequency = "ZAC"[weight & 3] if weight & 3 < 3 else "Z"
    level = f"L{frequency}{'IFS'[weight >> 2 & 3] if weight >> 2 & 3 < 3 else 'I'}"
    found |= {level: now / 10, f"L{frequency}eq": mean / 10, f"{level}max": most / 10}
    return at + 7


def people_history(data: bytes, at: int, found: dict[str, Any]) -> int:
    """A people counter's record: the period's count, with mode 1 the totals too."""
    period = "timestamp u32; _ u8; period_in u16; period_out u16"
    whole = data[at + 4] == 1
    content = layout(period + ("; total_in u16; total_out u16" if whole else ""), little=True)
    found.setdefault("history", []).append(content.read(data, at))
    return at + content.size


def regions(data: bytes, at: int, found: dict[str, Any]) -> int:
    """People in all, number of regions and a bit for each region (high byte first)."""
    everyone, count, mask = struct.unpack_from(">BBH", data[at : at + 4])
    found |= {"people_count_all": everyone, "region_count": count}
    found |= {f"region_{place + 1}": mask >> place & 1 for place in range(min(count, 16))}
    return at + 4


def dwell(data: bytes, at: int, found: dict[str, Any]) -> int:
    region, mean, most = struct.unpack_from("<BHH", data[at : at + 5])
    found |= {f"region_{region}_avg_dwell": mean, f"region_{region}_max_dwell": most}
    return at + 5


def beds(data: bytes, at: int, found: dict[str, Any]) -> int:
    enabled, taken = struct.unpack_from("<HH", data[at : at + 4])
    for place in range(10):
        name = f"region_{place + 1}"
        found[f"{name}_enable"] = "enable" if enabled >> place & 1 else "disable"
        found[name] = "occupied" if taken >> place & 1 else "vacant"
    return at + 4


def radar_exception(data: bytes, at: int, found: dict[str, Any]) -> int:
    """The distance while the radar is in trouble; without an echo there is none."""
    names = {1: "blind spot alarm", 2: "no target", 3: "sensor exception"}
    (distance,) = struct.unpack_from("<h", data[at : at + 2])
    event: dict[str, Any] = {} if distance in (-1, -3) else {"distance": distance}
    event["distance_exception"] = names.get(data[at + 2], "unknown")
    found.setdefault("event", []).append(event)
    return at + 3


def radar_alarm(data: bytes, at: int, found: dict[str, Any]) -> int:
    return _radar_event(data, at, found, "distance i16; distance_alarm u8")


def radar_mutation(data: bytes, at: int, found: dict[str, Any]) -> int:
    return _radar_event(data, at, found, "distance i16; distance_mutation i16; distance_alarm u8")


def _radar_event(data: bytes, at: int, found: dict[str, Any], content: str) -> int:
    words = " = threshold alarm release|threshold alarm|mutation alarm"
    row = layout(content + words, little=True)
    event = row.read(data, at)
    found["distance"] = event["distance"]
    found.setdefault("event", []).append(event)
    return at + row.size


def _within(data: bytes, at: int) -> int:
    if at > len(data):
        raise ValueError(f"{len(data)} bytes, needs {at}")
    return at
