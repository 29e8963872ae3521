"""On a real broker: what is announced is subscribed to, now and after the connection broke."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from paho.mqtt import publish

from drivers.mqtt.driver import Driver
from drivers.mqtt.options import Options
from gateway.clock import SystemClock
from gateway.model import DeviceSeen, Item, Reading
from gateway.ports import Unavailable
from tests.servers import Mosquitto


async def until(true: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for knows no event
            await asyncio.sleep(0.005)


async def say(broker: Mosquitto, topic: str, payload: Any, *, retain: bool = False) -> None:
    raw = payload if isinstance(payload, str) else json.dumps(payload)
    await asyncio.to_thread(
        publish.single, topic, raw, 1, retain, hostname=broker.host, port=broker.port
    )


CONFIG = {
    "device": {"identifiers": ["d1"]},
    "device_class": "smoke",
    "state_topic": "site/d1/smoke",
    "availability_topic": "site/d1/up",
}


async def test_announced_topics_are_subscribed_to_and_survive_a_lost_connection() -> None:
    taken: list[Item] = []

    async def emit(items: Sequence[Item]) -> None:
        taken.extend(items)

    def values() -> list[tuple[dict[str, Any], bool]]:
        return [(item.values, item.retained) for item in taken if isinstance(item, Reading)]

    with Mosquitto() as broker:
        options = {"port": broker.port, "dialects": [{"homeassistant": {}}], "watch_drops": False}
        driver = Driver("mqtt", Options.model_validate(options), SystemClock())
        await say(broker, "homeassistant/binary_sensor/d1/smoke/config", CONFIG, retain=True)
        await say(broker, "site/d1/smoke", "ON", retain=True)
        running = asyncio.create_task(driver.run(emit))
        try:
            await until(lambda: ({"alarm": True}, True) in values())
            assert DeviceSeen("d1", "smoke", "", "") in taken
            await say(broker, "site/d1/smoke", "OFF", retain=True)
            await until(lambda: ({"alarm": False}, False) in values())
            await say(broker, "site/d1/up", "offline")
            await until(lambda: ({"extra.online": False}, False) in values())
            broker.kill()
            with pytest.raises(Unavailable):
                await running
            broker.start()
            taken.clear()
            running = asyncio.create_task(driver.run(emit))
            await asyncio.sleep(0.3)
            await say(broker, "site/d1/smoke", "ON")
            await until(lambda: ({"alarm": True}, False) in values())
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
