"""Decentlab: protocol version (1), device (2), a flag for each group of sensors (2), 16-bit words.

Each value comes with its display name and unit, as in the maker's decoders. Which groups a device
has is told by its model; facts from the decoders and data sheets that the maker publishes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from drivers.mqtt.lorawan.tables import known
from drivers.mqtt.lorawan.tables._layout import Kinds, Layout, layout

_VERSION: Final = 2
_HEAD: Final = layout("protocol_version u8; device_id u16; flags u16")

NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "air_humidity": ("Air humidity", "%"),
    "air_temperature": ("Air temperature", "°C"),
    "ambient_light_infrared": ("Ambient light (infrared)", ""),
    "ambient_light_visible_infrared": ("Ambient light (visible + infrared)", ""),
    "angle": ("Angle", "°"),
    "barometer_temperature": ("Barometer temperature", "°C"),
    "barometric_pressure": ("Barometric pressure", "Pa"),
    "battery_voltage": ("Battery voltage", "V"),
    "capacitor_voltage_1": ("Capacitor voltage 1", "V"),
    "capacitor_voltage_2": ("Capacitor voltage 2", "V"),
    "co2_concentration": ("CO2 concentration", "ppm"),
    "co2_concentration_lpf": ("CO2 concentration LPF", "ppm"),
    "co2_sensor_status": ("CO2 sensor status", ""),
    "co2_sensor_temperature": ("CO2 sensor temperature", "°C"),
    "dew_point": ("Dew point", "°C"),
    "distance": ("Distance", "mm"),
    "distance_10th_percentile": ("Distance: 10th percentile", "mm"),
    "distance_25th_percentile": ("Distance: 25th percentile", "mm"),
    "distance_75th_percentile": ("Distance: 75th percentile", "mm"),
    "distance_90th_percentile": ("Distance: 90th percentile", "mm"),
    "distance_average": ("Distance: average", "mm"),
    "distance_maximum": ("Distance: maximum", "mm"),
    "distance_median": ("Distance: median", "mm"),
    "distance_minimum": ("Distance: minimum", "mm"),
    "distance_most_frequent_value": ("Distance: most frequent value", "mm"),
    "electrical_conductivity": ("Electrical conductivity", "µS⋅cm⁻¹"),
    "electrical_conductivity_ms": ("Electrical conductivity", "mS⋅cm⁻¹"),
    "elongation": ("Elongation", "µm"),
    "frequency": ("Frequency", "Hz"),
    "illuminance": ("Illuminance", "lx"),
    "pm0_5_number_concentration": ("PM0.5 number concentration", "1⋅cm⁻³"),
    "pm10_mass_concentration": ("PM10 mass concentration", "µg⋅m⁻³"),
    "pm10_number_concentration": ("PM10 number concentration", "1⋅cm⁻³"),
    "pm1_0_mass_concentration": ("PM1.0 mass concentration", "µg⋅m⁻³"),
    "pm1_0_number_concentration": ("PM1.0 number concentration", "1⋅cm⁻³"),
    "pm2_5_mass_concentration": ("PM2.5 mass concentration", "µg⋅m⁻³"),
    "pm2_5_number_concentration": ("PM2.5 number concentration", "1⋅cm⁻³"),
    "pm4_mass_concentration": ("PM4 mass concentration", "µg⋅m⁻³"),
    "pm4_number_concentration": ("PM4 number concentration", "1⋅cm⁻³"),
    "pressure": ("Pressure", "bar"),
    "raw_ir_reading": ("Raw IR reading", ""),
    "raw_ir_reading_lpf": ("Raw IR reading LPF", ""),
    "sensor_id": ("Sensor ID", ""),
    "sensor_temperature": ("Sensor temperature", "°C"),
    "strain": ("Strain", "µm⋅m⁻¹"),
    "surface_temperature": ("Surface temperature", "°C"),
    "temperature": ("Temperature", "°C"),
    "temperature_electronics": ("Temperature (electronics)", "°C"),
    "temperature_head": ("Temperature head", "°C"),
    "temperature_pt1000": ("Temperature (PT1000)", "°C"),
    "temperature_target": ("Temperature target", "°C"),
    "thermistor_resistance": ("Thermistor resistance", "Ω"),
    "total_acquisition_time": ("Total acquisition time", "ms"),
    "total_voc": ("Total VOC", "ppb"),
    "typical_particle_size": ("Typical particle size", "nm"),
    "water_depth": ("Water depth", "mm"),
    "weight": ("Weight", "g"),
}
"""Value names -> display name and unit; a name that is not here is its own display name."""


def _words(raw: bytes) -> list[int]:
    return [int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2)]


def _lux(raw: bytes) -> float:
    both, infrared = _words(raw)
    return max(both - 1.64 * infrared, 0.59 * both - 0.86 * infrared, 0) * 1.5504


def _swapped(raw: bytes) -> int:
    low, high = _words(raw)
    return low + high * 65536


def _ratio(raw: bytes) -> float:
    return (_swapped(raw) / 8388608 - 1) / 2


def _resistance(raw: bytes) -> float | None:
    ratio = _ratio(raw)
    return 1000 / ratio - 41000 if ratio else None


def _thermistor(raw: bytes) -> float | None:
    """Steinhart and Hart's equation; None: the probe is broken or shorted."""
    resistance = _resistance(raw)
    if resistance is None or resistance <= 0:
        return None
    log = math.log(resistance)
    kelvin = 0.0008271111 + 0.000208802 * log + 0.000000080592 * log**3
    return 1 / kelvin - 273.15 if kelvin else None


