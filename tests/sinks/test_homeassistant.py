"""Devices are announced once, keep their values over restarts, and are gone when they are."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gateway.clock import SystemClock
from gateway.model import SECOND, Site
from gateway.ports import Unavailable
from gateway.sinks.homeassistant.config import (
    Where,
    component,
    components_of,
    id_of,
    values_of,
)
from gateway.sinks.homeassistant.options import Options
from gateway.sinks.homeassistant.sink import Sink
from tests.servers import Mosquitto
from tests.sinks.ear import Ear, ear
from tests.sinks.records import COVER, HALL, SITE, record

LEGAL = re.compile(r"homeassistant/device/[A-Za-z0-9_-]+/config")
"""What Home Assistant takes as a discovery topic."""


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as server:
        yield server


class House:
    def __init__(self, port: int, **options: Any) -> None:
        self.site = SITE
        self.clock = SystemClock()
        self.sink = Sink("home", Options.model_validate({"port": port} | options), self.clock)
        self.sink.follow(lambda: self.site)

    async def says(self, device: str, kind: str = "smoke", **values: Any) -> None:
        await self.sink.write([record(device, kind, self.clock.now().wall, **values)])


@asynccontextmanager
async def house(port: int, base: str, **options: Any) -> AsyncIterator[tuple[House, Ear]]:
    async with ear(port, f"{base}/#", "homeassistant/#") as heard:
        made = House(port, base=base, **options)
        async with made.sink:
            yield made, heard


def announced(heard: Ear, base: str) -> list[dict[str, Any]]:
    mine = [each for each in heard.heard if f"/{base}_" in each.topic]
    assert all(LEGAL.fullmatch(each.topic) for each in mine)
    return [json.loads(each.payload) for each in mine if each.payload]


async def test_a_device_is_announced_with_what_it_reports(broker: Mosquitto) -> None:
    async with house(broker.port, "a1") as (made, heard):
        await made.says("hall", alarm=True, battery=87.0, density=0.2)
        (state,) = await heard.until(1, topic="/state")
        (message,) = announced(heard, "a1")
        assert message["device"] == {
            "identifiers": ["a1_hall"],
            "name": "一楼烟感",
            "model": "Heiman HS1SA",
            "suggested_area": "1",
        }
        assert message["state_topic"] == state.topic == "a1/hall/state"
        alarm, battery, density = (
            message["components"][n] for n in ("alarm", "battery", "density")
        )
        assert (alarm["platform"], alarm["device_class"]) == ("binary_sensor", "smoke")
        assert (battery["device_class"], battery["entity_category"]) == ("battery", "diagnostic")
        assert (density["unit_of_measurement"], density["state_class"]) == ("%/m", "measurement")
        assert len({part["unique_id"] for part in message["components"].values()}) == 3
        assert json.loads(state.payload) == {"alarm": True, "battery": 87.0, "density": 0.2}


async def test_it_is_announced_again_only_when_a_value_is_new(broker: Mosquitto) -> None:
    async with house(broker.port, "a2") as (made, heard):
        await made.says("hall", alarm=True)
        await made.says("hall", alarm=False)
        await made.says("hall", battery=50.0)
        states = await heard.until(3, topic="a2/hall/state")
        assert len(announced(heard, "a2")) == 2
        assert json.loads(states[-1].payload) == {"alarm": False, "battery": 50.0}


async def test_a_restart_takes_no_value_away(broker: Mosquitto) -> None:
    async with house(broker.port, "a3") as (made, _):
        await made.says("hall", alarm=False, battery=50.0)
    async with house(broker.port, "a3") as (made, heard):
        await made.says("hall", alarm=True)
        _, *states = await heard.until(2, topic="a3/hall/state")  # the first was kept
        assert set(announced(heard, "a3")[-1]["components"]) == {"alarm", "battery"}
        assert json.loads(states[-1].payload) == {"alarm": True, "battery": 50.0}


async def test_a_device_that_leaves_the_registry_is_removed_also_later(broker: Mosquitto) -> None:
    async with house(broker.port, "a4") as (made, _):
        await made.says("hall", alarm=False)
        await made.says(COVER.id, "manhole", open=True)
    async with house(broker.port, "a4") as (made, heard):
        made.site = Site(2, {}, {COVER.id: COVER})
        await made.says(COVER.id, "manhole", open=False)
        gone = await heard.until(2, topic="a4_hall/config")  # what the broker kept, and its end
        assert gone[-1].payload == b""
        await made.says("hall", alarm=True)
        states = await heard.until(2, topic="a4/" + id_of(COVER.id))
        assert json.loads(states[-1].payload) == {"open": False}
        assert [
            each
            for each in heard.heard
            if each.topic == "a4/hall/state" and each.payload and not each.retained
        ] == []


async def test_strangers_are_shown_only_when_asked_for(broker: Mosquitto) -> None:
    async with house(broker.port, "a5") as (made, heard):
        await made.says("zigbee/new", alarm=True)
        await made.says("hall", alarm=False)
        await heard.until(1, topic="a5/hall/state")
        assert len(announced(heard, "a5")) == 1
    async with house(broker.port, "a6", unknown=True) as (made, heard):
        await made.says("zigbee/new", alarm=True)
        await made.says("gateway/self", "gateway", memory=80.0)
        await heard.until(1, topic="a6/zigbee_new")
        (message,) = announced(heard, "a6")
        assert message["device"]["name"] == "zigbee/new"


async def test_the_gateway_is_online_until_it_is_not(broker: Mosquitto) -> None:
    async with ear(broker.port, "a7/status") as heard:
        made = House(broker.port, base="a7")
        async with made.sink:
            await made.says("hall", alarm=False)
            assert (await heard.until(1))[-1].payload == b"online"
        assert (await heard.until(2))[-1].payload == b"offline"


@pytest.mark.long
async def test_a_broker_that_goes_is_unavailable_and_all_is_said_again_after() -> None:
    with Mosquitto() as own:
        made = House(own.port, base="a8")
        async with made.sink:
            await made.says("hall", alarm=False)
            own.kill()
            with pytest.raises(Unavailable, match="broker"):
                await made.says("hall", alarm=True)
            own.start()
            async with ear(own.port, "#") as heard:
                await made.says("hall", alarm=True)
                states = await heard.until(1, topic="a8/hall/state")
                assert json.loads(states[-1].payload)["alarm"] is True


async def test_check_says_whether_we_are_let_in(broker: Mosquitto) -> None:
    assert "lets us in" in await House(broker.port).sink.check()
    with pytest.raises(Unavailable):
        await House(1).sink.check()


@given(st.text(max_size=80), st.text(max_size=80))
def test_ids_are_legal_and_told_apart(one: str, other: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{0,75}", id_of(one))
    assert (id_of(one) == id_of(other)) is (one == other) or len(one) > 60 or len(other) > 60


@given(st.binary(max_size=200))
def test_what_a_broker_keeps_of_others_harms_nothing(payload: bytes) -> None:
    assert isinstance(components_of(payload), dict)
    assert isinstance(values_of(payload), dict)


@pytest.mark.parametrize(
    ("kind", "name", "of", "platform", "device_class"),
    [
        ("co", "alarm", bool, "binary_sensor", "carbon_monoxide"),
        ("water", "alarm", bool, "binary_sensor", "safety"),
        ("contact", "open", bool, "binary_sensor", "opening"),
        ("water", "leak", bool, "binary_sensor", "moisture"),
        ("smoke", "battery_low", bool, "binary_sensor", "battery"),
        ("climate", "temperature", float, "sensor", "temperature"),
        ("manhole", "water_level", float, "sensor", "distance"),
        ("manhole", "tilt", float, "sensor", None),
        ("camera", "zone", str, "sensor", None),
    ],
)
def test_a_value_is_what_home_assistant_calls_it(
    kind: str, name: str, of: type, platform: str, device_class: str | None
) -> None:
    found = component("d", kind, name, of, Where("homeassistant", "g"), "zh")
    assert (found["platform"], found.get("device_class")) == (platform, device_class)


def test_the_name_of_a_device_is_announced_as_the_registry_has_it() -> None:
    assert HALL.name == "一楼烟感"


async def test_a_backlog_that_comes_after_its_alarm_does_not_end_it(broker: Mosquitto) -> None:
    """Alarms overtake the rest: the older report arrives later."""
    async with house(broker.port, "o1") as (made, heard):
        now = made.clock.now().wall
        before = record("hall", "smoke", now - 60 * SECOND, alarm=False, battery=80.0)
        alarm = record("hall", "smoke", now, alarm=True)
        await made.sink.write([alarm])
        await made.sink.write([before])
        states = await heard.until(2, topic="/state")
        assert json.loads(states[-1].payload) == {"alarm": True, "battery": 80.0}


async def test_a_backlog_after_a_lost_connection_does_not_end_an_alarm(broker: Mosquitto) -> None:
    async with house(broker.port, "o2") as (made, heard):
        now = made.clock.now().wall
        before = record("hall", "smoke", now - 60 * SECOND, alarm=False, battery=80.0)
        await made.sink.write([record("hall", "smoke", now, alarm=True)])
        await made.sink._broker.close()
        await made.sink.write([before])
        states = await heard.until(2, topic="/state")
        assert json.loads(states[-1].payload) == {"alarm": True, "battery": 80.0}


async def test_a_client_of_the_same_name_takes_nothing_away(broker: Mosquitto) -> None:
    async with house(broker.port, "st", client_id="stolen") as (made, heard):
        await made.says("hall", alarm=True)
        thief = paho.Client(CallbackAPIVersion.VERSION2, client_id="stolen")
        thief.connect("127.0.0.1", broker.port)
        thief.loop_start()
        await heard.until(2, topic="st/status")
        thief.disconnect()
        await asyncio.to_thread(thief.loop_stop)
        for _ in range(3):
            try:
                await made.says("hall", battery=70.0)
                break
            except Unavailable:
                continue
        states = await heard.until(2, topic="/state")
        assert json.loads(states[-1].payload) == {"alarm": True, "battery": 70.0}
        assert (await heard.until(3, topic="st/status"))[-1].payload == b"online"


async def test_a_broker_that_hangs_is_unavailable_and_leaves_no_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.broker._ANSWER_WITHIN", 0.3)
    with Mosquitto() as server:
        made = House(server.port, base="hang")
        async with made.sink:
            await made.says("hall", alarm=True)
            before = len(os.listdir("/proc/self/fd"))
            server.pause()
            try:
                for _ in range(4):
                    with pytest.raises(Unavailable):
                        async with asyncio.timeout(30):
                            await made.says("hall", alarm=False)
                assert len(os.listdir("/proc/self/fd")) <= before
            finally:
                server.resume()
            for _ in range(5):
                with contextlib.suppress(Unavailable):
                    await made.says("hall", alarm=False)
                    break
            else:
                raise AssertionError("it never came back")


async def test_a_gateway_whose_base_begins_alike_keeps_its_devices(broker: Mosquitto) -> None:
    async with house(broker.port, "gw_2") as (other, heard):
        await other.says("hall", alarm=True)
        await heard.until(1, topic="/config")
        made = House(broker.port, base="gw", client_id="gw")
        async with made.sink:
            await made.says("hall", alarm=False)
            await heard.until(1, topic="gw_hall/config")
        assert not [each for each in heard.heard if "gw_2_hall" in each.topic and not each.payload]


async def test_a_check_does_not_throw_the_running_sink_out(broker: Mosquitto) -> None:
    async with house(broker.port, "ck") as (made, heard):
        await made.says("hall", alarm=True)
        await Sink("home", made.sink._options, made.clock).check()
        await made.says("hall", alarm=False)
        await heard.until(2, topic="ck/hall/state")
        assert [each.payload for each in heard.heard if each.topic == "ck/status"] == [b"online"]


async def test_two_gateways_whose_sinks_have_one_name_both_stay(broker: Mosquitto) -> None:
    async with house(broker.port, "t1") as (made, heard):
        await made.says("hall", alarm=True)
        other = House(broker.port, base="t2")
        async with other.sink:
            await other.says("hall", alarm=True)
            await made.says("hall", alarm=False)
        await heard.until(2, topic="t1/hall/state")
        assert [each.payload for each in heard.heard if each.topic == "t1/status"] == [b"online"]
