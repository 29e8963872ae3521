"""What a message says, fact by fact, in the reader's language. Pure; "" is a fact nobody knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from gateway.gcj02 import to_gcj02
from gateway.model import (
    SECOND,
    Category,
    Device,
    Incident,
    Person,
    Place,
    Reading,
    Site,
    State,
    Text,
)
from gateway.notify import words

Neighbour = tuple[Device, Reading]
"""Another device near by and what it reported last."""
Fact = str | tuple[str, ...]

MOST_NEARBY: Final = 3
MOST_TO_CALL: Final = 4
MOST_KINDS: Final = 5
MOST_PLACES: Final = 6
_MOST_SAID: Final = 300
"""Characters of what a person or another part wrote."""
_GUESSING: Final = ("smoke", "heat", "gas", "co", "infrared", "camera")
"""Kinds of which one alone may be wrong; somebody pressed a panic button."""
_LIVE: Final = (*words.ALARMS, "overdue", "warned", "transferred", "escalated", "reopened")
"""Purposes of which the reader may have to go there now."""


class Wording(NamedTuple):
    """What a site adds to its messages."""

    map: str = ""
    """A URL with ``{lat}``, ``{lon}`` and ``{name}``; "" says the coordinates instead."""
    gcj02: bool = True
    """Whether that map draws GCJ-02, as those in China do."""
    call: Mapping[Category, str] = {}
    """Whom else to call, such as the fire station."""


class About(msgspec.Struct, frozen=True):
    """One message to be worded."""

    purpose: str
    incident: Incident
    site: Site
    chain: Sequence[Place]
    """The incident's place and those above it, nearest first."""
    device: Device
    person: Person
    zone: tzinfo
    wording: Wording = Wording()
    neighbours: Sequence[Neighbour] = ()
    link: str = ""
    many: Sequence[Incident] = ()
    """Of a message about several incidents all of them; ``incident`` is the worst."""
    anchor: str = ""
    """The short form of the record's head, by which a later look finds that nothing was changed."""
    said: str = ""
    """What somebody wrote with it: the reason of a transfer, an answer."""

    def say(self, text: Text) -> str:
        """``text`` in the reader's language."""
        return text.say(self.person.language)

    @property
    def is_digest(self) -> bool:
        """Whether one message stands for many."""
        return self.purpose == "digest" or len(self.many) > 1

    @property
    def english(self) -> bool:
        """Whether the reader wants English."""
        return self.person.language == "en"

    @property
    def is_owner(self) -> bool:
        """Whether it is the reader's own case."""
        return self.person.id == self.incident.owner


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


def where(about: About) -> str:
    """The way to the device from the reader's own place on, address, floor and flat, its name."""
    if about.many[1:]:
        return _places(about)
    chain = about.chain
    own = next((n for n, place in enumerate(chain, 1) if place.code == about.person.grid), None)
    point = "" if about.wording.map else _coordinates(about)
    return _joined(about, [*_address(about, chain[:own]), about.device.name, point])


def address(about: About) -> str:
    """All places from the top, address, floor and flat."""
    return _joined(about, _address(about, about.chain))


def nearest(about: About) -> str:
    """The few words that fit into a title: the place and the rooms within it."""
    place, inside = nearest_parts(about)
    return " ".join(part for part in (place, inside) if part)


def nearest_parts(about: About) -> tuple[str, str]:
    """The innermost place's name, and the rooms within it or the device's name."""
    chain = about.chain
    return chain[0].name if chain else "", inside(about.device, about.english) or about.device.name


def inside(device: Device, english: bool) -> str:
    """Floor and flat."""
    floor, flat = device.floor, device.flat
    if english:
        named = (floor and f"floor {floor}", flat and f"flat {flat}")
    else:
        named = (floor and _with(floor, "层"), flat and _with(flat, "室"))
    return " ".join(part for part in named if part)


def point(about: About) -> tuple[float, float] | None:
    """WGS-84 latitude and longitude of the device, or of the innermost place that has one."""
    things: list[Device | Place] = [about.device, *about.chain]
    for thing in things:
        if thing.latitude is not None and thing.longitude is not None:
            return thing.latitude, thing.longitude
    return None


def map_link(about: About) -> str:
    """The point on the site's map; "" without one."""
    found = point(about)
    if found is None or not about.wording.map:
        return ""
    latitude, longitude = to_gcj02(*found) if about.wording.gcj02 else found
    name = quote(nearest(about)[:40], safe="", errors="replace")
    return about.wording.map.format(lat=f"{latitude:.6f}", lon=f"{longitude:.6f}", name=name)


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


def scope(about: About) -> str:
    """The name of the smallest place in which all of several incidents are."""
    place = common(about.site, about.many or (about.incident,))
    return place.name if place is not None else ""


def common(site: Site, incidents: Sequence[Incident]) -> Place | None:
    """The smallest place in which all of them are."""
    chain = site.chain(incidents[0].place)
    for other in {each.place for each in incidents}:
        above = {place.code for place in site.chain(other)}
        chain = [place for place in chain if place.code in above]
    return chain[0] if chain else None


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


def _places(about: About) -> str:
    """The rooms of the first few of several incidents, with the house where it differs."""
    site = about.site
    shared = common(site, about.many)
    names: dict[str, None] = {}
    for each in about.many:
        device, place = site.devices.get(each.device), site.places.get(each.place)
        rooms = inside(device, about.english) if device is not None else ""
        name = rooms or (device.name if device is not None else each.device)
        names[name if place is None or place is shared else f"{place.name} {name}"] = None
    first = (", " if about.english else "、").join(list(names)[:MOST_PLACES])
    if len(names) <= MOST_PLACES:
        return first
    return f"{first} … ({len(names)})" if about.english else f"{first} 等 {len(names)} 处"


def _address(about: About, chain: Sequence[Place]) -> list[str]:
    path = " › ".join(place.name for place in reversed(chain))
    street = next((place.address for place in chain if place.address), "")
    return [path, street, inside(about.device, about.english)]


def _joined(about: About, parts: list[str]) -> str:
    return (", " if about.english else "，").join(part for part in parts if part)


def _coordinates(about: About) -> str:
    found = point(about)
    return f"{found[0]:.5f} {found[1]:.5f}" if found is not None else ""


def _with(number: str, unit: str) -> str:
    return number if number.endswith(unit) else f"{number}{unit}"


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
