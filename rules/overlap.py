"""Rules that say what another rule of the same devices says, or are always held back by it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice
from typing import Final, NamedTuple

from gateway.document import Problem
from gateway.model import Severity
from rules import satisfy
from rules.expression import NEVER
from rules.reach import Reach, Sort
from rules.rule import Rule
from rules.ruleset import Ruleset
from rules.satisfy import Case, Cases, Span, TooMany, What, Words

MOST_PAIRS: Final = 30_000
"""Of rules that share a device and a value: more are not compared, and that is said."""
MOST_CASES: Final = 12
"""Of a condition that is compared with all others."""
MOST_STEPS: Final = 2_000_000
"""Pairs that are looked at for a shared value."""
_SEVERITIES: Final = tuple(Severity)


class _Held(NamedTuple):
    """When a condition holds, when it does not, and of which values it is made."""

    yes: Cases
    no: Cases
    names: frozenset[str]

    def implies(self, other: _Held) -> bool:
        """Whether ``other`` holds whenever this does."""
        return satisfy.apart(self.yes, other.no)


_Judged = tuple[Rule, _Held]


def overlaps(ruleset: Ruleset, reach: Reach, shipped: Collection[str]) -> Iterator[Problem]:
    """Warnings, each at the rule that is too much; of a shipped one and another at the other."""
    comparing = _Comparing(ruleset, reach, shipped)
    yield from comparing.pairs()
    yield from comparing.held_back()


class _Comparing:
    def __init__(self, ruleset: Ruleset, reach: Reach, shipped: Collection[str]) -> None:
        self._ruleset = ruleset
        self._reach = reach
        self._shipped = shipped
        # What settings make of a rule differs from device to device.
        self._varied = {setting.rule for setting in ruleset.settings}
        self._referred = {*ruleset.confirming, *ruleset.inhibiting}
        self._held: dict[str, _Held | None] = {}

    def pairs(self) -> Iterator[Problem]:
        """Every two rules that share a device and a value."""
        seen: set[tuple[str, str]] = set()
        for steps, ((one, held), (other, beside)) in enumerate(self._meeting()):
            if len(seen) >= MOST_PAIRS or steps >= MOST_STEPS:
                message = "too many rules share devices; not all pairs were compared"
                yield Problem(one.where.file, 1, 1, message)
                return
            pair = (one.name, other.name)
            if pair not in seen and not held.names.isdisjoint(beside.names):
                seen.add(pair)
                yield from self._compared(one, held, other, beside)

    def _meeting(self) -> Iterator[tuple[_Judged, _Judged]]:
        """Rules that have a device in common, two by two in the order of the files."""
        number = self._reach.number
        of_sort = {sort: self._rings(rules) for sort, rules in self._reach.by_sort.items()}
        groups: list[tuple[Sort, list[_Judged], list[_Judged]]]
        groups = [(sort, own, []) for sort, own in of_sort.items()]
        for spot, rules in self._reach.by_spot.items():
            groups.append((spot.sort, self._rings(rules), of_sort[spot.sort]))
        done: set[tuple[object, ...]] = set()
        for sort, own, beside in groups:
            key = (sort, bool(beside), *(rule.name for rule, _ in own))
            if key in done:
                continue
            done.add(key)
            for at, one in enumerate(own, 1):
                for other in chain(islice(own, at, None), beside):
                    first = number[one[0].name] < number[other[0].name]
                    yield (one, other) if first else (other, one)

    def _rings(self, rules: Iterable[Rule]) -> list[_Judged]:
        """Those that may be compared, with their conditions."""
        judged = ((rule, self._condition(rule)) for rule in rules if not rule.recorded)
        return [(rule, held) for rule, held in judged if held is not None]

    def _condition(self, rule: Rule) -> _Held | None:
        if rule.name in self._varied:
            return None
        if rule.absent is not None:
            return _silence(rule)
        if rule.when is NEVER:
            return None
        if rule.name not in self._held:
            tree = rule.when.tree
            try:
                held = _Held(satisfy.cases(tree), satisfy.cases(tree, False), rule.when.names)
            except TooMany:
                held = None
            # One that never or always holds is told of by itself.
            fit = held and 0 < len(held.yes) <= MOST_CASES and 0 < len(held.no) <= MOST_CASES
            self._held[rule.name] = held if fit else None
        return self._held[rule.name]

    def _compared(self, one: Rule, held: _Held, other: Rule, beside: _Held) -> Iterator[Problem]:
        if _apart(one, other):
            return
        for narrow, wide, implied in (
            (other, one, beside.implies(held)),
            (one, other, held.implies(beside)),
        ):
            if implied and (found := self._told(narrow, wide)) is not None:
                yield found
                return

    def _told(self, narrow: Rule, wide: Rule) -> Problem | None:
        """What is odd where ``wide`` holds whenever ``narrow`` does."""
        if narrow.incident == wide.incident:
            shipped = [rule.where.file in self._shipped for rule in (narrow, wide)]
            if shipped == [True, False] or not self._adds_nothing(narrow, wide):
                return None
            return _problem(narrow, f"it adds nothing to {_named(wide)}, which holds when it does")
        if narrow.category != wide.category:
            return None
        if narrow.where.file in self._shipped and wide.where.file not in self._shipped:
            message = f"it holds whenever {_named(narrow)} does"
            return _problem(wide, f"{message}; write incident: {narrow.incident}")
        message = f"whenever it holds, {_named(wide)} does too"
        return _problem(narrow, f"{message}; write incident: {wide.incident}")

    def _adds_nothing(self, narrow: Rule, wide: Rule) -> bool:
        """Whether ``wide`` rings at least as loud, as soon and for the same devices."""
        return (
            narrow.name not in self._referred
            and not narrow.raises
            and not wide.raises
            and _SEVERITIES.index(narrow.severity) <= _SEVERITIES.index(wide.severity)
            and wide.hold <= narrow.hold
            and wide.entry <= narrow.entry
            and wide.exit <= narrow.exit
            and (wide.rings_late or not narrow.rings_late)
            and set(wide.inhibit) <= set(narrow.inhibit)
            and self._covers(wide, narrow)
        )

    def _covers(self, wide: Rule, narrow: Rule) -> bool:
        """Whether ``wide`` is about every device of ``narrow``, in every mode of it."""
        return (
            wide.origin in ("any", narrow.origin)
            and (not wide.modes or (bool(narrow.modes) and narrow.modes <= wide.modes))
            and self._reach.covers(wide.name, narrow.name)
        )

    def held_back(self) -> Iterator[Problem]:
        """Rules that can not begin, for what holds them back stands whenever they would."""
        for rule in self._ruleset.rules:
            for name in rule.inhibit:
                other = self._ruleset.by_name[name]
                held, back = self._condition(rule), self._condition(other)
                if (
                    held is not None
                    and back is not None
                    and other.hold <= rule.hold
                    and self._reach.is_matched(rule.name)
                    and self._covers(other, rule)
                    and held.implies(back)
                ):
                    message = f"it never begins: {name!r} holds it back whenever it would"
                    yield _problem(rule, message)


def _silence(rule: Rule) -> _Held:
    """A silence as if it were a condition: of a time, of the device's own, or of its rhythm."""
    names = frozenset(("silence",))
    if rule.absent:
        lasts = What("silence", "number")
        longer, shorter = Span(low=rule.absent), Span(high=rule.absent, high_in=True)
        return _Held(({lasts: longer},), ({lasts: shorter},), names)
    own, beat = What("own silence", "flag"), What("rhythm", "flag")
    yes: tuple[Case, ...] = ({own: Words(True)},)
    no: Case = {own: Words(False)}
    if rule.rhythm:
        yes, no = (*yes, {beat: Words(True)}), {**no, beat: Words(False)}
    return _Held(yes, (no,), names)


def _apart(one: Rule, other: Rule) -> bool:
    """Whether two rules never look at one report: other levels, other modes."""
    origins = {one.origin, other.origin}
    modes = one.modes and other.modes and one.modes.isdisjoint(other.modes)
    return origins == {"here", "below"} or bool(modes)


def _named(rule: Rule) -> str:
    return f"{rule.name!r} ({rule.where.file}:{rule.where.line})"


def _problem(rule: Rule, message: str) -> Problem:
    return rule.where._replace(message=f"rule {rule.name!r}: {message}")
