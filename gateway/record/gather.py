"""Everything that the stores have of one incident, for its case file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from gateway.model import SECOND, Arming, Happened, Incident, OutboxRow, Person, Reading, Site
from gateway.model import Record as Item
from gateway.record.anchor import Signed, parsed
from gateway.record.digests import named
from gateway.record.events import event
from gateway.replay.account import record_of
from gateway.replay.archive import BEGINNING, Archive
from gateway.replay.casebook import Casebook
from gateway.replay.source import Source
from gateway.store import cases_read, record
from gateway.store.chain import Link
from gateway.store.evidence import find

AROUND: Final = 600 * SECOND
"""Ns before the opening, and after the last that its sensors said."""
MOST_READINGS: Final = 20_000
_FARTHEST: Final = 500_000
"""Records that are looked through: an hour of a district, a month of a small site."""
_SENSED: Final = frozenset(
    {Happened.opened, Happened.alarmed, Happened.cleared, Happened.severity, Happened.evidence}
)


class Contents(NamedTuple):
    """What goes into a case file."""

    incident: Incident
    links: list[Link]
    outbox: list[OutboxRow]
    texts: dict[str, str]
    """Those that still exist, by SHA-256."""
    anchors: list[Signed]
    records: list[Item]
    """Readings of its devices and of their neighbours, and who armed or disarmed around it."""
    cut: bool
    """There are more readings than ``MOST_READINGS``, or than were looked through."""
    wall: Callable[[Item], int]
    """When a record came, wall ns."""
    site: Site
    """Of that time, with the places, devices and people that it is about; no telephone numbers."""
    rules: list[tuple[str, str]]
    """The rule files that were in force, (name, text); empty where the journal has them no more."""
    evidence: dict[str, Path]
    """Digest -> file, of those that are kept."""


class Unknown(Exception):
    """There is no such incident."""


async def gather(key: str, cases: Casebook, source: Source, site: Site, data: Path) -> Contents:
    """Of incident ``key``. Raises ``Unknown``, ``Unavailable`` and ``OSError``."""
    links: list[Link] = await cases.read(record.chain_of, key)
    incident = await cases.read(cases_read.incident, key)
    if incident is None or not links:
        raise Unknown(key)
    opening = event(links[0])
    archive = Archive(source.edition)
    told = source.editions_at(max(record_of(source, opening), BEGINNING))
    then = archive.registry(told.get("registry", "")) or site
    digests = [each for link in links for each in named(link)]
    outbox = await cases.read(cases_read.outbox, key)
    records, cut = _around(source, links, incident, then)
    files = {each.digest: find(data / "evidence", each.digest) for each in digests if each.is_file}
    texts = [each.digest for each in digests if not each.is_file]
    return Contents(
        incident=incident,
        links=links,
        outbox=outbox,
        texts=await cases.read(cases_read.texts, texts),
        anchors=[parsed(row) for row in await cases.read(record.anchors_of, key)],
        records=records,
        cut=cut,
        wall=source.axis.wall_of,
        site=_about(then, site, links, outbox, incident, records),
        rules=archive.texts(told.get("rules", "")) or [],
        evidence={digest: path for digest, path in files.items() if path is not None},
    )


def _around(
    source: Source, links: list[Link], incident: Incident, site: Site
) -> tuple[list[Item], bool]:
    """The readings from 10 min before its opening until 10 min after its sensors spoke last."""
    sensed = [link.arrival for link in links if link.what in _SENSED] or [links[0].arrival]
    first = source.first_arrived(min(sensed) - AROUND)
    last = min(source.first_arrived(max(sensed) + AROUND) - 1, source.upto)
    cut = last - first >= _FARTHEST
    devices, places = _neighbours(incident, links, site)
    found: list[Item] = []
    for page in source.pages(first, min(last, first + _FARTHEST - 1)):
        found += [each for each in page if _concerns(each, devices, places)]
    # Those nearest to the opening say most.
    found.sort(key=lambda each: abs(each.arrival - links[0].arrival))
    kept = sorted(found[:MOST_READINGS], key=lambda each: each.n)
    return kept, cut or len(found) > MOST_READINGS


def _neighbours(
    incident: Incident, links: list[Link], site: Site
) -> tuple[frozenset[str], frozenset[str]]:
    """Its devices with all in the same building (or at the same place), and the places above."""
    within = site.level(incident.place, "building") or incident.place
    own = {str(event(link).data.get("device", "")) for link in links} | {incident.device}
    near = {
        device.id
        for device in site.devices.values()
        if within and any(place.code == within for place in site.chain(device.place))
    }
    return frozenset(own | near), frozenset({"", *(p.code for p in site.chain(incident.place))})


def _concerns(found: Item, devices: frozenset[str], places: frozenset[str]) -> bool:
    item = found.item
    if isinstance(item, Reading):
        return item.device in devices
    return isinstance(item, Arming) and item.place in places


def _about(
    then: Site,
    now: Site,
    links: list[Link],
    outbox: list[OutboxRow],
    incident: Incident,
    records: list[Item],
) -> Site:
    """What of a registry the case is about; how to reach somebody is nobody's business later."""
    seen = {item.device for each in records if isinstance(item := each.item, Reading)}
    devices = {
        each: msgspec.structs.replace(then.devices[each], contact="")
        for each in sorted(seen | {incident.device})
        if each in then.devices
    }
    codes = {incident.place, *(device.place for device in devices.values())}
    places = {
        place.code: msgspec.structs.replace(place, contact="")
        for code in sorted(codes)
        for place in then.chain(code)
    }
    acted = {link.by.removeprefix("person:") for link in links}
    named_ = {str(value) for link in links for value in event(link).data.values()}
    people = acted | named_ | {row.person for row in outbox} | {incident.owner}
    known = {**now.people, **then.people}
    return Site(
        places=places,
        devices=devices,
        people={each: _nameable(known[each]) for each in sorted(people) if each in known},
    )


def _nameable(person: Person) -> Person:
    return Person(person.id, person.name, person.grid, person.role, language=person.language)
