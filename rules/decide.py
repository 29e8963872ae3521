"""One decision made: a rule's watch opens, clears or waits, and the change that says so."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model import Change, Evidence, Reading, Site, Text, Turn, Value
from rules import sentence
from rules.ruleset import Rule, Ruleset
from rules.state import CLEARING, OPEN, Entry, State, Watch


class Deciding:
    """What every decision of one step needs, and the list it adds to."""

    __slots__ = ("changes", "record", "ruleset", "site", "state")

    def __init__(
        self, ruleset: Ruleset, site: Site, state: State, changes: list[Change], record: int
    ) -> None:
        self.ruleset = ruleset
        self.site = site
        self.state = state
        self.changes = changes
        self.record = record

    def change(
        self,
        turn: Turn,
        rule: Rule,
        entry: Entry,
        why: Text,
        at: int,
        now: int,
        found: str = "",
        evidence: Evidence | None = None,
    ) -> None:
        """Add the change; ``at`` is wall ns, ``now`` arrival ns."""
        self.changes.append(
            Change(
                turn=turn,
                rule=rule.name,
                device=entry.device,
                kind=entry.kind,
                same=same_place(rule.same, entry.device, self.site),
                place=self.site.place_of(entry.device),
                category=rule.category,
                severity=rule.severity,
                title=rule.title,
                why=why,
                at=at,
                now=now,
                record=self.record,
                found=found,
                evidence=evidence,
                incident=rule.incident,
            )
        )

    # --- a rule with a condition ---------------------------------------------------------

    def begin(
        self, rule: Rule, entry: Entry, watch: Watch, now: int, values: Mapping[str, Value]
    ) -> None:
        """``rule.when`` holds in ``values`` since ``watch`` says: open at once, or wait."""
        watch.due = watch.since + rule.hold
        entry.active[rule.name] = watch
        if rule.hold and watch.due > now:
            self.state.schedule(watch.due, entry.device, rule.name)
        else:
            self.open(rule, entry, watch, watch.wall + rule.hold, now, values)

    def open(
        self,
        rule: Rule,
        entry: Entry,
        watch: Watch,
        at: int,
        now: int,
        values: Mapping[str, Value],
    ) -> None:
        """Alarm: pending is over, or an open one is said once more."""
        watch.phase, watch.due, watch.opened, watch.alarmed = OPEN, 0, at, now
        watch.why = sentence.why(rule.when, values, watch.wall, self.ruleset.zone)
        self.change(Turn.alarmed, rule, entry, watch.why, at, now, watch.found, watch.evidence)

    def begin_clearing(
        self, rule: Rule, entry: Entry, watch: Watch, since: int, wall: int, now: int, found: str
    ) -> None:
        """The clear condition holds: cleared at once, or wait for ``keep``."""
        watch.phase, watch.since, watch.wall = CLEARING, since, wall
        watch.due, watch.found = since + rule.keep, found
        if rule.keep and watch.due > now:
            self.state.schedule(watch.due, entry.device, rule.name)
        else:
            self.clear(rule, entry, watch, now)

    def clear(self, rule: Rule, entry: Entry, watch: Watch, now: int) -> None:
        """Clearing is over: back to normal."""
        del entry.active[rule.name]
        why = sentence.why(rule.clear, entry.values, watch.wall, self.ruleset.zone)
        self.change(Turn.cleared, rule, entry, why, watch.wall + rule.keep, now, watch.found)


def found_of(reading: Reading) -> str:
    """How a change that ``reading`` causes was found."""
    if reading.retained:
        return "start"
    return "late" if reading.late else ""


def is_clear(rule: Rule, entry: Entry) -> bool:
    """Whether the clear condition holds; never while the alarm's own condition does."""
    get = entry.values.get
    return rule.clear.holds(get) and not rule.when.holds(get)


def same_place(level: str, device: str, site: Site) -> str:
    """The place within which alarms are one incident; the device where the site knows none."""
    known = site.devices.get(device)
    if known is None or level == "device":
        return f"device:{device}"
    building = site.level(known.place, "building")
    grid = site.level(known.place, "grid")
    if level == "grid" and grid:
        return f"grid:{grid}"
    if level in ("grid", "building") and building:
        return f"building:{building}"
    if level == "flat" and known.flat:
        return f"flat:{grid}/{building}/{known.flat}"
    return f"device:{device}"
