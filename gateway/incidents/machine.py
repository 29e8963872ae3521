"""What a rule's change makes of an incident. Pure: the same facts decide the same.

    open 待签收 ──▶ received 签收 ──▶ handling 办理 ──▶ closed 办结
       ▲              │   └──────────────│──────────────▶┘   │
       └─ transfer ───┴──────────────────┘      reopen ──────┘

An incident is the fold over its events. What people do with it is in ``deeds.py``, what time does
in ``times.py``. Sensors going back to normal close nothing; a person does. Until then there is
always an owner and a deadline. Only the canary, a test of ours, ends by itself: it is told to one
person and to no siren, and the end of its alarm closes it.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.incidents.decision import (
    Decision,
    Moment,
    NotAllowed,
    Span,
    World,
    begin,
    happen,
    limit,
    telling,
    then,
    with_timers,
)
from gateway.incidents.fold import (
    MOST_EVIDENCE,
    is_worse,
    severity_of,
    severity_with,
)
from gateway.incidents.limits import LONGEST
from gateway.incidents.people import Rung, first_rung, person_of
from gateway.model import (
    STAGES,
    Change,
    Happened,
    Incident,
    Outcome,
    Severity,
    Stage,
    Turn,
    Value,
    is_canary,
)

__all__ = [
    "Decision",
    "Moment",
    "NotAllowed",
    "World",
    "group_of",
    "is_last_to_clear",
    "opens",
    "react",
    "ring",
]


def is_last_to_clear(change: Change, incident: Incident | None) -> bool:
    """Whether ``react`` will have to know who was told."""
    return (
        incident is not None
        and change.turn is Turn.cleared
        and incident.holding == ((change.rule, change.device),)
    )


def opens(change: Change) -> bool:
    """Whether ``change`` begins an incident where none is open.

    Somebody may close an incident whose alarm still stands. When that alarm then becomes critical
    people hear of it; for less, a change does not say whether it rose or fell.
    """
    if change.turn is Turn.severity:
        return change.severity is Severity.critical
    return change.turn is Turn.alarmed


def react(
    change: Change,
    incident: Incident | None,
    new_key: str,
    told: Iterable[str],
    world: World,
    moment: Moment,
) -> Decision | None:
    """A rule's change meets the open incident of its (group, same); None: nothing new.

    ``new_key`` names the incident if one opens; ``told`` are the people who have or may still
    get a message about it.
    """
    if incident is None:
        return _open(change, new_key, world, moment) if opens(change) else None
    before = severity_of(incident, change.rule, change.device)
    if before is None:
        begins = change.turn is Turn.alarmed
        begins |= change.turn is Turn.severity and is_worse(change.severity, incident.severity)
        return _alarm(change, incident, world, moment) if begins else None
    said_worse = change.turn is Turn.alarmed and is_worse(change.severity, before)
    if change.turn is Turn.severity or said_worse:
        return _severity(change, incident, before, world, moment)
    if change.turn is Turn.alarmed:
        return _picture(change, incident, moment)
    if change.turn is Turn.evidence:
        return _picture(change, incident, moment)
    data: dict[str, Value] = {"device": change.device, "at": str(change.at), **_why(change)}
    now = happen(incident, Happened.cleared, f"rule:{change.rule}", data, moment)
    if is_canary(change):
        return _test_over(now, change, moment)
    if not now.incident.alarming:
        return telling(now, "cleared", told, moment)
    return now


def group_of(change: Change) -> str:
    """With ``same``, what the change is one incident of."""
    return change.incident or change.rule


def _open(change: Change, key: str, world: World, moment: Moment) -> Decision:
    owner = first_rung(world.site, change.place, world.fallback, moment.stamp.wall)
    span = world.limit(change.place, change.category, change.severity, Stage.receive)
    if is_canary(change):  # no short limit of a site may escalate it
        owner, span = _turn_of(world) or owner, Span(LONGEST)
    data: dict[str, Value] = {
        "rule": change.rule,
        "group": group_of(change),
        "same": change.same,
        "category": change.category.value,
        "kind": change.kind,
        "place": change.place,
        "owner": owner.person.id,
        "rung": owner.name,
        **limit(span, moment),
        **_title(change),
        **_alarm_data(change),
    }
    decision = begin(key, f"rule:{change.rule}", data, moment)
    if is_canary(change):
        return with_timers(telling(decision, "opened", [owner.person.id], moment))
    return with_timers(ring(decision, "opened", world, moment))


def _turn_of(world: World) -> Rung | None:
    person = person_of(world.site, world.turn, world.fallback) if world.turn else None
    return Rung(person, "") if person is not None else None


def _test_over(cleared: Decision, change: Change, moment: Moment) -> Decision:
    """The canary's end closes it, in whatever state it is: no person has anything to do with it."""
    data: dict[str, Value] = {"outcome": Outcome.test.value}
    closed = happen(cleared.incident, Happened.closed, f"rule:{change.rule}", data, moment)
    return with_timers(then(cleared, closed))


