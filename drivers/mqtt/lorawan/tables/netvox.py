"""Netvox: every uplink names the device by a type byte; reports on port 6, answers on port 7.

    port 6   version (1) device (1) report (1), then 8 bytes by device; report 0 is the start-up
    port 7   command | 0x80 (1) device (1), then 9 bytes by command
    port 13  button press time, port 14 global calibration: without a device byte

Facts from the "Netvox LoRaWAN Application Command" documents and the codecs that the maker gives
to The Things Network's device repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from drivers.mqtt.lorawan.tables._layout import Kinds, Layout, layout

_REPORT_PORT: Final = 6
_ANSWER_PORT: Final = 7
_BUTTON_PORT: Final = 13
_CALIBRATION_PORT: Final = 14


def _volt(raw: bytes) -> float | str:
    """Tenths of a volt; the top bit says that the battery is low, and Netvox writes that behind."""
    volt = (raw[0] & 0x7F) / 10
    return f"{volt:g}(low battery)" if raw[0] & 0x80 else volt


def _half(raw: bytes) -> float | None:
    """The upper half of a float, low byte first (R718E)."""
    (value,) = layout("v f32").read(bytes((raw[1], raw[0], 0, 0))).values() or (None,)
    return None if value is None else round(value, 6)


def _binary(raw: bytes) -> str:
    return f"{int.from_bytes(raw):b}"


_KINDS: Final[Kinds] = {"volt": (1, _volt), "half": (2, _half), "binary": (2, _binary)}
_NO: Final = " ?0xFFFF:NoSensor"
_OK: Final = "Status u8 = Success|Failure.."
_VERSION: Final = layout("SWver u8 /10; HWver u8; Datecode hex4")
_TIMES: Final = "MinTime u16; MaxTime u16"
_CHANGE: Final = f"{_TIMES}; BatteryChange u8 /10"
_TEMP10: Final = "i16 /10"
_TEMP100: Final = "i16 /100"
_AIR: Final = f"Temp {_TEMP100}; Humi u16 /100"


class Family(NamedTuple):
    """Devices with the same messages."""

    reports: Mapping[int, Layout]
    """By report type; 0 stands for any. The layout begins at byte 3, with the battery."""
    answers: Mapping[int, tuple[str, Layout | None]]
    """By command: its name, and what stands from byte 2 on."""


def _family(
    reports: str | Mapping[int, str],
    settings: str = _CHANGE,
    answers: Mapping[int, tuple[str, str]] | None = None,
    *,
    volt: bool = True,
) -> Family:
    by_type = {0: reports} if isinstance(reports, str) else reports
    head = "Volt volt; " if volt else ""
    rows = {
        0x81: ("ConfigReportRsp", _OK),
        0x82: ("ReadConfigReportRsp", settings),
        **(answers or {}),
    }
    return Family(
        {number: layout(head + text, kinds=_KINDS) for number, text in by_type.items()},
        {number: (name, layout(text) if text else None) for number, (name, text) in rows.items()},
    )


def _set_get(first: int, name: str, content: str) -> dict[int, tuple[str, str]]:
    """The answers to "set" (``first``) and to "get" (the next)."""
    return {first: (f"Set{name}Rsp", _OK), first + 1: (f"Get{name}Rsp", content)}


_LEVEL_ANSWERS: Final = {
    **_set_get(0x83, "OnDistanceThreshold", "OnDistanceThreshold u16"),
    **_set_get(0x85, "FillMaxDistance", "FillMaxDistance u16"),
    **_set_get(0x8B, "DeadZoneDistance", "DeadZoneDistance u16"),
}
_TILT_ANSWERS: Final = _set_get(0x83, "ActiveThreshold", "Threshold u16; InActiveTime u8")
_WEATHER: Final = _family(
    {
        1: f"PM1_0 u16{_NO}; PM2_5 u16{_NO}; PM10 u16{_NO}",
        2: f"PM1_0 u16{_NO}; PM2_5 u16{_NO}; PM10 u16{_NO}",
        3: f"um0_3 u16{_NO}; um0_5 u16{_NO}; um1_0 u16{_NO}",
        4: f"um2_5 u16{_NO}; um5_0 u16{_NO}; um10 u16{_NO}",
        5: f"O3 u16 /10{_NO}; CO u16 /10{_NO}; NO u16 /10{_NO}",
        6: f"NO2 u16 /10{_NO}; SO2 u16 /10{_NO}; H2S u16 /10{_NO}",
        7: f"CO2 u16 /10{_NO}; NH3 u16 /10{_NO}; Noise u16 /10{_NO}",
        8: "PH u16 /100 ?0xFFFF:NoSensor; TempPH i16 /100 ?-1:NoSensor; ORP i16 ?-1:NoSensor",
        9: f"NTU u16 /10{_NO}; TempNTU i16 /100 ?-1:NoSensor; EC5SoildHumi u16 /100{_NO}",
        10: f"SoildHumi5TE u16 /100{_NO}; SoildTemp5TE i16 /100 ?-1:NoSensor;"
        f" WaterLevel u16{_NO}; EC5TE u8 /10 ?0xFF:NoSensor",
        11: f"TempLDO i16 /100 ?-1:NoSensor; LDO_DO u16 /100{_NO}; LDO_Sat u16 /10{_NO}",
        12: f"Temperature i16 /100 ?-1:NoSensor; Humidity u16 /100{_NO}; WindSpeed u16 /100{_NO}",
        13: f"WindDirection u16{_NO}; Atomsphere u32 /100 ?0xFFFFFFFF:NoSensor",
        14: f"VOC u16 /10{_NO}",
    },
    _TIMES,
)
_SIREN_NO: Final = (
    "SirenNo u8 = EmergencyMode|Doorbel|Burglar|FireMode|Help|No Smoking|Poor Air Quality"
    "|The temperature is too high|Thief|Welcome"
)
_STROBE: Final = (
    "StrobeMode u8 = NoLedIndication|LedBlinkMode1 in Parallel to Warning"
    "|LedBlinkMode2 in Parallel to Warning"
)
_SIREN: Final = f"{_SIREN_NO}; SirenLevel u8; {_STROBE}; Duration u16"
_ALARM: Final = "u8 = No Alarm|Alarm.."

_ONE: Final = _family("status u8")
_TWO: Final = _family("status1 u8; status2 u8")
_ON_OFF: Final = _family("OnOff u8")
_COUNT: Final = _family("WorkCount i32")
_DURATION: Final = _family("WorkDurationTime i32")
_THERMOCOUPLE: Final = _family(f"Temp {_TEMP10}", f"{_CHANGE}; TempChange u16 /10")
_THERMOCOUPLES: Final = _family(
    f"Temp1 {_TEMP10}; Temp2 {_TEMP10}", f"{_CHANGE}; TempChange u16 /10"
)
_TEMPERATURE: Final = _family(f"Temp {_TEMP100}", f"{_CHANGE}; TempChange u16 /100")
_HUMIDITY: Final = _family(_AIR, f"{_CHANGE}; TempChange u16 /100; HumiChange u16 /100")
_DUST: Final = _family(f"{_AIR}; PM25 u16", _TIMES)
_LEAK: Final = _family("WaterLeak u8 = NoLeak|Leak..")
_LEAKS: Final = _family("WaterLeak_1 u8 = NoLeak|Leak..; WaterLeak_2 u8 = NoLeak|Leak..")
_BUTTON: Final = _family("Alarm u8")
_BELL: Final = _family("Doorbell u8")
_KEYS: Final = _family("Key_1 u8; Key_2 u8")
_KEYS3: Final = _family("Key_1 u8; Key_2 u8; Key_3 u8")
_SMOKE_ANSWERS: Final = _set_get(0x83, "AlarmThreshold", "AlarmThreshold u8")
_SMOKE: Final = _family(
    f"FireAlarm {_ALARM}; HighTempAlarm {_ALARM}; Temp i16 /10", answers=_SMOKE_ANSWERS
)
_CO: Final = _family(f"COAlarm {_ALARM}; HighTempAlarm {_ALARM}", answers=_SMOKE_ANSWERS)
_INCENSE: Final = _family(
    f"IncenseSmokeAlarm {_ALARM}; HighSoundAlarm {_ALARM}; ShockTamperAlarm {_ALARM};"
    f" PowerOffAlarm {_ALARM}",
    _TIMES,
)
_LEVEL: Final = _family(
    "Status u8 = OFF|ON..; Distance u16; FillLevel u8",
    f"{_CHANGE}; DistanceChange u16",
    _LEVEL_ANSWERS,
)
_LEVEL_TILT: Final = _family(
    "Status u8 = OFF|ON..; Distance u16; Temp i16 /10; FillLevel u8; AngleOfInclination u8",
    f"{_CHANGE}; DistanceChange u16; TempChange u16 /10",
    _LEVEL_ANSWERS,
)
_DEPTH: Final = _family(
    "Depth u16; Temp i16; InstallStatus u8 = Success|Failure..",
    f"{_CHANGE}; DepthChange u16; TempChange u8",
    _set_get(0x83, "MeasureType", "MeasureType u8 = 1:Water|2:Gasoline|3:Diesel oil"),
)
_PROXIMITY: Final = _family(
    "Status u8 = OFF|ON..; RawSenseData u16",
    answers=_set_get(0x83, "OnDistanceThreshold", "OnDistanceThreshold u16"),
)
_TOF: Final = _family(
    "VModbusID u8; Status u8 = Off|On..; Distance u16; ^LowDistanceAlarm u8 &1;"
    " HightDistanceAlarm u8 >>1 &1",
    f"{_CHANGE}; DistanceChange u16",
    {
        0x83: ("SetOnDistanceThresholdRrsq", _OK),
        0x84: ("GetOnDistanceThresholdRrsp", "OnDistanceThreshold u16"),
    },
)
_SEAT: Final = _family(
    "Status_1 u8 = OFF|ON..; Status_2 u8 = OFF|ON..",
    f"{_CHANGE}; SensorDisableTime u16; SensorDetectionTime u16",
)
_PIR: Final = _family(
    f"Temp {_TEMP100}; Illuminance u16; Occupy u8; DisassembledAlarm u8",
    f"{_CHANGE}; TempChange u16 /100; IlluminanceChange u16",
    _set_get(0x83, "IRDisableTime", "IRDisableTime u16; IRDetectionTime u16"),
)
_TILT: Final = _family(
    "AngleX i16 /10; AngleY i16 /10; AngleZ i16 /10",
    f"{_CHANGE}; AngleChange u16 /10",
    _TILT_ANSWERS,
)
_TILT8: Final = _family(
    "AngleX i8; AngleY i8; AngleZ i8; Temp i16 /10",
    f"{_CHANGE}; AngleChange u8; TempChange u8 /10",
    _TILT_ANSWERS,
)
_VIBRATION: Final = Family(
    {
        1: layout(
            "Volt volt; AccelerationX half; AccelerationY half; AccelerationZ half", kinds=_KINDS
        ),
        0: layout("VelocityX half; VelocityY half; VelocityZ half; Temp i16 /10", kinds=_KINDS),
    },
    _family(
        "_ u8",
        f"{_CHANGE}; AccelerationChange u16",
        {
            **_set_get(0x83, "ActiveThreshold", "ActiveThreshold u16; InActiveThreshold u16"),
            **_set_get(0x87, "RestoreReport", "RestoreReportSet u8"),
        },
    ).answers,
)
_BEACON: Final = _family("Rssi i16; Snr u8; HeartInterval u16")
_PULSE: Final = _family("PulseCount u16")
_PULSES: Final = _family("PulseCount1 u16; PulseCount2 u16")
_LIGHT_CHANGE: Final = _family("Illuminance u16", f"{_CHANGE}; IlluminanceChange u16")
_LIGHT_LIMIT: Final = _family("Illuminance u16", f"{_CHANGE}; IlluminanceThreshold u16")
_PRESSURE: Final = _family(
    f"AirPressure u32 /100; Temp {_TEMP100}",
    f"{_CHANGE}; TempChange u16 /100; AirPressureChange u16 /10",
)
_VOC: Final = _family(
    f"TVOC_VOC u16; {_AIR}; SensorUnit u8 = ppb|index..",
    f"{_CHANGE}; TVOC_VOCChange u16; TempChange u8 /10; HumiChange u8 /10",
    {0x83: ("ResetTVOCBaseLineRsp", _OK)},
)
_LIGHT: Final = _family(
    "Illuminance u32",
    f"{_CHANGE}; IlluminanceChange u32",
    {
        0x83: ("SetSunlightSampleRangeRsp", _OK),
        0x84: ("GetSunlightSampleRangeRsp", "RangeSetting u8"),
    },
)
_MULTI: Final = _family(
    {
        1: "FunctionEnable binary; BinarySensorReport binary; Temp i16 /100 ?-1:0xFFFF;"
        " Humi u8 /2 ?255:0xFF",
        2: "Illuminance u16",
    },
    f"{_CHANGE}; TempChange u16 /100; HumiChange u8 /2; IllumChange u8",
    {
        **_set_get(0x83, "PIREnable", "PIREnable u8"),
        **_set_get(
            0x85,
            "ShockSensorSensitivity",
            "InternalShockSensoerSensitivity u8; ExternalShockSensoerSensitivity u8",
        ),
        **_set_get(0x87, "IRDisableTime", "IRSDisableTime u16; IRSDetectionTime u16"),
        **_set_get(0x89, "AlarmOnTime", "AlarmOnTime u16"),
        **_set_get(0x8B, "DryContactPointOutType", "DryContactPointOutType u8"),
        **_set_get(0x8D, "RestoreReport", "RestoreReportSet u8"),
    },
)
_STROBE_SIREN: Final = _family(
    "HeartBeatTime u16; WarningStatus u8 = No warning|Warning..",
    _TIMES,
    {0x83: ("StartWarningWithAckRsp", _OK)},
    volt=False,
)
_SIREN_FAMILY: Final = _family(
    "WarningStatus u8 = NoWarnring|Warning..; _ u8; DCPowerFailureAlarm u8 = NoWarnring|Warning..",
    _TIMES,
    {
        **_set_get(0x84, "PeriodSiren", f"{_SIREN}; PeriodTime u16"),
        0x86: ("StopPeriodSirenRsp", _OK),
        **_set_get(0x87, "LEDColor", "Red u8; Green u8; Blue u8"),
        **_set_get(0x89, "ContactSwitchTriggerAlarm", _SIREN),
    },
)


def _devices(*rows: tuple[Family, str]) -> dict[int, tuple[str, Family]]:
    """Family, and its devices as "type name, type name"."""
    return {
        int(number): (name, family)
        for family, devices in rows
        for number, name in (device.split() for device in devices.split(","))
    }


DEVICES: Final[Mapping[int, tuple[str, Family]]] = _devices(
    (_HUMIDITY, "1 R711(R712), 11 R718A, 19 R718AB, 110 R720A"),
    (_ON_OFF, "2 R311A, 29 R718F, 125 R730F"),
    (_PIR, "3 RB11E"),
    (_LIGHT_CHANGE, "4 R311G"),
    (_WEATHER, "5 RA07Series, 9 R726Series, 13 RA07**YSeries, 87 R718PA, 88 R718PB"),
    (_LEAKS, "6 R311W"),
    (_SMOKE, "10 RA02A"),
    (_BUTTON, "16 RB02I, 49 R718T, 77 R312A"),
    (_CO, "17 RA02C"),
    (_LEAK, "18 R718WB, 50 R718WA"),
    (_THERMOCOUPLES, "20 R718B2, 22 R718CK2, 23 R718CT2"),
    (
        _ONE,
        "26 R718DA, 27 R718DB, 33 R718J, 37 R718LB, 39 R718MBA, 79 R311FA, 91 R718Q, 130 "
        "R730MBA, 137 R730DA, 139 R730DB, 141 R730LB, 151 R718QA, 168 R311DA, 169 R311DB, 183 "
        "R720F",
    ),
    (_VIBRATION, "28 R718E"),
    (_LIGHT, "30 R718G"),
    (_PULSE, "31 R718H"),
    (_BEACON, "38 R718MA, 78 R311D, 129 R730MA"),
    (_COUNT, "43 R718MBB, 80 R311FB, 131 R730MBB"),
    (_DURATION, "44 R718MBC, 81 R311FC, 132 R730MBC"),
    (
        _TWO,
        "47 R718DA2, 61 R718DB2, 62 R718F2, 67 R718J2, 69 R718LB2, 76 R311CA, 86 R311CB, 108 "
        "R311CC, 126 R730F2, 138 R730DA2, 140 R730DB2, 142 R730LB2",
    ),
    (_LEVEL_TILT, "52 R718X"),
    (_DUST, "53 RA0716, 54 R72616, 55 R72716, 106 R72616A"),
    (_PULSES, "63 R718H2"),
    (_LIGHT_LIMIT, "75 R311B"),
    (_BELL, "85 R312"),
    (_SEAT, "90 R311WA"),
    (_STROBE_SIREN, "105 R602A"),
    (_PRESSURE, "112 R720C"),
    (_THERMOCOUPLE, "144 R718CJ, 145 R718CK, 146 R718CT, 147 R718CR, 148 R718CE, 149 R718B"),
    (_TILT8, "154 R718EA"),
    (_DEPTH, "155 R718PA22"),
    (_TEMPERATURE, "156 R718AD, 157 R720D, 188 R711A"),
    (_VOC, "165 R720E"),
    (_KEYS, "166 RB02B"),
    (_KEYS3, "167 RB02C"),
    (_PROXIMITY, "170 R311LA"),
    (_LEVEL, "177 R718PE"),
    (_TILT, "200 R718EB"),
    (_MULTI, "210 R315"),
    (_INCENSE, "215 RA02G"),
    (_TOF, "221 R315LA"),
    (_SIREN_FAMILY, "222 R603"),
)
"""Device type byte -> the maker's name of the device and what it sends."""

