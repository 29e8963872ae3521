"""Simulated devices: an embedded broker, and the messages that each dialect's devices publish.

``MESSAGES`` of a dialect's own ``simulator`` module is its story: what devices say from joining
to an alarm, its end, a test, a low battery. It is published again and again.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from drivers.mqtt.options import DIALECTS, PACKAGE
from gateway.embedded import broker
from gateway.ports import Clock

_GAP: Final = 0.2
"""Seconds between two messages: slow enough to be read as they come."""


class Said(NamedTuple):
    """One message of a simulated device."""

    topic: str
    payload: str | bytes
    retain: bool = False


def story(wanted: Sequence[Mapping[str, Any]]) -> tuple[list[Any], list[Said]]:
    """Dialects as options, and what their devices say; all of them when none is wanted.

    A simulator module has ``MESSAGES``, and ``OPTIONS`` where its devices need some.
    """
    chosen: list[Any] = []
    said: list[Said] = []
    for each in wanted or [{name: None} for name in DIALECTS]:
        for name, options in each.items():
            module = importlib.import_module(f"{PACKAGE}.{name}.simulator")
            chosen.append({name: options or getattr(module, "OPTIONS", {})})
            said += module.MESSAGES
    return chosen, said


@asynccontextmanager
async def simulator(wanted: Mapping[str, Any], clock: Clock) -> AsyncIterator[dict[str, Any]]:
    """A broker with devices of the wanted dialects on it; yields the options to reach it."""
    chosen, said = story(wanted.get("dialects") or ())
    async with broker() as port:
        speaking = asyncio.create_task(_speak(port, said, clock))
        try:
            yield {"host": "127.0.0.1", "port": port, "watch_drops": False, "dialects": chosen}
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)


async def _speak(port: int, said: Sequence[Said], clock: Clock) -> None:
    """Publish the story until cancelled: retained messages first, for they were there before."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="simulator")
    await asyncio.to_thread(client.connect, "127.0.0.1", port)
    client.loop_start()
    try:
        for message in said:
            if message.retain:
                client.publish(message.topic, message.payload, 1, retain=True)
        while True:
            for message in said:
                await clock.sleep(_GAP)
                client.publish(message.topic, message.payload, 1, retain=message.retain)
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)
