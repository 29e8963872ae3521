"""The sink ``homeassistant``: every device announced once, its newest values kept on one topic.

record ─▶ is it ours to show? ─▶ config, when a value is new ─▶ state, all values known so far
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Final, Self

from gateway.broker import Broker, Said
from gateway.model import Device, Reading, Record, Site, Value
from gateway.ports import Clock, Unavailable
from gateway.sinks.homeassistant.config import (
    MOST_COMPONENTS,
    Components,
    Where,
    component,
    components_of,
    config,
    id_of,
    state,
    state_topic_of,
    values_of,
)
from gateway.sinks.homeassistant.options import Options

_MOST: Final = 5_000
"""Devices that are announced; a Home Assistant with more is of no use to anybody."""
_OWN: Final = "gateway/"
_TAKE_OVER: Final = 0.5
"""Seconds without a word after which a broker has sent what it keeps."""
_ROUNDS: Final = 20
"""Waits of that length at most: others may talk on our topics."""


class _Shown:
    """What the broker holds of one device."""

    __slots__ = ("arrivals", "components", "device", "values")

    def __init__(self) -> None:
        self.device: Device | None = None
        """As it was announced on this connection; None: on an earlier one."""
        self.components: Components = {}
        self.values: dict[str, Value] = {}
        self.arrivals: dict[str, int] = {}
        """Value -> arrival of the report that this run had it from."""

    def take_over(self, kept: Mapping[str, Value]) -> None:
        """What the broker keeps of values that this run has not heard."""
        self.values = {**kept, **{part: self.values[part] for part in self.arrivals}}

    def take(self, part: str, value: Value, arrival: int) -> None:
        """The newest report counts: alarms overtake the rest, so an older one may come later."""
        if arrival >= self.arrivals.get(part, arrival):
            self.values[part], self.arrivals[part] = value, arrival


class Sink:
    """Enter it before use. Both lanes may write; the broker takes one batch at a time."""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._where = Where(options.prefix, options.base)
        self._broker = Broker(name, options, self._heard, identity=options.base)
        self._site: Callable[[], Site] = Site
        self._shown: dict[str, _Shown] = {}
        """By the id that stands in topics."""
        self._version = _version()
        self._lock = asyncio.Lock()
        self._words = 0
        """Messages that were heard."""
        self._seen: Site | None = None
        """The registry whose missing devices were removed."""

    def follow(self, site: Callable[[], Site]) -> None:
        """Names, models and places are those of ``site()``."""
        self._site = site

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._broker.connected:
            with contextlib.suppress(Unavailable):
                await self._broker.publish([self._status("offline")])
        await self._broker.close()

    async def write(self, batch: Sequence[Record]) -> None:
        """Return when the broker has it all. Raises ``Unavailable``."""
        async with self._lock:
            if not self._broker.connected:
                await self._open()
            site = self._site()
            said: dict[str, Said] = {}
            for record in batch:
                if isinstance(record.item, Reading):
                    for message in self._messages(record.item, record.arrival, site):
                        said[message.topic] = message  # of a batch the newest is all that counts
            for gone in self._gone(site):
                said[gone.topic] = gone
            await self._broker.publish(list(said.values()))

    async def check(self) -> str:
        """Connect and leave again."""
        return await self._broker.check()

    async def _open(self) -> None:
        """Connect; what the broker keeps of an earlier run is taken over before anything is said.

        Otherwise a device would lose the values that it has not reported since.
        """
        for shown in self._shown.values():
            shown.device = None
        self._seen = None
        where = self._where
        kept = (f"{where.prefix}/device/+/config", f"{where.base}/+/state")
        await self._broker.open(self._status("offline"), kept)
        heard = -1
        for _ in range(_ROUNDS):
            if heard == self._words:
                break
            heard = self._words
            await self._clock.sleep(_TAKE_OVER)
        await self._broker.publish([self._status("online")])

    async def _heard(self, topic: str, payload: bytes) -> None:
        self._words += 1
        found = self._where.device_of(topic)
        if found is None or not payload:
            return
        is_config = topic.endswith("/config")
        if is_config and state_topic_of(payload) != self._where.topics(found)[1]:
            return  # of another gateway, whose base begins as ours does
        shown = self._known(found)
        if shown is None or shown.device is not None:
            return  # our own words
        if is_config:
            shown.components = components_of(payload)
        else:
            shown.take_over(values_of(payload))

    def _known(self, device: str) -> _Shown | None:
        shown = self._shown.get(device)
        if shown is None and len(self._shown) < _MOST:
            shown = self._shown[device] = _Shown()
        return shown

    def _messages(self, reading: Reading, arrival: int, site: Site) -> list[Said]:
        device = site.devices.get(reading.device)
        if device is None:
            if not self._options.unknown or reading.device.startswith(_OWN):
                return []
            device = Device(reading.device, "", "", reading.kind, reading.device, "")
        if device.state == "retired" or (shown := self._known(id_of(device.id))) is None:
            return []
        news = device != shown.device
        shown.device = device
        for name, value in reading.values.items():
            part = id_of(name)
            if part not in shown.components:
                if len(shown.components) >= MOST_COMPONENTS:
                    continue
                news = True
                shown.components[part] = component(
                    device.id, reading.kind, name, type(value), self._where, self._language(site)
                )
            shown.take(part, value, arrival)
        state_now = Said(self._where.state(device.id), state(shown.values), retain=True)
        if not news:
            return [state_now]
        about = config(device, shown.components, self._where, self._version)
        return [Said(self._where.config(device.id), about, retain=True), state_now]

    def _gone(self, site: Site) -> list[Said]:
        """Devices that are in no register any more, or retired: an empty message removes them."""
        if site is self._seen:
            return []
        self._seen = site
        kept = {id_of(device.id) for device in site.devices.values() if device.state != "retired"}
        said: list[Said] = []
        for part, shown in list(self._shown.items()):
            stranger = shown.device is not None and not shown.device.driver
            if part not in kept and not stranger and not self._options.unknown:
                del self._shown[part]
                said += [Said(topic, b"", retain=True) for topic in self._where.topics(part)]
        return said

    def _status(self, word: str) -> Said:
        return Said(self._where.status, word.encode(), retain=True)

    def _language(self, site: Site) -> str:
        """That of most people here; Chinese where nobody is registered."""
        english = sum(person.language == "en" for person in site.people.values())
        return "en" if english * 2 > len(site.people) else "zh"


def _version() -> str:
    try:
        return version("gridwarden")
    except PackageNotFoundError:
        return "0"
