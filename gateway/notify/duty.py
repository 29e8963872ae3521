"""Stage ``duty``: who is told, now. Pure.

Of an alarm that had to wait, whoever has no duty by now and does not own the incident is spared,
and whoever has duty in that place and role is told instead, unless it is the owner; who gave a
case away, or lost it to the next one up, hears of that on duty or not. Quiet hours hold everything
but life safety and what is critical.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Final

from gateway.model import SECOND, Category, End, Severity
from gateway.notify.facts import ALARMS, ANSWER, QUIET, Facts, Verdict, hold

_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_MINUTE: Final = timedelta(minutes=1)


def duty(facts: Facts) -> Verdict | None:
    """Who heard of the alarm hears of its end, on duty or not, but not at night.

    Who has just written is awake.
    """
    if facts.to_fixture or facts.row.purpose == ANSWER:
        return None
    person = facts.person.id
    others = [each.id for each in facts.duty]
    spared = person != facts.incident.owner and facts.row.purpose in ALARMS
    if spared and others and person not in others:
        why = f"not on duty; {others[0]} is"
        owner_has_it = facts.incident.owner in others  # and was told so
        return Verdict(End.not_on_duty, why, instead=() if owner_has_it else (others[0],))
    if facts.incident.category is Category.life or facts.incident.severity is Severity.critical:
        return None
    if left := _quiet_for(facts):
        return hold(QUIET, facts.now + left, f"quiet hours {facts.person.quiet}")
    return None


def _quiet_for(facts: Facts) -> int:
    """Ns until the person's quiet hours end; 0 outside, or when nobody knows what time it is."""
    hours = _HOURS.fullmatch(facts.person.quiet)
    if hours is None or not facts.wall:
        return 0
    begins = time(int(hours[1]), int(hours[2]))
    ends = time(int(hours[3]), int(hours[4]))
    local = datetime.fromtimestamp(facts.wall // SECOND, UTC).astimezone(facts.zone)
    clock = local.time()
    inside = begins <= clock < ends if begins <= ends else clock >= begins or clock < ends
    if not inside:
        return 0
    end = datetime.combine(local.date(), ends, facts.zone)
    if ends <= clock:
        end = datetime.combine(local.date() + timedelta(days=1), ends, facts.zone)
    left = int(end.timestamp()) * SECOND - facts.wall
    return left if left > 0 else int(_MINUTE.total_seconds()) * SECOND  # an hour that comes twice
