"""The ``tasmota`` dialect: tele, stat, LWT, declared inputs, the Zigbee bridge, discovery. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

from drivers._times import iso_ns, unit_ns
from drivers.mqtt._common import Found, fields_mended, online, set_clock, status, text_of
from drivers.mqtt._inputs import Heard, Inputs, declared
from drivers.mqtt.decode import LONGEST_NAME, Decode, Filter, Out, Publish, fields_of, undecodable
from drivers.mqtt.dialects.tasmota import zigbee
from drivers.mqtt.dialects.tasmota.discovery import Board, board_of
from drivers.mqtt.dialects.tasmota.options import Options
from drivers.mqtt.dialects.tasmota.sensors import Reader, Units, state_of, units_of
from gateway.model import DeviceSeen, Reading

_MOST_BOARDS: Final = 5_000
_DISCOVERY_QOS: Final = 1
_ASKED: Final = (b"10", b"8")
"""Status questions: sensors in new and in old firmware."""
_PLAIN: Final = re.compile(r"(POWER|SWITCH|BUTTON|Switch|Button)(\d*)")
_QUIET: Final = frozenset({"LOGGING", "UPTIME", "DEEPSLEEP", "INFO2", "HASS_STATE"})
_OLD_DOTS: Final = re.compile(r"^(\d{4})\.(\d\d)\.(\d\d) ")


class _Layout(NamedTuple):
    """A full topic, compiled."""

    pattern: re.Pattern[str]
    filters: tuple[str, ...]


class _Place(NamedTuple):
    """Whose topic it is, and what it is about."""

    topic: str
    device: str
    what: str
    cmnd: str
    """The beginning of the device's command topics; "" where it is not known."""


