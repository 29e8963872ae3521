"""Plays the recordings: each at its own times, again and again until cancelled.

recordings/*.ndjson ──▶ paho ──▶ broker ──▶ the gateway's mqtt driver
                   └──▶ pseudo-terminal ──▶ the gateway's serial_line driver
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gateway.demo import recording
from gateway.model import SECOND
from gateway.ports import Clock
from gateway.simulate import SerialPair

_QOS: Final = 1
_WAITING: Final = 1000
"""Messages that may wait for the broker; it takes them at once, so this is never reached."""


@asynccontextmanager
async def publisher(port: int) -> AsyncIterator[paho.Client]:
    """The sensors' side of the broker: a connected client with a thread of its own."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="recordings")
    client.max_queued_messages_set(_WAITING)
    await asyncio.to_thread(client.connect, "127.0.0.1", port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)


async def play(client: paho.Client, line: SerialPair, clock: Clock) -> None:
    """Play everything until cancelled."""
    recorded = [await asyncio.to_thread(recording.messages, name) for name in recording.MQTT]
    lines = await asyncio.to_thread(recording.lines, recording.SERIAL)
    async with asyncio.TaskGroup() as tasks:
        for messages in recorded:
            tasks.create_task(_repeat(messages, lambda m: publish(client, m), clock))
        tasks.create_task(_repeat(lines, lambda event: line.send(event.content), clock))


def publish(client: paho.Client, message: recording.Message) -> None:
    """Hand one message to the client, which delivers it at least once."""
    client.publish(message.topic, message.payload, _QOS, message.retain)


async def _repeat(events: Sequence[Any], send: Callable[[Any], object], clock: Clock) -> None:
    while True:
        start = clock.now().mono
        await play_once(events, send, clock)
        await clock.sleep(recording.PERIOD - _since(start, clock))


async def play_once(events: Sequence[Any], send: Callable[[Any], object], clock: Clock) -> None:
    """``send`` each event at its time, counted from now; what is late is sent at once."""
    start = clock.now().mono
    for event in events:
        wait = event.t - _since(start, clock)
        if wait > 0:
            await clock.sleep(wait)
        send(event)


def _since(start: int, clock: Clock) -> float:
    """Seconds since ``start`` on the monotonic clock."""
    return (clock.now().mono - start) / SECOND
