"""Stage ``superseded``: something newer has made the message pointless. Pure."""

from __future__ import annotations

from gateway.model import End, State
from gateway.notify.facts import ANSWER, Facts, Verdict


def superseded(facts: Facts) -> Verdict | None:
    """Closed, taken on, reminded of again, or alarming again meanwhile."""
    row, incident = facts.row, facts.incident
    if row.purpose == ANSWER:
        return None
    if row.purpose == "closed" and incident.state is not State.closed:
        return Verdict(End.superseded, "it was opened again meanwhile")
    if incident.state is State.closed and row.purpose != "closed":
        return Verdict(End.superseded, "the incident was closed meanwhile")
    if row.purpose == "overdue" and incident.warned != row.seq:
        return Verdict(End.superseded, "somebody took it on meanwhile, or a newer reminder did")
    if row.purpose == "warned" and incident.early != row.seq:
        return Verdict(End.superseded, "it was moved on meanwhile, or its limit has passed")
    late = row.purpose == "escalated" and row.rung >= 0  # it follows an overdue
    if late and row.seq != incident.raised and incident.warned != row.seq - 1:
        return Verdict(End.superseded, "somebody took it on meanwhile, or the next one was asked")
    if row.purpose == "cleared" and incident.alarming:
        return Verdict(End.superseded, "it alarms again")
    return _taken(facts) if row.rung else None


def _taken(facts: Facts) -> Verdict | None:
    """A further message, or one that a silence kept, is for when nobody has taken it on."""
    row, incident = facts.row, facts.incident
    if incident.state is not State.open:
        return Verdict(End.superseded, "somebody has received it")
    if row.rung > 0 and incident.warned > row.seq:
        return Verdict(End.superseded, "the time limit has passed and others were told")
    if incident.owner not in (row.person, facts.person.id):
        return Verdict(End.superseded, "somebody else has it by now")
    return None
