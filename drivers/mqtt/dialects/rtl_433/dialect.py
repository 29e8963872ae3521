"""The ``rtl_433`` dialect: events as JSON, or a topic for each field of a device. Pure.

A message is read by the names of its fields and by words, not by its model; radios repeat every
message, and most of them never say that something is over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from drivers._momentary import Momentary
from drivers._times import iso_ns, unit_ns
from drivers._values import scalar
from drivers.mqtt._common import Found, key_of, set_clock, text_of
from drivers.mqtt.decode import LONGEST_NAME, Decode, Filter, Out, fields_of, undecodable
from drivers.mqtt.dialects.rtl_433.fields import (
    EXTRAS,
    IDENTIFICATION,
    ROWS,
    WORDS,
    battery_ok,
)
from drivers.mqtt.dialects.rtl_433.models import ONE_WAY, RULES, SHORTER_CODE
from drivers.mqtt.dialects.rtl_433.options import Options
from drivers.mqtt.dialects.rtl_433.words import kind_of, meaning_of
from gateway.model import EXTRA, Reading

_LEVELS: Final = ("type", "model", "subtype", "channel")
_IDS: Final = ("id", "device", "dev_id", "senderid")
_UNSAFE: Final = re.compile(r"[^\w.-]")
_TYRES: Final = "TPMS"
"""Every passing car would be a device."""
_ALONE: Final[Mapping[str, str]] = {
    "smoke": "alarm",
    "heat": "alarm",
    "gas": "alarm",
    "co": "alarm",
    "panic": "alarm",
    "infrared": "occupied",
    "water": "leak",
}
"""Kinds whose bare message is the event."""
_STATES: Final[Mapping[str, str]] = {**_ALONE, "contact": "open", "manhole": "open"}
"""What a device of a declared kind tells, whatever its make calls it."""
_GENERIC: Final = ("alarm", "open", "leak", "occupied")
_ENDLESS: Final = frozenset({"infrared", "panic"})
"""Kinds of which no make says reliably that it is over."""
_SWITCHED: Final = {"on": True, "off": False}
_LIFE: Final = ("heartbeat", "supervised", "supervision")
_SIGNS_OF_LIFE: Final = frozenset({*_LIFE, *WORDS})
_NUMBER: Final = re.compile(r"-?\d{1,12}(\.\d{1,9})?")
_UNIX: Final = re.compile(r"\d{9,11}(\.\d+)?")


class Dialect:
    """Reads what the options name; keeps nothing between messages."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._events = [_pattern(topic) for topic in options.events]
        self._devices = [_pattern(topic + "/#") for topic in options.devices]
        minutes = options.zone_minutes
        self._zone = None if minutes is None else timedelta(minutes=minutes)

    def filters(self, qos: int) -> list[Filter]:
        """The declared topics."""
        options = self._options
        topics = [*options.events, *(topic + "/#" for topic in options.devices)]
        return [Filter(topic, qos) for topic in topics]

    def plan(self, topic: str) -> Decode | None:
        """The decoder of ``topic``, if it is declared."""
        if any(pattern.fullmatch(topic) for pattern in self._events):
            return self._event(topic)
        for pattern in self._devices:
            if (found := pattern.fullmatch(topic)) is not None:
                *levels, field = (found["rest"] or "").split("/")
                return self._field(topic, "/".join(levels), field)
        return None

    # --- events -------------------------------------------------------------------------

    def _event(self, topic: str) -> Decode:
        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                fields = fields_of(payload)
                if fields.get("type") == _TYRES:
                    return []
                device = _address(fields)
            except ValueError as error:
                return [undecodable(topic, payload, str(error))]
            found = Found(self._kind(device, fields))
            events = _read(fields, found)
            _alone(fields, found, events, declared=device in self._options.kinds)
            at = set_clock(self._time(fields.get("time"), found))
            told = retained, at, key_of(at, payload)
            return self._items(topic, payload, device, found, events, told)

        return decode

    def _kind(self, device: str, fields: Mapping[str, Any]) -> str:
        declared = self._options.kinds.get(device)
        if declared:
            return declared
        for name in ("subtype", "device_type", "model"):
            if isinstance(text := fields.get(name), str) and (kind := kind_of(text)):
                return kind
        return ""

    def _time(self, raw: object, found: Found) -> int | None:
        """Local time of an undeclared zone is none; nor is ``@1.05s``, an offset in a file."""
        text = raw[:40] if isinstance(raw, str) else ""
        try:
            if isinstance(raw, (int, float)) and not isinstance(raw, bool):
                return unit_ns(raw, "s")
            if not text or text.startswith("@"):
                return None
            if _UNIX.fullmatch(text):
                return unit_ns(float(text), "s")
            zoned = text.endswith("Z") or text[-6:-5] in ("+", "-") or text[-5:-4] in ("+", "-")
            if self._zone is None and (not zoned or ":" not in text):
                return None
            return iso_ns(text, self._zone or timedelta())
        except ValueError as error:
            found.complain("time", str(error))
            return None

    def _items(
        self,
        topic: str,
        payload: bytes,
        device: str,
        found: Found,
        events: set[str],
        told: tuple[bool, int | None, str],
    ) -> Sequence[Out]:
        """What a message says; an event that nobody ends is over after the declared time."""
        retained, at, key = told
        values, declared = found.values, self._options.kinds.get(device, "")
        found.kind = kind = declared or found.kind
        if declared:
            _as_declared(values, kind, events)
        _settle(values, kind, events)
        if retained:  # an event that the broker kept is history, and nobody will end it
            for name in [name for name in events if values.get(name) is True]:
                del values[name]
        items: list[Out] = [*found.items(topic, payload, device, retained, at, key)]
        begun = tuple(name for name in sorted(events) if values.get(name) is True)
        if begun and isinstance(first := items[0], Reading):
            items[0] = Momentary(first, begun, self._options.hold)
        return items

    # --- a topic for each field -----------------------------------------------------------

    def _field(self, topic: str, device: str, field: str) -> Decode:
        address = device[:LONGEST_NAME]
        declared = self._options.kinds.get(address, "") or kind_of(device)

        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            if field in IDENTIFICATION or not address or address.startswith(_TYRES + "/"):
                return []
            try:
                raw = _typed(text_of(payload))
            except ValueError as error:
                return [undecodable(topic, payload, str(error))]
            found = Found(declared)
            events = _read({field: raw}, found)
            return self._items(topic, payload, address, found, events, (retained, None, ""))

        return decode


