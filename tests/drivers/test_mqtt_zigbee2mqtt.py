"""The zigbee2mqtt dialect on its own and on published vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drivers.mqtt.decode import Router
from drivers.mqtt.dialects.zigbee2mqtt.dialect import Dialect as Zigbee2mqtt
from drivers.mqtt.dialects.zigbee2mqtt.options import Options as Zigbee2mqttOptions
from drivers.mqtt.wire import Message
from gateway.model import DeviceSeen, Item, Reading, Undecodable

VECTORS = Path(__file__).parent / "vectors" / "zigbee2mqtt"


class Bridge:
    """A fresh dialect and what it makes of each message."""

    def __init__(self, base: str = "zigbee2mqtt") -> None:
        self._base = base
        self._router = Router([Zigbee2mqtt(Zigbee2mqttOptions(base=base))])

    def says(self, name: str, payload: object, *, retained: bool = False) -> list[Item]:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        topic = f"{self._base}/{name}".encode()
        return self._router.decode(Message(topic, raw, retained, b"", len(raw)))

    def reads(self, name: str, payload: object) -> Reading:
        (item,) = self.says(name, payload)
        assert isinstance(item, Reading)
        return item

    def announces(self, *devices: dict[str, Any]) -> list[Item]:
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
        ({"smoke": False, "carbon_monoxide": True}, "smoke", {"alarm": True}),
        ({"carbon_monoxide": True, "smoke": False}, "smoke", {"alarm": True}),
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
        ("water_leak", {"water", ""}),  # rain gauges are among them
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
        assert bridge.reads("d", {"smoke": smoke["value_on"]}).values == {"alarm": True}
        assert bridge.reads("d", {"smoke": smoke["value_off"]}).values == {"alarm": False}