_SENSOR: Final = "SensorType u8 = 1:Temperature; Channel u8 +1"
_PLAIN_ANSWERS: Final = {
    _BUTTON_PORT: {
        0x81: ("SetButtonPressTimeRsp", layout(_OK)),
        0x82: ("GetButtonPressTimeRsp", layout("PressTime u8")),
    },
    _CALIBRATION_PORT: {
        0x81: ("SetGlobalCalibrateRsp", layout(f"{_SENSOR}; {_OK}")),
        0x82: (
            "GetGlobalCalibrateRsp",
            layout(f"{_SENSOR}; Multiplier u16; Divisor u16; DeltValue i16"),
        ),
        0x83: ("ClearGlobalCalibrateRsp", layout(_OK)),
    },
}


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The report or answer; the type byte counts, ``model`` does not. None: an unknown type."""
    if port in _PLAIN_ANSWERS:
        name, content = _PLAIN_ANSWERS[port].get(data[0], ("", None))
        if content is None:
            raise ValueError(f"answer {data[0]:#04x} on port {port} is not known")
        return {"Cmd": name, **content.read(data, 1)}
    if port not in (_REPORT_PORT, _ANSWER_PORT):
        raise ValueError(f"nothing is sent on port {port}")
    if len(data) < 3:
        raise ValueError(f"{len(data)} bytes, needs at least 3")
    if data[1] not in DEVICES:
        return None
    name, family = DEVICES[data[1]]
    return _report(name, family, data) if port == _REPORT_PORT else _answer(name, family, data)


def _report(name: str, family: Family, data: bytes) -> dict[str, Any]:
    if data[2] == 0:
        return {"Device": name, **_VERSION.read(data, 3)}
    content = family.reports.get(data[2]) or family.reports.get(0)
    if content is None:
        raise ValueError(f"{name} has no report {data[2]}")
    return {"Device": name, **content.read(data, 3)}


def _answer(name: str, family: Family, data: bytes) -> dict[str, Any]:
    command, content = family.answers.get(data[0], ("", None))
    if not command:
        raise ValueError(f"{name} has no answer {data[0]:#04x}")
    found: dict[str, Any] = {"Cmd": command, "Device": name}
    return found | content.read(data, 2) if content else found
