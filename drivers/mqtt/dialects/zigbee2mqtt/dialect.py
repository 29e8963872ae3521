"""The ``zigbee2mqtt`` dialect: device states, availability and the bridge's own topics. Pure.

A device's properties are read by what the bridge announces on ``bridge/devices`` (name, type,
unit, words, the payload that means "on"), and by their well-known names until it has.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from drivers._momentary import Momentary
from drivers._times import time_ns
from drivers.mqtt.decode import KEPT, LONGEST_NAME, Decode, Filter, Out, fields_of, undecodable
from drivers.mqtt.dialects.zigbee2mqtt.exposes import Announced, Property, properties_of
from drivers.mqtt.dialects.zigbee2mqtt.options import Options
from drivers.mqtt.dialects.zigbee2mqtt.properties import PROPERTIES, Plan, build
from gateway.model import DeviceSeen, Item, Reading, Value

_MOST: Final = 5_000
"""Devices and groups of one bridge; Zigbee networks end at a few hundred."""
_UNREAD: Final = frozenset({"last_seen", "elapsed", "device", "update"})
_BRIDGE: Final = "bridge"
_STATES: Final = 64
"""Different states of one device in one moment that are told apart."""


class _Known(NamedTuple):
    """What the bridge announced of one device."""

    kind: str
    model: str
    device: str
    """Its address in this driver."""
    other: str
    """What it is called besides: the IEEE address, or the friendly name."""
    properties: Mapping[str, Property]


class _Instant:
    """One moment of a device: its states of that second may be alarm, end and alarm again."""

    __slots__ = ("at", "last", "seen")

    def __init__(self, at: int) -> None:
        self.at = at
        self.last = 0
        self.seen: dict[int, int] = {}

    def key(self, checksum: int) -> str:
        """The same for a repeat; another one for a state that comes back after a different one."""
        times = self.seen.get(checksum, -1)
        if checksum != self.last or times < 0:
            times += 1
            self.last = checksum
            if len(self.seen) < _STATES or checksum in self.seen:
                self.seen[checksum] = times
        return f"{self.at}-{checksum:08x}" + (f"-{times}" if times else "")


class Dialect:
    """Reads everything below one base topic. Keeps what was announced, and a plan per device."""

    def __init__(self, options: Options) -> None:
        self._base = options.base + "/"
        self._by_ieee = options.address == "ieee"
        self._alarming = frozenset(options.alarm_actions)
        self._hold = options.hold
        self._known: dict[str, _Known] = {}
        self._groups: frozenset[str] = frozenset()
        self._plans: dict[str, Plan] = {}
        self._instants: dict[str, _Instant] = {}

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

    def _device(self, topic: str, name: str) -> Decode:
        def decode(payload: bytes, retained: bool) -> list[Out]:
            if name in self._groups:
                return []  # a group repeats what its members say
            try:
                fields = fields_of(payload)
            except ValueError as error:
                if topic.endswith("/action"):
                    return []  # a repeat, for Home Assistant, of what the device's JSON says
                return [undecodable(topic, payload, f"{error}; zigbee2mqtt needs output: json")]
            plan = self._plan_for(name, fields)
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
                    key = "" if at is None else self._instant(name, at).key(zlib.crc32(payload))
            known = self._known.get(name)
            device = name if known is None else known.device
            items: list[Out] = []
            # a retained action is history: what came while we were away, the session kept
            begun = "" if retained else plan.moment(fields.get("action"))
            if begun:
                values[begun] = True
                reading = Reading(device, plan.kind, values, at, key, retained)
                items.append(Momentary(reading, (begun,), self._hold))
            elif values:
                items.append(Reading(device, plan.kind, values, at, key, retained))
            if wrong:
                items.append(undecodable(topic, payload, "; ".join(wrong)))
            return items

        return decode

    def _instant(self, name: str, at: int) -> _Instant:
        found = self._instants.get(name)
        if found is None or found.at != at:
            if found is None and len(self._instants) >= _MOST:
                del self._instants[next(iter(self._instants))]
            found = self._instants[name] = _Instant(at)
        return found

    def _plan_for(self, name: str, fields: Mapping[str, Any]) -> Plan:
        """The device's plan; made anew when a property is seen for the first time."""
        plan = self._plans.get(name)
        if plan is not None and plan.covers(fields):
            return plan
        known = self._known.get(name)
        properties: dict[str, Property | None] = dict(known.properties) if known else {}
        if plan is not None:
            properties = {**dict.fromkeys(plan.properties), **properties}
        for field in fields:
            if field not in _UNREAD and len(properties) < PROPERTIES:
                properties.setdefault(field, None)
        if len(self._plans) >= _MOST:
            del self._plans[next(iter(self._plans))]
        kind = known.kind if known else ""
        made = build(properties, kind, self._alarming)
        if plan is not None:
            made.resume(plan)
        self._plans[name] = made
        return made

    def _availability(self, topic: str, name: str) -> Decode:
        def decode(payload: bytes, retained: bool) -> list[Item]:
            online = _online(payload)
            if online is None:
                return [undecodable(topic, payload, "neither online nor offline")]
            return [self._online(name, online, retained)]

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
            name = device.friendly_name[:LONGEST_NAME]
            before = self._known.get(name)
            found = known[name] = self._learn(device)
            if before is None or before[:4] != found[:4]:
                items.append(DeviceSeen(found.device, found.kind, found.model, found.other))
            if before != found:
                self._plans.pop(name, None)
        self._known = known
        if wrong:
            items.append(undecodable(topic, payload, "; ".join(wrong)))
        return items

    def _learn(self, device: Announced) -> _Known:
        properties = dict(list(device.properties.items())[:PROPERTIES])
        model = f"{device.vendor} {device.model}".strip()[:LONGEST_NAME]
        kind = build(dict(properties), "", self._alarming).kind
        name, ieee = device.friendly_name[:LONGEST_NAME], device.ieee_address[:LONGEST_NAME]
        if self._by_ieee and ieee:
            name, ieee = ieee, name
        return _Known(kind, model, name, ieee, properties)

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
        return [self._online(name, False, False)]

    def _online(self, name: str, online: bool, retained: bool) -> Reading:
        known = self._known.get(name)
        device, kind = (known.device, known.kind) if known is not None else (name, "")
        return Reading(device, kind, {"extra.online": online}, retained=retained)


class _Group(msgspec.Struct):
    friendly_name: str = ""


class _Event(msgspec.Struct):
    type: str = ""
    data: _Group = msgspec.field(default_factory=_Group)


_GROUPS: Final = msgspec.json.Decoder(list[_Group])
_EVENT: Final = msgspec.json.Decoder(_Event)


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
