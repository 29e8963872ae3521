"""Plans: how the states of one Zigbee2MQTT device are read, made from what it announces. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from drivers._values import Coerce, coercer, scalar, truth
from drivers.mqtt.decode import EXTRAS
from drivers.mqtt.dialects.zigbee2mqtt.exposes import Property
from drivers.mqtt.dialects.zigbee2mqtt.names import (
    BATTERY_VOLTAGE,
    VIBRATING,
    Meaning,
    announced,
    unannounced,
)
from drivers.mqtt.dialects.zigbee2mqtt.words import pieces
from gateway.model import EXTRA, Value

PROPERTIES: Final = 200
"""Properties of one device, announced or seen."""
_KINDS: Final = (
    *("smoke", "heat", "co", "gas", "panic", "water", "contact", "infrared"),
    *(VIBRATING, "power", "climate"),
)
"""A device with properties of several kinds is the first of these."""
_IGNORED: Final = frozenset({"last_seen", "elapsed", "device", "update"})
_LONGEST: Final = 64
"""Characters of an extra's name."""
_SECRET: Final = re.compile(r"pass(word|wd|phrase)|ssid|secret|token|psk|(^|_)key$|url")
_TESTS: Final = 5
"""Reports in a row in which a test flag that is not the device's own counts. Some are never
taken back (a wish that the bridge repeats, a result that rests at "checking"), and a detector
that is always being tested would never ring."""


class _Into(NamedTuple):
    """A value that a property gives."""

    name: str
    convert: Coerce
    shared: bool
    weak: bool


class _Read(NamedTuple):
    """How one property is read."""

    names: tuple[str, ...]
    """The simple case: one meaning, perhaps under two names."""
    convert: Coerce
    more: tuple[_Into, ...] = ()
    """The other case: several meanings, or one that is shared with other properties."""
    extra: str = ""
    """The extra that keeps the property itself, or what of it does not fit."""
    loose: bool = False


class Plan:
    """How one device's states are read. Remembers only what several properties say together."""

    def __init__(
        self,
        kind: str,
        reads: Mapping[str, _Read | None],
        nested: Mapping[str, Mapping[str, _Read]],
        alarming: frozenset[str],
    ) -> None:
        self.kind = kind
        self.properties = tuple(reads)
        self.vibrates = any(read and "vibration" in read.names for read in reads.values())
        self._reads = reads
        self._nested = nested
        self._alarming = alarming
        self._full = len(reads) >= PROPERTIES
        self._latest: dict[str, dict[str, bool]] = {}
        self._tests: dict[str, int] = {}

    def resume(self, before: Plan) -> None:
        """Go on where the plan ``before`` was: a property that is new takes no alarm back."""
        self._latest = before._latest
        self._tests = before._tests

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
            if read.more:
                self._read_more(name, raw, read, values, wrong)
                continue
            try:
                value = read.convert(raw)
            except ValueError as error:
                if read.loose:
                    _keep(read.extra, raw, values)
                else:
                    wrong.append(f"{name}: {error}")
                continue
            if value is not None:
                for into in read.names:
                    values[into] = value
        if self._nested:
            self._read_nested(fields, values, wrong)
        return wrong

    def moment(self, word: object) -> str:
        """The value that an action begins: ``alarm`` for an emergency, ``vibration``, or ""."""
        if not isinstance(word, str) or not word:
            return ""
        found = pieces(word[:_LONGEST])
        if found & self._alarming and not found & _TAKEN_BACK:
            return "alarm"
        return "vibration" if self.vibrates and found & _MOVED else ""

    def _read_more(
        self, name: str, raw: object, read: _Read, values: dict[str, Value], wrong: list[str]
    ) -> None:
        for into, convert, shared, weak in read.more:
            try:
                value = convert(raw)
            except ValueError as error:
                if not read.loose:
                    wrong.append(f"{name}: {error}")
                continue
            if weak and value is not None:
                value = self._tested(name, value is True)
            if value is None:
                continue
            if shared and isinstance(value, bool):
                value = self._either(into, name, value)
            elif shared and isinstance(value, float):
                before = values.get(into)
                value = min(value, before) if isinstance(before, float) else value
            values[into] = value
        if read.extra:
            _keep(read.extra, raw, values)

    def _either(self, into: str, name: str, value: bool) -> bool:
        """True while any of the properties behind a value is."""
        latest = self._latest.setdefault(into, {})
        latest[name] = value
        return value or True in latest.values()

    def _tested(self, name: str, value: bool) -> bool | None:
        """A weak test flag counts after a seen beginning, for a few reports."""
        if not value:
            self._tests[name] = 0
            return False
        reports = self._tests.get(name, _TESTS)
        if reports >= _TESTS:
            return None
        self._tests[name] = reports + 1
        return True

    def _read_nested(
        self, fields: Mapping[str, Any], values: dict[str, Value], wrong: list[str]
    ) -> None:
        for composite, reads in self._nested.items():
            inside = fields.get(composite)
            if isinstance(inside, dict):
                for name, read in reads.items():
                    if (raw := inside.get(name)) is not None:
                        self._read_more(f"{composite}.{name}", raw, read, values, wrong)


_TAKEN_BACK: Final = frozenset({"cancel", "clear", "cleared", "stop", "release", "released", "off"})
_MOVED: Final = frozenset({"vibration", "tilt", "drop", "shake", "fall"})


