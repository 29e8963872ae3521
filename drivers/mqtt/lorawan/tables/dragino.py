"""Dragino: a fixed layout for each model and port, high byte first; the battery is 14 bits of mV.

Facts from the maker's user manuals and the decoders that it gives to The Things Network.
Distances are numbers here, also where a decoder writes "2799 mm" or "No Sensor" (then left out).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from drivers.mqtt.lorawan.tables import _ports, known
from drivers.mqtt.lorawan.tables._layout import Kinds, layout
from drivers.mqtt.lorawan.tables._ports import Fixed, Ports

_STATUS_PORT: Final = 5
_RECORDS_PORT: Final = 3
_RECORD: Final = 11
_BANDS: Final = (
    "u8 = 1:EU868|2:US915|3:IN865|4:AU915|5:KZ865|6:RU864|7:AS923|8:AS923_1|9:AS923_2|10:AS923_3"
    "|11:CN470|12:EU433|13:KR920|14:MA869|15:AS923_4"
)


def _time(raw: bytes) -> str:
    """A time in seconds as the maker's decoders write it, in UTC."""
    return f"{datetime.fromtimestamp(int.from_bytes(raw), UTC):%Y-%m-%d %H:%M:%S}"


def _firmware(raw: bytes) -> str:
    return f"{raw[0] & 15}.{raw[1] >> 4}.{raw[1] & 15}"


def _humidity(raw: bytes) -> float:
    """Tenths of a per cent; the upper four bits mean something else."""
    return (int.from_bytes(raw) & 0x0FFF) / 10


def _spaced(raw: bytes) -> str:
    return "".join(f"{byte:02x} " for byte in raw)


_KINDS: Final[Kinds] = {
    "time": (4, _time),
    "firmware": (2, _firmware),
    "rh12": (2, _humidity),
    "hex4x2": (4, _spaced),
}


def _status(model: str) -> str:
    return (
        f"SENSOR_MODEL u8 = {model}..; FIRMWARE_VERSION firmware; FREQUENCY_BAND {_BANDS};"
        " SUB_BAND u8 ?255:NULL; BAT u16 /1000"
    )


_TRUE: Final = "= FALSE|TRUE"
_SETTINGS: Final = "TDC u24; DISALARM u8 &1; KEEP_STATUS u8 &1; KEEP_TIME u16"
_BAT14: Final = "u16 &0x3FFF /1000"
_SHT: Final = "TempC_SHT i16 /10 round2; Hum_SHT u16 /10 round1"

_DOOR_AND_LEAK: Final[Mapping[int, Fixed]] = {
    mode: Fixed(layout(f"BAT_V {_BAT14}; MOD u8; {rest}"), 3)
    for mode, rest in {
        1: "DOOR_OPEN_TIMES u24; LAST_DOOR_OPEN_DURATION u24; ALARM u8 &1",
        2: "WATER_LEAK_TIMES u24; LAST_WATER_LEAK_DURATION u24",
        3: "_ u24; _ u24; ALARM u8 &1",
        0: "",
    }.items()
}


def _door_or_leak(data: bytes) -> dict[str, Any]:
    """LDS01, LDS02, LWL01, LWL02: one of door, leak or both, told by MOD.

    The published samples end after 7 of 10 bytes, and the maker's decoder takes the rest as zero.
    """
    if len(data) < 3:
        raise ValueError(f"{len(data)} bytes, needs at least 3")
    mode = data[2] if data[2] in _DOOR_AND_LEAK else 0
    row = _DOOR_AND_LEAK[mode]
    found = row.content.read(data, least=row.least)
    if mode & 1:
        found["DOOR_OPEN_STATUS"] = data[0] >> 7
    if mode & 2:
        found["WATER_LEAK_STATUS"] = data[0] >> 6 & 1
    return found


_STORED: Final = layout("flags u8; times u24; last u24; time time", kinds=_KINDS)


def _records(yes: str, no: str) -> _ports.Own:
    """Stored events, one behind the other in the maker's notation."""

    def read(data: bytes) -> dict[str, Any]:
        shown = []
        for at in range(0, len(data) - _RECORD + 1, _RECORD):
            row = _STORED.read(data, at)
            alarm = "TRUE" if row["flags"] & 2 else "FALSE"
            state = yes if row["flags"] & 1 else no
            shown.append(f"[{alarm},{state},{row['times']},{row['last']},{row['time']}],")
        if not shown:
            raise ValueError(f"{len(data)} bytes, a stored event has {_RECORD}")
        return {"DATALOG": "".join(shown)}

    return read


