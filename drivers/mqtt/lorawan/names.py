"""The names that makers' decoders give their fields, and what they are here: data only.

A name is compared in snake_case, with the objects around it (``button_event.status`` is
``button_event_status``). Sources: the decoders' published examples in the device repositories
of The Things Network and ChirpStack (lorawan-devices, chirpstack-device-profiles), the field
tables of Milesight's and Dragino's decoders, the normalized payload of The Things Stack.
"""

from __future__ import annotations

from typing import Final, NamedTuple


def words_of(text: str) -> frozenset[str]:
    """The words of a text, for a table that is easy to read."""
    return frozenset(text.split())


def _ordered(text: str) -> tuple[str, ...]:
    return tuple(text.split())


class Quantity(NamedTuple):
    """A number. The first of ``names`` that a message has is the one that counts."""

    value: str
    dimension: str
    unit: str
    """The unit where neither the field nor its name says one; "" leaves the value an extra."""
    kind: str
    names: str


QUANTITIES: Final = (
    Quantity(
        "temperature", "temperature", "c", "climate",
        "temperature air_temperature ambient_temperature temp current_temperature"
        " temp_c_sht internal_temperature sensor_temperature room_temperature"
        " indoor_temperature temperature_sensor"
        " tempc temp_c temperature_board board_temperature device_temperature chip_temperature"
        " 温度",
    ),
    Quantity(
        "humidity", "ratio", "percent", "climate",
        "humidity air_humidity relative_humidity air_relative_humidity ambient_humidity humi hum"
        " rh hum_sht humidity_sensor room_humidity indoor_humidity 湿度",
    ),
    Quantity(
        "co2", "parts", "ppm", "climate",
        "co2 air_co2 co2_concentration carbon_dioxide co2_filtered",
    ),
    Quantity("co", "parts", "ppm", "", "co co_concentration carbon_monoxide_concentration"),
    Quantity("tvoc", "parts_billion", "ppb", "climate", "tvoc total_voc voc_total"),
    Quantity(
        "pm2_5", "mass", "ug", "climate",
        "pm2_5 pm25 pm_2_5 pm_25 pm2_5_mass_concentration air_pm2_5",
    ),
    Quantity("lel", "ratio", "percent", "gas", "lel gas_lel lel_percent ch4_lel methane_lel"),
    Quantity(
        "tilt", "angle", "degree", "manhole",
        "tilt tilt_angle tilt_degree inclination angle_of_inclination inclination_angle"
        " inclination_degree angle tilt_deg 倾角 倾斜角度",
    ),
    Quantity(
        "water_level", "length", "cm", "manhole",
        "water_level water_depth depth water_height water_level_value 水位",
    ),
    Quantity("level", "length", "", "water", "level liquid_level fluid_level tank_level 液位"),
    Quantity(
        "pressure", "pressure", "", "water",
        "pressure water_pressure pipe_pressure liquid_pressure hydraulic_pressure 压力",
    ),
    Quantity("distance", "length", "mm", "", "distance distance_median distance_average"
        " ultrasonic_distance lidar_distance radar_distance laser_distance distance_value"),
    Quantity("voltage", "voltage", "v", "", "voltage line_voltage voltage_rms"),
    Quantity("current", "current", "a", "", "current line_current current_rms"),
    Quantity("power", "power", "w", "", "power active_power power_active"),
)  # fmt: skip
"""``voltage``, ``current`` and ``power`` count together only: one alone is a battery's."""

BATTERY: Final = words_of(
    "battery batt bat battery_level battery_percent battery_percentage batt_level bat_level"
    " battery_capacity battery_remaining remaining_battery battery_pct state_of_charge soc"
    " battery_voltage battery_volt batt_voltage bat_voltage batv vbat v_bat vbatt vdd volt"
    " supply_voltage battery_main 电量 电池 电池电压"
)
"""Per cent, volt, millivolt or a word: decided by the unit, or by what the number can be."""
BATTERY_VOLTAGE: Final = words_of(
    "battery_voltage battery_volt batt_voltage bat_voltage batv vbat v_bat vbatt vdd volt"
    " supply_voltage 电池电压"
)


CELLS: Final = words_of("bat batt")
"""Where a small number is volts even if it is whole."""


class Truth(NamedTuple):
    """A truth value. Each name also counts with one of ``ENDINGS``."""

    value: str
    kind: str
    names: str
    also: str = ""
    """A value that is true with it."""
    inverted: str = ""
    """Names whose "true" is this value's false."""


