"""One announced entity, compiled: from a payload on its topic to a value. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from drivers._values import Coerce, checked
from drivers.mqtt.dialects.homeassistant.announced import Component
from drivers.mqtt.dialects.homeassistant.meanings import (
    Meaning,
    of_binary,
    of_sensor,
    of_switch,
)
from drivers.mqtt.dialects.homeassistant.operators import MISSING, Said, Template, rendered
from drivers.mqtt.dialects.homeassistant.template import compiled
from drivers.mqtt.topics import check_plain
from gateway.model import EXTRA, Value

Reads = Callable[[Said], Value | None]
"""A payload to the value; None: it says nothing. ValueError: what is wrong with it."""

_LONGEST_DELAY: Final = 86_400.0
_AVAILABILITIES: Final = 8
"""Availability topics of one component."""
_NOTHING: Final = frozenset({"None", "", "unknown", "unavailable"})
_CUT: Final = re.compile(r"[^a-z0-9]+")


class Entity(NamedTuple):
    """How one entity is read. ``moment``: what it tells is an event and ends by itself."""

    topic: str
    slug: str
    value: str
    kind: str
    read: Reads
    off_delay: float = 0.0
    expire_after: float = 0.0
    moment: bool = False


class Online(NamedTuple):
    """A topic that says whether a device is there."""

    topic: str
    read: Reads


def entity(component: Component, alarming: frozenset[str]) -> Entity | None:
    """The entity; None for one that tells no state. ValueError says what is beyond us."""
    make = _MAKERS.get(component.platform)
    return None if make is None else make(component.slug, component.config, alarming)


def onlines(config: Mapping[str, Any]) -> tuple[list[Online], list[str]]:
    """The availability topics of a component, and what was wrong with others."""
    several = config.get("availability")
    listed = several if isinstance(several, list) else [several]
    found = [each for each in listed if isinstance(each, dict)]
    if isinstance(config.get("availability_topic"), str):
        single = {
            "topic": config["availability_topic"],
            "value_template": config.get("availability_template"),
        }
        keys = ("payload_available", "payload_not_available")
        found.append(single | {key: config[key] for key in keys if key in config})
    read: list[Online] = []
    wrong: list[str] = []
    for each in found[:_AVAILABILITIES]:
        try:
            read.append(_online(each))
        except ValueError as error:
            wrong.append(f"availability: {error}")
    return read, wrong


def _online(config: Mapping[str, Any]) -> Online:
    on = _words(config.get("payload_available", "online"))
    off = _words(config.get("payload_not_available", "offline"))
    made = _template(config)

    def read(said: Said) -> bool | None:
        word = _word(made(said))
        return True if word in on else False if word in off else None

    return Online(_topic(config, "topic"), read)


# --- the platforms ----------------------------------------------------------------------------


def _binary_sensor(slug: str, config: Mapping[str, Any], alarming: frozenset[str]) -> Entity | None:
    if "state_topic" not in config:
        return None
    named = f"{slug}_{_CUT.sub('_', str(config.get('name') or '').lower())}"
    meaning = of_binary(_text(config, "device_class"), named if named.strip("_") else slug)
    value = EXTRA + slug if meaning.value == EXTRA + named else meaning.value
    read = _two(config, "payload_on", "payload_off", "ON", "OFF")
    return _made(slug, config, meaning._replace(value=value), read)


def _sensor(slug: str, config: Mapping[str, Any], alarming: frozenset[str]) -> Entity | None:
    if "state_topic" not in config:
        return None
    unit, category = _text(config, "unit_of_measurement"), _text(config, "entity_category")
    meaning = of_sensor(_text(config, "device_class"), unit, slug, category)
    return _made(slug, config, meaning, _measured(_template(config), meaning.convert))


def _switch(slug: str, config: Mapping[str, Any], alarming: frozenset[str]) -> Entity | None:
    if "state_topic" not in config:
        return None
    config = dict(config)
    for state, payload in (("state_on", "payload_on"), ("state_off", "payload_off")):
        config[payload] = config.get(state, config.get(payload, state[6:].upper()))
    meaning = of_switch(slug, _text(config, "entity_category"))
    return _made(slug, config, meaning, _two(config, "payload_on", "payload_off", "ON", "OFF"))


def _event(slug: str, config: Mapping[str, Any], alarming: frozenset[str]) -> Entity | None:
    if "state_topic" not in config:
        return None
    made = _template(config)
    types = config.get("event_types")
    words = [each for each in types if isinstance(each, str)] if isinstance(types, list) else []
    kind = "panic" if any(cries(each, alarming) for each in words) else ""
    if _text(config, "device_class") == "motion":
        kind = "infrared"

    def read(said: Said) -> str | None:
        found = made(said) if "value_template" in config else said.json
        word = found.get("event_type") if isinstance(found, dict) else found
        return checked(word) if isinstance(word, str) and word else None

    return Entity(_topic(config, "state_topic"), slug, EXTRA + "event", kind, read, moment=True)


def _trigger(slug: str, config: Mapping[str, Any], alarming: frozenset[str]) -> Entity | None:
    """A device trigger: its payload on its topic is the event."""
    if config.get("automation_type") != "trigger":
        return None
    made = _template(config)
    wanted = _words(config["payload"]) if config.get("payload") is not None else None
    type_, subtype = _text(config, "type"), _text(config, "subtype")
    word = checked(f"{type_}_{subtype}".strip("_") or slug)

    def read(said: Said) -> str | None:
        return word if wanted is None or _word(made(said)) in wanted else None

    kind = "panic" if cries(word, alarming) else ""
    return Entity(_topic(config, "topic"), slug, EXTRA + "action", kind, read, moment=True)


_MAKERS: Final = {
    "binary_sensor": _binary_sensor,
    "sensor": _sensor,
    "switch": _switch,
    "event": _event,
    "device_automation": _trigger,
}


def cries(word: str, alarming: frozenset[str]) -> bool:
    """Whether an event's word is a call for help, and not the end of one."""
    found = frozenset(_CUT.split(word.lower()))
    return bool(found & alarming) and not found & {"cancel", "clear", "release", "released", "off"}