_REST_HZ: Final = 15383.72
_GRAMS_PER_KHZ2: Final = 46.4859
"""The constants of the published sample device; each strain gauge has its own."""


def _hertz(raw: bytes) -> float | None:
    counted, ticks, *_ = _words(raw)
    return counted / ticks * 32768 if ticks else None


def _grams(raw: bytes) -> float | None:
    hertz = _hertz(raw)
    return None if hertz is None else (hertz**2 - _REST_HZ**2) * _GRAMS_PER_KHZ2 / 1e6


def _elongation(raw: bytes) -> float | None:
    grams = _grams(raw)
    return None if grams is None else grams * -1.5 / 1000 * 9.8067


def _strain(raw: bytes) -> float | None:
    elongation = _elongation(raw)
    return None if elongation is None else elongation / 0.066


_KINDS: Final[Kinds] = {
    "lux": (4, _lux),
    "swapped": (4, _swapped),
    "ratio": (4, _ratio),
    "ohm": (4, _resistance),
    "thermistor": (4, _thermistor),
    "hertz": (4, _hertz),
    "grams": (4, _grams),
    "elongation": (4, _elongation),
    "strain": (4, _strain),
}
_BATTERY: Final = "battery_voltage u16 /1000"
_AIR_SHT35: Final = "air_temperature u16 *175 /65535 -45; air_humidity u16 *100 /65535"
_AIR_SHT21: Final = "air_temperature u16 *175.72 /65536 -46.85; air_humidity u16 *125 /65536 -6"
_PRESSURE: Final = "barometric_pressure u16 *2"
_DEPTH: Final = (
    "water_depth u16 -32768; temperature u16 -32768 /10; electrical_conductivity u16 *{};"
    " freezing_flag u16"
)
_KELLER: Final = "pressure u16 -16384 /32768 *{} +{}; temperature u16 -384 *0.003125 -50"
_CO2: Final = "co2_concentration u16 -32768"