class Dialect:
    """Reads the boards below the declared topic layouts, and those that announce their own."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._layouts = [_layout(written, options) for written in options.topics]
        minutes = options.zone_minutes
        self._zone = None if minutes is None else timedelta(minutes=minutes)
        self._boards: dict[str, Board] = {}
        self._bases: dict[str, str] = {}
        """Beginning of a board's tele and stat topics -> its device."""
        self._inputs: dict[str, Inputs] = {}

    def filters(self, qos: int) -> list[Filter]:
        """The layouts' topics, discovery, and the topics that boards announced."""
        topics = [topic for layout in self._layouts for topic in layout.filters]
        topics += [base + "#" for base in self._bases]
        if self._options.discovery:
            topics.append(self._options.discovery + "/+/+")
        return [Filter(topic, qos) for topic in dict.fromkeys(topics)]

    def plan(self, topic: str) -> Decode | None:
        """The decoder of ``topic``, if it is a board's."""
        discovery = self._options.discovery
        if discovery and topic.startswith(discovery + "/"):
            return self._discovery(topic, topic[len(discovery) + 1 :])
        place = self._place(topic)
        if place is None:
            return None
        return self._decoder(place)

    # --- topics -------------------------------------------------------------------------

    def _place(self, topic: str) -> _Place | None:
        base = topic
        while "/" in base:
            base = base.rpartition("/")[0]
            if (device := self._bases.get(base + "/")) is not None:
                rest = topic[len(base) + 1 :]
                return _Place(topic, device, rest.rpartition("/")[2], self._boards[device].cmnd)
        for layout in self._layouts:
            if (found := layout.pattern.fullmatch(topic)) is not None:
                start, end = found.span("prefix")
                cmnd = topic[:start] + self._options.cmnd + topic[end : found.start("what")]
                return _Place(topic, found["topic"][:LONGEST_NAME], found["what"], cmnd)
        return None

    def _decoder(self, place: _Place) -> Decode:
        what = place.what
        if what == "LWT":
            return self._lwt(place)
        if what in _QUIET:
            return _ignore
        if what.startswith("INFO"):
            return self._info(place)
        if (plain := _PLAIN.fullmatch(what)) is not None:
            return self._plain(place, plain[1].capitalize(), plain[2])
        return self._json(place)

    def _inputs_of(self, device: str) -> Inputs:
        inputs = self._inputs.get(device)
        if inputs is None:
            if len(self._inputs) >= _MOST_BOARDS:
                del self._inputs[next(iter(self._inputs))]
            inputs = self._inputs[device] = declared(self._options.inputs, device)
        return inputs

    def _kind(self, device: str) -> str:
        """What the declared inputs say that the board is for."""
        inputs = self._inputs_of(device).values()
        return next((each.kind for each in inputs if each.kind and not each.device), "")

    def _words(self, device: str) -> tuple[str, str]:
        board = self._boards.get(device)
        return (board.on, board.off) if board is not None else ("on", "off")

    # --- decoders -----------------------------------------------------------------------

    def _lwt(self, place: _Place) -> Decode:
        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            board, word = self._boards.get(place.device), payload.strip().lower()
            if board is not None and word and word in (board.online, board.offline):
                payload = b"online" if word == board.online else b"offline"
            kind = self._kind(place.device)
            items: list[Out] = [*status(place.topic, payload, place.device, kind, retained)]
            first = items[0]
            if board is not None and board.sleeps and online(payload) is False:
                return []
            here = isinstance(first, Reading) and first.values["extra.online"] is True
            if here and self._options.ask and place.cmnd:
                items += [Publish(place.cmnd + "STATUS", number) for number in _ASKED]
            return items

        return decode

    def _info(self, place: _Place) -> Decode:
        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                fields = fields_of(payload)
            except ValueError as error:
                return [undecodable(place.topic, payload, str(error))]
            inner = next((raw for raw in fields.values() if isinstance(raw, dict)), fields)
            module, version = inner.get("Module"), inner.get("Version")
            if isinstance(module, str) and isinstance(version, str):
                model = f"{module} {version}"[:LONGEST_NAME]
                return [DeviceSeen(place.device, self._kind(place.device), model)]
            found = Found(self._kind(place.device))
            found.keep("restart_reason", inner.get("RestartReason"))
            return found.items(place.topic, payload, place.device, retained)

        return decode

    def _plain(self, place: _Place, word: str, number: str) -> Decode:
        """POWER2 and SWITCH1: a word, or an object that holds it."""
        device = place.device
        name = f"{word}{number}" if word != "Power" else f"POWER{number}"
        meaning = self._inputs_of(device).get(name.lower())

        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                raw: object = text_of(payload)
                if str(raw).startswith("{"):
                    raw = fields_of(payload)
            except ValueError as error:
                return [undecodable(place.topic, payload, str(error))]
            on, off = self._words(device)
            found = Found(self._kind(device))
            heard = Heard(device, found, retained)
            reader = Reader(found, heard, {}, Units(on=on, off=off))
            if word == "Power" and isinstance(raw, dict):
                raw = raw.get(name)
            if meaning is not None:
                heard.say(name, meaning, raw, on, off)
            elif word == "Power":
                reader.relay(number, raw)
            else:
                reader.word(name, raw)
            return [*found.items(place.topic, payload, device, retained), *heard.beside]

        return decode

    def _json(self, place: _Place) -> Decode:
        """SENSOR, STATE, STATUSn, RESULT, and topics that a rule on the board made."""
        device, topic, what = place.device, place.topic, place.what
        kind, inputs = self._kind(device), self._inputs_of(device)
        meaning = inputs.get(what.lower())
        all_fields = what in ("SENSOR", "ENERGY") or what.startswith("STATUS")

        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            on, off = self._words(device)
            found = Found(kind)
            heard = Heard(device, found, retained)
            if meaning is not None or payload.lstrip()[:1] != b"{":
                return self._word(place, payload, found, heard)
            try:
                fields, fault = fields_mended(payload)
            except ValueError as error:
                return [undecodable(topic, payload, str(error))]
            if fault:
                found.complain("message", fault)
            fields = _inner(what, fields)
            at = self._time(fields, found)
            reader = Reader(found, heard, inputs, units_of(fields, on, off))
            items = self._bridge(place, payload, fields, found, retained, at)
            reader.read(fields, all_fields=all_fields)
            if "Wifi" in fields or "BatteryPercentage" in fields:
                state_of(fields, found)
            for name, other in reader.others.items():
                items += other.items(topic, payload, f"{device}/{name}", retained, at)
            items[:0] = found.items(topic, payload, device, retained, at)
            return [*items, *heard.beside] if heard.beside else items

        return decode

    def _word(self, place: _Place, payload: bytes, found: Found, heard: Heard) -> Sequence[Out]:
        """A topic of a rule (``stat/x/PIR1 ON``): declared, or kept without a meaning."""
        on, off = self._words(place.device)
        try:
            word = text_of(payload)
            raw: object = fields_of(payload) if word.startswith("{") else word
        except ValueError as error:
            return [undecodable(place.topic, payload, str(error))]
        meaning = self._inputs_of(place.device).get(place.what.lower())
        if meaning is not None:
            heard.say(place.what, meaning, raw, on, off)
        else:
            Reader(found, heard, {}, Units(on=on, off=off)).word(place.what, raw)
        items = found.items(place.topic, payload, place.device, heard.retained)
        return [*items, *heard.beside]

    def _bridge(
        self,
        place: _Place,
        payload: bytes,
        fields: dict[str, Any],
        found: Found,
        retained: bool,
        at: int | None,
    ) -> list[Out]:
        """What a Zigbee bridge says of its devices; taken out of ``fields``."""
        items: list[Out] = []
        for name in zigbee.RECEIVED:
            if name in fields:
                items += self._zigbee(place, payload, fields.pop(name), found, retained, at)
        if "ZbState" in fields:
            items += _joined(fields.pop("ZbState"), place.device)
        return items

    def _zigbee(
        self,
        place: _Place,
        payload: bytes,
        raw: object,
        found: Found,
        retained: bool,
        at: int | None,
    ) -> list[Out]:
        items: list[Out] = []
        try:
            for device in zigbee.heard(raw, self._options.zones, place.device):
                address = device.address[:LONGEST_NAME]
                if device.model:
                    model = device.model[:LONGEST_NAME]
                    items.append(DeviceSeen(address, device.found.kind, model))
                items += device.found.items(place.topic, payload, address, retained, at)
        except ValueError as error:
            found.complain("ZbReceived", str(error))
        return items

    def _time(self, fields: Mapping[str, Any], found: Found) -> int | None:
        """Local time of an undeclared zone is no time; one with an offset, and ``Epoch``, are.

        It is never a key: it counts whole seconds, in which a contact opens, closes and opens.
        """
        epoch, raw = fields.get("Epoch"), fields.get("Time")
        try:
            if isinstance(epoch, (int, float)) and not isinstance(epoch, bool):
                return set_clock(unit_ns(epoch, "s"))
            if not isinstance(raw, str) or not raw or raw.startswith("1970"):
                return None  # 1970: power came, and nobody has set the clock
            text = _OLD_DOTS.sub(r"\1-\2-\3T", raw[:40])
            zoned = text[-6:-5] in ("+", "-") or text.endswith("Z")
            if self._zone is None and not zoned:
                return None
            return set_clock(iso_ns(text, self._zone or timedelta()))
        except ValueError as error:
            found.complain("Time", str(error))
            return None

    # --- discovery ----------------------------------------------------------------------

    def _discovery(self, topic: str, rest: str) -> Decode:
        mac, _, what = rest.partition("/")
        if what != "config":
            return _ignore  # /sensors repeats what SENSOR says, without the change

        def decode(payload: bytes, retained: bool) -> Sequence[Out]:
            try:
                board = board_of(fields_of(payload), mac)
            except ValueError as error:
                return [undecodable(topic, payload, f"no announcement: {error}")]
            return self._announced(board, mac)

        return decode

    def _announced(self, board: Board, mac: str) -> list[Out]:
        if self._boards.get(board.device) == board:
            return []
        if len(self._boards) >= _MOST_BOARDS and board.device not in self._boards:
            return []
        items: list[Out] = [
            DeviceSeen(board.device, self._kind(board.device), board.model, board.name or mac)
        ]
        known = any(layout.pattern.fullmatch(board.tele + "STATE") for layout in self._layouts)
        self._boards[board.device] = board
        for base in (board.tele, board.stat):
            if base not in self._bases and len(self._bases) < 2 * _MOST_BOARDS:
                self._bases[base] = board.device
                if not known:
                    items.append(Filter(base + "#", _DISCOVERY_QOS))
        return items


