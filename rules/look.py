"""Looking at a device again although it reported nothing.

Time passed, its place was armed, or what held an alarm back is over.
"""

from __future__ import annotations

from typing import Final

from gateway.model import Turn
from rules import sentence, window
from rules.decide import FAULTS, Deciding, is_clear
from rules.modes import mode_of, next_switch, who_said
from rules.places import scope_key
from rules.rhythm import limit_of
from rules.rule import UNWATCHED, Rule
from rules.ruleset import Cover
from rules.state import OPEN, PENDING, Entry, Watch
from rules.timers import EXIT, MODES, WINDOW

FOUND_ARMED: Final = "armed"
_JITTER: Final = 1_000_000_000
"""Ns by which a clock may be mended without any plan's times being worked out anew."""


def cover_of(deciding: Deciding, entry: Entry, now: int) -> Cover:
    """Look up the rules of the entry; what belongs to a rule that left is told and dropped."""
    ruleset, site = deciding.ruleset, deciding.site
    before = entry.cover.asked
    cover = entry.cover = ruleset.cover(entry.device, entry.kind, site, below=entry.below)
    for name in [name for name in entry.active if name not in cover.by_name]:
        watch = entry.active.pop(name)
        deciding.state.dirty.add(entry.device)
        if watch.phase != PENDING:
            deciding.let_go(name, entry, watch, now)
    windows = entry.windows
    if (windows.samples or windows.since) and window.forget(windows, cover.asked):
        deciding.state.dirty.add(entry.device)
    if before is not cover.asked:
        for call in before.calls if before is not None else ():
            entry.values.pop(call.key, None)
            deciding.state.dirty.add(entry.device)
        work_out(entry, window_end(entry, deciding.state.now))
    return cover


def again(deciding: Deciding, entry: Entry, rule: Rule, now: int, found: str = "") -> None:
    """Judge ``rule`` by what is known, at arrival ``now``."""
    try:
        if rule.absent is None:
            _judge(deciding, entry, rule, now, found)
        else:
            _judge_silence(deciding, entry, rule, now)
    except FAULTS as error:
        deciding.failed(rule, error)


def _judge_silence(deciding: Deciding, entry: Entry, rule: Rule, now: int) -> None:
    watch = entry.active.get(rule.name)
    if watch is None:
        schedule_silence(deciding, rule, entry)
    elif rule.modes and not deciding.in_mode(rule, entry, now):
        _disarm(deciding, entry, rule, watch, now)
        deciding.state.dirty.add(entry.device)


def _judge(deciding: Deciding, entry: Entry, rule: Rule, now: int, found: str) -> None:
    watch = entry.active.get(rule.name)
    get = entry.values.get
    if watch is None:
        if rule.when.calls:
            work_out(entry, window_end(entry, now))
        if (
            rule.when.holds(get)
            and _known_live(entry, rule)
            and deciding.may_begin(rule, entry, now)
        ):
            wall = now + deciding.state.offset
            watch = Watch(rule.digest, PENDING, now, wall, 0, found)
            deciding.begin(rule, entry, watch, now, entry.values)
            schedule_window(deciding, entry, now)
            deciding.state.dirty.add(entry.device)
        return
    if rule.modes and not deciding.in_mode(rule, entry, now):
        _disarm(deciding, entry, rule, watch, now)
    elif watch.phase == PENDING:
        if not watch.entered and not rule.when.holds(get):
            del entry.active[rule.name]
    elif watch.phase == OPEN:
        if is_clear(rule, entry):
            wall = now + deciding.state.offset
            deciding.begin_clearing(rule, entry, watch, now, wall, now, "")
        elif rule.raises:
            deciding.regrade(rule, entry, watch, now, get)
    elif not is_clear(rule, entry):
        deciding.reopen(rule, entry, watch, now)
    deciding.state.dirty.add(entry.device)


def _known_live(entry: Entry, rule: Rule) -> bool:
    """Whether no value of the condition is known only by a report that could not ring."""
    quiet = entry.quiet
    if not quiet:
        return True
    if rule.rings_late:
        return not any(quiet.get(name, False) for name in rule.when.names)
    return quiet.keys().isdisjoint(rule.when.names)


def _disarm(deciding: Deciding, entry: Entry, rule: Rule, watch: Watch, now: int) -> None:
    if watch.phase == PENDING:
        del entry.active[rule.name]
        return
    mode = deciding.mode(deciding.site.place_of(entry.device), now)
    wall = now + deciding.state.offset
    who = who_said(mode.by, deciding.ruleset, deciding.site)
    why = sentence.disarmed(mode.mode, who, mode.wall or wall, deciding.ruleset.zone)
    deciding.end(rule, entry, watch, why, wall, now)


# --- windows -----------------------------------------------------------------------------


