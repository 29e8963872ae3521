"""The nouns of Gridwarden: readings, records, places, changes, incidents, messages. No I/O.

All times are integers in nanoseconds. Three clocks appear, never mixed:

``wall``     UTC since 1970 as this gateway believed it (what people are shown)
``mono``     this boot's monotonic clock
``arrival``  an axis that only ever goes forward at the speed of ``mono`` and goes on after
             a boot where it stopped; rules, time limits and retries count on it, so that a
             jump of the wall clock moves nothing
"""

from __future__ import annotations

from gateway.model.changes import Category, Change, Severity, Text, Turn
from gateway.model.incidents import Happened, Incident, IncidentEvent, Outcome, State
from gateway.model.records import (
    Action,
    Arming,
    DeviceSeen,
    Edition,
    Evidence,
    Item,
    Lane,
    Position,
    Quality,
    Reading,
    Record,
    Stamp,
    Stored,
    Undecodable,
)
from gateway.model.registry import LEVELS, MODES, ROLES, Device, Person, Place, Site
from gateway.model.telling import (
    End,
    Notification,
    OutboxRow,
    Quota,
    Receipt,
    Sent,
    Silence,
    TellingLimits,
)
from gateway.model.values import (
    EXTRA,
    KINDS,
    SECOND,
    UNKNOWN_KIND,
    URGENT,
    Value,
    ValueType,
    every_value_name,
    vocabulary,
)

__all__ = [
    "EXTRA",
    "KINDS",
    "LEVELS",
    "MODES",
    "ROLES",
    "SECOND",
    "UNKNOWN_KIND",
    "URGENT",
    "Action",
    "Arming",
    "Category",
    "Change",
    "Device",
    "DeviceSeen",
    "Edition",
    "End",
    "Evidence",
    "Happened",
    "Incident",
    "IncidentEvent",
    "Item",
    "Lane",
    "Notification",
    "OutboxRow",
    "Outcome",
    "Person",
    "Place",
    "Position",
    "Quality",
    "Quota",
    "Reading",
    "Receipt",
    "Record",
    "Sent",
    "Severity",
    "Silence",
    "Site",
    "Stamp",
    "State",
    "Stored",
    "TellingLimits",
    "Text",
    "Turn",
    "Undecodable",
    "Value",
    "ValueType",
    "every_value_name",
    "vocabulary",
]
