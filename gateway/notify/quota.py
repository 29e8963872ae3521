"""Stage ``quota``: a channel is never asked for more than its documented limit. Pure.

Life safety takes the next channel that is free, and the share of each quota that is kept for it.
Anything else waits a little for the person's first channel, then takes the next; of what waits
for one person more than a few become one message.
"""

from __future__ import annotations

from typing import Final

from gateway.model import SECOND, Category, End
from gateway.notify.facts import ANSWER, QUOTA, Facts, Verdict, hold

PATIENCE: Final = 60
"""Seconds that a message waits for the person's first channel though another one is free: the
window of a robot's quota."""
FEW: Final = 3
"""Messages that wait for one person one by one."""


def quota(facts: Facts) -> Verdict | None:
    """Held until a channel is free for it."""
    if not facts.ways or not facts.ways[0].wait:
        return None
    soonest = min(way.wait for way in facts.ways)
    patient = facts.incident.category is not Category.life and not facts.to_fixture
    if not soonest and not (patient and facts.ways[0].wait <= PATIENCE * SECOND):
        return None
    single = facts.row.purpose == ANSWER
    if patient and not single and len(facts.behind) >= FEW and not facts.leads:
        leader = facts.behind[-1]
        return Verdict(End.merged, f"told with message {leader}", into=leader)
    wait = soonest or facts.ways[0].wait
    names = ", ".join(way.channel for way in facts.ways if way.wait)
    return hold(QUOTA, facts.now + wait, f"{names}: as many messages as it takes were sent")