TRUTHS: Final = (
    Truth("alarm", "smoke", "smoke fire smoke_fire smoke_or_fire 烟雾 烟感 火警"),
    Truth("alarm", "co", "co carbon_monoxide co_gas"),
    Truth(
        "alarm", "gas",
        "gas gas_leak gas_leakage lpg methane ch4 natural_gas combustible_gas 燃气",
    ),
    Truth("alarm", "heat", "heat overheat"),
    Truth(
        "alarm", "panic",
        "sos panic emergency duress help pull_station call_point manual_call_point manual_alarm"
        " emergency_button sos_button panic_button alarm_button sos_key help_button emergency_call",
    ),
    Truth(
        "leak", "water",
        "leak leakage water_leak water_leakage waterleak leak_water flood flooding flooded wet"
        " water_immersion immersion water_ingress liquid_leak water_presence overflow"
        " water_overflow water_overrun water_alarm water 漏水 水浸",
    ),
    Truth(
        "open", "manhole",
        "cover cover_open cover_opened manhole manhole_open manhole_cover manhole_cover_open lid"
        " lid_open lid_opened hatch hatch_open 井盖",
        inverted="cover_closed lid_closed",
    ),
    Truth(
        "open", "contact",
        "open opened is_open door door_open door_opened window window_open magnet magnetic"
        " magnet_switch reed reed_switch door_contact contact contact_switch door_sensor"
        " door_window gate gate_open action_contact 门磁",
        inverted="closed is_closed door_closed window_closed contact_closed gate_closed"
        " magnet_present magnet_detected magnet_near",
    ),
    Truth(
        "occupied", "infrared",
        "pir motion infrared movement human human_body body_detected intrusion moving"
        " action_motion 红外",
        also="alarm",
    ),
    Truth(
        "occupied", "infrared",
        "occupancy occupied occupy presence people_present human_presence seat",
        inverted="vacant unoccupied vacancy",
    ),
    Truth("vibration", "", "vibration vibrate vibrating vibrated shock impact"),
    Truth(
        "tamper", "",
        "tamper tampered dismantle dismantled dismantling disassemble disassembled disassembly"
        " anti_theft anti_tamper anti_tamper_switch anti_dismantle anti_removal"
        " demolition demolished detached uninstalled removal housing_open case_open"
        " enclosure_open vandal sabotage remove removed box_tamper case_tamper tamper_report"
        " tamper_switch 防拆",
        inverted="attached install installed installation",
    ),
    Truth(
        "fault", "",
        "fault faulty sensor_fault trouble failure sensor_failure malfunction device_fault"
        " hardware_fault detector_fault sensor_malfunction self_test_failed"
        " 故障",
    ),
    Truth(
        "battery_low", "",
        "low_battery battery_low lowbattery batterylow bat_low low_bat batt_low low_batt battery"
        " low_battery_voltage alarm_battery"
        " battery_voltage"
        " low_voltage under_voltage undervoltage low_power battery_health battery_condition"
        " battery_state battery_status battery_warning 低电量",
        inverted="good_battery battery_good battery_ok",
    ),
    Truth("test", "", "test test_button testing test_mode test_press"),
    Truth("muted", "", "mute muted silence silenced hush hushed"),
)  # fmt: skip
ENDINGS: Final = _ordered(
    "_status _state _alarm _alert _detected _detect _detection _event _flag _active _trigger"
    " _triggered _sensor _detector _warning _open_status _door_status _alarm_status _alarm_state"
    " _detection_status"
)

