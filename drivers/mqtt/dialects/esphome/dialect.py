"""The ``esphome`` dialect: ``NODE/COMPONENT/OBJECT_ID/state``, ``NODE/status``, discovery. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from drivers._values import coercer, number, truth
from drivers.mqtt._common import Found, first_kind, negated, online, text_of
from drivers.mqtt._inputs import Heard, declared
from drivers.mqtt.decode import LONGEST_NAME, Decode, Filter, Out, fields_of, undecodable
from drivers.mqtt.dialects.esphome.classes import (
    BINARY,
    EXPECTED,
    NAMED,
    SENSORS,
    Quantity,
    Row,
)
from drivers.mqtt.dialects.esphome.options import Options
from gateway.model import EXTRA, DeviceSeen, Reading

_COMPONENTS: Final = (
    "binary_sensor",
    "sensor",
    "text_sensor",
    "switch",
    "light",
    "lock",
    "event",
    "valve",
    "alarm_control_panel",
)
_NOTHING: Final = frozenset({"", "nan", "none", "unknown", "unavailable"})
"""A sensor that has no value; never 0."""
_MOST_NODES: Final = 2_000
_MOST_ENTITIES: Final = 64
"""Devices of one node, and entities that one node may announce."""
_MOST_EARLY: Final = 5_000
"""States that are remembered until their entity is announced."""


class _Announced(NamedTuple):
    """What discovery says of one entity."""

    device_class: str
    unit: str


class _Entity(NamedTuple):
    """One entity's place."""

    topic: str
    node: str
    component: str
    name: str


class _Early(NamedTuple):
    """The last state that nobody had announced yet."""

    entity: _Entity
    word: str
    retained: bool


