"""Decoded objects in the shapes that makers publish, read as our kinds and values."""

from __future__ import annotations

import string
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.mqtt.decode import EXTRAS
from drivers.mqtt.lorawan.decoded import Wanted
from drivers.mqtt.lorawan.fields import past, read
from drivers.mqtt.lorawan.hints import hints_of, models_of
from drivers.mqtt.lorawan.names import words_of
from drivers.mqtt.lorawan.words import measured, polarity, said, snake
from gateway.model import EXTRA, KINDS, every_value_name


def values(fields: dict[str, Any], *texts: str, **more: Any) -> dict[str, Any]:
    return read(fields, Wanted(texts, **more)).values


def kind(fields: dict[str, Any], *texts: str, **more: Any) -> str:
    return read(fields, Wanted(texts, **more)).kind


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BatV", "bat_v"),
        ("Bat_mV", "bat_mv"),
        ("TempC_SHT", "temp_c_sht"),
        ("DOOR_OPEN_STATUS", "door_open_status"),
        ("CO2Raw", "co2_raw"),
        ("PM2_5", "pm2_5"),
        ("pm2.5", "pm2_5"),
        ("H2S", "h2s"),
        ("alarmFall", "alarm_fall"),
        ("relativeHumidity", "relative_humidity"),
        ("水位", "水位"),
    ],
)
def test_a_name_is_compared_in_one_spelling(name: str, expected: str) -> None:
    assert snake(name) == expected


