"""Stages ``cleared_before_sending`` and ``unheard``: what is over, and whom that concerns. Pure."""

from __future__ import annotations

from gateway.model import Category, End
from gateway.notify.facts import ALARMS, QUIET, QUOTA, RESOLVES, STORM, Facts, Verdict


def cleared_before_sending(facts: Facts) -> Verdict | None:
    """The sensors are back to normal; for life safety people hear of it all the same.

    What we ourselves held back to merge it, for a quota or a night, is told: without that it would
    have been, and an intruder who passed one infrared beam is not gone with the alarm. So is what
    may have been told before a restart: who heard of an alarm hears of its end, and of both again
    rather than of the first alone.
    """
    if facts.incident.category is Category.life or facts.incident.alarming or facts.perhaps:
        return None
    if facts.row.purpose in ALARMS and facts.row.held not in (STORM, QUOTA, QUIET):
        return Verdict(End.cleared_before_sending, "back to normal before anything was sent")
    return None


def unheard(facts: Facts) -> Verdict | None:
    """Who never heard of an alarm is not told of its end; who heard of it in their place is.

    Who reported a case knows of it without a message, and hears how it was closed.
    """
    if facts.row.purpose not in RESOLVES or facts.heard:
        return None
    if facts.row.purpose == "closed" and facts.row.person == facts.incident.reporter:
        return None
    end = End.cleared_before_sending if facts.row.purpose == "cleared" else End.superseded
    instead = tuple(facts.successors)
    return Verdict(end, "this person was not told of the alarm", instead=instead)
