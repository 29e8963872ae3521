"""Milesight (Ursalink): items of channel (1), type (1) and content, low byte first.

The same channel means different things in different models (03 00 is a door, a seat, a leak), so
each model names its channels; the battery, the settings (FE, FF) and the rest are common. A model
that is not listed is read by what all have in common, or not at all.

Facts from the maker's product manuals and the tables in its SensorDecoders documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from drivers.mqtt.lorawan.tables import _milesight_items as items
from drivers.mqtt.lorawan.tables import _tlv, known
from drivers.mqtt.lorawan.tables._layout import layout
from drivers.mqtt.lorawan.tables._tlv import Own

Rows = Mapping[str, str | Own]


_YES: Final = "u8 = no|yes.."
_ENABLE: Final = "u8 = disable|enable"
_SETTINGS: Final[Rows] = {
    "ff01": "ipso_version nibbles",
    "ff09": "hardware_version hardware",
    "ff0a": "firmware_version firmware",
    "ff0b": "device_status u8 = 0:off|1:on..",
    "ff0f": "lorawan_class u8 = Class A|Class B|Class C|Class CtoB",
    "ff16": "sn hex8",
    "ff18": "_ u16",
    "fffe": "reset_event u8 = normal|reset..",
    "ffff": "tsl_version firmware",
    **{
        f"{channel}{key}": row
        for channel in ("fe", "ff")
        for key, row in {
            "02": "collection_interval u16",
            "03": "report_interval u16",
            "10": f"reboot {_YES}",
            "11": "timestamp u32",
            "17": "time_zone i16",
            "27": f"clear_history {_YES}",
            "28": f"report_status {_YES}",
            "2f": f"led_indicator_enable {_ENABLE}",
            "3b": f"time_sync_enable {_ENABLE}",
            "4a": f"sync_time {_YES}",
            "68": f"history_enable {_ENABLE}",
            "69": f"retransmit_enable {_ENABLE}",
            "8e": "_ u8; report_interval u16",
            "f2": "alarm_counts u16",
        }.items()
        if f"{channel}{key}" != "ff01"
    },
}
_BATTERY: Final[Rows] = {"0175": "battery u8"}
_TEMPERATURE: Final[Rows] = {"0367": "temperature i16 /10"}
_AIR: Final[Rows] = {**_TEMPERATURE, "0468": "humidity u8 /2"}
_HEAT_ALARM: Final = "temperature i16 /10; temperature_alarm u8 = "
_AIR_POINT: Final = "history: timestamp u32; temperature i16 /10; humidity u8 /2"
_LEAK: Final = "leakage_status u8 = normal|leak.."
_MAGNET: Final = "magnet_status u8 = close|open.."
_SEAT: Final = "occupancy u8 = vacant|occupied.."
_POSITION: Final = "position u8 = normal|tilt.."
_LIMIT: Final = "u8 = threshold_alarm_release|threshold_alarm"
_DEPTH: Final = "depth u16 ?0xFFFF ?0xFFFD"
_GAS: Final = "u16 /100 ?0xFFFE ?0xFFFF"


_DISTANCE_400: Final[Rows] = {
    **_TEMPERATURE,
    "0482": "distance u16",
    "0500": _POSITION,
    "8367": _HEAT_ALARM + "threshold_alarm_release|threshold_alarm",
    "8482": f"distance u16; distance_alarm {_LIMIT}",
}
_LEVEL_ALARM: Final = "= threshold_alarm_release|threshold_alarm|mutation_alarm"
_COUNTERS: Final[Rows] = {
    "04cc": "total_in u16; total_out u16",
    "05cc": "period_in u16; period_out u16",
    "0aef": "timestamp u32",
    "84cc": "total_in u16; total_out u16; total_count_alarm u8"
    " = threshold alarm release|threshold alarm",
    "85cc": "period_in u16; period_out u16; period_count_alarm u8"
    " = threshold alarm release|threshold alarm",
    "8367": _HEAT_ALARM + "threshold alarm release|threshold alarm|unknown"
    "|high temperature alarm|high temperature alarm release",
    "20ce": items.people_history,
    **_TEMPERATURE,
}
_LINES: Final[Rows] = {
    **{f"{3 * line:02x}d2": f"line_{line}_total_in u32" for line in range(1, 5)},
    **{f"{3 * line + 1:02x}d2": f"line_{line}_total_out u32" for line in range(1, 5)},
    **{
        f"{3 * line + 2:02x}cc": f"line_{line}_period_in u16; line_{line}_period_out u16"
        for line in range(1, 5)
    },
    "0fe3": "; ".join(f"region_{place}_count u8" for place in range(1, 5)),
    "10e4": items.dwell,
}
_CAMERA: Final[Rows] = {
    "ff01": "protocol_version u8",
    "ff08": "sn hex6",
    "ff16": "sn hex8",
    "ff09": "hardware_version dot2",
    "ff1f": "firmware_version dot4",
}
_SIDES: Final = "abcd"
_PULSE: Final[Rows] = {
    "0500": "gpio u8 = low|high",
    "05c8": "pulse u32",
    "8500": "gpio u8 = low|high; gpio_alarm u8 = gpio alarm release|gpio alarm",
}
_WATER: Final = "water_conv u16 /10; pluse_conv u16 /10; water litres"
_WATER_ALARM: Final = (
    "1:water outage timeout alarm|2:water outage timeout alarm release"
    "|3:water flow timeout alarm|4:water flow timeout alarm release"
)
_WATER_POINT: Final = (
    f"alarm u8 = 0:none|{_WATER_ALARM}|5:gpio alarm|6:gpio alarm release; _ u16; {_WATER}"
)
_HCHO: Final[Rows] = {
    **_AIR,
    "0500": "pir u8 = idle|trigger..",
    "06cb": "light_level u8",
    "077d": "co2 u16",
    "087d": "tvoc u16 /100",
    "08e6": "tvoc u16",
    "0973": "pressure u16 /10",
    "0a7d": "hcho u16 /100",
    "0b7d": "pm2_5 u16",
    "0c7d": "pm10 u16",
    "0d7d": "o3 u16 /100",
    "0e01": "buzzer_status u8 = off|on..",
}
_AMBIENT: Final[Rows] = {
    **_AIR,
    "056a": "activity u16",
    "0665": "illumination u16; infrared_and_visible u16; infrared u16",
    "077d": "co2 u16",
    "087d": "tvoc u16",
    "0973": "pressure u16 /10",
}
_WATER_LEAK: Final[Rows] = {
    **_AIR,
    "0500": _LEAK,
    "20ce": f"{_AIR_POINT}; {_LEAK}",
}
_PROBES: Final[Rows] = {
    row: text.replace("N", str(number))
    for number in (1, 2)
    for row, text in {
        f"0{number + 2}67": "temperature_chnN i16 /10",
        f"0{number + 2}00": "magnet_chnN u8 = closed|opened..",
        f"8{number + 2}67": "temperature_chnN i16 /10;"
        " temperature_chnN_alarm u8 = threshold release|threshold",
        f"9{number + 2}d7": "temperature_chnN i16 /10; temperature_chnN_change i16 /10;"
        " temperature_chnN_alarm u8 = 2:mutation",
    }.items()
}

MODELS: Final[Mapping[str, Rows]] = {
    "am100": _AMBIENT,
    "am102": {**_AIR, "20ce": _AIR_POINT},
    "am103": _AMBIENT,
    "am104": _AMBIENT,
    "am107": _AMBIENT,
    "am30": _HCHO,
    "am319": _HCHO,
    "em300th": {**_AIR, "20ce": f"{_AIR_POINT}; _ u8"},
    "em300mcs": {**_AIR, "0600": _MAGNET, "20ce": f"{_AIR_POINT}; {_MAGNET}"},
    "em300sld": _WATER_LEAK,
    "em300zld": _WATER_LEAK,
    "em300mld": {"0500": _LEAK, "20ce": f"history: timestamp u32; _ u24; {_LEAK}"},
    "em300cl": {
        "03ed": "liquid u8 = 0:uncalibrated|1:full|2:empty|255:error",
        "04ee": "calibration_result u8 = failed|success..",
        "83ed": "liquid u8 = 0:uncalibrated|1:full|2:empty|255:error;"
        " liquid_alarm u8 = empty alarm release|empty alarm",
    },
    "em300di": {
        **_AIR,
        **_PULSE,
        "05e1": _WATER,
        "85e1": f"{_WATER}; water_alarm u8 = {_WATER_ALARM}",
        "20ce": f"{_AIR_POINT}; _ u16; pulse u32",
        "21ce": f"{_AIR_POINT}; {_WATER_POINT}",
    },
    "em300dihall": {
        **_PULSE,
        "06e1": _WATER,
        "05e1": _WATER,
        "85e1": f"{_WATER}; water_alarm u8 = {_WATER_ALARM}",
        "86e1": f"{_WATER}; water_alarm u8 = {_WATER_ALARM}",
        "21ce": f"history: timestamp u32; _ u24; {_WATER_POINT}",
    },
    "em310tilt": {
        "03cf": "angle_x i16 /100; angle_y i16 /100; angle_z i16 /100;"
        " ^threshold_x u8 &1 = normal|trigger; ^threshold_y u8 >>1 &1 = normal|trigger;"
        " threshold_z u8 >>2 &1 = normal|trigger"
    },
    "em310udl": {"0382": "distance u16", "0400": _POSITION},
    "em320th": {**_AIR, "20ce": _AIR_POINT},
    "em320tilt": {"03d4": items.tilt320},
    "em400": _DISTANCE_400,
    "em410rdl": {
        **_TEMPERATURE,
        "0482": "distance i16",
        "0500": _POSITION,
        "06c7": "radar_signal_rssi i16 /100",
        "8482": items.radar_alarm,
        "9482": items.radar_mutation,
        "b482": items.radar_exception,
    },
    "em500co2": {
        **_AIR,
        "057d": "co2 u16",
        "0673": "pressure u16 /10",
        "20ce": "history: timestamp u32; co2 u16; pressure u16 /10; temperature i16 /10;"
        " humidity u8 /2",
    },
    "em500lgt": {"0394": "illumination u32"},
    "em500pp": {"037b": "pressure u16", "20ce": "history: timestamp u32; pressure u16"},
    "em500pt100": {
        **_TEMPERATURE,
        "83d7": "temperature i16 /10; temperature_change i16 /10; temperature_alarm u8"
        f" {_LEVEL_ALARM}",
        "20ce": "history: timestamp u32; temperature i16 /10",
    },
    "em500swl": {
        "0377": _DEPTH,
        "8377": f"{_DEPTH}; depth_alarm {_LIMIT}",
        "20ce": f"history: timestamp u32; {_DEPTH}",
    },
    "em500udl": {
        "0382": "distance u16",
        "83e9": "distance u16 /10; distance_mutation u16 /10; distance_alarm u8"
        " = normal|threshold_alarm|mutation_alarm",
        "20ce": "history: timestamp u32; distance u16",
    },
    "gs101": {
        **_AIR,
        "058e": "gas_status u8 = normal|alarm..",
        "0601": "valve_status u8 = off|on",
        "0701": "relay_output_status u8 = off|on",
        "0890": "life_remain u32",
        "ff3f": "alarm u8 = power off|power on|device fault|device fault recovered"
        "|device will be invalid soon|device invalid",
    },
    "gs301": {
        "0267": "temperature i16 /10",
        "0368": "humidity u8 /2",
        "047d": f"nh3 {_GAS}",
        "057d": f"h2s {_GAS}",
        "067d": "h2s u16 /1000 ?0xFFFE ?0xFFFF",
        "187d": "tvoc u16",
        "377d": "nox u16",
    },
    "ts101": {
        **_TEMPERATURE,
        "8367": _HEAT_ALARM + "threshold alarm release|threshold alarm",
        "93d7": "temperature i16 /10; temperature_change i16 /100; temperature_alarm u8"
        " = 2:mutation alarm",
        "20ce": "history: timestamp u32; temperature i16 /10",
    },
    "ts30": _PROBES,
    "vs121": {
        **_CAMERA,
        "04c9": items.regions,
        "05cc": "people_in i16; people_out i16",
        "06cd": "people_count_max u8",
        "07d5": "; ".join(f"region_{place}_count u8" for place in range(1, 9)),
        "08d5": "; ".join(f"region_{place}_count u8" for place in range(9, 17)),
        **{
            f"{9 + place:02x}da": "; ".join(f"{here}_to_{there} u16" for there in _SIDES)
            for place, here in enumerate(_SIDES)
        },
        "0dcc": "people_total_in u16; people_total_out u16",
        "0ee4": "_ u8; dwell_time_avg u16; dwell_time_max u16",
        "0f85": "timestamp u32",
    },
    "vs132": {
        **_CAMERA,
        "03d2": "total_counter_in u32",
        "04d2": "total_counter_out u32",
        "05cc": "periodic_counter_in u16; periodic_counter_out u16",
    },
    "vs13": {**_CAMERA, **_LINES},
    "vs321": {
        **_AIR,
        "05fd": "people_total_counts u16",
        "06fe": items.beds,
        "07ff": "illuminance_status u8 = dim|bright",
        "08f4": "_ u8; detection_status u8 = normal|unavailable",
        "0aef": "timestamp u32",
        "8367": f"temperature i16 /10; temperature_alarm {_LIMIT}",
        "8468": f"humidity u8 /2; humidity_alarm {_LIMIT}",
    },
    "vs330": {
        "0282": "distance u16",
        "038e": _SEAT,
        "048e": "calibration_status u8 = failed|success..",
    },
    "vs34": {"0300": _SEAT},
    "vs35": _COUNTERS,
    "vs370": {"0300": _SEAT, "0400": "illuminance u8 = 0:dim|1:bright|254:disable"},
    "vs360": {
        **_COUNTERS,
        "0175": "battery_main u8",
        "0275": "battery_node u8",
        "03f4": "event: type u8 = Counting Anomaly|Node Device Without Response"
        "|Devices Misaligned; status u8 = Alarm Release|Alarm",
        "84cc": "total_in u16; total_out u16; total_count_alarm u8"
        " = Threshold Alarm Release|Threshold Alarm",
        "85cc": "period_in u16; period_out u16; period_count_alarm u8"
        " = Threshold Alarm Release|Threshold Alarm",
    },
    "ws101": {"ff2e": items.press},
    "ws136": {"ff34": items.button},
    "ws156": {"ff34": items.button},
    "ws201": {"0382": "distance u16", "04d6": "remaining u8"},
    "ws202": {"0300": "pir u8 = normal|trigger..", "0400": "daylight u8 = dark|light.."},
    "ws203": {
        **_AIR,
        "0500": _SEAT,
        "8367": _HEAT_ALARM + "threshold alarm release|threshold alarm",
        "20ce": "history: timestamp u32; report_type u8 &7 ="
        " temperature threshold alarm release|temperature threshold alarm|pir idle|pir trigger"
        f"|period; {_SEAT}; temperature i16 /10;"
        " humidity u8 /2",
    },
    "ws301": {
        "ff08": "sn hex6",
        "0300": _MAGNET,
        "0400": "tamper_status u8 = installed|uninstalled..",
    },
    "ws302": {"055b": items.sound},
    "ws303": {"0300": _LEAK},
}
"""Plain model name, or the beginning that several have in common -> what its channels hold."""

_SMOKE: Final = layout(
    "^version u8 >>4; protocol u8 &15; ^type u8 >>4 = 1:smoke sensor; event u8 &15"
    " = 1:alarm|2:silent|4:low battery|5:failover|7:normal|10:removed|11:installed"
    "|14:testing alarm with normal battery|15:testing alarm with low battery;"
    " battery u8; concentration u8; temperature i8; _ u8"
)
"""GS524N, GS534N: six bytes of its own."""
_SMOKE_MODELS: Final = ("gs524", "gs534")
_CELLULAR: Final = layout(
    "startFlag u8; id u16; length u16; flag u8; frameCnt u16; protocolVersion u8;"
    " firmwareVersion text4; hardwareVersion text4; sn text16; imei text15; imsi text15;"
    " iccid text20; csq u8; data_length u16"
)
"""The head that the NB-IoT variants of these devices put in front of the same items."""


@cache
def _channels(name: str) -> _tlv.Channels:
    """A model's channels with the common ones; "" for a model that is not listed."""
    rows = {**_BATTERY, **_SETTINGS, **(MODELS[name] if name else _AIR)}
    return _tlv.channels(rows, little=True, kinds=items.KINDS)


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The items of an uplink on any port; ``model`` tells what the channels mean."""
    if model.startswith(_SMOKE_MODELS):
        if len(data) != _SMOKE.size:
            raise ValueError(f"{len(data)} bytes, needs {_SMOKE.size}")
        return _SMOKE.read(data)
    name = known(MODELS, model) or ""
    channels = _channels(name)
    if data[0] == 2 and len(data) > _CELLULAR.size and data[:2] not in channels:
        found = _CELLULAR.read(data)
        return {**found, "data": [_tlv.read(data[_CELLULAR.size :], channels)]}
    if name or data[:2] in channels:
        return _tlv.read(data, channels)
    return None
