"""What an incident does next. Pure: the same change, incident and moment decide the same.

    open 待签收 ──▶ received 签收 ──▶ handling 办理 ──▶ closed 办结
                        └─────────────────────────────▶┘

An incident is the fold over its events. Whoever receives it first is responsible (首办负责):
the receiver becomes the owner. Sensors going back to normal close nothing; a person does. Until
then there is always a deadline: taking it on sets it anew, missing it sets one twice as far.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from gateway.incidents.fold import (
    MOST_EVIDENCE,
    apply,
    is_worse,
    severity_of,
    severity_with,
)
from gateway.incidents.people import in_charge, people_to_warn
from gateway.model import (
    SECOND,
    Category,
    Change,
    Happened,
    Incident,
    IncidentEvent,
    OutboxRow,
    Outcome,
    Person,
    Severity,
    Site,
    Stamp,
    State,
    Text,
    Turn,
    Value,
)
from gateway.store.chain import digest_of, seal
from gateway.store.step import Timer

DEADLINE: Final = "deadline"
_NO_LIMIT_GIVEN: Final = 24 * 3600.0
"""Seconds for a category that the configuration does not name: nothing is without a limit."""
_SHORTEST_LIMIT: Final = SECOND
_LONGEST_LIMIT: Final = 24 * 3600 * SECOND
"""Who has missed a deadline is reminded at least once a day."""
_LONGEST_COMMENT: Final = 2_000


class NotAllowed(Exception):
    """The incident does not do that now; ``text`` tells the person why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(zh, en)


class World(NamedTuple):
    """What decisions rest on besides the incident itself."""

    site: Site
    deadlines: Mapping[Category, float]
    """Seconds until an incident must be received, then handled, then closed."""
    fallback: Person
    """The duty person of a site whose registry names nobody."""
    fixtures: Mapping[str, Collection[Category]] = MappingProxyType({})
    """Who is told besides people (``notifier:NAME``), and of what."""


class Moment(NamedTuple):
    """When something is decided."""

    stamp: Stamp
    arrival: int


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes true of one incident, all of it together."""

    incident: Incident
    events: tuple[IncidentEvent, ...]
    tell: tuple[OutboxRow, ...] = ()
    timers_set: tuple[Timer, ...] = ()
    timers_cleared: tuple[tuple[str, str], ...] = ()
    texts: dict[str, str] = {}


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
    now = _happen(incident, Happened.cleared, f"rule:{change.rule}", data, moment)
    if not now.incident.alarming:
        return _telling(now, "cleared", told, moment)
    return now


def group_of(change: Change) -> str:
    """With ``same``, what the change is one incident of."""
    return change.incident or change.rule


def receive(
    incident: Incident, person: str, comment: str, world: World, moment: Moment
) -> Decision | None:
    """签收: ``person`` takes it and owns it. None: this person already has it."""
    if incident.state in (State.received, State.handling) and incident.owner == person:
        return None
    if incident.state is not State.open:
        raise _refusal(incident, "签收", "received")
    data = _limit(_category_limit(incident.category, world), moment)
    return _with_timer(_act(incident, Happened.received, person, data, comment, moment))


def handle(
    incident: Incident, person: str, comment: str, world: World, moment: Moment
) -> Decision | None:
    """办理: work has begun. None: this person is already at it."""
    if incident.state is State.handling and incident.owner == person:
        return None
    if incident.state is State.open:
        raise NotAllowed("请先签收再办理。", "Receive the incident before handling it.")
    if incident.state is not State.received:
        raise _refusal(incident, "办理", "handled")
    data = _limit(_category_limit(incident.category, world), moment)
    return _with_timer(_act(incident, Happened.handling, person, data, comment, moment))


def close(
    incident: Incident,
    person: str,
    outcome: str,
    comment: str,
    told: Iterable[str],
    moment: Moment,
) -> Decision:
    """办结: final, with an outcome; everybody else who was told hears of it."""
    if incident.state is State.open:
        raise NotAllowed("请先签收再办结。", "Receive the incident before closing it.")
    if incident.state is State.closed:
        raise _refusal(incident, "办结", "closed")
    known = [each.value for each in Outcome]
    if outcome not in known:
        raise NotAllowed(
            "办结时必须选择处理结果。", f"Closing needs an outcome: {', '.join(known)}."
        )
    data: dict[str, Value] = {"outcome": outcome}
    decision = _act(incident, Happened.closed, person, data, comment, moment)
    others = [each for each in told if each != person]
    decision = _telling(decision, "closed", others, moment)
    return msgspec.structs.replace(decision, timers_cleared=((incident.key, DEADLINE),))


def overdue(incident: Incident, world: World, moment: Moment) -> Decision | None:
    """The time limit has run out; None: somebody moved it on in time."""
    if incident.state is State.closed or incident.deadline > moment.arrival:
        return None
    data = _limit(min(2 * incident.limit, _LONGEST_LIMIT), moment)
    data["missed"] = str(incident.deadline)
    decision = _happen(incident, Happened.overdue, "timer", data, moment)
    warned = people_to_warn(world.site, incident.place, world.fallback)
    everybody = [incident.owner, *(person.id for person in warned)]
    return _with_timer(_telling(decision, "overdue", everybody, moment))


def _open(change: Change, key: str, world: World, moment: Moment) -> Decision:
    owner = in_charge(world.site, change.place, world.fallback)
    data: dict[str, Value] = {
        "rule": change.rule,
        "group": group_of(change),
        "same": change.same,
        "category": change.category.value,
        "kind": change.kind,
        "place": change.place,
        "owner": owner.id,
        **_limit(_category_limit(change.category, world), moment),
        **_title(change),
        **_alarm_data(change),
    }
    event = _event(key, 1, Happened.opened, f"rule:{change.rule}", data, moment)
    event = seal(event, "")
    decision = Decision(incident=apply(None, event), events=(event,))
    return _with_timer(_ring(decision, "opened", world, moment))


def _ring(decision: Decision, purpose: str, world: World, moment: Moment) -> Decision:
    """The owner and the fixtures are told."""
    incident = decision.incident
    fixtures = [name for name, of in world.fixtures.items() if incident.category in of]
    return _telling(decision, purpose, [incident.owner, *fixtures], moment)


def _alarm(change: Change, incident: Incident, world: World, moment: Moment) -> Decision | None:
    """One more device or rule: told when it is worse, or began after all was quiet.

    So smoke and heat of one detector are one message.
    """
    data = _alarm_data(change)
    worse = is_worse(change.severity, incident.severity)
    if worse:
        data |= {"raised_from": incident.severity.value, **_title(change)}
    decision = _happen(incident, Happened.alarmed, f"rule:{change.rule}", data, moment)
    if worse or not incident.alarming:
        return _ring(decision, "again", world, moment)
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
    elif after is not incident.severity:
        data |= {"lowered_from": incident.severity.value, "lowered_to": after.value}
    decision = _happen(incident, Happened.severity, f"rule:{change.rule}", data, moment)
    return _ring(decision, "again", world, moment) if worse else decision


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
    return _happen(incident, Happened.evidence, f"rule:{change.rule}", data, moment)


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


def _act(
    incident: Incident,
    what: Happened,
    person: str,
    data: dict[str, Value],
    comment: str,
    moment: Moment,
) -> Decision:
    """A person's deed; the comment goes into the chain as its digest only."""
    comment = comment.encode("utf-8", "replace").decode().strip()
    if len(comment) > _LONGEST_COMMENT:
        raise NotAllowed(
            f"说明不能超过 {_LONGEST_COMMENT} 字。",
            f"A comment may have {_LONGEST_COMMENT:,} characters.",
        )
    texts = {digest_of(comment): comment} if comment else {}
    noted: dict[str, Value] = {"comment": next(iter(texts))} if texts else {}
    decision = _happen(incident, what, f"person:{person}", data | noted, moment)
    return msgspec.structs.replace(decision, texts=texts)