PRESSES: Final = words_of(
    "button button_event button_event_status button_status button_state button_pressed press"
    " press_event press_status pressed press_type button_press push push_button click click_type"
    " key_event key_status key_press key_pressed button_action"
)
"""A button's; on a device for something else it only asks for a report, and is kept as extra."""
INSIDE: Final = words_of("temperature_board board_temperature device_temperature chip_temperature")
"""The case's own warmth: it makes no thermometer of the device."""
MAGNETS: Final = {
    "absent": True, "away": True, "far": True, "detached": True, "removed": True,
    "present": False, "near": False, "attached": False, "detected": False,
}  # fmt: skip
"""What is said of a magnet -> whether the door that it sits on is open."""
APART: Final = {
    "alarm": words_of("test fault tamper battery_low muted"),
    "leak": words_of("test fault tamper battery_low muted"),
    "open": words_of("test fault battery_low"),
}
"""What a text may tell instead of the value that its field is for: ``smoke: fault``."""
TEXTS: Final = words_of(
    "version ver firmware hardware sn imei imsi iccid id serial date datecode code number"
)
"""With one of these in the name, a text of digits is a text."""
VALUES: Final = ("value", "last_value", "current_value", "average_value")
"""Beside a ``unit``: what was measured, the first that is there."""
MEASURES: Final = {
    "kpa": "pressure", "mpa": "pressure", "bar": "pressure", "psi": "pressure",
    "c": "temperature", "°c": "temperature", "℃": "temperature",
}  # fmt: skip
"""The unit of a nameless value -> what it measures."""
STATES: Final = words_of("status state on_off sensor_status sensor_state device_status")
"""Says only whether it is so, not what: read once it is known what the device is for."""
ALARMS: Final = words_of("alarm alarm_status alarm_state alarm_flag alert alert_status alarming")
"""The alarm of a device that is for alarms; a contact's is a time limit."""
LOOSE: Final = words_of(
    "gas lpg methane ch4 natural_gas combustible_gas carbon_monoxide co_gas water 燃气"
)
"""A number under these names is a concentration or an amount, even where it is 0 or 1."""
EVENTS: Final = words_of(
    "event event_type event_name event_status alarm_type alarm_event message report_reason"
    " distance_exception event_cause alarms alerts events active_alarms alarm_reason alarm_cause"
    " trigger trigger_type trigger_event"
)
"""Texts of several words, such as ``low battery`` or ``testing alarm``."""
FAULTS: Final = ("_failure", "_fault", "_malfunction")
"""The end of a name that tells of a part at fault, whichever part it is."""
LIMITS: Final = words_of("timeout threshold mutation outage")
"""In a text: somebody's limit was passed, which is not what the field's name says."""
FLAGS: Final = words_of(
    "position tilted threshold_x threshold_y threshold_z alarm_fall fall fall_alarm tilt_alarm"
    " tilt_status tilt_state tilt_event tilt_trigger tipped tilt_detected inclination_alarm"
    " fall_detected fall_status cover_tilt cover_tilted"
)
"""A tilt without degrees: ``extra.tilt_alarm``, for not every tilted sensor is an open cover."""
HOT: Final = words_of(
    "high_temp high_temp_alarm high_temperature high_temperature_alarm temperature_alarm"
    " temp_alarm over_temperature temperature_warning temp_warning"
)
"""An alarm of smoke and heat detectors; elsewhere a threshold that somebody set."""
AXES: Final = (
    ("angle_x", "anglex", "x_angle", "pitch"),
    ("angle_y", "angley", "y_angle", "roll"),
)
"""Two horizontal axes: a cover that lies flat reads 0 on both, whichever way is up."""
NAMES_OF_MODELS: Final = words_of(
    "device model device_model device_type sensor_type type operating_mode"
)
"""A text here tells what the device is."""
TIMES: Final = ("timestamp", "time", "ts", "datetime", "record_time", "recorded_at")
"""The time of an entry in a list of earlier reports."""
QUALIFIERS: Final = words_of(
    "threshold limit min max minimum maximum change delta interval config setting calibration"
    " offset enable enabled duration timeout period count counter total times version raw lpf"
    " percentile average previous last first history unit report"
)
"""A name with one of these is another quantity than its last word says."""

UNITS: Final = {
    "temperature": {
        "c": (1.0, 0.0), "celsius": (1.0, 0.0), "degc": (1.0, 0.0), "℃": (1.0, 0.0),
        "°c": (1.0, 0.0), "f": (5 / 9, -160 / 9), "°f": (5 / 9, -160 / 9), "℉": (5 / 9, -160 / 9),
        "fahrenheit": (5 / 9, -160 / 9), "k": (1.0, -273.15), "kelvin": (1.0, -273.15),
    },
    "ratio": {
        "%": (1.0, 0.0), "percent": (1.0, 0.0), "percentage": (1.0, 0.0), "pct": (1.0, 0.0),
        "rh": (1.0, 0.0), "%rh": (1.0, 0.0), "%lel": (1.0, 0.0),
    },
    "length": {
        "mm": (0.001, 0.0), "cm": (0.01, 0.0), "dm": (0.1, 0.0), "m": (1.0, 0.0),
        "meter": (1.0, 0.0), "meters": (1.0, 0.0), "metre": (1.0, 0.0), "metres": (1.0, 0.0),
        "in": (0.0254, 0.0), "inch": (0.0254, 0.0), "ft": (0.3048, 0.0), "feet": (0.3048, 0.0),
        "毫米": (0.001, 0.0), "厘米": (0.01, 0.0), "米": (1.0, 0.0),
    },
    "pressure": {
        "pa": (0.001, 0.0), "hpa": (0.1, 0.0), "mbar": (0.1, 0.0), "kpa": (1.0, 0.0),
        "bar": (100.0, 0.0), "mpa": (1000.0, 0.0), "psi": (6.894757, 0.0),
    },
    "voltage": {
        "v": (1.0, 0.0), "volt": (1.0, 0.0), "volts": (1.0, 0.0), "mv": (0.001, 0.0),
    },
    "current": {"a": (1.0, 0.0), "ma": (0.001, 0.0), "amp": (1.0, 0.0)},
    "power": {"w": (1.0, 0.0), "kw": (1000.0, 0.0), "mw": (0.001, 0.0), "watt": (1.0, 0.0)},
    "parts": {"ppm": (1.0, 0.0), "ppb": (0.001, 0.0)},
    "parts_billion": {"ppb": (1.0, 0.0), "ppm": (1000.0, 0.0)},
    "mass": {
        "ug": (1.0, 0.0), "µg⋅m⁻³": (1.0, 0.0), "µg/m³": (1.0, 0.0), "μg/m³": (1.0, 0.0),
        "ug/m3": (1.0, 0.0), "ug_m3": (1.0, 0.0), "ugm3": (1.0, 0.0), "mg/m3": (1000.0, 0.0),
    },
    "angle": {"°": (1.0, 0.0), "degree": (1.0, 0.0), "degrees": (1.0, 0.0), "deg": (1.0, 0.0)},
}  # fmt: skip
"""Dimension -> unit in lower case -> (factor, offset) to the unit of our tables."""