def ring(decision: Decision, purpose: str, world: World, moment: Moment) -> Decision:
    """The owner and the fixtures are told."""
    incident = decision.incident
    fixtures = [name for name, of in world.fixtures.items() if incident.category in of]
    return telling(decision, purpose, [incident.owner, *fixtures], moment)


def _alarm(change: Change, incident: Incident, world: World, moment: Moment) -> Decision | None:
    """One more device or rule: told when it is worse, or began after all was quiet.

    So smoke and heat of one detector are one message.
    """
    data = _alarm_data(change)
    worse = is_worse(change.severity, incident.severity)
    if worse:
        data |= {"raised_from": incident.severity.value, **_title(change)}
        data |= _sooner(incident, change.severity, world, moment)
    decision = happen(incident, Happened.alarmed, f"rule:{change.rule}", data, moment)
    if worse or not incident.alarming:
        return with_timers(ring(decision, "again", world, moment))
    return decision


def _severity(
    change: Change, incident: Incident, before: Severity, world: World, moment: Moment
) -> Decision | None:
    """An alarm that stands became more or less severe: told when nothing was as bad before."""
    if change.severity is before:
        return _picture(change, incident, moment)
    evidence = _fresh_picture(change, incident)
    data = _alarm_data(change) | {"from": before.value, "evidence": evidence}
    after = severity_with(incident, change.rule, change.device, change.severity)
    worse = is_worse(after, incident.severity)
    if worse:
        data |= {"raised_from": incident.severity.value, **_title(change)}
        data |= _sooner(incident, after, world, moment)
    elif after is not incident.severity:
        data |= {"lowered_from": incident.severity.value, "lowered_to": after.value}
    decision = happen(incident, Happened.severity, f"rule:{change.rule}", data, moment)
    return with_timers(ring(decision, "again", world, moment)) if worse else decision


def _sooner(
    incident: Incident, severity: Severity, world: World, moment: Moment
) -> dict[str, Value]:
    """A worse alarm may have a shorter limit: it counts from now, and never puts the end off."""
    place, stage = incident.charge or incident.place, STAGES[incident.state]
    span = world.limit(place, incident.category, severity, stage, incident.group)
    sooner = moment.arrival + span.within < incident.deadline
    return limit(span, moment) if sooner else {}


def _fresh_picture(change: Change, incident: Incident) -> str:
    """The digest of the change's picture or clip, if the incident can take it and lacks it."""
    digest = change.evidence.sha256 if change.evidence is not None else ""
    known = digest in incident.evidence or len(incident.evidence) >= MOST_EVIDENCE
    return "" if known else digest


def _picture(change: Change, incident: Incident, moment: Moment) -> Decision | None:
    """A picture or a clip that came later: kept with the incident, and nobody is rung for it."""
    digest = _fresh_picture(change, incident)
    if not digest:
        return None
    data: dict[str, Value] = {"device": change.device, "at": str(change.at), "evidence": digest}
    return happen(incident, Happened.evidence, f"rule:{change.rule}", data, moment)


def _alarm_data(change: Change) -> dict[str, Value]:
    armed: dict[str, Value] = {"armed": change.armed} if change.armed else {}
    return {
        **armed,
        "device": change.device,
        "severity": change.severity.value,
        "found": change.found,
        "at": str(change.at),
        "record": str(change.record),
        "evidence": change.evidence.sha256 if change.evidence is not None else "",
        **_why(change),
    }


def _title(change: Change) -> dict[str, Value]:
    return {"title_zh": change.title.zh, "title_en": change.title.en}


def _why(change: Change) -> dict[str, Value]:
    return {"why_zh": change.why.zh, "why_en": change.why.en}
