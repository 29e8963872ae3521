"""Sirens behind a real broker: done when the broker has it, or when the device says so."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiomqtt import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.mqtt.driver import Driver
from drivers.mqtt.options import Options, Output
from drivers.mqtt.outputs import state_of
from gateway.clock import SystemClock
from gateway.document import parse
from gateway.model import Reading, Undecodable
from gateway.notifiers.siren.notifier import Notifier
from gateway.notifiers.siren.options import Options as SirenOptions
from gateway.ports import Refused, Unavailable
from tests.drivers.test_mqtt_driver import MAPPED, Store, publish, running, until
from tests.notifiers.test_webhook import NOTIFICATION
from tests.servers import Mosquitto

ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a machine that is busy with other tests an example may take its time."""

PLAIN = {"topic": "cmnd/horn/POWER"}
TALKING = PLAIN | {"state": "stat/horn/POWER", "within": "10s"}


def driver(port: int, output: dict[str, Any], **more: Any) -> Driver:
    given = {"port": port, "watch_drops": False, "outputs": {"horn": output}} | more
    return Driver("mqtt", Options.model_validate(given), SystemClock())


def readings(store: Store) -> list[Reading]:
    return [item for item in store.items if isinstance(item, Reading)]


class Relay:
    """A device at the broker that does what it is told, and says so where ``says`` is set."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.says = True
        self.on = False


@asynccontextmanager
async def relay(port: int, *, retain: bool = False) -> AsyncIterator[Relay]:
    made = Relay()

    async def live() -> None:
        async for message in client.messages:
            word = bytes(message.payload).decode()  # type: ignore[arg-type]
            made.heard.append(word)
            made.on = word == "ON"
            if made.says:
                await client.publish("stat/horn/POWER", word, 1, retain=retain)

    async with Client("127.0.0.1", port) as client:
        await client.subscribe("cmnd/horn/#", 1)
        task = asyncio.create_task(live())
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def connected(which: Driver) -> None:
    """Wait until it can be switched: switching off what is off is no harm."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await which.switch("horn", False)
            except Unavailable:
                await asyncio.sleep(0.01)


async def test_it_is_done_when_the_broker_has_it(mosquitto: Mosquitto) -> None:
    which, store = driver(mosquitto.port, PLAIN), Store()
    async with relay(mosquitto.port) as horn, running(which, store):
        await connected(which)
        await which.switch("horn", True)
        await until(lambda: horn.heard == ["OFF", "ON"])
        await until(lambda: [r.values["on"] for r in readings(store)][-1:] == [True])
    assert {(r.device, r.kind) for r in readings(store)} == {("horn", "power")}


async def test_it_is_not_done_before_the_broker_has_it(mosquitto: Mosquitto) -> None:
    which = driver(mosquitto.port, PLAIN)
    async with running(which, Store()):
        await connected(which)
        mosquitto.pause()
        switching = asyncio.create_task(which.switch("horn", True))
        await asyncio.sleep(0.3)
        assert not switching.done()
        mosquitto.resume()
        await switching


async def test_it_is_done_when_the_device_says_so(mosquitto: Mosquitto) -> None:
    which, store = driver(mosquitto.port, TALKING), Store()
    async with relay(mosquitto.port) as horn, running(which, store):
        await connected(which)
        await which.switch("horn", True)
        assert horn.on
    assert not [item for item in store.items if isinstance(item, Undecodable)]


async def test_a_device_that_does_not_say_so_is_for_later(mosquitto: Mosquitto) -> None:
    which, store = driver(mosquitto.port, TALKING | {"within": "200ms"}), Store()
    async with relay(mosquitto.port) as horn, running(which, store):
        await connected(which)
        horn.says = False
        with pytest.raises(Unavailable, match=r"horn: sent, but stat/horn/POWER does not say on w"):
            await which.switch("horn", True)


async def test_what_a_device_left_on_is_found_and_ended(mosquitto: Mosquitto) -> None:
    await publish(mosquitto, ("stat/horn/POWER", b"ON"), retain=True)
    which, store = driver(mosquitto.port, TALKING | {"at_most": "300ms"}), Store()
    async with relay(mosquitto.port, retain=True) as horn, running(which, store):
        await until(lambda: horn.heard == ["OFF"])
        await store.holds(2)
    assert [r.values["on"] for r in readings(store)] == [True, False]


async def test_without_a_state_it_may_be_on_and_is_ended(mosquitto: Mosquitto) -> None:
    which = driver(mosquitto.port, PLAIN | {"at_most": "300ms"})
    async with relay(mosquitto.port) as horn, running(which, Store()):
        await until(lambda: horn.heard == ["OFF"])


async def test_a_trial_sends_nothing(mosquitto: Mosquitto) -> None:
    given = {
        "port": mosquitto.port,
        "watch_drops": False,
        "outputs": {"horn": PLAIN | {"at_most": "50ms"}},
    }
    which = Driver("mqtt", Options.model_validate(given).for_trial(), SystemClock())
    async with relay(mosquitto.port) as horn, running(which, Store()):
        await asyncio.sleep(0.2)
        with pytest.raises(Unavailable, match="no connection"):
            await which.switch("horn", True)
    assert horn.heard == []


