"""What a message says, fact by fact, in the reader's language. Pure; "" is a fact nobody knows."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, tzinfo
from typing import Final

from gateway.model import (
    SECOND,
    Category,
    Reading,
    State,
)
from gateway.notify import words
from gateway.notify.about import About, Neighbour
from gateway.notify.whereabouts import inside, map_link, nearest, scope, where

Fact = str | tuple[str, ...]

MOST_NEARBY: Final = 3
MOST_TO_CALL: Final = 4
MOST_KINDS: Final = 5
_MOST_SAID: Final = 300
"""Characters of what a person or another part wrote."""
_GUESSING: Final = ("smoke", "heat", "gas", "co", "infrared", "camera")
"""Kinds of which one alone may be wrong; somebody pressed a panic button."""
_LIVE: Final = (*words.ALARMS, "overdue", "warned", "transferred", "escalated", "reopened")
"""Purposes of which the reader may have to go there now."""


def facts(about: About) -> dict[str, Fact]:
    """Every fact by its name; these are the names that a site's templates may use."""
    incident, device = about.incident, about.device
    return {
        "head": head(about),
        "what": about.say(incident.title),
        "why": about.say(incident.why),
        "where": where(about),
        "place": nearest(about),
        "floor": device.floor,
        "flat": device.flat,
        "device": device.name,
        "map": map_link(about),
        "since": since(about),
        "sure": sure(about),
        "severity": about.say(words.SEVERITIES[incident.severity]),
        "category": about.say(words.CATEGORIES[incident.category]),
        "stage": about.say(words.STATES[incident.state]),
        "state": state(about),
        "outcome": outcome(about),
        "owner": owner(about),
        "person": about.person.name,
        "said": said(about),
        "nearby": nearby(about),
        "call": call(about),
        "count": str(max(len(about.many), 1)),
        "kinds": kinds(about),
        "scope": scope(about),
        "key": key(about),
        "anchor": about.anchor,
        "ask": ask(about),
        "link": about.link,
    }


def head(about: About) -> str:
    """What stands first: what the message is for."""
    incident, purpose = about.incident, about.purpose
    usual = words.CATEGORIES[incident.category]
    if purpose == "overdue":
        return about.say(words.OVERDUE.get(incident.state, usual))
    if purpose == "warned":
        return about.say(words.WARNED.get(incident.state, usual))
    if purpose == "transferred":
        return about.say(words.TO_YOU if about.is_owner else words.TO_ANOTHER)
    if purpose == "escalated":
        if incident.raised and not incident.warned:
            return about.say(words.PASSED_ON)
        mine = about.is_owner and incident.state is State.open
        return about.say(words.RAISED_TO_YOU if mine else words.RAISED)
    if about.many and purpose in words.RESOLVES:  # some are over, others also closed
        closed = all(each.state is State.closed for each in about.many)
        purpose = "closed" if closed else "cleared"
    return about.say(words.HEADS.get(purpose, usual))


def since(about: About) -> str:
    """Local time of the alarm, and how it was found unless live."""
    if about.is_digest:
        moments = [each.since for each in about.many] or [about.incident.since]
        first, last = (local(each, about.zone) for each in (min(moments), max(moments)))
        end = f"{last:%H:%M:%S}" if last.date() == first.date() else f"{last:%Y-%m-%d %H:%M:%S}"
        return f"{first:%Y-%m-%d %H:%M:%S}{about.say(words.TO)}{end}"
    found = words.FOUND.get(about.incident.found)
    moment = local(about.incident.since, about.zone)
    return f"{moment:%Y-%m-%d %H:%M:%S}" + (about.say(found) if found is not None else "")


def sure(about: About) -> str:
    """How many devices say so; only where one alone may be wrong."""
    incident = about.incident
    count = len(incident.alarming)
    if incident.category not in (Category.life, Category.intrusion):
        return ""
    if count > 1:
        return f"{count} devices alarm" if about.english else f"{count} 个设备同时报警"
    return about.say(words.ALONE) if count and incident.kind in _GUESSING else ""


def state(about: About) -> str:
    """That the sensors are well again, and why."""
    if about.incident.alarming:
        return ""
    return about.say(about.incident.over or words.NORMAL)


def outcome(about: About) -> str:
    """How it was closed."""
    found = words.OUTCOMES.get(about.incident.outcome)
    return about.say(found) if found is not None else ""


def owner(about: About) -> str:
    """Whose case it is, with the number to reach them; "" where it is the reader's own."""
    person = about.site.people.get(about.incident.owner)
    if person is None or about.is_owner:
        return ""
    return " ".join(part for part in (person.name, person.phone) if part)


