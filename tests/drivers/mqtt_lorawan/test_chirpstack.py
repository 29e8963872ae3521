"""The chirpstack dialect: events of ChirpStack v4 as it writes them, and what it leaves out."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers._momentary import Momentary
from drivers.mqtt.decode import KEPT, Filter, Out, Router
from drivers.mqtt.dialects.chirpstack.dialect import Dialect
from drivers.mqtt.dialects.chirpstack.options import Options
from drivers.mqtt.wire import Message
from gateway.model import DeviceSeen, Reading, Undecodable

EUI = "24e124713c000001"
AT = 1_658_136_855_775_023_000


class Server:
    """A fresh dialect and what it makes of each event."""

    def __init__(self, **options: Any) -> None:
        self._router = Router([Dialect(Options.model_validate(options))])

    def says(self, event: str, payload: object, eui: str = EUI) -> list[Out]:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        topic = f"application/a1/device/{eui}/event/{event}".encode()
        return list(self._router.decode(Message(topic, raw, False, b"", len(raw))))

    def reads(self, **more: Any) -> Reading:
        found = self.says("up", up(**more))[-1]
        assert isinstance(found, Reading), found
        return found


def up(**more: Any) -> dict[str, Any]:
    info = {"deviceName": "3号井盖", "deviceProfileName": "Cover", "devEui": EUI}
    message: dict[str, Any] = {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2022-07-18T09:34:15.775023242+00:00",
        "deviceInfo": info | more.pop("info", {}),
        "devAddr": "00189440",
        "fCnt": 7,
        "fPort": 85,
        "rxInfo": [{"gatewayId": "g", "rssi": -36, "snr": 10.5}],
    }
    return {name: value for name, value in (message | more).items() if value is not None}


def coded(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()


def test_an_uplink_that_the_server_decoded() -> None:
    seen, reading = Server().says("up", up(object={"battery": 92, "magnet_status": "open"}))
    assert seen == DeviceSeen(EUI, "contact", "Cover", "3号井盖")
    assert reading == Reading(
        EUI,
        "contact",
        {"battery": 92.0, "open": True, "rssi": -36.0, "extra.snr": 10.5},
        AT,
        "00189440-7-3ac7e3c4-4401",
    )


def test_a_device_is_announced_once_and_again_when_it_changed() -> None:
    server = Server()
    assert [type(each) for each in server.says("up", up())] == [DeviceSeen, Reading]
    assert [type(each) for each in server.says("up", up())] == [Reading]
    renamed = server.says("up", up(info={"deviceName": "4号井盖"}))
    assert renamed[0] == DeviceSeen(EUI, "", "Cover", "4号井盖")
    learnt = server.says("up", up(object={"leak": True}, info={"deviceName": "4号井盖"}))
    assert learnt[0] == DeviceSeen(EUI, "water", "Cover", "4号井盖")


def test_a_kind_that_was_learnt_stays() -> None:
    server = Server()
    server.says("up", up(object={"leak": False}))
    (reading,) = server.says("up", up(object={"temperature": 20, "battery": 5}))
    assert isinstance(reading, Reading)
    assert reading.kind == "water"


def test_what_is_left_out_is_zero() -> None:
    reading = Server().reads(fCnt=None, fPort=None, data="qg==", rxInfo=[{"rssi": -36}])
    assert reading.key == "00189440-0-3ac7e3c4-4401"
    assert reading.values["extra.port"] == 0.0
    assert reading.values["extra.snr"] == 0.0


def test_an_uplink_without_payload_is_a_sign_of_life() -> None:
    assert Server().reads().values == {"rssi": -36.0, "extra.snr": 10.5}


def test_an_unknown_payload_is_kept_and_its_device_named() -> None:
    seen, reading = Server().says("up", up(data=coded("deadbeef")))
    assert isinstance(seen, DeviceSeen)
    assert seen.name == "3号井盖"
    assert isinstance(reading, Reading)
    assert reading.values["extra.raw"] == "deadbeef"
    assert reading.values["extra.port"] == 85.0


def test_a_model_in_the_options_decodes_by_table() -> None:
    server = Server(models={EUI.upper(): "Milesight EM300-MCS"})
    reading = server.reads(data=coded("01755c03673401046865060001"))
    assert reading.kind == "contact"
    assert reading.values["open"] is True
    assert reading.values["temperature"] == 30.8


def test_a_model_goes_by_profile_too() -> None:
    server = Server(models={"cover": "Milesight EM300-MCS"})
    assert server.reads(data=coded("060000")).values["open"] is False


def test_a_payload_that_its_table_refuses_is_kept_and_says_why() -> None:
    server = Server(models={EUI: "Milesight EM300-MCS"})
    *_, reading, refused = server.says("up", up(data=coded("0175")))
    assert isinstance(reading, Reading)
    assert reading.values["extra.raw"] == "0175"
    assert isinstance(refused, Undecodable)
    assert refused.reason.startswith("payload: ")


def test_an_encrypted_payload_is_kept_and_says_why() -> None:
    message = up(data=coded("0175"), joinServerContext={"sessionKeyId": "x"})
    *_, reading, refused = Server(models={EUI: "Milesight EM300-MCS"}).says("up", message)
    assert isinstance(reading, Reading)
    assert reading.values["extra.raw"] == "0175"
    assert isinstance(refused, Undecodable)
    assert "still encrypted" in refused.reason


def test_the_gateway_that_heard_best_counts() -> None:
    heard = [{"rssi": -30, "snr": -5.0}, {"rssi": -110, "snr": 4.0}, {"rssi": -100, "snr": 4.0}]
    assert Server().reads(rxInfo=heard).values["rssi"] == -100.0


def test_a_repeat_has_the_same_key_and_a_new_session_another() -> None:
    server = Server()
    assert server.reads().key == server.reads().key
    assert server.reads(devAddr="01ffffff").key != server.reads().key
    # a device activated by hand begins again with the same address and counter
    assert server.reads(deduplicationId="99c7e3c4-4401-4b8d").key != server.reads().key


def test_a_press_is_momentary() -> None:
    found = Server(hold="30s").says("up", up(object={"button_event": {"status": "short press"}}))[1]
    assert isinstance(found, Momentary)
    assert (found.names, found.hold, found.reading.kind) == (("alarm",), 30.0, "panic")


def test_history_comes_before_the_live_report_with_its_own_time() -> None:
    live = AT // 10**9
    history = [
        {"timestamp": live - 600, "temperature": 20.5, "magnet_status": "open"},
        {"timestamp": live - 90_000, "temperature": 19},
    ]
    _, recent, old, reading = Server().says("up", up(object={"temperature": 21, "h": history}))
    assert isinstance(recent, Reading)
    assert recent.observed_at == (live - 600) * 10**9
    assert recent.values["temperature"] == 20.5
    assert recent.values["extra.open"] is True
    assert isinstance(old, Reading)
    # too old to keep its time, so it must not pass for a temperature of today
    assert old.values["extra.temperature"] == 19.0
    assert "temperature" not in old.values
    assert isinstance(reading, Reading)
    assert reading.values["temperature"] == 21.0


@pytest.mark.parametrize(
    ("more", "reason", "kept"),
    [
        ({"fCnt": -1}, "fCnt", "open"),
        ({"fPort": "x"}, "fPort", "open"),
        ({"time": "yesterday"}, "time", "open"),
        ({"data": "%%"}, "data", "open"),
    ],
    ids=str,
)
def test_a_wrong_field_hides_no_good_one(more: dict[str, Any], reason: str, kept: str) -> None:
    *_, reading, refused = Server().says("up", up(object={"door": "open"}, **more))
    assert isinstance(reading, Reading)
    assert reading.values[kept] is True
    assert isinstance(refused, Undecodable)
    assert refused.reason.startswith(reason)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"margin": 10, "batteryLevel": 88.3}, {"battery": 88.3, "extra.margin": 10.0}),
        ({}, {"battery": 0.0, "extra.margin": 0.0}),
        ({"batteryLevelUnavailable": True}, {"extra.margin": 0.0}),
        ({"externalPowerSource": True}, {"extra.margin": 0.0, "extra.external_power": True}),
    ],
    ids=str,
)
def test_a_status_says_how_the_battery_is(more: dict[str, Any], expected: dict[str, Any]) -> None:
    message = {"time": "2022-07-18T09:35:06Z", "deviceInfo": {"devEui": EUI}} | more
    found = Server().says("status", message)[-1]
    assert isinstance(found, Reading)
    assert found.values == {"extra.external_power": False} | expected


def test_the_other_events_are_extras_or_nothing() -> None:
    server = Server()
    told = {"time": "2022-07-18T09:35:06Z", "deviceInfo": {"devEui": EUI, "deviceName": "n"}}

    def reads(event: str, **more: Any) -> dict[str, Any]:
        found = server.says(event, told | more)[-1]
        assert isinstance(found, Reading)
        return found.values

    assert reads("join", devAddr="00189440") == {"extra.joined": True}
    assert reads("log", level="ERROR", code="UPLINK_CODEC", description="boom") == {
        "extra.log_level": "ERROR",
        "extra.log": "UPLINK_CODEC",
        "extra.log_text": "boom",
    }
    assert reads("location", location={"latitude": 37.3, "longitude": -8.8, "altitude": 2}) == {
        "extra.latitude": 37.3,
        "extra.longitude": -8.8,
        "extra.altitude": 2.0,
    }
    assert reads("integration", integrationName="loracloud", object={"x": 1, "y": {}}) == {
        "extra.integration": "loracloud",
        "extra.x": 1.0,
    }
    assert server.says("ack", told | {"acknowledged": True}) == []
    assert server.says("txack", told) == []


def test_protobuf_is_refused_with_what_to_do() -> None:
    (refused,) = Server().says("up", b"\n$3ac7e3c4-4401-4b8d-9386-a5c902f9202d\x12\x0c")
    assert isinstance(refused, Undecodable)
    assert "json=true" in refused.reason


def test_version_3_is_read_too() -> None:
    message = {
        "deviceName": "garden",
        "devEUI": "AgICAgICAgI=",
        "rxInfo": [{"time": "2019-11-08T13:59:25.048445Z", "rssi": -48, "loRaSNR": 9}],
        "fCnt": 10,
        "fPort": 5,
        "data": "qg==",
        "objectJSON": '{"temperatureSensor":25}',
    }
    found = Server().says("up", message)[-1]
    assert isinstance(found, Reading)
    assert found.device == "0202020202020202"
    assert found.values == {"temperature": 25.0, "rssi": -48.0, "extra.snr": 9.0}


def test_only_events_are_its_topics() -> None:
    dialect = Dialect(Options(prefix="site"))
    assert dialect.filters(1) == [Filter("site/application/+/device/+/event/+", 1)]
    assert dialect.plan(f"site/application/a/device/{EUI}/event/up") is not None
    assert dialect.plan(f"application/a/device/{EUI}/event/up") is None
    assert dialect.plan(f"site/application/a/device/{EUI}/command/down") is None
    assert dialect.plan("site/eu868/gateway/0016c001f153a14c/event/up") is None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"invert": {"x": ["opne"]}}, "open"),
        ({"units": {"x": {"depth": "furlong"}}}, "furlong"),
        ({"depth": {"x": 0}}, "greater than 0"),
        ({"prefix": "a/#"}, "plain topic"),
    ],
    ids=str,
)
def test_a_wrong_option_says_what_is_wrong(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Options.model_validate(options)


EVENTS = st.sampled_from(["up", "status", "join", "log", "location", "integration", "ack", "new"])


@given(EVENTS, st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_items_or_a_reason(event: str, payload: bytes) -> None:
    for item in Server().says(event, payload):
        if isinstance(item, Undecodable):
            assert item.reason
            assert len(item.raw) <= KEPT


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(up(object={}, data=""))), JSON)
@settings(max_examples=200, deadline=None)
def test_any_member_may_be_anything(member: str, value: Any) -> None:
    server = Server(models={EUI: "Milesight EM300-MCS"})
    found = server.says("up", up(data=coded("060001")) | {member: value})
    assert any(isinstance(each, Reading) for each in found)
    assert len(found) <= 4


@given(st.binary(max_size=64))
@settings(max_examples=150, deadline=None)
def test_any_payload_gives_a_reading(data: bytes) -> None:
    server = Server(models={EUI: "Milesight EM310-TILT"})
    found = server.says("up", up(data=base64.b64encode(data).decode()))
    assert any(isinstance(each, (Reading, Momentary)) for each in found)


def test_an_uplink_costs_little() -> None:
    decode = Dialect(Options()).plan(f"application/a/device/{EUI}/event/up")
    assert decode is not None
    payload = json.dumps(up(object={"battery": 92, "magnet_status": "open"})).encode()
    decode(payload, False)
    started = time.process_time()
    for _ in range(200):
        decode(payload, False)
    assert (time.process_time() - started) / 200 < 0.001 * 20 * len(payload) / 1_000
