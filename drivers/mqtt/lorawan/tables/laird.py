"""Laird (Ezurio) Sentrius RS1xx: temperature, humidity and contacts; message type, options, fields.

Facts from the maker's application guide "RS1xx LoRa protocol" and the published samples of its
codec in The Things Network's device repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from drivers.mqtt.lorawan.tables._layout import Kinds, layout

_EPOCH: Final = datetime(2015, 1, 1, tzinfo=UTC)
_OPTIONS: Final = (
    "Sensor request for server time",
    "Sensor configuration error",
    "Sensor alarm flag",
    "Sensor reset flag",
    "Sensor fault flag",
)
_NOTICES: Final = ("Open", "Closed", "Resend", "Cancel")
_READINGS: Final = 64
"""More readings than that no message has."""


def _hundredths(raw: bytes) -> float:
    """The fraction in hundredths first, then the whole; both with a sign."""
    fraction, whole = (int.from_bytes(raw[at : at + 1], signed=True) for at in (0, 1))
    return round(whole + fraction / 100, 2)


def _moment(raw: bytes) -> dict[str, Any]:
    """A time in seconds since 2015, taken apart as the maker's decoder does."""
    at = _EPOCH + timedelta(seconds=int.from_bytes(raw))
    return {
        "year": at.year,
        "month": f"{at:%B}",
        "day": at.day,
        "hours": at.hour,
        "minutes": at.minute,
        "seconds": at.second,
    }


def _version(raw: bytes) -> str:
    return f"{raw[0]}.{raw[1]}"


def _date(raw: bytes) -> str:
    return "/".join(map(str, raw))


_KINDS: Final[Kinds] = {
    "hundredths": (2, _hundredths),
    "moment": (4, _moment),
    "version": (2, _version),
    "date": (3, _date),
}
_AIR: Final = "humidity hundredths; temperature hundredths"
_BATTERY: Final = "batteryCapacity u8 = 0-5%|5-20%|20-40%|40-60%|60-80%|80-100%"
_CONFIG: Final = (
    "batteryType u8 = 1:Alkaline|2:Lithium; sensorReadPeriod u16; sensorAggregate u8;"
    " tempAlarmsEnabled u8 = False|True; humidityAlarmsEnabled u8 = False|True"
)
_MODE: Final = "operatingMode u8 = Door Sensor|Pushbutton"

MESSAGES: Final[Mapping[int, tuple[str, str]]] = {
    1: ("Laird_Internal_TH", f"{_AIR}; {_BATTERY}; alarmMsgCount u16; backlogMsgCount u16"),
    2: (
        "Laird_Agg_TH",
        f"alarmMsgCount u8; backlogMsgCount u16; {_BATTERY}; numberOfReadings u8; timestamp moment",
    ),
    3: ("SendBackLogMessage", f"timestamp moment; {_AIR}"),
    4: ("SendBackLogMessages", "numberOfReadings u8"),
    5: ("Laird_Simple_Config", _CONFIG),
    6: (
        "Laird_Advanced_Config",
        f"{_CONFIG}; tempAlarmLimitLow i8; tempAlarmLimitHigh i8; humidityAlarmLimitLow u8;"
        " humidityAlarmLimitHigh u8; ledBle u16; ledLora u16",
    ),
    7: ("Laird_FW_Version", "releaseDate date; releaseNumber version; partNumber u32"),
    8: (
        "Laird_Contact_Sensor_Config",
        f"{_MODE}; loraNotificationOptions u8; openDwellTime u16; closedDwellTime u16;"
        " resendInterval u8; debounceAdjust u8",
    ),
    9: (
        "Laird_Contact_Sensor",
        f"{_MODE}; state u8 = Closed|Open; alertCancellation u8 = False|True; counter u8",
    ),
    10: ("Laird_Battery_Voltage", "voltage hundredths"),
}
_LAYOUTS: Final = {
    number: (name, layout(text, kinds=_KINDS)) for number, (name, text) in MESSAGES.items()
}
_READING: Final[Mapping[int, str]] = {2: _AIR, 4: f"timestamp moment; {_AIR}"}
_ROWS: Final = {number: layout(text, kinds=_KINDS) for number, text in _READING.items()}


def _flags(bits: int, names: tuple[str, ...]) -> list[str]:
    return [name for place, name in enumerate(names) if bits >> place & 1]


def _readings(number: int, count: int, data: bytes, at: int) -> list[dict[str, Any]]:
    row = _ROWS[number]
    if count > _READINGS:
        raise ValueError(f"{count} readings, a message has at most {_READINGS}")
    return [row.read(data, at + place * row.size) for place in range(count)]


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """One message on any port; None: no sensor of the RS1xx family."""
    if "rs1" not in model:
        return None
    if data[0] not in _LAYOUTS or len(data) < 2:
        raise ValueError(f"message type {data[0]} is not known")
    name, content = _LAYOUTS[data[0]]
    found = {
        "msgType": name,
        "options": _flags(data[1], _OPTIONS) or ["None"],
        **content.read(data, 2),
    }
    if data[0] in _ROWS:
        count = found["numberOfReadings"]
        found["readings"] = _readings(data[0], count, data, 2 + content.size)
    if "loraNotificationOptions" in found:
        found["loraNotificationOptions"] = _flags(found["loraNotificationOptions"], _NOTICES)
    return found