class Dialect:
    """Reads nodes' states; keeps what they announced, and which devices a node is."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._nodes = [
            re.compile(re.escape(prefix).replace(r"\+", "+").replace("+", "[^/]+") + "/(.+)")
            for prefix in options.nodes
        ]
        self._announced: dict[str, _Announced] = {}
        """Topic of a state -> what it is."""
        self._devices: dict[str, dict[str, str]] = {}
        """Node -> its devices, and the kind of each."""
        self._seen: dict[str, DeviceSeen] = {}
        self._early: dict[str, _Early] = {}
        """Topic -> the state that came before anybody said what it means."""
        self._online: dict[str, bool] = {}
        """Node -> what its birth or last will has said."""

    def filters(self, qos: int) -> list[Filter]:
        """Announcements, so that they come first; then states and birth or last will; no log."""
        discovery = self._options.discovery
        topics = [f"{discovery}/+/+/+/config"] if discovery else []
        for prefix in self._options.nodes:
            topics.append(f"{prefix}/status")
            topics += [f"{prefix}/{component}/+/state" for component in _COMPONENTS]
        return [Filter(topic, qos) for topic in topics]

    def plan(self, topic: str) -> Decode | None:
        """The decoder of ``topic``, if it is a node's."""
        discovery = self._options.discovery
        if discovery and topic.startswith(discovery + "/") and topic.endswith("/config"):
            return self._discovery(topic)
        for pattern in self._nodes:
            if (found := pattern.fullmatch(topic)) is None:
                continue
            node, rest = topic[: found.start(1) - 1], found[1].split("/")
            if rest == ["status"]:
                return self._status(topic, node[:LONGEST_NAME])
            if len(rest) == 3 and rest[0] in _COMPONENTS and rest[2] == "state":
                return self._state(_Entity(topic, node[:LONGEST_NAME], rest[0], rest[1]))
        return None

    # --- states -------------------------------------------------------------------------

    def _state(self, entity: _Entity) -> Decode:
        inputs = declared(self._options.inputs, entity.node)
        meaning = inputs.get(entity.name.lower())

        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                word = text_of(payload)
            except ValueError as error:
                return [undecodable(entity.topic, payload, str(error))]
            if word.lower() in _NOTHING:
                self._early.pop(entity.topic, None)
                return []
            found = Found()
            device = entity.node
            beside: Sequence[Out] = ()
            if meaning is not None:
                heard = Heard(device, found, retained)
                heard.say(entity.name, meaning, _event(word), "on", "off")
                beside = heard.beside
                if meaning.device:
                    device = f"{device}/{meaning.device}"[:LONGEST_NAME]
                    found.lean(meaning.kind)
            else:
                device = self._entity(entity, word, found)
                self._keep_early(entity, word, found, retained)
            met = self._met(entity.node, device, found.kind, retained)
            found.kind = self._remember(entity.node, device, found.kind)
            items = found.items(entity.topic, payload, device, retained)
            return [*items, *beside, *met] if beside or met else items

        return decode

    def _keep_early(self, entity: _Entity, word: str, found: Found, retained: bool) -> None:
        """A retained state may come before the announcement that gives it a meaning."""
        if self._options.discovery is None or entity.topic in self._announced:
            return
        if all(name.startswith(EXTRA) for name in found.values):
            self._early.pop(entity.topic, None)
            if len(self._early) >= _MOST_EARLY:
                del self._early[next(iter(self._early))]
            self._early[entity.topic] = _Early(entity, word, retained)

    def _met(self, node: str, device: str, kind: str, retained: bool) -> list[Out]:
        """The birth of a device's node was told before the device was known."""
        online = self._online.get(node)
        if online is None or device == node or device in self._devices.get(node, {}):
            return []
        return [Reading(device[:LONGEST_NAME], kind, {EXTRA + "online": online}, retained=retained)]

    def _entity(self, entity: _Entity, word: str, found: Found) -> str:
        """Read one state into ``found``; the device that it is of.

        An entity whose name is only what it measures is the node; a ``front_door`` beside a
        ``back_door`` is a device of its own.
        """
        announced = self._announced.get(entity.topic)
        if entity.component == "binary_sensor":
            known = self._class(entity, announced)
            if (row := BINARY.get(known)) is not None:
                _binary(row, entity.name, word, found)
                bare = entity.name in NAMED or entity.name in BINARY or not row.kind
                return entity.node if bare else f"{entity.node}/{entity.name}"
            found.keep(entity.name, _plain(word))
            return entity.node
        if entity.component == "sensor":
            quantity, bare = _quantity(entity.name, announced)
            if quantity is not None:
                unit = announced.unit if announced else ""
                convert = quantity.units.get(unit, quantity.convert)
                found.take(quantity.value, word, convert, quantity.kind)
                return entity.node if bare else f"{entity.node}/{entity.name}"
            found.keep(entity.name, _plain(word))
            return entity.node
        _other(entity, word, found)
        return entity.node

    def _class(self, entity: _Entity, announced: _Announced | None) -> str:
        classes = self._options.classes
        written = classes.get(f"{entity.node}/{entity.name}") or classes.get(entity.name)
        if written:
            return written
        return announced.device_class if announced else NAMED.get(entity.name, "")

    def _remember(self, node: str, device: str, kind: str) -> str:
        """The most urgent kind that ``device`` has shown."""
        devices = self._devices.get(node)
        if devices is None:
            if len(self._devices) >= _MOST_NODES:
                del self._devices[next(iter(self._devices))]
            devices = self._devices[node] = {node: ""}
        known = devices.get(device, "")
        best = first_kind(each for each in (known, kind) if each)
        if best != known and len(devices) < _MOST_ENTITIES:
            devices[device] = best
        return best

    def _status(self, topic: str, node: str) -> Decode:
        """A node that is gone takes all its devices with it."""

        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            state = online(payload)
            if state is None:
                return []  # below a wildcard other makes have such a topic, too
            if len(self._online) >= _MOST_NODES and node not in self._online:
                del self._online[next(iter(self._online))]
            self._online[node] = state
            devices = self._devices.get(node) or {node: ""}
            value = EXTRA + "online"
            return [
                Reading(device[:LONGEST_NAME], kind, {value: state}, retained=retained)
                for device, kind in devices.items()
            ]

        return decode

    # --- discovery ------------------------------------------------------------------------

    def _discovery(self, topic: str) -> Decode:
        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                fields = fields_of(payload)
            except ValueError as error:
                return [undecodable(topic, payload, str(error))]
            return self._read(fields)

        return decode

    def _read(self, fields: Mapping[str, Any]) -> list[Out]:
        """One entity's announcement; another make's is left alone."""
        about = fields.get("dev", fields.get("device"))
        state = _long(fields, "stat_t", "state_topic")
        if not isinstance(about, dict) or not _is_esphome(about) or not state:
            return []
        pattern = next((p for p in self._nodes if p.fullmatch(state)), None)
        found = pattern.fullmatch(state) if pattern is not None else None
        if found is None:
            return []
        node = state[: found.start(1) - 1][:LONGEST_NAME]
        if state in self._announced or len(self._announced) < _MOST_NODES * _MOST_ENTITIES:
            device_class = _long(fields, "dev_cla", "device_class")
            self._announced[state] = _Announced(
                device_class, _long(fields, "unit_of_meas", "unit_of_measurement")
            )
        identity = about.get("ids", about.get("identifiers"))
        mac = identity[0] if isinstance(identity, list) and identity else identity
        model = _long(about, "mdl", "model")
        name = str(mac)[:LONGEST_NAME] if isinstance(mac, str) else ""
        said: Sequence[Out] = ()
        if (early := self._early.pop(state, None)) is not None:
            said = self._state(early.entity)(early.word.encode(), early.retained)
        seen = DeviceSeen(node, "", model[:LONGEST_NAME], name)
        if self._seen.get(node) == seen:
            return [*said]
        if len(self._seen) >= _MOST_NODES:
            del self._seen[next(iter(self._seen))]
        self._seen[node] = seen
        return [seen, *said]


