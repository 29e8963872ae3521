"""The ``homeassistant`` dialect: devices by their discovery messages. Pure.

<prefix>/…/config ─▶ entities of a device ─▶ DeviceSeen, and a Filter for each of its topics
their state topics ─▶ what each entity reads in the payload ─▶ one reading a device
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from drivers._momentary import Momentary
from drivers.mqtt.decode import KEPT, Decode, Filter, Out, fields_of, undecodable
from drivers.mqtt.dialects.homeassistant.announced import Component, Owner, read
from drivers.mqtt.dialects.homeassistant.devices import ENTITIES, TOPICS, Device, Topic, Truth
from drivers.mqtt.dialects.homeassistant.entity import Entity, Online, entity, onlines
from drivers.mqtt.dialects.homeassistant.operators import Said
from drivers.mqtt.dialects.homeassistant.options import Options
from gateway.model import DeviceSeen, Reading, Value

_CONFIGS: Final = 20_000
"""Discovery topics that are remembered."""
_WRONG: Final = 5
_ONLINE: Final = "extra.online"


class _Config(NamedTuple):
    """What one discovery topic announced."""

    checksum: int
    device: str
    entities: tuple[tuple[str, str], ...]
    """(topic, key) of each entity."""
    watched: tuple[str, ...]


class Dialect:
    """Reads what is announced below one prefix."""

    def __init__(self, options: Options) -> None:
        self._prefix = options.prefix + "/"
        self._skip = tuple(each + "/" for each in options.skip)
        self._alarming = frozenset(options.alarm_actions)
        self._hold = options.hold
        self._qos = 1
        self._configs: dict[str, _Config] = {}
        self._devices: dict[str, Device] = {}
        self._seen: dict[str, DeviceSeen] = {}
        self._topics: dict[str, Topic] = {}
        self._entities = 0

    def filters(self, qos: int) -> list[Filter]:
        """The discovery topics, and those of everything that is known by now."""
        self._qos = qos
        found = [Filter(f"{self._prefix}+/{plus}/config", qos) for plus in ("+", "+/+")]
        return found + [Filter(topic, qos) for topic in self._topics]

    def plan(self, topic: str) -> Decode | None:
        """The decoder of a discovery topic, or of a topic that was announced."""
        if (steps := self._steps(topic)) is not None:
            return self._discovery(topic, steps)
        known = self._topics.get(topic)
        return None if known is None else self._states(topic, known)

    def deleted(self, topic: str) -> Sequence[Out]:
        """An announcement that was taken back."""
        steps = self._steps(topic)
        return [] if steps is None else self._discovery(topic, steps)(b"", False)

    def _steps(self, topic: str) -> tuple[str, ...] | None:
        if not topic.startswith(self._prefix) or not topic.endswith("/config"):
            return None
        steps = tuple(topic[len(self._prefix) : -len("/config")].split("/"))
        return steps if 2 <= len(steps) <= 3 and all(steps) else None

    # --- what is announced --------------------------------------------------------------------

    def _discovery(self, topic: str, steps: tuple[str, ...]) -> Decode:
        def decode(payload: bytes, retained: bool) -> list[Out]:
            checksum = zlib.crc32(payload)
            before = self._configs.get(topic)
            if before is not None and before.checksum == checksum:
                return []
            told = {} if before is None else self._forget(topic, before)
            if not payload:
                return []
            if len(self._configs) >= _CONFIGS:
                return [undecodable(topic, payload, f"more than {_CONFIGS:,} announcements")]
            try:
                owner, components = read(steps, payload)
            except ValueError as error:
                self._configs[topic] = _Config(checksum, "", (), ())
                return [undecodable(topic, payload, str(error))]
            items, wrong = self._learn(topic, checksum, owner, components)
            if (device := self._devices.get(owner.address)) is not None:
                for key in device.keys & told.keys():
                    device.resume(key, told[key])
            if wrong:
                items.append(undecodable(topic, payload, "; ".join(wrong[:_WRONG])))
            return items

        return decode

    def _learn(
        self, config: str, checksum: int, owner: Owner, components: Iterable[Component]
    ) -> tuple[list[Out], list[str]]:
        """Take the components in; what follows, and what was wrong."""
        items: list[Out] = []
        wrong: list[str] = []
        taken: list[tuple[str, str]] = []
        watched: dict[str, Online] = {}
        device = self._devices.get(owner.address) or Device(owner)
        device.owner = owner
        for number, component in enumerate(components):
            try:
                found = entity(component, self._alarming)
                if found is None or f"{found.topic}/".startswith(self._skip):
                    continue
                watching, unread = onlines(component.config)
                wrong += [f"{component.slug}: {each}" for each in unread]
                watched |= {each.topic: each for each in watching}
                key = f"{config} {number}"
                items += self._follow(device, key, found)
                taken.append((found.topic, key))
            except ValueError as error:
                wrong.append(f"{component.slug}: {error}")
        for topic, online in watched.items():
            items += self._watch(topic, owner.address, online)
        self._configs[config] = _Config(checksum, owner.address, tuple(taken), tuple(watched))
        if taken:
            self._devices[owner.address] = device
            items[:0] = self._see(device)
        return items, wrong

    def _see(self, device: Device) -> list[Out]:
        owner = device.owner
        seen = DeviceSeen(owner.address, device.kind, owner.model, owner.name)
        if self._seen.get(owner.address) == seen:
            return []
        self._seen[owner.address] = seen
        return [seen]

    def _follow(self, device: Device, key: str, found: Entity) -> list[Out]:
        """Subscribe to the entity's topic, or read what has come on it already."""
        if self._entities >= ENTITIES:
            raise ValueError(f"more than {ENTITIES:,} entities")
        topic, items = self._topic(found.topic)
        if topic.full:
            raise ValueError(f"too many entities read the topic {found.topic[:80]!r}")
        added = device.add(key, found)
        self._entities += 1
        topic.readers.setdefault(device.owner.address, []).append((key, added))
        if topic.retained and not found.off_delay:
            said = _said(topic.retained)
            return [*items, *self._one(found.topic, device, [(key, added)], said, True)]
        return items

    def _watch(self, name: str, device: str, online: Online) -> list[Out]:
        try:
            topic, items = self._topic(name)
        except ValueError:
            return []  # the device's states are worth more than whether it says that it is there
        topic.watchers[device] = online
        if topic.retained:
            return [*items, *self._presence(name, topic, _said(topic.retained), True)]
        return items

    def _topic(self, name: str) -> tuple[Topic, list[Out]]:
        known = self._topics.get(name)
        if known is not None:
            return known, []
        if len(self._topics) >= TOPICS:
            raise ValueError(f"more than {TOPICS:,} topics")
        known = self._topics[name] = Topic()
        return known, [Filter(name, self._qos)]

    def _forget(self, config: str, before: _Config) -> dict[str, Truth]:
        """Everything that ``config`` announced, and the truths that it told last.

        Its topics stay subscribed and say nothing.
        """
        del self._configs[config]
        device = self._devices.get(before.device)
        told: dict[str, Truth] = {}
        for name, key in before.entities:
            if device is not None and (truth := device.remove(key)) is not None:
                told[key] = truth
            readers = self._topics[name].readers
            left = [each for each in readers.get(before.device, ()) if each[0] != key]
            if left:
                readers[before.device] = left
            else:
                readers.pop(before.device, None)
            self._entities -= 1
        if device is not None and device.empty:
            del self._devices[before.device]
            self._seen.pop(before.device, None)
            for name in before.watched:
                self._topics[name].watchers.pop(before.device, None)
        return told

    # --- what is said -------------------------------------------------------------------------

    def _states(self, name: str, topic: Topic) -> Decode:
        def decode(payload: bytes, retained: bool) -> list[Out]:
            if retained or topic.retained:  # what is kept is what was said last
                topic.retained = payload if len(payload) <= KEPT else b""
            said = _said(payload)
            items: list[Out] = []
            for address, entities in topic.readers.items():
                device = self._devices.get(address)
                if device is not None:
                    items += self._one(name, device, entities, said, retained)
            if topic.watchers:
                items += self._presence(name, topic, said, retained)
            return items

        return decode

    def _one(
        self,
        name: str,
        device: Device,
        entities: Iterable[tuple[str, Entity]],
        said: Said,
        retained: bool,
    ) -> list[Out]:
        values, moments, hold, expire, wrong = device.told(
            entities, said, self._alarming, 0.0 if retained else self._hold
        )
        items: list[Out] = []
        if values:
            if expire and not moments:
                values[_ONLINE] = True
                moments, hold = (_ONLINE,), expire
            address = device.owner.address
            reading = Reading(address, device.kind, values, retained=retained)
            items.append(Momentary(reading, moments, hold) if moments else reading)
        if wrong:
            raw = said.text.encode("utf-8", "surrogateescape")
            items.append(undecodable(name, raw, "; ".join(wrong)))
        return items

    def _presence(self, name: str, topic: Topic, said: Said, retained: bool) -> list[Out]:
        """Whether the device is there; a topic of several devices is that of their gateway."""
        shared = len(topic.watchers) > 1
        for address, online in topic.watchers.items():
            try:
                value = online.read(said)
            except ValueError:
                continue
            if value is None:
                continue
            values: dict[str, Value] = {_ONLINE: value}
            device = self._devices.get(address)
            if shared or device is None:
                return [Reading(name[:200], "gateway", values, retained=retained)]
            return [Reading(address, device.kind, values, retained=retained)]
        return []


def _said(payload: bytes) -> Said:
    def parse() -> Any:
        try:
            return _ANY.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return fields_of(payload)

    return Said(payload.decode("utf-8", "surrogateescape"), parse)


_ANY: Final = msgspec.json.Decoder()
