"""What is allowed in rules and still worth a look.

Conditions that can never hold, alarms that never end, rules that no device matches, rules that
say what another one says. Pure, and bounded for the largest site that is allowed. A condition is
judged by its values alone (``rules.satisfy``), and nothing is said where that can not decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from math import isfinite
from typing import Final

from gateway.document import Problem
from gateway.model import EXTRA, KINDS, Site, vocabulary
from rules import satisfy
from rules.expression import NEVER
from rules.files import pack_names
from rules.overlap import overlaps
from rules.reach import Reach
from rules.rule import Raise, Rule
from rules.ruleset import Ruleset, conditions_of
from rules.satisfy import Cases, Span, TooMany
from rules.syntax import Junction, Node
from rules.unmatched import unmatched
from rules.written import TIMES

MAX_WARNINGS: Final = 100
"""A wrong registry would otherwise fill the screen, a line for each rule."""
MAX_VARIANTS: Final = 500
"""Rules as settings change them that are judged; each has to be compiled."""
_ALWAYS: Final[Cases] = ({},)


def review(ruleset: Ruleset, site: Site) -> list[Problem]:
    """Warnings about rules that load, in the order of the files; none for sound rules.

    After ``MAX_WARNINGS`` only their number is given.
    """
    shipped = frozenset(f"packs/{name}.yaml" for name in pack_names())
    reach = Reach(ruleset.rules, ruleset.settings, site)
    found = {problem for rule in ruleset.rules for problem in of_rule(rule, rule.where)}
    found.update(_of_settings(ruleset))
    found.update(unmatched(ruleset, reach, shipped))
    found.update(overlaps(ruleset, reach, shipped))
    shown = sorted(found)
    if len(shown) <= MAX_WARNINGS:
        return shown
    more = f"… and {len(shown) - MAX_WARNINGS} more problems"
    return [*shown[:MAX_WARNINGS], shown[MAX_WARNINGS]._replace(message=more)]


def of_rule(rule: Rule, where: Problem) -> list[Problem]:
    """What is odd in one rule by itself, said at ``where``."""
    conditions = _Conditions(rule, where)
    conditions.values()
    if rule.when is not NEVER:
        conditions.judge()
    return conditions.found


def _of_settings(ruleset: Ruleset) -> Iterator[Problem]:
    """What only the thresholds of a setting make odd."""
    seen: set[tuple[str, str]] = set()
    for setting in ruleset.settings:
        rule = ruleset.by_name[setting.rule]
        thresholds = {n: v for n, v in setting.changes.items() if n in rule.thresholds}
        key = (rule.name, repr(sorted(thresholds.items())))
        if not thresholds or key in seen or len(seen) >= MAX_VARIANTS:
            continue
        seen.add(key)
        before = {problem.message for problem in of_rule(rule, setting.where)}
        # A name of ``with`` may be called as a time is; the changes are those of the setting.
        varied = ruleset.readers[rule.name].varied(
            {n: v for n, v in setting.changes.items() if n in thresholds and n not in TIMES}
        )
        yield from (p for p in of_rule(varied, setting.where) if p.message not in before)


class _Conditions:
    """The conditions of one rule; ``found`` are the warnings."""

    def __init__(self, rule: Rule, where: Problem) -> None:
        self._rule = rule
        self._where = where
        self.found: list[Problem] = []
        self._known: dict[tuple[int, bool], Cases] = {}

    def _wrong(self, message: str) -> None:
        where, name = self._where, self._rule.name
        self.found.append(where._replace(message=f"rule {name!r}: {message}"))

    def values(self) -> None:
        """Values that no device of the rule's kinds has."""
        kinds = sorted(self._rule.kinds)
        if not kinds or not KINDS.keys() >= set(kinds):
            return
        names = {name for each in conditions_of(self._rule) for name in each.names}
        for name in sorted(names):
            if name.startswith(EXTRA) or any(name in vocabulary(kind) for kind in kinds):
                continue
            others = ", ".join(kind for kind in KINDS if name in vocabulary(kind))
            self._wrong(f"no {' or '.join(kinds)} reports {name!r}; {others} can")

    def judge(self) -> None:
        """What can never hold, always holds, or never ends; up to what has too many cases."""
        with suppress(TooMany):
            self._judge()

    def _judge(self) -> None:
        rule = self._rule
        when = self._held("when", rule.when.tree)
        if not when:
            return
        if not self._cases(rule.when.tree, False):
            self._wrong("'when' always holds; the rule alarms at every report")
            return
        if rule.clear.tree is not rule.when.tree:
            clear = self._held("clear", rule.clear.tree)
            if clear:
                self._hysteresis(when, clear)
        self._raises()

    def _cases(self, tree: Node, wanted: bool = True) -> Cases:
        key = (id(tree), wanted)
        if key not in self._known:
            self._known[key] = satisfy.cases(tree, wanted)
        return self._known[key]

    def _held(self, key: str, tree: Node) -> Cases:
        """The cases of a condition; none: it can never hold, and that is said."""
        found = self._cases(tree)
        if not found:
            beyond = _out_of_range(tree)
            if beyond:
                what, natural = beyond
                self._wrong(f"{key!r} can never hold: {what!r} is within {natural}")
            elif key == "clear":
                self._wrong("'clear' can never hold; the alarm never ends")
            else:
                self._wrong(f"{key!r} can never hold")
        elif isinstance(tree, Junction) and tree.word == "or":
            for part in tree.parts:
                if not self._cases(part):
                    self._wrong(f"the part {satisfy.written(part)!r} of {key!r} can never hold")
        return found

    def _hysteresis(self, when: Cases, clear: Cases) -> None:
        if satisfy.apart(clear, self._cases(self._rule.when.tree, False)):
            self._wrong("'clear' holds only while 'when' does; the alarm never ends")
            return
        for one in when:
            for other in clear:
                shared = [what for what in one if what.type == "number" and what in other]
                both = satisfy.together((one,), (other,)) if shared else None
                if both is not None:
                    values = satisfy.example({what: both[what] for what in shared})
                    self._wrong(f"'clear' and 'when' both hold at {values}; leave a gap")
                    return

    # --- raise ---------------------------------------------------------------------------

    def _raises(self) -> None:
        standing = self._standing()
        lines = self._rule.raises
        for number, line in enumerate(lines, 1):
            cases = _ALWAYS if line.when is None else self._cases(line.when.tree)
            if satisfy.apart(cases, standing):
                self._wrong(f"line {number} of 'raise' can never hold while the alarm stands")
                continue
            for later, other in enumerate(lines[number:], number + 1):
                if self._hides(other, line, cases):
                    self._wrong(f"line {number} of 'raise' never counts: line {later} outdoes it")
                    break

    def _standing(self) -> Cases:
        """Where an alarm can stand: anywhere while ``keep`` may run."""
        rule = self._rule
        if rule.keep:
            return _ALWAYS
        when = self._cases(rule.when.tree)
        if rule.clear.tree is rule.when.tree:
            return when
        return (*when, *self._cases(rule.clear.tree, False))

    def _hides(self, later: Raise, line: Raise, cases: Cases) -> bool:
        """Whether ``later`` holds whenever ``line`` does; the last that holds is the severity."""
        if later.after > line.after:
            return False
        return later.when is None or satisfy.apart(cases, self._cases(later.when.tree, False))


def _out_of_range(tree: Node) -> tuple[str, str] | None:
    """A value that would have to leave its range for ``tree`` to hold, and the range."""
    natural = satisfy.ranges(tree)
    for case in satisfy.cases(tree, by_nature=False):
        for what, span in case.items():
            bounds = natural.get(what.text)
            if isinstance(span, Span) and bounds and span.within(bounds).is_empty():
                low, high = (f"{end:g}" if isfinite(end) else "" for end in (bounds[0], bounds[2]))
                return what.text, f"{low}..{high}"
    return None
