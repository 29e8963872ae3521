"""The canary's report over a real broker: published by the driver, and heard by it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.echo import item
from drivers.mqtt.wire import Message
from gateway.model import CANARY_DEVICE, Item, Reading, Undecodable
from gateway.ports import Unavailable
from tests.drivers.test_mqtt_driver import Store, driver, publish, running
from tests.servers import Mosquitto

TOPIC = "gridwarden/canary/gridwarden-mqtt"


def canary(token: str) -> Reading:
    return Reading(CANARY_DEVICE, "gateway", {"canary": True}, key=token)


async def test_what_is_sent_comes_back_by_the_broker_with_its_token(mosquitto: Mosquitto) -> None:
    which, store = driver(mosquitto.port, client_id="a/b+c#"), Store()
    async with running(which, store):
        await which.echo("t1")
        await store.holds(1)
        await which.echo("t2")
        await store.holds(2)
        await publish(mosquitto, ("gridwarden/canary/a_b_c_", b""))
        await publish(mosquitto, ("gridwarden/canary/a_b_c_", b'{"canary": "t3"}'))
        await store.holds(3)
    assert store.items == [canary(token) for token in ("t1", "t2", "t3")]


async def test_a_broker_that_allows_no_such_topic_loses_the_canary_alone(tmp_path: Path) -> None:
    lists = tmp_path / "acl"
    lists.write_text("topic readwrite s/#\ntopic read gridwarden/canary/#\n", "ascii")
    with Mosquitto(f"acl_file {lists}\n") as broker:
        which, store = driver(broker.port), Store()
        async with running(which, store):
            await which.echo("t1")  # confirmed all the same, as brokers do, and dropped
            await publish(broker, ("s/1", b'{"n": "x", "smoke": true}'))
            await store.holds(1)
        assert store.keys == ["x"]


async def test_without_a_connection_it_is_unavailable_and_without_a_topic_there_is_none(
    mosquitto: Mosquitto,
) -> None:
    which = driver(mosquitto.port)
    with pytest.raises(Unavailable, match="no connection to the broker"):
        await which.echo("t1")
    store = Store()
    async with running(which, store) as task:
        mosquitto.kill()
        await asyncio.wait((task,))
        with pytest.raises(Unavailable, match="no connection to the broker"):
            await which.echo("t1")
    assert store.items == []
    assert not hasattr(driver(mosquitto.port, canary=None), "echo")


async def test_a_subscription_of_the_site_that_covers_it_is_enough(mosquitto: Mosquitto) -> None:
    every = {"topics": [{"topic": "#", "device": "{1}", "values": {"alarm": "canary"}}]}
    which, store = driver(mosquitto.port, dialects=[{"json": every}]), Store()
    async with running(which, store):
        await which.echo("t1")
        await store.holds(1)
        await asyncio.sleep(0.1)
    assert store.items == [canary("t1")]


@given(st.binary(max_size=300))
def test_nothing_that_somebody_publishes_there_raises_or_says_more_than_a_token(raw: bytes) -> None:
    found: list[Item] = item(Message(TOPIC.encode(), raw, False, b"", len(raw)))
    for each in found:
        if isinstance(each, Reading):
            assert each == canary(each.key)
        else:
            assert isinstance(each, Undecodable)


@pytest.mark.parametrize(
    "raw", [b"{}", b'{"canary": 1}', b'{"canary": ""}', b'{"canary": true}', b"[]", b"x" * 300]
)
def test_what_has_no_token_is_kept_with_a_reason(raw: bytes) -> None:
    (found,) = item(Message(TOPIC.encode(), raw, False, b"", len(raw)))
    assert isinstance(found, Undecodable)
    assert found.source == TOPIC