def _read(fields: Mapping[str, Any], found: Found) -> set[str]:
    """Fill ``found``; the names of values that are events."""
    events: set[str] = set()
    rules = RULES.get(fields.get("model", "")) if isinstance(fields.get("model"), str) else None
    if rules is not None:
        rules(fields, found)
        events |= {"occupied"} | ({"open"} if fields["model"] in ONE_WAY else set())
    for name, raw in fields.items():
        row = ROWS.get(name)
        if row is not None:
            found.take(row.value, raw, row.convert, row.kind)
            if row.event:
                events.add(row.value)
        elif name == "battery_ok":
            battery_ok(raw, found)
        elif name in WORDS:
            if rules is None or isinstance(raw, str):
                _word(name, raw, found, events)
        elif name in EXTRAS:
            into, convert = EXTRAS[name]
            try:
                found.keep(into, convert(raw))
            except ValueError as error:
                found.complain(name, str(error))
        elif name not in IDENTIFICATION and name not in found.values:
            found.keep(name, _plain(raw))
    if fields.get("model") in ONE_WAY:
        events.add("open")
    return events


def _word(name: str, raw: object, found: Found, events: set[str]) -> None:
    meaning = meaning_of(raw) if isinstance(raw, str) else None
    if meaning is None:
        found.keep(name, _plain(raw))
        return
    found.take(meaning.value, meaning.state, bool, meaning.kind)
    if meaning.event:
        events.add(meaning.value)
    found.keep(name, raw)


