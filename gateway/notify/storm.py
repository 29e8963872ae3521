"""Stage ``storm``: many messages for one person become one. Pure.

    1st, 2nd, 3rd  ──▶ told one by one
    4th            ──▶ held: it leads ──────────────┐ window over
    5th … 800th    ──▶ merged into the one that leads ──▶ one message with the count, one a window

For each person and grid; for life safety for each person and building, apart from everything
else, and with a window so short that nobody waits.
"""

from __future__ import annotations

from gateway.model import SECOND, Category, End, Incident, OutboxRow, Severity, Site, State
from gateway.notify.facts import (
    ALARMS,
    ANSWER,
    QUIET,
    RESOLVES,
    STORM,
    UNSEEN,
    Facts,
    Verdict,
    hold,
)
from gateway.notify.silence import silence


def key_of(row: OutboxRow, incident: Incident, site: Site) -> tuple[str, str, str]:
    """(person, scope, kind of message): rows that have the same may become one message."""
    grid = site.level(incident.place, "grid") or incident.place
    if incident.category is not Category.life:
        return row.person, grid, kind_of(row.purpose)
    return (
        row.person,
        f"life {site.level(incident.place, 'building') or grid}",
        kind_of(row.purpose),
    )


def kind_of(purpose: str) -> str:
    """Alarms with alarms, ends with ends."""
    if purpose in ALARMS:
        return "alarm"
    return "resolve" if purpose in RESOLVES else purpose


def is_counted(row: OutboxRow) -> bool:
    """Whether the row comes here for the first time, or after a night or a silence.

    What fails, what a quota holds and what leads has been counted before.
    """
    afresh = row.held == QUIET or (row.held == UNSEEN and row.rung < 0)
    return afresh or (not row.held and not row.attempts)


def storm(facts: Facts) -> Verdict | None:
    """The first few singly, the others together; answers have a sentence of their own."""
    look, limits = facts.look, facts.limits
    if facts.row.purpose == ANSWER:
        return None
    if facts.to_fixture or facts.leads or not is_counted(facts.row):
        return None
    awake = facts.incident.severity is Severity.critical
    if look.leader and not (look.asleep and awake):
        return Verdict(End.merged, f"told with message {look.leader}", into=look.leader)
    life = facts.incident.category is Category.life
    if look.digest is None and look.single < limits.first:
        return None
    if look.digest is None:
        until = facts.now + int((limits.life if life else limits.window) * SECOND)
    else:
        until = look.digest + int((limits.life if life else limits.later) * SECOND)
    return hold(STORM, max(until, facts.now + 1), "many at once: the rest follows as one")


def is_still_worth(facts: Facts, incident: Incident) -> bool:
    """Whether what was merged into ``facts.row`` is still to be told.

    An alarm that is over by now is: the message says so.
    """
    closed, kind = incident.state is State.closed, kind_of(facts.row.purpose)
    if kind == "resolve":
        return closed or not incident.alarming
    if closed or (kind == "overdue" and not incident.warned):
        return False
    if kind == "escalated" and not (incident.warned or incident.raised):
        return False
    if kind == "warned" and not incident.early:
        return False
    return silence(facts._replace(incident=incident)) is None
