"""The ``zigbee2mqtt`` dialect: device states, availability and the bridge's own topics. Pure.

A device's properties are read by what the bridge announces on ``bridge/devices`` (name, type,
unit, the payload that means "on"), and by their well-known names until it has.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from drivers._times import time_ns
from drivers.mqtt.decode import KEPT, LONGEST_NAME, Decode, Filter, fields_of, undecodable
from drivers.mqtt.dialects.zigbee2mqtt.exposes import Announced, Property, properties_of
from drivers.mqtt.dialects.zigbee2mqtt.options import Options
from drivers.mqtt.dialects.zigbee2mqtt.properties import Plan, build
from gateway.model import DeviceSeen, Item, Reading, Value

_MOST: Final = 5_000
"""Devices and groups of one bridge; Zigbee networks end at a few hundred."""
_PROPERTIES: Final = 200
"""Properties of one device, announced or seen."""
_UNREAD: Final = frozenset({"last_seen", "elapsed", "device", "update"})
_BRIDGE: Final = "bridge"


class _Known(NamedTuple):
    """What the bridge announced of one device."""

    kind: str
    model: str
    address: str
    properties: Mapping[str, Property]


class Dialect:
    """Reads everything below one base topic. Keeps what was announced, and a plan per device."""

    def __init__(self, options: Options) -> None:
        self._base = options.base + "/"
        self._known: dict[str, _Known] = {}
        self._groups: frozenset[str] = frozenset()
        self._plans: dict[str, Plan] = {}

    def filters(self, qos: int) -> list[Filter]:
        """One subscription: device names may hold slashes, so + would miss some."""
        return [Filter(self._base + "#", qos)]

    def plan(self, topic: str) -> Decode | None:
        """The decoder of ``topic``, if it lies below the base."""
        if not topic.startswith(self._base):
            return None
        name = topic[len(self._base) :]
        head, _, last = name.rpartition("/")
        if name.startswith(_BRIDGE + "/"):
            return self._bridge(topic, name[len(_BRIDGE) + 1 :])
        if not name or last in ("set", "get") or "/set/" in name:
            return _ignore
        if last == "availability":
            return self._availability(topic, head[:LONGEST_NAME])
        return self._device(topic, name[:LONGEST_NAME])

    # --- devices ------------------------------------------------------------------------

    def _device(self, topic: str, device: str) -> Decode:
        def decode(payload: bytes, retained: bool) -> list[Item]:
            if device in self._groups:
                return []  # a group repeats what its members say
            try:
                fields = fields_of(payload)
            except ValueError as error:
                return [undecodable(topic, payload, f"{error}; zigbee2mqtt needs output: json")]
            plan = self._plan_for(device, fields)
            values: dict[str, Value] = {}
            wrong = plan.read(fields, values)
            at, key = None, ""
            if (seen := fields.get("last_seen")) is not None:
                try:
                    at = time_ns(seen, "iso" if isinstance(seen, str) else "ms")
                except ValueError as error:
                    wrong.append(f"last_seen: {error}")
                else:
                    # the bridge repeats cached states: the same report again has the same bytes
                    key = f"{at}-{zlib.crc32(payload):08x}"
            items: list[Item] = []
            if values:
                items.append(Reading(device, plan.kind, values, at, key, retained))
            if wrong:
                items.append(undecodable(topic, payload, "; ".join(wrong)))
            return items

        return decode

    def _plan_for(self, device: str, fields: Mapping[str, Any]) -> Plan:
        """The device's plan; made anew when a property is seen for the first time."""
        plan = self._plans.get(device)
        if plan is not None and plan.covers(fields):
            return plan
        known = self._known.get(device)
        properties: dict[str, Property | None] = dict(known.properties) if known else {}
        if plan is not None:
            properties = {**dict.fromkeys(plan.properties), **properties}
        for name in fields:
            if name not in _UNREAD and len(properties) < _PROPERTIES:
                properties.setdefault(name, None)
        if len(self._plans) >= _MOST:
            del self._plans[next(iter(self._plans))]
        plan = self._plans[device] = build(properties, known.kind if known else "")
        return plan

    def _availability(self, topic: str, device: str) -> Decode:
        def decode(payload: bytes, retained: bool) -> list[Item]:
            online = _online(payload)
            if online is None:
                return [undecodable(topic, payload, "neither online nor offline")]
            known = self._known.get(device)
            kind = known.kind if known else ""
            return [Reading(device, kind, {"extra.online": online}, retained=retained)]

        return decode

    # --- the bridge ---------------------------------------------------------------------

    def _bridge(self, topic: str, name: str) -> Decode:
        def state(payload: bytes, retained: bool) -> list[Item]:
            online = _online(payload)
            if online is None:
                return [undecodable(topic, payload, "neither online nor offline")]
            return [Reading(_BRIDGE, "gateway", {"extra.online": online}, retained=retained)]

        def devices(payload: bytes, retained: bool) -> list[Item]:
            return self._announced(topic, payload)

        def groups(payload: bytes, retained: bool) -> list[Item]:
            return self._grouped(topic, payload)

        def event(payload: bytes, retained: bool) -> list[Item]:
            return self._event(topic, payload)

        found = {"state": state, "devices": devices, "groups": groups, "event": event}
        return found.get(name, _ignore)

    def _announced(self, topic: str, payload: bytes) -> list[Item]:
        """``bridge/devices``: the whole list, each time. Devices that are news become items."""
        try:
            devices, wrong = properties_of(payload, _MOST)
        except ValueError as error:
            return [undecodable(topic, payload, str(error))]
        items: list[Item] = []
        known: dict[str, _Known] = {}
        for device in devices:
            found = _known(device)
            name = device.friendly_name[:LONGEST_NAME]
            known[name] = found
            before = self._known.get(name)
            if before is None or before[:3] != found[:3]:
                items.append(DeviceSeen(name, found.kind, found.model, found.address))
        self._known = known
        self._plans.clear()
        if wrong:
            items.append(undecodable(topic, payload, "; ".join(wrong)))
        return items

    def _grouped(self, topic: str, payload: bytes) -> list[Item]:
        try:
            groups = _GROUPS.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return [undecodable(topic, payload, f"no list of groups: {error}")]
        self._groups = frozenset(group.friendly_name for group in groups[:_MOST])
        return []

    def _event(self, topic: str, payload: bytes) -> list[Item]:
        """A device that left the network will not be heard again."""
        try:
            event = _EVENT.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return [undecodable(topic, payload, f"no event: {error}")]
        name = event.data.friendly_name[:LONGEST_NAME]
        if event.type != "device_leave" or not name:
            return []
        known = self._known.get(name)
        return [Reading(name, known.kind if known else "", {"extra.online": False})]