def window_end(entry: Entry, now: int) -> int:
    """Where the entry's windows end at arrival ``now``, by event time.

    An instant before ``now``: a report that comes just when another one leaves takes its place.
    """
    return max(entry.windows.newest, now - entry.lag - 1)


def work_out(entry: Entry, end: int) -> bool:
    """What the functions of the entry's rules are worth for windows that end at ``end``.

    Returns whether one of them is worth something else than before.
    """
    asked = entry.cover.asked
    if asked is None:
        return False
    values, windows, other = entry.values, entry.windows, False
    for call in asked.calls:
        if not call.length:
            continue
        found = window.worth(windows, call, end, windows.newest)
        if found is None:
            other = values.pop(call.key, None) is not None or other
        elif values.get(call.key) != found:
            values[call.key] = found
            other = True
    return other


def schedule_window(deciding: Deciding, entry: Entry, now: int) -> None:
    """Look again when the next report falls out of a window of a rule that is at something.

    A rule begins with a report; as time passes it goes on or ends.
    """
    asked, active = entry.cover.asked, entry.active
    if asked is None or not any(rule.name in active for rule in entry.cover.windowed):
        return
    leaves = window.next_end(entry.windows, asked, window_end(entry, now))
    if leaves is not None:
        # A report of the same instant comes first: it may be what takes the place of the other.
        deciding.state.schedule(leaves + entry.lag + 1, entry.device, WINDOW)


def window_due(deciding: Deciding, entry: Entry, due: int) -> None:
    """A report falls out of a window now."""
    if work_out(entry, window_end(entry, due)):
        for rule in entry.cover.windowed:
            if rule.name in entry.active:
                again(deciding, entry, rule, due)
    schedule_window(deciding, entry, due)


# --- modes -------------------------------------------------------------------------------


def modes_may_have_changed(deciding: Deciding, now: int) -> None:
    """Work the modes out again; where one changed, the rules that look at modes look again."""
    state, ruleset, site = deciding.state, deciding.ruleset, deciding.site
    if not ruleset.modal and not state.modes:
        return
    wall = state.likely_wall(now)
    changed: set[str] = set()
    for place, before in list(state.modes.items()):
        if place and place not in site.places:
            state.set_mode(place, None)
            continue
        found = mode_of(ruleset, site, state.said, place, wall, now)
        if found.mode != before.mode:
            changed.add(place)
            state.set_mode(place, found)
        elif found.by != before.by:
            state.set_mode(place, found._replace(since=before.since))
    due = next_switch(ruleset, state.said, wall, now)
    # A small correction of the clock must not move what a restart would place otherwise.
    if abs(due - state.modes_due) > _JITTER or state.modes_due <= now:
        state.modes_due = due
        state.modes_offset = state.modes_offset if wall is None else wall - now
    if state.modes_due:
        state.schedule(state.modes_due, "", MODES)
    if changed:
        _places_changed(deciding, changed, now)


def _places_changed(deciding: Deciding, changed: set[str], now: int) -> None:
    for device in sorted(deciding.state.entries):
        entry = deciding.state.entries[device]
        if entry.cover.modal and deciding.site.place_of(device) in changed:
            look_at_modal(deciding, entry, now)


def look_at_modal(deciding: Deciding, entry: Entry, now: int) -> None:
    """The mode of the entry's place changed, or an exit delay may be over."""
    for rule in entry.cover.modal:
        again(deciding, entry, rule, now, FOUND_ARMED)
    schedule_exits(deciding, entry, now)


def exit_due(deciding: Deciding, entry: Entry, due: int, asked: int) -> None:
    """The exit delay that ends at ``asked`` is over, unless its place was armed anew since."""
    mode = deciding.state.modes.get(deciding.site.place_of(entry.device))
    if mode is not None and any(mode.since + rule.exit == asked for rule in entry.cover.modal):
        look_at_modal(deciding, entry, due)
    else:
        schedule_exits(deciding, entry, due)


def schedule_exits(deciding: Deciding, entry: Entry, now: int) -> None:
    """Look again when the exit delay of a rule is over."""
    mode = deciding.state.modes.get(deciding.site.place_of(entry.device))
    if mode is None:
        return  # no rule asked yet: there is nothing to look at again
    for rule in entry.cover.modal:
        if rule.exit and mode.mode in rule.modes and mode.since + rule.exit > now:
            deciding.state.schedule(mode.since + rule.exit, entry.device, EXIT)


# --- what was held back ------------------------------------------------------------------


def release(deciding: Deciding, now: int) -> None:
    """Whoever was held back by a rule that stands no more is looked at again."""
    state = deciding.state
    while state.freed:
        freed, state.freed = state.freed, []
        for name, scope, where in freed:
            _free(deciding, name, scope, where, now)


