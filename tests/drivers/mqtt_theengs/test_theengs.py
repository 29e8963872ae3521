"""The theengs dialect on its own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers._momentary import Momentary
from drivers.mqtt.dialects.theengs.dialect import Dialect
from drivers.mqtt.dialects.theengs.options import Options
from drivers.mqtt.dialects.theengs.simulator import MESSAGES
from gateway.model import DeviceSeen, Reading, Undecodable
from tests.drivers.mqtt_tasmota.speaker import Speaker, huge, mutated, payloads

TOPIC = "home/OpenMQTTGateway/BTtoMQTT/3C2EF5AABBCC"


def speaker(**options: Any) -> Speaker:
    return Speaker(Dialect(Options.model_validate(options)))


def reads(kind: str, **fields: Any) -> Reading:
    about = {"id": "3C:2E:F5:AA:BB:CC", "brand": "B", "model": "M", "type": kind}
    return speaker().reads(TOPIC, about | fields)


@pytest.mark.parametrize(
    ("type_", "fields", "kind", "expected"),
    [
        ("CTMO", {"open": True, "batt": 100}, "contact", {"open": True, "battery": 100.0}),
        ("CTMO", {"motion": True}, "infrared", {"occupied": True, "alarm": True}),
        ("CTMO", {"motion": False}, "infrared", {"occupied": False, "alarm": False}),
        (
            "CTMO",
            {"contact": "closed", "movement": False},
            "contact",
            {"open": False, "occupied": False, "alarm": False},
        ),
        ("CTMO", {"contact": "open"}, "contact", {"open": True}),
        ("CTMO", {"contact": "timeout not closed"}, "contact", {"open": True}),
        ("CTMO", {"movement": True}, "infrared", {"occupied": True, "alarm": True}),
        ("WCVR", {"open": 0, "motion": True, "batt": 80}, "", {"battery": 80.0}),
        ("WCVR", {"open": 55}, "", {}),
        ("CTMO", {"rot": 40.6}, "", {"tilt": 40.6}),
        ("THB", {"tempc": -7.3481, "hum": 0}, "climate", {"temperature": -7.3481, "humidity": 0.0}),
        ("THB", {"tempf": 14.0}, "climate", {"temperature": -10.0}),
        ("AIR", {"co2": 745, "pm25": 12, "for": 0.08}, "climate", {"co2": 745.0, "pm2_5": 12.0}),
        ("UNIQ", {"lvl_cm": 15.4}, "", {"level": 0.154}),
        ("ENRG", {"volt": 229.5, "power": 7}, "power", {"voltage": 229.5, "power": 7.0}),
        ("ACEL", {"accx": 3, "volt": 3.09}, "", {}),
    ],
)
def test_fields_become_values(
    type_: str, fields: dict[str, Any], kind: str, expected: dict[str, Any]
) -> None:
    reading = reads(type_, **fields)
    known = {name: v for name, v in reading.values.items() if not name.startswith("extra.")}
    assert (reading.kind, known) == (kind, expected)


def test_motion_whose_end_nobody_says_ends() -> None:
    lamp = {"model": "MiLamp", "model_id": "MUE4094RT", "type": "CTMO", "motion": True}
    held = speaker(hold="90s").out(TOPIC, lamp)[-1]
    assert isinstance(held, Momentary)
    assert (held.names, held.hold) == (("alarm", "occupied"), 90.0)


def test_retained_motion_is_history_and_a_retained_door_is_not() -> None:
    about = {"model": "M", "type": "CTMO", "batt": 50}
    moved = speaker().reads(TOPIC, about | {"motion": True}, retained=True)
    assert moved.values == {"battery": 50.0}
    assert speaker().reads(TOPIC, about | {"open": True}, retained=True).values["open"] is True


def test_battery_voltage_formaldehyde_and_acceleration_are_extras() -> None:
    assert reads("ACEL", **{"volt": 3.09, "for": 0.08, "accx": -3}).values == {
        "extra.battery_voltage": 3.09,
        "extra.formaldehyde": 0.08,
        "extra.accx": -3.0,
    }


def test_device_is_the_mac_whichever_gateway_heard_it() -> None:
    bench = speaker(base="site")
    message = {"model": "M", "type": "THB", "tempc": 1}
    for gateway in ("one", "two"):
        topic = f"site/{gateway}/BTtoMQTT/3c:2e:f5:aa:bb:cc"
        assert bench.reads(topic, message).device == "3C2EF5AABBCC"


def test_device_is_announced_once() -> None:
    bench = speaker()
    message = {"brand": "Shelly", "model": "BLU", "model_id": "SBDW", "type": "CTMO", "open": True}
    seen, _ = bench.items(TOPIC, message)
    assert seen == DeviceSeen("3C2EF5AABBCC", "contact", "Shelly BLU SBDW")
    assert len(bench.items(TOPIC, message)) == 1


def test_passers_by_are_not_kept() -> None:
    for message in (
        {"id": "3C:2E:F5:AA:BB:CC", "rssi": -80},
        {"model": "Phone", "type": "RMAC", "rssi": -80},
        {"model": "Band", "type": "BODY", "steps": 7},
    ):
        assert speaker().items(TOPIC, message) == []


def test_button_calls_for_help_only_where_declared() -> None:
    message = {"model": "BLU", "type": "BTN", "button": 1, "batt": 90}
    assert "alarm" not in speaker().reads(TOPIC, message).values
    bench = speaker(panic=["3c:2e:f5:aa:bb:cc"], hold="2m")
    held = bench.out(TOPIC, message)[1]
    assert isinstance(held, Momentary)
    assert (held.reading.kind, held.hold) == ("panic", 120.0)
    assert not any(
        isinstance(each, Momentary) for each in bench.out(TOPIC, message | {"button": 0})
    )


def test_encrypted_device_says_so() -> None:
    assert reads("CTMO", encr=2, cipher="38ef", ctr="ed", mic="4d").values == {
        "extra.encrypted": True
    }


def test_wrong_field_hides_no_good_one() -> None:
    message = {"model": "M", "type": "CTMO", "open": "ajar", "batt": 50}
    _, reading, wrong = speaker().items(TOPIC, message)
    assert isinstance(reading, Reading)
    assert reading.values == {"battery": 50.0}
    assert isinstance(wrong, Undecodable)
    assert "open" in wrong.reason


@pytest.mark.parametrize(("word", "online"), [("online", True), ("offline", False)])
def test_gateway_s_last_will(word: str, online: bool) -> None:
    reading = speaker().reads("home/gw/LWT", word, retained=True)
    assert (reading.device, reading.kind, reading.values) == (
        "gw", "gateway", {"extra.online": online},
    )  # fmt: skip


def test_gateway_s_sign_of_life() -> None:
    reading = speaker().reads("home/gw/SYStoMQTT", {"uptime": 60, "rssi": -55, "SSID": "secret"})
    assert reading.values == {"rssi": -55.0, "extra.uptime": 60.0}


@pytest.mark.parametrize("topic", ["home/gw/RTL_433toMQTT", "site/gw/LWT", "home/gw/x/y/z"])
def test_other_topics_are_not_ours(topic: str) -> None:
    assert Dialect(Options()).plan(topic) is None


NAMES = ("model", "type", "id", "tempc", "open", "motion", "batt", "button", "volt", "name", "rssi")
BENCH = speaker(panic=["3C2EF5AABBCC"])


@settings(max_examples=250, deadline=None)
@given(st.sampled_from([TOPIC, "home/gw/LWT", "home/gw/SYStoMQTT"]), payloads(NAMES))
def test_any_bytes_give_items_or_a_reason(topic: str, payload: bytes) -> None:
    BENCH.survives(topic, payload)


@settings(max_examples=100, deadline=None)
@given(mutated(MESSAGES))
def test_mutated_messages_give_items_or_a_reason(said: tuple[str, bytes]) -> None:
    BENCH.survives(*said)


def test_huge_messages_are_bounded_in_time_and_items() -> None:
    for payload in huge(NAMES):
        for topic in (TOPIC, "home/gw/SYStoMQTT"):
            BENCH.survives(topic, payload)
