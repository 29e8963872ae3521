"""What the rules decide."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.model.records import Evidence


class Severity(StrEnum):
    """Rising."""

    notice = "notice"
    warning = "warning"
    alarm = "alarm"
    critical = "critical"


class Category(StrEnum):
    """Decides the time limit and whether quiet hours count."""

    life = "life"
    intrusion = "intrusion"
    facility = "facility"
    trouble = "trouble"
    system = "system"


class Text(msgspec.Struct, frozen=True):
    """One sentence in both languages that officers and operators read."""

    zh: str
    en: str

    def say(self, language: str) -> str:
        """The sentence in ``language``; Chinese unless it is ``en``."""
        return self.en if language == "en" else self.zh


class Turn(StrEnum):
    """What a change is, of one rule for one device."""

    alarmed = "alarmed"
    cleared = "cleared"
    evidence = "evidence"
    """A picture or a clip came while the condition held: it belongs to the incident."""
    severity = "severity"
    """The alarm holds and is now more, or less, severe; ``severity`` is the new one."""


class Change(msgspec.Struct, frozen=True):
    """A rule's condition began to hold, or ended, for one device."""

    turn: Turn
    rule: str
    device: str
    kind: str
    same: str
    """The place within which alarms are one incident, as ``device:ID``, ``grid:CODE`` …"""
    place: str
    category: Category
    severity: Severity
    title: Text
    why: Text
    at: int
    """Event time, wall ns."""
    now: int
    """Arrival axis, ns."""
    record: int
    """The journal record that caused it; 0 for a timer."""
    found: str = ""
    """"start" (retained at start), "late", "armed" (held when its place was armed), or "" for
    live."""
    evidence: Evidence | None = None
    incident: str = ""
    """What kind of incident this is part of: rules that say the same share one per ``same``
    place (a fire is smoke, density and heat). "" means the rule's own name."""
    armed: str = ""
    """Of a rule that looks in some modes only: the mode of the place, and whose word it was, as
    ``away person:li``."""