# --- numbers and their units ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"temperature": -10.5}, {"temperature": -10.5}),
        ({"temperature": "22 ℃"}, {"temperature": 22.0}),
        ({"temp_f": 50}, {"temperature": 10.0}),
        ({"TempC_SHT": "25.1"}, {"temperature": 25.1}),
        ({"air": {"temperature": -21.3}}, {"temperature": -21.3}),
        ({"air_temperature": {"displayName": "t", "unit": "°C", "value": 4}}, {"temperature": 4.0}),
        ({"Hum_SHT": 43.5}, {"humidity": 43.5}),
        ({"CO2_ppm": 523}, {"co2": 523.0}),
        ({"TVOC_ppb": 18}, {"tvoc": 18.0}),
        ({"PM25": 300}, {"pm2_5": 300.0}),
        ({"water_depth": {"unit": "mm", "value": 4232}}, {"water_level": 4.232}),
        ({"depth": 2}, {"water_level": 0.02}),
        ({"water_level_m": 1.5}, {"water_level": 1.5}),
        ({"level": "1700 mm"}, {"level": 1.7}),
        ({"pressure": {"unit": "bar", "value": 4}}, {"pressure": 400.0}),
        ({"unit": "MPa", "last_value": 0.35}, {"pressure": 350.0}),
        ({"distance": 2116}, {"extra.distance": 2.116}),
        ({"Distance": "2799 mm"}, {"extra.distance": 2.799}),
        ({"distance1_cm": 79}, {"extra.distance": 0.79}),
        ({"AngleOfInclination": 10}, {"tilt": 10.0}),
        ({"angle": "12 °"}, {"tilt": 12.0}),
        ({"angle_x": -20.5, "angle_y": 3, "angle_z": 69}, {"tilt": 20.5, "extra.angle_z": 69.0}),
        ({"angle_x": 0, "angle_y": 0}, {"tilt": 0.0}),
        ({"voltage": 230.1, "current": 0.5, "power": 110}, {"voltage": 230.1, "power": 110.0}),
    ],
    ids=str,
)
def test_a_number_comes_in_our_unit(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    found = values(fields)
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"battery": 92}, {"battery": 92.0}),
        ({"battery": 3.6}, {"extra.battery_voltage": 3.6}),
        ({"BAT_V": 2.952}, {"extra.battery_voltage": 2.952}),
        ({"batteryVoltage": 3600}, {"extra.battery_voltage": 3.6}),
        ({"vdd": 3426}, {"extra.battery_voltage": 3.426}),
        ({"BAT": 3.0}, {"extra.battery_voltage": 3.0}),
        ({"Volt": 3}, {"extra.battery_voltage": 3.0}),
        ({"Volt": "2.3(low battery)"}, {"extra.battery_voltage": 2.3, "battery_low": True}),
        ({"voltage": 3.312}, {"extra.battery_voltage": 3.312}),
        ({"battery": False}, {"battery_low": False}),
        ({"battery": "low"}, {"battery_low": True}),
        ({"battery_health": "critical"}, {"battery_low": True}),
        ({"Good_Battery": 1}, {"battery_low": False}),
        ({"alarmBattery": True}, {"battery_low": True}),
        ({"battery": 255}, {"extra.battery": 255.0}),
        ({"batteryCapacity": "80-100%"}, {"extra.battery_capacity": "80-100%"}),
        ({"battery_voltage": {"unit": "V", "value": 3.1}}, {"extra.battery_voltage": 3.1}),
    ],
    ids=str,
)
def test_a_battery_in_volts_is_no_battery_in_per_cent(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert values(fields) == expected


def test_the_best_named_of_several_counts_and_the_others_keep_their_name_and_unit() -> None:
    found = values({"distance_average": {"unit": "mm", "value": 4507}, "distance_median": 4510})
    assert found == {"extra.distance": 4.51, "extra.distance_average": 4507.0}
    found = values({"barometer_temperature": 24.05, "air_temperature": 24.3})
    assert found == {"extra.barometer_temperature": 24.05, "temperature": 24.3}


def test_the_weathers_pressure_is_no_pipes() -> None:
    assert values({"pressure": 1008.6}) == {"extra.pressure": 1008.6}
    assert values({"pressure": {"unit": "hPa", "value": 1008}}) == {"extra.pressure": 1008.0}
    assert values({"barometric_pressure": {"unit": "Pa", "value": 96800}}) == {
        "extra.barometric_pressure": 96800.0
    }


def test_what_no_sensor_measured_is_absent() -> None:
    assert values({"Distance": "Invalid Reading", "TempC": "No Sensor", "EC5TE": "NoSensor"}) == {}


def test_thresholds_and_intervals_are_no_measurements() -> None:
    found = values({"temperature_threshold": {"max": 30}, "tempAlarmLimitHigh": 80})
    assert found == {"extra.temperature_threshold_max": 30.0, "extra.temp_alarm_limit_high": 80.0}


def test_a_declared_unit_and_a_makers_unit_are_used() -> None:
    assert values({"depth": 2497}, "Netvox R718PA22") == {"water_level": 2.497}
    assert values({"depth": 250}, units={"depth": "mm"}) == {"water_level": 0.25}
    assert values({"battery": 3}, "browan tbdw100") == {"extra.battery_voltage": 3.0}
    assert values({"tvoc": 0.37}, "Milesight AM307") == {"extra.tvoc": 0.37}


def test_a_declared_depth_makes_a_water_level_of_a_distance() -> None:
    decoded = read({"distance": 2116}, Wanted(depth=3.2))
    assert decoded.values == {"extra.distance": 2.116, "water_level": 1.084}
    assert decoded.kind == "manhole"


# --- truth -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "name", "expected"),
    [
        ({"magnet_status": "open"}, "open", True),
        ({"magnet_status": "close"}, "open", False),
        ({"DOOR_OPEN_STATUS": 0}, "open", False),
        ({"door": "closed"}, "open", False),
        ({"closed": 1}, "open", False),
        ({"closed": "open"}, "open", True),
        ({"action": {"contactState": "open"}}, "open", True),
        ({"cover_open": True}, "open", True),
        ({"leakage_status": "leak"}, "leak", True),
        ({"leakage_status": "normal"}, "leak", False),
        ({"WaterLeak": "NoLeak"}, "leak", False),
        ({"WaterLeak_1": "NoLeak", "WaterLeak_2": "Leak"}, "leak", True),
        ({"water": {"leak": True}}, "leak", True),
        ({"pir": "trigger"}, "occupied", True),
        ({"motion": 6}, "occupied", True),
        ({"occupancy": "vacant"}, "occupied", False),
        ({"vacant": True}, "occupied", False),
        ({"tamper_status": "uninstalled"}, "tamper", True),
        ({"tamper_status": "installed"}, "tamper", False),
        ({"installed": False}, "tamper", True),
        ({"DisassembledAlarm": 0}, "tamper", False),
        ({"FireAlarm": "Alarm"}, "alarm", True),
        ({"gas_status": "normal"}, "alarm", False),
        ({"sensor_fault": "normal"}, "fault", False),
        ({"smoke_alarm": "alarm release"}, "alarm", False),
        ({"HighTempAlarm": "NoAlarm", "smoke": 0}, "alarm", False),
        ({"alarm": 1, "temperature": 61}, "alarm", True),
        ({"alarm_open": 1}, "open", True),
        ({"water_alarm": 1}, "leak", True),
        ({"box_tamper": True}, "tamper", True),
        ({"sos": 1}, "alarm", True),
        ({"vibration": 1}, "vibration", True),
        ({"position": "tilt"}, "extra.tilt_alarm", True),
        ({"alarmFall": False}, "extra.tilt_alarm", False),
        ({"distance_alarm": "threshold alarm release"}, "extra.distance_alarm", False),
    ],
    ids=str,
)
def test_a_truth_value_has_our_polarity(fields: dict[str, Any], name: str, expected: bool) -> None:
    assert values(fields)[name] is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"smoke": "fault"}, {"fault": True}),
        ({"smoke_alarm": "test"}, {"test": True}),
        ({"smoke_status": "test alarm"}, {"test": True}),
        ({"smoke_alarm": "silenced"}, {"muted": True}),
        ({"smoke_detected": "low battery"}, {"battery_low": True}),
        ({"smoke": "alarm with low battery"}, {"alarm": True, "battery_low": True}),
        ({"leak": "sensor fault"}, {"fault": True}),
        ({"door": "low battery"}, {"battery_low": True}),
        ({"smoke_status": "alarm_deactivated"}, {"alarm": False}),
        ({"cover": "removed"}, {"open": True}),
        ({"door": "not closed"}, {"open": True}),
        ({"tamper_status": "not installed"}, {"tamper": True}),
        ({"door": "not open"}, {"open": False}),
        ({"water": "detected"}, {"leak": True}),
        ({"water": 3}, {}),
        ({"water": "12"}, {}),
        ({"water_detected": True}, {"leak": True}),
        ({"waterStatus": "wet"}, {"leak": True}),
        ({"floodStatus": "flood"}, {"leak": True}),
        ({"co": "alarm"}, {"alarm": True}),
        ({"co": "normal"}, {"alarm": False}),
        ({"co": 35}, {"co": 35.0}),
        ({"smokeAlarmStatus": 1}, {"alarm": True}),
        ({"smoke_detector": "alarm"}, {"alarm": True}),
        ({"heat": "overheat"}, {"alarm": True}),
        ({"batt_low": True}, {"battery_low": True}),
        ({"anti_dismantle": "dismantled"}, {"tamper": True}),
        ({"magnet": "absent"}, {"open": True}),
        ({"magnet": "away"}, {"open": True}),
        ({"magnet": "near"}, {"open": False}),
        ({"magnet_present": 1}, {"open": False}),
        ({"magnet_detected": False}, {"open": True}),
        ({"event": "leak detected"}, {"leak": True}),
        ({"event": "leak cleared"}, {"leak": False}),
        ({"event": "gas leak alarm"}, {"alarm": True}),
        ({"alarms": ["fire", "low battery"]}, {"alarm": True, "battery_low": True}),
        ({"antiTamperStatus": "Device not tampered"}, {"tamper": False}),
        ({"antiTamperSwitch": "Removed"}, {"tamper": True}),
        ({"lowBatteryVoltageWarning": "low voltage"}, {"battery_low": True}),
        ({"batteryStatus": "Battery voltage is normal"}, {"battery_low": False}),
        ({"waterleak": 5}, {"leak": True}),
        ({"magneticStatus": "Magnet Away"}, {"open": True}),
        ({"smokeAlarm": 0, "smokeChamberFailure": 1}, {"alarm": False, "fault": True}),
        ({"waterStatus": "Overflow"}, {"leak": True}),
        ({"alertStatus": "Delayed alert report"}, {"alarm": True}),
        ({"alertStatus": "No alert"}, {"alarm": False}),
    ],
    ids=str,
)
def test_a_word_says_what_it_says_whatever_the_field_is_called(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = values(fields)
    assert {name: value for name, value in found.items() if not name.startswith(EXTRA)} == expected


@pytest.mark.parametrize(
    "fields", [{"tilt": "tilt"}, {"tilt": "tilted"}, {"fall_detected": True}], ids=str
)
def test_a_tilt_in_words_is_a_flag(fields: dict[str, Any]) -> None:
    assert values(fields)["extra.tilt_alarm"] is True


@pytest.mark.parametrize(
    ("fields", "text", "expected"),
    [
        ({"event": "silent"}, "smoke sensor", {"muted": True}),
        ({"event": "failover"}, "smoke sensor", {"fault": True}),
        ({"event": "removed"}, "smoke sensor", {"tamper": True}),
        ({"event": "installed"}, "smoke sensor", {"tamper": False}),
        ({"alarmStatus": "Not Triggered"}, "smoke sensor", {"alarm": False}),
        ({"temperature_warning": 1}, "smoke sensor", {"alarm": True}),
        ({"alarm": 1}, "water leak sensor", {"leak": True}),
        ({"alarm": "normal"}, "water leak sensor", {"leak": False}),
        ({"alarm": 1}, "manhole cover", {"open": True}),
        ({"alarm": 1, "open": False}, "manhole cover", {"open": False}),
        ({"alarm": 1}, "door sensor", {}),
        ({"event": "cover open"}, "manhole cover", {"open": True}),
        ({"event": "cover closed"}, "manhole cover", {"open": False}),
    ],
    ids=str,
)
def test_what_is_said_in_general_is_of_what_the_device_is_for(
    fields: dict[str, Any], text: str, expected: dict[str, Any]
) -> None:
    found = values(fields, text)
    assert {name: value for name, value in found.items() if not name.startswith(EXTRA)} == expected


@pytest.mark.parametrize("event", ["normal", "alarm release", "heartbeat"])
def test_an_event_ends_no_alarm_that_another_field_tells_of(event: str) -> None:
    for fields in ({"smoke": 1, "event": event}, {"event": event, "smoke": 1}):
        assert values(fields)["alarm"] is True


def test_an_event_may_tell_of_a_tilt() -> None:
    assert values({"event": "tilt alarm"}, "manhole cover")["extra.tilt_alarm"] is True


@pytest.mark.parametrize(
    "alarm", ["self-test", "test", "testing", "low battery", "sensor fault"], ids=str
)
def test_an_alarm_field_may_tell_of_a_test_or_a_fault(alarm: str) -> None:
    found = values({"alarm": alarm}, "smoke detector")
    assert "alarm" not in found
    assert set(found) & {"test", "battery_low", "fault"}


def test_a_declared_inversion_turns_a_truth_value_round() -> None:
    assert values({"contact": True}, invert=frozenset({"open"}))["open"] is False


@pytest.mark.parametrize(
    ("fields", "texts", "expected"),
    [
        ({"status": 1}, ["browan tbdw100"], ("contact", "open", True)),
        ({"status": 1}, ["browan tbwl100"], ("water", "leak", True)),
        ({"status": 0}, ["漏水检测器"], ("water", "leak", False)),
        ({"Device": "R718DA", "Status": 1}, [], ("", "vibration", True)),
        ({"operatingMode": "Door Sensor", "state": "Open"}, [], ("contact", "open", True)),
        ({"status": "alarm"}, ["Smoke detector"], ("smoke", "alarm", True)),
    ],
    ids=str,
)
def test_a_bare_status_says_what_the_device_is_for(
    fields: dict[str, Any], texts: list[str], expected: tuple[str, str, bool]
) -> None:
    decoded = read(fields, Wanted(tuple(texts)))
    assert (decoded.kind, decoded.values.get(expected[1])) == (expected[0], expected[2])


def test_a_bare_status_of_an_unknown_device_is_an_extra() -> None:
    assert read({"status": 1}).values == {"extra.status": 1.0}
    assert "open" not in values({"tilt": 10, "Status": "ON"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("testing alarm with normal battery", {"test": True, "battery_low": False}),
        ("alarm with low battery", {"alarm": True, "battery_low": True}),
        ("tamper alarm", {"tamper": True}),
        ("sensor fault", {"fault": True}),
        ("sensor fault recovered", {"fault": False}),
        ("smoke alarm", {"alarm": True}),
        ("alarm release", {"alarm": False}),
        ("low battery", {"battery_low": True}),
        ("water outage timeout alarm", {}),
        ("heartbeat", {}),
    ],
)
def test_a_text_of_several_words_is_told_apart(text: str, expected: dict[str, bool]) -> None:
    assert said(text) == expected


def test_a_test_press_is_no_alarm() -> None:
    found = values({"type": "smoke sensor", "event": "testing alarm with normal battery"})
    assert found["test"] is True
    assert "alarm" not in found


def test_a_contacts_alarm_is_a_time_limit() -> None:
    assert values({"DOOR_OPEN_STATUS": 1, "ALARM": 1}) == {"open": True, "extra.alarm": 1.0}


def test_a_passed_limit_is_not_what_the_fields_name_says() -> None:
    assert values({"door_alarm": "door open timeout alarm"}) == {"extra.door_alarm": True}
    assert values({"water_alarm": "water outage timeout alarm"}) == {"extra.water_alarm": True}


def test_a_concentration_of_one_is_no_alarm() -> None:
    assert "alarm" not in values({"ch4": 1, "gas": 1})


# --- kinds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"temperature": 20, "humidity": 50, "battery": 90}, "climate"),
        ({"temperature": 20, "magnet_status": "open"}, "contact"),
        ({"temperature": 20, "leakage_status": "normal"}, "water"),
        ({"angle_x": 1.0, "angle_y": 2.0}, "manhole"),
        ({"temperature": 20, "distance": 2116}, ""),
        ({"pir": "normal", "daylight": "dark"}, "infrared"),
        ({"pir": "trigger", "co2": 500, "temperature": 20}, "climate"),
        ({"type": "parking_status", "occupied": True}, ""),
        ({"battery": 90}, ""),
        ({"people_in": 4}, ""),
    ],
    ids=str,
)
def test_the_kind_is_what_the_device_is_for(fields: dict[str, Any], expected: str) -> None:
    assert kind(fields) == expected


