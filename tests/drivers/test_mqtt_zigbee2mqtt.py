"""The zigbee2mqtt dialect on its own and on published vectors."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers._momentary import Momentary
from drivers.mqtt.decode import EXTRAS, Router
from drivers.mqtt.dialects.zigbee2mqtt.dialect import Dialect as Zigbee2mqtt
from drivers.mqtt.dialects.zigbee2mqtt.options import Options as Zigbee2mqttOptions
from drivers.mqtt.wire import Message
from gateway.model import DeviceSeen, Reading, Undecodable

VECTORS = Path(__file__).parent / "vectors" / "zigbee2mqtt"


class Bridge:
    """A fresh dialect and what it makes of each message."""

    def __init__(self, base: str = "zigbee2mqtt", **options: Any) -> None:
        self._base = base
        self._router = Router([Zigbee2mqtt(Zigbee2mqttOptions(base=base, **options))])

    def says(self, name: str, payload: object, *, retained: bool = False) -> list[Any]:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        topic = f"{self._base}/{name}".encode()
        return list(self._router.decode(Message(topic, raw, retained, b"", len(raw))))

    def reads(self, name: str, payload: object) -> Reading:
        (item,) = self.says(name, payload)
        assert isinstance(item, Reading)
        return item

    def announces(self, *devices: dict[str, Any]) -> list[Any]:
        return self.says("bridge/devices", list(devices))


def device(name: str, *exposes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "friendly_name": name,
        "ieee_address": "0x00158d0001",
        "type": "EndDevice",
        "definition": {"vendor": "V", "model": "M1", "exposes": list(exposes)},
    } | more


def binary(name: str, on: Any = True, off: Any = False) -> dict[str, Any]:
    return {"type": "binary", "property": name, "value_on": on, "value_off": off, "access": 1}


def numeric(name: str, unit: str = "") -> dict[str, Any]:
    return {"type": "numeric", "property": name, "unit": unit, "access": 1}


def enum(name: str, *words: str, access: int = 1) -> dict[str, Any]:
    return {"type": "enum", "property": name, "values": list(words), "access": access}


def named(expose: dict[str, Any], **more: Any) -> dict[str, Any]:
    return expose | more


def test_a_smoke_detector_unannounced() -> None:
    reading = Bridge().reads(
        "hall",
        {
            "smoke": True,
            "battery": "100.00",
            "battery_low": False,
            "linkquality": 255,
            "test": False,
            "tamper": False,
            "voltage": 2993,
            "smoke_density_dbm": 0.1,
            "last_seen": "2019-06-24T15:30:53.312Z",
            "temperature": None,
            "update": {"state": "idle"},
            "mode": "auto",
        },
    )
    assert (reading.device, reading.kind) == ("hall", "smoke")
    assert reading.values == {
        "alarm": True,
        "battery": 100.0,
        "battery_low": False,
        "link": 100.0,
        "test": False,
        "tamper": False,
        "density": pytest.approx(2.2763),
        "extra.battery_voltage": 2.993,
        "extra.mode": "auto",
    }
    assert reading.observed_at == 1561390253_312_000_000


@pytest.mark.parametrize(
    ("state", "kind", "expected"),
    [
        ({"contact": False}, "contact", {"open": True}),
        ({"contact": True, "vibration": True}, "contact", {"open": False, "vibration": True}),
        ({"occupancy": True}, "infrared", {"occupied": True, "alarm": True}),
        ({"smoke": False, "occupancy": True}, "smoke", {"alarm": False, "occupied": True}),
        ({"carbon_monoxide": True, "co": 80}, "co", {"alarm": True, "co": 80.0}),
        (
            {"smoke": False, "carbon_monoxide": True},
            "smoke",
            {"alarm": True, "extra.smoke": False, "extra.carbon_monoxide": True},
        ),
        (
            {"carbon_monoxide": True, "smoke": False},
            "smoke",
            {"alarm": True, "extra.smoke": False, "extra.carbon_monoxide": True},
        ),
        ({"gas": True}, "gas", {"alarm": True}),
        ({"gas": 12.5}, "gas", {"extra.gas": 12.5}),
        ({"gas": 1}, "gas", {"extra.gas": 1.0}),
        ({"sos": True}, "panic", {"alarm": True}),
        ({"water_leak": True}, "water", {"leak": True}),
        ({"temperature": 21, "humidity": 40}, "climate", {"temperature": 21.0, "humidity": 40.0}),
        ({"alarm": True}, "", {"extra.alarm": True}),
        ({"action": "tilt", "angle_x": 12}, "", {"extra.action": "tilt", "extra.angle_x": 12.0}),
        ({"fault": "none"}, "", {"extra.fault": "none"}),
        ({"state": "ON", "power": 3}, "power", {"on": True, "power": 3.0}),
    ],
)
def test_well_known_properties_unannounced(
    state: dict[str, Any], kind: str, expected: dict[str, Any]
) -> None:
    reading = Bridge().reads("d", state)
    assert reading.values == expected
    assert reading.kind == kind


@pytest.mark.parametrize(
    ("on", "off", "payload", "opened"),
    [
        (False, True, False, True),
        (True, False, False, True),
        ("ON", "OFF", "OFF", True),
        (False, True, True, False),
        (True, False, True, False),
        ("ON", "OFF", "ON", False),
    ],
)
def test_contact_is_open_however_its_on_is_announced(
    on: Any, off: Any, payload: Any, opened: bool
) -> None:
    bridge = Bridge()
    bridge.announces(device("door", binary("contact", on, off)))
    assert bridge.reads("door", {"contact": payload}).values == {"open": opened}


def test_announced_types_and_units_decide() -> None:
    bridge = Bridge()
    bridge.announces(
        device("meter", numeric("gas", "m³"), numeric("voltage", "V")),
        device("gas/1", binary("gas", "ALARM", "CLEAR"), numeric("gas_value", "LEL")),
        device("bell", {"type": "enum", "property": "fault", "access": 1}, binary("smoke")),
    )
    assert bridge.reads("meter", {"gas": 1, "voltage": 231}).values == {
        "extra.gas": 1.0,
        "voltage": 231.0,
    }
    assert bridge.reads("gas/1", {"gas": "ALARM", "gas_value": 4}).values == {
        "alarm": True,
        "lel": 4.0,
    }
    reading = bridge.reads("bell", {"fault": "none"})
    assert (reading.kind, reading.values) == ("smoke", {"extra.fault": "none"})


def test_announced_devices_are_seen_once_and_the_coordinator_never() -> None:
    bridge = Bridge()
    coordinator = {"friendly_name": "Coordinator", "type": "Coordinator"}
    hall = device("hall", binary("smoke"))
    unsupported = device("new", definition=None)
    assert bridge.announces(coordinator, hall, unsupported, device("off", disabled=True)) == [
        DeviceSeen("hall", "smoke", "V M1", "0x00158d0001"),
        DeviceSeen("new", "", "", "0x00158d0001"),
    ]
    assert bridge.announces(coordinator, hall, unsupported) == []
    assert bridge.announces(hall, device("attic", binary("contact", False, True))) == [
        DeviceSeen("attic", "contact", "V M1", "0x00158d0001")
    ]


def test_one_bad_entry_does_not_hide_the_other_devices() -> None:
    bridge = Bridge()
    items = bridge.says("bridge/devices", [{"friendly_name": 7}, device("hall", binary("smoke"))])
    assert [type(item) for item in items] == [DeviceSeen, Undecodable]


def test_availability_and_the_bridge_are_told_in_both_forms() -> None:
    bridge = Bridge()
    for payload in (b"offline", {"state": "offline"}):
        assert bridge.reads("a/b/availability", payload).values == {"extra.online": False}
        reading = bridge.reads("bridge/state", payload)
        assert (reading.device, reading.kind) == ("bridge", "gateway")
        assert reading.values == {"extra.online": False}
    assert bridge.reads("a/b/availability", b"online").device == "a/b"


def test_a_device_that_left_is_no_longer_online() -> None:
    event = {"type": "device_leave", "data": {"friendly_name": "hall", "ieee_address": "0x1"}}
    assert Bridge().reads("bridge/event", event).values == {"extra.online": False}
    assert Bridge().says("bridge/event", event | {"type": "device_joined"}) == []


def test_commands_logs_groups_and_deleted_topics_are_no_readings() -> None:
    bridge = Bridge()
    bridge.says("bridge/groups", [{"id": 1, "friendly_name": "all lights"}])
    for name in ("hall/set", "hall/get", "hall/set/state", "bridge/logging", "bridge/info"):
        assert bridge.says(name, {"state": "ON"}) == []
    assert bridge.says("all lights", {"state": "ON"}) == []
    assert bridge.says("hall", b"") == []


def test_a_repeated_cached_state_has_the_same_key_and_a_changed_one_another() -> None:
    bridge, seen = Bridge(), "2025-11-30T17:14:51+03:00"
    first = bridge.reads("hall", {"smoke": True, "last_seen": seen})
    again = bridge.reads("hall", {"smoke": True, "last_seen": seen})
    other = bridge.reads("hall", {"smoke": False, "last_seen": seen})
    assert first.key == again.key != other.key
    assert bridge.reads("hall", {"smoke": True}).key == ""


def test_last_seen_may_be_milliseconds_and_a_bad_one_hides_nothing() -> None:
    bridge = Bridge()
    reading = bridge.reads("hall", {"smoke": True, "last_seen": 1561390253312})
    assert reading.observed_at == 1561390253_312_000_000
    reading_, wrong = bridge.says("hall", {"smoke": True, "last_seen": "lately"})
    assert isinstance(reading_, Reading)
    assert reading_.values == {"alarm": True}
    assert isinstance(wrong, Undecodable)


def test_single_attributes_are_refused_with_what_to_set() -> None:
    (item,) = Bridge().says("hall/temperature", b"21.5")
    assert isinstance(item, Undecodable)
    assert "output: json" in item.reason


def test_new_properties_do_not_grow_a_plan_without_bound() -> None:
    bridge = Bridge()
    for n in range(400):
        bridge.says("hall", {"smoke": False, f"p{n}": n})
    assert len(bridge.reads("hall", {"smoke": True, "p1": 1, "p399": 2}).values) <= 33


@pytest.mark.parametrize(
    ("file", "kinds"),
    [
        ("smoke", {"smoke"}),
        ("carbon_monoxide", {"co", "smoke"}),
        ("gas", {"gas", "co", "smoke", "power", ""}),
        ("water_leak", {"water", "climate"}),  # rain gauges are among them
        ("occupancy_presence", {"infrared", "contact", "smoke"}),
        ("contact", {"contact", "water"}),
        ("sos", {"panic"}),
    ],
)
def test_announced_device_models_get_their_kind(file: str, kinds: set[str]) -> None:
    models = json.loads((VECTORS / f"{file}.json").read_text("utf-8"))
    seen = Bridge().announces(
        *({"friendly_name": f"d{n}", "definition": model} for n, model in enumerate(models))
    )
    devices = [item for item in seen if isinstance(item, DeviceSeen)]
    assert len(devices) == len(models)
    assert {item.kind for item in devices} <= kinds


def test_smoke_models_raise_an_alarm_by_what_they_announce() -> None:
    models = json.loads((VECTORS / "smoke.json").read_text("utf-8"))
    for model in models:
        bridge = Bridge()
        bridge.announces({"friendly_name": "d", "definition": model})
        (smoke,) = (each for each in model["exposes"] if each.get("property") == "smoke")
        assert bridge.reads("d", {"smoke": smoke["value_on"]}).values["alarm"] is True
        assert bridge.reads("d", {"smoke": smoke["value_off"]}).values["alarm"] is False


@pytest.mark.parametrize(
    ("expose", "payload", "expected"),
    [
        (binary("smoke_detected"), True, {"alarm": True}),
        (named(binary("sensor", "1", "0"), description="Smoke was detected"), "1", {"alarm": True}),
        (binary("input_3_leak_detect_9", "Leak", "Dry"), "Leak", {"leak": True}),
        (binary("silence", "ON", "OFF") | {"access": 3}, "ON", {"muted": True}),
        (binary("alarm", "ON", "OFF") | {"access": 3}, "ON", {"extra.alarm": "ON"}),
        (binary("alarm"), True, {"alarm": True}),
        (binary("rain"), True, {"extra.rain": True}),
        (binary("battery_defect"), True, {"fault": True}),
        (binary("sensor_armed", "Armed", "Disarmed") | {"access": 7}, "Armed", {"armed": True}),
        (
            binary("check_meter") | {"description": "A problem with the meter"},
            True,
            {"fault": True},
        ),
        (binary("window_open", "open", "close"), "open", {"open": True}),
        (binary("restore_reports"), True, {"extra.restore_reports": True}),
        (
            enum("smoke_state", "alarm", "normal", "detecting"),
            "alarm",
            {"alarm": True, "extra.smoke_state": "alarm"},
        ),
        (
            enum("alarm_state", "normal", "prealarm", "critical_alarm"),
            "prealarm",
            {"alarm": False, "extra.alarm_state": "prealarm"},
        ),
        (
            enum("reliability", "no_fault_detected", "unreliable_other", "process_error"),
            "no_fault_detected",
            {"fault": False, "extra.reliability": "no_fault_detected"},
        ),
        (
            enum("opening_state", "open", "closed", "tilted"),
            "tilted",
            {"open": True, "extra.opening_state": "tilted"},
        ),
        (
            enum("battery_state", "low", "medium", "high"),
            "low",
            {"battery_low": True, "extra.battery_state": "low"},
        ),
        (
            enum("self_test_result", "checking", "success", "failure"),
            "failure",
            {"test": False, "fault": True, "extra.self_test_result": "failure"},
        ),
        (
            enum("motion_state", "none", "small", "large"),
            "large",
            {"occupied": True, "alarm": True, "extra.motion_state": "large"},
        ),
        (numeric("gas_value", "%LEL"), 4, {"lel": 4.0}),
        (numeric("pressure", "hPa"), 1013, {"pressure": 101.3}),
        (numeric("voltage", "mV"), 2900, {"extra.battery_voltage": 2.9}),
        (numeric("temperature", "°F"), -4, {"temperature": -20.0}),
        (numeric("tilt_angle", "°"), 31, {"tilt": 31.0}),
        (numeric("angle_x", "°"), 31, {"extra.angle_x": 31.0}),
        (numeric("smoke_level", "dB/m"), 0.1, {"density": 2.2763}),
        ({"type": "text", "property": "fault_state", "access": 5}, "normal", {"fault": False}),
        ({"type": "text", "property": "wifi_password", "access": 7}, "geheim", {}),
        (enum("siren_state", "clear", "fire"), "fire", {"extra.siren_state": "fire"}),
        (enum("state", "none", "presence"), None, {}),
    ],
)
def test_a_property_means_what_it_announces(
    expose: dict[str, Any], payload: Any, expected: dict[str, Any]
) -> None:
    bridge = Bridge()
    bridge.announces(device("d", expose))
    found = bridge.says("d", {expose["property"]: payload})
    values = found[0].values if found else {}
    values.pop("extra.fault_state", None)
    assert values == expected


def test_several_alarms_of_one_device_hold_each_other_and_stay_apart_as_extras() -> None:
    bridge = Bridge()
    bridge.announces(device("d", binary("smoke"), binary("carbon_monoxide")))
    assert bridge.reads("d", {"smoke": True, "carbon_monoxide": False}).values == {
        "alarm": True,
        "extra.smoke": True,
        "extra.carbon_monoxide": False,
    }
    assert bridge.reads("d", {"carbon_monoxide": False}).values["alarm"] is True
    assert bridge.reads("d", {"smoke": False}).values["alarm"] is False


def test_a_test_flag_that_people_can_set_never_mutes_a_detector_for_long() -> None:
    bridge = Bridge()
    bridge.announces(device("d", binary("smoke"), binary("self_test") | {"access": 3}))
    stuck = {"smoke": False, "self_test": True}
    assert "test" not in bridge.reads("d", stuck).values
    assert bridge.reads("d", {"smoke": False, "self_test": False}).values["test"] is False
    tested = [bridge.reads("d", stuck).values.get("test") for _ in range(20)]
    assert tested[:5] == [True] * 5
    assert True not in tested[5:]
    own = Bridge()
    own.announces(device("d", binary("smoke"), binary("test")))
    assert all(own.reads("d", {"test": True}).values["test"] is True for _ in range(20))


def test_an_emergency_button_is_a_momentary_alarm() -> None:
    bridge = Bridge(hold="30s")
    (seen,) = bridge.announces(device("sos", enum("action", "emergency"), numeric("battery", "%")))
    assert seen.kind == "panic"
    assert bridge.says("sos", {"action": "emergency", "battery": 80}) == [
        Momentary(
            Reading("sos", "panic", {"extra.action": "emergency", "battery": 80.0, "alarm": True}),
            ("alarm",),
            30.0,
        )
    ]
    assert bridge.reads("sos", {"action": "", "battery": 80}).values == {"battery": 80.0}
    assert bridge.says("sos", {"action": "emergency_release"})[0].values == {
        "extra.action": "emergency_release"
    }
    (old,) = bridge.says("sos", {"action": "emergency"}, retained=True)
    assert isinstance(old, Reading)
    assert "alarm" not in old.values


def test_a_vibration_sensor_that_is_tilted_or_dropped_vibrates_and_has_no_kind() -> None:
    bridge = Bridge()
    (seen,) = bridge.announces(
        device("d", binary("vibration"), numeric("temperature"), enum("action", "tilt", "drop"))
    )
    assert seen.kind == ""
    (item,) = bridge.says("d", {"vibration": False, "action": "tilt"})
    assert item.reading.values == {"vibration": True, "extra.action": "tilt"}
    assert item.names == ("vibration",)
    assert bridge.reads("d", {"vibration": False}).values == {"vibration": False}


def test_composites_that_are_published_are_read_and_commands_are_not() -> None:
    inside = [binary("smoke"), numeric("temperature", "°C"), numeric("zone")]
    warning = {"type": "composite", "property": "warning", "access": 2, "features": inside}
    head = {"type": "composite", "property": "head", "access": 1, "features": inside}
    bridge = Bridge()
    bridge.announces(device("d", warning, head))
    reading = bridge.reads("d", {"head": {"smoke": True, "temperature": 30, "zone": 2}})
    assert (reading.kind, reading.values) == (
        "smoke",
        {"alarm": True, "temperature": 30.0, "extra.head_zone": 2.0},
    )


def test_with_ieee_addresses_a_renamed_device_stays_the_same() -> None:
    bridge = Bridge(address="ieee")
    (seen,) = bridge.announces(device("hall", binary("smoke")))
    assert seen == DeviceSeen("0x00158d0001", "smoke", "V M1", "hall")
    bridge.announces(device("attic", binary("smoke")))
    assert bridge.reads("attic", {"smoke": True}).device == "0x00158d0001"
    assert bridge.reads("attic/availability", b"online").device == "0x00158d0001"


def test_an_action_on_its_own_topic_is_a_repeat() -> None:
    assert Bridge().says("button/action", b"single") == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)
_NAMES = st.sampled_from(
    [
        "smoke",
        "gas",
        "contact",
        "test",
        "self_test",
        "action",
        "battery",
        "voltage",
        "state",
        "last_seen",
        "warning",
    ]
) | st.text(max_size=12)
_EXPOSES = st.fixed_dictionaries(
    {"type": st.sampled_from(["binary", "numeric", "enum", "text", "composite", "list"])},
    optional={
        "property": _NAMES,
        "name": _NAMES,
        "access": st.integers(0, 7),
        "values": st.lists(_NAMES | st.integers(), max_size=4),
        "value_on": _JSON,
        "value_off": _JSON,
        "unit": st.sampled_from(["%", "mV", "V", "°C", "LEL", "dB/m", ""]),
        "description": st.text(max_size=40),
    },
)


@given(st.lists(_EXPOSES, max_size=8), st.dictionaries(_NAMES, _JSON, max_size=8))
def test_any_announcement_and_any_state_give_readings_or_a_reason(
    exposes: list[dict[str, Any]], state: dict[str, Any]
) -> None:
    bridge = Bridge()
    announced = bridge.announces(device("d", *exposes))
    items = bridge.says("d", state) + bridge.says("d", state)
    for item in announced + items:
        assert isinstance(item, (DeviceSeen, Reading, Undecodable, Momentary))
        if isinstance(item, Reading):
            assert len([name for name in item.values if name.startswith("extra.")]) <= EXTRAS


@given(st.sampled_from(["d", "d/availability", "bridge/devices", "bridge/event"]), st.binary())
def test_any_bytes_give_readings_or_a_reason(name: str, payload: bytes) -> None:
    for item in Bridge().says(name, payload):
        assert isinstance(item, (Reading, Undecodable))


def test_a_state_costs_little_and_a_large_list_no_more_than_it_should() -> None:
    bridge = Bridge()
    exposes = [binary("smoke"), numeric("battery", "%"), binary("tamper"), numeric("temperature")]
    many = [device(f"d{n}", *exposes) for n in range(1_000)]
    size = len(json.dumps(many))
    began = time.process_time()
    bridge.announces(*many)
    assert time.process_time() - began < 20 * size / 1_000_000
    state = {"smoke": False, "battery": 90, "tamper": False, "temperature": 21.5}
    began = time.process_time()
    for _ in range(1_000):
        bridge.says("d7", state)
    assert time.process_time() - began < 1.0


def test_alarm_end_and_alarm_of_one_second_are_three_reports() -> None:
    bridge = Bridge()
    said = [
        bridge.reads("hall", {"smoke": smoke, "last_seen": "2026-11-22T02:31:36+00:00"})
        for smoke in (True, False, True)
    ]
    assert len({each.key for each in said}) == 3


def test_the_state_that_a_bridge_repeats_has_the_key_it_had() -> None:
    bridge, later = Bridge(), Bridge()
    smoke = {"smoke": True, "last_seen": "2026-11-22T02:31:36+00:00"}
    first = bridge.reads("hall", smoke)
    assert bridge.reads("hall", smoke).key == first.key
    assert later.reads("hall", smoke).key == first.key


def test_a_property_that_comes_later_forgets_no_alarm() -> None:
    bridge = Bridge()
    bridge.announces(device("d", binary("smoke"), binary("carbon_monoxide")))
    bridge.says("d", {"smoke": True})
    assert bridge.reads("d", {"carbon_monoxide": False, "zone_id": 7}).values["alarm"] is True