def _free(deciding: Deciding, name: str, scope: str, where: str, now: int) -> None:
    site = deciding.site
    for device in sorted(deciding.state.entries):
        entry = deciding.state.entries[device]
        for rule in entry.cover.inhibited:
            if name not in rule.inhibit or rule.inhibit_in != scope:
                continue
            if scope_key(scope, device, site) != where:
                break
            if rule.absent is not None:
                excuse(deciding, entry, now)
            again(deciding, entry, rule, now)


# --- silence -----------------------------------------------------------------------------


def excuse(deciding: Deciding, entry: Entry, now: int) -> None:
    """Until ``now`` the entry's silence had another cause, or nobody expected anything of it."""
    entry.excused = now
    deciding.state.dirty.add(entry.device)


def silence_of(deciding: Deciding, rule: Rule, entry: Entry) -> int:
    """How long the entry's device may be silent under ``rule``, ns; 0: not watched."""
    known = deciding.site.devices.get(entry.device)
    if known is None or rule.absent is None:
        return 0
    silence = rule.silence(known)
    if not silence and rule.rhythm and known.state not in UNWATCHED:
        return limit_of(entry.rhythm)
    return silence


def schedule_silence(deciding: Deciding, rule: Rule, entry: Entry) -> None:
    """Look when the silence would be too long."""
    silence = silence_of(deciding, rule, entry)
    if silence and rule.name not in entry.active:
        due = max(entry.heard, entry.excused) + silence
        deciding.state.schedule(due, entry.device, rule.name)


def silence_due(deciding: Deciding, rule: Rule, entry: Entry, due: int) -> None:
    """A device may have been silent for too long."""
    silence = silence_of(deciding, rule, entry)
    if not silence or rule.name in entry.active:
        return
    real = max(entry.heard, entry.excused) + silence
    if real > due:
        deciding.state.schedule(real, entry.device, rule.name)
        return
    if not deciding.may_begin(rule, entry, due):
        return  # looked at again when that is over
    heard = entry.heard_wall
    wall = heard + (due - entry.heard) if heard else due + deciding.state.offset
    why = sentence.silent(heard, max(silence, due - entry.heard), deciding.ruleset.zone)
    watch = Watch(rule.digest, OPEN, entry.heard, heard, opened=wall, why=why, alarmed=due)
    watch.began, watch.severity = due, rule.severity.value
    entry.active[rule.name] = watch
    deciding.stand(rule.name, entry.device, 1)
    deciding.change(Turn.alarmed, rule, entry, watch, why, wall, due)
    deciding.member_alarmed(rule, entry, wall, due, "")


def end_silence(deciding: Deciding, entry: Entry, received_at: int, now: int) -> None:
    """The device reported: whatever said that it is silent is over."""
    for rule in entry.cover.silences:
        watch = entry.active.get(rule.name)
        if watch is not None:
            why = sentence.heard_again(received_at, deciding.ruleset.zone)
            deciding.end(rule, entry, watch, why, received_at, now)
            schedule_silence(deciding, rule, entry)


# --- timers of a watch -------------------------------------------------------------------


def watch_due(
    deciding: Deciding, rule: Rule, entry: Entry, watch: Watch, due: int, asked: int
) -> None:
    """``for``, ``entry``, ``keep`` or a step of ``raise`` is over, if it still holds.

    The values may say otherwise now: a late report updates them without being judged.
    """
    if watch.phase == OPEN:
        if asked in deciding.grade_times(rule, watch):
            deciding.regrade(rule, entry, watch, due, entry.values.get)
        else:
            deciding.schedule_grade(rule, entry, watch, due)
    elif watch.due > due:
        deciding.state.schedule(watch.due, entry.device, rule.name)
    elif watch.phase == PENDING:
        _pending_over(deciding, rule, entry, watch, due)
    elif is_clear(rule, entry):
        deciding.clear(rule, entry, watch, due)
    else:
        deciding.reopen(rule, entry, watch, due)


def _pending_over(deciding: Deciding, rule: Rule, entry: Entry, watch: Watch, due: int) -> None:
    if watch.entered:  # only disarming ends it
        goes_on = deciding.in_mode(rule, entry, due)
    else:
        goes_on = rule.when.holds(entry.values.get) and deciding.may_begin(rule, entry, due)
    if not goes_on:
        del entry.active[rule.name]
    elif rule.entry and not watch.entered:
        deciding.enter(rule, entry, watch, due, entry.values)
    else:
        entered = watch.entered
        at = watch.wall + rule.hold + (rule.entry if entered else 0)
        deciding.open(rule, entry, watch, at, due, entry.values)
        if entered and is_clear(rule, entry):
            # The door was shut behind whoever came in: only now may that be said.
            since = max((entry.times.get(name, 0) for name in rule.clear.names), default=0) or due
            wall = since + deciding.state.offset
            deciding.begin_clearing(rule, entry, watch, since, wall, due, "")
