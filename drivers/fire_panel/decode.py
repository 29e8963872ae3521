"""A frame's application data to items. Pure: bytes and the time in, items out, never raises.

Only frames that send (2) or answer (5) hold reports. What a report means beyond its readings,
that a reset ends the alarms of a system, comes out as a ``Reset`` for ``standing``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from drivers._momentary import Momentary
from drivers.fire_panel import states
from drivers.fire_panel.address import MANUAL, unit_of, words_of
from drivers.fire_panel.frame import Frame, time_ns
from drivers.fire_panel.options import Options
from drivers.fire_panel.register import Register
from drivers.fire_panel.tables import (
    ANALOGS,
    COMPONENTS,
    DATA_TYPES,
    SYSTEMS,
    UNIT,
    component_name,
    model,
)
from drivers.fire_panel.units import LAYOUTS, TEXTS, Object, objects, text_of
from gateway.model import EXTRA, SECOND, DeviceSeen, Reading, Undecodable, Value

_NEAR: Final = 24 * 3600 * SECOND
"""A send time further from ours than this is not believed to tell frames apart."""
_LIVE: Final = 300 * SECOND
"""What is not older than this has just been done."""
_DOWNLINK: Final = 61


class Reset(NamedTuple):
    """Everything at and below the address ``scope`` is alarming no longer."""

    scope: str
    at: int | None
    key: str


Out = Reading | DeviceSeen | Undecodable | Momentary | Reset


class Decoded(NamedTuple):
    """What a frame says. ``known``: its data type is one of the standard's uplink types."""

    items: list[Out]
    known: bool = True


class _Of(NamedTuple):
    """What the objects of one frame have in common."""

    unit: str
    sent: int | None
    mark: str
    """Makes a repeat of the frame harmless; "" where nothing tells it from another."""
    now: int | None

    def key(self, index: int) -> str:
        return f"{self.mark}-{index}" if self.mark else ""