async def test_without_a_connection_it_is_for_later_and_unknown_is_never(
    mosquitto: Mosquitto,
) -> None:
    which = driver(mosquitto.port, PLAIN)
    with pytest.raises(Unavailable, match="horn: there is no connection to the broker at 127"):
        await which.switch("horn", True)
    with pytest.raises(Refused, match=r"no output 'bell' on 127\.0\.0\.1:.*; there is horn"):
        await which.switch("bell", True)


async def test_a_broker_that_is_killed_meanwhile_is_for_later(mosquitto: Mosquitto) -> None:
    which = driver(mosquitto.port, TALKING | {"within": "20s"})
    async with running(which, Store()):
        await until(lambda: which._outputs._link is not None)
        switching = asyncio.create_task(which.switch("horn", True))
        await asyncio.sleep(0.1)
        mosquitto.kill()
        with pytest.raises(Unavailable):
            await switching


async def test_a_topic_that_a_dialect_reads_is_read_by_both(mosquitto: Mosquitto) -> None:
    state = TALKING | {"state": "s/1", "field": "on", "state_on": True, "state_off": False}
    which, store = driver(mosquitto.port, state, dialects=[{"json": MAPPED}]), Store()
    async with running(which, store):
        raw = json.dumps({"temp": 21, "n": 1, "on": True}).encode()
        await publish(mosquitto, ("s/1", raw))
        await store.holds(2)
    assert {r.device: r.values for r in readings(store)} == {
        "1": {"temperature": 21.0, "extra.on": True}, "horn": {"on": True},
    }  # fmt: skip


async def test_the_siren_of_an_incident_goes_through_the_broker(mosquitto: Mosquitto) -> None:
    which = driver(mosquitto.port, TALKING)
    given = SirenOptions.model_validate({"driver": "mqtt", "output": "horn", "on_for": "400ms"})
    async with (
        relay(mosquitto.port) as horn,
        running(which, Store()),
        Notifier("siren", given, SystemClock()) as siren,
    ):
        siren.use({"mqtt": which})
        await connected(which)
        receipt = await siren.tell(NOTIFICATION)
        assert receipt.detail == "horn of mqtt on for 0.4 s"
        assert horn.on
        await until(lambda: not horn.on)
        await siren.tell(NOTIFICATION)
        await siren.tell(msgspec.structs.replace(NOTIFICATION, purpose="closed"))
        assert not horn.on


# --- what a state says --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "payload", "on"),
    [
        ({}, b"ON", True),
        ({}, b" off ", False),
        ({}, b"", None),
        ({}, b"\xff", None),
        ({"on": 1, "off": 0}, b"1", True),
        ({"field": "POWER"}, b'{"POWER":"ON"}', True),
        (
            {"field": "params.on", "state_on": True, "state_off": False},
            b'{"params":{"on":false}}',
            False,
        ),
        ({"field": "s", "state_on": "1", "state_off": "0"}, b'{"s":1.0}', True),
        ({"field": "a.b"}, b'{"a":[1]}', None),
        ({"field": "a"}, b"[1]", None),
        ({"field": "a"}, b"not json", None),
    ],
)
def test_a_state_is_on_off_or_neither(
    output: dict[str, Any], payload: bytes, on: bool | None
) -> None:
    given = Output.model_validate(PLAIN | {"state": "stat/x"} | output)
    assert state_of(given, payload) is on


@ANY
@given(st.binary(max_size=200), st.sampled_from(["", "a", "a.b", "..", "a."]))
def test_any_payload_is_on_off_or_neither(payload: bytes, field: str) -> None:
    given = Output.model_validate(PLAIN | {"state": "stat/x", "field": field})
    assert state_of(given, payload) in (True, False, None)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ({"on": "X", "off": "X"}, "two different texts"),
        ({"on": ""}, "two different texts"),
        ({"topic": "a/#"}, "without wildcards"),
        ({"state": "cmnd/horn/POWER"}, "hear ourselves"),
        ({"qos": 0}, "name a state topic"),
        ({"field": "a"}, "are for a state topic"),
        ({"state": "s", "state_on": "x", "state_off": "X"}, "are the same"),
        ({"kind": "horn"}, "unknown kind"),
    ],
)
def test_wrong_options_are_named(output: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Options.model_validate({"outputs": {"horn": PLAIN | output}})


def test_the_readme_s_example_loads() -> None:
    readme = (Path(__file__).parents[2] / "drivers" / "mqtt" / "README.md").read_text("utf-8")
    [block] = [b for b in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "outputs:" in b]
    relays = parse("README.md", block).data["drivers"]["relays"]
    outputs = Options.model_validate({k: v for k, v in relays.items() if k != "type"}).outputs
    assert outputs["siren"].on == "ON"
    assert state_of(outputs["strobe"], b'{"state": "ON", "linkquality": 90}') is True


def test_a_broker_without_devices_and_outputs_is_pointless() -> None:
    with pytest.raises(ValueError, match="write dialects: or outputs:"):
        Options.model_validate({})
