"""What one transaction on ``cases.db`` holds. Data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from gateway.model import Incident, IncidentEvent, OutboxRow, Position, Sent


class Timer(NamedTuple):
    """A durable alarm clock: ``kind`` of ``incident`` rings at ``due`` (arrival ns)."""

    incident: str
    kind: str
    due: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that becomes true together."""

    arrival: int
    """The present on the arrival axis, ns: the sign of life."""
    events: Sequence[IncidentEvent] = ()
    """Sealed links, in order."""
    texts: Mapping[str, str] = {}
    """SHA-256 -> personal text."""
    outbox: Sequence[OutboxRow] = ()
    """New rows; their ids are given by the store."""
    incidents: Sequence[Incident] = ()
    """The folds after ``events``."""
    timers_set: Sequence[Timer] = ()
    timers_cleared: Sequence[tuple[str, str]] = ()
    """(incident, kind)."""
    ended_rows: Sequence[OutboxRow] = ()
    """Known rows with a new end, or a new due time and another attempt."""
    further_rows: Sequence[OutboxRow] = ()
    """New rows that follow from those; one that is there already stays as it is."""
    sent: Sequence[Sent] = ()
    """Messages that count against a channel's quota from now on."""
    bookmark: Position | None = None
    """The rules have done everything up to here."""
    state: Mapping[str, bytes | None] = {}
    """The rules' state that changed; None deletes."""
