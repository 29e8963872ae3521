"""Built-in payload tables: what well-known devices send, worked by hand from the makers' manuals."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.mqtt.lorawan import tables
from drivers.mqtt.lorawan.tables import netvox

Case = tuple[str, str, int, str, dict[str, Any]]
REAL: dict[str, Case] = {
    # what a fire, a manhole, a door, a leak, a movement and a call for help look like
    "Netvox RA02A, fire": (
        "Netvox",
        "RA02A",
        6,
        "010a011e010104b0000000",
        {
            "Device": "RA02A",
            "Volt": 3.0,
            "FireAlarm": "Alarm",
            "HighTempAlarm": "Alarm",
            "Temp": 120.0,
        },
    ),
    "Netvox RA02A, no alarm, frost, low battery": (
        "netvox",
        "",
        6,
        "010a0197 00 00 ff9c 000000",
        {
            "Device": "RA02A",
            "Volt": "2.3(low battery)",
            "FireAlarm": "No Alarm",
            "HighTempAlarm": "No Alarm",
            "Temp": -10.0,
        },
    ),
    "Netvox RA02C, carbon monoxide": (
        "netvox",
        "ra02c",
        6,
        "0111011e01000000000000",
        {"Device": "RA02C", "Volt": 3.0, "COAlarm": "Alarm", "HighTempAlarm": "No Alarm"},
    ),
    "Netvox R718WA, leak": (
        "netvox",
        "r718wa",
        6,
        "0132012401000000000000",
        {"Device": "R718WA", "Volt": 3.6, "WaterLeak": "Leak"},
    ),
    "Netvox R718EA, tilt below zero": (
        "netvox",
        "r718ea",
        6,
        "019a0124f60a5a00c80000",
        {"Device": "R718EA", "Volt": 3.6, "AngleX": -10, "AngleY": 10, "AngleZ": 90, "Temp": 20.0},
    ),
    "Netvox R718E, vibration": (
        "netvox",
        "r718e",
        6,
        "011c0124803f00c0000000",
        {
            "Device": "R718E",
            "Volt": 3.6,
            "AccelerationX": 1.0,
            "AccelerationY": -2.0,
            "AccelerationZ": 0.0,
        },
    ),
    "Netvox R315, several sensors": (
        "netvox",
        "R315",
        6,
        "01d2012400030001ffff ff".replace(" ", ""),
        {
            "Device": "R315",
            "Volt": 3.6,
            "FunctionEnable": "11",
            "BinarySensorReport": "1",
            "Temp": "0xFFFF",
            "Humi": "0xFF",
        },
    ),
    "Milesight EM310-TILT, cover on its side": (
        "Milesight IoT",
        "EM310-TILT",
        85,
        "03CF0000000028 2307",
        {
            "angle_x": 0.0,
            "angle_y": 0.0,
            "angle_z": 90.0,
            "threshold_x": "trigger",
            "threshold_y": "trigger",
            "threshold_z": "trigger",
        },
    ),
    "Milesight EM400-MUD, tilted": (
        "milesight-iot",
        "EM400-MUD 868M",
        85,
        "01755C0367010104824408050001",
        {"battery": 92, "temperature": 25.7, "distance": 2116, "position": "tilt"},
    ),
    "Milesight EM400-MUD, alarm": (
        "",
        "Milesight EM400-MUD",
        85,
        "8367E800018482410601",
        {
            "temperature": 23.2,
            "temperature_alarm": "threshold_alarm",
            "distance": 1601,
            "distance_alarm": "threshold_alarm",
        },
    ),
    "Milesight EM500-SWL, 2 cm": (
        "milesight",
        "em500-swl",
        85,
        "01756403770200",
        {"battery": 100, "depth": 2},
    ),
    "Milesight EM500-SWL, sensor that does not answer": (
        "milesight",
        "em500-swl",
        85,
        "0175640377ffff",
        {"battery": 100},
    ),
    "Milesight WS202, somebody in the dark": (
        "milesight",
        "ws202",
        85,
        "017510030001040000",
        {"battery": 16, "pir": "trigger", "daylight": "dark"},
    ),
    "Milesight WS301, open and torn off": (
        "milesight",
        "ws301",
        85,
        "017564030001040001",
        {"battery": 100, "magnet_status": "open", "tamper_status": "uninstalled"},
    ),
    "Milesight GS101, gas": (
        "milesight",
        "gs101",
        85,
        "058e01060101070100",
        {"gas_status": "alarm", "valve_status": "on", "relay_output_status": "off"},
    ),
    "Milesight GS101, sensor fault": (
        "milesight",
        "gs101",
        85,
        "ff3f02",
        {"alarm": "device fault"},
    ),
    "Milesight WS101, long press": (
        "milesight",
        "ws101",
        85,
        "ff2e02",
        {"button_event": {"status": "long press"}},
    ),
    "Milesight EM410-RDL, no echo": (
        "milesight",
        "em410-rdl",
        85,
        "b482fdff02",
        {"event": [{"distance_exception": "no target"}]},
    ),
    "Milesight without a model in the table": (
        "milesight",
        "EM999",
        85,
        "017564036719010468 50",
        {"battery": 100, "temperature": 28.1, "humidity": 40.0},
    ),
    "Dragino LDS02, open door": (
        "dragino",
        "LDS02",
        10,
        "8b8801000003000010 00".replace(" ", ""),
        {
            "BAT_V": 2.952,
            "MOD": 1,
            "DOOR_OPEN_STATUS": 1,
            "DOOR_OPEN_TIMES": 3,
            "LAST_DOOR_OPEN_DURATION": 16,
            "ALARM": 0,
        },
    ),
    "Dragino LWL02, leak": (
        "dragino",
        "LWL02",
        10,
        "4b880200000100000500",
        {
            "BAT_V": 2.952,
            "MOD": 2,
            "WATER_LEAK_STATUS": 1,
            "WATER_LEAK_TIMES": 1,
            "LAST_WATER_LEAK_DURATION": 5,
        },
    ),
    "Dragino LDDS75-LB, no sensor": (
        "dragino",
        "DDS75-LB",
        2,
        "0d0a000000000001",
        {"Bat": 3.338, "Interrupt_flag": 0, "TempC_DS18B20": 0.0, "Sensor_flag": 1},
    ),
    "Dragino PB01, panic button": (
        "dragino",
        "PB01-L",
        2,
        "0cea0301ff9c0229",
        {
            "BatV": 3.306,
            "Sound_key": "OPEN",
            "Sound_ACK": "OPEN",
            "Alarm": "TRUE",
            "TempC_SHT41": -10.0,
            "Hum_SHT41": 55.3,
        },
    ),
    "Dragino LDS03A, stored events": (
        "dragino",
        "LDS03A",
        3,
        "03000001000000 00000000" + "00000002000005 65a0b1c2",
        {"DATALOG": "[TRUE,OPEN,1,0,1970-01-01 00:00:00],[FALSE,CLOSE,2,5,2024-01-12 03:28:02],"},
    ),
    "Browan TBMS100, motion": (
        "browan",
        "tbms100",
        102,
        "010b350500100000",
        {"status": 1, "battery": 3.6, "temperatureBoard": 21, "time": 5, "count": 16},
    ),
    "Browan board in the frost": (
        "browan",
        "tbpb100",
        147,
        "010b0a",
        {"status": 1, "battery": 3.6, "temperatureBoard": -22},
    ),
    "MerryIoT door, new firmware": (
        "browan",
        "MerryIoT DW10",
        120,
        "050f9cff1c0000d22500",
        {
            "open": 1,
            "button": 0,
            "tamper": 1,
            "tilt": 0,
            "battery_volt": 3.6,
            "temperature": -10.0,
            "humi": 28,
            "time": 0,
            "count": 9682,
        },
    ),
    "Dingtek DF702, fire in a bin": (
        "dingtek",
        "df702",
        3,
        "8000010211 06a4 00 e8 010a 11 11 000a 00 81",
        {
            "level": 1700,
            "temperature": -24,
            "angle": -10,
            "full": True,
            "fire": True,
            "tilt": True,
            "battery": True,
        },
    ),
    "Decentlab DL-MBX, level": (
        "decentlab",
        "DL-MBX",
        1,
        "0203ed000304d20003 0bb1",
        {
            "protocol_version": 2,
            "device_id": 1005,
            "distance": {"displayName": "Distance", "value": 1234, "unit": "mm"},
            "number_of_valid_samples": {"displayName": "Number of valid samples", "value": 3},
            "battery_voltage": {"displayName": "Battery voltage", "value": 2.993, "unit": "V"},
        },
    ),
    "ELSYS, every kind at once": (
        "elsys",
        "ERS Eye",
        5,
        "01ffce02500500 0702d0 1102 1201 0e07d0 0fff 19000a 19ff9c",
        {
            "temperature": -5.0,
            "humidity": 80,
            "motion": 0,
            "vdd": 720,
            "occupancy": 2,
            "waterleak": 1,
            "distance": 2000,
            "accMotion": 255,
            "externalTemperature2": [1.0, -10.0],
        },
    ),
    "Cayenne LPP": (
        "Cayenne LPP",
        "",
        1,
        "0367ffd7 050001 067104d2fb2e0000 018806765ff2960a0003e8",
        {
            "temperature_3": -4.1,
            "digital_in_5": 1,
            "accelerometer_6": {"x": 1.234, "y": -1.234, "z": 0.0},
            "gps_1": {"latitude": 42.3519, "longitude": -87.9094, "altitude": 10.0},
        },
    ),
    "Tektelic room sensor, leak": (
        "tektelic",
        "Smart Room Sensor",
        10,
        "00ff0138 0900ff 0a00ff 0c0001 0367ffce",
        {
            "battery_voltage": 3.12,
            "moisture": 255,
            "motion_event_state": 255,
            "impact_alarm": 1,
            "ambient_temperature": -5.0,
        },
    ),
    "Aqua-Scope, pipe check alarm": (
        "aquascope",
        "AQS",
        1,
        "0703000a0014 0b 01 02 0003 06130064",
        {
            "pc": "alarm",
            "diff": 10,
            "elevation": 20,
            "alarm_status": 1,
            "alarm_type": 2,
            "alarm_value": 3,
            "batterylevel": 100,
        },
    ),
    "MClimate flood": (
        "mclimate",
        "Flood Sensor",
        2,
        "42c814",
        {
            "reason": "floodDetected",
            "boxTamper": False,
            "flood": True,
            "battery": 3.2,
            "temperature": 20,
        },
    ),
    "Laird door": (
        "Laird Connectivity",
        "RS1xx",
        1,
        "090000010101",
        {
            "msgType": "Laird_Contact_Sensor",
            "options": ["None"],
            "operatingMode": "Door Sensor",
            "state": "Open",
            "alertCancellation": "True",
            "counter": 1,
        },
    ),
    "Nwave, long time": (
        "nwave",
        "nps405",
        1,
        "7f",
        {
            "type": "parking_status",
            "occupied": False,
            "previous_state_duration": 660,
            "previous_state_duration_overflow": True,
        },
    ),
    "Teneo, nothing within reach": (
        "teneo-iot",
        "filling-degree-sensor",
        2,
        "0b04",
        {
            "sensorType": "fillrate",
            "settingsAllowed": True,
            "charging": False,
            "valid": True,
            "battery": 3.1,
            "distance": -1,
        },
    ),
}


@pytest.mark.parametrize(("maker", "model", "port", "data", "expected"), REAL.values(), ids=REAL)
def test_a_real_payload_gives_the_makers_object(
    maker: str, model: str, port: int, data: str, expected: dict[str, Any]
) -> None:
    assert tables.decode(maker, model, port, bytes.fromhex(data)) == expected


def test_history_of_a_people_counter_is_read_in_both_lengths() -> None:
    data = bytes.fromhex("20ce7b3af164000b00040020ceff3df16401070002001d000800")
    found = tables.decode("milesight", "vs351", 85, data)
    assert found == {
        "history": [
            {"timestamp": 1693530747, "period_in": 11, "period_out": 4},
            {
                "timestamp": 1693531647,
                "period_in": 7,
                "period_out": 2,
                "total_in": 29,
                "total_out": 8,
            },
        ]
    }


# --- who is known -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("maker", "model"),
    [
        ("", ""),
        ("acme", "em300-th"),
        ("", "em300-th"),
        ("dragino", "ZZ99"),
        ("decentlab", "DL-XYZ"),
        ("tektelic", "TUNDRA"),
        ("browser", "x"),
    ],
)
def test_an_unknown_device_is_nobodys(maker: str, model: str) -> None:
    assert tables.decode(maker, model, 2, bytes.fromhex("0d0a07e900000001")) is None


def test_an_unknown_type_of_a_known_maker_is_nobodys() -> None:
    unknown = next(number for number in range(256) if number not in netvox.DEVICES)
    assert tables.decode("netvox", "", 6, bytes([1, unknown, 1, 30, 0, 0, 0, 0, 0, 0, 0])) is None


@pytest.mark.parametrize(
    ("maker", "model", "port", "data"),
    [
        ("netvox", "r311a", 42, "0102011e01000000000000"),
        ("netvox", "r311a", 6, "0102"),
        ("netvox", "r311a", 7, "ff02000000000000000000"),
        ("dragino", "ldds75", 42, "0d3b0aef00000001"),
        ("dragino", "ldds75", 2, "0d3b0aef"),
        ("browan", "tbdw100", 42, "01"),
        ("decentlab", "dl-mbx", 1, "0303ed0003"),
        ("ellenex", "pls2-l", 15, "01820012fc096b"),
        ("milesight", "ws301", 85, "0300"),
        ("milesight", "gs524n", 85, "22"),
        ("cayenne", "", 1, "01ff00"),
        ("milesight", "ws301", 85, ""),
    ],
)
def test_what_a_known_device_does_not_send_is_refused_with_a_reason(
    maker: str, model: str, port: int, data: str
) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        tables.decode(maker, model, port, bytes.fromhex(data))
