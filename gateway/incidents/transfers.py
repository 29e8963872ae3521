"""Transfer 转办: to a person, or to who has duty at a place; never without a reason. Pure.

Nobody wins time by passing a case back and forth: each person gets the limit for receiving once,
afterwards the limit that counts already runs on. After ``MOST`` transfers in which no supervisor
had a hand the nearest one hears of it (``escalated``, ``because: passed``); the owner stays.
"""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.incidents.decision import (
    Decision,
    Moment,
    NotAllowed,
    World,
    act,
    happen,
    limit,
    span_of,
    telling,
    then,
    tidy,
    with_timers,
)
from gateway.incidents.people import Rung, duty_at, first_rung, next_rung, person_of, rungs
from gateway.model import Deed, Happened, Incident, Stage, Value

MOST: Final = 5
"""Transfers until a supervisor hears of it."""


def transfer(deed: Deed, incident: Incident, world: World, moment: Moment) -> Decision:
    """``incident``, which is not closed, with its next owner. Raises ``NotAllowed``."""
    if not tidy(deed.comment):
        raise NotAllowed(
            "转办必须说明理由。", "A transfer needs a reason; write it as the comment."
        )
    rung, charge = _target(deed.to, world, moment.stamp.wall)
    new = rung.person.id
    if new == incident.owner:
        raise NotAllowed(f"已由{rung.person.name}负责。", f"{rung.person.name} has it already.")
    supervised = any(_supervises(one, world) for one in (deed.person, new))
    data: dict[str, Value] = {
        "from": incident.owner,
        "owner": new,
        "rung": rung.name,
        "charge": charge,
        "to": deed.to,
        "passed": str(0 if supervised else incident.passed + 1),
        **_time_left(msgspec.structs.replace(incident, charge=charge), new, world, moment),
    }
    decision = act(incident, Happened.transferred, deed.person, data, deed.comment, moment)
    known = [new, *([incident.owner] if world.knows(incident.owner) else [])]
    people = [one for one in known if one == new or one != deed.person]
    decision = telling(decision, "transferred", people, moment)
    if (above := _to_hear(decision.incident, world, moment)) is not None:
        decision = then(decision, _raise(decision.incident, above, moment))
    return with_timers(decision)


def _time_left(incident: Incident, new: str, world: World, moment: Moment) -> dict[str, Value]:
    """The limit for receiving, where the new owner has it for the first time or it ends sooner."""
    span = span_of(incident, world, Stage.receive)
    if new not in incident.had:
        return limit(span, moment)
    sooner = moment.arrival + span.within < incident.deadline
    return {"because": "had", **(limit(span, moment) if sooner else {})}


def _target(to: str, world: World, wall: int) -> tuple[Rung, str]:
    """Who is to have it, and the place whose ladder counts from then on."""
    person = person_of(world.site, to, world.fallback) if to else None
    if person is not None:
        rung = f"{person.grid}/{person.role}"
        on_duty = any(one.id == to for one in duty_at(world.site, rung, wall))
        return Rung(person, rung if on_duty else ""), person.grid
    if to not in world.site.places:
        raise NotAllowed(
            "请写明转给谁:人员编号或地点编码。",
            "Say whom to transfer it to: the id of a person or the code of a place.",
        )
    return first_rung(world.site, to, world.fallback, wall), to


def _supervises(person: str, world: World) -> bool:
    known = person_of(world.site, person, world.fallback)
    return known is not None and (known.role == "supervisor" or known == world.fallback)


def _to_hear(incident: Incident, world: World, moment: Moment) -> Rung | None:
    """The nearest supervisor on duty, else whoever is above, once it was passed on too often."""
    if incident.passed < MOST:
        return None
    site, place, wall = world.site, incident.charge or incident.place, moment.stamp.wall
    for name in rungs(site, place):
        if name.endswith("/supervisor") and (people := duty_at(site, name, wall)):
            return Rung(people[0], name)
    return next_rung(site, place, incident.rung, (incident.owner,), wall)


def _raise(incident: Incident, above: Rung, moment: Moment) -> Decision:
    person = above.person.id
    data: dict[str, Value] = {
        "to": person,
        "owner": incident.owner,
        "rung": incident.rung,
        "because": "passed",
    }
    decision = happen(incident, Happened.escalated, "timer", data, moment)
    return telling(decision, "escalated", [person], moment)
