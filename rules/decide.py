"""One decision made: a rule's watch opens, clears or waits, and the change that says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from gateway.model import Category, Change, Evidence, Reading, Severity, Site, Text, Turn, Value
from rules import groups, sentence
from rules.groups import MOST_GROUPS, Group, Member
from rules.modes import Mode, mode_of
from rules.places import same_place, scope_key
from rules.rule import Raise, Rule
from rules.ruleset import Ruleset
from rules.state import CLEARING, OPEN, Entry, State, Watch
from rules.timers import EXIT, GROUP

SEVERITIES: Final = tuple(severity.value for severity in Severity)
FAULTS: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a faulty rule may raise; the next rule goes on all the same."""
_LONGEST_FAULT: Final = 200


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
        watch: Watch,
        why: Text,
        at: int,
        now: int,
        found: str = "",
        evidence: Evidence | None = None,
    ) -> None:
        """Add the change, unless it is only recorded; ``at`` is wall ns, ``now`` arrival ns."""
        if turn is Turn.alarmed:
            self.state.tally[rule.name, "alarmed"] += 1
            if rule.recorded:
                return
        elif watch.untold:
            return
        self.say(turn, rule, entry, watch, why, at, now, found, evidence)

    def say(
        self,
        turn: Turn,
        rule: Rule,
        entry: Entry,
        watch: Watch,
        why: Text,
        at: int,
        now: int,
        found: str,
        evidence: Evidence | None,
    ) -> None:
        """Add the change whatever is counted and recorded."""
        if watch.told is None:
            same = same_place(rule.same, entry.device, self.site)
            watch.told = (rule.incident, same, rule.category.value)
        severity = watch.severity or rule.severity.value
        armed = self._armed(rule, entry, now) if turn is Turn.alarmed else ""
        self._put(
            turn, rule.name, rule.title, entry, watch.told, severity, why, at, now,
            found=found, evidence=evidence, armed=armed,
        )  # fmt: skip

    def _put(
        self,
        turn: Turn,
        name: str,
        title: Text,
        about: Entry | Group,
        told: tuple[str, str, str],
        severity: str,
        why: Text,
        at: int,
        now: int,
        *,
        found: str = "",
        evidence: Evidence | None = None,
        armed: str = "",
    ) -> None:
        """The one place where a change is made; ``told`` says where its alarm's begin went."""
        incident, same, category = told
        self.changes.append(
            Change(
                turn=turn,
                rule=name,
                device=about.device,
                kind=about.kind,
                same=same,
                place=self.site.place_of(about.device),
                category=Category(category),
                severity=Severity(severity),
                title=title,
                why=why,
                at=at,
                now=now,
                record=self.record,
                found=found,
                evidence=evidence,
                incident=incident,
                armed=armed,
            )
        )

    def _armed(self, rule: Rule, entry: Entry, now: int) -> str:
        """In which mode the place of the alarm is, and whose word that is."""
        if not rule.modes:
            return ""
        mode = self.mode(self.site.place_of(entry.device), now)
        return f"{mode.mode} {mode.by}".strip()

    def let_go(
        self, name: str, entry: Entry, watch: Watch, now: int, why: Text = sentence.NO_RULE
    ) -> None:
        """The rule of an alarm is gone, or no longer for this device: nobody watches it.

        Said from what the alarm itself remembers; the incident stays with its owner.
        """
        self.stand(name, entry.device, -1)
        if watch.told is not None:
            wall, title = now + self.state.offset, Text(name, name)
            self._put(Turn.cleared, name, title, entry, watch.told, watch.severity, why, wall, now)
        self.member_over(name, entry.device, now)

    def failed(self, rule: Rule, error: Exception) -> None:
        """Count a rule that raised; its neighbours go on."""
        count, _ = self.state.failures.get(rule.name, (0, ""))
        text = f"{type(error).__name__}: {error}"[:_LONGEST_FAULT]
        self.state.failures[rule.name] = (count + 1, text)

    # --- whether a rule looks at all -----------------------------------------------------

    def in_mode(self, rule: Rule, entry: Entry, now: int) -> bool:
        """Whether the device's place is in a mode of the rule."""
        mode = self.mode(self.site.place_of(entry.device), now).mode
        return not rule.modes or mode in rule.modes

    def looks(self, rule: Rule, entry: Entry, now: int) -> bool:
        """Whether the device's place is in a mode of the rule, its exit delay over."""
        if not rule.modes:
            return True
        mode = self.mode(self.site.place_of(entry.device), now)
        if mode.mode not in rule.modes:
            return False
        if not mode.since or now >= mode.since + rule.exit:
            return True
        self.state.schedule(mode.since + rule.exit, entry.device, EXIT)
        return False

    def mode(self, place: str, now: int) -> Mode:
        """The mode of ``place``, as it was worked out when it last may have changed."""
        state = self.state
        found = state.modes.get(place)
        if found is None:
            wall = state.likely_wall(now)
            found = mode_of(self.ruleset, self.site, state.said, place, wall, now)
            state.set_mode(place, found)
            state.modes_stale = True
        return found

    def held_back(self, rule: Rule, device: str) -> str:
        """The rule that makes this one pointless here and now; "" for none."""
        where = ""
        for name in rule.inhibit:
            standing = self.state.holding_back.get((name, rule.inhibit_in))
            if standing:
                where = where or scope_key(rule.inhibit_in, device, self.site)
                if standing.get(where):
                    return name
        return ""

    def may_begin(self, rule: Rule, entry: Entry, now: int) -> bool:
        """Whether ``rule``, whose condition holds, may begin; counts why not."""
        if rule.modes and not self.looks(rule, entry, now):
            self.state.tally[rule.name, "disarmed"] += 1
            return False
        if rule.inhibit and self.held_back(rule, entry.device):
            self.state.tally[rule.name, "inhibited"] += 1
            return False
        return True

    # --- a rule with a condition ---------------------------------------------------------

    def begin(
        self, rule: Rule, entry: Entry, watch: Watch, now: int, values: Mapping[str, Value]
    ) -> None:
        """``rule.when`` holds in ``values`` since ``watch`` says: open at once, or wait."""
        watch.due = watch.since + rule.hold
        entry.active[rule.name] = watch
        if rule.hold and watch.due > now:
            self.state.schedule(watch.due, entry.device, rule.name)
        elif rule.entry:
            self.enter(rule, entry, watch, now, values)
        else:
            self.open(rule, entry, watch, watch.wall + rule.hold, now, values)

    def enter(
        self, rule: Rule, entry: Entry, watch: Watch, now: int, values: Mapping[str, Value]
    ) -> None:
        """The entry delay begins: somebody may be on the way to the keypad."""
        watch.entered, watch.due = True, now + rule.entry
        watch.why = sentence.why(rule.when, values, watch.wall, self.ruleset.zone)
        self.state.schedule(watch.due, entry.device, rule.name)

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
        first = not watch.opened
        entered = watch.entered
        watch.phase, watch.due, watch.opened, watch.alarmed = OPEN, 0, at, now
        watch.entered = False
        if not (entered and watch.why is not None):
            watch.why = sentence.why(rule.when, values, watch.wall, self.ruleset.zone)
            if entry.kind == "gateway":
                watch.why = sentence.because(watch.why, values)
        if first:
            watch.began = now
            self.stand(rule.name, entry.device, 1)
        if rule.raises:
            self._grade_at_opening(rule, entry, watch, now, values)
        else:
            watch.severity = rule.severity.value
        self.change(
            Turn.alarmed, rule, entry, watch, watch.why, at, now, watch.found, watch.evidence
        )
        self.member_alarmed(rule, entry, at, now, watch.found)

    def reopen(self, rule: Rule, entry: Entry, watch: Watch, now: int) -> None:
        """It was about to clear, and is not any more."""
        watch.phase, watch.due = OPEN, 0
        if rule.raises:
            self.regrade(rule, entry, watch, now, entry.values.get)

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
        why = sentence.why(rule.clear, entry.values, watch.wall, self.ruleset.zone)
        self.end(rule, entry, watch, why, watch.wall + rule.keep, now, watch.found)

    def end(
        self, rule: Rule, entry: Entry, watch: Watch, why: Text, at: int, now: int, found: str = ""
    ) -> None:
        """The alarm is over, for whatever reason."""
        del entry.active[rule.name]
        self.stand(rule.name, entry.device, -1)
        self.change(Turn.cleared, rule, entry, watch, why, at, now, found)
        self.member_over(rule.name, entry.device, now)

    # --- severity ------------------------------------------------------------------------

    def regrade(
        self, rule: Rule, entry: Entry, watch: Watch, now: int, get: Callable[..., object]
    ) -> None:
        """Say it when an open alarm is more, or less, severe than was said before."""
        line = _line(rule, watch, now, get)
        severity = (line.severity if line else rule.severity).value
        self.schedule_grade(rule, entry, watch, now)
        if not self._is_due(rule, entry, watch, severity, now):
            return
        before, watch.severity = watch.severity or rule.severity.value, severity
        wall = now + self.state.offset
        why = sentence.graded(
            line, before, severity, entry.values, wall, self.ruleset.zone, watch.why
        )
        self.change(Turn.severity, rule, entry, watch, why, wall, now, watch.found)

    def _is_due(self, rule: Rule, entry: Entry, watch: Watch, severity: str, now: int) -> bool:
        """Whether ``severity`` is to be said: a higher one at once, a lower one after ``keep``."""
        rank = SEVERITIES.index(severity) - SEVERITIES.index(watch.severity or rule.severity.value)
        if rank >= 0:
            watch.eased = 0
            return rank > 0
        watch.eased = watch.eased or now
        if now - watch.eased < rule.keep:
            self.schedule_grade(rule, entry, watch, now)
            return False
        watch.eased = 0
        return True

    def _grade_at_opening(
        self, rule: Rule, entry: Entry, watch: Watch, now: int, values: Mapping[str, Value]
    ) -> None:
        line = _line(rule, watch, now, values.get)
        watch.severity = (line.severity if line else rule.severity).value
        self.schedule_grade(rule, entry, watch, now)

    def grade_times(self, rule: Rule, watch: Watch) -> list[int]:
        """When the severity may change by itself, arrival ns, past and to come."""
        times = [watch.began + line.after for line in rule.raises if line.after]
        return [*times, watch.eased + rule.keep] if watch.eased else times

    def schedule_grade(self, rule: Rule, entry: Entry, watch: Watch, now: int) -> None:
        """Look when the severity may change next."""
        due = min((due for due in self.grade_times(rule, watch) if due > now), default=None)
        if due is not None:
            self.state.schedule(due, entry.device, rule.name)

    # --- rules that look at other rules' alarms ------------------------------------------

    def stand(self, rule: str, device: str, step: int) -> None:
        """Keep account of where ``rule`` stands, if it holds others back."""
        for scope in self.ruleset.inhibiting.get(rule, ()):
            standing = self.state.holding_back.setdefault((rule, scope), Counter())
            where = scope_key(scope, device, self.site)
            standing[where] += step
            if standing[where] <= 0:
                del standing[where]
                self.state.freed.append((rule, scope, where))

    def member_alarmed(self, rule: Rule, entry: Entry, at: int, now: int, found: str) -> None:
        """The alarm counts for the rules over a place that name its rule."""
        for over in self.ruleset.confirming.get(rule.name, ()):
            same = same_place(over.same, entry.device, self.site)
            group = self.state.groups.get((over.name, same))
            if group is None:
                if len(self.state.groups) >= MOST_GROUPS:
                    self.state.refused["groups_full"] += 1
                    continue
                group = self.state.groups[over.name, same] = Group({}, digest=over.digest)
            key = groups.key_of(rule.name, entry.device)
            known = group.members.get(key)
            since = known.since if known is not None and known.stands else now
            group.members[key] = Member(entry.kind, now, True, since)
            self.weigh(over, same, group, at, now, entry, found)

    def member_over(self, rule: str, device: str, now: int) -> None:
        """The alarm stands no more; for some time it still counts."""
        for over in self.ruleset.confirming.get(rule, ()):
            same = same_place(over.same, device, self.site)
            group = self.state.groups.get((over.name, same))
            if group is None or (member := group.members.get(groups.key_of(rule, device))) is None:
                continue
            member.stands = False
            self.weigh(over, same, group, now + self.state.offset, now)

    def weigh(
        self,
        over: Rule,
        same: str,
        group: Group,
        at: int,
        now: int,
        entry: Entry | None = None,
        found: str = "",
    ) -> None:
        """Whether the alarms of a place are enough for ``over``, now."""
        confirm = over.confirm
        if confirm is None:
            return
        self.state.dirty_groups.add((over.name, same))
        dropped = groups.trim(group, confirm, now)
        if dropped:
            self.state.refused["members_full"] += dropped
        enough = groups.holds(group, confirm, now)
        if enough and not group.device and entry is not None:
            self._open_group(over, same, group, at, now, entry, found)
        elif not enough and group.device:
            self.close_group(over.name, over.title, group, sentence.NOT_CONFIRMED, now)
        if not group.members and not group.device:
            del self.state.groups[over.name, same]
        elif (due := groups.next_due(group, confirm, now)) is not None:
            self.state.schedule(due, same, GROUP + over.name)

    def _open_group(
        self, over: Rule, same: str, group: Group, at: int, now: int, entry: Entry, found: str
    ) -> None:
        group.device, group.kind = entry.device, entry.kind
        group.told = (over.incident, same, over.category.value)
        group.severity = over.severity.value
        confirm = over.confirm
        members = groups.counting(group, confirm, now) if confirm else []
        names = [
            (self.ruleset.by_name[rule].title, self._name_of(device))
            for rule, _, device in (key.partition("|") for key, _ in members)
            if rule in self.ruleset.by_name
        ]
        why = sentence.confirmed(names, at, self.ruleset.zone)
        self.stand(over.name, entry.device, 1)
        self.state.tally[over.name, "alarmed"] += 1
        self._group_change(Turn.alarmed, over.name, over.title, group, why, at, now, found)

    def _name_of(self, device: str) -> str:
        known = self.site.devices.get(device)
        return known.name if known is not None else device

    def close_group(self, name: str, title: Text, group: Group, why: Text, now: int) -> None:
        """The rule over a place stands no more."""
        self._group_change(Turn.cleared, name, title, group, why, now + self.state.offset, now)
        self.stand(name, group.device, -1)
        group.device = ""

    def say_group(self, over: Rule, group: Group, now: int) -> None:
        """Say once more that a rule over a place stands, as it was found at start."""
        wall, why = now + self.state.offset, sentence.STILL_CONFIRMED
        self._group_change(Turn.alarmed, over.name, over.title, group, why, wall, now, "start")

    def _group_change(
        self,
        turn: Turn,
        name: str,
        title: Text,
        group: Group,
        why: Text,
        at: int,
        now: int,
        found: str = "",
    ) -> None:
        if group.told is not None:
            self._put(
                turn, name, title, group, group.told, group.severity, why, at, now, found=found
            )


def _line(rule: Rule, watch: Watch, now: int, get: Callable[..., object]) -> Raise | None:
    """The last line of ``raise`` that holds."""
    found: Raise | None = None
    for line in rule.raises:
        if line.after and now - watch.began < line.after:
            continue
        if line.when is None or line.when.holds(get):
            found = line
    return found


def found_of(reading: Reading) -> str:
    """How a change that ``reading`` causes was found."""
    if reading.retained:
        return "start"
    return "late" if reading.late else ""


def is_clear(rule: Rule, entry: Entry) -> bool:
    """Whether the clear condition holds; never while the alarm's own condition does."""
    get = entry.values.get
    return rule.clear.holds(get) and not rule.when.holds(get)