def _happen(
    incident: Incident, what: Happened, by: str, data: dict[str, Value], moment: Moment
) -> Decision:
    event = _event(incident.key, incident.events + 1, what, by, data, moment)
    event = seal(event, incident.head)
    return Decision(incident=apply(incident, event), events=(event,))


def _event(
    key: str, seq: int, what: Happened, by: str, data: dict[str, Value], moment: Moment
) -> IncidentEvent:
    return IncidentEvent(
        incident=key,
        seq=seq,
        what=what,
        wall=moment.stamp.wall,
        arrival=moment.arrival,
        trusted=moment.stamp.trusted,
        by=by,
        data=data,
    )


def _telling(decision: Decision, purpose: str, people: Iterable[str], moment: Moment) -> Decision:
    """One row for each person, due at once."""
    rows = tuple(
        OutboxRow(
            id=0,
            incident=decision.incident.key,
            seq=decision.incident.events,
            purpose=purpose,
            person=person,
            due=moment.arrival,
            since=moment.arrival,
        )
        for person in dict.fromkeys(people)
    )
    return msgspec.structs.replace(decision, tell=rows)


def _category_limit(category: Category, world: World) -> int:
    """Ns; never nothing, for the next limits are multiples of it."""
    seconds = world.deadlines.get(category, _NO_LIMIT_GIVEN)
    return max(int(seconds * SECOND), _SHORTEST_LIMIT)


def _limit(limit: int, moment: Moment) -> dict[str, Value]:
    """What an event says that sets the deadline."""
    return {"deadline": str(moment.arrival + limit), "limit": str(limit)}


def _with_timer(decision: Decision) -> Decision:
    timer = Timer(decision.incident.key, DEADLINE, decision.incident.deadline)
    return msgspec.structs.replace(decision, timers_set=(timer,))


def _refusal(incident: Incident, zh: str, en: str) -> NotAllowed:
    if incident.state is State.closed:
        return NotAllowed(
            f"事件 {incident.key} 已办结,不能再{zh}。",
            f"Incident {incident.key} is closed and can not be {en} any more.",
        )
    return NotAllowed(
        f"事件 {incident.key} 已由他人签收,不能再{zh}。",
        f"Somebody else has received incident {incident.key}; it can not be {en} again.",
    )
