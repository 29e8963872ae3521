"""TEKTELIC smart room and home sensors: items of channel, type and content on port 10.

Facts from the maker's technical reference manual and its decoders in The Things Network's device
repository. Settings (port 100) are read only as far as the Bluetooth mode.
"""

from __future__ import annotations

from typing import Any, Final

from drivers.mqtt.lorawan.tables import _tlv, known

_DATA_PORT: Final = 10
_SETTINGS_PORT: Final = 100
_BLE_MODE: Final = 0x50

_CHANNELS: Final = _tlv.channels(
    {
        "00ff": "battery_voltage i16 /100",
        "0100": "reed_state u8",
        "0200": "light_detected u8",
        "0367": "ambient_temperature i16 /10",
        "0468": "relative_humidity u8 /2",
        "0502": "impact_magnitude u16 /1000",
        "0771": "acceleration.xaxis i16 /1000; acceleration.yaxis i16 /1000;"
        " acceleration.zaxis i16 /1000",
        "0804": "reed_count u16",
        "0900": "moisture u8",
        "0a00": "motion_event_state u8",
        "0b67": "mcu_temperature i16 /10",
        "0c00": "impact_alarm u8",
        "0d04": "motion_event_count u16",
        "0e00": "extconnector_state u8",
        "0f04": "extconnector_count u16",
        "1002": "light_intensity u8",
        "1102": "extconnector_analog u16 /1000",
    }
)
_ROOM: Final = dict.fromkeys(
    ("t00048", "t00049", "t00046", "t00061", "room", "home", "vivid", "pirbase"), ""
)
"""Parts of the plain names of the models whose channels these are; others use them otherwise."""


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The items of a room sensor, or any model's Bluetooth mode; None: another model or message."""
    if port == _SETTINGS_PORT and data[0] == _BLE_MODE and len(data) == 2:
        return {
            "ble": {"mode": {"averaging_mode": data[1] >> 7, "number_of_devices": data[1] & 0x7F}}
        }
    if port != _DATA_PORT or known(_ROOM, model) is None:
        return None
    return _tlv.read(data, _CHANNELS)
