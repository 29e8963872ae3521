"""What people do with an incident. Pure.

Each deed gives a ``Decision``, None (it is so already), or raises ``NotAllowed`` with the sentence
to show.

    receive 签收   the first one owns it (首办负责), and has to handle it
    handle 办理    work has begun; who received it stays responsible
    transfer 转办  to a person, or to who has duty at a place; never without a reason
    supervise 督办 a supervisor asks: a shorter limit, or a word; the owner stays
    comment 备注, attach 附件   at any time, also afterwards
    close 办结     final, with an outcome
    reopen 重新打开 a closed one, with a reason, while no other is open for the same
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from gateway.incidents.decision import (
    Decision,
    Moment,
    NotAllowed,
    Span,
    World,
    act,
    begin,
    limit,
    span_of,
    telling,
    tidy,
    with_timers,
)
from gateway.incidents.machine import ring
from gateway.incidents.people import Rung, duty_at, first_rung, own_rung, person_of
from gateway.incidents.transfers import transfer
from gateway.model import (
    HAZARD,
    MANUAL,
    SECOND,
    Category,
    Cause,
    Deed,
    Happened,
    Incident,
    Outcome,
    Person,
    Severity,
    Stage,
    State,
    Text,
    Value,
)

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SHORTEST_ASKED: Final = 60 * SECOND
"""Ns: nobody reads, walks and presses faster than that."""
_LONGEST_TITLE: Final = 200
ANSWER: Final = "answer"
"""The purpose of a row that tells one person a sentence and nothing of the incident."""


def do(
    deed: Deed,
    incident: Incident,
    told: Iterable[str],
    other: str,
    world: World,
    moment: Moment,
) -> Decision | None:
    """The incident after ``deed``.

    ``told``: who has, or may still get, a message about it; ``other``: the key of another open
    incident of the same group and place, or "".
    """
    if not world.knows(deed.person):
        raise NotAllowed("名单上没有此人。", "The registry does not know this person.")
    match deed.verb:
        case "close":
            return _close(deed, incident, told, world, moment)
        case "reopen":
            return _reopen(deed, incident, told, other, world, moment)
    verb = _VERBS.get(deed.verb)
    if verb is None:
        raise NotAllowed("没有这种操作。", f"There are {', '.join([*_VERBS, 'close', 'reopen'])}.")
    return verb(deed, incident, world, moment)


def _receive(deed: Deed, incident: Incident, world: World, moment: Moment) -> Decision | None:
    if incident.state in (State.received, State.handling) and incident.owner == deed.person:
        return None
    if incident.state is not State.open:
        raise _refusal(incident, "签收", "received")
    data: dict[str, Value] = {"rung": _rung_of(incident, deed.person, world)}
    data |= limit(span_of(incident, world, Stage.handle), moment)
    return with_timers(act(incident, Happened.received, deed.person, data, deed.comment, moment))


def _handle(deed: Deed, incident: Incident, world: World, moment: Moment) -> Decision | None:
    if incident.state is State.handling and incident.owner == deed.person:
        return None
    if incident.state is State.open:
        raise NotAllowed("请先签收再办理。", "Receive the incident before handling it.")
    if incident.state is not State.received:
        raise _refusal(incident, "办理", "handled", world.name(incident.owner))
    data: dict[str, Value] = {"owner": incident.owner, "rung": incident.rung}
    data |= limit(span_of(incident, world, Stage.close), moment)
    return with_timers(act(incident, Happened.handling, deed.person, data, deed.comment, moment))


def _transfer(deed: Deed, incident: Incident, world: World, moment: Moment) -> Decision:
    if incident.state is State.closed:
        raise _refusal(incident, "转办", "transferred")
    return transfer(deed, incident, world, moment)


def _supervise(deed: Deed, incident: Incident, world: World, moment: Moment) -> Decision:
    if incident.state is State.closed:
        raise _refusal(incident, "督办", "supervised")
    person = person_of(world.site, deed.person, world.fallback)
    if person is None or (person.role != "supervisor" and person != world.fallback):
        raise NotAllowed("只有督导员可以督办。", "Only a supervisor can do this.")
    data: dict[str, Value] = {"owner": incident.owner}
    if deed.within:
        if deed.within < _SHORTEST_ASKED or moment.arrival + deed.within >= incident.deadline:
            left = max(0, incident.deadline - moment.arrival) // SECOND
            raise NotAllowed(
                f"督办时限须在 1 分钟以上,并短于现有时限(还剩 {left} 秒)。",
                f"The limit must be a minute or more and shorter than what is left ({left} s).",
            )
        data |= limit(Span(deed.within), moment)
    elif not tidy(deed.comment):
        raise NotAllowed("督办须写明要求或时限。", "Say what is asked, or within what time.")
    decision = act(incident, Happened.supervised, deed.person, data, deed.comment, moment)
    return with_timers(telling(decision, "supervised", [incident.owner], moment))


def _comment(deed: Deed, incident: Incident, world: World, moment: Moment) -> Decision:
    if not tidy(deed.comment):
        raise NotAllowed("请写明备注内容。", "Write the comment.")
    return act(incident, Happened.commented, deed.person, {}, deed.comment, moment)


def _attach(deed: Deed, incident: Incident, world: World, moment: Moment) -> Decision | None:
    if not _DIGEST.fullmatch(deed.attachment):
        raise NotAllowed(
            "附件须先上传,再写明它的 SHA-256。", "Upload the file first and name its SHA-256."
        )
    if deed.attachment in incident.evidence:
        return None
    data: dict[str, Value] = {"evidence": deed.attachment}
    return act(incident, Happened.attached, deed.person, data, deed.comment, moment)


def _close(
    deed: Deed, incident: Incident, told: Iterable[str], world: World, moment: Moment
) -> Decision:
    """Everybody else who was told hears of it, and who reported it."""
    if incident.state is State.open:
        raise NotAllowed("请先签收再办结。", "Receive the incident before closing it.")
    if incident.state is State.closed:
        raise _refusal(incident, "办结", "closed")
    known = [each.value for each in Outcome]
    if deed.outcome not in known:
        raise NotAllowed(
            "办结时必须选择处理结果。", f"Closing needs an outcome: {', '.join(known)}."
        )
    data: dict[str, Value] = {"outcome": deed.outcome}
    if deed.cause:
        causes = [each.value for each in Cause]
        if deed.outcome != Outcome.false_alarm.value or deed.cause not in causes:
            raise NotAllowed(
                "只有误报才写误报原因。", f"A false alarm's cause is one of {', '.join(causes)}."
            )
        data["cause"] = deed.cause
    decision = act(incident, Happened.closed, deed.person, data, deed.comment, moment)
    hear = [*told, *([incident.reporter] if world.knows(incident.reporter) else [])]
    others = [each for each in hear if each != deed.person]
    return with_timers(telling(decision, "closed", others, moment))


def _reopen(
    deed: Deed, incident: Incident, told: Iterable[str], other: str, world: World, moment: Moment
) -> Decision:
    """It was closed too early. Everybody who may think that it is over hears of it."""
    if incident.state is not State.closed:
        raise NotAllowed(
            f"事件 {incident.key} 没有办结。", f"Incident {incident.key} is not closed."
        )
    if not tidy(deed.comment):
        raise NotAllowed(
            "重新打开必须说明理由。", "Reopening needs a reason; write it as the comment."
        )
    if other:
        raise NotAllowed(
            f"同一处已有未办结的事件 {other},请在那里办理。",
            f"Incident {other} is open for the same; go on with that one.",
        )
    rung = _again(incident, world, moment.stamp.wall)
    data: dict[str, Value] = {"owner": rung.person.id, "rung": rung.name}
    data |= limit(span_of(incident, world, Stage.receive), moment)
    decision = act(incident, Happened.reopened, deed.person, data, deed.comment, moment)
    people = [rung.person.id, *(one for one in told if one != deed.person)]
    return with_timers(telling(decision, "reopened", people, moment))


def _again(incident: Incident, world: World, wall: int) -> Rung:
    """Who had it, if that person has duty; else who has."""
    place = incident.charge or incident.place
    had = world.site.people.get(incident.owner)
    rung = own_rung(world.site, place, had) if had is not None else ""
    if had is not None and rung and had in duty_at(world.site, rung, wall):
        return Rung(had, rung)
    return first_rung(world.site, place, world.fallback, wall)


_VERBS: Final[dict[str, Callable[[Deed, Incident, World, Moment], Decision | None]]] = {
    "receive": _receive,
    "handle": _handle,
    "transfer": _transfer,
    "supervise": _supervise,
    "comment": _comment,
    "attach": _attach,
}


def _rung_of(incident: Incident, person: str, world: World) -> str:
    """Where the one who takes it stands: the rung above that one is next."""
    known = person_of(world.site, person, world.fallback)
    place = incident.charge or incident.place
    return (own_rung(world.site, place, known) if known is not None else "") or incident.rung


def _refusal(incident: Incident, zh: str, en: str, owner: str = "") -> NotAllowed:
    if incident.state is State.closed:
        return NotAllowed(
            f"事件 {incident.key} 已办结,不能再{zh}。",
            f"Incident {incident.key} is closed and can not be {en} any more.",
        )
    if owner:
        return NotAllowed(
            f"事件 {incident.key} 由{owner}负责;要换人请转办。",
            f"{owner} is responsible for incident {incident.key}; transfer it to change that.",
        )
    return NotAllowed(
        f"事件 {incident.key} 已由他人签收,不能再{zh}。",
        f"Somebody else has received incident {incident.key}; it can not be {en} again.",
    )


def refuse(incident: Incident, verb: str, person: Person, why: Text, moment: Moment) -> Decision:
    """Somebody answered with a deed that is not possible: it is on record, and they read why."""
    sentence = why.say(person.language)
    decision = act(incident, Happened.refused, person.id, {"verb": verb}, sentence, moment)
    return telling(decision, ANSWER, [person.id], moment)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a person reports: a call to the hotline, a hazard seen on patrol."""

    title: Text
    why: Text
    category: Category
    severity: Severity
    place: str
    person: str
    device: str = ""
    same: str = ""
    """With its group, what it is one incident of; "": it stands alone."""
    hazard: bool = False
    """It stands in the hazard register until a person closes it."""
    point: str = ""
    """The patrol point where it was seen."""
    comment: str = ""
    """Who called, and how to reach them: kept apart from the record."""

    @property
    def group(self) -> str:
        """``hazard`` or ``manual``."""
        return HAZARD if self.hazard else MANUAL


