"""The ``json`` dialect: JSON objects whose fields are mapped to values by declaration. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from drivers._fields import FieldOptions, converter
from drivers._times import time_ns
from drivers._values import Coerce, scalar, text
from drivers.mqtt.decode import EXTRAS, LONGEST_NAME, Decode, Filter, fields_of, undecodable
from drivers.mqtt.dialects.json.options import Options, TopicOptions
from gateway.model import EXTRA, Item, Reading, Value

Path = tuple[str, ...]


class _Pick(NamedTuple):
    """One value: its name, where it lies, and how it is read."""

    name: str
    first: str
    rest: Path
    convert: Coerce


class _Plan(NamedTuple):
    """One declared topic, compiled."""

    pattern: re.Pattern[str]
    device: str
    device_field: Path
    kind: str
    picks: tuple[_Pick, ...]
    time: Path
    unit: str
    zone: timedelta
    key: Path
    extras: bool
    known: frozenset[str]
    """First steps of declared fields: these are no extras."""


class Dialect:
    """Reads the topics that the options declare; the first that matches wins."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._plans = [_compile(topic) for topic in options.topics]

    def filters(self, qos: int) -> list[Filter]:
        """One subscription for each declared topic."""
        return [
            Filter(topic.topic, qos if topic.qos is None else topic.qos)
            for topic in self._options.topics
        ]

    def plan(self, topic: str) -> Decode | None:
        """The decoder of ``topic``, if one is declared."""
        for plan in self._plans:
            if (found := plan.pattern.fullmatch(topic)) is not None:
                return _decoder(topic, _fill(plan.device, topic, found.groups()), plan)
        return None


def _decoder(topic: str, device: str, plan: _Plan) -> Decode:
    picks, kind = plan.picks, plan.kind

    def decode(payload: bytes, retained: bool) -> list[Item]:
        try:
            fields = fields_of(payload)
            sender = device or _device(fields, plan.device_field)
        except ValueError as error:
            return [undecodable(topic, payload, str(error))]
        values: dict[str, Value] = {}
        wrong: list[str] = []
        for name, first, rest, convert in picks:
            raw = fields.get(first)
            if rest:
                raw = _dig(raw, rest)
            if raw is None:
                continue
            try:
                value = convert(raw)
            except ValueError as error:
                wrong.append(f"{name}: {error}")
            else:
                if value is not None:
                    values[name] = value
        if plan.extras:
            _add_extras(values, fields, plan.known)
        at = _time(fields, plan, wrong) if plan.time else None
        key = _key(fields, plan.key, wrong) if plan.key else ""
        items: list[Item] = []
        if values:
            items.append(Reading(sender, kind, values, at, key, retained))
        if wrong or not values:
            reason = "; ".join(wrong) or "none of the declared fields is in it"
            items.append(undecodable(topic, payload, reason))
        return items

    return decode


def _time(fields: Mapping[str, Any], plan: _Plan, wrong: list[str]) -> int | None:
    try:
        return time_ns(_dig(fields, plan.time), plan.unit, plan.zone)
    except ValueError as error:
        wrong.append(f"time: {error}")
        return None


def _key(fields: Mapping[str, Any], path: Path, wrong: list[str]) -> str:
    try:
        return text(_dig(fields, path)) or ""
    except ValueError as error:
        wrong.append(f"key: {error}")
        return ""


def _device(fields: Mapping[str, Any], path: Path) -> str:
    sender = text(_dig(fields, path)) if path else None
    if sender is None:
        raise ValueError(f"no device in field {'.'.join(path)}")
    return sender


def _add_extras(values: dict[str, Value], fields: Mapping[str, Any], known: frozenset[str]) -> None:
    left = EXTRAS
    for name, raw in fields.items():
        if name in known or raw is None or not _NAME.fullmatch(name):
            continue
        try:
            value = scalar(raw)
        except ValueError:
            continue  # nobody asked for this field: an object or a novel in it is no fault
        if value is not None:
            values[EXTRA + name] = value
            if (left := left - 1) == 0:
                return


def _dig(raw: Any, path: Path) -> Any:
    """The value at ``path`` in nested objects and lists; None where it does not lead."""
    for step in path:
        if isinstance(raw, dict):
            raw = raw.get(step)
        elif isinstance(raw, list) and step.isdecimal() and int(step) < len(raw):
            raw = raw[int(step)]
        else:
            return None
    return raw


# --- compiling the options -----------------------------------------------------------------

_NAME: Final = re.compile(r"\w[\w.-]{0,63}")
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


def _compile(topic: TopicOptions) -> _Plan:
    picks = tuple(_pick(name, field) for name, field in topic.values.items())
    when, key = topic.time, _path(topic.key)
    where = topic.device if isinstance(topic.device, str) else ""
    device_field = () if isinstance(topic.device, str) else _path(topic.device.field)
    paths = [device_field, key, _path(when.field) if when else ()]
    return _Plan(
        pattern=_pattern(topic.topic),
        device=where,
        device_field=device_field,
        kind=topic.kind,
        picks=picks,
        time=_path(when.field) if when else (),
        unit=when.unit if when else "s",
        zone=timedelta(minutes=when.zone_minutes) if when else timedelta(),
        key=key,
        extras=topic.extra == "keep",
        known=frozenset([pick.first for pick in picks] + [path[0] for path in paths if path]),
    )


def _path(written: str) -> Path:
    return tuple(written.split(".")) if written else ()


def _pattern(topic: str) -> re.Pattern[str]:
    """A topic filter as a pattern with one group for each wildcard."""
    steps = [{"+": "([^/]*)"}.get(step) or re.escape(step) for step in topic.split("/")]
    if topic == "#":
        steps = ["(.*)"]
    elif topic.endswith("/#"):
        steps[-2:] = [steps[-2] + "(?:/(.*))?"]  # "a/#" is "a" as well
    return re.compile("/".join(steps), re.DOTALL)


def _fill(template: str, topic: str, levels: tuple[str | None, ...]) -> str:
    """``{1}`` is what the first wildcard stood for; ``{topic}`` is the whole topic."""

    def value(found: re.Match[str]) -> str:
        if found[1] == "topic":
            return topic
        return levels[int(found[1]) - 1] or ""

    return _PLACEHOLDER.sub(value, template)[:LONGEST_NAME]


def _pick(name: str, field: FieldOptions) -> _Pick:
    first, *rest = _path(field.field)
    return _Pick(name, first, tuple(rest), converter(name, field))
