"""Bosch parking lot sensors TPS110: a fixed layout for each port, told by its first release.

Facts from the maker's communication interface manual and the codecs in The Things Network's
device repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drivers.mqtt.lorawan.tables import _ports, known
from drivers.mqtt.lorawan.tables._layout import Layout, layout
from drivers.mqtt.lorawan.tables._ports import Ports

_RESET: Final = {1: "watchdog", 2: "power on", 3: "system request", 4: "other"}
_REASON: Final = {1: "Watchdog", 2: "Power-on", 3: "System Request", 4: "Other"}
_DEBUG: Final = {
    201: "LoRa join request failed",
    209: "Cause for last reset: Power-on",
    717: "Confirmed uplink message not acknowledged after 8 re-tries",
}
"""The few codes of the debug messages that the maker's samples explain."""
_STATUS: Final = layout("occupied u8 &1 bool")
_CODES: Final = 12


def _typed(kind: str, content: Layout) -> _ports.Own:
    return lambda data: {"type": kind, **content.read(data)}


def _heartbeat(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "heartbeat", **_STATUS.read(data)}
    if len(data) > 1:
        found["temperature"] = int.from_bytes(data[1:2], signed=True)
    return found


_START: Final = layout("firmwareVersion dot3; resetCause u8; occupied u8 &1 bool")


def _start(data: bytes) -> dict[str, Any]:
    """Codes of what went wrong before, 12 bits each, then why the device started."""
    found = _START.read(data, _CODES)
    codes = [int.from_bytes(data[at : at + 2], "little") & 0xFFF for at in range(0, _CODES, 4)]
    found["resetCause"] = _RESET.get(found["resetCause"])
    return {"type": "startup", "debugCodes": [code for code in codes if code], **found}


_EVENT: Final = layout("timestamp i32; _ u8; debug_code u24 &0xFFF; sequence_number u16")
_EVENT_START: Final = layout(
    "reset_cause u16; firmware_version dot3; reason u8; occupied u8 &1 bool"
)


def _event(data: bytes) -> dict[str, Any]:
    found = {"type": "debug", **_EVENT.read(data)}
    found["debug_code_description"] = _DEBUG.get(found["debug_code"])
    return found


def _event_start(data: bytes) -> dict[str, Any]:
    found = {**_event(data), **_EVENT_START.read(data, _EVENT.size), "type": "startup"}
    found["reset_reason"] = _REASON.get(found.pop("reason"))
    return found


_COUNTERS: Final = {
    0: ("Number of parking status changes detected", layout("_ u8; parking_status_changes u32")),
    1: ("Time running in occupied state", layout("_ u8; time_in_seconds u32")),
}


def _counter(data: bytes) -> dict[str, Any]:
    if data[0] not in _COUNTERS:
        raise ValueError(f"counter {data[0]} is not known")
    name, content = _COUNTERS[data[0]]
    return {"type": name, **content.read(data)}


_OLD_DEBUG: Final = layout(
    "timestamp u32; debugCode u16 &0xFFF; _ u16; sequenceNumber u16", little=True
)
_MODELS: Final[Mapping[str, Ports]] = {
    "tps1100392": {
        1: _typed("parking status", _STATUS),
        2: _heartbeat,
        3: _event_start,
        5: _counter,
        6: _event,
    },
    "tps110": {
        1: _typed("parking status", _STATUS),
        2: _heartbeat,
        3: _start,
        6: _typed("debug", _OLD_DEBUG),
    },
}


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The message; None: no parking lot sensor."""
    name = known(_MODELS, model)
    return None if name is None else _ports.read(port, data, _MODELS[name])
