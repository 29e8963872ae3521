"""Editions: what the rules and the registry said, kept so that old records can be read as then.

files and zone ─▶ packed ─▶ digest, body ─▶ journal.db     an Edition record names the digest
registry       ─▶                           └─▶ unpacked ─▶ Ruleset or Site
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import structlog

import rules
from gateway.clock import Arrival
from gateway.document import Problems
from gateway.model import Edition, Site
from gateway.ports import Clock
from gateway.store.journal import Journal

RULES: Final = "rules"
REGISTRY: Final = "registry"
_MOST_BYTES: Final = 256_000_000
"""Of one edition, unpacked: several times the largest registry."""
_COMPRESSION: Final = 6
_MADE: Final = 4
"""Editions held ready: the present two, and the next two while their records are under way."""

Files = Sequence[tuple[str, str]]
"""(file name, text)."""

_T = TypeVar("_T")

_encode: Final = msgspec.msgpack.Encoder().encode
_decode_rules: Final = msgspec.msgpack.Decoder(tuple[list[tuple[str, str]], str]).decode
_decode_site: Final = msgspec.msgpack.Decoder(Site).decode

log = structlog.get_logger("editions")


class Unreadable(Exception):
    """The content is damaged, or this version can not read it any more; one line says why."""


class Packed(NamedTuple):
    """One edition as the journal keeps it."""

    what: str
    digest: str
    body: bytes


def pack_rules(files: Files, zone: str) -> Packed:
    """Rule files (and calendars) in their order, with the site's time zone.

    Where the site's own folder lies says nothing: the same rules are the same edition.
    """
    named = [(name if name.startswith("packs/") else Path(name).name, text) for name, text in files]
    return _packed(RULES, (named, zone))


def pack_site(site: Site) -> Packed:
    """A registry, people included. Its version counts imports and says nothing: left out."""
    return _packed(REGISTRY, msgspec.structs.replace(site, version=0))


def unpack_files(digest: str, body: bytes) -> tuple[list[tuple[str, str]], str]:
    """The rule files and the zone of an edition of the rules. Raises ``Unreadable``."""
    try:
        return _decode_rules(_raw(digest, body))
    except msgspec.DecodeError as error:
        raise Unreadable(f"the edition is damaged: {error}") from None


def unpack_rules(digest: str, body: bytes) -> rules.Ruleset:
    """Raises ``Unreadable``."""
    try:
        return rules.load(*unpack_files(digest, body))
    except Problems as error:
        raise Unreadable(f"this version does not take these rules: {error.problems[0]}") from None


def unpack_site(digest: str, body: bytes) -> Site:
    """Raises ``Unreadable``."""
    try:
        return _decode_site(_raw(digest, body))
    except msgspec.DecodeError as error:
        raise Unreadable(f"the edition is damaged: {error}") from None


def _packed(what: str, content: object) -> Packed:
    raw = _encode(content)
    return Packed(what, _digest(raw), zlib.compress(raw, _COMPRESSION))


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _raw(digest: str, body: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        raw = unpacking.decompress(body, _MOST_BYTES)
    except zlib.error as error:
        raise Unreadable(f"the edition is damaged: {error}") from None
    if _digest(raw) != digest:
        raise Unreadable("the edition is damaged: its digest is another one")
    return raw


class Editions:
    """What each digest stands for while the gateway runs, and which ones are the present."""

    def __init__(self, journal: Journal, clock: Clock, arrival: Arrival, threads: Executor) -> None:
        self._journal = journal
        self._clock = clock
        self._arrival = arrival
        self._threads = threads
        self._made: dict[str, Any] = {}
        self._present: dict[str, str] = {}
        self._complained: set[str] = set()
        self.unreadable = 0
        """Editions that a record names and whose content was not to be had."""

    def know(self, packed: Packed, made: rules.Ruleset | Site) -> None:
        """``made`` is what ``packed`` stands for: a record that names it is going to be written."""
        self._made.setdefault(packed.digest, made)
        while len(self._made) > _MADE:
            oldest = next(each for each in self._made if each not in self._present.values())
            del self._made[oldest]

    def settle(self, packed: Packed) -> None:
        """``packed`` is known and the present one of its kind."""
        self._present[packed.what] = packed.digest

    async def record(self, changed: Sequence[Packed]) -> None:
        """From here on ``changed`` are in force, all in one commit. Raises ``Unavailable``."""
        for what, digest, body in changed:
            await self._journal.put_edition(what, digest, body)
        await self._journal.room()
        stamp = self._clock.now()
        arrival = self._arrival(stamp)
        group = self._journal.group(stamp)
        for what, digest, _ in changed:
            self._journal.add(group, stamp, arrival, Edition(what, digest, stamp.wall), False)
        self._journal.added(group, "editions", len(changed), None, True)
        await asyncio.shield(group.done)

    async def ruleset(self, digest: str) -> rules.Ruleset:
        """What ``digest`` stands for; the present rules where that is not to be had."""
        found: rules.Ruleset = await self._made_of(RULES, digest, unpack_rules)
        return found

    async def site(self, digest: str) -> Site:
        """What ``digest`` stands for; the present registry where that is not to be had."""
        found: Site = await self._made_of(REGISTRY, digest, unpack_site)
        return found

    async def _made_of(self, what: str, digest: str, unpack: Any) -> Any:
        present = self._made[self._present[what]]
        if not digest:  # before the first record that names one
            return present
        if digest in self._made:
            return self._made[digest]
        body = await self._journal.edition(digest)
        try:
            if body is None:
                raise Unreadable("the edition is not kept")
            return await self.in_thread(partial(unpack, digest, body))
        except Unreadable as error:
            self._complain(what, digest, str(error))
            return present

    async def in_thread(self, work: Callable[[], _T]) -> _T:
        """``work`` that is too long for the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _complain(self, what: str, digest: str, reason: str) -> None:
        if digest in self._complained:
            return
        self._complained.add(digest)
        self.unreadable += 1
        log.error(
            "edition_unreadable", what=what, digest=digest[:12], reason=reason,
            action="the present one is used for its records",
        )  # fmt: skip