def check_report(report: Report, other: str, world: World) -> None:
    """Raises ``NotAllowed``; ``other``: the key of an open incident of the same ``same``, or ""."""
    site = world.site
    if not world.knows(report.person):
        raise NotAllowed("名单上没有此人。", "The registry does not know this person.")
    if report.place not in site.places and (site.places or report.place):
        raise NotAllowed("没有这个地点。", "The registry does not know this place.")
    if report.device and report.device not in site.devices:
        raise NotAllowed("没有登记这个设备。", "The registry does not know this device.")
    words = (report.title.zh, report.title.en, report.why.zh, report.why.en)
    if not all(word.strip() for word in words):
        raise NotAllowed("请写明标题和情况。", "Write a title and what is the matter.")
    tidy(max(words, key=len))
    if max(len(report.title.zh), len(report.title.en)) > _LONGEST_TITLE:
        raise NotAllowed(
            f"标题不能超过 {_LONGEST_TITLE} 字。", f"A title may have {_LONGEST_TITLE} characters."
        )
    if other:
        raise NotAllowed(
            f"同一处已有未办结的事件 {other},请在那里办理。",
            f"Incident {other} is open for the same; go on with that one.",
        )


def open_by_hand(report: Report, key: str, world: World, moment: Moment) -> Decision:
    """An ordinary incident from a person; it stands until a person closes it."""
    owner = first_rung(world.site, report.place, world.fallback, moment.stamp.wall)
    group = report.group
    span = world.limit(report.place, report.category, report.severity, Stage.receive, group)
    known = world.site.devices.get(report.device)
    data: dict[str, Value] = {
        "rule": group,
        "group": group,
        "same": report.same or f"{group}:{key}",
        "category": report.category.value,
        "kind": known.kind if known is not None else "",
        "device": report.device,
        "place": report.place,
        "severity": report.severity.value,
        "owner": owner.person.id,
        "rung": owner.name,
        "title_zh": report.title.zh,
        "title_en": report.title.en,
        "why_zh": report.why.zh,
        "why_en": report.why.en,
        "found": "",
        "at": str(moment.stamp.wall),
        "evidence": "",
        **({"point": report.point} if report.point else {}),
        **limit(span, moment),
    }
    decision = begin(key, f"person:{report.person}", data, moment, report.comment)
    return with_timers(ring(decision, "opened", world, moment))
