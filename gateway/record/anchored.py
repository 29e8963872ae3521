"""The first half of an audit: the anchors themselves, and whether all that they signed is there.

The database's anchors, ``anchors.log`` and a copy from outside are walked together, number by
number. What one of them has lost is taken from another, so that the events it spoke of are
looked for all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from gateway.model import SECOND
from gateway.record.anchor import Signed, holds, parsed
from gateway.record.findings import Finding
from gateway.record.key import fingerprint
from gateway.record.log import FILE, AnchorLog, lines
from gateway.record.terms import Progress, Read, Report, Terms
from gateway.store import cases_read, record
from gateway.store.record import AnchorRow

_PAGE: Final = 100
_PAIRS: Final = 300
_SLACK: Final = 3_600 * SECOND
"""Signs of life are saved lazily, and retention runs once an hour."""


class _Last(NamedTuple):
    """What the newest anchor that names an incident says of it."""

    anchor: int
    events: int
    closed: int


class _Copy:
    """The anchors of one file, met number by number."""

    def __init__(self, name: str, found: Iterator[Signed | None], report: Report) -> None:
        self.name = name
        self.newest = 0
        """The highest number read so far, one ahead of what was met."""
        self.begun = False
        """Whether any of it was met."""
        self._report = report
        self._line = 0
        self._found = found
        self._ahead: Signed | None = None
        self._step()

    def upto(self, n: int) -> Iterator[Signed]:
        """Its next anchors up to number ``n``, in order."""
        while self._ahead is not None and self._ahead.anchor.n <= n:
            self.begun = True
            yield self._ahead
            self._step()

    def rest(self) -> Iterator[Signed]:
        """All that are left."""
        while self._ahead is not None:
            yield self._ahead
            self._step()

    def _step(self) -> None:
        self._ahead = None
        for signed in self._found:
            self._line += 1
            if signed is None:
                self._report.add(Finding("log_line", seq=self._line, detail=self.name))
            elif signed.anchor.n <= self.newest:
                self._report.add(Finding("log_other", anchor=signed.anchor.n, detail=self.name))
            else:
                self.newest = signed.anchor.n
                self._ahead = signed
                return


class Anchored:
    """Walks once; what it finds is in ``report``."""

    def __init__(self, read: Read, terms: Terms, report: Report) -> None:
        self._read = read
        self._terms = terms
        self._report = report
        self._before: Signed | None = None
        self._signer = ""
        self._gone: dict[str, _Last] = {}
        """Incidents with a signed event that is not there."""
        self._oldest = 0
        self._first = 1
        """The oldest anchor that is not past retention."""
        self._last = 0

    async def walk(self, progress: Progress) -> None:
        """All of them. Raises ``OSError`` for a file that is there and can not be read."""
        copies = await asyncio.to_thread(self._copies)
        newest = await self._read(record.newest_anchor)
        self._first = _first(newest) if newest is not None else 1
        async for page in self._pages():
            met: list[Signed] = []
            for signed in page:
                met += self._met(signed, copies)
            await self._look_up(met)
            self._report.anchors += len(page)
            progress("anchors", self._report.anchors)
        await self._beyond(copies)
        await self._judge()
        self._report.unsigned = await self._read(record.count_moved)

    def _copies(self) -> list[_Copy]:
        found = []
        own = self._terms.data / FILE
        if own.exists():
            found.append(_Copy(FILE, AnchorLog(own).read(), self._report))
        if self._terms.against is not None:
            found.append(
                _Copy(self._terms.against.name, _outside(self._terms.against), self._report)
            )
        return found

    async def _pages(self) -> AsyncIterator[list[Signed]]:
        after = 0
        while rows := await self._read(record.anchors, after, _PAGE):
            page = []
            for row in rows:
                try:
                    page.append(parsed(row))
                except ValueError:
                    self._report.add(Finding("anchor_changed", anchor=row.n))
            yield page
            after = rows[-1].n

    def _met(self, signed: Signed, copies: list[_Copy]) -> list[Signed]:
        """``signed`` and what the copies have of the numbers up to it."""
        n = signed.row.n
        self._oldest = self._oldest or n
        found: dict[int, Signed] = {}
        for copy in copies:
            has_it = False
            for other in copy.upto(n):
                has_it = has_it or other.row.n == n
                if other.row.n == n:
                    self._compare(signed, other, copy)
                elif other.row.n > self._last and other.row.n >= self._first:
                    found.setdefault(other.row.n, other)
            if not has_it and copy.newest > n:
                self._lacks(copy, n)
        if self._last and n > self._last + 1:
            run = _run(self._last + 1, n - 1)
            self._report.add(Finding("anchor_gone", anchor=n - 1, detail=run))
        met = [found[each] for each in sorted(found)] + [signed]
        for each in met:
            self._check(each)
        self._last = n
        return met

    def _lacks(self, copy: _Copy, n: int) -> None:
        """A copy that begins later was begun later; one with a hole lost a line."""
        if copy.begun:
            self._report.add(Finding("log_lacks", anchor=n, detail=copy.name))

    def _compare(self, signed: Signed, other: Signed, copy: _Copy) -> None:
        if other.row != signed.row:
            self._report.add(Finding("log_other", anchor=signed.row.n, detail=copy.name))

    def _check(self, signed: Signed) -> None:
        """Its signature, its signer and the link to the one before."""
        anchor, row = signed
        report = self._report
        if not holds(signed):
            report.add(Finding("anchor_changed", anchor=row.n))
        if anchor.key not in report.keys:
            report.keys.append(anchor.key)
        self._know(anchor.key, row.n)
        before = self._before
        if before is not None and before.row.n == row.n - 1 and anchor.previous != before.row.hash:
            report.add(Finding("anchor_unlinked", anchor=row.n))
        self._before = signed
        report.newest, report.newest_hash = anchor.wall, row.hash

    def _know(self, key: str, n: int) -> None:
        if key == self._signer:
            return
        print_ = fingerprint(key) if len(key) == 64 else key[:64]
        trusted = self._terms.trusted
        if (trusted and print_ not in trusted) or (not trusted and self._signer):
            self._report.add(Finding("anchor_stranger", anchor=n, detail=print_))
        self._signer = key

    async def _beyond(self, copies: list[_Copy]) -> None:
        """What the copies have after the database's newest: it was replaced by an older one."""
        if self._oldest > self._first:
            run = _run(self._first, self._oldest - 1)
            self._report.add(Finding("anchor_gone", anchor=self._oldest - 1, detail=run))
        found: dict[int, Signed] = {}
        for copy in copies:
            for signed in copy.rest():
                found.setdefault(signed.row.n, signed)
            if copy.newest > self._last:
                older = Finding("older", anchor=copy.newest, seq=self._last, detail=copy.name)
                self._report.add(older)
        met = [found[n] for n in sorted(found)]
        for signed in met:
            self._check(signed)
        for at in range(0, len(met), _PAGE):
            await self._look_up(met[at : at + _PAGE])
        if self._report.anchors and not any(copy.name == FILE for copy in copies):
            self._report.add(Finding("log_gone"))

    async def _look_up(self, met: list[Signed]) -> None:
        """Whether every event that these anchors name is there as it was."""
        named = [
            (head, signed.row.n)
            for signed in met
            if signed.anchor.wall >= self._terms.since
            for head in signed.anchor.heads
        ]
        for at in range(0, len(named), _PAIRS):
            part = named[at : at + _PAIRS]
            there = await self._read(record.hashes, [(h.incident, h.events) for h, _ in part])
            for head, n in part:
                has = there.get((head.incident, head.events))
                if has is None:
                    self._gone[head.incident] = _Last(n, head.events, head.closed)
                elif has != head.hash:
                    other = Finding("signed_other", head.incident, head.events, n)
                    self._report.add(other)

    async def _judge(self) -> None:
        """Of what is gone, tell apart what retention took."""
        now = await self._read(cases_read.last_arrival)
        for incident, last in self._gone.items():
            if await self._read(record.chain_of, incident):
                self._report.add(Finding("signed_missing", incident, last.events, last.anchor))
                continue
            prefix, _, number = incident.rpartition("-")
            upto = await self._read(record.removed_upto, prefix)
            said = number.isdigit() and int(number) <= upto
            old = last.closed and last.closed + int(self._terms.kept * SECOND) <= now + _SLACK
            if not said:
                self._report.add(Finding("signed_gone", incident, last.events, last.anchor))
            elif not old:
                self._report.add(Finding("removed", incident, 0, last.anchor))
            self._report.lost.add(incident)


def _first(newest: AnchorRow) -> int:
    """What the newest anchor says; 1 where it can not be read."""
    try:
        return max(parsed(newest).anchor.first, 1)
    except ValueError:
        return 1


def _run(first: int, last: int) -> str:
    return f"{first}-{last}" if last > first else str(last)


def _outside(path: Path) -> Iterator[Signed | None]:
    """Raises ``OSError`` where there is no such file."""
    path.open("rb").close()
    return lines(path)
