"""The parts of one Shelly device, as one message tells of them. Pure.

The first of a kind (``switch:0``) is the device itself; the others are ``DEVICE/switch:1``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from drivers._momentary import Momentary
from drivers._values import Coerce, number, shown
from drivers.mqtt._common import Found, celsius
from drivers.mqtt._inputs import Heard, Inputs
from drivers.mqtt.decode import Out
from gateway.model import Reading

_MOST: Final = 64
"""Parts of one message; the largest device has a few dozen."""
_NAME: Final = re.compile(r"[a-z]\w{0,30}")
_KINDS: Final[Mapping[str, str]] = {
    "smoke": "smoke",
    "flood": "water",
    "gas": "gas",
    "motion": "infrared",
    "presence": "infrared",
    "dw": "contact",
    "dw2": "contact",
    "ht": "climate",
}
_SLEEPERS: Final = re.compile(r"shelly(?:plus)?(smoke|flood|dw2?|ht|button1)")
_FAMILY: Final = re.compile(
    r"shelly(?:plus|pro|1g3|g3|g4)?(smoke|flood|gas|motion|presence|dw2?|ht)"
)


def family(device: str) -> str:
    """The kind that a device's own name tells (``shellysmoke-ABCDEF``); "" for none."""
    found = _FAMILY.match(device.lower())
    return _KINDS[found[1]] if found is not None else ""


def sleeps(device: str) -> bool:
    """Whether a device of this name runs on a battery and leaves the network between reports."""
    return _SLEEPERS.match(device.lower()) is not None


class Parts:
    """Gathers the values of each part."""

    __slots__ = ("_device", "_found", "_heard", "_inputs", "_kind", "_retained")

    def __init__(self, device: str, kind: str, inputs: Inputs, retained: bool) -> None:
        self._device = device
        self._kind = kind
        self._inputs = inputs
        self._retained = retained
        self._found: dict[str, Found] = {"": Found(kind)}
        self._heard: dict[str, Heard] = {}

    @property
    def main(self) -> Found:
        """The device itself."""
        return self._found[""]

    def part(self, name: str, index: int | str) -> Found:
        """Part ``index`` of sort ``name``; beyond the bound they fall together."""
        if index in (0, "0"):
            return self.main
        suffix = f"/{name}:{index}"
        found = self._found.get(suffix)
        if found is None:
            if len(self._found) >= _MOST:
                return Found()
            found = self._found[suffix] = Found()
        return found

    def input(self, name: str, raw: object) -> bool:
        """Whether input ``name`` is declared; if so it has been read."""
        meaning = self._inputs.get(name.lower())
        if meaning is None:
            return False
        heard = self._heard.setdefault("", Heard(self._device, self.main, self._retained))
        heard.say(name, meaning, raw, "on", "off")
        return True

    def pressed(self, name: str, event: str) -> bool:
        """Whether input ``name`` is a declared button; a contact's own events are not its state."""
        meaning = self._inputs.get(name.lower())
        if meaning is None or not (meaning.true or meaning.false or meaning.hold):
            return False
        return self.input(name, event)

    def items(self, topic: str, payload: bytes, at: int | None = None, key: str = "") -> list[Out]:
        """A reading for each part that said something, and what was wrong."""
        found: list[Out] = []
        for suffix, part in self._found.items():
            if part.values or part.wrong:
                device = self._device + suffix
                found += part.items(topic, payload, device, self._retained, at, key)
        beside: list[Reading | Momentary] = []
        for heard in self._heard.values():
            beside += heard.beside
        return [*found, *beside]


def degrees(fahrenheit: bool) -> Coerce:
    """Temperatures of the first generation come in the unit that the device is set to."""
    return celsius if fahrenheit else number


def positive(raw: object) -> float | None:
    """A number of which -1 means "not known"."""
    value = number(raw)
    return None if value == -1 else value


def flag(raw: object) -> bool | None:
    """0 and 1, true and false; -1 and null are "not known"."""
    if raw is None or raw == -1 or raw == "-1":
        return None
    if raw in (0, 1, True, False):
        return bool(raw)
    if isinstance(raw, str) and (word := raw.strip().lower()) in _WORDS:
        return _WORDS[word]
    raise ValueError(f"{shown(raw)} is neither true nor false")


_WORDS: Final = {
    "true": True,
    "on": True,
    "1": True,
    "false": False,
    "off": False,
    "0": False,
}


def valid(raw: object) -> Mapping[str, Any]:
    """An object whose values can be believed; empty for any other."""
    if isinstance(raw, dict) and raw.get("is_valid", True) is not False:
        return raw
    return {}


def components(fields: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """(sort, number, status) of each ``sort:number`` and ``sort`` that holds an object."""
    found: list[tuple[str, str, Mapping[str, Any]]] = []
    for name, raw in list(fields.items())[: 4 * _MOST]:
        sort, _, index = name.partition(":")
        if isinstance(raw, dict) and _NAME.fullmatch(sort) and len(index) <= 8:
            found.append((sort, index or "0", raw))
    return found
