"""The rtl_433 dialect on its own; messages in the forms of many makes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers._momentary import Momentary
from drivers.mqtt.decode import Filter
from drivers.mqtt.dialects.rtl_433.dialect import Dialect
from drivers.mqtt.dialects.rtl_433.options import Options
from drivers.mqtt.dialects.rtl_433.simulator import MESSAGES
from drivers.mqtt.dialects.rtl_433.words import meaning_of
from gateway.model import Reading, Undecodable
from tests.drivers.mqtt_tasmota.speaker import Speaker, huge, mutated, payloads

TOPIC = "rtl_433/radio/events"


def speaker(**options: Any) -> Speaker:
    return Speaker(Dialect(Options.model_validate(options)))


def known(model: str, **fields: Any) -> dict[str, Any]:
    message = {"time": "@0.5s", "model": model, "id": 7, **fields}
    return speaker().values(TOPIC, message)


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        ("Any-Door", {"state": "open"}, {"open": True}),
        ("Any-Door", {"state": "closed"}, {"open": False}),
        ("Any-Door", {"closed": 1}, {"open": False}),
        ("Any-Door", {"contact_open": 0, "reed_open": 1}, {"open": False}),
        ("Any-Security", {"state": "close"}, {"open": False}),
        ("X10-Security", {"event": "DS10A DOOR/WINDOW OPEN"}, {"open": True}),
        ("X10 Security", {"event": "MS10A MOTION TRIPPED"}, {"occupied": True, "alarm": True}),
        ("X10 Security", {"event": "MS10A MOTION READY"}, {"occupied": False, "alarm": False}),
        ("X10 Security", {"event": "KR15A PANIC"}, {"alarm": True}),
        ("SimpliSafe Sensor", {"state": 2, "extradata": "Contact Closed"}, {"open": False}),
        ("SimpliSafe Sensor", {"state": 3, "extradata": "Alarm Off"}, {"alarm": False}),
        ("Govee-Water", {"event": "Water Leak"}, {"leak": True}),
        ("Govee-Water", {"event": "Battery Report", "battery_ok": 0.59}, {"battery": 59.0}),
        ("Bresser-Leakage", {"alarm": 1, "battery_ok": 1}, {"leak": True, "battery_low": False}),
        ("Kerui-Security", {"cmd": 10, "state": "motion"}, {"occupied": True, "alarm": True}),
        ("Kerui-Security", {"cmd": 11, "state": "tamper"}, {"tamper": True}),
        ("Kerui-Security", {"cmd": 15, "state": "battery"}, {"battery_low": True}),
        ("Kerui-Security", {"cmd": 5, "water": 1, "state": "water"}, {"leak": True}),
        ("Kerui-Security", {"cmd": 5, "state": "water"}, {"leak": True}),
        ("Fineoffset-WH55", {"alarm": 1, "battery_ok": 1.2}, {"leak": True, "battery": 100.0}),
        ("Any-Leak", {"leak": 0, "alarm": 1}, {"leak": True}),
        ("Risco", {"motion": 1, "battery_ok": 0}, {"occupied": True, "alarm": True, "battery_low": True}),
        ("Skylink-Motion", {"motion": "true"}, {"occupied": True, "alarm": True}),
        ("Visonic-Powercode", {"alarm": 0, "tamper": 1}, {"alarm": False, "tamper": True}),
        ("Chuango-Security", {"cmd": "Test", "cmd_id": 0}, {"test": True}),
        ("Chuango-Security", {"cmd": "Low Battery"}, {"battery_low": True}),
        ("Cavius", {"text": "Fire alarm", "message": 32}, {"alarm": True}),
        ("Cavius", {"text": "Alarm muted"}, {"muted": True}),
        ("Cavius", {"text": "Test alarm"}, {"test": True}),
        ("Cavius", {"text": "Warning/Water detected"}, {"leak": True}),
        ("Old-Thermo", {"battery": "LOW", "temperature_C": -7.5}, {"battery_low": True, "temperature": -7.5}),
        ("New-Thermo", {"temperature_F": 68.0, "humidity": 0}, {"temperature": 20.0, "humidity": 0.0}),
        ("LaCrosse", {"temperature_C": 3.0, "test": "No"}, {"temperature": 3.0, "test": False}),
        ("Honeywell-ActivLink", {"subtype": "Contact", "open": -1, "tampered": 1}, {"tamper": True}),
    ],
)  # fmt: skip
def test_fields_and_words_of_many_makes(
    model: str, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert known(model, **fields) == expected


def test_bare_smoke_message_is_the_event_and_learning_is_a_test() -> None:
    (item,) = speaker().out(TOPIC, {"model": "Smoke-GS558", "id": 3, "unit": 12, "learn": 0})
    assert isinstance(item, Momentary)
    assert item.reading.values["alarm"] is True
    learned = known("Smoke-GS558", unit=12, learn=1)
    assert learned == {"test": True}


def test_smoke_detector_s_sign_of_life_is_no_fire() -> None:
    assert known("Smoke-X", battery_ok=1) == {"battery_low": False}
    assert "alarm" not in known("Smoke-X", heartbeat=1, battery_ok=1)


def test_motion_sensor_that_tells_of_its_battery_only_has_moved() -> None:
    moved = known("Honeywell-ActivLink", subtype="PIR-Motion", battery_ok=1, alert="Normal")
    assert moved == {"occupied": True, "alarm": True, "battery_low": False}


def test_declared_kind_corrects_what_the_radio_guessed() -> None:
    bench = speaker(kinds={"Smoke-GS558/13028/18": "infrared"})
    message = {"model": "Smoke-GS558", "id": 13028, "unit": 18, "learn": 0}
    reading = bench.reads(TOPIC, message)
    assert reading.kind == "infrared"
    assert reading.values["occupied"] is True


@pytest.mark.parametrize("name", ["alarm", "occupied"])
def test_event_without_an_end_is_momentary(name: str) -> None:
    message = {"model": "Generic-Motion", "code": "800c2"}
    (item,) = speaker(hold="90s").out(TOPIC, message)
    assert isinstance(item, Momentary)
    assert name in item.names
    assert item.hold == 90.0


def test_door_says_its_end_itself_but_for_the_makes_that_do_not() -> None:
    (door,) = speaker().out(TOPIC, {"model": "Cavius-Door", "id": "x", "state": "open"})
    assert isinstance(door, Reading)
    (govee,) = speaker().out(TOPIC, {"model": "Govee-Contact", "id": 1, "event": "Open"})
    assert isinstance(govee, Momentary)


def test_retained_event_is_history_and_a_retained_state_is_not() -> None:
    message = {"model": "Generic-Motion", "code": "800c2"}
    assert speaker().out(TOPIC, message, retained=True) == []
    door = {"model": "Any-Door", "id": 1, "state": "open", "motion": 1}
    (item,) = speaker().out(TOPIC, door, retained=True)
    assert isinstance(item, Reading)
    assert item.retained
    assert item.values["open"] is True
    assert "alarm" not in item.values


DECLARED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("smoke", {"state": "open", "contact_open": 1, "alarm": 0}, {"alarm": True}),
    ("smoke", {"state": "closed", "contact_open": 0, "alarm": 0}, {"alarm": False}),
    ("water", {"closed": 0}, {"leak": True}),
    ("contact", {"alarm": 1, "restore": 1}, {"open": True}),
    ("contact", {"alarm": 0, "restore": 1}, {"open": False}),
    ("contact", {"state": "ON", "group": 0}, {"open": True}),
    ("contact", {"state": "OFF", "group": 0}, {"open": False}),
    ("infrared", {"state": "ON"}, {"occupied": True, "alarm": True}),
    ("infrared", {"alarm": 1}, {"occupied": True, "alarm": True}),
    ("panic", {"cmd": 5, "tristate": "00ZZ"}, {"alarm": True}),
    ("smoke", {"cmd": 5, "rssi": -3.2}, {"alarm": True}),
    ("smoke", {"cmd": 5, "battery_ok": 1}, {"battery_low": False}),
    ("smoke", {"cmd": 5, "heartbeat": 1}, {}),
    ("water", {"event": "Button Press"}, {}),
    ("water", {"tamper": 1}, {"tamper": True}),
    ("climate", {"temperature_C": -3.5, "cmd": 1}, {"temperature": -3.5}),
]


@pytest.mark.parametrize(("kind", "fields", "expected"), DECLARED)
def test_declared_kind_says_what_the_make_s_own_words_are_for(
    kind: str, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    bench = speaker(kinds={"Any-Make/7": kind})
    message = {"model": "Any-Make", "id": 7, **fields}
    assert bench.values(TOPIC, message) == expected


@pytest.mark.parametrize("kind", ["infrared", "panic"])
def test_alarm_of_a_declared_detector_that_never_restores_ends(kind: str) -> None:
    (item,) = speaker(kinds={"V/7": kind}).out(TOPIC, {"model": "V", "id": 7, "alarm": 1})
    assert isinstance(item, Momentary)


def test_how_a_message_was_received_hides_no_bare_alarm() -> None:
    reception = {"mod": "ASK", "freq": 433.9, "rssi": -0.1, "snr": 30.0, "noise": -30.1, "tag": "a"}
    message = {"model": "Smoke-GS558", "id": 3, "unit": 12, "learn": 0, **reception}
    (item,) = speaker().out(TOPIC, message)
    assert isinstance(item, Momentary)
    assert item.reading.values["extra.rssi_dB"] == -0.1


def test_clock_that_nobody_set_is_not_believed() -> None:
    message = {"time": "1970-01-01T00:00:30Z", "model": "X", "id": 1, "open": 1}
    reading = speaker().reads(TOPIC, message)
    assert (reading.observed_at, reading.key) == (None, "")


@pytest.mark.parametrize("code", ["80008", "80042"])
def test_ping_and_arming_are_no_motion(code: str) -> None:
    values = speaker().values(TOPIC, {"model": "Generic-Motion", "code": code})
    assert values == {"occupied": False, "alarm": False}


def interlogix(subtype: str, *switches: int, raw: str = "000000") -> dict[str, Any]:
    states = {f"switch{i}": ("CLOSED", "OPEN")[open_] for i, open_ in enumerate(switches, 1)}
    return known("Interlogix-Security", subtype=subtype, raw_message=raw, **states)


def test_interlogix_switches_by_type() -> None:
    assert interlogix("contact", 1, 1, 0, 1, 1) == {"open": True, "tamper": False}
    assert interlogix("contact", 0, 1, 1, 1, 1) == {"open": False, "tamper": True}
    moved = {"occupied": True, "alarm": True, "tamper": False}
    assert interlogix("motion", 0, 1, 0, 1, 1, raw="e91520") == moved
    still = {"occupied": False, "alarm": False, "tamper": False}
    assert interlogix("motion", 0, 1, 0, 1, 1, raw="c1152c") == still
    fire = {"alarm": True, "test": False, "tamper": False}
    assert interlogix("smoke", 1, 1, 1, 0, 0) == fire


def test_yale_events() -> None:
    assert known("Yale-HSA", stype="ac", state="10", event="01") == {"open": True}
    assert known("Yale-HSA", stype=21, state=48, event=1) == {"occupied": True, "alarm": True}
    released = {"tamper": True, "battery_low": False}
    assert known("Yale-HSA", stype=172, state=18, event=4) == released


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({"model": "A-B", "channel": 10, "id": 73942}, "A-B/10/73942"),
        ({"model": "A B/+#", "id": "4a"}, "A_B___/4a"),
        ({"model": "S", "device": "1JV7T"}, "S/1JV7T"),
        ({"model": "P", "subtype": "smoke", "id": "29cd45"}, "P/smoke/29cd45"),
        ({"model": "G", "id": 0, "unit": 0}, "G/0/0"),
        ({"model": "E", "code": "8a3c1f"}, "E/8a3c1f"),
        ({"netid": 1, "senderid": 17, "text": "Test alarm"}, "17"),
    ],
)
def test_address_is_what_rtl_433_calls_the_device(fields: dict[str, Any], address: str) -> None:
    assert speaker().reads(TOPIC, {"temperature_C": 1.5, **fields}).device == address


def test_nobody_is_refused_and_tyres_are_left_out() -> None:
    assert "no model" in speaker().wrong(TOPIC, {"temperature_C": 21.0})
    tyre = {"type": "TPMS", "model": "Ford", "id": "a1", "pressure_PSI": 30}
    assert speaker().items(TOPIC, tyre) == []


def test_wrong_field_hides_no_good_one() -> None:
    message = {"model": "Any", "id": 1, "alarm": "perhaps", "tamper": 1, "battery_ok": 7}
    items = speaker().items(TOPIC, message)
    assert isinstance(items[0], Reading)
    assert items[0].values == {"tamper": True}
    assert isinstance(items[1], Undecodable)
    assert "alarm" in items[1].reason
    assert "battery_ok" in items[1].reason


@pytest.mark.parametrize(
    ("time", "zone", "seconds"),
    [
        ("2026-11-22 08:30:00", "+08:00", 1_795_307_400),
        ("2026-11-22T08:30:00+0800", "", 1_795_307_400),
        ("1795307400", "", 1_795_307_400),
        ("2026-11-22 08:30:00", "", None),
        ("@1.05s", "+08:00", None),
    ],
)
def test_time_is_believed_with_a_zone(time: str, zone: str, seconds: int | None) -> None:
    message = {"time": time, "model": "A", "id": 1, "alarm": 0}
    reading = speaker(zone=zone).reads(TOPIC, message)
    assert reading.observed_at == (None if seconds is None else seconds * 10**9)
    assert bool(reading.key) is (seconds is not None)


# --- a topic for each field -----------------------------------------------------------------


def test_field_topics_have_the_address_of_the_events() -> None:
    bench = speaker(devices=["rtl_433/+/devices"])
    base = "rtl_433/radio/devices/Honeywell-Security/10/73942"
    reading = bench.reads(f"{base}/state", "open")
    assert (reading.device, reading.kind) == ("Honeywell-Security/10/73942", "contact")
    assert reading.values == {"open": True, "extra.state": "open"}
    assert bench.values(f"{base}/battery_ok", "0") == {"battery_low": True}
    assert bench.values(f"{base}/tamper", "1") == {"tamper": True}
    assert bench.items(f"{base}/time", "2026-11-22 08:30:00") == []
    assert bench.values("rtl_433/r/devices/Bresser-Leakage/1/9/alarm", "1") == {"leak": True}


def test_only_declared_topics_are_read() -> None:
    dialect = Dialect(Options())
    assert dialect.filters(1) == [Filter("rtl_433/+/events", 1)]
    assert dialect.plan("rtl_433/radio/devices/A/1/alarm") is None
    assert dialect.plan("other/radio/events") is None


@pytest.mark.parametrize(
    "wrong", [{"events": [], "devices": []}, {"events": ["a/#"]}, {"hold": "0s"}, {"zone": "CST"}]
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)


@given(st.text(max_size=120))
def test_any_words_mean_something_or_nothing(words: str) -> None:
    meaning = meaning_of(words)
    assert meaning is None or meaning.value


NAMES = (
    "time", "model", "id", "channel", "subtype", "device", "code", "unit", "learn", "state", "event",
    "alarm", "motion", "battery_ok", "battery", "tamper", "switch1", "raw_message", "stype", "open",
    "temperature_C", "text", "cmd", "type", "rssi", "battery_mV",
)  # fmt: skip
BENCH = speaker(devices=["rtl_433/+/devices"], zone="+08:00")
TOPICS = (TOPIC, "rtl_433/r/devices/A-Smoke/1/alarm", "rtl_433/r/devices/x/state")


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TOPICS), payloads(NAMES))
def test_any_bytes_give_items_or_a_reason(topic: str, payload: bytes) -> None:
    BENCH.survives(topic, payload)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["Interlogix", "Yale-HSA", "Generic-Motion", "Govee-Contact"]),
    st.dictionaries(st.sampled_from(NAMES), st.one_of(st.text(max_size=6), st.integers())),
)
def test_any_fields_of_the_tabled_models(model: str, fields: dict[str, Any]) -> None:
    BENCH.survives(TOPIC, json.dumps({**fields, "model": model}).encode("utf-8", "replace"))


@settings(max_examples=100, deadline=None)
@given(mutated(MESSAGES))
def test_mutated_messages_give_items_or_a_reason(said: tuple[str, bytes]) -> None:
    BENCH.survives(*said)


def test_huge_messages_are_bounded_in_time_and_items() -> None:
    for payload in huge(NAMES):
        for topic in TOPICS:
            BENCH.survives(topic, payload)
