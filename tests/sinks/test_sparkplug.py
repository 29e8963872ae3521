"""An edge node as the specification wants it, heard by another client and read by our own dialect."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.decode import Publish, Router
from drivers.mqtt.dialects.sparkplug_b.dialect import Dialect
from drivers.mqtt.dialects.sparkplug_b.options import Options as DialectOptions
from drivers.mqtt.wire import Message
from gateway import sparkplug
from gateway.clock import SystemClock
from gateway.model import Reading, Site
from gateway.ports import Unavailable
from gateway.sinks.sparkplug.node import Node, device_id, wants_rebirth
from gateway.sinks.sparkplug.options import Options
from gateway.sinks.sparkplug.sink import Sink
from gateway.sparkplug import BOOLEAN, Metric, Payload
from tests.servers import Mosquitto
from tests.sinks.ear import Ear, Heard, ear
from tests.sinks.records import COVER, SITE, old, record
from tests.virtual import START

REBIRTH = sparkplug.encode(Payload(None, [Metric("Node Control/Rebirth", BOOLEAN, True)], None))


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as server:
        yield server


class House:
    def __init__(self, port: int, **options: Any) -> None:
        self.site = SITE
        self.clock = SystemClock()
        given = {"port": port, "group": "yunhe", "node": "gw7"} | options
        self.sink = Sink("plant", Options.model_validate(given), self.clock)
        self.sink.follow(lambda: self.site)

    async def says(self, device: str = "hall", **values: Any) -> None:
        values = values or {"alarm": True}
        await self.sink.write([record(device, "smoke", self.clock.now().wall, **values)])


@asynccontextmanager
async def house(port: int, node: str, **options: Any) -> AsyncIterator[tuple[House, Ear]]:
    async with ear(port, f"spBv1.0/yunhe/+/{node}/#") as heard:
        made = House(port, node=node, client_id=node, **options)
        async with made.sink:
            yield made, heard


def kinds(heard: list[Heard]) -> list[str]:
    return [each.topic.split("/")[2] for each in heard]


def read(heard: list[Heard]) -> list[Any]:
    """What our own dialect makes of it; it would ask for a rebirth if ``seq`` had a gap."""
    router = Router([Dialect(DialectOptions())])
    found: list[Any] = []
    for topic, payload, retained in heard:
        assert not retained
        found += router.decode(Message(topic.encode(), payload, False, b"", len(payload)))
    return found


async def test_births_come_before_data_and_seq_has_no_gap(broker: Mosquitto) -> None:
    async with house(broker.port, "n1") as (made, heard):
        await made.says(alarm=True, battery=90.0)
        await made.says(alarm=False)
        await made.says(COVER.id, open=True)
        await made.says(temperature=-3.5)
        found = await heard.until(5)
        assert kinds(found) == ["NBIRTH", "DBIRTH", "DDATA", "DBIRTH", "DBIRTH"]
        items = read(found)
        assert not [item for item in items if isinstance(item, Publish)]
        readings = {item.device: item.values for item in items if isinstance(item, Reading)}
        assert readings["yunhe/n1/hall"]["temperature"] == -3.5
        assert readings["yunhe/n1/井盖:5"]["open"] is True


async def test_a_host_that_asks_gets_all_births_at_once(broker: Mosquitto) -> None:
    async with house(broker.port, "n2") as (made, heard):
        await made.says()
        await heard.until(2)
        heard.heard.clear()
        heard.say("spBv1.0/yunhe/NCMD/n2", REBIRTH)
        found = await heard.until(3)
        assert kinds(found) == ["NCMD", "NBIRTH", "DBIRTH"]
        assert [sparkplug.decode(each.payload).seq for each in found[1:]] == [0, 1]


async def test_the_birth_and_the_death_carry_one_session(broker: Mosquitto) -> None:
    async with ear(broker.port, "spBv1.0/yunhe/+/n3") as heard:
        made = House(broker.port, node="n3")
        async with made.sink:
            await made.says()
            await heard.until(1)
        birth, death = await heard.until(2)
        sessions = [sparkplug.decode(each.payload).metrics[0] for each in (birth, death)]
        assert [metric.name for metric in sessions] == ["bdSeq", "bdSeq"]
        assert sessions[0].value == sessions[1].value
        assert sparkplug.decode(death.payload).seq is None


async def test_readings_wait_while_the_primary_host_is_offline(broker: Mosquitto) -> None:
    async with house(broker.port, "n4", host_id="scada") as (made, heard):
        with pytest.raises(Unavailable, match="host scada is offline"):
            await made.says()
        assert heard.heard == []
        heard.say("spBv1.0/STATE/scada", json.dumps({"online": True, "timestamp": 5}), retain=True)
        await made.says()
        assert kinds(await heard.until(2))[:2] == ["NBIRTH", "DBIRTH"]
        heard.say("spBv1.0/STATE/scada", json.dumps({"online": False, "timestamp": 4}))
        await asyncio.sleep(0.2)
        await made.says()
        heard.say("spBv1.0/STATE/scada", json.dumps({"online": False, "timestamp": 6}), retain=True)
        await asyncio.sleep(0.2)
        with pytest.raises(Unavailable, match="offline"):
            await made.says()
        heard.say("spBv1.0/STATE/scada", b"", retain=True)


async def test_what_waited_is_historical(broker: Mosquitto) -> None:
    async with house(broker.port, "n5") as (made, heard):
        wall = made.clock.now().wall
        await made.sink.write([record("hall", "smoke", old(wall), alarm=True)])
        found = await heard.until(3)
        assert kinds(found) == ["NBIRTH", "DBIRTH", "DDATA"]
        (metric,) = sparkplug.decode(found[-1].payload).metrics
        assert metric.historical
        assert metric.at == old(wall) // 1_000_000


async def test_a_device_that_leaves_the_registry_dies(broker: Mosquitto) -> None:
    async with house(broker.port, "n6") as (made, heard):
        await made.says()
        made.site = Site(2, {}, {COVER.id: COVER})
        await made.says(COVER.id, open=False)
        found = await heard.until(4)
        assert kinds(found) == ["NBIRTH", "DBIRTH", "DDEATH", "DBIRTH"]


async def test_strangers_and_the_gateway_itself_are_left_out(broker: Mosquitto) -> None:
    async with house(broker.port, "n7") as (made, heard):
        await made.says("zigbee/new")
        await made.says("gateway/self", memory=3.0)
        await made.says("hall")
        assert [each.topic.split("/")[-1] for each in await heard.until(2)] == ["n7", "hall"]


async def test_a_broker_that_goes_is_unavailable_and_a_new_session_follows() -> None:
    with Mosquitto() as own:
        made = House(own.port)
        async with made.sink:
            await made.says()
            own.kill()
            await asyncio.sleep(0.2)  # QoS 0: until the loss is known a message may be lost
            with pytest.raises(Unavailable):
                await made.says()
            own.start()
            async with ear(own.port, "spBv1.0/#") as heard:
                await made.says()
                assert kinds(await heard.until(2))[:2] == ["NBIRTH", "DBIRTH"]


@given(st.binary(max_size=60))
def test_hostile_commands_ask_for_nothing(payload: bytes) -> None:
    assert wants_rebirth(payload) in (True, False)


reports = st.lists(
    st.tuples(
        st.sampled_from(["a", "b/c", "井"]),
        st.dictionaries(
            st.sampled_from(["alarm", "battery", "zone", "extra.x"]),
            st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.just("text"),
            min_size=1,
        ),
        st.booleans(),
        st.sampled_from(["", "rebirth", "lost"]),
    ),
    max_size=12,
)


@given(reports)
def test_no_host_ever_misses_a_birth_or_a_number(said: list[Any]) -> None:
    node = Node("g", "n")
    node.will(7)
    out = node.births(START, "1")
    for device, values, historical, deed in said:
        reading = Reading(device, "smoke", values, received_at=START, at=START)
        out += node.report(reading, START, historical=historical)
        if deed == "rebirth":
            out += node.births(START, "1")
        elif deed == "lost":
            out += node.lost([device], START)
    seq = -1
    born: dict[str, set[str]] = {}
    for message in out:
        kind, _, device = message.topic.split("/", 2)[2].partition("/n")
        found = sparkplug.decode(message.payload)
        names = {metric.name for metric in found.metrics}
        assert found.seq == (0 if kind == "NBIRTH" else (seq + 1) % 256)
        seq = found.seq
        if kind == "NBIRTH":
            born.clear()
        elif kind == "DBIRTH":
            born[device] = names
        elif kind == "DDATA":
            assert names <= born[device]
        elif kind == "DDEATH":
            del born[device]


def test_ids_have_no_sign_that_topics_need() -> None:
    assert device_id("lora/a+b#c") == "lora:a:b:c"


def test_a_report_that_an_alarm_overtook_is_history() -> None:
    node = Node("g", "n")
    node.births(0, "1")
    alarm = record("hall", "smoke", 2_000_000_000, alarm=True).item
    before = record("hall", "smoke", 1_000_000_000, alarm=False, battery=80.0).item
    assert isinstance(alarm, Reading)
    assert isinstance(before, Reading)
    node.report(alarm, 3_000_000_000, historical=False, arrival=2)
    said = node.report(before, 3_000_000_000, historical=False, arrival=1)
    metrics = {each.name: each for each in sparkplug.decode(said[-1].payload).metrics}
    assert metrics["alarm"].historical
    reborn = sparkplug.decode(node.births(4_000_000_000, "1")[-1].payload).metrics
    assert {each.name: each.value for each in reborn} == {"alarm": True, "battery": 80.0}
