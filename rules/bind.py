"""Fitting the state to rules or a registry that changed."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.model import Change, Device, Site, Text
from rules import look, sentence
from rules.decide import Deciding, is_clear
from rules.places import same_place
from rules.rule import UNWATCHED, Rule
from rules.ruleset import Ruleset
from rules.state import CLEARING, OPEN, PENDING, Entry, State, Watch
from rules.timers import MODES

_FORGET_AFTER: Final = 7 * 86_400 * 1_000_000_000
"""A device nobody registered, with nothing going on, is forgotten when the registry changes."""


def bind(ruleset: Ruleset, site: Site, state: State, now: int, changes: list[Change]) -> None:
    """Fit the state to ``ruleset`` and ``site``; the same pair again changes nothing."""
    deciding = Deciding(ruleset, site, state, changes, 0)
    past = _Past.of(state, now)
    # What fell due before ``now`` still fires at its own time: the axis stays where it stood.
    before = state.now = state.now or now
    state.ruleset, state.site = ruleset, site
    state.forget_timers()
    _forget_strangers(state, site, now)
    adopted = _exchange(deciding, past.site, now) if past is not None else []
    _admit_watched(ruleset, site, state, now)
    _cover_everybody(deciding, now)
    _count_standing(deciding)
    for name in sorted(name for name, entry in state.entries.items() if entry.active):
        _carry_over(deciding, state.entries[name], now)
    _regroup(deciding, now)
    if past is not None:
        _excuse_returned(deciding, past, now)
    if changes:
        state.now = now  # nothing may be said to have happened before what was just said
    for entry in state.entries.values():
        _set_timers(deciding, entry, before)
    if past is None:  # as it was: a restart alone switches nothing
        if state.modes_due:
            state.schedule(state.modes_due, "", MODES)
        return
    look.modes_may_have_changed(deciding, state.now)
    _look_around(deciding, past, now)
    for device in adopted:
        _take_up(deciding, state.entries[device], now)
    look.release(deciding, now)
    if changes:
        state.now = now


def _exchange(deciding: Deciding, before: Site, now: int) -> list[str]:
    """Devices that are called otherwise now, or gone: their alarms end under the old name.

    What was known of a stranger goes to the device it is registered as; those are returned.
    """
    state, site = deciding.state, deciding.site
    if before is site:
        return []
    addresses = {(d.driver, d.address): d for d in site.devices.values()}
    adopted: list[str] = []
    for device in sorted(state.entries.keys() - site.devices.keys()):
        entry = state.entries[device]
        driver, _, address = device.partition("/")
        known = addresses.get((driver, address))
        if known is not None:
            _let_all_go(deciding, entry, sentence.registered(known.name), now)
            if known.id not in state.entries and _renamed(state, entry, known, site):
                adopted.append(known.id)
        elif device in before.devices:
            _let_all_go(deciding, entry, sentence.TAKEN_OUT, now)
    return adopted


def _let_all_go(deciding: Deciding, entry: Entry, why: Text, now: int) -> None:
    for name, watch in sorted(entry.active.items()):
        if watch.phase != PENDING:
            deciding.let_go(name, entry, watch, now, why)
    entry.active.clear()
    deciding.state.dirty.add(entry.device)


def _renamed(state: State, entry: Entry, known: Device, site: Site) -> bool:
    """Hand what is known of a stranger to the device that it is; whether there was room."""
    del state.entries[entry.device]
    target = state.admit(known.id, known.kind, site)
    if target is None:
        return False
    target.values, target.times, target.quiet = entry.values, entry.times, entry.quiet
    target.newest, target.windows, target.lag = entry.newest, entry.windows, entry.lag
    target.heard, target.heard_wall, target.rhythm = entry.heard, entry.heard_wall, entry.rhythm
    return True


def _take_up(deciding: Deciding, entry: Entry, now: int) -> None:
    """What a stranger last said is looked at with the rules of the device that it is."""
    for rule in entry.cover.conditions:
        look.again(deciding, entry, rule, now)


class _Past(NamedTuple):
    """What the rules and the registry before had to do with it; none after a restart."""

    site: Site
    idle: list[tuple[str, str]]
    """(device, rule) that did not look because of the mode of the place."""
    held: list[tuple[str, str]]
    """(device, rule) that was held back."""

    @classmethod
    def of(cls, state: State, now: int) -> _Past | None:
        """As the state was bound until now."""
        if state.ruleset is None or state.site is None:
            return None
        deciding = Deciding(state.ruleset, state.site, state, [], 0)
        past = cls(state.site, [], [])
        for device, entry in sorted(state.entries.items()):
            cover = entry.cover
            past.idle.extend(
                (device, rule.name)
                for rule in cover.modal
                if rule.name not in entry.active and not deciding.in_mode(rule, entry, now)
            )
            past.held.extend(
                (device, rule.name)
                for rule in cover.inhibited
                if rule.name not in entry.active and deciding.held_back(rule, device)
            )
        return past


def _look_around(deciding: Deciding, past: _Past, now: int) -> None:
    """What did not look may look now: by other rules, in another place, without who held it."""
    for found, waiting in (("", past.held), (look.FOUND_ARMED, past.idle)):
        for device, name in waiting:
            entry = deciding.state.entries.get(device)
            rule = entry.cover.by_name.get(name) if entry is not None else None
            if entry is None or rule is None or rule.name in entry.active:
                continue
            if waiting is past.held and rule.absent is not None:
                if deciding.held_back(rule, device):
                    continue
                look.excuse(deciding, entry, now)
            look.again(deciding, entry, rule, now, found)
    for _, entry in sorted(deciding.state.entries.items()):
        for rule in entry.cover.modal:
            if rule.name in entry.active and not deciding.in_mode(rule, entry, now):
                look.again(deciding, entry, rule, now)


def _excuse_returned(deciding: Deciding, past: _Past, now: int) -> None:
    """Of a device that was planned, retired or unknown until now nobody expected anything."""
    if past.site is deciding.site:
        return
    for entry in deciding.state.entries.values():
        known, was = deciding.site.devices.get(entry.device), past.site.devices.get(entry.device)
        expected = was is not None and was.state not in UNWATCHED
        if known is not None and known.state not in UNWATCHED and not expected:
            look.excuse(deciding, entry, now)


def _forget_strangers(state: State, site: Site, now: int) -> None:
    strangers = [entry for device, entry in state.entries.items() if device not in site.devices]
    for entry in strangers:
        if not entry.active and now - entry.heard > _FORGET_AFTER:
            del state.entries[entry.device]
            state.dirty.add(entry.device)
    state.strangers = sum(device not in site.devices for device in state.entries)


def _admit_watched(ruleset: Ruleset, site: Site, state: State, now: int) -> None:
    """A registered device that never reported is silent from now on."""
    if not any(rule.absent is not None for rule in ruleset.rules):
        return
    for device in site.devices.values():
        if device.id in state.entries:
            continue
        cover = ruleset.cover(device.id, device.kind, site)
        if any(rule.silence(device) for rule in cover.silences):
            entry = state.admit(device.id, device.kind, site)
            if entry is not None:
                entry.heard = now


def _cover_everybody(deciding: Deciding, now: int) -> None:
    for device in sorted(deciding.state.entries):
        look.cover_of(deciding, deciding.state.entries[device], now)


def _count_standing(deciding: Deciding) -> None:
    """Where rules stand that hold others back."""
    state = deciding.state
    state.holding_back = {}
    state.freed.clear()  # by the places of before; ``_Past`` knows who was held back
    if not deciding.ruleset.inhibiting:
        return
    for entry in state.entries.values():
        for name, watch in entry.active.items():
            if watch.phase != PENDING:
                deciding.stand(name, entry.device, 1)
    for (name, _), group in state.groups.items():
        if group.device:
            deciding.stand(name, group.device, 1)


def _carry_over(deciding: Deciding, entry: Entry, now: int) -> None:
    """State follows the rule's name: see ``README.md`` for what a changed rule does to it."""
    state = deciding.state
    for name, watch in sorted(entry.active.items()):
        rule = entry.cover.by_name[name]
        changed = watch.digest != rule.digest
        if changed:
            watch.digest = rule.digest
            state.dirty.add(entry.device)
        if rule.absent is not None:
            if watch.why is None:
                del entry.active[name]
            elif not look.silence_of(deciding, rule, entry):
                state.dirty.add(entry.device)
                wall = now + state.offset
                deciding.end(rule, entry, watch, sentence.NOT_WATCHED, wall, now)
        elif changed:
            _restart(deciding, rule, entry, watch, now)


