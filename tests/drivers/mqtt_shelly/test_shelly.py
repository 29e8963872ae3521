"""The shelly dialect on its own: the topics of all generations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers._momentary import Momentary
from drivers.mqtt.dialects.shelly.dialect import Dialect
from drivers.mqtt.dialects.shelly.options import Options
from drivers.mqtt.dialects.shelly.simulator import MESSAGES, OPTIONS
from gateway.model import DeviceSeen, Reading, Undecodable
from tests.drivers.mqtt_tasmota.speaker import Speaker, huge, mutated, payloads


def speaker(**options: Any) -> Speaker:
    return Speaker(Dialect(Options.model_validate(options)))


# --- the first generation -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "word", "kind", "expected"),
    [
        ("shellysmoke-1/sensor/smoke", "true", "smoke", {"alarm": True}),
        ("shellysmoke-1/sensor/temperature", "-3.5", "smoke", {"temperature": -3.5}),
        ("shellyflood-1/sensor/flood", "false", "water", {"leak": False}),
        ("shellyflood-1/sensor/error", "1", "water", {"fault": True}),
        ("shellydw2-1/sensor/state", "open", "contact", {"open": True}),
        ("shellydw2-1/sensor/state", "close", "contact", {"open": False}),
        ("shellydw2-1/sensor/tilt", "12", "contact", {"tilt": 12.0}),
        ("shellydw2-1/sensor/vibration", "1", "contact", {"vibration": True}),
        ("shellydw2-1/sensor/battery", "7", "contact", {"battery": 7.0}),
        ("shellygas-1/sensor/gas", "heavy", "gas", {"alarm": True, "test": False}),
        ("shellygas-1/sensor/gas", "none", "gas", {"alarm": False, "test": False}),
        ("shellygas-1/sensor/gas", "test", "gas", {"alarm": False, "test": True}),
        ("shellygas-1/sensor/operation", "fault", "gas", {"fault": True}),
        ("shellyht-1/sensor/humidity", "41.5", "climate", {"humidity": 41.5}),
        ("shelly1pm-1/relay/0", "on", "power", {"on": True}),
        ("shelly1pm-1/relay/0", "overpower", "", {"fault": True}),
        ("shelly1pm-1/relay/0/power", "12.5", "power", {"power": 12.5}),
        ("shellyem3-1/emeter/0/voltage", "230.1", "power", {"voltage": 230.1}),
        ("shelly1pm-1/overtemperature", "1", "", {"fault": True}),
        ("shellymotionsensor-1/sensor/motion", "true", "infrared", {"occupied": True, "alarm": True}),
        ("shelly1-1/ext_temperature/0", "19.25", "climate", {"temperature": 19.25}),
    ],
)  # fmt: skip
def test_gen1_topics(what: str, word: str, kind: str, expected: dict[str, Any]) -> None:
    bench = speaker()
    reading = bench.reads(f"shellies/{what}", word)
    assert (reading.device, reading.kind) == (what.partition("/")[0], kind)
    assert bench.values(f"shellies/{what}", word) == expected


@pytest.mark.parametrize("what", ["sensor/tilt", "sensor/vibration"])
def test_minus_one_is_not_known(what: str) -> None:
    assert speaker().items(f"shellies/shellydw2-1/{what}", "-1") == []


def test_concentration_is_kept_and_no_alarm() -> None:
    reading = speaker().reads("shellies/shellygas-1/sensor/concentration", "812")
    assert reading.values == {"extra.concentration": 812.0}


def test_fahrenheit_by_declaration() -> None:
    bench = speaker(fahrenheit=True)
    topic = "shellies/shellysmoke-1/sensor/temperature"
    assert bench.values(topic, "68.0") == {"temperature": 20.0}


def test_second_relay_is_a_device_of_its_own() -> None:
    reading = speaker().reads("shellies/shelly4pro-1/relay/1", "on")
    assert (reading.device, reading.values) == ("shelly4pro-1/relay:1", {"on": True})


def test_motion_status() -> None:
    status = {
        "motion": True,
        "timestamp": 1622300251,
        "active": True,
        "vibration": False,
        "bat": 97,
    }
    values = speaker().values("shellies/shellymotionsensor-1/status", status)
    assert values == {
        "occupied": True, "alarm": True, "armed": True, "vibration": False, "battery": 97.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("device", "info", "expected"),
    [
        (
            "shellysmoke-1",
            {"smoke": True, "tmp": {"tC": 31.5, "is_valid": True}, "bat": {"value": 90}},
            {"alarm": True, "temperature": 31.5, "battery": 90.0},
        ),
        (
            "shellyflood-1",
            {"flood": False, "tmp": {"value": 50.0, "units": "F"}, "bat": {"value": 0}},
            {"leak": False, "temperature": 10.0, "battery": 0.0},
        ),
        (
            "shellydw2-1",
            {"sensor": {"state": "open", "is_valid": True}, "accel": {"tilt": 3, "vibration": -1}},
            {"open": True, "tilt": 3.0},
        ),
        (
            "shellydw2-1",
            {"sensor": {"state": "open", "is_valid": False}, "bat": {"value": 4}},
            {"battery": 4.0},
        ),
        (
            "shellygas-1",
            {"gas_sensor": {"sensor_state": "normal", "alarm_state": "mild"}},
            {"alarm": True, "test": False, "fault": False},
        ),
    ],
)
def test_gen1_info(device: str, info: dict[str, Any], expected: dict[str, Any]) -> None:
    assert speaker().values(f"shellies/{device}/info", info) == expected


def test_relay_s_own_temperature_is_not_the_room_s() -> None:
    info = {"relays": [{"ison": False}], "tmp": {"tC": 61.2}, "overtemperature": True}
    reading = speaker().reads("shellies/shelly1pm-1/info", info)
    assert reading.values == {"on": False, "extra.device_temperature": 61.2, "fault": True}


def test_gen1_announcement_and_last_will() -> None:
    bench = speaker()
    (seen,) = bench.items("shellies/announce", {"id": "shellysmoke-1", "model": "SHSM-01"})
    assert seen == DeviceSeen("shellysmoke-1", "smoke", "SHSM-01")
    reading = bench.reads("shellies/shellygas-1/online", "false", retained=True)
    assert (reading.values, reading.retained) == ({"extra.online": False}, True)
    assert "neither" in bench.wrong("shellies/shellysmoke-1/online", "perhaps")


@pytest.mark.parametrize("name", ["temperature", "humidity"])
def test_999_of_gen1_is_not_known_and_no_fire(name: str) -> None:
    assert speaker().items(f"shellies/shellysmoke-1/sensor/{name}", "999") == []
    fields: dict[str, Any] = {"tmp": {"tC": 999.0}, "hum": {"value": 999}}
    assert speaker().values("shellies/shellysmoke-1/info", {"smoke": False, **fields}) == {
        "alarm": False
    }


def test_unknown_battery_of_gen1_is_none() -> None:
    assert speaker().items("shellies/shellysmoke-1/sensor/battery", "-1") == []


def test_bluetooth_door_and_button_behind_a_shelly_are_declared() -> None:
    bench = speaker(
        inputs={
            "shellyblugwg3-1": {
                "bthomesensor:200": {"value": "open", "kind": "contact", "device": "door"},
                "bthomedevice:201": {
                    "value": "alarm",
                    "kind": "panic",
                    "true": ["long_push"],
                    "hold": "1m",
                },
            }
        }
    )
    state = {"bthomesensor:200": {"id": 200, "value": True}}
    frame = {"method": "NotifyStatus", "params": {"ts": 1795300000.1, **state}}
    door = bench.reads("shellyblugwg3-1/events/rpc", frame)
    assert (door.device, door.values) == ("shellyblugwg3-1/door", {"open": True})
    press = {"component": "bthomedevice:201", "id": 201, "event": "long_push", "idx": 0}
    frame = {"method": "NotifyEvent", "params": {"ts": 1795300000.1, "events": [press]}}
    (held,) = bench.out("shellyblugwg3-1/events/rpc", frame)
    assert isinstance(held, Momentary)


def test_status_of_another_make_is_no_device() -> None:
    assert speaker().items("homeassistant/status/core", {"state": "running"}) == []
    assert speaker().items("shellynew-1/status/novelty:0", {"id": 0, "x": 1}) != []
    assert speaker().items("kitchen/status/smoke:0", {"id": 0, "alarm": True}) != []


SLEEPERS = ("shellies/shellysmoke-1", "shellies/shellydw2-1", "shellyplussmoke-1", "shellyhtg3-1")


@pytest.mark.parametrize("prefix", SLEEPERS)
def test_battery_device_that_sleeps_is_not_lost(prefix: str) -> None:
    bench = speaker()
    assert bench.items(f"{prefix}/online", "false", retained=True) == []
    assert bench.reads(f"{prefix}/online", "true").values == {"extra.online": True}


@pytest.mark.parametrize("what", ["command", "relay/0/command", "relay/0/set", "color/0/set"])
def test_commands_are_no_readings(what: str) -> None:
    assert speaker().items(f"shellies/shelly1-1/{what}", "on") == []


# --- the later generations ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("component", "status", "kind", "expected"),
    [
        ("smoke:0", {"alarm": True, "mute": True}, "smoke", {"alarm": True, "muted": True}),
        ("flood:0", {"alarm": True}, "water", {"leak": True}),
        ("flood:0", {"alarm": False, "errors": ["cable_unplugged"]}, "water", {"leak": False, "fault": True}),
        ("flood:0", {"alarm": False, "errors": None}, "water", {"leak": False, "fault": False}),
        ("temperature:0", {"tC": -12.5, "tF": 9.5}, "climate", {"temperature": -12.5}),
        ("temperature:0", {"tC": None, "errors": ["read"]}, "", {"fault": True}),
        ("humidity:0", {"rh": 0}, "climate", {"humidity": 0.0}),
        ("devicepower:0", {"battery": {"V": 2.9, "percent": 0}}, "", {"battery": 0.0}),
        ("switch:0", {"output": False, "apower": 0.0, "voltage": 232.8}, "power", {"on": False, "power": 0.0, "voltage": 232.8}),
        ("pm1:0", {"apower": 7.5, "current": 0.1}, "power", {"power": 7.5, "current": 0.1}),
        ("em:0", {"total_act_power": 558.9, "total_current": 3.8}, "power", {"power": 558.9, "current": 3.8}),
        ("presence:0", {"num_objects": 2}, "infrared", {"occupied": True, "alarm": True}),
        ("presencezone:0", {"value": False}, "infrared", {"occupied": False, "alarm": False}),
        ("wifi", {"rssi": -61}, "", {"rssi": -61.0}),
        ("light:0", {"output": True, "brightness": 50}, "lamp", {"on": True}),
    ],
)  # fmt: skip
def test_gen2_components(
    component: str, status: dict[str, Any], kind: str, expected: dict[str, Any]
) -> None:
    bench, device = speaker(), "shellyany-a8032a"
    reading = bench.reads(f"{device}/status/{component}", {"id": 0, **status})
    assert (reading.device, reading.kind) == (device, kind)
    assert bench.values(f"{device}/status/{component}", status) == expected
    frame = {"method": "NotifyStatus", "params": {"ts": 1795300000.5, component: status}}
    notified = bench.reads(f"{device}/events/rpc", frame)
    assert notified.values == reading.values
    assert notified.observed_at == 1_795_300_000_500_000_000
    assert notified.key


def test_press_that_gen1_says_again_every_30_seconds_is_one_press() -> None:
    held = {"value": "alarm", "kind": "panic", "true": ["L"], "hold": "1m"}
    bench = speaker(inputs={"*": {"input_event:0": held}})
    topic = "shellies/shellyix3-1/input_event/0"
    (first,) = bench.out(topic, {"event": "L", "event_cnt": 4})
    assert isinstance(first, Momentary)
    assert bench.out(topic, {"event": "L", "event_cnt": 4}) == []
    (again,) = bench.out(topic, {"event": "L", "event_cnt": 5})
    assert isinstance(again, Momentary)
    (restarted,) = bench.out(topic, {"event": "L", "event_cnt": 1})
    assert isinstance(restarted, Momentary)
    assert bench.out(topic, {"event": "L", "event_cnt": 2}, retained=True) == []
    assert bench.out(topic, {"event": "L", "event_cnt": 2}) == []


def test_input_that_moves_twice_in_one_second_is_no_repeat() -> None:
    status = {"unixtime": 1795300000, "inputs": [{"input": 1}], "relays": [{"ison": True}]}
    reading = speaker().reads("shellies/shelly1-1/info", status)
    assert (reading.observed_at, reading.key) == (1_795_300_000 * 10**9, "")


def test_second_switch_is_a_device_of_its_own() -> None:
    frame = {
        "params": {"ts": 1795300000, "switch:0": {"output": True}, "switch:1": {"output": False}}
    }
    items = speaker().items("shellypro2-1/events/rpc", frame)
    found = [(item.device, item.values) for item in items if isinstance(item, Reading)]
    assert found == [("shellypro2-1", {"on": True}), ("shellypro2-1/switch:1", {"on": False})]


def test_clock_that_was_never_set_is_not_believed() -> None:
    frame = {"method": "NotifyStatus", "params": {"ts": 12.3, "smoke:0": {"alarm": True}}}
    assert speaker().reads("shellyplussmoke-1/events/rpc", frame).observed_at is None


def event(component: str, name: str) -> dict[str, Any]:
    events = [{"component": component, "event": name, "ts": 1795300000.0}]
    return {"method": "NotifyEvent", "params": {"ts": 1795300000.0, "events": events}}


@pytest.mark.parametrize(
    ("component", "name", "expected"),
    [
        ("smoke:0", "alarm", {"alarm": True}),
        ("smoke:0", "alarm_off", {"alarm": False, "test": False}),
        ("smoke:0", "alarm_test", {"alarm": False, "test": True}),
        ("flood:0", "alarm", {"leak": True}),
        ("flood:0", "cable_unplugged", {"fault": True}),
    ],
)
def test_events_of_detectors(component: str, name: str, expected: dict[str, Any]) -> None:
    assert speaker().values("shellyx-1/events/rpc", event(component, name)) == expected


def test_inputs_by_declaration() -> None:
    bench = speaker(**OPTIONS)
    device = "shellyplusi4-a8032ab12345"
    assert bench.values(f"{device}/status/input:0", {"state": False}) == {"alarm": True}
    assert bench.reads(f"{device}/status/input:1", {"state": True}).values == {
        "extra.input_1": True
    }
    (item,) = bench.out(f"{device}/events/rpc", event("input:2", "long_push"))
    assert isinstance(item, Momentary)
    assert (item.reading.kind, item.hold) == ("panic", 60.0)
    assert bench.out(f"{device}/events/rpc", event("input:2", "single_push")) == []
    declared = {"x": {"input:0": {"value": "open"}, "input_event:0": {"value": "tamper"}}}
    old = speaker(inputs=declared)
    assert old.values("shellies/x/input/0", "1") == {"open": True}


def test_gen1_prefix_of_a_later_device_is_its_own_address() -> None:
    bench = speaker()
    reading = bench.reads("shellies/plus/status/smoke:0", {"alarm": True})
    assert reading.device == bench.reads("shellies/plus/online", "true").device == "plus"


def test_other_makes_topics_are_left_alone() -> None:
    bench = speaker()
    assert bench.items("node/online", "yes") == []
    assert bench.items("node/status/led", "ON") == []
    assert Dialect(Options()).plan("node/other") is None
    assert Dialect(Options()).plan("a/b/online") is None


def test_wrong_field_hides_no_good_one() -> None:
    status = {"alarm": "burning", "mute": True}
    reading, wrong = speaker().items("shellyplussmoke-1/status/smoke:0", status)
    assert isinstance(reading, Reading)
    assert reading.values == {"muted": True}
    assert isinstance(wrong, Undecodable)
    assert "alarm" in wrong.reason


@pytest.mark.parametrize(
    "wrong", [{"gen1": None, "gen2": []}, {"gen2": ["house/#"]}, {"gen1": "a/+"}]
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)


NAMES = (
    "id", "params", "ts", "method", "events", "component", "event", "smoke:0", "alarm", "mute", "tC",
    "switch:1", "output", "apower", "errors", "battery", "percent", "input:0", "state", "relays",
    "ison", "meters", "power", "is_valid", "gas_sensor", "alarm_state", "tmp", "bat", "value", "ext_temperature",
    "0", "inputs", "input", "sensor", "lux", "unixtime", "model",
)  # fmt: skip
TOPICS = (
    "shellies/shellysmoke-1/sensor/smoke", "shellies/shellydw2-1/info", "shellies/x/status",
    "shellies/announce", "shellies/x/relay/1", "shellies/x/input_event/0", "shellies/x/sensor/gas",
    "shellyplus-1/status/smoke:0", "shellyplus-1/status/input:0", "shellyplus-1/events/rpc",
    "shellyplus-1/online", "shellyplus-1/status/unknown:7", "shellies/x/light/0/status",
)  # fmt: skip
BENCH = speaker(
    inputs={"*": {"input:0": {"value": "alarm"}, "input_event:0": {"value": "test", "hold": "1s"}}}
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(TOPICS), payloads(NAMES))
def test_any_bytes_give_items_or_a_reason(topic: str, payload: bytes) -> None:
    BENCH.survives(topic, payload)


@settings(max_examples=150, deadline=None)
@given(mutated(MESSAGES))
def test_mutated_messages_give_items_or_a_reason(said: tuple[str, bytes]) -> None:
    BENCH.survives(*said)


def test_huge_messages_are_bounded_in_time_and_items() -> None:
    for payload in huge(NAMES):
        for topic in TOPICS:
            BENCH.survives(topic, payload)
