"""The embedded MQTT broker: amqtt on a free loopback port, in this process's own event loop.

For the demo and for simulated devices only. amqtt keeps up with about 2,000 messages a second;
beyond that it loses messages that it acknowledged, so a site runs Mosquitto.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakSet

from amqtt.broker import Broker

from gateway.clock import SystemClock
from gateway.simulate import free_port


class _Tidy(Broker):  # type: ignore[misc]  # amqtt has no types
    """amqtt forgets the connection of a client that left while it was being let in."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._writers: WeakSet[asyncio.StreamWriter] = WeakSet()

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        self._writers.add(writer)
        await super().stream_connected(reader, writer, listener_name)

    async def hang_up(self) -> None:
        """Close every connection there ever was."""
        for writer in list(self._writers):
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def broker() -> AsyncIterator[int]:
    """A running broker; yields its port. Anybody on this machine may connect."""
    for name in ("amqtt", "transitions"):  # each connection would be three lines of log
        logging.getLogger(name).setLevel(logging.CRITICAL)
    port = free_port()
    embedded = _Tidy(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
            },
        }
    )
    await embedded.start()
    try:
        yield port
    finally:
        await _let_clients_leave(embedded)
        await embedded.shutdown()
        await embedded.hang_up()


async def _let_clients_leave(embedded: Broker) -> None:
    """Wait a moment for goodbyes under way: a shutdown overtaking one leaves its socket open."""
    clock = SystemClock()
    for _ in range(50):
        if not any(server.conn_count for server in embedded._servers.values()):
            return
        await clock.sleep(0.02)
