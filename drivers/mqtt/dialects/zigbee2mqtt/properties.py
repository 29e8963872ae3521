"""Zigbee2MQTT's property names and what they are here: a table, and plans made from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from drivers._values import Coerce, coercer, number, scalar, shown, truth
from drivers.mqtt.decode import EXTRAS
from drivers.mqtt.dialects.zigbee2mqtt.exposes import Property
from gateway.model import EXTRA, Value


class _Row(NamedTuple):
    """One property. ``kind`` is the kind of a device that has it; "" says nothing of it."""

    value: str
    kind: str = ""
    loose: bool = False
    """Elsewhere the same name means something else: what does not fit is kept as extra."""


_ROWS: Final[Mapping[str, _Row]] = {
    "smoke": _Row("alarm", "smoke"),
    "carbon_monoxide": _Row("alarm", "co"),
    "gas": _Row("alarm", "gas", loose=True),  # a gas meter counts m³ under this name
    "sos": _Row("alarm", "panic"),
    "water_leak": _Row("leak", "water"),
    "contact": _Row("open", "contact"),
    "occupancy": _Row("occupied", "infrared"),
    "presence": _Row("occupied", "infrared"),
    "vibration": _Row("vibration", loose=True),
    "tamper": _Row("tamper"),
    "test": _Row("test"),
    "battery": _Row("battery"),
    "battery_low": _Row("battery_low"),
    "fault": _Row("fault", loose=True),
    "fault_alarm": _Row("fault"),
    "trouble": _Row("fault"),
    "muted": _Row("muted", loose=True),
    "linkquality": _Row("link"),
    "temperature": _Row("temperature", "climate"),
    "humidity": _Row("humidity", "climate"),
    "co": _Row("co"),
    "co2": _Row("co2", "climate"),
    "pm25": _Row("pm2_5", "climate"),
    "smoke_density_dbm": _Row("density"),
    "state": _Row("on", "power", loose=True),
    "power": _Row("power", "power"),
    "current": _Row("current", "power"),
}
_BY_UNIT: Final[Mapping[tuple[str, str], _Row]] = {
    ("voltage", "V"): _Row("voltage", "power"),  # in mV it is a battery's, and says little
    ("voc", "ppb"): _Row("tvoc", "climate"),
    ("gas_value", "LEL"): _Row("lel"),
}
_KINDS: Final = ("smoke", "co", "gas", "panic", "water", "contact", "infrared", "power", "climate")
"""A device with properties of several kinds is the first of these."""
_SOUNDING: Final = ("smoke", "co", "gas")
"""For these ``alarm`` is the detector's state; a siren's is a command that it repeats."""
_IGNORED: Final = frozenset({"voltage", "last_seen", "elapsed", "device", "update"})


class _Read(NamedTuple):
    """How one property is read, into which names."""

    names: tuple[str, ...]
    convert: Coerce
    loose: str = ""
    """The extra name for what does not fit."""


class Plan:
    """How one device's states are read."""

    def __init__(self, kind: str, reads: Mapping[str, _Read | None]) -> None:
        self.kind = kind
        self.properties = tuple(reads)
        self._reads = reads
        self._full = len(reads) >= 200

    def covers(self, fields: Mapping[str, Any]) -> bool:
        """Whether every field has its place here, be it that of the ignored."""
        return self._full or self._reads.keys() >= fields.keys()

    def read(self, fields: Mapping[str, Any], values: dict[str, Value]) -> list[str]:
        """Fill ``values``; what was wrong, each property in a few words."""
        wrong: list[str] = []
        reads = self._reads
        for name, raw in fields.items():
            read = reads.get(name)
            if read is None or raw is None:
                continue
            try:
                value = read.convert(raw)
            except ValueError as error:
                if not read.loose:
                    wrong.append(f"{name}: {error}")
                    continue
                try:
                    value = scalar(raw)
                except ValueError:
                    continue
                if value is not None:
                    values[read.loose] = value
                continue
            if value is not None:
                for into in read.names:
                    # two detectors in one case: either one is an alarm
                    values[into] = value if values.get(into) is not True else True
        return wrong


def build(properties: Mapping[str, Property | None], kind: str) -> Plan:
    """The plan for a device with these properties (None: seen, not announced)."""
    rows = {name: _row(name, announced) for name, announced in properties.items()}
    kinds = {row.kind for row in rows.values() if row is not None}
    kind = kind or next((known for known in _KINDS if known in kinds), "")
    reads: dict[str, _Read | None] = dict.fromkeys(_IGNORED)
    extras = 0
    for name, announced in properties.items():
        row = rows[name]
        if name == "alarm" and kind in _SOUNDING:
            row = _Row("alarm")
        if row is not None:
            reads[name] = _reading(name, row, announced, kind)
        elif name in _IGNORED or extras >= EXTRAS or len(name) > 64:
            reads[name] = None
        else:
            extras += 1
            reads[name] = _Read((EXTRA + name,), _quiet)
    return Plan(kind, reads)


def _row(name: str, announced: Property | None) -> _Row | None:
    """The table's row, if the announced type does not speak against it."""
    if announced is not None and (found := _BY_UNIT.get((name, announced.unit))) is not None:
        return found
    row = _ROWS.get(name)
    if row is None or announced is None:
        return row
    binary = coercer(row.value) is truth
    if binary is not (announced.type == "binary"):
        return None
    return row


def _reading(name: str, row: _Row, announced: Property | None, kind: str) -> _Read:
    convert = coercer(row.value)
    if name == "contact":
        convert = _open(announced)
    elif name == "linkquality":
        convert = _link
    elif name == "smoke_density_dbm":
        convert = _obscuration
    elif convert is truth and announced is not None:
        convert = _announced(announced)
    elif convert is truth and row.loose:
        convert = _no_count
    names = (row.value, "alarm") if row.value == "occupied" and kind == "infrared" else (row.value,)
    return _Read(names, convert, EXTRA + name if row.loose else "")


def _announced(announced: Property) -> Coerce:
    on, off = announced.on, announced.off

    def convert(raw: object) -> bool | None:
        if raw == on:
            return True
        return False if raw == off else truth(raw)

    return convert


def _open(announced: Property | None) -> Coerce:
    """``contact`` is true when closed. Mostly its "on" is announced as false: on is open."""
    on, off = (announced.on, announced.off) if announced is not None else (False, True)
    opened = on if on is False else off

    def convert(raw: object) -> bool | None:
        if isinstance(raw, (bool, str)) and raw in (on, off):
            return bool(raw == opened)
        closed = truth(raw)
        return None if closed is None else not closed

    return convert


def _no_count(raw: object) -> bool | None:
    """Unannounced, a number under a loose name is a count or a meter's, even where it is 0 or 1."""
    if type(raw) in (int, float):
        raise ValueError(f"{shown(raw)} is a number")
    return truth(raw)


def _link(raw: object) -> float | None:
    """Link quality 0 to 255 in per cent."""
    value = number(raw)
    return None if value is None else round(value * 100 / 255, 1)


def _obscuration(raw: object) -> float | None:
    """dB/m in %/m: what a metre of this smoke takes away of the light."""
    value = number(raw)
    if value is None:
        return None
    if not 0 <= value <= 1_000:
        raise ValueError(f"{shown(raw)} dB/m is impossible")
    return round(100 * (1 - 10 ** (-value / 10)), 4)


def _quiet(raw: object) -> Value | None:
    """A value outside the tables; what is not one value is left out: nobody asked for it."""
    try:
        return scalar(raw)
    except ValueError:
        return None
