"""Aqua-Scope: water monitors (items on port 1), valves and flood sensors (fixed, ports 10 and 16).

Facts from the maker's manuals and its codecs in The Things Network's device repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drivers.mqtt.lorawan.tables import _ports, _tlv, known
from drivers.mqtt.lorawan.tables._layout import Kinds
from drivers.mqtt.lorawan.tables._ports import Ports

_ITEM_PORTS: Final[Mapping[str, int]] = {"aqs": 1, "aqm": 1, "ran": 1, "kfr": 10}
_SENSORS: Final = {
    1: "temperature",
    3: "uptime",
    0x10: "pressure",
    0x11: "consumption",
    0x13: "batterylevel",
}
_SETTINGS: Final = {
    1: "c_system",
    2: "c_algo",
    3: "c_lora",
    4: "c_valveaction",
    5: "c_normpressure",
    6: "c_overpressure_th",
    7: "c_underpressure_th",
    9: "c_jamming",
    10: "c_flow_th",
    11: "c_frost_th",
    13: "c_pc_duration",
    14: "c_pc_abort_th",
    15: "c_pc_alarm_th_th",
    19: "c_alarm",
    29: "c_report_interval",
    30: "c_heartbeat_interval",
}
_CHECKS: Final = {
    2: "ok",
    4: "abort/flow",
    5: "abort/heat",
    6: "abort/valve",
    7: "abort/flow",
    8: "pending",
}
"""State of the pipe check."""


def _word(data: bytes, at: int) -> int:
    if at + 2 > len(data):
        raise ValueError(f"{len(data)} bytes, needs {at + 2}")
    return int.from_bytes(data[at : at + 2])


def _numbered(names: Mapping[int, str], prefix: str) -> _tlv.Own:
    def read(data: bytes, at: int, found: dict[str, Any]) -> int:
        value = _word(data, at + 1)
        found[names.get(data[at], f"{prefix}_{data[at]}")] = value
        return at + 3

    return read


def _state(data: bytes, at: int, found: dict[str, Any]) -> int:
    """A valve that moved, water that runs or stopped, or how the pipe check went."""
    state, at = data[at], at + 1
    if state == 1:
        found |= {"flow": 0, "conumption_time": _word(data, at)}
        found["conumption_liter"] = _word(data, at + 2)
        return at + 4
    if state == 3:
        found |= {"pc": "alarm", "diff": _word(data, at), "elevation": _word(data, at + 2)}
        return at + 4
    if state in _CHECKS:
        found["pc"] = _CHECKS[state]
    elif state == 0x0F:
        found["flow"] = 1
    else:
        found["valve"] = 255 if state else 0
    return at


def _log(data: bytes, at: int, found: dict[str, Any]) -> int:
    found |= {"loglevel": data[at], "log": list(data)}
    return len(data)


_COMMON: Final[Mapping[str, str | _tlv.Own]] = {
    "03": "hw_version u8; capabilities u16",
    "06": _numbered(_SENSORS, "sensor"),
    "08": _log,
    "0a": "fw_version u32",
    "0b": "alarm_status u8; alarm_type u8; alarm_value u16",
}
_MONITOR: Final = _tlv.channels({**_COMMON, "04": _numbered(_SETTINGS, "c"), "07": _state})
_VALVE: Final = _tlv.channels({**_COMMON, "04": _numbered({}, "c"), "07": "state u8"})


def _temperature(raw: bytes) -> int:
    """The maker's decoders count 255 to the high byte, which no real temperature reaches."""
    return raw[0] * 255 + raw[1]


_KINDS: Final[Kinds] = {"degrees": (2, _temperature)}
_FIXED: Final[Mapping[str, Ports]] = {
    "wwd": _ports.ports(
        {
            10: "^leak u8 &1; remote u8 >>1 &1; battery u8; temperature degrees",
            16: "_ u8; battery u8; temperature degrees",
        },
        kinds=_KINDS,
    ),
    "bvs": _ports.ports(
        {
            10: "^leak u8 &1 = N|Y; valve u8 >>5 &1 = Off|On; _ u8; temperature degrees",
            16: "valve u8 >>5 &1 = Off|On; _ u8; temperature degrees",
        },
        kinds=_KINDS,
    ),
}


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The items or fields; None: a model that is not in the table."""
    if (name := known(_FIXED, model)) is not None:
        return _ports.read(port, data, _FIXED[name])
    if (name := known(_ITEM_PORTS, model)) is None:
        return None
    if port != _ITEM_PORTS[name]:
        raise ValueError(f"nothing is sent on port {port}")
    return _tlv.read(data, _VALVE if name == "kfr" else _MONITOR, width=1)
