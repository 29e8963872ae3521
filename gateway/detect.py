"""The rules' reader: steps the engine over the journal and hands the desk what it decided.

What the rules decided, whom it concerns, the rules' bookmark and their state are written in
one transaction by the desk; what people answered (``Action``) goes with them, at its place. A step
without either is saved lazily: after a crash it runs again and gives the same.

Rules and registry are those in force at each record, not those of the present:

    … record ─▶ step ─▶ Edition ─▶ tick under the old ─▶ settle ─▶ step under the new ─▶ record …
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog

import rules
from gateway.clock import Arrival, Signal, at_most, spin_ns
from gateway.editions import REGISTRY, RULES, Editions
from gateway.incidents.desk import Desk
from gateway.model import SECOND, Action, Change, Edition, Incident, Lane, Position, Record, Site
from gateway.ports import Clock
from gateway.rule_care import Note, RuleCare, RuleRow, report
from gateway.store.cases import Cases
from gateway.store.journal import Journal

READER: Final = "rules"
_AT_ONCE: Final = 500
"""Records stepped over before others get the loop: a few milliseconds."""
_SAVE_EVERY: Final = 5.0
_SHORTEST_WAIT: Final = 0.001
"""Seconds. A timer fires at its own time however late it is looked at; a nanosecond may be none."""
_METERED: Final = 64
"""One record in so many is stepped with a look at the clock around each rule."""

_NOTHING: Final[Counter[str]] = Counter()

log = structlog.get_logger("detect")


class Detector:
    """Owns the engine's state while it runs; the saved one is the truth."""

    def __init__(
        self,
        journal: Journal,
        cases: Cases,
        desk: Desk,
        editions: Editions,
        clock: Clock,
        arrival: Arrival,
        note: Note,
    ) -> None:
        self._journal = journal
        self._cases = cases
        self._desk = desk
        self._editions = editions
        self._clock = clock
        self._arrival = arrival
        self.care = RuleCare(note)
        """What the rules cost and which of them fail."""
        self._ruleset: rules.Ruleset
        self._site: Site
        self._state = rules.State()
        self._lane = journal.lane(READER, Lane.everything)
        self._found = journal.last
        """What an earlier run has left in the journal."""
        self._saved_at = 0
        self._unsaved = False
        self._ready = False
        """Nobody else has the state in hand: it may be looked at."""
        self._modes: list[rules.PlaceMode] = []
        self._rows: list[RuleRow] = []
        self._moved = Signal()
        self.digest = ""
        """Of the rules in force; "" before the first record that names them."""
        self.since = 0
        """Wall ns from when they are; 0: nobody knows any more."""

    def modes(self) -> list[rules.PlaceMode]:
        """Which place is in which mode now; see ``rules.modes``. Empty until the rules run."""
        if self._ready:
            wall = self._clock.now().wall
            self._modes = rules.modes(self._ruleset, self._site, self._state, wall)
        return self._modes

    async def passed(self, n: int, most: float) -> None:
        """Wait until the rules have seen record ``n``, for ``most`` seconds at most."""

        async def pass_() -> None:
            while self._lane.n < n:
                await self._moved.wait(self._moved.count)

        await at_most(most, self._clock, pass_())

    @property
    def at(self) -> int:
        """The record that the rules have seen last."""
        return self._lane.n

    def has(self, rule: str) -> bool:
        """Whether a rule of this name is in force. False until the rules run."""
        return self._ready and any(row.name == rule for row in self.report())

    def cause(self, incident: Incident) -> str:
        """The rule that would hold all of this incident's alarms back now; "" for none."""
        if not self._ready:
            return ""
        holding = incident.rule, incident.alarming
        return rules.cause(self._ruleset, self._site, self._state, *holding)

    def report(self) -> list[RuleRow]:
        """What each rule in force did and cost. Empty until the rules run."""
        if self._ready:
            self._rows = report(self._ruleset, self._state)
        return self._rows

    async def run(self) -> None:
        """Step until cancelled."""
        await self._resume()
        while True:
            seen = self._journal.news.count
            records, upto, damaged = await self._journal.read(
                Lane.everything, self._lane.n, _AT_ONCE
            )
            if records:
                await self._through(records, upto, damaged)
                await self._clock.sleep(0)
            elif upto > self._lane.n:
                await self._settle([], upto, damaged)
            else:
                await self._idle(seen)

    async def _through(self, records: list[Record], upto: int, damaged: int) -> None:
        """Step over ``records``. What is decided before an edition is settled before it."""
        changes: list[Change | Action] = []
        taken = 0
        for record in records:
            if type(record.item) is Edition:
                changes += self._tick(record.arrival)
                if changes:
                    unread = max(0, record.n - 1 - self._lane.n - taken)
                    await self._settle(changes, record.n - 1, unread)
                    changes, taken, damaged = [], 0, max(0, damaged - unread)
                changes += await self._adopt(record, record.item)
            else:
                changes += self._step(record)
            if type(record.item) is Action:  # what was due before it has been decided before it
                changes.append(record.item)
            taken += 1
        await self._settle(changes, upto, damaged)

    def _step(self, record: Record) -> list[Change]:
        meter = spin_ns if record.n % _METERED == 0 else None
        return rules.step(self._ruleset, self._site, self._state, record, meter=meter)

    def _tick(self, now: int, wall: int | None = None) -> list[Change]:
        return rules.tick(self._ruleset, self._site, self._state, now, wall)

    async def _adopt(self, record: Record, edition: Edition) -> list[Change]:
        """Put ``edition`` in force and step over its record.

        In a thread: fitting the state of thousands of devices to other rules takes a second on a
        small board, and the doors have to go on.
        """
        await self._swap(edition)
        self._ready = False  # and it stays so where this does not return: the state is lost then
        changes = await self._editions.in_thread(partial(self._step, record))
        self._ready = True
        return changes

    async def _swap(self, edition: Edition) -> None:
        if edition.what == RULES:
            self.digest, self.since = edition.digest, edition.received_at
            self._ruleset = await self._editions.ruleset(edition.digest)
            self.care.begin_anew(self._state)
        elif edition.what == REGISTRY:
            self._site = await self._editions.site(edition.digest)

    async def _idle(self, seen: int) -> None:
        """No records: step at the next due time, save what lags, or wait for news.

        Records of an unfinished commit have their arrival already: a tick that ran ahead of
        them would decide what a replay decides differently.
        """
        now = self._journal.horizon(self._arrival(self._clock.now()))
        due = self._state.next_due()
        if due is not None and due <= now:
            await self._settle(self._tick(now), self._lane.n)
            return
        lag = self._saved_at + int(_SAVE_EVERY * SECOND)
        if self._unsaved and lag <= now:
            await self._save([])
            return
        waits = [_SAVE_EVERY * 12] + [(lag - now) / SECOND] * self._unsaved
        if due is not None:
            waits.append((due - now) / SECOND)
        news = self._journal.news.wait(seen, first=True)  # people before series
        if not await at_most(max(min(waits), _SHORTEST_WAIT), self._clock, news):
            self._unsaved = True  # a sign of life: the arrival axis goes on from here

    async def _resume(self) -> None:
        """Take up the saved state, or begin again where there is none."""
        self._ready = False
        position, saved = await self._cases.rules_start()
        self._state = rules.State.restore(saved)
        self._state.take_dirty()
        self.care.count_from(self._state)
        lane = self._lane
        if position is None and self._found > 0:
            await self._rebuild()
            return
        if position is not None and position.journal != self._journal.id:
            log.warning("journal_is_new", action="the rules begin at its first record")
            position = None
        n = position.n if position else 0
        lane.n = min(max(n, await self._journal.oldest() - 1), self._journal.last)
        lane.delivered = lane.n - lane.dropped.total()
        await self._take_up(self._state.editions if position and lane.n == n else {})
        if lane.n == self._journal.last:
            # Devices that never report are silent from now on, not from their first record on.
            stamp = self._clock.now()
            now = self._journal.horizon(self._arrival(stamp))
            await self._settle(self._tick(now, stamp.wall), lane.n)

    async def _take_up(self, saved: dict[str, str]) -> None:
        """What is in force at the bookmark: as the saved state says, else as the journal does.

        The state is asked only where it stands at the bookmark: retention may have gone further.
        """
        said = await self._journal.editions_at(self._lane.n)
        in_force = {what: edition.digest for what, edition in said.items()} | saved
        self.digest, self.since = in_force.get(RULES, ""), 0
        self._ruleset = await self._editions.ruleset(self.digest)
        self._site = await self._editions.site(in_force.get(REGISTRY, ""))
        if RULES in said:
            first = await self._journal.read(Lane.everything, said[RULES].since - 1, 1)
            found = [r.wall for r in first.records if r.n == said[RULES].since]
            self.since = found[0] if found else 0
        self._ready = True

    async def _rebuild(self) -> None:
        """The cases were lost: learn from the journal in silence, then say what still holds.

        Telling every alarm of the past weeks again would ring people about what is over.
        """
        log.warning("rules_rebuild", records=self._journal.last)
        self._lane.n, upto = await self._journal.oldest() - 1, self._journal.last
        await self._take_up({})
        while self._lane.n < upto:
            records, self._lane.n, _ = await self._journal.read(
                Lane.everything, self._lane.n, _AT_ONCE
            )
            for record in records:
                if type(record.item) is Edition:
                    self._tick(record.arrival)
                    await self._swap(record.item)
                self._step(record)
            await self._clock.sleep(0)
        now = self._journal.horizon(self._arrival(self._clock.now()))
        self._tick(now)  # what is over is not told
        changes = rules.standing(self._ruleset, self._site, self._state, now)
        self._lane.delivered = self._lane.n - self._lane.dropped.total()
        await self._save(changes)

    async def _settle(
        self, changes: Sequence[Change | Action], upto: int, damaged: int = 0
    ) -> None:
        """Move on to ``upto``; at once on disk when something was decided."""
        lane = self._lane
        dropped = Counter(damaged=damaged) if damaged else _NOTHING
        self._journal.done(lane, lane.n, upto, upto - lane.n - damaged, dropped)
        self._unsaved = True
        self._moved.notify()
        now = self._arrival(self._clock.now())
        self.care.look(self._state, now)
        if changes or now - self._saved_at >= int(_SAVE_EVERY * SECOND):
            await self._save(changes)

    async def _save(self, changes: Sequence[Change | Action]) -> None:
        stamp = self._clock.now()
        arrival = self._arrival(stamp)
        position = Position(self._journal.id, self._lane.n)
        dirty = self._state.take_dirty()
        await self._desk.take(changes, position, dirty, arrival, stamp, self._site)
        self._saved_at, self._unsaved = arrival, False
