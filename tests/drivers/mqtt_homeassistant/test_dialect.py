"""Announced devices: entities become the values of one device."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers._momentary import Momentary
from drivers.mqtt.decode import Filter, Router
from drivers.mqtt.dialects.homeassistant.dialect import Dialect
from drivers.mqtt.dialects.homeassistant.options import Options
from drivers.mqtt.wire import Message
from gateway.model import DeviceSeen, Reading, Undecodable, Value


class Broker:
    """A dialect, and what it makes of each message."""

    def __init__(self, **options: Any) -> None:
        self.dialect = Dialect(Options(**options))
        self._router = Router([self.dialect])

    def says(self, topic: str, payload: object, *, retained: bool = False) -> list[Any]:
        raw = payload.encode() if isinstance(payload, str) else payload
        raw = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
        return list(self._router.decode(Message(topic.encode(), raw, retained, b"", len(raw))))

    def announces(self, component: str, name: str, **config: Any) -> list[Any]:
        config = {"device": {"identifiers": ["d1"], "name": "D"}, "state_topic": "s"} | config
        return self.says(f"homeassistant/{component}/n/{name}/config", config, retained=True)

    def reads(self, topic: str, payload: object) -> dict[str, Any]:
        (item,) = self.says(topic, payload)
        assert isinstance(item, Reading)
        assert item.device == "d1"
        return item.values


def test_entities_of_one_device_become_one_reading() -> None:
    broker = Broker()
    seen = broker.announces(
        "binary_sensor",
        "smoke",
        device_class="smoke",
        payload_on=True,
        payload_off=False,
        value_template="{{ value_json.smoke }}",
    )
    assert seen == [DeviceSeen("d1", "smoke", "", "D"), Filter("s", 1)]
    again = broker.announces(
        "sensor",
        "battery",
        device_class="battery",
        unit_of_measurement="%",
        value_template="{{ value_json.battery }}",
    )
    assert again == []
    assert broker.reads("s", {"smoke": True, "battery": 80}) == {"alarm": True, "battery": 80.0}
    assert broker.reads("s", {"battery": 79}) == {"battery": 79.0}
    assert {each.topic for each in broker.dialect.filters(1)} == {
        "homeassistant/+/+/config",
        "homeassistant/+/+/+/config",
        "s",
    }


def test_the_device_form_with_abbreviations_and_a_base_topic() -> None:
    broker = Broker()
    message = {
        "~": "edge/d1",
        "dev": {"ids": "d1", "mf": "Heiman", "mdl": "HS1SA"},
        "o": {"name": "maker"},
        "stat_t": "~/state",
        "avty": [{"t": "~/up", "pl_avail": "yes", "pl_not_avail": "no"}],
        "cmps": {
            "gas": {
                "p": "binary_sensor",
                "dev_cla": "gas",
                "val_tpl": "{{ value_json.g }}",
                "pl_on": 1,
                "pl_off": 0,
            },
            "lel": {"p": "sensor", "unit_of_meas": "%LEL", "val_tpl": "{{ value_json.l }}"},
            "lamp": {"p": "light", "cmd_t": "~/set"},
        },
    }
    items = broker.says("homeassistant/device/d1/config", message)
    assert items == [
        DeviceSeen("d1", "gas", "Heiman HS1SA", ""),
        Filter("edge/d1/state", 1),
        Filter("edge/d1/up", 1),
    ]
    assert broker.reads("edge/d1/state", {"g": 1, "l": 12}) == {"alarm": True, "lel": 12.0}
    assert broker.reads("edge/d1/up", "no") == {"extra.online": False}


@pytest.mark.parametrize(
    ("device_class", "kind", "values"),
    [
        ("smoke", "smoke", {"alarm": True}),
        ("carbon_monoxide", "co", {"alarm": True}),
        ("gas", "gas", {"alarm": True}),
        ("heat", "heat", {"alarm": True}),
        ("safety", "", {"alarm": True}),
        ("moisture", "water", {"leak": True}),
        ("motion", "infrared", {"occupied": True, "alarm": True}),
        ("garage_door", "contact", {"open": True}),
        ("tamper", "", {"tamper": True}),
        ("problem", "", {"fault": True}),
        ("battery", "", {"battery_low": True}),
        ("vibration", "", {"vibration": True}),
        ("connectivity", "", {"extra.online": True}),
        ("sound", "", {"extra.x": True}),
    ],
)
def test_the_device_class_of_a_binary_sensor_is_its_value(
    device_class: str, kind: str, values: dict[str, Any]
) -> None:
    broker = Broker()
    seen = broker.announces("binary_sensor", "x", device_class=device_class)[0]
    assert seen.kind == kind
    assert broker.reads("s", "ON") == values


@pytest.mark.parametrize(
    ("config", "payload", "values"),
    [
        ({"device_class": "temperature", "unit_of_measurement": "°F"}, "14", {"temperature": -10}),
        ({"device_class": "pressure", "unit_of_measurement": "psi"}, "10", {"pressure": 68.94757}),
        ({"device_class": "pressure", "unit_of_measurement": "bar"}, "4", {"pressure": 400}),
        ({"device_class": "voltage", "unit_of_measurement": "V"}, "231", {"voltage": 231}),
        (
            {"device_class": "voltage", "unit_of_measurement": "mV"},
            "2950",
            {"extra.battery_voltage": 2.95},
        ),
        (
            {"device_class": "volatile_organic_compounds_parts", "unit_of_measurement": "ppm"},
            "0.2",
            {"tvoc": 200},
        ),
        ({"device_class": "distance", "unit_of_measurement": "cm"}, "120", {"extra.distance": 1.2}),
        ({"device_class": "signal_strength", "unit_of_measurement": "dBm"}, "-70", {"rssi": -70}),
        ({"unit_of_measurement": "lqi"}, "255", {"link": 100}),
        ({"device_class": "energy", "unit_of_measurement": "kWh"}, "7", {"extra.x": 7}),
        ({}, "idle", {"extra.x": "idle"}),
    ],
)
def test_the_class_and_unit_of_a_sensor_are_its_value(
    config: dict[str, Any], payload: str, values: dict[str, Any]
) -> None:
    broker = Broker()
    broker.announces("sensor", "x", **config)
    assert broker.reads("s", payload) == values
    for nothing in ("None", "unknown", "unavailable"):
        assert broker.says("s", nothing) == []


def test_two_alarms_on_two_topics_hold_each_other() -> None:
    broker = Broker()
    broker.announces("binary_sensor", "smoke", device_class="smoke", state_topic="a")
    broker.announces("binary_sensor", "co", device_class="carbon_monoxide", state_topic="b")
    assert broker.reads("a", "ON") == {"alarm": True}
    assert broker.reads("b", "OFF") == {"alarm": True}
    assert broker.reads("a", "OFF") == {"alarm": False}


def test_a_motion_sensor_that_says_no_end_is_momentary() -> None:
    broker = Broker()
    broker.announces("binary_sensor", "pir", device_class="motion", off_delay=30)
    values: dict[str, Value] = {"occupied": True, "alarm": True}
    assert broker.says("s", "ON") == [
        Momentary(Reading("d1", "infrared", values), ("occupied", "alarm"), 30.0)
    ]


def test_what_expires_is_online_for_so_long() -> None:
    broker = Broker()
    broker.announces("binary_sensor", "door", device_class="door", expire_after=600)
    assert broker.says("s", "OFF") == [
        Momentary(
            Reading("d1", "contact", {"open": False, "extra.online": True}),
            ("extra.online",),
            600.0,
        )
    ]


def test_a_trigger_and_an_event_that_call_for_help_are_alarms() -> None:
    broker = Broker(hold="20s")
    broker.announces(
        "device_automation",
        "sos",
        automation_type="trigger",
        type="action",
        subtype="emergency",
        payload="emergency",
        topic="t",
    )
    reading = Reading("d1", "panic", {"extra.action": "action_emergency", "alarm": True})
    assert broker.says("t", "emergency") == [Momentary(reading, ("alarm",), 20.0)]
    assert broker.says("t", "emergency", retained=True) == []
    assert broker.says("t", "single") == []
    broker.announces("event", "bell", event_types=["press"], state_topic="e")
    assert broker.reads("e", {"event_type": "press"}) == {"extra.event": "press"}


def test_a_switch_is_on_and_a_setting_is_an_extra() -> None:
    broker = Broker()
    broker.announces("switch", "relay_1", state_topic="r")
    broker.announces("switch", "led", state_topic="l", state_on="lit", state_off="dark")
    assert broker.reads("r", "ON") == {"on": True}
    assert broker.reads("l", "lit") == {"extra.led": True}


def test_a_template_beyond_us_is_refused_once_and_hides_no_sibling() -> None:
    broker = Broker()
    message = {
        "device": {"identifiers": ["d1"]},
        "state_topic": "s",
        "components": {
            "bad": {"platform": "sensor", "value_template": "{{ now() }}"},
            "leak": {"platform": "binary_sensor", "device_class": "moisture"},
        },
    }
    items = broker.says("homeassistant/device/x/config", message)
    (refused,) = [item for item in items if isinstance(item, Undecodable)]
    assert "bad" in refused.reason
    assert broker.says("homeassistant/device/x/config", message) == []
    assert broker.reads("s", "ON") == {"leak": True}


def test_a_word_that_is_neither_on_nor_off_is_refused_beside_good_values() -> None:
    broker = Broker()
    template = "{{ value_json.%s }}"
    broker.announces("binary_sensor", "door", device_class="door", value_template=template % "d")
    broker.announces("sensor", "t", device_class="temperature", value_template=template % "t")
    reading, refused = broker.says("s", {"d": "0N", "t": 4})
    assert reading.values == {"temperature": 4.0}
    assert "door" in refused.reason
    (refused,) = broker.says("s", "no json")
    assert "not JSON" in refused.reason


def test_a_late_entity_reads_the_state_that_its_topic_retained() -> None:
    broker = Broker()
    broker.announces(
        "binary_sensor", "a", device_class="smoke", value_template="{{ value_json.a }}"
    )
    broker.says("s", {"a": "OFF", "b": 55}, retained=True)
    items = broker.announces(
        "sensor", "b", device_class="battery", value_template="{{ value_json.b }}"
    )
    assert items == [Reading("d1", "smoke", {"battery": 55.0}, retained=True)]


def test_a_second_thermometer_is_an_extra_and_a_changed_announcement_replaces_the_old() -> None:
    broker = Broker()
    for name in ("in", "out"):
        broker.announces("sensor", name, device_class="temperature", state_topic=name)
    assert broker.reads("in", "20") == {"temperature": 20.0}
    assert broker.reads("out", "-5") == {"extra.out": -5.0}
    broker.announces("sensor", "in", device_class="humidity", state_topic="in")
    assert broker.reads("in", "40") == {"humidity": 40.0}


def test_an_availability_of_many_devices_is_that_of_their_gateway() -> None:
    broker = Broker()
    for name in ("d1", "d2"):
        broker.announces(
            "binary_sensor",
            name,
            device={"identifiers": [name]},
            state_topic=name,
            device_class="door",
            availability_topic="bridge/state",
            availability_template="{{ value_json.state }}",
        )
    assert broker.says("bridge/state", {"state": "offline"}) == [
        Reading("bridge/state", "gateway", {"extra.online": False})
    ]


def test_skipped_topics_our_own_devices_and_deaf_components_are_left_out() -> None:
    broker = Broker(skip=["zigbee2mqtt"])
    assert broker.announces("sensor", "a", state_topic="zigbee2mqtt/hall") == []
    assert broker.announces("sensor", "b", origin={"name": "Gridwarden"}) == []
    assert broker.announces("light", "c") == []
    assert broker.announces("binary_sensor", "d", state_topic=None)[0].reason
    assert broker.says("homeassistant/sensor/x/config", b"nonsense")[0].reason
    assert broker.announces("sensor", "e", state_topic="a/#")[0].reason


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)
_CONFIG = st.dictionaries(
    st.sampled_from(
        [
            *("state_topic", "stat_t", "device", "dev", "availability", "avty_t", "~", "cmps"),
            *("value_template", "val_tpl", "dev_cla", "unit_of_meas", "pl_on", "off_dly", "qos"),
            *("automation_type", "topic", "payload", "event_types", "origin", "name", "p"),
        ]
    ),
    _JSON | st.sampled_from(["s", "~/x", "smoke", "temperature", "{{ value_json.a }}", "trigger"]),
)


@given(
    st.sampled_from(["binary_sensor", "sensor", "switch", "event", "device", "device_automation"]),
    _CONFIG,
    _JSON,
)
def test_any_announcement_and_any_state_give_items_or_a_reason(
    component: str, config: dict[str, Any], state: object
) -> None:
    broker = Broker()
    items = broker.says(f"homeassistant/{component}/x/config", config)
    for topic in [item.topic for item in items if isinstance(item, Filter)]:
        items += broker.says(topic, state)
    for item in items:
        assert isinstance(item, (DeviceSeen, Reading, Undecodable, Filter, Momentary))


@given(st.binary())
def test_any_bytes_give_items_or_a_reason(payload: bytes) -> None:
    broker = Broker()
    broker.announces("binary_sensor", "a", device_class="smoke")
    broker.announces("sensor", "b", value_template="{{ value_json.b }}", device_class="battery")
    for topic in ("s", "homeassistant/sensor/y/config", "homeassistant/device/y/config"):
        for item in broker.says(topic, payload):
            assert isinstance(item, (DeviceSeen, Reading, Undecodable, Filter))


def test_a_state_costs_little_and_a_broken_one_is_parsed_once() -> None:
    broker = Broker()
    for number in range(50):
        broker.announces(
            "sensor", f"n{number}", value_template=f"{{{{ value_json.n{number} }}}}", unit="x"
        )
    state = {f"n{number}": number for number in range(50)}
    began = time.process_time()
    for _ in range(100):
        broker.says("s", state)
    assert time.process_time() - began < 1.0
    broken = b'{"a":' * 100_000
    began = time.process_time()
    broker.says("s", broken)
    assert time.process_time() - began < 20 * len(broken) / 1_000_000


def test_a_topic_that_came_before_its_announcement_is_read_from_then_on() -> None:
    broker = Broker()
    (refused,) = broker.says("s", "ON")
    assert isinstance(refused, Undecodable)
    broker.announces("binary_sensor", "smoke", device_class="smoke")
    assert broker.reads("s", "ON")["alarm"] is True


def test_an_announcement_that_is_taken_back_is_read_no_more() -> None:
    broker = Broker()
    broker.announces("binary_sensor", "smoke", device_class="smoke")
    broker.reads("s", "ON")
    assert broker.says("homeassistant/binary_sensor/n/smoke/config", b"") == []
    assert not any(isinstance(each, Reading) for each in broker.says("s", "OFF"))


def told(found: list[Any]) -> list[dict[str, Any]]:
    readings = [each.reading if isinstance(each, Momentary) else each for each in found]
    return [dict(each.values) for each in readings if isinstance(each, Reading)]


def test_what_ends_by_itself_holds_no_other_entity_up() -> None:
    broker = Broker()
    broker.announces("binary_sensor", "pir", device_class="motion", off_delay=30, state_topic="p")
    broker.announces("binary_sensor", "radar", device_class="occupancy", state_topic="r")
    broker.says("p", "ON")
    assert told(broker.says("r", "OFF"))[0]["occupied"] is False


def test_an_announcement_again_does_not_bring_back_an_old_alarm() -> None:
    broker = Broker()
    broker.announces("binary_sensor", "smoke", device_class="smoke")
    broker.says("s", "ON", retained=True)
    broker.says("s", "OFF")
    again = broker.announces("binary_sensor", "smoke", device_class="smoke", qos=1)
    assert all(each["alarm"] is False for each in told(again))


def test_an_announcement_again_does_not_end_an_alarm() -> None:
    broker = Broker()
    broker.announces("binary_sensor", "smoke", device_class="smoke")
    broker.says("s", "OFF", retained=True)
    broker.says("s", "ON")
    again = broker.announces("binary_sensor", "smoke", device_class="smoke", qos=1)
    assert all(each["alarm"] is True for each in told(again))


def test_an_announcement_again_forgets_no_alarm_of_a_topic_that_is_not_kept() -> None:
    broker = Broker()
    broker.announces("binary_sensor", "smoke", device_class="smoke", state_topic="a")
    broker.announces("binary_sensor", "co", device_class="carbon_monoxide", state_topic="b")
    broker.says("a", "ON")
    broker.announces("binary_sensor", "smoke", device_class="smoke", state_topic="a", qos=1)
    assert told(broker.says("b", "OFF"))[0]["alarm"] is True


def test_an_announcement_again_of_an_event_topic_begins_nothing() -> None:
    broker = Broker()
    broker.announces("binary_sensor", "pir", device_class="motion", off_delay=30, state_topic="p")
    broker.says("p", "ON", retained=True)
    broker.says("p", "OFF")
    again = broker.announces(
        "binary_sensor", "pir", device_class="motion", off_delay=30, state_topic="p", qos=1
    )
    assert not [each for each in again if isinstance(each, Momentary)]


@pytest.mark.parametrize(
    "availability",
    [
        {"availability_topic": "a", "availability_template": "{{ states('x') }}"},
        {"availability_topic": "a/#"},
        {"availability": True},
        {"availability": [{"topic": "a", "payload_available": []}, 7]},
    ],
)
def test_an_availability_that_is_not_understood_takes_no_alarm_away(
    availability: dict[str, Any],
) -> None:
    broker = Broker()
    broker.announces("binary_sensor", "smoke", device_class="smoke", **availability)
    assert broker.reads("s", "ON") == {"alarm": True}


def test_a_device_of_thousands_of_entities_is_learnt_in_linear_time() -> None:
    broker = Broker()
    components = {
        f"c{n}": {"p": "binary_sensor", "state_topic": f"t{n % 50}", "device_class": "smoke"}
        for n in range(500)
    }
    took = []
    for number in range(8):
        message = {"device": {"identifiers": ["d"]}, "components": components}
        begun = time.process_time()
        broker.says(f"homeassistant/device/d{number}/config", message)
        took.append(time.process_time() - begun)
    assert took[-1] < 0.2  # twenty times what it takes