MODELS: Final[Mapping[str, tuple[str, ...]]] = {
    "blg": (
        "^voltage_ratio ratio; ^thermistor_resistance ohm; temperature thermistor",
        _BATTERY,
    ),
    "ctd10": (_DEPTH.format(1), _BATTERY),
    "ctd10b": (_DEPTH.format(2), _BATTERY),
    "ds18": ("temperature u16 -32768 /16", _BATTERY),
    "iam": (
        _BATTERY,
        _AIR_SHT35,
        _PRESSURE,
        "^illuminance lux; ambient_light_visible_infrared u16; ambient_light_infrared u16",
        f"{_CO2}; co2_sensor_status u16; raw_ir_reading u16",
        "activity_counter u16",
        "total_voc u16",
    ),
    "itst": ("temperature_target u16 -1000 /10; temperature_head u16 -1000 /10", _BATTERY),
    "kl66": (
        "^frequency hertz; ^weight grams; ^elongation elongation; ^strain strain;"
        " counter_reading u16; measurement_interval u16 /32768; _ u16",
        _BATTERY,
    ),
    "lid": (
        "distance_average u16; distance_minimum u16; distance_maximum u16; distance_median u16;"
        " distance_10th_percentile u16; distance_25th_percentile u16;"
        " distance_75th_percentile u16; distance_90th_percentile u16;"
        " distance_most_frequent_value u16; number_of_samples u16;"
        " total_acquisition_time u16 /1.024",
        _BATTERY,
    ),
    "lp8p": (
        _AIR_SHT21,
        f"barometer_temperature u16 -5000 /100; {_PRESSURE}",
        f"{_CO2}; co2_concentration_lpf u16 -32768; co2_sensor_temperature u16 -32768 /100;"
        " capacitor_voltage_1 u16 /1000; capacitor_voltage_2 u16 /1000; co2_sensor_status u16;"
        " raw_ir_reading u16; raw_ir_reading_lpf u16",
        _BATTERY,
    ),
    "mbx": ("distance u16; number_of_valid_samples u16", _BATTERY),
    "pm": (
        _BATTERY,
        "pm1_0_mass_concentration u16 /10; pm2_5_mass_concentration u16 /10;"
        " pm4_mass_concentration u16 /10; pm10_mass_concentration u16 /10;"
        " typical_particle_size u16; pm0_5_number_concentration u16 /10;"
        " pm1_0_number_concentration u16 /10; pm2_5_number_concentration u16 /10;"
        " pm4_number_concentration u16 /10; pm10_number_concentration u16 /10",
        _AIR_SHT21,
        _PRESSURE,
    ),
    "cws": (
        "surface_temperature u16 -32768 /100; air_temperature u16 -32768 /100;"
        " air_humidity u16 -32768 /100; dew_point u16 -32768 /100; angle u16 -32768;"
        " sensor_temperature u16 -32768 /100",
        _BATTERY,
    ),
    "pr21": (_KELLER.format(11, -1), _BATTERY),
    "pr26": (_KELLER.format(1, 0), _BATTERY),
    "pr36": ("pressure u16 -32768 /8192; temperature u16 -32768 /256", _BATTERY),
    "pr36ctd": (
        "pressure u16 -32768 /8192; temperature_electronics u16 -32768 /256;"
        " temperature_pt1000 u16 -32768 /256; electrical_conductivity_ms u16 -32768 /1024",
        _BATTERY,
    ),
    "rhc": (
        "sensor_id swapped; air_humidity u16 /100; air_temperature u16 -32768 /100",
        _BATTERY,
    ),
    "sht35": (_AIR_SHT35, _BATTERY),
}
"""Model without "dl" and variant -> its groups, in the order of the flags."""

_GROUPS: Final[Mapping[str, tuple[Layout, ...]]] = {
    f"dl{name}": tuple(layout(group, kinds=_KINDS) for group in groups)
    for name, groups in MODELS.items()
}


def decode(model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The values of the groups whose flags are set; None: a model that is not in the table."""
    name = known(_GROUPS, model if model.startswith("dl") else f"dl{model}")
    if name is None:
        return None
    head = _HEAD.read(data)
    if head["protocol_version"] != _VERSION:
        raise ValueError(f"protocol version {head['protocol_version']}, not {_VERSION}")
    flags, at = head.pop("flags"), _HEAD.size
    for bit, group in enumerate(_GROUPS[name]):
        if flags >> bit & 1:
            head |= dict(_described(group.read(data, at)))
            at += group.size
    return head


def _described(values: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for key, value in values.items():
        display, unit = NAMES.get(key, (key.replace("_", " ").capitalize(), ""))
        shown = {"displayName": display, "value": value}
        # The same name with another unit is another row of NAMES.
        found.append((key.removesuffix("_ms"), shown | ({"unit": unit} if unit else {})))
    return found
