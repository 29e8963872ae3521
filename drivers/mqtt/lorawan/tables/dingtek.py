"""Dingtek: ultrasonic sensors of bins, manholes and tanks; port 3.

    0x80 (1) 0 (1) device (1) what (1) length (1), the fields, 0x81 (1)

The length of the whole tells the message apart. Facts from the maker's protocol documents and the
codecs that it gives to The Things Network; where a decoder writes "1700 mm" the number stands alone
here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any, Final

from drivers.mqtt.lorawan.tables import known
from drivers.mqtt.lorawan.tables._layout import Kinds, Layout, layout

_PORT: Final = 3
_WHAT: Final = 3
_SETTINGS: Final = 3
"""What: a message of settings."""
_HEAD: Final = 5


def _angle(raw: bytes) -> int:
    """Sign in the low half of the first byte, degrees in the second."""
    return -raw[1] if raw[0] & 0x0F else raw[1]


def _period(raw: bytes) -> str:
    """Minutes; from 61 on hours."""
    return f"{raw[0] - 60} hours" if raw[0] > 60 else f"{raw[0]} minutes"


def _degrees(raw: bytes) -> float | None:
    (value,) = struct.unpack("<f", raw)
    return round(value, 6) if math.isfinite(value) else None


_KINDS: Final[Kinds] = {"angle": (2, _angle), "period": (1, _period), "degrees": (4, _degrees)}
_PLACE: Final = "longitude degrees; latitude degrees; "
_OLD: Final = (
    "level u16; _ u8; {place}temperature i8; {angle}; ^full u8 >>4 bool; {low};"
    " ^{tilt} u8 >>4 bool; battery u8 &15 bool"
)
_TANK: Final = (
    "level u16; _ u8; {place}temperature i8; _ u16; empty u8 >>4 bool; battery u8 &15 bool;"
    " frame_counter u16"
)
_RANGE: Final = "ultrasonic_range u8 = 0:2000 mm|1:5000 mm.."
_NEW: Final = (
    "level u16; gpsEnabled u8 bool; {place}_ u24; alarmLevel u8 >>4 bool;"
    " alarmBattery u8 &15 bool; volt u16; frameCounter u16"
)
_FIRMWARE: Final = "firmware dot2"

MODELS: Final[Mapping[str, Mapping[tuple[int, bool], str]]] = {
    "dc410": {
        (17, False): _OLD.format(place="", angle="angle angle", low="_ u8", tilt="motion")
        + "; frame_counter u16",
        (25, True): "_ u16; periodic_upload_interval u8; periodic_detection_interval u8;"
        " full_alarm_threshold u8; _ u8; motion_alarm_threshold u8; motion_alarm_enable u8 bool; "
        + _RANGE,
    },
    "dc413": {
        (17, False): "level u16; _ u8; temperature i8; angle angle; alarmLevel u8 >>4 bool;"
        " ^alarmFall u8 >>4 bool; alarmBattery u8 &15 bool; frameCounter u16",
        (25, True): f"{_FIRMWARE}; uploadInterval u8; detectInterval u8; levelThreshold u8; _ u8;"
        " fallThreshold u8; fallEnable u8 bool; workMode u8",
    },
    "dc500": {
        (21, False): "peopleCounter u16; ^alarmCounter u8 >>4 bool; alarmBattery u8 &15 bool;"
        " _ u8; volt u16 /100; _ u32; _ u16; frameCounter u16",
        (12, False): f"{_FIRMWARE}; uploadInterval u8; peopleCounterThreshold u16;"
        " batteryThreshold u8",
    },
    "dc510": {
        (18, False): "peopleCounter u16; _ u8; temperature i8; _ u16; alarmCounter u8 >>4 bool;"
        " alarmBattery u8 &15 bool; volt u16 /100; frameCounter u16",
        (13, False): f"{_FIRMWARE}; uploadInterval u8; peopleCounterThreshold u16;"
        " batteryThreshold u8",
    },
    "df400": {
        (17, False): "volt u16 /100; alarmBattery u8 &15 bool; temperature i8; level u16;"
        " percent u8; alarmLevel u8 &15 bool; frameCounter u16",
        (13, False): f"{_FIRMWARE}; uploadInterval u8; detectInterval u8; batteryThreshold u8;"
        " levelThreshold u8",
    },
    "df530": {
        (17, False): _TANK.format(place=""),
        (25, False): _TANK.format(place=_PLACE),
        (25, True): "_ u16; periodic_upload_interval period; _ u8; empty_alarm_threshold u8",
    },
    "df556": {
        (18, False): _NEW.format(place=""),
        (26, False): _NEW.format(place=_PLACE),
        (17, True): f"{_FIRMWARE}; uploadInterval u16; detectInterval u8; levelThreshold u8; _ u8;"
        " density u16; batteryThreshold u8; workMode u8",
    },
    "df702": {
        (17, False): _OLD.format(
            place="", angle="angle angle", low="fire u8 &15 bool", tilt="tilt"
        ),
        (25, False): _OLD.format(
            place=_PLACE, angle="angle angle", low="fire u8 &15 bool", tilt="tilt"
        ),
        (25, True): "_ u16; periodic_interval u8; detection_interval u8; full_alarm_threshold u8;"
        " fire_alarm_threshold u8; tilt_alarm_threshold u8; tilt_enable u8 bool; " + _RANGE,
    },
    "do201": {
        (23, False): "level u16; ^alarmPark u8 >>4 bool; alarmLevel u8 &15 bool;"
        " ^alarmMagnet u8 >>4 bool; alarmBattery u8 &15 bool; volt u16 /100; xMagnet i16;"
        " yMagnet i16; zMagnet i16; temperature i8; humidity u8; frameCounter u16",
        (16, True): f"{_FIRMWARE}; uploadInterval u8; detectInterval u8; levelThreshold u8;"
        " magnetThreshold u16; batteryThreshold u8",
    },
    "dt320": {
        (18, False): "level u16; _ u8; temperature i8; _ u16; alarmLevel u8 >>4 bool;"
        " alarmBattery u8 &15 bool; volt u16 /100; frameCounter u16",
        (12, False): f"{_FIRMWARE}; uploadInterval u8; detectInterval u8; levelThreshold u8;"
        " workMode u8",
    },
}
"""Model -> (bytes in all, whether these are settings) -> the fields after the head."""

_LAYOUTS: Final[Mapping[str, Mapping[tuple[int, bool], Layout]]] = {
    model: {message: layout(text, kinds=_KINDS) for message, text in rows.items()}
    for model, rows in MODELS.items()
}


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The fields of this message; None: a model that is not in the table."""
    name = known(_LAYOUTS, model)
    if name is None:
        return None
    if port != _PORT:
        raise ValueError(f"nothing is sent on port {port}")
    rows = _LAYOUTS[name]
    settings = len(data) > _WHAT and data[_WHAT] == _SETTINGS
    content = rows.get((len(data), settings)) or rows.get((len(data), False))
    if content is None:
        raise ValueError(f"{len(data)} bytes are none of this model's messages")
    return content.read(data, _HEAD)
