"""Looks for the code of a message in the record: the event is still there, and its chain holds."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.model import Text
from gateway.record.anchor import parsed
from gateway.record.events import looked_at
from gateway.record.terms import Read
from gateway.store import record
from gateway.store.chain import short
from gateway.store.record import Case

_PAGE: Final = 50
_ANCHORS: Final = 500
_MOST: Final = 10


class Match(NamedTuple):
    """An event, or an anchor (``incident`` is "" then), with that code."""

    incident: str
    seq: int
    wall: int
    broken: Text | None = None
    """What is wrong with the incident's chain."""


async def seek(read: Read, code: str, incident: str = "") -> list[Match]:
    """The events and anchors whose hash has this short form; only ``incident``'s when it is given.

    The first ``_MOST`` of them: there is one.
    """
    if incident:
        return _matches(await read(record.case_named, incident), code)
    found: list[Match] = []
    after = ""
    while len(found) < _MOST and (page := await read(record.case_page, after, _PAGE)):
        found += _matches(page, code)
        after = page[-1].key
    return [*found, *await _anchors(read, code)][:_MOST]


def _matches(cases: list[Case], code: str) -> list[Match]:
    found = []
    for case in cases:
        for link in case.links:
            if _has(link.hash, code):
                flaw = looked_at(case)
                broken = flaw.text if flaw is not None else None
                found.append(Match(case.key, link.seq, link.wall, broken))
    return found


async def _anchors(read: Read, code: str) -> list[Match]:
    found: list[Match] = []
    after = 0
    while rows := await read(record.anchors, after, _ANCHORS):
        found += [Match("", row.n, parsed(row).anchor.wall) for row in rows if _has(row.hash, code)]
        after = rows[-1].n
    return found


def _has(digest: str, code: str) -> bool:
    """A hash that somebody has spoilt has no short form."""
    try:
        return short(digest) == code
    except ValueError:
        return False