def test_a_motion_sensor_alarms_and_an_air_monitor_does_not() -> None:
    assert values({"pir": "trigger"})["alarm"] is True
    assert "alarm" not in values({"pir": "trigger", "co2": 500})
    assert "alarm" not in values({"occupied": True})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Milesight EM300-MCS", ("milesight", "contact")),
        ("em300-mcs-868m", ("milesight", "contact")),
        ("Indoor climate", ("", "")),
        ("Front door sensor", ("", "contact")),
        ("烟感 NB", ("", "smoke")),
        ("3 号井盖", ("", "manhole")),
        ("aspirating", ("", "")),
    ],
)
def test_a_profiles_name_says_what_the_device_is_for(text: str, expected: tuple[str, str]) -> None:
    hints = hints_of((text,))
    assert (hints.maker, hints.purpose) == expected


def test_a_model_is_asked_for_with_and_without_its_maker() -> None:
    assert models_of(["Milesight EM300-MCS"]) == [
        ("Milesight", "EM300-MCS"),
        ("", "Milesight EM300-MCS"),
    ]
    assert models_of(["em300"]) == [("", "em300")]


# --- presses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"button_event": {"status": "short press"}},
        {"press": "long"},
        {"event": "button_pressed"},
        {"sos": True},
        {"sos_status": "emergency"},
        {"alarm": "sos"},
        {"alarm_type": "SOS"},
        {"status": "emergency"},
        {"key_status": "pressed"},
        {"trigger": "sos"},
        {"Device": "RB02I", "Alarm": 1},
    ],
    ids=str,
)
def test_a_press_is_an_alarm_that_no_message_will_end(fields: dict[str, Any]) -> None:
    decoded = read(fields)
    assert (decoded.kind, decoded.values["alarm"], decoded.pressed) == ("panic", True, True)


