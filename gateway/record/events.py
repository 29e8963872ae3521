"""The second half of an audit: every chain, its incident's row, and numbers without gaps."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from gateway.incidents.fold import fold
from gateway.model import Happened, Incident, IncidentEvent, Value
from gateway.record.digests import Digests
from gateway.record.findings import Finding
from gateway.record.terms import Progress, Read, Report, Terms
from gateway.store import record
from gateway.store.chain import Link, Walk, gaps
from gateway.store.record import Case, columns_of

_PAGE: Final = 50
_COMPARED: Final = (
    *("key", "rule", "same", "title", "category", "severity", "kind", "device", "place"),
    *("owner", "state", "opened_at", "outcome", "evidence"),
)
"""Of an incident's row: what people see and act on. Other fields an earlier version may have
written differently."""

_data: Final = msgspec.json.Decoder(dict[str, Value]).decode


class Events:
    """Walks once; what it finds is in ``report``."""

    def __init__(self, read: Read, terms: Terms, report: Report, digests: Digests) -> None:
        self._read = read
        self._terms = terms
        self._report = report
        self._digests = digests
        self._prefix = ""
        self._keys: list[str] = []

    async def walk(self, progress: Progress) -> None:
        """All incidents in the order of their keys."""
        after = ""
        while page := await self._read(record.case_page, after, _PAGE):
            for finding in await asyncio.to_thread(_looked_at, page, self._terms.since):
                self._report.add(finding)
            for case in page:
                await self._number(case.key)
                self._report.incidents += 1
                self._report.events += len(case.links)
            await self._digests.look([case for case in page if _opened(case) >= self._terms.since])
            after = page[-1].key
            progress("incidents", self._report.incidents)
        await self._number("")

    async def _number(self, key: str) -> None:
        """Collect the numbers of one day and category, and look at them once they are all there."""
        prefix = key.rpartition("-")[0]
        if prefix != self._prefix and self._keys:
            upto = await self._read(record.removed_upto, self._prefix)
            for gap in gaps(self._keys, {self._prefix: upto}):
                if gap.incident not in self._report.lost:
                    self._report.add(Finding("gap", gap.incident))
            self._keys = []
        self._prefix = prefix
        if key:
            self._keys.append(key)


def _looked_at(page: list[Case], since: int) -> list[Finding]:
    return [
        finding
        for case in page
        if _opened(case) >= since and (finding := looked_at(case)) is not None
    ]


def looked_at(case: Case) -> Finding | None:
    """The first thing that is wrong with one incident."""
    walk = Walk()
    walk.check(case.links)
    row = case.row
    if row is not None or not case.columns:
        walk.compare({case.key: (row.events, row.head)} if row is not None else {})
    flaw = walk.broken.get(case.key)
    if flaw is not None:
        return Finding(flaw.what, flaw.incident, flaw.seq)
    if row is None:
        return Finding("row", case.key, detail="?")
    differ = _differ(case, row)
    return Finding("row", case.key, detail=", ".join(differ)) if differ else None


def _differ(case: Case, row: Incident) -> list[str]:
    """The fields of the row that its events do not say."""
    try:
        folded = fold(event(link) for link in case.links)
    except (ValueError, KeyError, TypeError):
        return ["?"]
    differ = [name for name in _COMPARED if getattr(folded, name) != getattr(row, name)]
    return differ or (["columns"] if case.columns != columns_of(row) else [])


def event(link: Link) -> IncidentEvent:
    """A stored link as the fold takes it. Raises ``ValueError``."""
    return IncidentEvent(
        incident=link.incident,
        seq=link.seq,
        what=Happened(link.what),
        wall=link.wall,
        arrival=link.arrival,
        trusted=bool(link.trusted),
        by=link.by,
        data=_data(link.data),
        previous=link.previous,
        hash=link.hash,
    )


def _opened(case: Case) -> int:
    """Wall ns of its first event; a row without events counts always."""
    return case.links[0].wall if case.links else 1 << 62
