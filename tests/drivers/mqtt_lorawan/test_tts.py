"""The tts dialect: what The Things Stack v3 publishes for an application."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers._momentary import Momentary
from drivers.mqtt.decode import KEPT, Out, Router
from drivers.mqtt.dialects.tts.dialect import Dialect
from drivers.mqtt.dialects.tts.options import Options
from drivers.mqtt.wire import Message
from gateway.model import DeviceSeen, Reading, Undecodable

EUI = "24e124141c000001"
AT = 1_580_982_365_234_172_000


class Server:
    """A fresh dialect and what it makes of each message."""

    def __init__(self, **options: Any) -> None:
        self._router = Router([Dialect(Options.model_validate(options))])

    def says(self, payload: object, end: str = "up") -> list[Out]:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        topic = f"v3/yunhe@tenant/devices/exit-b3/{end}".encode()
        return list(self._router.decode(Message(topic, raw, False, b"", len(raw))))

    def reads(self, payload: object) -> Reading:
        found = self.says(payload)[-1]
        assert isinstance(found, Reading), found
        return found


IDS = {
    "device_id": "exit-b3",
    "application_ids": {"application_id": "yunhe"},
    "dev_eui": EUI.upper(),
    "dev_addr": "27000020",
}


def up(**more: Any) -> dict[str, Any]:
    message: dict[str, Any] = {
        "session_key_id": "AXAWYbtxgUllLtJWdZrW0Q==",
        "f_port": 85,
        "f_cnt": 101,
        "rx_metadata": [{"time": "2020-02-06T09:46:05Z", "rssi": -16, "snr": 8.5}],
        "received_at": "2020-02-06T09:46:05.234172599Z",
        "version_ids": {"brand_id": "milesight-iot", "model_id": "em300-mcs"},
    }
    found = {name: value for name, value in (message | more).items() if value is not None}
    return {"end_device_ids": IDS, "uplink_message": found}


def coded(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()


def test_an_uplink_that_the_server_decoded() -> None:
    seen, reading = Server().says(up(decoded_payload={"battery": 92, "magnet_status": "open"}))
    assert seen == DeviceSeen(EUI, "contact", "milesight-iot em300-mcs", "exit-b3")
    assert reading == Reading(
        EUI,
        "contact",
        {"battery": 92.0, "open": True, "rssi": -16.0, "extra.snr": 8.5},
        AT,
        "AXAWYbtxgUllLtJWdZrW0Q==-101-1580982365234",
    )


def test_brand_and_model_decode_by_table() -> None:
    reading = Server().reads(up(frm_payload=coded("01755c03673401046865060001")))
    assert reading.values["open"] is True
    assert reading.values["temperature"] == 30.8


def test_the_schema_of_the_stack_is_believed_before_the_makers_names() -> None:
    payload = up(
        decoded_payload={"battery": 3250, "light": 1152, "temperature": -21, "water_leak": "leak"},
        normalized_payload=[{"air": {"temperature": -21.3}}, {"battery": 3.25}],
    )
    values = Server().reads(payload).values
    assert values["temperature"] == -21.3
    assert values["leak"] is True
    assert values["extra.light"] == 1152.0
    assert values["extra.battery_voltage"] == 3.25


def test_a_normalized_uplink_of_its_own_is_read_and_is_no_repeat() -> None:
    server = Server()
    message = up(normalized_payload={"action": {"contactState": "open"}, "battery": 3})
    again = {"end_device_ids": IDS, "uplink_normalized": message["uplink_message"]}
    plain, normalized = server.reads(message), server.says(again, "up/normalized")[-1]
    assert isinstance(normalized, Reading)
    assert plain.values == normalized.values
    assert plain.values["open"] is True
    assert plain.values["extra.battery_voltage"] == 3.0
    assert plain.key != normalized.key


def test_the_servers_clock_goes_before_the_gateways() -> None:
    heard = [{"time": "1970-01-01T00:00:09Z", "rssi": -16, "snr": 8.5}]
    assert Server().reads(up(rx_metadata=heard)).observed_at == AT
    assert Server().reads(up(received_at=None)).observed_at == 1_580_982_365_000_000_000


def test_a_repeat_has_the_same_key_and_a_new_session_another() -> None:
    server = Server()
    assert server.reads(up()).key == server.reads(up()).key
    assert server.reads(up(session_key_id="other")).key != server.reads(up()).key
    # a device activated by hand begins again in the same session
    later = "2020-02-06T09:56:05.234172599Z"
    assert server.reads(up(received_at=later)).key != server.reads(up()).key


def test_what_is_left_out_is_zero() -> None:
    reading = Server().reads(up(f_port=None, f_cnt=None, frm_payload="qg==", version_ids=None))
    assert reading.values["extra.port"] == 0.0
    assert reading.key == "AXAWYbtxgUllLtJWdZrW0Q==-0-1580982365234"


def test_a_battery_that_the_server_asked_for_completes() -> None:
    last = {"value": 88.3, "received_at": "2020-02-06T09:46:05Z"}
    assert Server().reads(up(last_battery_percentage=last)).values["battery"] == 88.3
    told = up(last_battery_percentage=last, decoded_payload={"battery": 92})
    assert Server().reads(told).values["battery"] == 92.0


def test_a_simulated_uplink_counts_only_where_that_is_wanted() -> None:
    message = up(decoded_payload={"magnet_status": "open"}) | {"simulated": True}
    assert Server().says(message) == []
    assert len(Server(simulated=True).says(message)) == 2


def test_a_device_without_eui_goes_by_its_id() -> None:
    message = up(frm_payload="qg==", version_ids=None)
    del message["end_device_ids"]
    assert Server().reads(message).device == "yunhe@tenant/exit-b3"


def test_a_press_is_momentary() -> None:
    found = Server().says(up(decoded_payload={"press": "short"}, version_ids=None))[1]
    assert isinstance(found, Momentary)
    assert found.reading.kind == "panic"


def test_the_other_messages_are_extras_or_nothing() -> None:
    server = Server()

    def reads(member: str, **fields: Any) -> dict[str, Any]:
        message = {"end_device_ids": IDS, "received_at": "2020-02-17T07:49:09Z", member: fields}
        found = server.says(message, "x")[-1]
        assert isinstance(found, Reading)
        assert found.observed_at is not None
        return found.values

    assert reads("join_accept", session_key_id="x") == {"extra.joined": True}
    assert reads("location_solved", location={"latitude": 1.5, "longitude": 2, "source": "x"}) == {
        "extra.latitude": 1.5,
        "extra.longitude": 2.0,
    }
    assert reads("service_data", service="lora-cloud", data={"battery_left": 3, "z": []}) == {
        "extra.service": "lora-cloud",
        "extra.battery_left": 3.0,
    }
    assert server.says({"end_device_ids": IDS, "downlink_ack": {"f_cnt": 1}}, "down/ack") == []


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"uplink_message": {"f_cnt": 1} "received_at": 1}', "not JSON"),
        ({"end_device_ids": IDS}, "no message of The Things Stack"),
        (b"[]", "not a JSON object"),
    ],
    ids=str,
)
def test_what_is_no_message_is_refused(payload: object, reason: str) -> None:
    (refused,) = Server().says(payload)
    assert isinstance(refused, Undecodable)
    assert refused.reason.startswith(reason)


def test_only_the_applications_topics_are_its() -> None:
    dialect = Dialect(Options(application="yunhe@ttn"))
    assert [each.topic for each in dialect.filters(1)] == [
        "v3/yunhe@ttn/devices/+/up",
        "v3/yunhe@ttn/devices/+/join",
        "v3/yunhe@ttn/devices/+/service/data",
        "v3/yunhe@ttn/devices/+/location/solved",
    ]
    assert dialect.plan("v3/yunhe@ttn/devices/d/up") is not None
    assert dialect.plan("v3/other@ttn/devices/d/up") is None
    assert dialect.plan("v3/yunhe@ttn/gateways/d/up") is None
    with pytest.raises(ValidationError):
        Options(application="a/b")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)
MEMBERS = sorted(up(decoded_payload={}, frm_payload="", normalized_payload=[])["uplink_message"])


@given(st.sampled_from(MEMBERS), JSON)
@settings(max_examples=200, deadline=None)
def test_any_member_may_be_anything(member: str, value: Any) -> None:
    found = Server().says(up(**{member: value}))
    assert any(isinstance(each, (Reading, Momentary)) for each in found)


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_items_or_a_reason(payload: bytes) -> None:
    for item in Server().says(payload) if payload else []:
        if isinstance(item, Undecodable):
            assert item.reason
            assert len(item.raw) <= KEPT
