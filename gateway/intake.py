"""The door: stamp, look the device up, mark quality, refuse with a reason, append.

    driver ─▶ Door ─▶ admit() ─▶ group ─▶ (fsync) ─▶ returns: acknowledge
                        └ refused: duplicate · no_values · bad_value · undecodable · …

The only place that turns a driver's address into the registry's device.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final

import msgspec
import structlog

from gateway.clock import Arrival
from gateway.model import (
    EXTRA,
    KINDS,
    SECOND,
    UNKNOWN_KIND,
    Action,
    Device,
    DeviceSeen,
    Evidence,
    Item,
    Quality,
    Reading,
    Record,
    Site,
    Stamp,
    Undecodable,
    Value,
    vocabulary,
)
from gateway.ports import Clock, Unavailable
from gateway.store.evidence import MOST_BYTES, EvidenceStore
from gateway.store.journal import Group, Journal
from gateway.store.journal_file import Quarantined

OLDEST: Final = 24 * 3600 * SECOND
"""A device time further back than this is not believed."""
_FUTURE: Final = 60 * SECOND
LATE: Final = 300 * SECOND
"""A believed device time further back than this makes a report late."""
_BURST: Final = 1_000_000
"""Nanoseconds: more than a burst of reports that share one instant is ever set apart by."""
_MOST_VALUES: Final = 64
_LONGEST_TEXT: Final = 1_024
_MOST_DEVICES: Final = 50_000
"""Devices whose newest reading and recent keys are held in memory."""
_RESUME: Final = 100_000
"""Records read back at start to know recent keys: a repeat older than that is a new reading."""

log = structlog.get_logger("intake")


class Ring:
    """The last N 64-bit marks of a device, eight bytes each: a set would cost six times that."""

    __slots__ = ("_at", "_marks", "_most")

    def __init__(self, most: int) -> None:
        self._marks = bytearray()
        self._most = most * 8
        self._at = 0

    def __contains__(self, mark: bytes) -> bool:
        found = self._marks.find(mark)
        while found > 0 and found % 8:
            found = self._marks.find(mark, found + 1)
        return found >= 0

    def add(self, mark: bytes) -> None:
        """Remember ``mark``, forgetting the oldest when full."""
        if len(self._marks) < self._most:
            self._marks += mark
            return
        self._marks[self._at : self._at + 8] = mark
        self._at = (self._at + 8) % self._most

    def discard(self, mark: bytes) -> None:
        """Forget ``mark``: its reading was not stored after all."""
        found = self._marks.find(mark)
        while found > 0 and found % 8:
            found = self._marks.find(mark, found + 1)
        if found >= 0:
            self._marks[found : found + 8] = bytes(8)


class _Seen:
    """What is remembered of one device."""

    __slots__ = ("keys", "last_at", "times")

    def __init__(self, recent: int) -> None:
        self.keys = Ring(recent)
        self.times = Ring(16)
        self.last_at = 0


class Refusal(Exception):
    """Why one reading is not taken; ``reason`` is the name in the ledger."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Intake:
    """Makes a door for each driver; all doors share one journal and one memory of devices."""

    def __init__(
        self,
        journal: Journal,
        evidence: EvidenceStore,
        clock: Clock,
        arrival: Arrival,
        recent_keys: int = 64,
    ) -> None:
        self._journal = journal
        self._evidence = evidence
        self._clock = clock
        self._arrival = arrival
        self._recent = recent_keys
        self._seen: dict[str, _Seen] = {}
        self._site = Site()
        self._by_address: dict[tuple[str, str], Device] = {}
        self.latest: dict[str, Reading] = {}
        """The newest reading of each device, by device id."""
        self.heard: dict[str, int] = {}
        """Its arrival: on the wall clock a device would be silent when that jumps."""
        self.overflowing = 0
        """Devices beyond the bound: stored, but without memory of their keys."""

    def follow(self, site: Site) -> None:
        """From now on devices are looked up in ``site``."""
        self._site = site
        self._by_address = {(d.driver, d.address): d for d in site.devices.values()}

    async def resume(self) -> None:
        """Read the journal's end back: recent keys, recent times, the newest readings."""
        for record in reversed(await self._journal.newest_first(_RESUME)):
            if isinstance(record.item, Reading):
                self._remember(record.item)
                self._newest(record.item, record.arrival)

    def door(self, driver: str, window: int | None = None) -> Door:
        """The ``emit`` of one driver. ``window``: what the sender allows in flight."""
        return Door(self, driver, window)

    def _remember(self, reading: Reading) -> None:
        seen = self._memory(reading.device)
        if seen is None:
            return
        if reading.key:
            seen.keys.add(_mark(reading.key))
        seen.times.add(reading.at.to_bytes(8, "little", signed=True))
        seen.last_at = reading.at

    def _newest(self, reading: Reading, arrival: int) -> None:
        self.latest[reading.device] = reading
        self.heard[reading.device] = arrival

    def _memory(self, device: str) -> _Seen | None:
        seen = self._seen.get(device)
        if seen is None:
            if len(self._seen) >= _MOST_DEVICES:
                self.overflowing += 1
                return None
            seen = self._seen[device] = _Seen(self._recent)
        return seen

    def forget(self, records: Sequence[Record]) -> None:
        """These were not stored after all: their keys may come again."""
        for record in records:
            item = record.item
            if isinstance(item, Reading) and item.key and (seen := self._seen.get(item.device)):
                seen.keys.discard(_mark(item.key))


