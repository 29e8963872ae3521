"""Inputs whose meaning is declared: contacts, buttons, fields, entities of boards. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from drivers._momentary import Momentary
from drivers._values import shown
from drivers.mqtt._common import Found
from drivers.mqtt._input_options import ANY, InputOptions
from gateway.model import Reading

ON: Final = frozenset({"on", "1", "true"})
OFF: Final = frozenset({"off", "0", "false"})
_NAMED: Final = frozenset({"state", "action"})
"""Fields of ``{"Switch1": {"Action": "ON"}}`` that hold the word."""


class Input(NamedTuple):
    """One declared input."""

    value: str
    kind: str
    device: str
    true: frozenset[str]
    false: frozenset[str]
    invert: bool
    hold: float

    def read(self, raw: object, on: str, off: str) -> bool | None:
        """The truth, None for an absent ``raw``. ``on`` and ``off`` are the device's own words."""
        if isinstance(raw, dict):
            raw = next((word for name, word in raw.items() if name.lower() in _NAMED), None)
        if raw is None or raw == "":
            return None
        word = str(raw)[:40].strip().lower()
        found: bool | None = None
        if self.true or self.false:
            found = True if word in self.true else False if word in self.false else None
            if found is None and not (self.true and self.false):
                if self.hold:
                    return None  # a button's other presses mean nothing
                found = not self.true
        elif word in ON or word == on:
            found = True
        elif word in OFF or word == off:
            found = False
        if found is None:
            raise ValueError(f"{shown(raw)} is neither of its words")
        return found is not self.invert


Inputs = Mapping[str, Input]
"""Lower-case name of the input (``switch1``, ``mcp230xx.d0``) to what it means."""


def declared(options: Mapping[str, Mapping[str, InputOptions]], device: str) -> Inputs:
    """The inputs of ``device``, those of every device among them."""
    return {
        name.lower(): _input(written)
        for key in (ANY, device)
        for name, written in options.get(key, {}).items()
    }


def _input(written: InputOptions) -> Input:
    return Input(
        written.value,
        written.kind,
        written.device,
        frozenset(word.lower() for word in written.true),
        frozenset(word.lower() for word in written.false),
        written.invert,
        written.hold or 0.0,
    )


class Heard:
    """Takes what inputs say: into the device's own reading, or as readings beside it."""

    __slots__ = ("_device", "_found", "beside", "retained")

    def __init__(self, device: str, found: Found, retained: bool) -> None:
        self._device = device
        self._found = found
        self.retained = retained
        self.beside: list[Reading | Momentary] = []

    def say(self, name: str, meaning: Input, raw: object, on: str, off: str) -> None:
        """Input ``name`` says ``raw``. A retained event is history, and nobody would end it."""
        try:
            state = meaning.read(raw, on, off)
        except ValueError as error:
            self._found.complain(name, str(error))
            return
        if state is None or (state and meaning.hold and self.retained):
            return
        if not meaning.device and not (meaning.hold and state):
            self._found.take(meaning.value, state, bool)
            if meaning.kind:
                self._found.lean(meaning.kind)
            return
        device = f"{self._device}/{meaning.device}" if meaning.device else self._device
        kind = meaning.kind or self._found.kind
        reading = Reading(device, kind, {meaning.value: state}, retained=self.retained)
        if meaning.hold and state:
            self.beside.append(Momentary(reading, (meaning.value,), meaning.hold))
        else:
            self.beside.append(reading)
