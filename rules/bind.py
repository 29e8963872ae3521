"""Fitting the state to rules or a registry that changed."""

from __future__ import annotations

from typing import Final

from gateway.model import Change, Site, Turn
from rules import sentence
from rules.decide import Deciding, is_clear
from rules.ruleset import Rule, Ruleset
from rules.state import CLEARING, OPEN, PENDING, Entry, State, Watch

_FORGET_AFTER: Final = 7 * 86_400 * 1_000_000_000
"""A device nobody registered, with nothing going on, is forgotten when the registry changes."""


def bind(ruleset: Ruleset, site: Site, state: State, now: int, changes: list[Change]) -> None:
    """Fit the state to ``ruleset`` and ``site``; the same pair again changes nothing."""
    deciding = Deciding(ruleset, site, state, changes, 0)
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


def _carry_over(deciding: Deciding, entry: Entry, now: int) -> None:
    """State follows the rule's name: see ``README.md`` for what a changed rule does to it."""
    assign(deciding, entry)
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
            elif not silence_of(rule, entry.device, deciding.site):
                del entry.active[name]
                state.dirty.add(entry.device)
                wall = now + state.offset
                deciding.change(Turn.cleared, rule, entry, sentence.NOT_WATCHED, wall, now)
        elif changed:
            _restart(deciding, rule, entry, watch, now)
        elif watch.due:
            state.schedule(watch.due, entry.device, name)


def _restart(deciding: Deciding, rule: Rule, entry: Entry, watch: Watch, now: int) -> None:
    """The rule reads otherwise now: open stays open, waiting begins again from now."""
    if watch.phase == PENDING:
        if not rule.when.holds(entry.values.get):
            del entry.active[rule.name]
            return
        watch.due = now + rule.hold
    elif is_clear(rule, entry):
        watch.phase, watch.due = CLEARING, now + rule.keep
    else:
        watch.phase, watch.due = OPEN, 0
        return
    watch.since, watch.wall = now, now + deciding.state.offset
    deciding.state.schedule(watch.due, entry.device, rule.name)


def assign(deciding: Deciding, entry: Entry) -> tuple[Rule, ...]:
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


def silence_of(rule: Rule, device: str, site: Site) -> int:
    """How long ``device`` may be silent under ``rule``, ns; 0: not watched."""
    known = site.devices.get(device)
    if known is None or rule.absent is None or not rule.covers(device, known.kind, site):
        return 0
    return rule.silence(known)