class Door:
    """One driver's way in; calls return in the order in which they were made."""

    def __init__(self, intake: Intake, driver: str, window: int | None) -> None:
        self._intake = intake
        self._driver = driver
        self._window = window
        self._unknown: dict[str, str] = {}

    async def __call__(self, items: Sequence[Item]) -> None:
        """See ``gateway.ports.Emit``."""
        if not items:
            return
        intake, journal = self._intake, self._intake._journal
        await journal.room()
        items = await self._with_evidence_kept(items)
        stamp = intake._clock.now()
        arrival = intake._arrival(stamp)
        group = journal.group(stamp)
        start = len(group.records)
        now = False
        for item in items:
            if isinstance(item, Reading):
                try:
                    reading = self._admit(item, stamp)
                except Refusal as refusal:
                    self._refuse(group, item, refusal, stamp)
                    continue
                urgent = reading.urgent
                now = now or urgent
                journal.add(group, stamp, arrival, reading, urgent)
            elif isinstance(item, Undecodable):
                source = f"{self._driver} {item.source}"
                row = Quarantined(stamp.wall, source, 0, item.reason, item.raw)
                journal.refuse(group, "undecodable", row)
            else:
                journal.add(group, stamp, arrival, self._stamped(item, stamp), False)
        journal.added(group, self._driver, len(items), self._window, now)
        mine = group.records[start:]
        try:
            # Shielded: a cancelled driver must not cancel what its neighbours wait for.
            await asyncio.shield(group.done)
        except Unavailable:
            intake.forget(mine)
            raise
        for record in mine:
            if isinstance(record.item, Reading):
                intake._newest(record.item, record.arrival)

    def _admit(self, item: Reading, stamp: Stamp) -> Reading:
        """``item`` as it will be stored. Raises ``Refusal``."""
        intake = self._intake
        known = intake._by_address.get((self._driver, item.device))
        if known is not None:
            device, kind = known.id, known.kind
        else:
            device = self._unknown.get(item.device) or self._unknown_id(item.device)
            kind = item.kind if item.kind in KINDS else UNKNOWN_KIND
        values = _checked(item.values, kind)
        seen = intake._memory(device)
        mark = b""
        if item.key and seen is not None:
            mark = _mark(item.key)
            if mark in seen.keys:
                raise Refusal("duplicate", f"{device} already reported key {item.key[:64]!r}")
        wall = stamp.wall
        at, quality, late = wall, Quality.good, False
        if (observed := item.observed_at) is not None:
            if wall - OLDEST <= observed <= wall + _FUTURE:
                at, late = observed, wall - observed > LATE
            else:
                quality = Quality.clock_suspect
        if not stamp.trusted:
            quality, late = Quality.clock_suspect, False
        if known is not None and known.ranges and _out_of_range(values, known):
            quality = Quality.suspect
        if seen is not None:
            at = _apart(seen, at)
            if mark:
                seen.keys.add(mark)
        return Reading(
            device, kind, values, item.observed_at, item.key, item.retained, item.evidence,
            item.origin, wall, at, quality, late,
        )  # fmt: skip

    def _unknown_id(self, address: str) -> str:
        """``driver/address``: shown, counted and never lost."""
        device = f"{self._driver}/{address}"[:200]
        if len(self._unknown) < _MOST_DEVICES:
            self._unknown[address] = device
        return device

    def _refuse(self, group: Group, item: Reading, refusal: Refusal, stamp: Stamp) -> None:
        kept = None
        if refusal.reason != "duplicate":  # a repeat is normal; what is wrong is kept
            raw = repr(item.values)[:_LONGEST_TEXT].encode("utf-8", "replace")
            source = f"{self._driver} {item.device}"[:200]
            kept = Quarantined(stamp.wall, source, 0, refusal.detail, raw)
        self._intake._journal.refuse(group, refusal.reason, kept)

    def _stamped(self, item: DeviceSeen | Action, stamp: Stamp) -> DeviceSeen | Action:
        return msgspec.structs.replace(item, received_at=stamp.wall)

    async def _with_evidence_kept(self, items: Sequence[Item]) -> Sequence[Item]:
        """Snapshots go to their folder first: a stored reading never points at nothing."""
        if not any(isinstance(item, Reading) and item.evidence for item in items):
            return items
        kept: list[Item] = []
        for item in items:
            if isinstance(item, Reading) and item.evidence is not None and item.evidence.content:
                item = msgspec.structs.replace(item, evidence=await self._keep(item.evidence))
            kept.append(item)
        return kept

    async def _keep(self, piece: Evidence) -> Evidence | None:
        """An alarm is worth more than its picture: it goes on without, and the log says so."""
        if len(piece.content) > MOST_BYTES:
            log.warning("evidence_too_large", driver=self._driver, size=len(piece.content))
            return None
        try:
            return await self._intake._evidence.keep(piece)
        except OSError as error:
            log.warning("evidence_not_kept", driver=self._driver, reason=error.strerror)
            return None


