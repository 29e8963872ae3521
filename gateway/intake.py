"""The door: stamp, look the device up, mark quality, refuse with a reason, append.

    driver ─▶ Door ─▶ admit() ─▶ group ─▶ (fsync) ─▶ returns: acknowledge
                        └ refused: duplicate · no_values · bad_value · undecodable · …

The only place that turns a driver's address into the registry's device. One address is nobody's:
a report of ``CANARY_DEVICE`` is taken from a driver once, with the token that was sent through it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec
import structlog

from gateway import admission
from gateway.admission import NOT_SENT, Refusal, completed
from gateway.clock import Arrival
from gateway.model import (
    CANARY_DEVICE,
    KINDS,
    SECOND,
    UNKNOWN_KIND,
    Action,
    Arming,
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
)
from gateway.ports import Clock, Unavailable
from gateway.recall import LATE, TIMES, Recent, Seen, apart, instant, mark_of, runs_slow
from gateway.store.evidence import MOST_BYTES, EvidenceStore
from gateway.store.group import Group
from gateway.store.journal import Journal
from gateway.store.journal_file import Quarantined

OLDEST: Final = 24 * 3600 * SECOND
"""A device time further back than this is not believed."""
_FUTURE: Final = 60 * SECOND
_REPEATS: Final = 8_192
_MOST_DEVICES: Final = 50_000
"""Devices whose newest reading and recent keys are held in memory."""
_MOST_ANNOUNCED: Final = 10_000
"""Devices whose announcement is held in memory: a panel may announce thousands of components."""
_LONGEST_NAME: Final = 200
_RESUME: Final = 100_000
"""Records read back at start to know recent keys: a repeat older than that is a new reading."""


log = structlog.get_logger("intake")


class Tokens(Protocol):
    """Who knows which report of the canary is on its way through a driver."""

    def heard(self, driver: str, token: str, stamp: Stamp) -> dict[str, Value] | None:
        """What is stored of it; None: nobody waits for it."""

    def kept(self, record: int) -> None:
        """It is on disk as that record; 0: it could not be stored, and may come again."""


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
        self._seen: dict[str, Seen] = {}
        self._repeats = Recent(_REPEATS)
        self._strangers = 0
        self._site = Site()
        self._by_address: dict[tuple[str, str], Device] = {}
        self.latest: dict[str, Reading] = {}
        """The newest reading of each device, by device id, with the newest of every other value:
        many devices send each quantity by itself."""
        self.announced: dict[str, DeviceSeen] = {}
        """What a bridge or a panel said of a device, by device id."""
        self.heard: dict[str, int] = {}
        """Its arrival: on the wall clock a device would be silent when that jumps."""
        self.canary: Tokens | None = None
        """Who is asked about what says to be the canary's; None: nothing is believed."""
        self.overflowing = 0
        """Reports of devices beyond the bound: stored, but without memory of their keys."""

    def follow(self, site: Site) -> None:
        """From now on devices are looked up in ``site``."""
        self._site = site
        # A device that took a retired one's address over comes after it, and is the one.
        in_order = sorted(site.devices.values(), key=lambda device: device.state != "retired")
        self._by_address = {(d.driver, d.address): d for d in in_order}
        for device in site.devices.values():
            self._recognise(stranger_id(device.driver, device.address), device.id)

    def _recognise(self, stranger: str, device: str) -> None:
        """A stranger is registered: its keys go on under its id; the console shows it once."""
        seen = self._seen.pop(stranger, None)
        if seen is None:
            return
        self._strangers -= 1
        self._seen.setdefault(device, seen)
        self.latest.pop(stranger, None)
        self.heard.pop(stranger, None)
        self.announced.pop(stranger, None)

    async def resume(self) -> None:
        """Read the journal's end back: recent keys, recent times, the newest readings."""
        keys: dict[str, list[bytes]] = {}
        times: dict[str, list[int]] = {}
        repeats: list[int] = []

        def see(record: Record) -> None:
            item = record.item
            if isinstance(item, DeviceSeen) and len(self.announced) < _MOST_ANNOUNCED:
                self.announced.setdefault(item.device, item)
            if not isinstance(item, Reading) or self._memory(item.device) is None:
                return
            newest = self.latest.get(item.device)
            self.latest[item.device] = item if newest is None else completed(newest, item)
            self.heard.setdefault(item.device, record.arrival)
            if len(at := times.setdefault(item.device, [])) < TIMES:
                at.append(item.at)
            if item.key:
                if len(of_device := keys.setdefault(item.device, [])) < self._recent:
                    of_device.append(mark_of(item.key, item.values))
                if len(repeats) < self._repeats.most:
                    repeats.append(hash((item.device, mark_of(item.key, item.values))))

        await self._journal.look_back(_RESUME, see)
        for device, seen in self._seen.items():
            for mark in reversed(keys.get(device, ())):
                seen.keys.add(mark)
            for at in reversed(times.get(device, ())):
                seen.times.add(instant(at))
            seen.last_at = times[device][0]
        for repeat in reversed(repeats):
            self._repeats.add(repeat)

    def door(self, driver: str, window: int | None = None) -> Door:
        """The ``emit`` of one driver. ``window``: what the sender allows in flight."""
        self._repeats.most = max(self._repeats.most, 2 * (window or 0))
        return Door(self, driver, window)

    def _newest(self, reading: Reading, arrival: int) -> None:
        if reading.device in self._seen:  # bounded as the memory of devices is
            before = self.latest.get(reading.device)
            self.latest[reading.device] = completed(reading, before) if before else reading
            self.heard[reading.device] = arrival

    def announced_name(self, device: str) -> str:
        """What its bridge or panel calls a device; "" where that is not known."""
        seen = self.announced.get(device)
        return seen.name if seen is not None else ""

    def _announce(self, seen: DeviceSeen) -> None:
        if seen.device in self.announced or len(self.announced) < _MOST_ANNOUNCED:
            self.announced[seen.device] = seen

    def check_arming(self, arming: Arming) -> None:
        """Raises ``Refusal``; see ``admission.check_arming``."""
        admission.check_arming(arming, self._site)

    def _memory(self, device: str) -> Seen | None:
        """What is remembered of ``device``; strangers may take a tenth of the places at most."""
        seen = self._seen.get(device)
        if seen is None:
            stranger = device not in self._site.devices
            full = len(self._seen) >= _MOST_DEVICES
            if full or (stranger and self._strangers >= _MOST_DEVICES // 10):
                self.overflowing += 1
                return None
            self._strangers += stranger
            seen = self._seen[device] = Seen(self._recent)
        return seen

    def forget(self, records: Sequence[Record]) -> None:
        """These were not stored after all: their keys may come again."""
        for record in records:
            item = record.item
            if _is_canary(item) and self.canary is not None:
                self.canary.kept(0)
            if isinstance(item, Reading) and item.key:
                mark = mark_of(item.key, item.values)
                self._repeats.discard(hash((item.device, mark)))
                if seen := self._seen.get(item.device):
                    seen.keys.discard(mark)


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
            elif isinstance(item, Arming):
                try:
                    intake.check_arming(item)
                except Refusal as refusal:
                    self._refuse(group, item, refusal, stamp)
                    continue
                now = True  # what comes next is judged by it
                journal.add(group, stamp, arrival, self._stamped(item, stamp), True)
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
                if _is_canary(record.item) and intake.canary is not None:
                    intake.canary.kept(record.n)
            elif isinstance(record.item, DeviceSeen):
                intake._announce(record.item)

    def _admit(self, item: Reading, stamp: Stamp) -> Reading:
        """``item`` as it will be stored. Raises ``Refusal``."""
        intake = self._intake
        known = intake._by_address.get((self._driver, item.device))
        if item.device == CANARY_DEVICE:
            item, known = self._canary(item, stamp), None
            device, kind = item.device, item.kind
        elif known is not None:
            device, kind = known.id, known.kind
        else:
            device = self._unknown.get(item.device) or self._unknown_id(item.device)
            kind = item.kind if item.kind in KINDS else UNKNOWN_KIND
        values = admission.checked(item.values)
        admission.check_texts(item)
        seen = intake._memory(device)
        mark, repeat = b"", 0
        if item.key:
            mark = mark_of(item.key, values)
            repeat = hash((device, mark))
            if repeat in intake._repeats or (seen is not None and mark in seen.keys):
                raise Refusal("duplicate", f"{device} already reported key {item.key[:64]!r}")
        wall, observed = stamp.wall, item.observed_at
        at, quality, late = wall, Quality.good, False
        if observed is not None:
            if not wall - OLDEST <= observed <= wall + _FUTURE:
                quality = Quality.clock_suspect
                observed = observed if abs(observed) < admission.BEYOND else None
            elif seen is not None and runs_slow(seen, wall - observed, stamp.mono):
                quality = Quality.clock_suspect
            else:
                at, late = observed, wall - observed > LATE
        if not stamp.trusted:
            quality, late = Quality.clock_suspect, False
        if known is not None and known.ranges and admission.out_of_range(values, known):
            quality = Quality.suspect
        if seen is not None:
            at = apart(seen, at)
            if mark:
                seen.keys.add(mark)
        if repeat:
            intake._repeats.add(repeat)
        return Reading(
            device, kind, values, observed, item.key, item.retained, item.evidence,
            item.origin, wall, at, quality, late,
        )  # fmt: skip

    def _canary(self, item: Reading, stamp: Stamp) -> Reading:
        """The canary's report that was sent through this driver. Raises ``Refusal``.

        Anybody may write to a broker or a port, so nothing counts but the token.
        """
        tokens = self._intake.canary
        values = tokens.heard(self._driver, item.key, stamp) if tokens is not None else None
        if values is None:
            raise Refusal(NOT_SENT, "no such report of the canary is under way")
        return Reading(CANARY_DEVICE, "gateway", values)

    def _id(self, address: str) -> str:
        """The registry's id of ``address``, or a stranger's."""
        known = self._intake._by_address.get((self._driver, address))
        if known is not None:
            return known.id
        return self._unknown.get(address) or self._unknown_id(address)

    def _unknown_id(self, address: str) -> str:
        """``driver/address``: shown, counted and never lost."""
        device = stranger_id(self._driver, address)
        if len(self._unknown) < _MOST_DEVICES:
            self._unknown[address] = device
        return device

    def _refuse(self, group: Group, item: Reading | Arming, refusal: Refusal, stamp: Stamp) -> None:
        kept = None
        if refusal.reason != "duplicate":  # a repeat is normal; what is wrong is kept
            said = item.values if isinstance(item, Reading) else (item.mode, item.by, item.until)
            raw = repr(said)[: admission.LONGEST_TEXT].encode("utf-8", "replace")
            what = item.device if isinstance(item, Reading) else item.place
            source = f"{self._driver} {what}"[:200]
            kept = Quarantined(stamp.wall, source, 0, refusal.detail, raw)
        self._intake._journal.refuse(group, refusal.reason, kept)

    def _stamped(
        self, item: DeviceSeen | Action | Arming, stamp: Stamp
    ) -> DeviceSeen | Action | Arming:
        if isinstance(item, Action | Arming):
            return msgspec.structs.replace(item, received_at=stamp.wall)
        return DeviceSeen(
            self._id(item.device),
            item.kind,
            item.model[:_LONGEST_NAME],
            item.name[:_LONGEST_NAME],
            stamp.wall,
        )

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


def stranger_id(driver: str, address: str) -> str:
    """What a device is called that nobody registered."""
    return f"{driver}/{address}"[:200]


def _is_canary(item: object) -> bool:
    return isinstance(item, Reading) and item.device == CANARY_DEVICE
