"""The ``shelly`` dialect: topics of both families to the parts of a device. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from drivers._times import unit_ns
from drivers._values import number
from drivers.mqtt._common import key_of, set_clock, text_of
from drivers.mqtt._common import status as status_of
from drivers.mqtt._inputs import Inputs, declared
from drivers.mqtt.decode import LONGEST_NAME, Decode, Filter, Out, fields_of, undecodable
from drivers.mqtt.dialects.shelly import gen1, gen2
from drivers.mqtt.dialects.shelly.options import Options
from drivers.mqtt.dialects.shelly.parts import Parts, degrees, family, flag, sleeps
from gateway.model import DeviceSeen

_MOST_EVENTS: Final = 16
_MOST_BUTTONS: Final = 5_000
_LATER: Final = "/(online|status/[^/]+|events/rpc)"
_COMMANDS: Final = frozenset({"command", "set", "rpc", "announce"})
_INPUT: Final = re.compile(
    r"(input|input_event|longpush|relay|emeter|light|white|color)/(\d{1,2})(?:/(\w+))?"
)
_CHANNELS: Final = {"emeter": "emeter", "light": "light", "white": "light", "color": "light"}


class Dialect:
    """Reads ``shellies/#`` and the topics of Gen2 devices.

    Between messages it keeps how often each Gen1 button was pressed: the device says its last
    press again every 30 s, for ever.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._gen1 = "" if options.gen1 is None else options.gen1 + "/"
        self._gen2 = [
            re.compile(re.escape(prefix).replace(r"\+", "+").replace("+", "[^/]+") + _LATER)
            for prefix in options.gen2
        ]
        self._degrees = degrees(options.fahrenheit)
        self._presses: dict[str, object] = {}
        """Topic of a Gen1 button -> ``event_cnt``."""

    def filters(self, qos: int) -> list[Filter]:
        """Every topic of Gen1; of Gen2 the states, the notifications and the last will."""
        topics = [self._gen1 + "#"] if self._gen1 else []
        for prefix in self._options.gen2:
            topics += [f"{prefix}/{rest}" for rest in ("online", "status/+", "events/rpc")]
        return [Filter(topic, qos) for topic in topics]

    def plan(self, topic: str) -> Decode | None:
        """The decoder of ``topic``, if a Shelly may have sent it."""
        if self._gen1 and topic.startswith(self._gen1):
            return self._first(topic, topic[len(self._gen1) :])
        for pattern in self._gen2:
            if (found := pattern.fullmatch(topic)) is not None:
                device = topic[: found.start(1) - 1][:LONGEST_NAME]
                return self._later(topic, device, found[1])
        return None

    def _inputs(self, device: str) -> Inputs:
        return declared(self._options.inputs, device)

    # --- the first generation --------------------------------------------------------------

    def _first(self, topic: str, rest: str) -> Decode:
        device, _, what = rest.partition("/")
        device = device[:LONGEST_NAME]
        if rest == "announce" or what == "announce":
            return _announced(topic)
        if not what or what.rpartition("/")[2] in _COMMANDS:
            return _ignore
        if what == "online":
            return _online(topic, device, strict=True)
        # Gen2 devices can be given the prefix of Gen1
        if what.startswith(("status/", "events/")):
            return self._later(topic, device, what)
        if what in ("info", "status"):
            return self._object(topic, device, whole=what == "info")
        return self._value(topic, device, what)

    def _object(self, topic: str, device: str, *, whole: bool) -> Decode:
        kind, inputs = family(device), self._inputs(device)

        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                fields = fields_of(payload)
            except ValueError as error:
                return [undecodable(topic, payload, str(error))]
            parts = Parts(device, kind, inputs, retained)
            if whole:
                gen1.info(fields, parts, self._options.fahrenheit)
            else:
                gen1.motion(fields, parts.main)
            # no key: whole seconds, in which an input goes on, off and on
            return parts.items(topic, payload, _time(fields.get("unixtime")) if whole else None)

        return decode

    def _value(self, topic: str, device: str, what: str) -> Decode:
        kind, inputs = family(device), self._inputs(device)
        button = what.startswith("input_event/")

        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                word = text_of(payload)
            except ValueError as error:
                return [undecodable(topic, payload, str(error))]
            if button and self._is_repeated(topic, payload):
                return []
            parts = Parts(device, kind, inputs, retained)
            self._word(what, word, parts)
            return parts.items(topic, payload)

        return decode

    def _is_repeated(self, topic: str, payload: bytes) -> bool:
        """Whether this press has been told; without a counter nobody can know."""
        try:
            count = fields_of(payload).get("event_cnt")
        except ValueError:
            return False
        if isinstance(count, bool) or not isinstance(count, (int, float)):
            return False
        if self._presses.get(topic) == count:
            return True
        if len(self._presses) >= _MOST_BUTTONS and topic not in self._presses:
            del self._presses[next(iter(self._presses))]
        self._presses[topic] = count
        return False

    def _word(self, what: str, word: str, parts: Parts) -> None:
        """One value: what ``DEVICE/`` is followed by, and the payload."""
        found = parts.main
        sort, _, name = what.partition("/")
        if sort == "sensor":
            self._sensor(name, word, parts)
        elif (channel := _INPUT.fullmatch(what)) is not None:
            _channel(channel[1], channel[2], channel[3] or "", word, parts)
        elif what in ("ext_temperature/0", "ext_temperatures/0"):
            found.take("temperature", word, number, "climate")
        elif what == "ext_humidity/0":
            found.take("humidity", word, number, "climate")
        elif what == "overtemperature":
            found.take("fault", word, flag)
        elif what == "temperature":
            found.keep("device_temperature", _number(word))
        elif what == "voltage":
            found.take("voltage", word, number, "power")
        elif not word.startswith(("{", "[")) and not what.endswith("_f"):
            found.keep(what.replace("/", "_"), _number(word))

    def _sensor(self, name: str, word: str, parts: Parts) -> None:
        found = parts.main
        if (row := gen1.SENSOR.get(name)) is not None:
            found.take(row.value, word, row.convert, row.kind)
        elif name == "temperature":
            found.take("temperature", _measured(word), self._degrees, "climate")
        elif name == "motion":
            gen1.moved(word, found)
        elif name in gen1.WORDS:
            gen1.WORDS[name](word, found)
        elif name != "act_reasons":
            found.keep(name.replace("/", "_"), _number(word))

    # --- the later generations ----------------------------------------------------------------

    def _later(self, topic: str, device: str, what: str) -> Decode:
        if what == "online":
            return _online(topic, device, strict=False)
        kind, inputs = family(device.rpartition("/")[2]), self._inputs(device)
        if what == "events/rpc":
            return self._notified(topic, device, kind, inputs)
        sort, _, index = what.removeprefix("status/").partition(":")
        named = device.rpartition("/")[2].lower().startswith("shelly")
        if not named and sort not in gen2.KNOWN:
            return _ignore  # the wildcard takes in what other makes call status

        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                fields = fields_of(payload)
            except ValueError as error:
                return [undecodable(topic, payload, str(error))] if named else []
            parts = Parts(device, kind, inputs, retained)
            gen2.one(sort[:40], index[:8] or "0", fields, parts)
            return parts.items(topic, payload)

        return decode if what.startswith("status/") else _ignore

    def _notified(self, topic: str, device: str, kind: str, inputs: Inputs) -> Decode:
        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                fields = fields_of(payload)
            except ValueError as error:
                return [undecodable(topic, payload, str(error))]
            params = fields.get("params")
            if not isinstance(params, dict):
                return []
            parts = Parts(device, kind, inputs, retained)
            if fields.get("method") == "NotifyEvent":
                events = params.get("events")
                for each in events[:_MOST_EVENTS] if isinstance(events, list) else ():
                    if isinstance(each, dict):
                        gen2.event(each, parts)
            else:
                gen2.read(params, parts)
            at = _time(params.get("ts"))
            return parts.items(topic, payload, at, key_of(at, payload))

        return decode


