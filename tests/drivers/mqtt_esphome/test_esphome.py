"""The esphome dialect on its own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers._momentary import Momentary
from drivers.mqtt.dialects.esphome.dialect import Dialect
from drivers.mqtt.dialects.esphome.options import Options
from drivers.mqtt.dialects.esphome.simulator import MESSAGES
from gateway.model import DeviceSeen, Reading
from tests.drivers.mqtt_tasmota.speaker import Speaker, huge, mutated, payloads

DEVICE = {"ids": "a0b1c2d3e4f5", "name": "hall", "mdl": "esp32dev", "mf": "Espressif"}


def speaker(**options: Any) -> Speaker:
    return Speaker(Dialect(Options.model_validate(options)))


def announce(bench: Speaker, component: str, name: str, **fields: str) -> list[Any]:
    state = f"hall/{component}/{name}/state"
    payload = {"stat_t": state, "avty_t": "hall/status", "dev": DEVICE, **fields}
    return bench.out(f"homeassistant/{component}/hall/{name}/config", payload, retained=True)


@pytest.mark.parametrize(
    ("name", "word", "kind", "expected"),
    [
        ("smoke", "ON", "smoke", {"alarm": True}),
        ("smoke", "OFF", "smoke", {"alarm": False}),
        ("door", "ON", "contact", {"open": True}),
        ("window", "OFF", "contact", {"open": False}),
        ("leak", "ON", "water", {"leak": True}),
        ("motion", "ON", "infrared", {"occupied": True, "alarm": True}),
        ("carbon_monoxide", "ON", "co", {"alarm": True}),
        ("tamper", "ON", "", {"tamper": True}),
        ("battery_low", "ON", "", {"battery_low": True}),
    ],
)
def test_binary_sensors_that_say_their_class(
    name: str, word: str, kind: str, expected: dict[str, Any]
) -> None:
    reading = speaker().reads(f"hall/binary_sensor/{name}/state", word)
    assert (reading.device, reading.kind, reading.values) == ("hall", kind, expected)


@pytest.mark.parametrize("name", ["smoke_detector_power", "reed_2", "alarm", "front_door_sensor"])
def test_others_are_kept_and_no_alarm(name: str) -> None:
    reading = speaker().reads(f"hall/binary_sensor/{name}/state", "ON")
    assert (reading.kind, reading.values) == ("", {f"extra.{name}": True})


@pytest.mark.parametrize(
    ("name", "word", "expected"),
    [
        ("temperature", "-3.5", {"temperature": -3.5}),
        ("humidity", "0", {"humidity": 0.0}),
        ("co2", "612", {"co2": 612.0}),
        ("battery_level", "7", {"battery": 7.0}),
        ("wifi_signal", "-61", {"rssi": -61.0}),
        ("water_level", "37.5", {"extra.water_level": 37.5}),
        ("mq2_ratio", "0.7", {"extra.mq2_ratio": 0.7}),
    ],
)
def test_sensors_by_name(name: str, word: str, expected: dict[str, Any]) -> None:
    assert speaker().reads(f"hall/sensor/{name}/state", word).values == expected


@pytest.mark.parametrize("word", ["nan", "None", "NAN", "unknown", " "])
@pytest.mark.parametrize("entity", ["sensor/temperature", "binary_sensor/smoke"])
def test_no_value_is_never_zero(entity: str, word: str) -> None:
    assert speaker().items(f"hall/{entity}/state", word) == []


def test_wrong_word_is_said_once() -> None:
    reason = speaker().wrong("hall/binary_sensor/motion/state", "0N")
    assert reason == "motion: '0N' is neither true nor false"


def test_declared_class_wins() -> None:
    bench = speaker(classes={"hall/front": "door", "gate": "garage_door"})
    reading = bench.reads("hall/binary_sensor/front/state", "ON")
    assert (reading.device, reading.kind, reading.values) == (
        "hall/front", "contact", {"open": True},
    )  # fmt: skip
    assert bench.values("yard/binary_sensor/gate/state", "OFF") == {"open": False}


@pytest.mark.parametrize(("word", "fault"), [("ON", False), ("OFF", True)])
def test_lost_mains_is_a_fault(word: str, fault: bool) -> None:
    bench = speaker(classes={"mains": "power"})
    assert bench.values("hall/binary_sensor/mains/state", word) == {"fault": fault}


def test_inputs_by_declaration() -> None:
    contact = {"value": "alarm", "kind": "smoke", "invert": True}
    button = {
        "value": "alarm",
        "kind": "panic",
        "device": "help",
        "true": ["long_press"],
        "hold": "1m",
    }
    bench = speaker(inputs={"pump": {"relay_contact": contact, "button": button}})
    assert bench.values("pump/binary_sensor/relay_contact/state", "OFF") == {"alarm": True}
    (item,) = bench.out("pump/event/button/state", {"event_type": "long_press"})
    assert isinstance(item, Momentary)
    assert item.reading.kind == "panic"


def test_discovery_tells_class_unit_and_mac() -> None:
    bench = speaker(discovery="homeassistant")
    (seen,) = announce(bench, "binary_sensor", "back", dev_cla="door")
    assert seen == DeviceSeen("hall", "", "esp32dev", "a0b1c2d3e4f5")
    assert announce(bench, "sensor", "air", dev_cla="temperature", unit_of_meas="°F") == []
    reading = bench.reads("hall/binary_sensor/back/state", "ON")
    assert (reading.device, reading.values) == ("hall/back", {"open": True})
    assert bench.values("hall/sensor/air/state", "68.0") == {"temperature": 20.0}


def test_units_decide_what_a_number_is() -> None:
    bench = speaker(discovery="homeassistant")
    announce(bench, "sensor", "battery", dev_cla="battery", unit_of_meas="V")
    assert bench.reads("hall/sensor/battery/state", "3.1").values == {"extra.battery": 3.1}
    announce(bench, "sensor", "water_level", unit_of_meas="cm")
    assert bench.values("hall/sensor/water_level/state", "37.5") == {"water_level": 0.375}


def test_other_makes_discovery_is_left_alone() -> None:
    bench = speaker(discovery="homeassistant")
    config = {"stat_t": "x/y", "dev": {"mf": "Aqara"}, "dev_cla": "smoke"}
    assert bench.out("homeassistant/binary_sensor/x/y/config", config) == []


def test_node_that_goes_takes_its_devices_with_it() -> None:
    bench = speaker(classes={"front": "door", "back": "door"})
    for name in ("smoke", "front", "back"):
        bench.items(f"hall/{'binary_sensor'}/{name}/state", "OFF")
    items = bench.items("hall/status", "offline", retained=False)
    found = {item.device: item.kind for item in items if isinstance(item, Reading)}
    assert found == {"hall": "smoke", "hall/front": "contact", "hall/back": "contact"}
    assert all(i.values == {"extra.online": False} for i in items if isinstance(i, Reading))


def test_kind_of_a_node_is_the_most_urgent_that_it_has_shown() -> None:
    bench = speaker()
    kinds = [
        bench.reads(f"hall/{entity}/state", word).kind
        for entity, word in (
            ("sensor/temperature", "20"),
            ("binary_sensor/smoke", "OFF"),
            ("sensor/temperature", "21"),
            ("sensor/battery_level", "80"),
        )
    ]
    assert kinds == ["climate", "smoke", "smoke", "smoke"]


def test_announcements_are_subscribed_to_before_the_states() -> None:
    topics = [wanted.topic for wanted in Dialect(Options(discovery="ha")).filters(1)]
    assert topics[0] == "ha/+/+/+/config"


@pytest.mark.parametrize("retained", [True, False])
def test_state_that_comes_before_its_announcement_is_read_by_it(retained: bool) -> None:
    bench = speaker(discovery="homeassistant")
    early = bench.reads("hall/binary_sensor/ceiling/state", "ON", retained=retained)
    assert early.values == {"extra.ceiling": True}
    _, found = announce(bench, "binary_sensor", "ceiling", dev_cla="smoke")
    assert (found.device, found.kind) == ("hall/ceiling", "smoke")
    assert (found.values, found.retained) == ({"alarm": True}, retained)
    assert announce(bench, "binary_sensor", "ceiling", dev_cla="smoke") == []


def test_state_that_was_understood_is_not_said_again() -> None:
    bench = speaker(discovery="homeassistant")
    bench.reads("hall/binary_sensor/smoke/state", "ON")
    (seen,) = announce(bench, "binary_sensor", "smoke", dev_cla="smoke")
    assert isinstance(seen, DeviceSeen)


def test_device_met_after_its_node_s_birth_is_there_too() -> None:
    bench = speaker(
        classes={"front": "door"},
        inputs={"hall": {"knob": {"value": "open", "kind": "contact", "device": "gate"}}},
    )
    bench.items("hall/status", "online", retained=True)
    for name, device in (("front", "hall/front"), ("knob", "hall/gate")):
        items = bench.items(f"hall/binary_sensor/{name}/state", "ON", retained=True)
        said = [(item.device, item.values) for item in items if isinstance(item, Reading)]
        assert said == [(device, {"open": True}), (device, {"extra.online": True})]
        assert len(bench.items(f"hall/binary_sensor/{name}/state", "OFF")) == 1
    gone = bench.items("hall/status", "offline")
    assert [i.device for i in gone if isinstance(i, Reading)] == ["hall", "hall/front", "hall/gate"]


def test_retained_state_is_marked() -> None:
    assert speaker().reads("hall/binary_sensor/smoke/state", "ON", retained=True).retained


@pytest.mark.parametrize(
    ("topic", "payload", "expected"),
    [
        ("hall/switch/relay/state", "ON", {"on": True}),
        ("hall/switch/siren/state", "ON", {"extra.siren": True}),
        ("hall/light/lamp/state", {"state": "ON", "brightness": 3}, {"on": True}),
        ("hall/text_sensor/version/state", "2026.10", {"extra.version": "2026.10"}),
        ("hall/event/bell/state", {"event_type": "press"}, {"extra.bell": "press"}),
    ],
)
def test_other_components(topic: str, payload: object, expected: dict[str, Any]) -> None:
    assert speaker().reads(topic, payload).values == expected


@pytest.mark.parametrize("topic", ["hall/debug", "hall/switch/relay/command", "a/b/c/d/e/state"])
def test_logs_and_commands_are_not_ours(topic: str) -> None:
    assert Dialect(Options()).plan(topic) is None


def test_log_is_not_subscribed_to() -> None:
    topics = [wanted.topic for wanted in Dialect(Options(nodes=("edge/+",))).filters(1)]
    assert "edge/+/status" in topics
    assert not any("debug" in topic or topic.endswith("#") for topic in topics)


@pytest.mark.parametrize(
    "wrong",
    [
        {"nodes": []},
        {"nodes": ["edge/#"]},
        {"classes": {"x": "fire"}},
        {"inputs": {"n": {"a": {"value": "open"}, "b": {"value": "open"}}}},
        {"discovery": "+"},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)


NAMES = ("dev", "ids", "mf", "sw", "stat_t", "~", "dev_cla", "unit_of_meas", "state", "event_type")
TOPICS = (
    "hall/binary_sensor/smoke/state", "hall/sensor/temperature/state", "hall/event/x/state",
    "hall/light/lamp/state", "hall/status", "homeassistant/sensor/hall/x/config",
    "hall/binary_sensor/contact/state",
)  # fmt: skip
BENCH = speaker(discovery="homeassistant", inputs={"*": {"contact": {"value": "alarm"}}})


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TOPICS), payloads(NAMES))
def test_any_bytes_give_items_or_a_reason(topic: str, payload: bytes) -> None:
    BENCH.survives(topic, payload)


@settings(max_examples=100, deadline=None)
@given(mutated(MESSAGES))
def test_mutated_messages_give_items_or_a_reason(said: tuple[str, bytes]) -> None:
    BENCH.survives(*said)


def test_huge_messages_are_bounded_in_time_and_items() -> None:
    for payload in huge(NAMES):
        for topic in TOPICS:
            BENCH.survives(topic, payload)