MAKERS: Final = {
    "dingtek": {"level": "mm"},
    "milesight": {"tvoc": "level"},
    "netvox": {"depth": "mm"},
    "teneo": {"distance": "cm", "battery": "v"},
    "browan": {"battery": "v"},
    "mclimate": {"battery": "v"},
    "dragino": {"lidar_distance": "cm"},
    "ellenex": {"pressure": "bar", "level": "m"},
    "normalized": {"battery": "v"},
}
"""Maker -> units that its decoders leave out. ``normalized`` is The Things Stack's own schema.

A unit that no dimension has (Milesight's TVOC is a level from 0 to 5) makes the field an extra.
"""

MODELS: Final = {
    "em300mcs": "contact", "em300sld": "water", "em300zld": "water", "ws301": "contact",
    "ws303": "water", "ws202": "infrared", "ws101": "panic", "gs101": "gas", "gs524": "smoke",
    "gs601": "smoke", "em310tilt": "manhole", "em320tilt": "manhole", "em500swl": "manhole",
    "r311a": "contact", "r311d": "vibration", "r311fa": "vibration", "r311c": "contact",
    "r311w": "water", "r718w": "water", "r718da": "vibration", "r718db": "vibration",
    "r718mb": "vibration", "r718f": "contact", "r718lb": "contact", "r313fa": "contact",
    "ra02a": "smoke", "ra02c": "co", "rb02i": "panic", "rb11e": "infrared", "rb05": "contact",
    "tbdw": "contact", "tbwl": "water", "tbms": "infrared", "tbpb": "panic",
    "merryiotdw": "contact", "merryiotms": "infrared", "merryiotwl": "water",
    "dw10": "contact", "lds0": "contact", "lwl0": "water", "cpl0": "contact",
    "lht65npir": "infrared", "tps110": "parking", "nps31": "parking", "nps40": "parking",
    "tekzipark": "parking", "em400": "manhole", "em410": "manhole",
}  # fmt: skip
"""The beginning of a model's name -> what it is for: a kind, or the value of a kind-less one."""
MAKER_PREFIXES: Final = {
    "em3": "milesight", "em4": "milesight", "em5": "milesight", "am1": "milesight",
    "am3": "milesight", "r31": "netvox", "r71": "netvox",
    "r72": "netvox", "ra0": "netvox", "rb0": "netvox", "rb1": "netvox", "tbdw": "browan",
    "tbwl": "browan", "tbms": "browan", "tbpb": "browan", "tbhh": "browan", "tbhv": "browan",
    "dc41": "dingtek", "df53": "dingtek", "llds": "dragino", "ldds": "dragino",
}  # fmt: skip
"""The beginning of a model's name -> its maker, where the maker is not named."""
WORDS: Final = (
    ("smoke", ("smoke", "烟感", "烟雾")),
    ("heat", ("heat detector", "温感", "感温")),
    ("gas", ("gas detector", "gas sensor", "gas leak", "燃气", "可燃")),
    ("panic", ("panic", "sos", "emergency", "pull station", "手动报警", "紧急按钮")),
    ("manhole", ("manhole", "井盖", "窨井")),
    ("water", ("water leak", "leak sensor", "leak detect", "flood sensor", "漏水", "水浸")),
    ("contact", ("door", "window sensor", "magnet", "contact sensor", "reed", "门磁")),
    ("infrared", ("pir", "motion sensor", "motion detector", "红外", "人体感应")),
    ("parking", ("parking", "车位")),
)
"""Words in a profile's or model's name -> what the device is for; the first that is found."""

PURPOSES: Final = {
    "smoke": "alarm", "co": "alarm", "gas": "alarm", "heat": "alarm", "panic": "alarm",
    "water": "leak", "manhole": "open", "contact": "open", "infrared": "occupied",
    "vibration": "vibration",
}  # fmt: skip
"""What a bare ``status`` says of a device that is for this."""
RANKS: Final = (
    "smoke", "co", "gas", "heat", "panic", "manhole", "water", "contact", "infrared", "power",
    "climate",
)  # fmt: skip
"""A device with fields of several kinds is the first of these."""