class Decoder:
    """Compiles the options once."""

    def __init__(self, options: Options, register: Register | None = None) -> None:
        self._options = options
        self._register = register or Register({})
        self._ahead = options.offset
        self._bcd = options.time_format == "bcd"
        self._take: Mapping[int, Callable[[_Of, int, Object], list[Out]]] = {
            1: self._system_state,
            2: self._component_state,
            3: self._analog,
            4: self._system_operation,
            5: self._system_version,
            6: self._system_configuration,
            7: self._component_configuration,
            8: self._system_time,
            21: self._unit_state,
            24: self._unit_operation,
            25: self._unit_version,
            26: self._unit_configuration,
            28: self._unit_time,
        }

    def unit(self, frame: Frame) -> str:
        """The address of the device that sent ``frame``."""
        return unit_of(frame.source, self._options.unit_order)

    def __call__(self, frame: Frame, now: int | None, *, counts: bool = True) -> Decoded:
        """``now``: our wall clock, ns, or None while it can not be trusted.

        ``counts``: whether the sender's serial numbers tell its frames apart.
        """
        data = frame.data
        if not data:
            return Decoded([])  # a sign of life, which the standard does not know
        unit = self.unit(frame)
        kind = data[0]
        if kind not in LAYOUTS and kind not in TEXTS:
            return Decoded([Undecodable(unit, frame.raw, _unknown(kind))], known=False)
        if len(data) < 2:
            why = f"{DATA_TYPES[kind].en}: no number of objects"
            return Decoded([Undecodable(unit, frame.raw, why)])
        found, wrong = objects(kind, data[1], data[2:])
        sent = time_ns(frame.time, self._ahead, bcd=self._bcd)
        of = _Of(unit, sent, _mark(frame, sent, now) if counts else "", now)
        items: list[Out] = []
        take = self._take[kind]
        for index, each in enumerate(found):
            items += take(of, index, each)
        if wrong:
            items.append(Undecodable(unit, frame.raw, f"{DATA_TYPES[kind].en}: {wrong}"))
        return Decoded(items)

    # --- systems ------------------------------------------------------------------------

    def _system_state(self, of: _Of, index: int, each: Object) -> list[Out]:
        kind, number, word = each.fields
        device = f"{of.unit}/{kind}-{number}"
        at, values = self._timed(of, each, states.system(word, self._options.test_bit))
        reading = Reading(device, self._kind(device, "panel"), values, at, of.key(index))
        items: list[Out] = [self._system(device, kind), reading]
        if states.resets(word):
            items.append(Reset(device, at, of.key(index)))
        return items

    def _system_operation(self, of: _Of, index: int, each: Object) -> list[Out]:
        kind, number, flags, operator = each.fields
        device = f"{of.unit}/{kind}-{number}"
        done = states.operation(flags, operator, of_unit=False)
        return self._operation(of, index, each, device, done)

    def _system_version(self, of: _Of, index: int, each: Object) -> list[Out]:
        kind, number, major, minor = each.fields
        device = f"{of.unit}/{kind}-{number}"
        return [self._version(of, index, device, major, minor)]

    def _system_configuration(self, of: _Of, index: int, each: Object) -> list[Out]:
        kind, number, text = each.fields
        return [self._system(f"{of.unit}/{kind}-{number}", kind, text_of(text))]

    def _system_time(self, of: _Of, index: int, each: Object) -> list[Out]:
        kind, number = each.fields
        return [self._clock(of, index, f"{of.unit}/{kind}-{number}", each)]

    # --- components ---------------------------------------------------------------------

    def _component_state(self, of: _Of, index: int, each: Object) -> list[Out]:
        system, number, kind, where, word, text = each.fields
        device = self._component(of, system, number, where)
        place = text_of(text)
        of_kind = self._kind(device, self._kind_of(kind))
        values = states.component(word, of_kind, self._options.test_bit)
        at, values = self._timed(of, each, values)
        if place:
            values["extra.place"] = place
        reading = Reading(device, of_kind, values, at, of.key(index))
        return [self._seen(device, kind, place), reading]

    def _component_configuration(self, of: _Of, index: int, each: Object) -> list[Out]:
        system, number, kind, where, text = each.fields
        device = self._component(of, system, number, where)
        return [self._seen(device, kind, text_of(text))]

    def _analog(self, of: _Of, index: int, each: Object) -> list[Out]:
        system, number, kind, where, quantity, raw = each.fields
        device = self._component(of, system, number, where)
        of_kind = self._kind_of(kind)
        analog = ANALOGS.get(quantity)
        if analog is None:
            values: dict[str, Value] = {f"{EXTRA}analog_{quantity}": float(raw)}
        else:
            values = {analog.value: raw * analog.times / analog.over}
            # what is nothing but a part of the panel is for what it measures
            of_kind = analog.kind or of_kind if of_kind == "panel" else of_kind
        at, values = self._timed(of, each, values)
        return [Reading(device, self._kind(device, of_kind), values, at, of.key(index))]

    def _component(self, of: _Of, system: int, number: int, where: bytes) -> str:
        zone, point = words_of(where, self._options.component_order)
        return f"{of.unit}/{system}-{number}/{zone}-{point}"

    # --- the transmission device itself -----------------------------------------------------

    def _unit_state(self, of: _Of, index: int, each: Object) -> list[Out]:
        values = states.unit(each.fields[0], self._options.test_bit)
        at, values = self._timed(of, each, values)
        return [Reading(of.unit, self._kind(of.unit, "panel"), values, at, of.key(index))]

    def _unit_operation(self, of: _Of, index: int, each: Object) -> list[Out]:
        flags, operator = each.fields
        done = states.operation(flags, operator, of_unit=True)
        return self._operation(of, index, each, of.unit, done)

    def _unit_version(self, of: _Of, index: int, each: Object) -> list[Out]:
        return [self._version(of, index, of.unit, *each.fields)]

    def _unit_configuration(self, of: _Of, index: int, each: Object) -> list[Out]:
        name = self._name(of.unit, text_of(each.fields[0]))
        kind = self._kind(of.unit, "panel")
        return [DeviceSeen(of.unit, kind, f"{UNIT.zh} / {UNIT.en}", name)]

    def _unit_time(self, of: _Of, index: int, each: Object) -> list[Out]:
        return [self._clock(of, index, of.unit, each)]

    # --- what they share --------------------------------------------------------------------

    def _operation(
        self, of: _Of, index: int, each: Object, device: str, done: states.Flags
    ) -> list[Out]:
        """An operation has no end of its own, and no key: its end would outlive its repeat.

        Its end is said by our clock, so what has just been done counts from ours as well.
        """
        told, values = self._timed(of, each, done.values)
        live = told is not None and of.now is not None and abs(told - of.now) < _LIVE
        at = None if live else told
        begun = tuple(name for name, value in values.items() if value is True)
        kind = self._kind(device, "panel")
        items: list[Out] = [Momentary(Reading(device, kind, values, at), begun, self._options.hold)]
        if done.resets:
            items.append(Reset(device, told, of.key(index)))
        if done.manual:
            call = Reading(f"{device}/{MANUAL}", "panic", {"alarm": True}, at)
            items.append(Momentary(call, ("alarm",), self._options.hold))
        return items

    def _version(self, of: _Of, index: int, device: str, major: int, minor: int) -> Reading:
        values: dict[str, Value] = {"extra.version": f"{major}.{minor}"}
        return Reading(device, self._kind(device, "panel"), values, of.sent, of.key(index))

    def _clock(self, of: _Of, index: int, device: str, each: Object) -> Reading:
        """How far the device's clock is ahead of ours, seconds."""
        at = time_ns(each.time or b"", self._ahead, bcd=self._bcd) if each.time else None
        values: dict[str, Value] = {"extra.time_invalid": at is None}
        if at is not None:
            local = datetime.fromtimestamp(at // SECOND, UTC) + self._ahead
            values["extra.clock"] = local.strftime("%Y-%m-%d %H:%M:%S")
            if of.now is not None:
                values["extra.clock_offset"] = round((at - of.now) / SECOND, 1)
        return Reading(device, self._kind(device, "panel"), values, at, of.key(index))

    def _timed(
        self, of: _Of, each: Object, values: dict[str, Value]
    ) -> tuple[int | None, dict[str, Value]]:
        """The object's time, or the frame's where it brings none; a time that is none is said."""
        if each.time is None:
            return of.sent, values
        at = time_ns(each.time, self._ahead, bcd=self._bcd)
        if at is None:
            values["extra.time_invalid"] = True
        return at, values

    def _kind_of(self, component: int) -> str:
        chosen = self._options.kinds.get(component)
        if chosen is not None:
            return chosen
        known = COMPONENTS.get(component)
        return known.kind if known is not None else "panel"

    def _kind(self, device: str, kind: str) -> str:
        row = self._register.rows.get(device)
        return row.kind or kind if row is not None else kind

    def _name(self, device: str, text: str) -> str:
        row = self._register.rows.get(device)
        return row.name or text if row is not None else text

    def _system(self, device: str, code: int, text: str = "") -> DeviceSeen:
        name = self._name(device, text)
        return DeviceSeen(device, self._kind(device, "panel"), model(code, SYSTEMS.get(code)), name)

    def _seen(self, device: str, code: int, text: str) -> DeviceSeen:
        kind = self._kind(device, self._kind_of(code))
        return DeviceSeen(device, kind, model(code, component_name(code)), self._name(device, text))


def _mark(frame: Frame, sent: int | None, now: int | None) -> str:
    """A repeat is the same frame, bit by bit; a device whose clock stands still has no mark.

    Without a clock an alarm, its end and the next alarm could be three times the same bytes: a
    device that begins at the same moment after every power cut. Who has no clock can not tell.
    """
    if sent is None or now is None or abs(sent - now) > _NEAR:
        return ""
    return f"{int.from_bytes(frame.serial, 'little')}-{zlib.crc32(frame.raw):08x}"


def _unknown(kind: int) -> str:
    known = DATA_TYPES.get(kind)
    if known is not None and kind >= _DOWNLINK:
        return f"type {kind}, {known.en}, is for the centre to send"
    whose = "the maker's own" if kind >= 128 else "reserved"
    return f"type {kind} is {whose}; it is kept as it came"
