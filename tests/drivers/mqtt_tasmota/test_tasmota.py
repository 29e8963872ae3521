"""The tasmota dialect on its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers._momentary import Momentary
from drivers.mqtt.decode import Filter, Publish
from drivers.mqtt.dialects.tasmota.dialect import Dialect
from drivers.mqtt.dialects.tasmota.options import Options
from drivers.mqtt.dialects.tasmota.simulator import MESSAGES, OPTIONS
from gateway.model import DeviceSeen, Reading, Undecodable
from tests.drivers.mqtt_tasmota.speaker import Speaker, huge, payloads

BOARD = {
    "dn": "Pump room",
    "mac": "00000049A3BC",
    "md": "Sonoff Basic",
    "ofln": "Weg",
    "onln": "Da",
    "state": ["AUS", "AN", "TOGGLE", "HOLD"],
    "sw": "8.4.0.2",
    "t": "tasmota_49A3BC",
    "ft": "site/%topic%/x/%prefix%/",
    "tp": ["cmnd", "stat", "tele"],
}


def speaker(**options: Any) -> Speaker:
    return Speaker(Dialect(Options.model_validate(options)))


def inputs(**named: Any) -> dict[str, Any]:
    return {"inputs": {"box": named}}


def sensor(fields: dict[str, Any], **options: Any) -> Reading:
    return speaker(**options).reads("tele/box/SENSOR", fields)


# --- sensors ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "kind", "expected"),
    [
        ({"DS18B20": {"Id": "01131B", "Temperature": -12.4}}, "climate", {"temperature": -12.4}),
        (
            {"AM2301": {"Temperature": 0, "Humidity": 0}},
            "climate",
            {"temperature": 0, "humidity": 0},
        ),
        ({"BME280": {"Temperature": 70.0}, "TempUnit": "F"}, "climate", {"temperature": 21.111}),
        ({"SCD40": {"CarbonDioxide": 618, "eCO2": 1}}, "climate", {"co2": 618}),
        ({"PMS5003": {"PM2.5": 12}}, "climate", {"pm2_5": 12}),
        ({"ENERGY": {"Power": 9, "Voltage": 227, "Current": 0.04}}, "power", None),
        ({"ENERGY": {"Power": [3, 4]}}, "power", {"power": 7}),
        ({"POWER": "ON"}, "power", {"on": True}),
        ({"DS18B20": {"Temperature": None}, "AM2301": {"Humidity": 7}}, "climate", {"humidity": 7}),
    ],
)
def test_sensors_become_values(
    fields: dict[str, Any], kind: str, expected: dict[str, Any] | None
) -> None:
    reading = sensor({"Time": "2026-11-22T08:30:00", **fields})
    assert reading.kind == kind
    known = {name: v for name, v in reading.values.items() if not name.startswith("extra.")}
    assert known == (expected or {"power": 9.0, "voltage": 227.0, "current": 0.04})


def test_gas_sensor_s_number_is_no_alarm() -> None:
    reading = sensor({"ANALOG": {"MQ2": 812.5}})
    assert (reading.kind, reading.values) == ("", {"extra.ANALOG_MQ2": 812.5})


def test_second_sensor_never_becomes_the_first() -> None:
    reading = sensor({"DS18B20-1": {"Temperature": None}, "DS18B20-2": {"Temperature": 20.5}})
    assert reading.values == {"extra.DS18B20-2_Temperature": 20.5}


def test_pressure_comes_in_hectopascal() -> None:
    reading = sensor({"BMP280": {"Pressure": 750.06}, "PressureUnit": "mmHg"})
    assert reading.values["extra.BMP280_Pressure"] == pytest.approx(1000.0, abs=0.1)


def test_bare_nan_hides_nothing() -> None:
    payload = b'{"Time":"2026-11-22T08:30:00","Switch1":"ON","DS18B20":{"Temperature":nan}}'
    assert speaker().reads("tele/box/SENSOR", payload).values == {"extra.Switch1": True}


def test_missing_brace_is_mended_and_said() -> None:
    payload = b'{"Time":"x","Wifi":{"RSSI":"82","Signal":"-58"}'
    items = speaker().items("tele/box/STATE", payload)
    assert isinstance(items[0], Reading)
    assert items[0].values == {"link": 82.0, "rssi": -58.0}
    assert isinstance(items[1], Undecodable)
    assert "brace" in items[1].reason


def test_cut_off_payload_is_not_mended() -> None:
    assert speaker().items("tele/box/SENSOR", b'{"AM2301":{"Temperature":2')[0].reason  # type: ignore[union-attr]


def test_wrong_field_hides_no_good_one() -> None:
    items = speaker().items("tele/box/SENSOR", {"AM2301": {"Temperature": "hot", "Humidity": 41}})
    assert isinstance(items[0], Reading)
    assert items[0].values == {"humidity": 41.0}
    assert isinstance(items[1], Undecodable)
    assert "temperature" in items[1].reason


def test_bluetooth_sensor_is_a_device_of_its_own() -> None:
    reading = speaker().reads(
        "tele/box/SENSOR", {"LYWSD02-a2fd09": {"Temperature": 3, "Battery": 2}}
    )
    assert (reading.device, reading.values) == (
        "box/LYWSD02-a2fd09",
        {"temperature": 3.0, "battery": 2.0},
    )


# --- time ---------------------------------------------------------------------------------


def test_local_time_is_no_time() -> None:
    assert sensor({"Time": "2026-11-22T08:30:00", "Switch1": "ON"}).observed_at is None


@pytest.mark.parametrize(
    ("time", "zone"),
    [
        ("2026-11-22T08:30:00", "+08:00"),
        ("2026.11.22 08:30:00", "+08:00"),
        ("2026-11-22T08:30:00+08:00", ""),
        ("2026-11-22T00:30:00Z", ""),
    ],
)
def test_time_with_a_zone_is_believed(time: str, zone: str) -> None:
    reading = sensor({"Time": time, "Switch1": "ON"}, zone=zone)
    assert reading.observed_at == 1_795_307_400 * 10**9


def test_contact_that_moves_twice_in_one_second_is_no_repeat() -> None:
    bench = speaker(zone="+08:00", inputs={"box": {"Switch1": {"value": "open"}}})
    said = {"Time": "2026-11-22T08:30:00", "Switch1": "ON"}
    first, again = bench.reads("tele/box/SENSOR", said), bench.reads("tele/box/SENSOR", said)
    assert first.key == again.key == ""


@pytest.mark.parametrize(("dslp", "said"), [(0, 1), (300, 0)])
def test_board_in_deep_sleep_is_not_lost(dslp: int, said: int) -> None:
    bench = speaker()
    bench.out("tasmota/discovery/00000049A3BC/config", {**BOARD, "dslp": dslp})
    lwt = "site/tasmota_49A3BC/x/tele/LWT"
    assert len(bench.items(lwt, "Weg", retained=True)) == said
    assert bench.reads(lwt, "Da", retained=True).values == {"extra.online": True}


@pytest.mark.parametrize("fields", [{"Time": "1970-01-01T00:00:12"}, {"Epoch": 12}])
def test_clock_that_nobody_set_is_not_believed(fields: dict[str, Any]) -> None:
    assert sensor({**fields, "Switch1": "ON"}, zone="+08:00").observed_at is None


def test_kinds_outside_the_order_of_urgency_are_taken() -> None:
    inputs = {
        "box": {
            "Switch1": {"value": "alarm", "kind": "smoke"},
            "Switch2": {"value": "fault", "kind": "panel"},
        }
    }
    values = speaker(inputs=inputs).values("tele/box/SENSOR", {"Switch1": "ON", "Switch2": "ON"})
    assert values == {"alarm": True, "fault": True}


def test_retained_press_is_history() -> None:
    pressed = {"value": "alarm", "kind": "panic", "hold": "1m"}
    bench = speaker(inputs={"box": {"Button1": pressed, "Switch2": {"value": "open"}}})
    assert bench.items("stat/box/RESULT", {"Button1": {"Action": "ON"}}, retained=True) == []
    assert bench.reads("stat/box/RESULT", {"Switch2": "ON"}, retained=True).values["open"] is True


@pytest.mark.parametrize("code", ["7028D2", "0x7028D2", "0X7028d2"])
def test_radio_code_is_read_with_and_without_its_prefix(code: str) -> None:
    wired = {"value": "alarm", "kind": "smoke", "device": "attic", "hold": "1m"}
    bench = speaker(inputs={"*": {"RfReceived.7028D2": wired}})
    (item,) = bench.out("tele/rf/RESULT", {"RfReceived": {"Data": code}})
    assert isinstance(item, Momentary)
    assert item.reading.device == "rf/attic"


def test_radio_code_without_an_end_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs hold"):
        Options.model_validate({"inputs": {"*": {"RfReceived.7028D2": {"value": "alarm"}}}})


@pytest.mark.parametrize("topic", ["a\x00b", "a\x07b", "a\ud800b", "a/+/b"])
def test_announced_topic_that_a_broker_would_not_take_is_refused(topic: str) -> None:
    bench = speaker()
    items = bench.out("tasmota/discovery/00000049A3BC/config", json.dumps({**BOARD, "t": topic}))
    assert not any(isinstance(item, Filter) for item in items)


def test_board_that_announces_ever_other_topics_is_bounded() -> None:
    bench = speaker()
    for index in range(12_000):
        bench.out("tasmota/discovery/0000/config", {**BOARD, "ft": f"x{index}/%topic%/%prefix%/"})
    (dialect,) = bench.router._dialects
    assert len(dialect.filters(1)) <= 10_010


def test_wrong_time_hides_nothing() -> None:
    items = speaker(zone="+08:00").items("tele/box/SENSOR", {"Time": "soon", "Switch1": "ON"})
    assert isinstance(items[0], Reading)
    assert isinstance(items[1], Undecodable)


# --- inputs -------------------------------------------------------------------------------

FORMS = [
    ("tele/box/SENSOR", {"Time": "x", "Switch1": "ON"}),
    ("stat/box/RESULT", {"Switch1": {"Action": "ON"}}),
    ("stat/box/SWITCH1", {"STATE": "ON"}),
    ("stat/box/SWITCH1", "ON"),
    ("stat/box/STATUS8", {"StatusSNS": {"Switch1": "ON"}}),
    ("stat/box/STATUS10", {"StatusSNS": {"Time": "x", "Switch1": "ON"}}),
    ("box/stat/RESULT", {"Switch1": "ON"}),
]


@pytest.mark.parametrize(("topic", "payload"), FORMS)
def test_declared_switch_is_an_alarm_in_every_form(topic: str, payload: object) -> None:
    bench = speaker(**inputs(Switch1={"value": "alarm", "kind": "smoke"}))
    reading = bench.reads(topic, payload)
    assert (reading.device, reading.kind, reading.values) == ("box", "smoke", {"alarm": True})


@pytest.mark.parametrize(("topic", "payload"), FORMS)
def test_undeclared_switch_is_no_alarm(topic: str, payload: object) -> None:
    reading = speaker().reads(topic, payload)
    assert (reading.kind, reading.values) == ("", {"extra.Switch1": True})


def test_inverted_input_alarms_when_off() -> None:
    bench = speaker(**inputs(Switch1={"value": "alarm", "kind": "smoke", "invert": True}))
    assert bench.values("tele/box/SENSOR", {"Switch1": "OFF"}) == {"alarm": True}
    assert bench.values("tele/box/SENSOR", {"Switch1": "ON"}) == {"alarm": False}


def test_two_doors_on_one_board_are_two_devices() -> None:
    door = {"value": "open", "kind": "contact"}
    bench = speaker(**inputs(Switch1=door | {"device": "front"}, Switch2=door | {"device": "back"}))
    items = bench.items("tele/box/SENSOR", {"Switch1": "ON", "Switch2": "OFF"})
    found = [(item.device, item.values) for item in items if isinstance(item, Reading)]
    assert found == [("box/front", {"open": True}), ("box/back", {"open": False})]


def test_button_s_press_ends_by_itself() -> None:
    help_ = {"value": "alarm", "kind": "panic", "true": ["HOLD"], "hold": "30s"}
    (item,) = speaker(**inputs(Button1=help_)).out(
        "stat/box/RESULT", {"Button1": {"Action": "HOLD"}}
    )
    assert isinstance(item, Momentary)
    assert (item.names, item.hold, item.reading.kind) == (("alarm",), 30.0, "panic")
    bench = speaker(**inputs(Button1=help_))
    assert bench.out("stat/box/RESULT", {"Button1": {"Action": "SINGLE"}}) == []


@pytest.mark.parametrize(
    ("name", "topic", "payload"),
    [
        ("PIR1", "stat/box/PIR1", "ON"),
        ("MCP230XX.D0", "tele/box/SENSOR", {"MCP230XX": {"D0": 1, "D1": 0}}),
        ("MCP230XX.D0", "stat/box/RESULT", {"MCP230XX_INT": {"D0": 1, "MS": 301}}),
        ("PCF8574-1.D1", "stat/box/PCF8574_INP", {"PCF8574-1_INP": {"D1": 1}}),
        ("MCP230XX_INT.D0", "stat/box/RESULT", {"MCP230XX_INT": {"D0": 1, "MS": 301}}),
        ("POWER2", "stat/box/POWER2", "ON"),
        ("POWER2", "stat/box/RESULT", {"POWER2": "ON"}),
    ],
)
def test_anything_named_can_be_an_input(name: str, topic: str, payload: object) -> None:
    bench = speaker(**inputs(**{name: {"value": "tamper"}}))
    assert bench.values(topic, payload) == {"tamper": True}


def test_declared_radio_code_is_an_event() -> None:
    bench = speaker(**inputs(**{"RfReceived.7028D2": {"value": "alarm", "hold": "1m"}}))
    (item,) = bench.out("tele/box/RESULT", {"RfReceived": {"Data": "7028D2", "RfKey": "None"}})
    assert isinstance(item, Momentary)
    assert bench.out("tele/box/RESULT", {"RfReceived": {"Data": "7028D3"}}) == []


def test_neither_on_nor_off_is_said() -> None:
    bench = speaker(**inputs(Switch1={"value": "alarm"}))
    assert "Switch1" in bench.wrong("tele/box/SENSOR", {"Switch1": "TOGGLE"})


def test_answers_of_commands_are_no_readings() -> None:
    assert speaker().items("stat/box/RESULT", {"Event": "Done", "Temperature": 3}) == []


# --- life, discovery ------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "online"), [("Online", True), ("Offline", False)])
def test_last_will_is_online(word: str, online: bool) -> None:
    reading = speaker().reads("tele/box/LWT", word, retained=True)
    assert (reading.values, reading.retained) == ({"extra.online": online}, True)


def test_board_that_came_online_is_asked_for_its_state() -> None:
    asked = [each for each in speaker().out("box/tele/LWT", "Online") if isinstance(each, Publish)]
    assert asked == [Publish("box/cmnd/STATUS", b"10"), Publish("box/cmnd/STATUS", b"8")]
    assert not any(isinstance(e, Publish) for e in speaker(ask=False).out("tele/b/LWT", "Online"))


def test_discovery_tells_topic_words_and_model() -> None:
    bench = speaker()
    seen, tele, stat = bench.out("tasmota/discovery/00000049A3BC/config", BOARD, retained=True)
    assert seen == DeviceSeen("tasmota_49A3BC", "", "Sonoff Basic (8.4.0.2)", "Pump room")
    assert isinstance(tele, Filter)
    assert tele.topic == "site/tasmota_49A3BC/x/tele/#"
    assert isinstance(stat, Filter)
    assert bench.values("site/tasmota_49A3BC/x/stat/POWER", "AN") == {"on": True}
    assert bench.reads("site/tasmota_49A3BC/x/tele/LWT", "Weg").values == {"extra.online": False}
    assert bench.out("tasmota/discovery/00000049A3BC/config", BOARD) == []


def test_announced_topics_are_among_the_filters() -> None:
    dialect = Dialect(Options())
    Speaker(dialect).out("tasmota/discovery/00000049A3BC/config", BOARD)
    assert Filter("site/tasmota_49A3BC/x/tele/#", 1) in dialect.filters(1)


def test_announcement_without_topic_is_refused() -> None:
    assert "topic" in speaker().wrong("tasmota/discovery/0/config", {"t": "x"})


def test_info_tells_module_and_version() -> None:
    (seen,) = speaker().items("tele/box/INFO1", {"Info1": {"Module": "Generic", "Version": "14.2"}})
    assert seen == DeviceSeen("box", "", "Generic 14.2")


@pytest.mark.parametrize("topic", ["cmnd/box/POWER", "other/topic", "tele/box", "a/b/c/d/e"])
def test_other_topics_are_not_ours(topic: str) -> None:
    assert Dialect(Options()).plan(topic) is None


# --- Zigbee bridge ------------------------------------------------------------------------


def zigbee(options: dict[str, Any] | None = None, **fields: Any) -> Reading:
    message = {"ZbReceived": {"0x8F20": {"Device": "0x8F20", "Name": "hall", **fields}}}
    return speaker(**(options or {})).reads("tele/Zb/SENSOR", message)


@pytest.mark.parametrize(
    ("fields", "kind", "expected"),
    [
        ({"Contact": 1}, "contact", {"open": True}),
        ({"Contact": 0}, "contact", {"open": False}),
        ({"Occupancy": 1}, "infrared", {"occupied": True, "alarm": True}),
        ({"Fire": 1}, "smoke", {"alarm": True}),
        ({"Water": 1}, "water", {"leak": True}),
        ({"CO": 1}, "co", {"alarm": True}),
        ({"Temperature": -3.5, "Battery": 98}, "climate", {"temperature": -3.5, "battery": 98.0}),
        ({"LinkQuality": 255}, "", {"link": 100.0}),
        ({"Power": 1}, "power", {"on": True}),
    ],
)
def test_zigbee_attributes(fields: dict[str, Any], kind: str, expected: dict[str, Any]) -> None:
    reading = zigbee(**fields)
    assert (reading.device, reading.kind, reading.values) == ("Zb/hall", kind, expected)


CLEAR = {"tamper": False, "battery_low": False, "fault": False, "test": False}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x000, {"alarm": False}),
        (0x001, {"alarm": True}),
        (0x002, {"alarm": True}),
        (0x004, {"alarm": False, "tamper": True}),
        (0x008, {"alarm": False, "battery_low": True}),
        (0x040, {"alarm": False, "fault": True}),
        (0x101, {"alarm": False, "test": True}),
    ],
)
def test_zone_status_bits_are_kept_apart(status: int, expected: dict[str, Any]) -> None:
    assert zigbee(ZoneStatus=status).values == CLEAR | expected


def test_raw_zone_frame_of_a_declared_kind() -> None:
    options = {"zones": {"Zb/hall": "water"}}
    assert zigbee(options, **{"0500!00": "010000FF0000"}).values == CLEAR | {"leak": True}
    assert zigbee(options, **{"0500!00": "000000FF0000"}).values == CLEAR | {"leak": False}


def test_one_topic_per_zigbee_device_has_the_same_address() -> None:
    message = {"ZbReceived": {"0x5ADF": {"Water": 0}}}
    one = speaker().reads("tele/Zb/5ADF/SENSOR", message)
    assert one.device == speaker().reads("tele/Zb/SENSOR", message).device == "Zb/0x5ADF"


def test_zigbee_without_devices_is_refused() -> None:
    assert "no device" in speaker().wrong("tele/Zb/SENSOR", {"ZbReceived": 7})


# --- options ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"topics": ["%topic%/tele/"]},
        {"topics": ["%prefix%/%topik%/"]},
        {"zone": "Asia/Shanghai"},
        {"inputs": {"box": {"Switch1": {"value": "temperature"}}}},
        {"inputs": {"box": {"Switch1": {"value": "alarmm"}}}},
        {"inputs": {"box": {"Switch1": {"value": "alarm", "kind": "smok"}}}},
        {"zones": {"Zb/hall": "leak"}},
        {"inputs": {"box": {"Switch1": {"value": "alarm"}, "Switch2": {"value": "alarm"}}}},
        {"inputs": {"*": {"Switch1": {"value": "alarm"}}, "box": {"PIR1": {"value": "alarm"}}}},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)


# --- any bytes ------------------------------------------------------------------------------

NAMES = (
    "Time", "Epoch", "Switch1", "POWER", "ENERGY", "Power", "Temperature", "TempUnit", "StatusSNS",
    "ZbReceived", "0x8F20", "ZoneStatus", "0500!00", "Name", "Wifi", "Button1", "Action", "t", "ft",
    "tp", "state", "ZbState", "IEEEAddr", "ShortAddr", "LYWSD02-a2fd09",
)  # fmt: skip
TOPICS = (
    "tele/box/SENSOR", "tele/box/STATE", "tele/box/LWT", "tele/box/INFO1", "stat/box/RESULT",
    "stat/box/POWER1", "stat/box/SWITCH1", "stat/box/STATUS8", "stat/box/PIR1", "box/tele/SENSOR",
    "tasmota/discovery/0000/config",
)  # fmt: skip
BENCH = speaker(
    zone="+08:00",
    inputs={"*": {"Switch1": {"value": "alarm"}, "Button1": {"value": "test", "hold": "1s"}}},
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TOPICS), payloads(NAMES))
def test_any_bytes_give_items_or_a_reason(topic: str, payload: bytes) -> None:
    BENCH.survives(topic, payload)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MESSAGES), st.data())
def test_mutated_messages_give_items_or_a_reason(said: Any, data: st.DataObject) -> None:
    raw = bytearray(said.payload.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    speaker(**OPTIONS).survives(said.topic, bytes(raw))


def test_huge_messages_are_bounded_in_time_and_items() -> None:
    for payload in huge(NAMES):
        for topic in TOPICS:
            BENCH.survives(topic, payload)
