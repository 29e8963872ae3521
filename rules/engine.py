"""Records in, changes out: what the rules decide, as a function of its arguments alone.

What happens to a record, in order:

    site or rules changed? ─▶ timers due by now ─▶ merge values ─▶ silence ends ─▶ each rule
                                                                     (``Report.judge``)

One rule for one device, with its times ``for`` and ``keep``:

                 when                     for is over
        (idle) ────────▶ pending ───────────────────────▶ open ◀────────┐ not clear
           ▲                │ not when                      │ clear     │
           │◀───────────────┘                               ▼           │
           └──────────────────────────────────────────── clearing ──────┘
                              keep is over

An open or clearing one that the device says once more, ``again`` after the change before, stays
(or becomes) open and gives another ``alarmed`` change.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model import Change, Reading, Record, Site, Turn, Value
from rules import sentence
from rules.bind import assign, bind, silence_of
from rules.decide import Deciding, is_clear
from rules.expression import TEST
from rules.report import Report, fitting
from rules.ruleset import Rule, Ruleset
from rules.state import OPEN, PENDING, Entry, State, Watch


def step(ruleset: Ruleset, site: Site, state: State, record: Record) -> list[Change]:
    """What ``record`` changes, after the timers that fell due before it. Updates ``state``."""
    now = record.arrival
    if now < state.now:
        now = state.now
    changes: list[Change] = []
    if state.ruleset is not ruleset or state.site is not site:
        bind(ruleset, site, state, now, changes)
    heap = state.heap
    if heap and heap[0][0] <= now:
        _fire(ruleset, site, state, now, changes)
    state.follow(record, now)
    item = record.item
    if type(item) is Reading:
        entry = state.entries.get(item.device) or state.admit(item.device, item.kind, site)
        if entry is not None:
            _observe(Deciding(ruleset, site, state, changes, record.n), entry, item, now)
    return changes


def tick(
    ruleset: Ruleset, site: Site, state: State, now: int, wall: int | None = None
) -> list[Change]:
    """The timers due at or before ``now`` (arrival ns), in order, each at its own time.

    No record with an earlier arrival may come after it. ``wall`` (UTC ns at ``now``) dates
    changes as long as no record ever did.
    """
    now = max(now, state.now)
    if wall is not None and not state.offset:
        state.offset = wall - now
    changes: list[Change] = []
    if state.ruleset is not ruleset or state.site is not site:
        bind(ruleset, site, state, now, changes)
    _fire(ruleset, site, state, now, changes)
    state.now = now
    return changes


def standing(ruleset: Ruleset, site: Site, state: State, now: int) -> list[Change]:
    """Every alarm that stands now, oldest first, marked as found at start. Changes nothing."""
    found: list[Change] = []
    deciding = Deciding(ruleset, site, state, found, 0)
    for entry in state.entries.values():
        for name, watch in entry.active.items():
            rule = ruleset.by_name.get(name)
            if rule is not None and watch.why is not None:
                deciding.change(
                    Turn.alarmed, rule, entry, watch.why, watch.opened, now, "start", watch.evidence
                )
    return sorted(found, key=lambda change: (change.at, change.device, change.rule))


# --- a reading ---------------------------------------------------------------------------


def _observe(deciding: Deciding, entry: Entry, reading: Reading, now: int) -> None:
    state, said = deciding.state, reading.values
    event = state.event_time(reading, now)
    state.dirty.add(entry.device)
    older = _merge(entry, reading, event, deciding.ruleset)
    active, rules = entry.active, entry.rules
    if rules is None or entry.kind != reading.kind:
        entry.kind = reading.kind
        rules = assign(deciding, entry)
    if not reading.retained:  # what a broker remembers is no sign of life
        entry.heard, entry.heard_wall = now, reading.received_at
        if active:
            _end_silence(deciding, entry, reading, now)
    quiet, tested = reading.retained or reading.late, said.get(TEST) is True
    if quiet or tested or entry.quiet:
        _note_quiet(entry, said, older, quiet, tested)
    values = {**entry.values, TEST: True} if tested else entry.values
    holds = values.get
    alone = {**values, **older}.get if older else None
    report: Report | None = None
    for rule in rules:
        if quiet and not rule.rings_late:
            continue
        watch = active.get(rule.name) if active else None
        if watch or rule.when.holds(holds) or (alone and rule.when.holds(alone)):
            if report is None:
                report = Report(deciding, entry, reading, event, now, values, older)
            report.judge(rule, watch)
    if report is not None and report.believed:
        report.believe()


def _merge(entry: Entry, reading: Reading, event: int, ruleset: Ruleset) -> dict[str, Value] | None:
    """Take over each value that is not older than the one known; those that are, if any."""
    accepted, values, times = ruleset.accepted, entry.values, entry.times
    older: dict[str, Value] | None = None
    if event > entry.newest:
        entry.newest = event
    for name, value in reading.values.items():
        wanted = accepted.get(name)
        if wanted is None:
            continue
        if type(value) is not wanted:
            fitted = fitting(value, wanted)
            if fitted is None:
                continue
            value = fitted
        if times.get(name, event) <= event:
            values[name] = value
            times[name] = event
        elif older is None:
            older = {name: value}
        else:
            older[name] = value
    return older


def _note_quiet(
    entry: Entry,
    said: Mapping[str, Value],
    older: Mapping[str, Value] | None,
    quiet: bool,
    tested: bool,
) -> None:
    """Keep account of the values that came by a report which could not ring."""
    for name in said:
        if older and name in older:
            continue
        if not quiet and not tested:
            entry.quiet.pop(name, None)
        elif name in entry.values:
            entry.quiet[name] = tested


# --- silence -----------------------------------------------------------------------------


def _end_silence(deciding: Deciding, entry: Entry, reading: Reading, now: int) -> None:
    ruleset, site = deciding.ruleset, deciding.site
    for name in list(entry.active):
        rule = ruleset.by_name[name]
        if rule.absent is None:
            continue
        del entry.active[name]
        why = sentence.heard_again(reading.received_at, ruleset.zone)
        deciding.change(Turn.cleared, rule, entry, why, reading.received_at, now)
        silence = silence_of(rule, entry.device, site)
        if silence:
            deciding.state.schedule(now + silence, entry.device, name)


def _silence_due(deciding: Deciding, rule: Rule, entry: Entry, due: int) -> None:
    silence = silence_of(rule, entry.device, deciding.site)
    if not silence or rule.name in entry.active:
        return
    real = entry.heard + silence
    if real > due:
        deciding.state.schedule(real, entry.device, rule.name)
        return
    wall = entry.heard_wall + silence if entry.heard_wall else due + deciding.state.offset
    why = sentence.silent(entry.heard_wall, silence, deciding.ruleset.zone)
    entry.active[rule.name] = Watch(
        rule.digest, OPEN, entry.heard, entry.heard_wall, opened=wall, why=why, alarmed=due
    )
    deciding.change(Turn.alarmed, rule, entry, why, wall, due)


# --- timers ------------------------------------------------------------------------------


def _fire(ruleset: Ruleset, site: Site, state: State, now: int, changes: list[Change]) -> None:
    deciding = Deciding(ruleset, site, state, changes, 0)
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


def _watch_due(deciding: Deciding, rule: Rule, entry: Entry, watch: Watch, due: int) -> None:
    """``for`` or ``keep`` is over, if the latest values still say so.

    They may not: a late report updates the values without being judged.
    """
    if watch.phase == OPEN:
        return
    if watch.due > due:
        deciding.state.schedule(watch.due, entry.device, rule.name)
    elif watch.phase == PENDING:
        if rule.when.holds(entry.values.get):
            deciding.open(rule, entry, watch, watch.wall + rule.hold, due, entry.values)
        else:
            del entry.active[rule.name]
    elif is_clear(rule, entry):
        deciding.clear(rule, entry, watch, due)
    else:
        watch.phase, watch.due = OPEN, 0