def _mark(key: str) -> bytes:
    return hash(key).to_bytes(8, "little", signed=True)


def _apart(seen: _Seen, at: int) -> int:
    """Two reports of one instant would be one point in a time series: set apart by ns.

    A burst of one instant goes on behind its last member, however long it is; an instant
    that comes back out of order is looked for among the recent ones.
    """
    if at <= seen.last_at < at + _BURST:
        at = seen.last_at + 1
    mark = at.to_bytes(8, "little", signed=True)
    while mark in seen.times:
        at += 1
        mark = at.to_bytes(8, "little", signed=True)
    seen.times.add(mark)
    seen.last_at = at
    return at


def _checked(values: Mapping[str, Value], kind: str) -> dict[str, Value]:
    """Finite numbers, short texts and booleans under known names. Raises ``Refusal``."""
    if not values:
        raise Refusal("no_values", "the report holds no values")
    if len(values) > _MOST_VALUES:
        raise Refusal("bad_value", f"{len(values)} values in one report; {_MOST_VALUES} at most")
    names = vocabulary(kind)
    checked: dict[str, Value] = {}
    for name, value in values.items():
        known = names.get(name)
        if known is None and not name.startswith(EXTRA):
            name = EXTRA + name
        of = type(value)
        if of is float:
            if not isfinite(value):  # type: ignore[arg-type]
                raise Refusal("not_finite", f"{name} is {value}")
        elif of is int:
            value = float(value)
            of = float
        elif of is str:
            value = value[:_LONGEST_TEXT]  # type: ignore[index]
        elif of is not bool:
            raise Refusal("bad_value", f"{name} is a {of.__name__}, not a number, text or boolean")
        if known is not None and known.type is not of:
            raise Refusal("bad_value", f"{name} is a {of.__name__}, not a {known.type.__name__}")
        checked[name] = value
    return checked


def _out_of_range(values: Mapping[str, Value], device: Device) -> bool:
    for name, (low, high) in device.ranges.items():
        value = values.get(name)
        if isinstance(value, float) and not low <= value <= high:
            return True
    return False
