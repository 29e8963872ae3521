"""Records in, changes out: what the rules decide, as a function of its arguments alone.

What happens to a record, in order:

    site or rules changed? ─▶ timers due by now ─▶ a reading: values ─▶ windows ─▶ silence ends
                                                        ─▶ each rule (``Report.judge``)
                                                   an arming: modes ─▶ rules that look at modes
    ─▶ rules over a place, and what was held back, with each of them

One rule for one device, with its times ``for`` and ``keep``:

                 when                     for is over
        (idle) ────────▶ pending ───────────────────────▶ open ◀────────┐ not clear
           ▲                │ not when                      │ clear     │
           │◀───────────────┘                               ▼           │
           └──────────────────────────────────────────── clearing ──────┘
                              keep is over

An open or clearing one that the device says once more, ``again`` after the change before, stays
(or becomes) open and gives another ``alarmed`` change. A rule that looks only in some modes, or is
held back, does not leave idle meanwhile; ``entry`` is a second ``for`` that only disarming ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Final

from gateway.model import Arming, Change, Edition, Reading, Record, Site, Turn, Value
from rules import look, rhythm, window
from rules.bind import bind
from rules.decide import FAULTS, Deciding
from rules.expression import TEST
from rules.modes import PlaceMode, Said, mode_of
from rules.report import REORDERED, Report, fitting
from rules.rule import Rule
from rules.ruleset import NOTHING, Ruleset
from rules.state import Cost, Entry, State
from rules.timers import EXIT, GROUP, MODES, WINDOW

Meter = Callable[[], int]
"""A clock that only measures, ns."""
_MOST_SAID: Final = 10_000
"""Places whose arming records are remembered."""
_WORD: Final = "(word)"
"""Among a keypad's values: the ``armed`` that it said as a word. No value can be called so."""
_NONE: Final[frozenset[str]] = frozenset()


def step(
    ruleset: Ruleset, site: Site, state: State, record: Record, meter: Meter | None = None
) -> list[Change]:
    """What ``record`` changes, after the timers that fell due before it. Updates ``state``.

    With ``meter`` what each rule takes is added to ``state.costs``; it decides nothing.
    """
    now = record.arrival
    if now < state.now:
        now = state.now
    changes: list[Change] = []
    if state.ruleset is not ruleset or state.site is not site:
        _take_up(ruleset, site, state, now, changes)
    heap = state.heap
    if heap and heap[0][0] <= now:
        _fire(ruleset, site, state, now, changes)
    state.follow(record, now)
    item = record.item
    deciding = Deciding(ruleset, site, state, changes, record.n)
    if type(item) is Reading:
        entry = state.entries.get(item.device) or state.admit(item.device, item.kind, site)
        if entry is not None:
            if item.device in ruleset.keypads:
                _listen(deciding, entry, item, record, now)
            _observe(deciding, entry, item, now, meter)
    elif type(item) is Arming:
        _arm(deciding, item, record, now)
    elif type(item) is Edition:
        state.editions[item.what] = item.digest
    if state.modes_stale or state.freed:
        _settle(deciding, now)
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
        _take_up(ruleset, site, state, now, changes)
    _fire(ruleset, site, state, now, changes)
    state.now = now
    return changes


def standing(ruleset: Ruleset, site: Site, state: State, now: int) -> list[Change]:
    """Every alarm that stands now, oldest first, marked as found at start. Changes nothing."""
    found: list[Change] = []
    deciding = Deciding(ruleset, site, state, found, 0)
    for entry in state.entries.values():
        for name, watch in entry.active.items():
            rule = entry.cover.by_name.get(name)
            if rule is not None and watch.opened and watch.why is not None and not watch.untold:
                deciding.say(
                    Turn.alarmed, rule, entry, watch, watch.why, watch.opened, now, "start",
                    watch.evidence,
                )  # fmt: skip
    for (name, _), group in state.groups.items():
        over = ruleset.by_name.get(name)
        if over is not None and group.device:
            deciding.say_group(over, group, now)
    return sorted(found, key=lambda change: (change.at, change.device, change.rule))


def modes(ruleset: Ruleset, site: Site, state: State, wall: int) -> list[PlaceMode]:
    """The mode of every place at wall ns ``wall``, the topmost first; for people to see.

    As long as no clock could be trusted no plan counts, here as in the rules.
    """
    rows: list[PlaceMode] = []
    trusted = wall if state.likely_wall(state.now) is not None else None
    switches = {plan.name: plan.next_switch(wall) or 0 for plan in ruleset.plans}
    for code in site.places:
        found = mode_of(ruleset, site, state.said, code, trusted, state.now)
        plan = ruleset.plan_for(code, site)
        rows.append(
            PlaceMode(
                place=code,
                mode=found.mode,
                by=found.by,
                since=found.wall,
                plan=plan.name if plan else "",
                next=switches[plan.name] if plan and trusted is not None else 0,
                until=found.until if found.until > wall else 0,
            )
        )
    return rows


