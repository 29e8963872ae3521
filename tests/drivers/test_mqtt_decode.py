"""The json dialect and what all dialects share: bad input is kept with a reason, never raised."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.decode import Router
from drivers.mqtt.dialects.json.dialect import Dialect as JsonDialect
from drivers.mqtt.dialects.json.options import Options as JsonOptions
from drivers.mqtt.dialects.zigbee2mqtt.dialect import Dialect as Zigbee2mqtt
from drivers.mqtt.dialects.zigbee2mqtt.options import Options as Zigbee2mqttOptions
from drivers.mqtt.wire import Message
from gateway.model import Item, Reading, Undecodable

FIRE = {
    "topic": "site/+/smoke/+/report",
    "device": "{1}-{2}",
    "kind": "smoke",
    "values": {
        "alarm": {"field": "FireAlarm", "true": ["Alarm"], "false": ["Normal"]},
        "temperature": "env.Temp",
        "density": {"field": "dens", "scale": 0.01, "offset": 1},
        "tamper": {"field": "closed", "invert": True},
        "extra.mode": "mode",
    },
    "time": {"field": "ts", "unit": "ms"},
    "key": "seq",
}


def router(*topics: dict[str, Any]) -> Router:
    return Router([JsonDialect(JsonOptions.model_validate({"topics": topics}))])


def decoded(topics: Router, topic: str, payload: object, *, retained: bool = False) -> list[Item]:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return topics.decode(Message(topic.encode(), raw, retained, b"", len(raw)))


def one(topics: Router, payload: object) -> Reading:
    (item,) = decoded(topics, "site/a/smoke/7/report", payload)
    assert isinstance(item, Reading)
    return item


def test_declared_fields_become_values() -> None:
    reading = one(
        router(FIRE),
        {
            "FireAlarm": "Alarm",
            "env": {"Temp": "21.5"},
            "dens": 30,
            "closed": True,
            "mode": "auto",
            "ts": 1561390253312,
            "seq": 9,
            "volts": 3,
            "note": None,
            "deep": {"x": 1},
        },
    )
    assert reading.device == "a-7"
    assert reading.kind == "smoke"
    assert reading.values == {
        "alarm": True,
        "temperature": 21.5,
        "density": 1.3,
        "tamper": False,
        "extra.mode": "auto",
        "extra.volts": 3.0,
    }
    assert reading.observed_at == 1561390253_312_000_000
    assert reading.key == "9"


def test_a_missing_or_null_field_is_absent_and_zero_is_not() -> None:
    reading = one(router(FIRE), {"FireAlarm": None, "env": None, "dens": 0})
    assert reading.values == {"density": 1.0}
    assert reading.observed_at is None
    assert reading.key == ""


def test_a_wrong_field_does_not_hide_the_alarm_beside_it() -> None:
    items = decoded(
        router(FIRE), "site/a/smoke/7/report", {"FireAlarm": "Alarm", "dens": "x", "ts": "noon"}
    )
    reading, wrong = items
    assert isinstance(reading, Reading)
    assert reading.values == {"alarm": True}
    assert isinstance(wrong, Undecodable)
    assert "density: 'x' is no number" in wrong.reason
    assert "time: " in wrong.reason


def test_a_bare_nan_does_not_hide_the_alarm_beside_it() -> None:
    payload = b'{"FireAlarm":"Alarm","dens":nan,"env":{"Temp": -Infinity }, "mode":"a, nan ,b"}'
    assert one(router(FIRE), payload).values["alarm"] is True


def test_a_device_may_be_a_field_of_the_payload() -> None:
    topics = router({"topic": "up/#", "device": {"field": "dev.eui"}, "values": {"open": "o"}})
    (reading,) = decoded(topics, "up/x/y", {"dev": {"eui": "70B3"}, "o": 1})
    assert isinstance(reading, Reading)
    assert (reading.device, reading.values) == ("70B3", {"open": True})
    (missing,) = decoded(topics, "up", {"o": 1})
    assert missing == Undecodable("up", b'{"o": 1}', "no device in field dev.eui")


def test_one_declared_word_alone_makes_everything_else_its_opposite() -> None:
    topics = router(
        {"topic": "t", "device": "d", "values": {"alarm": {"field": "s", "true": ["fire", 2]}}}
    )
    for raw, expected in (("fire", True), (2, True), ("ok", False), (0, False)):
        (reading,) = decoded(topics, "t", {"s": raw})
        assert isinstance(reading, Reading)
        assert reading.values == {"alarm": expected}


def test_extras_are_bounded_and_can_be_left_out() -> None:
    many = {"FireAlarm": "Alarm"} | {f"x{n}": n for n in range(100)}
    assert len(one(router(FIRE), many).values) == 1 + 32
    assert len(one(router(FIRE | {"extra": "ignore"}), many).values) == 1


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "not JSON"),
        (b'{"a":1}}', "not JSON"),
        (b"\xff\x00\x80garbage", "not JSON"),
        (b'"Alarm"', "not a JSON object"),
        (b"[1]", "not a JSON object"),
        (b'{"FireAlarm":"\xff"}', "not UTF-8"),
        (b"[" * 100_000, "not a JSON object"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"FireAlarm":"Perhaps"}', "neither of the declared words"),
        (b"{}", "none of the declared fields"),
    ],
)
def test_a_bad_payload_is_kept_bounded_with_the_reason(payload: bytes, reason: str) -> None:
    (item,) = decoded(router(FIRE), "site/a/smoke/7/report", payload)
    assert isinstance(item, Undecodable)
    assert reason in item.reason
    assert item.source == "site/a/smoke/7/report"
    assert item.raw == payload[:4096]


def test_an_empty_payload_is_a_deleted_topic_and_no_error() -> None:
    assert decoded(router(FIRE), "site/a/smoke/7/report", b"") == []


def test_an_oversized_payload_is_refused_by_its_size() -> None:
    topics = router(FIRE)
    (item,) = topics.decode(Message(b"site/a/smoke/7/report", b"x" * 10, False, b"", 10_000_000))
    assert isinstance(item, Undecodable)
    assert item.reason == "10,000,000 bytes are too many"


def test_a_topic_that_nobody_reads_or_can_read_is_kept_with_the_reason() -> None:
    (item,) = decoded(router(FIRE), "old/topic", {"a": 1})
    assert isinstance(item, Undecodable)
    assert "no dialect reads this topic" in item.reason
    (item,) = router(FIRE).decode(Message(b"\xff/x", b"{}", False, b"", 2))
    assert isinstance(item, Undecodable)
    assert item.reason == "the topic is not UTF-8"


def test_plans_are_bounded_however_many_topics_there_are() -> None:
    topics = router(FIRE)
    for n in range(10_050):
        decoded(topics, f"site/a/smoke/{n}/report", b"{}")
    assert len(topics._plans) == 10_000


def test_subscriptions_carry_their_quality_and_come_once() -> None:
    topics = router(FIRE, FIRE, FIRE | {"topic": "x/#", "device": "d", "qos": 0})
    assert topics.filters(1) == [("site/+/smoke/+/report", 1), ("x/#", 0)]


BOTH = [
    JsonDialect(JsonOptions.model_validate({"topics": [FIRE]})),
    Zigbee2mqtt(Zigbee2mqttOptions()),
]
TOPICS = [
    "site/a/smoke/7/report",
    "zigbee2mqtt/hall",
    "zigbee2mqtt/hall/availability",
    "zigbee2mqtt/bridge/devices",
    "zigbee2mqtt/bridge/groups",
    "zigbee2mqtt/bridge/event",
    "zigbee2mqtt/bridge/state",
]
NAMES = st.sampled_from(
    [
        "FireAlarm",
        "dens",
        "ts",
        "seq",
        "smoke",
        "contact",
        "last_seen",
        "battery",
        "friendly_name",
        "exposes",
        "definition",
        "features",
        "state",
        "type",
        "data",
        "property",
        "update",
        "x",
    ]
)
TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=20,
)


@given(st.sampled_from(TOPICS), st.one_of(st.binary(max_size=300), TREES))
def test_no_payload_raises_and_every_item_can_be_stored(topic: str, payload: object) -> None:
    for item in decoded(Router(BOTH), topic, payload):
        msgspec.msgpack.encode(item)
        if isinstance(item, Reading):
            assert item.device
            assert item.values


@pytest.mark.parametrize(
    ("words", "raw", "expected"),
    [
        ({"true": [1]}, "1", True),
        ({"true": ["1"]}, 1, True),
        ({"true": ["01"]}, "1", True),
        ({"true": ["Alarm"]}, "ALARM ", True),
        ({"true": [True]}, "true", True),
        ({"false": [0]}, "0.0", False),
        ({"true": [1]}, "0", False),
        ({"true": [1]}, 2, False),
        ({"true": ["a"], "false": ["b"]}, "B", False),
    ],
)
def test_declared_words_are_known_in_any_form(
    words: dict[str, Any], raw: object, expected: bool
) -> None:
    topic = {"topic": "a", "device": "x", "values": {"alarm": {"field": "f", **words}}}
    (reading,) = decoded(router(topic), "a", {"f": raw})
    assert isinstance(reading, Reading)
    assert reading.values == {"alarm": expected}


def test_empty_text_is_absent_and_not_the_opposite_of_the_declared_word() -> None:
    topic = {"topic": "a", "device": "x", "values": {"alarm": {"field": "f", "true": ["fire"]}}}
    (item,) = decoded(router(topic), "a", {"f": ""})
    assert isinstance(item, Undecodable)
