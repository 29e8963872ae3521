"""What time does to an incident: early warning, missed limit, the ladder, a change of shift. Pure.

    within            warn          deadline
    ├──────────────────┼───────────────┤ overdue ▸ escalated: the next rung, and the limit anew
                    warned             └ at the top: twice as long, at most a day, and so on

Nobody has received it: the next rung owns it from then on, and has the whole limit. Somebody has:
that person stays responsible (首办负责), and the rung above is told.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from gateway.incidents.decision import (
    DEADLINE,
    WARN,
    Decision,
    Moment,
    Span,
    World,
    at_most_a_day,
    due,
    happen,
    limit,
    span_of,
    telling,
    then,
    with_timers,
)
from gateway.incidents.limits import LONGEST
from gateway.incidents.people import Rung, duty_at, first_rung, next_rung, own_rung, person_of
from gateway.model import Happened, Incident, Stage, Stamp, State, Value

_BY: Final = "timer"


def ring(incident: Incident, kind: str, world: World, moment: Moment) -> Decision | None:
    """A timer rings. None: what it was for has been moved on meanwhile."""
    if not 0 < due(incident, kind) <= moment.arrival:
        return None
    handed = hand_over(incident, world, moment)
    if handed is not None:
        incident = handed.incident
    decision = None
    if due(incident, DEADLINE) <= moment.arrival:
        decision = _overdue(incident, world, moment)
    elif kind == WARN and 0 < due(incident, WARN) <= moment.arrival:
        decision = _warn(incident, moment)
    if handed is None or decision is None:
        return decision or handed
    hear = {row.person for row in decision.tell}  # nobody is rung twice for one step
    handed = replace(handed, tell=tuple(row for row in handed.tell if row.person not in hear))
    return then(handed, decision)


def hand_over(incident: Incident, world: World, moment: Moment) -> Decision | None:
    """Somebody else must have it; None: its owner can.

    Who has left the registry has nothing any more. Who has not received it until the end of the
    shift leaves it to who has duty then; the case's own clock goes on.
    """
    if incident.state is State.closed:
        return None
    site, wall = world.site, moment.stamp.wall
    found: Rung | None = None
    if person_of(site, incident.owner, world.fallback) is None:
        because, found = "left", _successor(incident, world, wall)
    elif incident.state is State.open:
        because, found = "shift", _relief(incident, world, moment.stamp)
    if found is None:
        return None
    data: dict[str, Value] = {
        "from": incident.owner,
        "owner": found.person.id,
        "rung": found.name,
        "because": because,
    }
    if incident.state is not State.open:
        data |= limit(span_of(incident, world, Stage.receive), moment)
    decision = happen(incident, Happened.transferred, _BY, data, moment)
    return with_timers(telling(decision, "transferred", [found.person.id], moment))


def _relief(incident: Incident, world: World, stamp: Stamp) -> Rung | None:
    """Who has duty now in the place of an owner whose shift has ended; None: it has not.

    While nobody knows what time it is no shift ends: a wrong clock would hand every case on, and
    the right one back again.
    """
    site, owner, wall = world.site, incident.owner, stamp.wall
    if owner == world.fallback.id and owner not in site.people:
        found = _successor(incident, world, wall)  # the registry may name somebody by now
    elif not stamp.trusted:
        return None
    elif incident.rung and all(p.id != owner for p in duty_at(site, incident.rung, wall)):
        found = _successor(incident, world, wall)
    else:
        return None
    return found if found.name and found.person.id != owner else None


def _successor(incident: Incident, world: World, wall: int) -> Rung:
    """Who has duty at the owner's rung, else the next one up, else whoever there is."""
    site, place = world.site, incident.charge or incident.place
    if incident.rung:
        for person in duty_at(site, incident.rung, wall):
            if person.id != incident.owner:
                return Rung(person, incident.rung)
    above = next_rung(site, place, incident.rung, (incident.owner,), wall)
    return above or first_rung(site, place, world.fallback, wall)


def _warn(incident: Incident, moment: Moment) -> Decision:
    decision = happen(incident, Happened.warned, _BY, {"until": str(incident.deadline)}, moment)
    return with_timers(telling(decision, "warned", [incident.owner], moment))


def _overdue(incident: Incident, world: World, moment: Moment) -> Decision:
    """The limit was missed: who was asked so far hears so, and the next rung is asked."""
    above = _above(incident, world, moment.stamp.wall)
    span = at_most_a_day(span_of(incident, world))
    if above is None:
        span = Span(min(2 * incident.limit, LONGEST))
    data = {"missed": str(incident.deadline), **limit(span, moment)}
    decision = happen(incident, Happened.overdue, _BY, data, moment)
    asked = [incident.owner, *(one for one in incident.ladder if world.knows(one))]
    if above is not None:
        asked = [one for one in asked if one != above.person.id]
    decision = telling(decision, "overdue", asked, moment)
    if above is not None:
        decision = then(decision, _escalate(decision.incident, above, moment))
    return with_timers(decision)


def _above(incident: Incident, world: World, wall: int) -> Rung | None:
    """The next one up who has not been asked; None at the top."""
    site, place = world.site, incident.charge or incident.place
    rung = incident.rung
    if not rung and (owner := person_of(site, incident.owner, world.fallback)) is not None:
        rung = own_rung(site, place, owner)
    return next_rung(site, place, rung, {incident.owner, *incident.ladder}, wall)


def _escalate(incident: Incident, above: Rung, moment: Moment) -> Decision:
    person = above.person.id
    data: dict[str, Value] = {
        "to": person,
        "owner": person if incident.state is State.open else incident.owner,
        "rung": above.name,
        "because": "limit",
    }
    decision = happen(incident, Happened.escalated, _BY, data, moment)
    return telling(decision, "escalated", [person], moment)