def _binary(row: Row, name: str, word: str, found: Found) -> None:
    convert = negated(truth) if row.inverted else truth
    for value in row.values:
        found.take(value, word, convert, row.kind)
    if found.wrong:  # the same word was wrong for each of its values: say it once
        found.wrong[:] = [f"{name}: {found.wrong[0].partition(': ')[2]}"]


def _quantity(name: str, announced: _Announced | None) -> tuple[Quantity | None, bool]:
    """What a number is, and whether its name says no more than that."""
    if name in SENSORS and announced is None:
        needed = EXPECTED.get(name)
        return (SENSORS[name], True) if needed is None or "" in needed else (None, True)
    if announced is None:
        return None, False
    known = announced.device_class or (name if name in SENSORS else "")
    quantity = SENSORS.get(known)
    if quantity is None or announced.unit not in EXPECTED.get(known, {announced.unit}):
        return None, False
    own = quantity.value in ("battery", "rssi") or SENSORS.get(name) is quantity
    return quantity, own


def _other(entity: _Entity, word: str, found: Found) -> None:
    """Relays and lamps are ``on``; texts and events are kept."""
    kinds = {"switch": "power", "light": "lamp"}
    if entity.component in kinds:
        raw = _event(word) if word.startswith("{") else word
        state = raw if isinstance(raw, str) else word
        if entity.name in ("switch", "relay", "light", "lamp"):
            found.take("on", state, coercer("on"), kinds[entity.component])
            return
        found.keep(entity.name, _plain(state))
    else:
        found.keep(entity.name, _event(word))


def _event(word: str) -> object:
    """``{"event_type": "press"}`` and ``{"state": "ON"}`` hold one word."""
    if not word.startswith("{"):
        return word
    try:
        fields = fields_of(word.encode("utf-8", "replace"))
    except ValueError:
        return word
    return fields.get("event_type", fields.get("state"))


def _plain(word: str) -> object:
    """A truth, a number, or the text itself."""
    if word in ("ON", "OFF"):
        return word == "ON"
    try:
        return number(word)
    except ValueError:
        return word


def _is_esphome(about: Mapping[str, Any]) -> bool:
    words = (about.get(name) for name in ("mf", "manufacturer", "sw", "sw_version"))
    text = " ".join(word for word in words if isinstance(word, str)).lower()
    return "espressif" in text or "esphome" in text


def _long(fields: Mapping[str, Any], short: str, full: str) -> str:
    raw = fields.get(short, fields.get(full))
    if not isinstance(raw, str):
        return ""
    base = fields.get("~")
    if isinstance(base, str) and raw.startswith("~"):
        raw = base + raw[1:]
    return raw[:LONGEST_NAME]