def _restart(deciding: Deciding, rule: Rule, entry: Entry, watch: Watch, now: int) -> None:
    """The rule reads otherwise now: open stays open, waiting begins again from now."""
    if watch.phase == PENDING:
        if not rule.when.holds(entry.values.get):
            del entry.active[rule.name]
            return
        watch.due, watch.entered = now + rule.hold, False
    elif is_clear(rule, entry):
        watch.phase, watch.due = CLEARING, now + rule.keep
    else:
        watch.phase, watch.due = OPEN, 0
        return
    watch.since, watch.wall = now, now + deciding.state.offset


def _regroup(deciding: Deciding, now: int) -> None:
    """Rules over a place: what no longer belongs to one is over."""
    state, ruleset, site = deciding.state, deciding.ruleset, deciding.site
    for (name, same), group in sorted(state.groups.items(), key=lambda one: one[0]):
        over = ruleset.by_name.get(name)
        if over is None or over.confirm is None:
            if group.device:
                deciding.close_group(name, Text(name, name), group, sentence.NO_RULE, now)
            del state.groups[name, same]
            state.dirty_groups.add((name, same))
            continue
        for key, member in group.members.items():
            rule, _, device = key.partition("|")
            entry = state.entries.get(device)
            watch = entry.active.get(rule) if entry is not None else None
            here = same_place(over.same, device, site) == same
            stands = watch is not None and watch.phase != PENDING and here
            if member.stands and not (stands and rule in over.confirm.rules):
                member.stands = False
                state.dirty_groups.add((name, same))
        if group.digest != over.digest or state.dirty_groups:
            group.digest = over.digest
        # As far as time had come: what grew old meanwhile does so at its own time.
        deciding.weigh(over, same, group, state.now + state.offset, state.now)


def _set_timers(deciding: Deciding, entry: Entry, before: int) -> None:
    """Every timer of the entry; ``before`` is how far time had come for it."""
    state = deciding.state
    for rule in entry.cover.silences:
        look.schedule_silence(deciding, rule, entry)
    for name, watch in entry.active.items():
        rule = entry.cover.by_name[name]
        if watch.phase != OPEN and watch.due:
            state.schedule(watch.due, entry.device, name)
        elif watch.phase == OPEN and rule.raises:
            if watch.eased:
                state.schedule(watch.eased + rule.keep, entry.device, name)
            for line in rule.raises:
                if line.after and watch.began + line.after > before:
                    state.schedule(watch.began + line.after, entry.device, name)
    if entry.cover.asked is not None:
        look.schedule_window(deciding, entry, before)
    if entry.cover.modal:
        look.schedule_exits(deciding, entry, before)
