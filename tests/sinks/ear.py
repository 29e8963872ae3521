"""Somebody else on the broker, who hears everything: paho, in a thread of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion


class Heard(NamedTuple):
    topic: str
    payload: bytes
    retained: bool


class Ear:
    def __init__(self, client: paho.Client) -> None:
        self.heard: list[Heard] = []
        self.client = client

    def say(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        self.client.publish(topic, payload, 1, retain=retain).wait_for_publish(5)

    async def until(self, count: int, *, topic: str = "", seconds: float = 30) -> list[Heard]:
        """What was heard on topics that contain ``topic``, once there are ``count``."""
        end = time.monotonic() + seconds
        while len(found := [each for each in self.heard if topic in each.topic]) < count:
            assert time.monotonic() < end, self.heard
            await asyncio.sleep(0.01)
        return found


@asynccontextmanager
async def ear(port: int, *topics: str) -> AsyncIterator[Ear]:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="ear")
    found = Ear(client)
    subscribed = asyncio.Event()
    loop = asyncio.get_running_loop()
    client.on_message = lambda _c, _u, m: found.heard.append(Heard(m.topic, m.payload, m.retain))
    client.on_subscribe = lambda *_: loop.call_soon_threadsafe(subscribed.set)
    client.connect("127.0.0.1", port)
    client.subscribe([(topic, 1) for topic in topics])
    client.loop_start()
    try:
        await asyncio.wait_for(subscribed.wait(), 5)
        yield found
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)
