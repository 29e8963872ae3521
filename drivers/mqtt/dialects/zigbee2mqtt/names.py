"""What a Zigbee2MQTT property means: from its name, type, unit, words and description. Pure.

Never from the device's model. A property that means nothing of the value tables is an extra.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from drivers._values import Coerce, coercer, number, shown, truth
from drivers.mqtt.dialects.zigbee2mqtt import units, words
from drivers.mqtt.dialects.zigbee2mqtt.exposes import Property
from gateway.model import EXTRA

BATTERY_VOLTAGE: Final = EXTRA + "battery_voltage"
VIBRATING: Final = "vibrating"
"""Not a kind of the tables, but it keeps a vibration sensor that measures the temperature from
being taken for a thermometer."""


class Meaning(NamedTuple):
    """A value that a property gives. ``kind`` is that of a device which has it; "" says nothing."""

    value: str
    kind: str
    convert: Coerce
    weak: bool = False
    """A test flag that others than the device can set, or that rests at "checking"."""
    second: bool = False
    """Counts only where no other property gives the value."""


class _Row(NamedTuple):
    value: str
    kind: str = ""
    loose: bool = False
    """Elsewhere the same name means something else: what does not fit is an extra."""


_WELL_KNOWN: Final[Mapping[str, _Row]] = {
    "smoke": _Row("alarm", "smoke"),
    "heat": _Row("alarm", "heat", loose=True),
    "carbon_monoxide": _Row("alarm", "co"),
    "gas": _Row("alarm", "gas", loose=True),  # a gas meter counts m³ under this name
    "sos": _Row("alarm", "panic"),
    "water_leak": _Row("leak", "water"),
    "contact": _Row("open", "contact"),
    "occupancy": _Row("occupied", "infrared"),
    "presence": _Row("occupied", "infrared"),
    "vibration": _Row("vibration", VIBRATING, loose=True),
    "tamper": _Row("tamper"),
    "test": _Row("test"),
    "battery": _Row("battery"),
    "battery_low": _Row("battery_low"),
    "fault": _Row("fault", loose=True),
    "fault_alarm": _Row("fault"),
    "trouble": _Row("fault"),
    "muted": _Row("muted", loose=True),
    "temperature": _Row("temperature", "climate"),
    "humidity": _Row("humidity", "climate"),
    "co": _Row("co", "co"),
    "co2": _Row("co2", "climate"),
    "pm25": _Row("pm2_5", "climate"),
    "state": _Row("on", "power", loose=True),
    "power": _Row("power", "power", loose=True),
    "current": _Row("current", "power"),
}
"""How Zigbee2MQTT writes these everywhere; read so before anything is announced."""

_SENSORS: Final = words.these(
    "smoke heat carbon_monoxide gas sos water_leak contact occupancy presence vibration tamper"
    " test battery_low fault_alarm trouble"
)
"""Sensors of that name are no settings, even where somebody announced them as settable."""

_BINARY: Final[tuple[tuple[str, str, str, bool], ...]] = (
    (r"battery_(low|empty)|low_battery", "battery_low", "", False),
    (r"battery_(defect|fault|failure)", "fault", "", False),
    (r"(anti_?)?tamper(ed|ing)?|dismantled?|disassembled?", "tamper", "", False),
    (r"faults?|trouble|malfunction|defect|failure|errors?|end_?of_?life", "fault", "", False),
    (r"tests?|testing|self_?test(ing)?|self_?check(ing)?", "test", "", True),
    (r"muted?|silenced?|hush(ed)?|muffling", "muted", "", True),
    (r"smoke|fire", "alarm", "smoke", False),
    (r"carbon_monoxide|monoxide|co", "alarm", "co", False),
    (r"gas|methane|lpg|propane|ch4", "alarm", "gas", False),
    (r"heat|high_temperature|overheat(ed|ing)?", "alarm", "heat", False),
    (r"sos|panic|emergency", "alarm", "panic", False),
    (r"leak(s|age|ing)?|flood(ed|ing)?", "leak", "water", False),
    (r"vibration|vibrating|shock|moving|glass_?break", "vibration", VIBRATING, False),
    (r"occupancy|occupied|presence|motion|movement|pir", "occupied", "infrared", False),
    (r"armed", "armed", "infrared", True),
)
"""(pieces of a name, value, kind, whether a settable one counts), the first that is found."""
_BY_NAME: Final = tuple(
    (re.compile(rf"(?:^|_)(?:{pattern})(?:_|$)"), value, kind, settable)
    for pattern, value, kind, settable in _BINARY
)
_ABOUT: Final = tuple(
    (re.compile(pattern), value, kind)
    for pattern, value, kind in (
        (r"battery\b.*\b(low|empty)", "battery_low", ""),
        (r"\btamper(ed)?\b", "tamper", ""),
        (r"\b(fault|malfunction|problem|trouble)\b", "fault", ""),
        (r"detect(ed|s|ion)?\b.*\bsmoke|smoke\b.*\bdetected", "alarm", "smoke"),
        (r"detect(ed|s|ion)?\b.*\bcarbon monoxide", "alarm", "co"),
        (r"detect(ed|s|ion)?\b.*\bgas\b", "alarm", "gas"),
        (r"detect(ed|s|ion)?\b.*\b(water )?leak|leak\b.*\bdetected", "leak", "water"),
        (r"detect(ed|s|ion)?\b.*\bvibration|vibration\b.*\bdetected", "vibration", VIBRATING),
        (r"detect(ed|s|ion)?\b.*\b(occupancy|presence|motion)\b", "occupied", "infrared"),
        (r"\b(motion|presence|person|human)\b.*\bdetected", "occupied", "infrared"),
    )
)
"""What a description says where the name says nothing."""
_NO_SENSOR: Final = re.compile(
    r"(?:^|_)(?:siren|buzzer|beeper|enabled?|permission|supervision|reports?|reporting|linkage"
    r"|indicator|indication|led|light|setting|sensitivity|config|alarm_on|preheat(?:ing)?)(?:_|$)"
)
_ALARM: Final = re.compile(r"alarm(_\d+)?")
_SPARE: Final = frozenset({"muted", "test"})
"""Values that a buzzer's or siren's property may give all the same."""

_NUMERIC: Final[tuple[tuple[str, str, str], ...]] = (
    (r"temperature", "temperature", "climate"),
    (r"humidity", "humidity", "climate"),
    (r"battery(_percent(age)?|_remaining)?|\w+_battery", "battery", ""),
    (r"co|carbon_monoxide(_\w+)?|co_(value|concentration|level)", "co", "co"),
    (r"co2|carbon_dioxide", "co2", "climate"),
    (r"pm2?_?25|pm2_5", "pm2_5", "climate"),
    (r"t?voc", "tvoc", "climate"),
    (r"(water_|air_|atmospheric_)?pressure", "pressure", ""),
    (r"(water|liquid)_(level|depth)|depth", "level", "water"),
    (r"tilt(_angle)?|inclination", "tilt", VIBRATING),
    (r"voltage", "voltage", "power"),
    (r"current", "current", "power"),
    (r"power", "power", "power"),
    (r"rssi", "rssi", ""),
)
_MEASURED: Final = tuple((re.compile(p), value, kind) for p, value, kind in _NUMERIC)
_LEL: Final = re.compile(r"%? ?lel ?%?", re.IGNORECASE)
_OBSCURATION: Final = re.compile(r"db/m|%/m|% obs/m", re.IGNORECASE)
_PRESENT: Final = words.these(
    "presence present occupied motion move moving movement peaceful active static small large"
    " still somebody"
)
_SOMEBODY: Final = re.compile(r"presence|occupan|motion|move|human|people|person")
_NOT_PRESENCE: Final = re.compile(r"event|direction|mode|sensitivity|scene|logic")
_NOT_FAULT: Final = re.compile(r"learn|collect|pair|join|update|candidate|contamination")
_NOT_OPENING: Final = re.compile(r"valve|cover|curtain|blind|shade|lock|position")


def unannounced(name: str) -> tuple[tuple[Meaning, ...], bool]:
    """What ``name`` means by itself, and whether what does not fit is an extra."""
    if name == "linkquality":
        return (Meaning("link", "", units.link),), False
    if name == "voltage":
        return (Meaning(BATTERY_VOLTAGE, "", units.millivolts),), False
    if name == "smoke_density_dbm":
        return (Meaning("density", "", units.obscuration),), False
    row = _WELL_KNOWN.get(name)
    if row is None:
        return (), False
    convert = coercer(row.value)
    if name == "contact":
        convert = _contact(False, True)
    elif convert is truth and row.loose:
        convert = _no_count
    return (Meaning(row.value, row.kind, convert),), row.loose


def announced(found: Property) -> tuple[Meaning, ...]:
    """What an announced property means; nothing: it is an extra, or a setting."""
    if found.type == "binary":
        return _binary(found)
    if found.type == "numeric":
        return _numeric(found)
    if found.type in ("enum", "text") and not found.settable:
        return _state(found)
    return ()


def _binary(found: Property) -> tuple[Meaning, ...]:
    name = found.name
    if re.search(r"(?:^|_)contact(?:_|$)", name):
        return (Meaning("open", "contact", _contact(found.on, found.off)),)
    if name == "state":
        return (Meaning("on", "power", _two(found)),)
    if name == "rain":
        return (Meaning(EXTRA + name, "climate", _two(found)),)  # wet, and no leak
    if isinstance(found.on, str) and words.pieces(found.on) == {"muted"}:
        return (Meaning("muted", "", _two(found)),)
    if _ALARM.fullmatch(name) or (name == "alarm_state" and not found.settable):
        return () if found.settable else (Meaning("alarm", "", _two(found)),)
    for pattern, value, kind, settable in _BY_NAME:
        if pattern.search(name) and (settable or not found.settable or name in _SENSORS):
            if _NO_SENSOR.search(name) and value not in _SPARE:
                return ()
            return (Meaning(value, kind, _two(found), value == "test" and found.settable),)
    if found.settable or _NO_SENSOR.search(name):
        return ()
    if _says_open(found):
        return (Meaning("open", "contact", _two(found)),)
    for pattern, value, kind in _ABOUT:
        if pattern.search(found.about):
            return (Meaning(value, kind, _two(found)),)
    return ()


def _says_open(found: Property) -> bool:
    """A binary of a door or window that says so: its on is called open, or its name ends so."""
    if _NOT_OPENING.search(found.name):
        return False
    if isinstance(found.on, str) and words.opened(found.on):
        return True
    return re.search(r"(?:^|_)(?:open|opened|opening)$", found.name) is not None


def _numeric(found: Property) -> tuple[Meaning, ...]:
    if found.name == "linkquality":
        return (Meaning("link", "", units.link),)
    if found.settable:
        return ()
    if _LEL.fullmatch(found.unit):
        return (Meaning("lel", "gas", number),)
    if found.name == "smoke_density_dbm":
        return (Meaning("density", "", units.obscuration),)
    if _OBSCURATION.fullmatch(found.unit):
        convert = units.scaled("density", found.unit) or number
        return (Meaning("density", "", convert),)
    for pattern, value, kind in _MEASURED:
        if pattern.fullmatch(found.name):
            return _measured(found, value, kind)
    if found.name == "battery_voltage":
        return _battery_voltage(found)
    return ()


def _measured(found: Property, value: str, kind: str) -> tuple[Meaning, ...]:
    if value == "voltage" and (found.unit.lower() != "v" or "battery" in found.about):
        return _battery_voltage(found)  # in millivolts, or in so many words
    convert = units.scaled(value, found.unit)
    return () if convert is None else (Meaning(value, kind, convert),)


def _battery_voltage(found: Property) -> tuple[Meaning, ...]:
    convert = units.scaled("voltage", found.unit)
    return () if convert is None else (Meaning(BATTERY_VOLTAGE, "", convert),)


def _state(found: Property) -> tuple[Meaning, ...]:
    """Enumerations and texts that name a state."""
    name = found.name
    if re.search(r"(?:^|_)(?:self_?)?(?:test|check)(?:_|$)", name):
        fault = Meaning("fault", "", words.state_of(words.FAULT))
        return (Meaning("test", "", words.state_of(words.TESTING), weak=True), fault)
    if found.type == "text":
        return _spoken(name)
    if _NO_SENSOR.search(name):
        return ()
    if "battery" in name and words.any_of(found.words, frozenset({"low"})):
        return (Meaning("battery_low", "", words.low),)
    if words.opens_and_shuts(found.words) and not _NOT_OPENING.search(name):
        return (Meaning("open", "contact", words.opened),)
    if words.any_of(found.words, words.ALARM) and words.has_calm(found.words):
        return (_alarming(name),)
    faulty = [word for word in found.words if words.state_of(words.FAULT)(word)]
    if faulty and words.has_calm(found.words) and not _NOT_FAULT.search(name):
        return (Meaning("fault", "", words.state_of(words.FAULT)),)
    if _of_presence(found):
        return (Meaning("occupied", "infrared", words.not_calm, second=True),)
    return ()


def _of_presence(found: Property) -> bool:
    """Whether an enumeration says if somebody is there."""
    if _NOT_PRESENCE.search(found.name) or not words.has_calm(found.words):
        return False
    wanted = _PRESENT if _SOMEBODY.search(found.name) else frozenset({"presence", "occupied"})
    return words.any_of(found.words, wanted)


def _spoken(name: str) -> tuple[Meaning, ...]:
    """Texts: their words are not announced, so only those that tell quiet from anything else."""
    if re.search(r"(?:^|_)(?:fault|error|trouble)(?:_|$)", name):
        return (Meaning("fault", "", words.not_calm),)
    if re.search(r"(?:^|_)(?:muted?|silenced?)(?:_|$)", name):
        return (Meaning("muted", "", words.not_calm),)
    return ()


def _alarming(name: str) -> Meaning:
    for pattern, value, kind, _ in _BY_NAME:
        if value in ("alarm", "leak") and pattern.search(name):
            return Meaning(value, kind, words.state_of(words.ALARM))
    return Meaning("alarm", "", words.state_of(words.ALARM))


# --- binaries -------------------------------------------------------------------------------


def _two(found: Property) -> Coerce:
    """True for the announced "on", False for the announced "off"; else by the usual words."""
    on, off = found.on, found.off

    def convert(raw: object) -> bool | None:
        if raw == on:
            return True
        return False if raw == off else truth(raw)

    return convert


def _contact(on: object, off: object) -> Coerce:
    """``contact`` is true when closed. Mostly its "on" is announced as false: on is open.

    Where "on" is a word it means closed as well, unless it is a word for open.
    """
    opened = on if on is False or words.opened(on if isinstance(on, str) else None) else off

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
