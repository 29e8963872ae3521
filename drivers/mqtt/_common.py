"""What several dialects do alike: gather one message's values, read words, mend payloads. Pure."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from drivers._values import Coerce, number, scalar, shown
from drivers.mqtt.decode import EXTRAS, LONGEST_NAME, fields_of, undecodable
from gateway.model import EXTRA, SECOND, Item, Reading, Value

KINDS: Final = (
    "smoke",
    "heat",
    "co",
    "gas",
    "panic",
    "water",
    "contact",
    "manhole",
    "infrared",
    "power",
    "lamp",
    "climate",
)
"""A device with values of several kinds is the first of these."""
_RANK: Final = {kind: rank for rank, kind in enumerate(KINDS)}
_MOST_WRONG: Final = 8
"""Wrong fields that one reason names."""
_LONGEST_FIELD: Final = 64
_NOT_IN_A_NAME: Final = re.compile(r"[^\w.-]+")
_MISSING: Final = 2
"""Closing braces that may be missing at the end."""
_UNSET: Final = 1_600_000_000 * SECOND
"""A clock before September 2020 has not been set since power came, and begins anew each time."""
_ONLINE: Final = {b"online": True, b"true": True, b"offline": False, b"false": False}


class Found:
    """What one message says of one device; a wrong field never hides a good one beside it."""

    __slots__ = ("_extras", "kind", "values", "wrong")

    def __init__(self, kind: str = "") -> None:
        self.kind = kind
        self.values: dict[str, Value] = {}
        self.wrong: list[str] = []
        self._extras = EXTRAS

    def take(self, name: str, raw: object, convert: Coerce, kind: str = "") -> None:
        """``raw`` as value ``name``; two parts of one device: either one is an alarm."""
        try:
            value = convert(raw)
        except ValueError as error:
            self.complain(name, str(error))
            return
        if value is not None:
            if self.values.get(name) is not True:
                self.values[name] = value
            if kind:
                self.lean(kind)

    def lean(self, kind: str) -> None:
        """What was read belongs to ``kind``: the more urgent one stays."""
        if not self.kind or _RANK.get(kind, len(_RANK)) < _RANK.get(self.kind, 0):
            self.kind = kind

    def keep(self, name: str, raw: object) -> None:
        """A value outside the tables; nobody asked for it, so what is not one value is no fault."""
        if not self._extras:
            return
        try:
            value = scalar(raw)
        except ValueError:
            return
        if value is not None:
            self._extras -= 1
            self.values[EXTRA + field_name(name)] = value

    def complain(self, name: str, reason: str) -> None:
        """Field ``name`` is wrong."""
        if len(self.wrong) < _MOST_WRONG:
            self.wrong.append(f"{name[:_LONGEST_FIELD]}: {reason}")

    def items(
        self,
        topic: str,
        payload: bytes,
        device: str,
        retained: bool,
        at: int | None = None,
        key: str = "",
    ) -> list[Item]:
        """The reading, if there is a value, and what was wrong."""
        found: list[Item] = []
        if self.values:
            address = device[:LONGEST_NAME]
            found.append(Reading(address, self.kind, self.values, at, key, retained))
        if self.wrong:
            found.append(undecodable(topic, payload, "; ".join(self.wrong)))
        return found


def field_name(name: str) -> str:
    """``name`` as part of a value's name: short, without blanks or signs."""
    if len(name) <= _LONGEST_FIELD and name.isidentifier():
        return name
    return _NOT_IN_A_NAME.sub("_", name[:_LONGEST_FIELD])


def first_kind(kinds: Iterable[str]) -> str:
    """The most urgent of ``kinds``; "" for none."""
    return min(kinds, key=lambda kind: _RANK.get(kind, len(_RANK)), default="")


def online(payload: bytes, words: Mapping[bytes, bool] = _ONLINE) -> bool | None:
    """From the words of a birth or last-will message, in any case; None: neither."""
    return words.get(payload[:64].strip().lower())


def status(topic: str, payload: bytes, device: str, kind: str, retained: bool) -> list[Item]:
    """``extra.online`` of ``device`` from a birth or last-will message."""
    found = online(payload)
    if found is None:
        return [undecodable(topic, payload, "neither online nor offline")]
    return [Reading(device, kind, {EXTRA + "online": found}, retained=retained)]


def set_clock(at: int | None) -> int | None:
    """``at`` (ns) from a clock that has been set; else None."""
    return at if at is not None and at >= _UNSET else None


def key_of(at: int | None, payload: bytes) -> str:
    """The key of a message that a device sent at ``at``; "" where the device has no time.

    Two messages of one moment that say different things are not each other's repeat.
    """
    return "" if at is None else f"{at}-{zlib.crc32(payload):08x}"


def fields_mended(payload: bytes) -> tuple[dict[str, Any], str]:
    """The members of a JSON object, and "" or what had to be mended. ValueError: it is none.

    Firmware that prints JSON by hand forgets closing braces. Only where the text ends with a
    brace are they added: what ends otherwise was cut off, perhaps in the middle of a number.
    """
    try:
        return fields_of(payload), ""
    except ValueError:
        if not payload.rstrip().endswith(b"}"):
            raise
        for missing in range(1, _MISSING + 1):
            try:
                return fields_of(payload + b"}" * missing), "a closing brace is missing"
            except ValueError:
                continue
        raise


def text_of(payload: bytes, longest: int = 256) -> str:
    """A payload that is one word or number. ValueError: too long, or not UTF-8."""
    if len(payload) > longest:
        raise ValueError(f"a text of {len(payload):,} bytes; {longest} are the limit")
    try:
        return payload.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None


def celsius(raw: object) -> float | None:
    """Degrees Fahrenheit in °C."""
    value = number(raw)
    return None if value is None else round((value - 32) / 1.8, 3)


def percent(raw: object) -> float | None:
    """A part of a whole, 0 to 100 %; ValueError outside."""
    value = number(raw)
    if value is not None and not 0 <= value <= 100:
        raise ValueError(f"{shown(raw)} is no percentage")
    return value


def times(factor: float) -> Coerce:
    """A function that multiplies."""

    def convert(raw: object) -> float | None:
        value = number(raw)
        return None if value is None else number(round(value * factor, 9))

    return convert


def negated(convert: Coerce) -> Coerce:
    """A truth value that means its opposite."""

    def inverted(raw: object) -> bool | None:
        value = convert(raw)
        return None if value is None else not value

    return inverted
