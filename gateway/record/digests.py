"""What events name by SHA-256: texts in the database, pictures and clips beside it."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from gateway.model import SECOND
from gateway.record.findings import Finding
from gateway.record.terms import Read, Report, Terms
from gateway.store import cases_read
from gateway.store.chain import Link, digest_of
from gateway.store.evidence import find, let_go
from gateway.store.record import Case

_NAMED: Final = re.compile(r'"([a-z_]+)":"([0-9a-f]{64})"')
_FILES: Final = frozenset({"evidence", "attachment"})
"""Names under which an event speaks of a file; any other digest is of a text."""
_SLACK: Final = 3_600 * SECOND
_BLOCK: Final = 1 << 20


class Named(NamedTuple):
    """A digest in an event."""

    name: str
    digest: str
    link: Link

    @property
    def is_file(self) -> bool:
        """Of a picture, a clip or what a person attached; else of a text."""
        return self.name in _FILES


def named(link: Link) -> Iterator[Named]:
    """The digests that an event speaks of."""
    for name, digest in _NAMED.findall(link.data):
        yield Named(name, digest, link)


class Digests:
    """Looks at what the events of some incidents name."""

    def __init__(self, read: Read, terms: Terms, report: Report) -> None:
        self._read = read
        self._terms = terms
        self._report = report
        self._folder = terms.data / "evidence"
        self._let_go: frozenset[str] | None = None

    async def look(self, page: list[Case]) -> None:
        """At the texts and files of ``page``. Raises ``OSError``."""
        every = [each for case in page for link in case.links for each in named(link)]
        await self._texts([each for each in every if not each.is_file])
        files = [each for each in every if each.is_file]
        if files and self._terms.files:
            if self._let_go is None:
                self._let_go = await asyncio.to_thread(let_go, self._folder)
            await asyncio.to_thread(self._files, files, self._let_go)

    async def _texts(self, found: list[Named]) -> None:
        if not found:
            return
        kept = await self._read(cases_read.texts, [each.digest for each in found])
        now = await self._read(cases_read.last_arrival)
        for each in found:
            text = kept.get(each.digest)
            if text is not None:
                if digest_of(text) != each.digest:
                    self._report.add(Finding("text_changed", detail=each.digest[:12]))
            elif each.link.arrival + int(self._terms.texts_kept * SECOND) <= now + _SLACK:
                self._report.texts_gone += 1
            else:
                self._report.add(Finding("text_gone", each.link.incident, each.link.seq))

    def _files(self, found: list[Named], gone: frozenset[str]) -> None:
        """Reads every file once: this is what takes long."""
        for digest, each in {each.digest: each for each in reversed(found)}.items():
            path = find(self._folder, digest)
            about = (each.link.incident, each.link.seq)
            self._report.evidence += 1
            if path is not None:
                if file_digest(path) != digest:
                    self._report.add(Finding("evidence_changed", *about, detail=digest[:12]))
            elif digest in gone:
                self._report.evidence_gone += 1
            else:
                self._report.add(Finding("evidence_gone", *about, detail=digest[:12]))


def file_digest(path: Path) -> str:
    """The SHA-256 of a file; "" when it went meanwhile."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()