def test_a_thermometers_button_asks_for_a_report() -> None:
    decoded = read({"temperature": 20, "humidity": 40, "button": 1})
    assert decoded.values["extra.button"] == 1.0
    assert not decoded.pressed


def test_a_button_that_is_not_pressed_is_no_press() -> None:
    decoded = read({"button": 0, "battery": 90})
    assert (decoded.values["alarm"], decoded.pressed) == (False, False)


# --- earlier reports -------------------------------------------------------------------------------


def test_earlier_reports_keep_their_time_and_ring_nobody() -> None:
    history = [{"timestamp": 1665561758, "temperature": 27.2, "leakage_status": "leak"}]
    assert read({"history": history}).values == {}
    (one,) = past({"history": history})
    assert one.at == 1665561758 * 10**9
    assert one.values == {"temperature": 27.2, "extra.leak": True}


def test_a_list_without_times_is_numbered() -> None:
    found = values({"readings": [{"temperature": 20.5}, {"temperature": 21}], "options": ["None"]})
    assert found["temperature"] == 20.5
    assert found["extra.readings_2_temperature"] == 21.0


# --- any object --------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
NAMES = st.sampled_from(
    sorted(
        words_of(
            "battery temperature status alarm Volt distance history value unit pir timestamp"
            " event button angle_x level pressure type smoke"
        )
    )
) | st.text(string.printable, max_size=20)
OBJECTS = st.recursive(
    SCALARS | st.sampled_from(["open", "No Sensor", "22 ℃", "low battery", "leak", "kPa"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, OBJECTS, max_size=8))
@settings(max_examples=150, deadline=None)
def test_any_object_gives_values_of_our_types(fields: dict[str, Any]) -> None:
    decoded = read(fields, Wanted(depth=2.0))
    table = every_value_name()
    assert decoded.kind in KINDS or decoded.kind == ""
    for name, value in decoded.values.items():
        if name.startswith(EXTRA):
            assert type(value) in (float, bool, str)
        else:
            assert type(value) is table[name].type
    assert sum(name.startswith(EXTRA) for name in decoded.values) <= EXTRAS
    for each in past(fields):
        assert not any(value is True for name, value in each.values.items() if name in table)


def test_a_thousand_fields_cost_little() -> None:
    fields = {f"field {index}": {"deeper": [{"x": index}] * 50} for index in range(1_000)}
    started = time.process_time()
    decoded = read(fields)
    past(fields)
    assert time.process_time() - started < 0.5
    assert len(decoded.values) <= EXTRAS


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    polarity(text)
    said(text)
    with suppress(ValueError):
        measured(text)