def _channel(sort: str, index: str, name: str, word: str, parts: Parts) -> None:
    """``relay/1``, ``relay/1/power``, ``input/0``, ``input_event/0``."""
    if sort == "input":
        if not parts.input(f"input:{index}", word):
            parts.main.keep(f"input_{index}", _number(word))
    elif sort == "input_event":
        _pressed(index, word, parts)
    elif sort == "longpush":
        parts.main.keep(f"longpush_{index}", _number(word))
    else:
        found = parts.part(_CHANNELS.get(sort, sort), index)
        row = gen1.CHANNEL.get(name)
        if row is not None:
            found.take(row.value, word, row.convert, row.kind)
        elif name == "" and word == "overpower":
            found.take("fault", True, bool)
        elif name == "":
            found.take("on", word, flag, "power" if sort == "relay" else "lamp")
        elif not word.startswith("{"):
            found.keep(name, _number(word))


def _pressed(index: str, word: str, parts: Parts) -> None:
    try:
        fields = fields_of(word.encode())
    except ValueError as error:
        parts.main.complain(f"input_event_{index}", str(error))
        return
    event = fields.get("event")
    if isinstance(event, str) and event and not parts.input(f"input_event:{index}", event):
        parts.main.keep(f"input_event_{index}", event)


def _measured(word: str) -> str | None:
    """999 is "not known"; believed, it would be a fire."""
    return None if _number(word) == gen1.UNKNOWN else word


def _number(word: str) -> object:
    """A number where it is one."""
    try:
        return number(word)
    except ValueError:
        return word


def _time(raw: object) -> int | None:
    """Seconds since 1970; None from a clock that has not been set."""
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        return None
    try:
        return set_clock(unit_ns(raw, "s"))
    except ValueError:
        return None


def _announced(topic: str) -> Decode:
    def decode(payload: bytes, retained: bool) -> Sequence[Out]:
        try:
            fields: Mapping[str, Any] = fields_of(payload)
        except ValueError as error:
            return [undecodable(topic, payload, str(error))]
        device = fields.get("id")
        if not isinstance(device, str) or not device:
            return [undecodable(topic, payload, "an announcement without id")]
        model, mac = fields.get("model"), fields.get("mac")
        return [
            DeviceSeen(
                device[:LONGEST_NAME],
                family(device),
                model[:LONGEST_NAME] if isinstance(model, str) else "",
                mac[:LONGEST_NAME] if isinstance(mac, str) else "",
            )
        ]

    return decode


def _online(topic: str, device: str, *, strict: bool) -> Decode:
    """``true`` and ``false``. Below a wildcard other makes have such a topic, too.

    One that sleeps is not lost: how long it may be silent tells more.
    """
    kind, asleep = family(device.rpartition("/")[2]), sleeps(device.rpartition("/")[2])

    def decode(payload: bytes, retained: bool) -> Sequence[Out]:
        word = payload.strip().lower()
        if (not strict and word not in (b"true", b"false")) or (asleep and word == b"false"):
            return []
        return status_of(topic, payload, device, kind, retained)

    return decode


def _ignore(payload: bytes, retained: bool) -> Sequence[Out]:
    """A command, or another make's topic."""
    return []