_EXTERNAL: Final = {
    0: ("Ext_sensor", "No external sensor", ""),
    1: ("Ext_sensor", "Temperature Sensor", "TempC_DS i16 /100 round2"),
    2: ("Ext_sensor", "Temperature Sensor", "TempC_TMP117 i16 /100 round2"),
    4: (
        "Work_mode",
        "Interrupt Sensor send",
        "Exti_pin_level u8 = Low|High..; Exti_status u8 = False|True..",
    ),
    5: ("Work_mode", "Illumination Sensor", "ILL_lx u16"),
    6: ("Work_mode", "ADC Sensor", "ADC_V u16 /1000"),
    7: ("Work_mode", "Interrupt Sensor count", "Exit_count u16"),
    8: ("Work_mode", "Interrupt Sensor count", "Exit_count u32"),
    9: ("Work_mode", "DS18B20 & timestamp", "Systimestamp u32"),
}
_EXTERNALS: Final = {
    number: (name, word, layout(content)) for number, (name, word, content) in _EXTERNAL.items()
}
_LHT65: Final = layout(
    f"^Bat_status u8 >>6; BatV {_BAT14}; TempC_SHT i16 /100 round2; Hum_SHT rh12", kinds=_KINDS
)
_LHT65_PROBE: Final = layout(
    "TempC_DS i16 /100 round2; TempC_SHT i16 /100 round2; ^Bat_status u8 >>6; Hum_SHT rh12",
    kinds=_KINDS,
)
_NEEDS: Final = 11


def _lht65(data: bytes) -> dict[str, Any]:
    """LHT65 and LHT65N: inner sensor, and one of many outer ones told by byte 6."""
    if len(data) != _NEEDS:
        raise ValueError(f"{len(data)} bytes, needs {_NEEDS}")
    if data[6] & 0x40:
        raise ValueError("a reply to a poll of the device's memory, no measurement")
    outer = data[6] & 15
    found = (_LHT65_PROBE if outer == 9 else _LHT65).read(data)
    if data[6] & 0x80:
        found["No_connect"] = "Sensor no connection"
    if outer in _EXTERNALS:
        name, word, content = _EXTERNALS[outer]
        found |= {name: word, **content.read(data, 7)}
    return found


_SN50_MODES: Final = {
    1: (" Distance", "Distance_cm u16 /10 round1; Distance_signal_strength u16 ?65535"),
    3: ("3DS18B20", "TempC2 i16 /10 round2; TempC3 i16 /10 round2"),
    4: ("Weight", "Weight i16"),
    5: ("Count", "Count i32"),
}
_SN50_ROWS: Final = {mode: (word, layout(content)) for mode, (word, content) in _SN50_MODES.items()}
_SN50: Final = layout(
    "BatV u16 /1000; TempC1 i16 /10 round2; ADC_CH0V u16 /1000;"
    " ^Digital_IStatus u8 >>1 &1 = L|H; ^EXTI_Trigger u8 &1 = FALSE|TRUE;"
    " Door_status u8 >>7 = OPEN|CLOSE"
)
_SN50_ALARM: Final = layout(
    "BatV u16 /1000; TempC1 i16 /10 round2; TempC1MIN i8; TempC1MAX i8; _ u8; SHTEMPMIN i8;"
    " SHTEMPMAX i8; SHTHUMMIN u8; SHTHUMMAX u8"
)
_SN50_AIR: Final = layout(_SHT)
_SN50_LIGHT: Final = layout("Illum i16")


def _sn50(data: bytes) -> dict[str, Any]:
    """LSN50v2 and its S31, D20 and other variants: the working mode stands in byte 6."""
    if len(data) not in (_NEEDS, _NEEDS + 1):
        raise ValueError(f"{len(data)} bytes, needs {_NEEDS} or {_NEEDS + 1}")
    mode = data[6] >> 2 & 31
    if mode == 31:
        return {"Work_mode": "ALARM", **_SN50_ALARM.read(data)}
    if mode == 0:
        inner = _SN50_AIR if any(data[9:11]) else _SN50_LIGHT
        return {"Work_mode": "IIC", **_SN50.read(data), **inner.read(data, 7)}
    if mode not in _SN50_ROWS:
        raise ValueError(f"working mode {mode} is not in the table")
    word, content = _SN50_ROWS[mode]
    return {"Work_mode": word, **_SN50.read(data), **content.read(data, 7)}


_LAQ4: Final = layout(
    "Bat_V u16 /1000; Alarm_status u8 &1 = FALSE|TRUE; TVOC_ppb u16; CO2_ppm u16;"
    " TempC_SHT i16 /10 round2; Hum_SHT u16 /10 round1"
)
_LAQ4_ALARM: Final = layout(
    "Bat_V u16 /1000; _ u8; SHTEMPMIN i8; SHTEMPMAX i8; SHTHUMMIN u8; SHTHUMMAX u8; CO2MIN u16;"
    " CO2MAX u16"
)


def _laq4(data: bytes) -> dict[str, Any]:
    """LAQ4: air, or the limits that its alarm has."""
    if len(data) != _NEEDS:
        raise ValueError(f"{len(data)} bytes, needs {_NEEDS}")
    if data[2] >> 2 & 31 == 31:
        return {"Work_mode": "ALARM", **_LAQ4_ALARM.read(data)}
    return {"Work_mode": "CO2", **_LAQ4.read(data)}


