"""The rules' reader: steps the engine over the journal and hands the desk what it decided.

What the rules decided, whom it concerns, the rules' bookmark and their state are written in
one transaction by the desk. A step without changes is saved lazily: after a crash it runs
again and gives the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog

import rules
from gateway.clock import Arrival, at_most
from gateway.incidents.desk import Desk
from gateway.model import SECOND, Change, Lane, Position, Site
from gateway.ports import Clock
from gateway.store.cases import Cases
from gateway.store.journal import Journal

READER: Final = "rules"
_AT_ONCE: Final = 500
"""Records stepped over before others get the loop: a few milliseconds."""
_SAVE_EVERY: Final = 5.0

_NOTHING: Final[Counter[str]] = Counter()

log = structlog.get_logger("detect")


class Detector:
    """Owns the engine's state while it runs; the saved one is the truth."""

    def __init__(
        self,
        journal: Journal,
        cases: Cases,
        desk: Desk,
        ruleset: rules.Ruleset,
        site: Callable[[], Site],
        clock: Clock,
        arrival: Arrival,
    ) -> None:
        self._journal = journal
        self._cases = cases
        self._desk = desk
        self._ruleset = ruleset
        self._site = site
        self._clock = clock
        self._arrival = arrival
        self._state = rules.State()
        self._lane = journal.lane(READER, Lane.everything)
        self._saved_at = 0
        self._unsaved = False

    async def run(self) -> None:
        """Step until cancelled."""
        await self._resume()
        while True:
            seen = self._journal.news.count
            records, upto, damaged = await self._journal.read(
                Lane.everything, self._lane.n, _AT_ONCE
            )
            if records:
                site, changes = self._site(), []
                for record in records:
                    changes += rules.step(self._ruleset, site, self._state, record)
                await self._settle(changes, upto, damaged)
                await self._clock.sleep(0)
            elif upto > self._lane.n:
                await self._settle([], upto, damaged)
            else:
                await self._idle(seen)

    async def _idle(self, seen: int) -> None:
        """No records: step at the next due time, save what lags, or wait for news.

        Records of an unfinished commit have their arrival already: a tick that ran ahead of
        them would decide what a replay decides differently.
        """
        now = self._journal.horizon(self._arrival(self._clock.now()))
        due = self._state.next_due()
        if due is not None and due <= now:
            changes = rules.tick(self._ruleset, self._site(), self._state, now)
            await self._settle(changes, self._lane.n)
            return
        lag = self._saved_at + int(_SAVE_EVERY * SECOND)
        if self._unsaved and lag <= now:
            await self._save([])
            return
        waits = [_SAVE_EVERY * 12] + [(lag - now) / SECOND] * self._unsaved
        if due is not None:
            waits.append((due - now) / SECOND)
        news = self._journal.news.wait(seen, first=True)  # people before series
        if not await at_most(min(waits), self._clock, news):
            self._unsaved = True  # a sign of life: the arrival axis goes on from here

    async def _resume(self) -> None:
        """Take up the saved state, or begin again where there is none."""
        position, saved = await self._cases.rules_start()
        self._state = rules.State.restore(saved)
        self._state.take_dirty()
        lane = self._lane
        if position is None and self._journal.last > 0:
            await self._rebuild()
            return
        if position is not None and position.journal != self._journal.id:
            log.warning("journal_is_new", action="the rules begin at its first record")
            position = None
        before_oldest = await self._journal.oldest() - 1
        lane.n = min(max(position.n if position else 0, before_oldest), self._journal.last)
        lane.delivered = lane.n - lane.dropped.total()
        if lane.n == self._journal.last:
            # Devices that never report are silent from now on, not from their first record on.
            stamp = self._clock.now()
            now = self._journal.horizon(self._arrival(stamp))
            changes = rules.tick(self._ruleset, self._site(), self._state, now, stamp.wall)
            await self._settle(changes, lane.n)

    async def _rebuild(self) -> None:
        """The cases were lost: learn from the journal in silence, then say what still holds.

        Telling every alarm of the past weeks again would ring people about what is over.
        """
        log.warning("rules_rebuild", records=self._journal.last)
        self._lane.n, upto = 0, self._journal.last
        while self._lane.n < upto:
            records, self._lane.n, _ = await self._journal.read(
                Lane.everything, self._lane.n, _AT_ONCE
            )
            for record in records:
                rules.step(self._ruleset, self._site(), self._state, record)
            await self._clock.sleep(0)
        now = self._journal.horizon(self._arrival(self._clock.now()))
        rules.tick(self._ruleset, self._site(), self._state, now)  # what is over is not told
        changes = rules.standing(self._ruleset, self._site(), self._state, now)
        self._lane.delivered = self._lane.n - self._lane.dropped.total()
        await self._save(changes)

    async def _settle(self, changes: list[Change], upto: int, damaged: int = 0) -> None:
        """Move on to ``upto``; at once on disk when something was decided."""
        lane = self._lane
        dropped = Counter(damaged=damaged) if damaged else _NOTHING
        self._journal.done(lane, lane.n, upto, upto - lane.n - damaged, dropped)
        self._unsaved = True
        now = self._arrival(self._clock.now())
        if changes or now - self._saved_at >= int(_SAVE_EVERY * SECOND):
            await self._save(changes)

    async def _save(self, changes: list[Change]) -> None:
        stamp = self._clock.now()
        arrival = self._arrival(stamp)
        position = Position(self._journal.id, self._lane.n)
        dirty = self._state.take_dirty()
        await self._desk.take(changes, position, dirty, arrival, stamp, self._site())
        self._saved_at, self._unsaved = arrival, False