# --- a reading ---------------------------------------------------------------------------


def _observe(
    deciding: Deciding, entry: Entry, reading: Reading, now: int, meter: Meter | None
) -> None:
    state, said = deciding.state, reading.values
    event = state.event_time(reading, now)
    state.dirty.add(entry.device)
    cover = entry.cover
    below = bool(reading.origin)
    if cover is NOTHING or entry.kind != reading.kind or entry.below is not below:
        entry.kind, entry.below = reading.kind, below
        cover = look.cover_of(deciding, entry, now)
        for rule in cover.silences:
            look.schedule_silence(deciding, rule, entry)
        if cover.modal:
            look.schedule_exits(deciding, entry, now)
    quiet, tested = reading.retained or reading.late, said.get(TEST) is True
    repeated = _live_already(entry, said) if quiet or tested else _NONE
    older = _merge(entry, reading, event, deciding.ruleset)
    brought: list[str] | None = None
    if cover.asked is not None:
        brought = _note_windows(deciding, entry, reading, event, now)
    active = entry.active
    if not reading.retained:  # what a broker remembers is no sign of life
        if cover.silences:
            _note_life(deciding, entry, reading, now)
        entry.heard, entry.heard_wall = now, reading.received_at
    if quiet or tested or entry.quiet:
        _note_quiet(entry, said.keys() - repeated, older, quiet, tested)
    values = {**entry.values, TEST: True} if tested else entry.values
    holds = values.get
    alone = {**values, **older}.get if older else None
    report: Report | None = None
    rules = cover.conditions
    if meter is not None:
        _measure(deciding, rules, holds, meter)
    for rule in rules:
        if quiet and not rule.rings_late:
            continue
        watch = active.get(rule.name) if active else None
        try:
            if watch or rule.when.holds(holds) or (alone and rule.when.holds(alone)):
                if report is None:
                    report = Report(deciding, entry, reading, event, now, values, older)
                report.judge(rule, watch)
        except FAULTS as error:
            deciding.failed(rule, error)
    if report is not None and report.believed:
        report.believe()
    if active and cover.windowed:
        look.schedule_window(deciding, entry, now)
    if brought:
        for key in brought:
            entry.values[key] = False  # it was so for this report alone


def _note_life(deciding: Deciding, entry: Entry, reading: Reading, now: int) -> None:
    """The device lives: its rhythm is learnt, its silence ends."""
    cover = entry.cover
    if cover.rhythm and entry.heard_wall and entry.excused <= entry.heard:
        rhythm.heard(entry.rhythm, now - entry.heard)
    entry.heard, entry.heard_wall = now, reading.received_at
    if entry.active:
        look.end_silence(deciding, entry, reading.received_at, now)
    if cover.rhythm:
        for rule in cover.silences:
            look.schedule_silence(deciding, rule, entry)


def _note_windows(
    deciding: Deciding, entry: Entry, reading: Reading, event: int, now: int
) -> list[str]:
    """Take the report into the windows; the keys of ``changed`` that hold for it alone."""
    asked, accepted, windows = entry.cover.asked, deciding.ruleset.accepted, entry.windows
    if asked is None:
        return []
    tested = reading.values.get(TEST) is True
    overtaken = windows.newest and event < windows.newest - REORDERED
    if reading.retained or tested or overtaken:
        look.work_out(entry, look.window_end(entry, now))  # what was worked out last has grown old
        return []
    windows.newest = max(windows.newest, event) if windows.newest else event
    brought: list[str] = []
    for name, value in reading.values.items():
        if name not in asked.lengths and name not in asked.watched:
            continue
        wanted = accepted.get(name)  # None: a test is not remembered
        fitted = fitting(value, wanted) if wanted is not None else None
        if fitted is not None and window.note(windows, asked, name, fitted, event):
            brought += [c.key for c in asked.calls if c.name == name and not c.length]
    for key in brought:
        entry.values[key] = True
    entry.lag = now - windows.newest
    look.work_out(entry, windows.newest)
    return brought


def _measure(
    deciding: Deciding, rules: tuple[Rule, ...], holds: Callable[..., object], meter: Meter
) -> None:
    """What each condition takes, by itself: the rules are judged after it as always."""
    costs = deciding.state.costs
    for rule in rules:
        start = meter()
        try:
            rule.when.holds(holds)
        except FAULTS:
            continue  # counted where it is judged
        took = meter() - start
        cost = costs.get(rule.name)
        if cost is None:
            cost = costs[rule.name] = Cost()
        cost.count += 1
        cost.total += took
        cost.worst = max(cost.worst, took)


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