def _alone(fields: Mapping[str, Any], found: Found, events: set[str], *, declared: bool) -> None:
    """A detector that sends nothing but its name has detected; while learning it has not.

    Of a declared device, whose make knows codes only, every code that says nothing else counts.
    """
    if fields.get("learn") not in (None, 0, "0"):
        found.values["test"] = True
        events.add("test")
        return
    value = _ALONE.get(found.kind)
    told = fields.keys() - IDENTIFICATION - {"learn"}
    if value == "occupied":  # motion sensors add their battery, and what a chime should play
        told &= _SIGNS_OF_LIFE
        told |= {name for name in ("occupied", "alarm", "open") if name in found.values}
        told |= {name for name in ("tamper", "test") if found.values.get(name) is True}
    if value is not None and (not told or (declared and _codes_only(fields, found))):
        found.values[value] = True
        events.add(value)


def _codes_only(fields: Mapping[str, Any], found: Found) -> bool:
    """Nothing measured, no word, no sign of life: a key fob's or an encoder's code."""
    if any(fields.get(name) for name in _LIFE):
        return False
    if any(isinstance(fields.get(name), str) for name in WORDS):
        return False
    return all(name.startswith(EXTRA) for name in found.values)


def _as_declared(values: dict[str, Any], kind: str, events: set[str]) -> None:
    """A make's ``open``, ``alarm`` or ``ON`` is what the device was declared to be for."""
    wanted = _STATES.get(kind)
    if wanted is None:
        return
    told = {name: values.pop(name) for name in _GENERIC if name in values}
    if not told:
        word = next((values[EXTRA + name] for name in WORDS if EXTRA + name in values), None)
        state = _SWITCHED.get(word.lower()) if isinstance(word, str) else None
        if state is not None:
            values[wanted] = state
        return
    values[wanted] = any(told.values())
    if any(state and name in events for name, state in told.items()):
        events.add(wanted)


def _settle(values: dict[str, Any], kind: str, events: set[str]) -> None:
    """A test is no alarm; motion is an infrared detector's alarm; a leak detector's is a leak."""
    if "alarm" in values and kind == "water":
        values["leak"] = values.pop("alarm") is True or values.get("leak") is True
        if "alarm" in events:
            events.add("leak")
    if "occupied" in values and kind in ("infrared", ""):
        values.setdefault("alarm", values["occupied"])
        if "occupied" in events:
            events.add("alarm")
    if kind in _ENDLESS:
        events |= {"alarm", "occupied"}
    if values.get("test") is True and "alarm" in values:
        values["alarm"] = False


def _address(fields: Mapping[str, Any]) -> str:
    """``model/channel/id`` as rtl_433 names its device topics. ValueError: nobody is named."""
    parts = [_level(fields[name]) for name in _LEVELS if fields.get(name) not in (None, "")]
    own = next((fields[name] for name in _IDS if fields.get(name) not in (None, "")), None)
    if own is None and isinstance(code := fields.get("code"), str) and code:
        own = code[:-2] if fields.get("model") in SHORTER_CODE else code
    if own is not None:
        parts.append(_level(own))
    if fields.get("unit") is not None:
        parts.append(_level(fields["unit"]))
    if not parts or (own is None and "model" not in fields):
        raise ValueError("no model and no id in it")
    return "/".join(parts)[:LONGEST_NAME]


def _level(raw: object) -> str:
    if isinstance(raw, (dict, list)):
        raise ValueError("a model or id that is not one word")
    text = raw if isinstance(raw, str) else str(scalar(raw)).removesuffix(".0")
    return _UNSAFE.sub("_", text[:LONGEST_NAME])


def _plain(raw: object) -> object:
    """``yes`` and ``no`` of the old schema."""
    if isinstance(raw, str) and raw.lower() in ("yes", "no"):
        return raw.lower() == "yes"
    return raw


def _typed(text: str) -> object:
    """A field's topic holds a number or a word."""
    return float(text) if _NUMBER.fullmatch(text) else text


def _pattern(topic: str) -> re.Pattern[str]:
    steps = [{"+": "[^/]*"}.get(step) or re.escape(step) for step in topic.split("/")]
    if topic.endswith("/#"):
        steps[-1] = "(?P<rest>.*)"
    return re.compile("/".join(steps), re.DOTALL)