class _Group(msgspec.Struct):
    friendly_name: str = ""


class _Event(msgspec.Struct):
    type: str = ""
    data: _Group = msgspec.field(default_factory=_Group)


_GROUPS: Final = msgspec.json.Decoder(list[_Group])
_EVENT: Final = msgspec.json.Decoder(_Event)


def _known(device: Announced) -> _Known:
    properties = dict(_bounded(device.properties))
    model = f"{device.vendor} {device.model}".strip()[:LONGEST_NAME]
    kind = build(dict(properties), "").kind
    return _Known(kind, model, device.ieee_address[:LONGEST_NAME], properties)


def _bounded(properties: Mapping[str, Property]) -> Iterable[tuple[str, Property]]:
    return list(properties.items())[:_PROPERTIES]


def _ignore(payload: bytes, retained: bool) -> list[Item]:
    """Commands, answers, logs: not readings."""
    return []


def _online(payload: bytes) -> bool | None:
    """From ``online`` (1.x) or ``{"state": "online"}`` (2.x)."""
    word: object = payload[:KEPT].strip().lower()
    if word not in (b"online", b"offline"):
        try:
            word = str(fields_of(payload).get("state")).lower().encode("utf-8", "replace")
        except ValueError:
            return None
    return {b"online": True, b"offline": False}.get(word) if isinstance(word, bytes) else None
