"""What nobody else can see: the clock was set, a store takes nothing, was written over, is old."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from gateway.clock import Arrival
from gateway.health import journal_change
from gateway.incidents.desk import Desk
from gateway.model import SECOND, Site, Stamp, Value
from gateway.ports import Clock
from gateway.rule_care import Note
from gateway.store.cases import Cases
from gateway.store.journal import Journal

_CLOCK_EVERY: Final = 5.0
_STORES_EVERY: Final = 5.0
_RETAIN_EVERY: Final = 3600.0
_FAILING_LONG: Final = 15 * SECOND
"""A journal that takes nothing for longer than this is somebody's business."""

log = structlog.get_logger("gateway")


class Watch:
    """Three loops, each of them a task of the gateway; ``note`` reports values of a part of it."""

    def __init__(
        self,
        journal: Journal,
        cases: Cases,
        desk: Desk,
        note: Note,
        clock: Clock,
        arrival: Arrival,
        site: Callable[[], Site],
        trusted: Callable[[], Awaitable[None]],
    ) -> None:
        """``trusted``: called again and again while the wall clock can be trusted."""
        self._journal = journal
        self._cases = cases
        self._desk = desk
        self._note = note
        self._clock = clock
        self._arrival = arrival
        self._site = site
        self._now_trusted = trusted
        self._trusted = clock.now().trusted
        self.damaged: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done, with what to say, when a store was written from outside: memory is out of date."""

    def say_what_was_put_aside(self) -> None:
        """A store that was found broken becomes an incident; a sound one clears it."""
        for name, aside in (("journal", self._journal.put_aside), ("cases", self._cases.put_aside)):
            values: dict[str, Value] = {"store_replaced": aside is not None, "store_damaged": False}
            if aside is not None:
                values["extra.file"] = aside.name
            self._note(f"store:{name}", values)

    async def clock(self) -> None:
        """Once the wall clock is right, say what it was worth before; then only watch."""
        while True:
            await self._clock.sleep(_CLOCK_EVERY)
            now = self._clock.now()
            if now.trusted and not self._trusted:
                await self._journal.trust(now)  # where it fails, it is tried again
                log.info("clock_trusted")
            self._trusted = now.trusted
            if now.trusted:
                await self._now_trusted()

    async def stores(self) -> None:
        """What the stores can not say through themselves: written over, or not writable."""
        failing_since, told, damaged = 0, False, 0
        while True:
            await self._clock.sleep(_STORES_EVERY)
            stamp = self._clock.now()
            if not await self._journal.is_whole() and not self.damaged.done():
                self.damaged.set_result("journal.db was written over from outside")
            if self._cases.overtaken and not self.damaged.done():
                self.damaged.set_result(
                    "another gridwarden has written to site.cases.url meanwhile"
                )
            if self._journal.damaged > damaged:
                damaged = self._journal.damaged
                self._note("store:journal", {"store_damaged": True})
            failing = bool(self._journal.failing)
            failing_since = (failing_since or stamp.mono) if failing else 0
            lasting = failing and stamp.mono - failing_since >= _FAILING_LONG
            if lasting != told and (lasting or not failing):
                await self._tell_of_journal(lasting, stamp)
                told = lasting

    async def retention(self) -> None:
        """Let go closed incidents and personal texts that are past their age."""
        while True:
            await self._clock.sleep(_RETAIN_EVERY)
            gone = await self._cases.retain(self._arrival(self._clock.now()))
            if any(gone):
                log.info("cases_retained", texts=gone.texts, incidents=gone.incidents)

    async def _tell_of_journal(self, failing: bool, stamp: Stamp) -> None:
        """Straight to the desk: the ordinary way leads through the journal."""
        arrival = self._arrival(stamp)
        change = journal_change(failing, self._journal.failing, self._site().root(), stamp, arrival)
        await self._desk.take([change], None, {}, arrival, stamp, self._site())