def _made(slug: str, config: Mapping[str, Any], meaning: Meaning, read: Reads) -> Entity:
    return Entity(
        _topic(config, "state_topic"),
        slug,
        meaning.value,
        meaning.kind,
        read,
        _seconds(config, "off_delay"),
        _seconds(config, "expire_after"),
    )


# --- reading ----------------------------------------------------------------------------------


def _two(config: Mapping[str, Any], on: str, off: str, is_on: str, is_off: str) -> Reads:
    yes, no = _words(config.get(on, is_on)), _words(config.get(off, is_off))
    made = _template(config)
    raw_bytes = config.get("encoding") == ""

    def read(said: Said) -> bool | None:
        word = _word(made(said))
        if word in yes:
            return True
        if word in no:
            return False
        if word in _NOTHING:
            return None
        if raw_bytes and word in ("\0", "\1"):
            return word == "\1"
        raise ValueError(f"{word[:40]!r} is neither {min(yes)!r} nor {min(no)!r}")

    return read


def _measured(made: Template, convert: Coerce) -> Reads:
    def read(said: Said) -> Value | None:
        found = made(said)
        if found is MISSING or (isinstance(found, str) and found.strip() in _NOTHING):
            return None
        return convert(found)

    return read


def _template(config: Mapping[str, Any]) -> Template:
    text = config.get("value_template", config.get("state_value_template"))
    if text is None:
        return _plain
    if not isinstance(text, str):
        raise ValueError("value_template is no text")
    return compiled(text)


def _plain(said: Said) -> str:
    return said.text


def _word(found: Any) -> str:
    return "" if found is MISSING else rendered(found).strip(" \t\r\n")


def _words(payload: Any) -> frozenset[str]:
    """The texts that mean ``payload``, which may have been written without quotes."""
    if isinstance(payload, bool):
        return frozenset({str(payload), str(payload).lower()})
    if isinstance(payload, (int, float)):
        return frozenset({str(payload), str(float(payload))})
    if not isinstance(payload, str):
        raise ValueError("a payload that is no text")
    return frozenset({checked(payload).strip()})


def _topic(config: Mapping[str, Any], key: str) -> str:
    topic = config.get(key)
    if not isinstance(topic, str):
        raise ValueError(f"no {key}")
    return check_plain(topic)


def _text(config: Mapping[str, Any], key: str) -> str:
    value = config.get(key)
    return value[:200] if isinstance(value, str) else ""


def _seconds(config: Mapping[str, Any], key: str) -> float:
    value = config.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    return float(value) if 0 < value <= _LONGEST_DELAY else 0.0
