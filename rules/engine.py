"""Records in, changes out: what the rules decide, as a function of its arguments alone.

What happens to a record, in order:

    site or rules changed? ─▶ timers due by now ─▶ merge values ─▶ silence ends ─▶ each rule

One rule for one device, with its times ``for`` and ``keep``:

                 when                     for is over
        (idle) ────────▶ pending ───────────────────────▶ open ◀────────┐ not clear
           ▲                │ not when                      │ clear     │
           │◀───────────────┘                               ▼           │
           └──────────────────────────────────────────── clearing ──────┘
                              keep is over
"""

from __future__ import annotations

from typing import Final

from gateway.model import Change, Evidence, Reading, Record, Site, Text, Turn, Value
from rules import sentence
from rules.ruleset import Rule, Ruleset
from rules.state import CLEARING, OPEN, PENDING, Entry, State, Watch, event_time

_FORGET_AFTER: Final = 7 * 86_400 * 1_000_000_000
"""A device nobody registered, with nothing going on, is forgotten when the registry changes."""


def step(ruleset: Ruleset, site: Site, state: State, record: Record) -> list[Change]:
    """What ``record`` changes, after the timers that fell due before it. Updates ``state``."""
    now = record.arrival
    if now < state.now:
        now = state.now
    state.offset = record.wall - record.arrival
    changes: list[Change] = []
    if state.ruleset is not ruleset or state.site is not site:
        _bind(ruleset, site, state, now, changes)
    heap = state.heap
    if heap and heap[0][0] <= now:
        _fire(ruleset, site, state, now, changes)
    state.now = now
    item = record.item
    if type(item) is Reading:
        entry = state.entries.get(item.device) or state.admit(item.device, item.kind, site)
        if entry is not None:
            _observe(_Deciding(ruleset, site, state, changes, record.n), entry, item, now)
    return changes


def tick(ruleset: Ruleset, site: Site, state: State, now: int) -> list[Change]:
    """The timers due at or before ``now`` (arrival ns), in order, each at its own time."""
    now = max(now, state.now)
    changes: list[Change] = []
    if state.ruleset is not ruleset or state.site is not site:
        _bind(ruleset, site, state, now, changes)
    _fire(ruleset, site, state, now, changes)
    state.now = now
    return changes


def standing(ruleset: Ruleset, site: Site, state: State, now: int) -> list[Change]:
    """Every alarm that stands now, oldest first, marked as found at start. Changes nothing."""
    found: list[Change] = []
    deciding = _Deciding(ruleset, site, state, found, 0)
    for entry in state.entries.values():
        for name, watch in entry.active.items():
            rule = ruleset.by_name.get(name)
            if rule is not None and watch.why is not None:
                deciding.change(
                    Turn.alarmed, rule, entry, watch.why, watch.opened, now, "start", watch.evidence
                )
    return sorted(found, key=lambda change: (change.at, change.device, change.rule))


class _Deciding:
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
            )
        )

    # --- a rule with a condition ---------------------------------------------------------

    def begin(
        self, rule: Rule, entry: Entry, since: int, wall: int, now: int, reading: Reading | None
    ) -> None:
        """The condition holds: open at once, or wait for ``for``."""
        found = "" if reading is None else _found(reading)
        evidence = None if reading is None else reading.evidence
        watch = Watch(rule.digest, PENDING, since, wall, since + rule.hold, found, evidence)
        entry.active[rule.name] = watch
        if rule.hold and watch.due > now:
            self.state.schedule(watch.due, entry.device, rule.name)
        else:
            self.open(rule, entry, watch, now)

    def open(self, rule: Rule, entry: Entry, watch: Watch, now: int) -> None:
        """Pending is over: alarm."""
        watch.phase, watch.due = OPEN, 0
        watch.opened = watch.wall + rule.hold
        watch.why = sentence.why(rule.when, entry.values, watch.wall, self.ruleset.zone)
        self.change(
            Turn.alarmed, rule, entry, watch.why, watch.opened, now, watch.found, watch.evidence
        )

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


def _found(reading: Reading) -> str:
    if reading.retained:
        return "start"
    return "late" if reading.late else ""


def _is_clear(rule: Rule, entry: Entry) -> bool:
    """Whether the clear condition holds; never while the alarm's own condition does."""
    get = entry.values.get
    return rule.clear.holds(get) and not rule.when.holds(get)


# --- a reading ---------------------------------------------------------------------------


