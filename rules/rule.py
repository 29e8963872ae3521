"""What a checked rule is: the nouns that the engine and the loader share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.document import Problem
from gateway.model import Category, Device, Severity, Site, Text
from rules.expression import Condition

UNWATCHED: Final = ("planned", "retired")
"""States of a device that nobody expects anything from."""


@dataclass(frozen=True, slots=True, eq=False)
class Raise:
    """While an alarm stands: ``severity`` once it has stood for ``after`` ns and ``when`` holds."""

    after: int
    when: Condition | None
    severity: Severity


@dataclass(frozen=True, slots=True, eq=False)
class Confirm:
    """Alarms of ``rules`` in one place, of so many devices and kinds, so close together."""

    rules: tuple[str, ...]
    within: int
    """Ns between their alarms, unless they stand at the same time."""
    devices: int
    kinds: int


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One checked rule; times in ns. With ``absent`` or ``confirm`` set, ``when`` never holds."""

    name: str
    title: Text
    kinds: frozenset[str]
    """Empty: every kind."""
    tags: frozenset[str]
    """Empty: whatever words a device has; else one of these."""
    not_tags: frozenset[str]
    """None of these."""
    devices: frozenset[str]
    grids: frozenset[str]
    origin: str
    """``here``, ``below`` or ``any``: whose readings it is about."""
    when: Condition
    clear: Condition
    hold: int
    keep: int
    again: int | None
    """How long after an alarm the device's next word of it is another one; None: never."""
    absent: int | None
    """The silence that is too long; 0: the device's own ``max_silence``; None: no such rule."""
    rhythm: bool
    """With ``absent`` 0: a device without one of its own is silent by its own rhythm."""
    modes: frozenset[str]
    """In which modes of its place the rule looks at a device; empty: always."""
    entry: int
    exit: int
    inhibit: tuple[str, ...]
    inhibit_in: str
    raises: tuple[Raise, ...]
    confirm: Confirm | None
    same: str
    severity: Severity
    category: Category
    rings_late: bool
    recorded: bool
    """Its alarms are only known: they count for ``confirm`` and ``inhibit``, and ring nobody."""
    incident: str
    """Rules with the same word share one incident for each ``same`` place."""
    thresholds: Mapping[str, Any]
    """What the names of ``with`` are worth here, as they were written."""
    digest: str
    """Changes when the condition does or one of the times that a watch waits for."""
    where: Problem
    """Where its name stands; the message is empty."""

    def covers(self, device: str, kind: str, site: Site, *, below: bool = False) -> bool:
        """Whether the rule is about this device."""
        if self.confirm is not None or (self.kinds and kind not in self.kinds):
            return False
        if self.origin != "any" and (self.origin == "below") is not below:
            return False
        if self.devices and device not in self.devices:
            return False
        if self.tags or self.not_tags:
            known = site.devices.get(device)
            words = known.tags if known is not None else ()
            if self.tags and self.tags.isdisjoint(words):
                return False
            if not self.not_tags.isdisjoint(words):
                return False
        chain = site.chain(site.place_of(device)) if self.grids else ()
        return not self.grids or any(place.code in self.grids for place in chain)

    def silence(self, device: Device) -> int:
        """How long ``device`` may say nothing, ns; 0: this rule does not say."""
        if self.absent is None or device.state in UNWATCHED:
            return 0
        return self.absent or device.max_silence


@dataclass(frozen=True, slots=True, eq=False)
class Keypad:
    """A device whose ``armed`` arms and disarms places."""

    device: str
    grids: frozenset[str]
    """Empty: the whole site."""
    mode: str
    """When it says armed."""
    where: Problem


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Other thresholds or times of one rule for some devices or below some places."""

    rule: str
    grids: frozenset[str]
    devices: frozenset[str]
    changes: Mapping[str, Any]
    """Checked values by name; ``off`` takes the rule away."""
    because: str
    where: Problem

    def distance(self, device: str, chain: tuple[str, ...]) -> int | None:
        """How far from ``device`` it is said, 0 at the device itself; None: not for it.

        ``chain`` are the codes of its place and the places above, nearest first.
        """
        if self.devices:
            return 0 if device in self.devices else None
        if not self.grids:
            return len(chain) + 1
        return next((1 + n for n, code in enumerate(chain) if code in self.grids), None)