def _live_already(entry: Entry, said: Mapping[str, Value]) -> set[str]:
    """Names that a report which can not ring only repeats: they stay as they were known."""
    known, quiet = entry.values, entry.quiet
    return {name for name, value in said.items() if name not in quiet and known.get(name) == value}


def _note_quiet(
    entry: Entry,
    said: Set[str],
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


# --- arming and timers -------------------------------------------------------------------


def _arm(deciding: Deciding, item: Arming, record: Record, now: int) -> None:
    """Somebody set a place to a mode."""
    state = deciding.state
    if item.place not in state.said and len(state.said) >= _MOST_SAID:
        state.refused["arming_full"] += 1
        return
    said_at = item.received_at or record.wall
    wall = _said_at(deciding, said_at, record, now)
    ends = now + max(item.until - said_at, 0) if item.until else 0
    state.said[item.place] = Said(item.mode, item.by, wall, now, item.until, ends)
    state.dirty_said.add(item.place)
    state.modes_stale = True


def _said_at(deciding: Deciding, wall: int, record: Record, now: int) -> int:
    """``wall``, or what it likely was where the clock of ``record`` was not trusted; 0: unknown."""
    return wall if record.trusted else deciding.state.likely_wall(now) or 0


def _listen(deciding: Deciding, entry: Entry, reading: Reading, record: Record, now: int) -> None:
    """A keypad: what it says anew is a word for its places. Said late it is none.

    Anew: since it was last listened to. What was learnt from a retained or late report was no
    word, so the next live report of the same is one.
    """
    armed = reading.values.get("armed")
    if not isinstance(armed, bool) or reading.retained or reading.late:
        return
    state, keypad = deciding.state, deciding.ruleset.keypads[reading.device]
    known = entry.times.get("armed", 0)
    if known - REORDERED <= state.event_time(reading, now) < known:
        return  # overtaken by a newer one
    before = None if "armed" in entry.quiet else entry.values.get("armed")
    before = entry.values.get(_WORD, before)
    entry.values[_WORD] = armed
    if before is armed:
        return
    mode = keypad.mode if armed else "disarmed"
    wall = _said_at(deciding, reading.at, record, now)
    for place in sorted(keypad.grids) or ("",):
        state.said[place] = Said(mode, f"device:{reading.device}", wall, now)
        state.dirty_said.add(place)
    state.modes_stale = True


def _settle(deciding: Deciding, now: int) -> None:
    """What a decision brings about elsewhere, until nothing more does."""
    state = deciding.state
    while state.modes_stale or state.freed:
        if state.modes_stale:
            state.modes_stale = False
            look.modes_may_have_changed(deciding, now)
        look.release(deciding, now)


def _take_up(ruleset: Ruleset, site: Site, state: State, now: int, changes: list[Change]) -> None:
    """Go on with these rules and this registry, from where time had come to."""
    bind(ruleset, site, state, now, changes)
    _settle(Deciding(ruleset, site, state, changes, 0), state.now)


def _fire(ruleset: Ruleset, site: Site, state: State, now: int, changes: list[Change]) -> None:
    deciding = Deciding(ruleset, site, state, changes, 0)
    while (timer := state.pop_due(now)) is not None:
        asked, device, name = timer
        due = state.now = max(state.now, asked)  # rules that came later may look back
        if name == MODES:
            state.modes_stale = True
        elif name.startswith(GROUP):
            _group_due(deciding, name.removeprefix(GROUP), device, due)
        elif (entry := state.entries.get(device)) is not None:
            state.dirty.add(device)
            _entry_due(deciding, entry, name, due, asked)
        if state.modes_stale or state.freed:
            _settle(deciding, due)


def _group_due(deciding: Deciding, name: str, same: str, due: int) -> None:
    over, group = deciding.ruleset.by_name.get(name), deciding.state.groups.get((name, same))
    if over is not None and group is not None:
        deciding.weigh(over, same, group, due + deciding.state.offset, due)


def _entry_due(deciding: Deciding, entry: Entry, name: str, due: int, asked: int) -> None:
    """A timer of the entry, set for ``asked``. It may be one that nothing waits for any more."""
    if name == WINDOW:
        look.window_due(deciding, entry, due)
        return
    if name == EXIT:
        look.exit_due(deciding, entry, due, asked)
        return
    rule = entry.cover.by_name.get(name)
    if rule is None:
        return
    try:
        if rule.absent is not None:
            look.silence_due(deciding, rule, entry, due)
        elif (watch := entry.active.get(name)) is not None:
            look.watch_due(deciding, rule, entry, watch, due, asked)
    except FAULTS as error:
        deciding.failed(rule, error)