def said(about: About) -> str:
    """What somebody wrote, on one line."""
    line = " ".join(about.said.split())
    return line if len(line) <= _MOST_SAID else line[: _MOST_SAID - 1] + "…"


def call(about: About) -> tuple[str, ...]:
    """Whom to call: the household, whoever looks after the place and those above it, the site's."""
    found = [about.device.contact]
    found += [place.contact for place in about.chain]
    several = list(dict.fromkeys(contact for contact in found if contact))[: MOST_TO_CALL - 1]
    last = about.wording.call.get(about.incident.category, "") if about.incident.alarming else ""
    return (*several, last) if last and last not in several else tuple(several)


def nearby(about: About) -> tuple[str, ...]:
    """A line for each neighbour: where, which, what it reads, when it said so."""
    day = local(about.incident.since, about.zone).date() if about.neighbours else None
    return tuple(_neighbour(about, each, day) for each in about.neighbours[:MOST_NEARBY])


def kinds(about: About) -> tuple[str, ...]:
    """Of several incidents how many of each title, and how many of these still alarm."""
    all_of = Counter(about.say(each.title) for each in about.many)
    still = Counter(about.say(each.title) for each in about.many if each.alarming)
    over = about.purpose in words.RESOLVES
    found = []
    for title, count in all_of.most_common(MOST_KINDS):
        line = f"{title}: {count}" if about.english else f"{title} {count} 起"
        if still[title]:
            line += about.say(words.STILL).format(n=still[title])
        elif not over:
            line += about.say(words.NONE_STILL)
        found.append(line)
    return tuple(found)


def key(about: About) -> str:
    """The number; of several the first and the last."""
    keys = sorted(each.key for each in about.many)
    return f"{keys[0]}{about.say(words.TO)}{keys[-1]}" if len(keys) > 1 else about.incident.key


def ask(about: About) -> str:
    """What the reader is asked to do."""
    incident, purpose = about.incident, about.purpose
    if about.is_digest:
        waiting = any(each.state is State.open for each in about.many)
        return about.say(words.EACH) if waiting and purpose not in words.RESOLVES else ""
    waits = incident.state is State.open
    if purpose in ("overdue", "escalated") and not about.is_owner:
        if not waits or purpose == "escalated":
            return about.say(words.URGE_RECEIVING if waits else words.URGE)
    elif purpose == "escalated" and waits:
        return about.say(words.NOT_TAKEN)
    if purpose in words.ASKS:
        return about.say(words.ASKS[purpose])
    if purpose not in _LIVE or (purpose == "transferred" and not about.is_owner):
        return ""
    if not waits:
        return about.say(words.GO_ON)
    if incident.category is Category.system or not incident.alarming:
        return about.say(words.SEE_TO_IT)  # nowhere to go to, or nothing left to see
    return about.say(words.RECEIVE)


def may_receive(about: About) -> bool:
    """Whether the reader is asked to receive it."""
    live = about.purpose in _LIVE and not about.is_digest
    return live and about.incident.state is State.open and ask(about) != ""


def local(wall: int, zone: tzinfo) -> datetime:
    """Wall ns as people there read it."""
    return datetime.fromtimestamp(wall // SECOND, UTC).astimezone(zone)


def _neighbour(about: About, neighbour: Neighbour, day: date | None) -> str:
    device, reading = neighbour
    own = about.device
    if device.flat and (device.floor, device.flat) == (own.floor, own.flat):
        at = about.say(words.SAME_FLAT)
    else:
        at = inside(device, about.english) if device.flat not in device.name else ""
    when = local(reading.at, about.zone)
    clock = f"{when:%H:%M}" if when.date() == day else f"{when:%m-%d %H:%M}"
    named = " ".join(part for part in (at, device.name) if part)
    says = _reads(about, reading)
    return f"{named}: {says} ({clock})" if about.english else f"{named}：{says}（{clock}）"


def _reads(about: About, reading: Reading) -> str:
    """At most two of its values, what is wrong first."""
    found: list[str] = []
    for name, (yes, no) in words.VALUES.items():
        if isinstance(value := reading.values.get(name), bool):
            found.append(about.say(yes if value else no))
    for name, (before, decimals, unit) in words.FIGURES.items():
        value = reading.values.get(name)
        if isinstance(value, float | int) and not isinstance(value, bool):
            found.append(f"{about.say(before)} {value:.{decimals}f}{unit}".strip())
    return (", " if about.english else "，").join(found[:2])
