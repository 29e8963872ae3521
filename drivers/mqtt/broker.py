"""The embedded MQTT broker: amqtt on a free loopback port, in this process's own event loop.

For the demo and for simulated devices only. amqtt keeps up with about 2,000 messages a second;
beyond that it loses messages that it acknowledged, so a site runs Mosquitto.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from amqtt.broker import Broker

from drivers._simulate import free_port
from gateway.clock import SystemClock


@asynccontextmanager
async def broker() -> AsyncIterator[int]:
    """A running broker; yields its port. Anybody on this machine may connect."""
    for name in ("amqtt", "transitions"):  # each connection would be three lines of log
        logging.getLogger(name).setLevel(logging.CRITICAL)
    port = free_port()
    embedded = Broker(
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


async def _let_clients_leave(embedded: Broker) -> None:
    """Wait a moment for goodbyes under way: a shutdown overtaking one leaves its socket open."""
    clock = SystemClock()
    for _ in range(50):
        if not any(server.conn_count for server in embedded._servers.values()):
            return
        await clock.sleep(0.02)