def _observe(deciding: _Deciding, entry: Entry, reading: Reading, now: int) -> None:
    state, event = deciding.state, event_time(reading, now)
    state.dirty.add(entry.device)
    _merge(entry, reading, event, deciding.ruleset)
    active, rules = entry.active, entry.rules
    if rules is None or entry.kind != reading.kind:
        entry.kind = reading.kind
        rules = _assign(deciding, entry)
    if not reading.retained:  # what a broker remembers is no sign of life
        entry.heard, entry.heard_wall = now, reading.received_at
        if active:
            _end_silence(deciding, entry, reading, now)
    quiet = reading.retained or reading.late
    get = entry.values.get
    for rule in rules:
        if quiet and not rule.rings_late:
            continue
        watch = active.get(rule.name) if active else None
        if watch is not None:
            _follow(deciding, rule, entry, watch, reading, event, now)
        elif rule.when.holds(get):
            wall = reading.at + (entry.newest - event)
            deciding.begin(rule, entry, entry.newest, wall, now, reading)


def _merge(entry: Entry, reading: Reading, event: int, ruleset: Ruleset) -> None:
    """Take over each value that is not older than the one known."""
    accepted, values, times = ruleset.accepted, entry.values, entry.times
    if event > entry.newest:
        entry.newest = event
    for name, value in reading.values.items():
        wanted = accepted.get(name)
        if wanted is None:
            continue
        if type(value) is not wanted:
            fitted = _fitting(value, wanted)
            if fitted is None:
                continue
            value = fitted
        if times.get(name, event) <= event:
            values[name] = value
            times[name] = event


def _fitting(value: Value, wanted: type) -> Value | None:
    """``value`` as the table's type, or None: a value of another type was not reported."""
    if type(value) is int and wanted is not bool:
        return float(value) if abs(value) < 1 << 1000 else None
    return value if wanted is object and isinstance(value, float | bool | str) else None


def _follow(
    deciding: _Deciding,
    rule: Rule,
    entry: Entry,
    watch: Watch,
    reading: Reading,
    event: int,
    now: int,
) -> None:
    """A rule that is not idle meets a reading."""
    if watch.phase == PENDING:
        if not rule.when.holds(entry.values.get):
            del entry.active[rule.name]
        elif reading.evidence is not None:
            watch.evidence = reading.evidence
        return
    clear = _is_clear(rule, entry)
    if watch.phase == CLEARING:
        if not clear:
            watch.phase, watch.due = OPEN, 0
    elif clear:
        wall = reading.at + (entry.newest - event)
        deciding.begin_clearing(rule, entry, watch, entry.newest, wall, now, _found(reading))


def _assign(deciding: _Deciding, entry: Entry) -> tuple[Rule, ...]:
    """Look up the entry's rules; what belongs to a rule that left is dropped."""
    ruleset, site = deciding.ruleset, deciding.site
    rules = ruleset.conditions_for(entry.device, entry.kind, site)
    entry.rules = rules
    names = {rule.name for rule in rules}
    for name in list(entry.active):
        rule = ruleset.by_name.get(name)
        if rule is None or (name not in names and rule.absent is None):
            del entry.active[name]
            deciding.state.dirty.add(entry.device)
    return rules


# --- silence -----------------------------------------------------------------------------


def _silence(rule: Rule, device: str, site: Site) -> int:
    """How long ``device`` may be silent under ``rule``, ns; 0: not watched."""
    known = site.devices.get(device)
    if known is None or rule.absent is None or not rule.covers(device, known.kind, site):
        return 0
    return rule.silence(known)


def _end_silence(deciding: _Deciding, entry: Entry, reading: Reading, now: int) -> None:
    ruleset, site = deciding.ruleset, deciding.site
    for name in list(entry.active):
        rule = ruleset.by_name[name]
        if rule.absent is None:
            continue
        del entry.active[name]
        why = sentence.heard_again(reading.received_at, ruleset.zone)
        deciding.change(Turn.cleared, rule, entry, why, reading.received_at, now)
        silence = _silence(rule, entry.device, site)
        if silence:
            deciding.state.schedule(now + silence, entry.device, name)


def _silence_due(deciding: _Deciding, rule: Rule, entry: Entry, due: int) -> None:
    silence = _silence(rule, entry.device, deciding.site)
    if not silence or rule.name in entry.active:
        return
    real = entry.heard + silence
    if real > due:
        deciding.state.schedule(real, entry.device, rule.name)
        return
    wall = entry.heard_wall + silence if entry.heard_wall else due + deciding.state.offset
    why = sentence.silent(entry.heard_wall, silence, deciding.ruleset.zone)
    entry.active[rule.name] = Watch(
        rule.digest, OPEN, entry.heard, entry.heard_wall, opened=wall, why=why
    )
    deciding.change(Turn.alarmed, rule, entry, why, wall, due)


