"""One report before one rule: what it begins, what it ends, and what it may not.

    values    the latest known, and ``test`` if the report is one
    alone     the same with the report's own older values laid over: the report as it stands

Which of a device's values is the newest is decided by event time. But device clocks go back,
and gateways pass on what they kept. So a report may be older than what is known and still be
the only word of an alarm: it may begin one, never ends one, and where it begins one it is
believed, so that what the device says next is newer again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.model import SECOND, Reading, Turn, Value
from rules import sentence
from rules.decide import Deciding, found_of, is_clear
from rules.expression import TEST
from rules.rule import Rule
from rules.state import CLEARING, OPEN, PENDING, Entry, Watch

REORDERED: Final = 30 * SECOND
"""Reports of one device overtake each other by so much. One that is older than what is known by
more comes from a clock that went back, and is judged as it arrives."""


class Report:
    """Made only for a report that some rule of the device has to do with."""

    __slots__ = (
        "alone", "believed", "deciding", "entry", "event", "now", "older", "reading", "values",
    )  # fmt: skip

    def __init__(
        self,
        deciding: Deciding,
        entry: Entry,
        reading: Reading,
        event: int,
        now: int,
        values: Mapping[str, Value],
        older: Mapping[str, Value] | None,
    ) -> None:
        self.deciding = deciding
        self.entry = entry
        self.reading = reading
        self.event = event
        self.now = now
        self.values = values
        self.older = older or {}
        self.alone = {**values, **self.older} if older else values
        self.believed: set[str] = set()
        """Names whose older values are to be taken over after all."""

    def judge(self, rule: Rule, watch: Watch | None) -> None:
        """Let ``rule`` begin, go on or end, given what it is at (None: nothing)."""
        if watch is None:
            self._begin(rule)
        elif watch.phase == PENDING:
            # By what is known without the test: a test ends nothing.
            if not watch.entered and not rule.when.holds(self.entry.values.get):
                del self.entry.active[rule.name]
            elif self.reading.evidence is not None:
                watch.evidence = self.reading.evidence
        else:
            before = len(self.deciding.changes)
            self._follow(rule, watch)
            if rule.raises and watch.phase == OPEN and rule.name in self.entry.active:
                self.deciding.regrade(rule, self.entry, watch, self.now, self.entry.values.get)
            if self.reading.evidence is not None:
                self._add_evidence(rule, watch, before)

    def believe(self) -> None:
        """Take over the older values that began an alarm; after all rules, for all alike."""
        entry, tested = self.entry, TEST in self.values
        quiet = tested or self.reading.retained or self.reading.late
        for name in sorted(self.believed & self.older.keys()):
            entry.values[name], entry.times[name] = self.older[name], self.event
            entry.quiet.pop(name, None)
            if quiet:
                entry.quiet[name] = tested

    def _add_evidence(self, rule: Rule, watch: Watch, before: int) -> None:
        """Say the picture, unless an alarm did; ahead of an end, after which nobody would ask."""
        changes, reading = self.deciding.changes, self.reading
        if watch.untold or any(change.evidence is reading.evidence for change in changes[before:]):
            return
        found = found_of(reading)
        self.deciding.change(
            Turn.evidence, rule, self.entry, watch, sentence.PICTURED, reading.at, self.now, found,
            reading.evidence,
        )  # fmt: skip
        changes.insert(before, changes.pop())

    # --- begin ---------------------------------------------------------------------------

    def _begin(self, rule: Rule) -> None:
        entry, reading = self.entry, self.reading
        found, doubted = found_of(reading), False
        if (rule.modes or rule.inhibit) and not self.deciding.may_begin(rule, entry, self.now):
            return
        if rule.when.holds(self.values.get) and self._is_news(rule):
            since, wall = entry.newest, self._newest_wall()
        elif self._heeds(rule) and rule.when.holds(self.alone.get):
            # Event times that go back can not tell how long: ``for`` counts from the arrival.
            since, wall = self.now, reading.received_at if rule.hold else reading.at
            found, doubted = found or "late", True
            self.believed |= rule.when.names
        else:
            return
        watch = Watch(
            rule.digest, PENDING, since, wall, 0, found, reading.evidence, doubted=doubted
        )
        self.deciding.begin(rule, entry, watch, self.now, self.alone if doubted else self.values)

    def _is_news(self, rule: Rule) -> bool:
        """Whether the report has to do with ``rule``'s condition, where it must.

        It must where a value of the condition is known only from a report that could not ring:
        that the same device now reports something else does not make that value news.
        """
        quiet, names, older = self.entry.quiet, rule.when.names, self.older
        if not quiet or any(n in self.reading.values and n not in older for n in names):
            return True
        if rule.rings_late:  # for these only a test could not ring
            return not any(quiet.get(name, False) for name in names)
        return quiet.keys().isdisjoint(names)

    def _heeds(self, rule: Rule) -> bool:
        """Whether ``rule`` looks at the report as it stands, although it is older."""
        names = self.older.keys() & rule.when.names
        if not names or rule.rings_late:
            return bool(names)
        return max(self.entry.times[name] for name in names) - self.event > REORDERED

    # --- go on and end -------------------------------------------------------------------

    def _follow(self, rule: Rule, watch: Watch) -> None:
        """An open or clearing alarm meets the report."""
        heeds, holds = self._heeds(rule), rule.when.holds(self.values.get)
        alone = heeds and not holds and rule.when.holds(self.alone.get)
        if watch.phase == CLEARING:
            if alone:
                watch.doubted = True
                self.believed |= rule.when.names
            if holds or alone or not is_clear(rule, self.entry):
                watch.phase, watch.due = OPEN, 0
                if self._is_another(rule, watch, heeds):
                    self._ring(rule, watch, heeds)
        elif not (holds or alone) and is_clear(rule, self.entry):
            self._begin_clearing(rule, watch)
        elif watch.doubted:
            self._say_again(rule, watch, heeds)
        elif self._is_another(rule, watch, heeds):
            self._ring(rule, watch, heeds)
        elif heeds and rule.clear.holds(self.alone.get):
            watch.doubted = True

    def _begin_clearing(self, rule: Rule, watch: Watch) -> None:
        since, wall = self.entry.newest, self._newest_wall()
        if self.event < since:
            since, wall = self.now, self.reading.received_at
        found = found_of(self.reading)
        self.deciding.begin_clearing(rule, self.entry, watch, since, wall, self.now, found)

    def _say_again(self, rule: Rule, watch: Watch, heeds: bool) -> None:
        """The device said in between that the alarm is over, which could not be believed.

        If it alarms now, this may be another one, and the incident of the first be closed.
        """
        values = self.alone if heeds else self.values
        if not rule.when.names.isdisjoint(self.reading.values) and rule.when.holds(values.get):
            self._ring(rule, watch, heeds)

    def _is_another(self, rule: Rule, watch: Watch, heeds: bool) -> bool:
        """Whether the report alone is an alarm, ``again`` after the one before.

        A device that never says that it is over has no other way to call once more.
        """
        if rule.again is None or self.now - watch.alarmed < rule.again:
            return False
        if self.reading.retained or self.reading.late or TEST in self.values:
            return False
        own, values = self._own(rule), self.alone if heeds else self.values
        return bool(own) and rule.when.holds(own.get) and rule.when.holds(values.get)

    def _own(self, rule: Rule) -> dict[str, Value]:
        """What the report itself says of the names of ``rule``'s condition."""
        accepted, said = self.deciding.ruleset.accepted, self.reading.values
        own: dict[str, Value] = {}
        for name in rule.when.names & accepted.keys() & said.keys():
            value = fitting(said[name], accepted[name])
            if value is not None:
                own[name] = value
        for call in rule.when.calls:
            if call.name in own and call.key in self.entry.values:
                own[call.key] = self.entry.values[call.key]
        return own

    def _ring(self, rule: Rule, watch: Watch, heeds: bool) -> None:
        """An alarm that is open already is said once more, as the report has it."""
        reading, values = self.reading, self.alone if heeds else self.values
        watch.wall, watch.evidence, watch.doubted = reading.at, reading.evidence, False
        watch.found = found_of(reading) or ("late" if heeds else "")
        if heeds:
            self.believed |= rule.when.names
        self.deciding.open(rule, self.entry, watch, reading.at, self.now, values)

    def _newest_wall(self) -> int:
        """The event time of the newest report of the device, wall ns."""
        return self.reading.at + (self.entry.newest - self.event)


def fitting(value: Value, wanted: type) -> Value | None:
    """``value`` as the table's type, or None: a value of another type was not reported."""
    if type(value) is wanted:
        return value
    if type(value) is int and wanted is not bool:
        return float(value) if abs(value) < 1 << 1000 else None
    return value if wanted is object and isinstance(value, float | bool | str) else None
