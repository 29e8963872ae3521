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
from gateway.model.incidents import (
    MANUAL,
    STAGES,
    VERBS,
    Cause,
    Deed,
    Happened,
    Incident,
    IncidentEvent,
    Limit,
    Outcome,
    Stage,
    State,
    Wanted,
)
from gateway.model.patrol import CheckIn, Point
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
from gateway.model.telling import End, Notification, OutboxRow, Quota, Receipt
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
    "MANUAL",
    "MODES",
    "ROLES",
    "SECOND",
    "STAGES",
    "UNKNOWN_KIND",
    "URGENT",
    "VERBS",
    "Action",
    "Arming",
    "Category",
    "Cause",
    "Change",
    "CheckIn",
    "Deed",
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
    "Limit",
    "Notification",
    "OutboxRow",
    "Outcome",
    "Person",
    "Place",
    "Point",
    "Position",
    "Quality",
    "Quota",
    "Reading",
    "Receipt",
    "Record",
    "Severity",
    "Site",
    "Stage",
    "Stamp",
    "State",
    "Stored",
    "Text",
    "Turn",
    "Undecodable",
    "Value",
    "ValueType",
    "Wanted",
    "every_value_name",
    "vocabulary",
]