def _inner(what: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Without the wrapping of answers: StatusSNS holds SENSOR, StatusSTS holds STATE."""
    if what.startswith("STATUS"):
        for name in ("StatusSNS", "StatusSTS"):
            if isinstance(inner := fields.get(name), dict):
                return inner
        return {}
    return {"ENERGY": fields} if what == "ENERGY" else fields


def _joined(raw: object, bridge: str) -> list[Out]:
    """A Zigbee device that came to the bridge says its addresses."""
    if not isinstance(raw, dict):
        return []
    short, long = raw.get("ShortAddr"), raw.get("IEEEAddr")
    if not isinstance(short, str) or not isinstance(long, str) or short == "0x0000":
        return []
    return [DeviceSeen(f"{bridge}/{short}"[:LONGEST_NAME], "", "", long[:LONGEST_NAME])]


def _ignore(payload: bytes, retained: bool) -> Sequence[Out]:
    """Not a reading."""
    return []


def _layout(written: str, options: Options) -> _Layout:
    """``%prefix%/%topic%/`` as a pattern with the groups prefix, topic and what, and filters."""
    levels = written.strip("/").split("/")
    prefixes = f"(?P<prefix>{re.escape(options.tele)}|{re.escape(options.stat)})"
    deep = levels.index("%topic%") == len(levels) - 1
    tokens = {
        "%prefix%": prefixes,
        "%topic%": "(?P<topic>.+)" if deep else "(?P<topic>[^/]+)",
        "%hostname%": "[^/]+",
        "%id%": "[^/]+",
    }
    pattern = "/".join(tokens.get(level) or re.escape(level) for level in levels)
    filters = []
    for prefix in (options.tele, options.stat):
        named = [prefix if level == "%prefix%" else level for level in levels]
        wild = ["+" if level.startswith("%") else level for level in named]
        if deep:
            wild.pop()
        filters.append("/".join([*wild, "#"]))
    return _Layout(re.compile(pattern + "/(?P<what>[^/]+)", re.DOTALL), tuple(filters))