def build(properties: Mapping[str, Property | None], kind: str, alarming: frozenset[str]) -> Plan:
    """The plan for a device with these properties (None: seen, not announced).

    ``alarming``: the pieces of an action's word that make it an emergency.
    """
    meanings, loose = _meanings(properties)
    kinds = {each.kind for found in meanings.values() for each in found}
    if any(_emergency(each, alarming) for each in properties.values()):
        kinds.add("panic")
    kind = kind or next((known for known in _KINDS if known in kinds), "")
    sources = Counter(each.value for found in meanings.values() for each in found)
    if kind == "infrared":
        sources["alarm"] += sources["occupied"]
    kept = _kept(properties, meanings, sources)
    reads: dict[str, _Read | None] = dict.fromkeys(_IGNORED)
    nested: dict[str, dict[str, _Read]] = {}
    for name in properties:
        read = _reading(name, meanings[name], kind, sources, kept, name in loose)
        composite, _, feature = name.partition(".")
        if feature and properties[name] is not None:
            if read is not None:
                nested.setdefault(composite, {})[feature] = _as_more(read)
            reads.setdefault(composite, None)
        else:
            reads[name] = read
    return Plan("" if kind == VIBRATING else kind, reads, nested, alarming)


def _meanings(
    properties: Mapping[str, Property | None],
) -> tuple[dict[str, tuple[Meaning, ...]], set[str]]:
    """What each property means once they are seen together, and which may not fit."""
    found: dict[str, tuple[Meaning, ...]] = {}
    loose: set[str] = set()
    for name, each in properties.items():
        if each is not None:
            found[name] = announced(each)
        else:
            found[name], may_not_fit = unannounced(name)
            if may_not_fit:
                loose.add(name)
    given = {each.value for means in found.values() for each in means if not each.second}
    on_battery = "battery" in given and not given & {"power", "current"}
    taken: set[str] = set()
    for name, means in found.items():
        kept = []
        for means_it in means:
            meaning = means_it
            if meaning.second and meaning.value in given:
                continue
            if meaning.value == "voltage" and on_battery:
                meaning = meaning._replace(value=BATTERY_VOLTAGE, kind="")
            if coercer(meaning.value) is not truth and meaning.value != "battery":
                if meaning.value in taken:
                    continue  # the first of several thermometers; the others are extras
                taken.add(meaning.value)
            kept.append(meaning)
        found[name] = tuple(kept)
    return found, loose


def _kept(
    properties: Mapping[str, Property | None],
    meanings: Mapping[str, tuple[Meaning, ...]],
    sources: Mapping[str, int],
) -> dict[str, str]:
    """The properties that are kept as extras, what was measured before what was set."""

    def rank(name: str) -> int:
        each = properties[name]
        if each is None:
            return 1
        if any(sources[means.value] > 1 for means in meanings[name]):
            return 0
        return 1 if not each.settable else 2

    wanted = []
    for name, each in properties.items():
        means = meanings[name]
        plain = each is None or each.type in ("binary", "numeric")
        alone = plain and all(sources[meaning.value] == 1 for meaning in means)
        if (means and alone) or name in _IGNORED or _SECRET.search(name):
            continue
        if each is not None and each.settable and each.type == "text":
            continue  # what people wrote, passwords among it
        if len(name) <= _LONGEST:
            wanted.append(name)
    return {name: EXTRA + name.replace(".", "_") for name in sorted(wanted, key=rank)[:EXTRAS]}


def _reading(
    name: str,
    means: tuple[Meaning, ...],
    kind: str,
    sources: Mapping[str, int],
    kept: Mapping[str, str],
    loose: bool,
) -> _Read | None:
    extra = kept.get(name, "")
    if not means:
        return _Read((extra,), _quiet) if extra else None
    into = tuple(_into(means, kind, sources))
    if len(means) == 1 and not extra and not any(each.shared or each.weak for each in into):
        names = tuple(each.name for each in into)
        return _Read(names, means[0].convert, extra=EXTRA + name if loose else "", loose=loose)
    if loose and not any(each.shared for each in into):
        return _Read(tuple(each.name for each in into), means[0].convert, (), EXTRA + name, True)
    return _Read(tuple(each.name for each in into), _quiet, into, extra, loose)


def _into(means: Iterable[Meaning], kind: str, sources: Mapping[str, int]) -> Iterable[_Into]:
    for value, _, convert, weak, _ in means:
        shared = sources[value] > 1
        yield _Into(value, convert, shared, weak)
        if value == "occupied" and kind == "infrared":
            # a motion sensor that is nothing more urgent rings by what it sees
            yield _Into("alarm", convert, sources["alarm"] > 1, weak)


def _as_more(read: _Read) -> _Read:
    """A reading inside a composite: always the general case."""
    if read.more:
        return read
    return read._replace(
        more=tuple(_Into(name, read.convert, False, False) for name in read.names), extra=""
    )


def _emergency(each: Property | None, alarming: frozenset[str]) -> bool:
    return (
        each is not None
        and each.name == "action"
        and any(pieces(word) & alarming for word in each.words)
    )


def _keep(extra: str, raw: object, values: dict[str, Value]) -> None:
    if (value := _quiet(raw)) is not None:
        values[extra] = value


def _quiet(raw: object) -> Value | None:
    """A value outside the tables; what is not one value is left out: nobody asked for it."""
    try:
        return scalar(raw)
    except ValueError:
        return None
