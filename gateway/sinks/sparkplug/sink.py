"""The sink ``sparkplug``: an edge node on the host's broker.

connect (will = NDEATH) ─▶ host online? ─▶ NBIRTH, DBIRTHs ─▶ DDATA …
                                │                 ▲
                                └ no: Unavailable └ NCMD Rebirth
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Final, Self

from gateway.broker import Broker, Said
from gateway.clock import at_most
from gateway.model import SECOND, Reading, Record, Site
from gateway.ports import Clock, Unavailable
from gateway.sinks.sparkplug.node import Node, wants_rebirth
from gateway.sinks.sparkplug.options import Options

_OLD: Final = 300 * SECOND
"""A record that waited longer than this is historical: the host must not take it for now."""
_HOST_WITHIN: Final = 2.0
"""Seconds in which the broker has sent the host's retained state."""
_OWN: Final = "gateway/"


class Sink:
    """Enter it before use. Both lanes may write; one message goes out at a time, for ``seq``."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._node = Node(options.group, options.node)
        identity = f"{options.group}-{options.node}"
        self._broker = Broker(name, options, self._heard, identity=identity)
        self._site: Callable[[], Site] = Site
        self._lock = asyncio.Lock()
        self._sessions = 0
        self._host_at = -1
        """Timestamp of the host's newest word."""
        self._host = asyncio.Event()
        self._rebirth = False
        self._seen: Site | None = None
        self._version = _version()

    def follow(self, site: Callable[[], Site]) -> None:
        """Which devices are ours to publish."""
        self._site = site

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._leave()

    async def write(self, batch: Sequence[Record]) -> None:
        """Returned: handed to the broker (Sparkplug knows no acknowledgement of data).

        Raises ``Unavailable`` when the broker, or the primary host, is away.
        """
        async with self._lock:
            await self._be_online()
            now, site = self._clock.now().wall, self._site()
            said: list[Said] = []
            if self._rebirth:
                self._rebirth = False
                said += self._node.births(now, self._version)
            if site is not self._seen:
                self._seen = site
                said += self._node.lost(self._gone(site), now)
            for record in batch:
                reading = record.item
                if isinstance(reading, Reading) and self._is_ours(reading.device, site):
                    old = now - record.wall > _OLD or reading.late
                    arrival = record.arrival
                    said += self._node.report(reading, now, historical=old, arrival=arrival)
            await self._in_order(said)

    async def check(self) -> str:
        """Connect without a birth, and leave again."""
        return await self._broker.check()

    async def _be_online(self) -> None:
        options = self._options
        if not self._broker.connected:
            # The number of an earlier run must not come again while its will may be under way.
            session = self._clock.now().wall // SECOND + self._sessions
            self._sessions += 1
            self._host.clear()
            self._host_at = -1
            topics = [self._node.topic("NCMD"), self._node.topic("DCMD") + "/#"]
            if options.host_id:
                topics.append(f"spBv1.0/STATE/{options.host_id}")
            await self._broker.open(self._node.will(session), topics)
            self._rebirth = True
        if options.host_id and not self._host.is_set():
            await at_most(_HOST_WITHIN, self._clock, self._host.wait())
            if not self._host.is_set():
                raise Unavailable(f"the Sparkplug host {options.host_id} is offline")

    async def _heard(self, topic: str, payload: bytes) -> None:
        if topic == self._node.topic("NCMD"):
            self._rebirth = self._rebirth or wants_rebirth(payload)
            if self._rebirth:
                with contextlib.suppress(Unavailable):  # the next write makes a new connection
                    await self._be_born()
        elif topic == f"spBv1.0/STATE/{self._options.host_id}":
            self._host_said(payload)

    async def _be_born(self) -> None:
        """A host that asks must not wait for the next reading."""
        async with self._lock:
            if self._rebirth and self._broker.connected and self._is_wanted():
                self._rebirth = False
                now = self._clock.now().wall
                await self._in_order(self._node.births(now, self._version))

    def _is_wanted(self) -> bool:
        return not self._options.host_id or self._host.is_set()

    def _host_said(self, payload: bytes) -> None:
        """An older word than the newest one means nothing."""
        try:
            said = json.loads(payload)
            online, at = said["online"], int(said["timestamp"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        if at < self._host_at:
            return
        self._host_at = at
        if online is True and not self._host.is_set():
            self._host.set()
            self._rebirth = True
        elif online is False:
            self._host.clear()

    async def _in_order(self, said: Sequence[Said]) -> None:
        """One by one: the order of ``seq`` is the order on the wire."""
        for message in said:
            await self._broker.publish([message])

    async def _leave(self) -> None:
        if self._broker.connected:
            with contextlib.suppress(Unavailable):
                await self._broker.publish([self._node.death()])
        await self._broker.close()

    def _is_ours(self, device: str, site: Site) -> bool:
        known = site.devices.get(device)
        if known is not None:
            return known.state != "retired"
        return self._options.unknown and not device.startswith(_OWN)

    def _gone(self, site: Site) -> list[str]:
        return [device for device in self._node.devices if not self._is_ours(device, site)]


def _version() -> str:
    try:
        return version("gridwarden")
    except PackageNotFoundError:
        return "0"