# --- timers ------------------------------------------------------------------------------


def _fire(ruleset: Ruleset, site: Site, state: State, now: int, changes: list[Change]) -> None:
    deciding = _Deciding(ruleset, site, state, changes, 0)
    while (timer := state.pop_due(now)) is not None:
        due, device, name = timer
        entry, rule = state.entries.get(device), ruleset.by_name.get(name)
        if entry is None or rule is None:
            continue
        state.now = max(state.now, due)
        state.dirty.add(device)
        if rule.absent is not None:
            _silence_due(deciding, rule, entry, due)
        elif (watch := entry.active.get(name)) is not None:
            _watch_due(deciding, rule, entry, watch, due)


def _watch_due(deciding: _Deciding, rule: Rule, entry: Entry, watch: Watch, due: int) -> None:
    """``for`` or ``keep`` is over, if the latest values still say so.

    They may not: a late report updates the values without being judged.
    """
    if watch.phase == OPEN:
        return
    if watch.due > due:
        deciding.state.schedule(watch.due, entry.device, rule.name)
    elif watch.phase == PENDING:
        if rule.when.holds(entry.values.get):
            deciding.open(rule, entry, watch, due)
        else:
            del entry.active[rule.name]
    elif _is_clear(rule, entry):
        deciding.clear(rule, entry, watch, due)
    else:
        watch.phase, watch.due = OPEN, 0


# --- a new registry or new rules ---------------------------------------------------------


def _bind(ruleset: Ruleset, site: Site, state: State, now: int, changes: list[Change]) -> None:
    """Fit the state to ``ruleset`` and ``site``; the same pair again changes nothing."""
    deciding = _Deciding(ruleset, site, state, changes, 0)
    state.ruleset, state.site, state.now = ruleset, site, now
    state.forget_timers()
    _forget_strangers(state, site, now)
    for entry in state.entries.values():
        entry.rules = None
    for name in sorted(name for name, entry in state.entries.items() if entry.active):
        _carry_over(deciding, state.entries[name], now)
    for rule in ruleset.rules:
        if rule.absent is None:
            continue
        for device in site.devices.values():
            silence = rule.silence(device) if rule.covers(device.id, device.kind, site) else 0
            if silence:
                _watch_silence(state, site, rule, device.id, device.kind, silence)


def _watch_silence(
    state: State, site: Site, rule: Rule, device: str, kind: str, silence: int
) -> None:
    """A device that never reported counts from now on."""
    entry = state.entries.get(device) or state.admit(device, kind, site)
    if entry is not None and rule.name not in entry.active:
        state.schedule(entry.heard + silence, device, rule.name)


def _forget_strangers(state: State, site: Site, now: int) -> None:
    strangers = [entry for device, entry in state.entries.items() if device not in site.devices]
    for entry in strangers:
        if not entry.active and now - entry.heard > _FORGET_AFTER:
            del state.entries[entry.device]
            state.dirty.add(entry.device)
    state.strangers = sum(device not in site.devices for device in state.entries)


def _carry_over(deciding: _Deciding, entry: Entry, now: int) -> None:
    """State follows the rule's name: see ``README.md`` for what a changed rule does to it."""
    _assign(deciding, entry)
    state = deciding.state
    for name, watch in sorted(entry.active.items()):
        rule = deciding.ruleset.by_name[name]
        changed = watch.digest != rule.digest
        if changed:
            watch.digest = rule.digest
            state.dirty.add(entry.device)
        if rule.absent is not None:
            if watch.why is None:
                del entry.active[name]
            elif not _silence(rule, entry.device, deciding.site):
                del entry.active[name]
                state.dirty.add(entry.device)
                wall = now + state.offset
                deciding.change(Turn.cleared, rule, entry, sentence.NOT_WATCHED, wall, now)
        elif changed:
            _restart(deciding, rule, entry, watch, now)
        elif watch.due:
            state.schedule(watch.due, entry.device, name)


def _restart(deciding: _Deciding, rule: Rule, entry: Entry, watch: Watch, now: int) -> None:
    """The rule reads otherwise now: open stays open, waiting begins again from now."""
    if watch.phase == PENDING:
        if not rule.when.holds(entry.values.get):
            del entry.active[rule.name]
            return
        watch.due = now + rule.hold
    elif _is_clear(rule, entry):
        watch.phase, watch.due = CLEARING, now + rule.keep
    else:
        watch.phase, watch.due = OPEN, 0
        return
    watch.since, watch.wall = now, now + deciding.state.offset
    deciding.state.schedule(watch.due, entry.device, rule.name)


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