_CONTACT: Final = (
    f"^ALARM u8 >>1 &1 {_TRUE}; DOOR_OPEN_STATUS u8 &1 = CLOSE|OPEN; DOOR_OPEN_TIMES u24;"
    " LAST_DOOR_OPEN_DURATION u24; TIME time"
)
_DRY: Final = (
    f"^ALARM u8 >>1 &1 {_TRUE}; ^PIN_STATUS u8 &1 = CONNECT|DISCONNECT; CALCULATE_FLAG u8 >>2;"
    " TOTAL_PULSE u24; DISCONNECT_DURATION u24; TIME time"
)
_LEAK: Final = (
    f"^TDC u8 >>2 &1 = NO|YES; ^ALARM u8 >>1 &1 {_TRUE}; WATER_LEAK_STATUS u8 &1 = NO LEAK|LEAK;"
    " WATER_LEAK_TIMES u24; LAST_WATER_LEAK_DURATION u24; TIME time"
)
_DOORS: Final = (
    "^count_mod u8 >>3 &1 = SUM|PART; ^tdc u8 >>2 &1 = NO|YES;"
    f" ^alarm1 u8 >>1 &1 {_TRUE}; door1_open_status u8 &1 = CLOSE|OPEN; door1_open_times u24;"
    " last_door1_open_duration u24; time time"
)
_DISTANCE: Final = (
    f"Bat {_BAT14}; Distance u16 ?0 ?20; Interrupt_flag u8; TempC_DS18B20 i16 /10 round2;"
    " Sensor_flag u8"
)


def _rows(model: str, rows: Mapping[int, str | _ports.Own]) -> Ports:
    named = {_STATUS_PORT: _status(model), **rows}
    return _ports.ports(named, kinds=_KINDS)


_DOOR_PORTS: Final[Ports] = {10: _door_or_leak}
_LEVEL_PORTS: Final = _ports.ports({2: _DISTANCE})

MODELS: Final[Mapping[str, Ports]] = {
    "cpl01": _rows(
        "CPL01",
        {
            2: _DRY,
            _RECORDS_PORT: _records("OPEN", "CLOSE"),
            4: f"{_SETTINGS}; TRIGGER_MODE u8 &1",
        },
    ),
    "ds03a": _rows("DS03A-LB", {2: _DOORS}),
    "lds01": _DOOR_PORTS,
    "lds02": _DOOR_PORTS,
    "lds03a": _rows(
        "LDS03A",
        {2: _CONTACT, _RECORDS_PORT: _records("OPEN", "CLOSE"), 4: _SETTINGS},
    ),
    "dds04": _ports.ports(
        {
            2: f"^EXTI_Trigger u8 >>7 {_TRUE}; BatV {_BAT14}; distance1_cm u16 /10;"
            " distance2_cm u16 /10; distance3_cm u16 /10; distance4_cm u16 /10; mes_type u8"
        }
    ),
    "dds20": _LEVEL_PORTS,
    "dds45": _LEVEL_PORTS,
    "dds75": _LEVEL_PORTS,
    "laq4": {2: _laq4},
    "lht52": _ports.ports(
        {
            2: "TempC_SHT i16 /100 round2; Hum_SHT i16 /10 round1; TempC_DS i16 /100 round2;"
            " Ext u8; Systimestamp u32",
            4: "DS18B20_ID hex8",
            5: "Sensor_Model u8; Firmware_Version hex2; Freq_Band u8; Sub_Band u8; Bat_mV u16",
        }
    ),
    "lht65": {2: _lht65},
    "llds12": _ports.ports(
        {
            2: f"Bat {_BAT14}; TempC_DS18B20 i16 /10 round2; Lidar_distance u16 /10;"
            " Lidar_signal u16; Interrupt_flag u8; Lidar_temp i8; Message_type u8"
        }
    ),
    "mds200": _rows(
        "LMDS200",
        {
            2: "Bat u16 /1000; dis1 u16; dis2 u16; ^DALARM_count u8 >>2;"
            " ^Distance_alarm u8 >>1 &1; Interrupt_alarm u8 &1",
            4: "TDC u24; ATDC u8; Alarm_min u16; Alarm_max u16; Interrupt u8",
        },
    ),
    "lsn50v2": {2: _sn50},
    "ltc2": _ports.ports(
        {
            2: f"BatV {_BAT14}; Ext u8 &15; Temp_Channel1 i16 /100; Temp_Channel2 i16 /100;"
            " Systimestamp u32"
        }
    ),
    "lwl01": _DOOR_PORTS,
    "lwl02": _DOOR_PORTS,
    "lwl03a": _rows(
        "LWL03A",
        {
            2: _LEAK,
            _RECORDS_PORT: _records("LEAK", "NO LEAK"),
            4: f"{_SETTINGS}; LEAK_ALARM_TIME u8",
        },
    ),
    "pb01": _rows(
        "PB01-L",
        {
            2: "BatV u16 /1000; ^Sound_key u8 >>1 &1 = CLOSE|OPEN; Sound_ACK u8 &1 = CLOSE|OPEN;"
            " Alarm u8 &1 = FALSE|TRUE; TempC_SHT41 i16 /10 round1; Hum_SHT41 u16 /10 round1"
        },
    ),
}
"""A part of the model's plain name -> what its ports carry."""


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The fields of this model's port; None: a model that is not in the table."""
    name = known(MODELS, model)
    return None if name is None else _ports.read(port, data, MODELS[name])
