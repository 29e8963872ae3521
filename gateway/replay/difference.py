"""Two simulations compared: incidents only in one, the same incident otherwise, people, limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from gateway.model import SECOND, Category
from gateway.replay.simulation import Case, Totals

_K = TypeVar("_K")

_NOTICED: Final = SECOND
"""Openings closer than this did not move."""
_FOREVER: Final = 1 << 62


class Pair(NamedTuple):
    """One incident in both, or in one alone."""

    shown: Case
    """The one to tell of: the new one where there is one."""
    before: Case | None
    after: Case | None
    differs: tuple[str, ...]
    """Of an incident in both: ``severity``, ``opened``, ``rule``, ``told``, ``missed``."""

    @property
    def change(self) -> str:
        """``only_before``, ``only_after`` or ``differs``."""
        if self.before is None:
            return "only_after"
        return "only_before" if self.after is None else "differs"

    @property
    def later(self) -> int:
        """Ns by which it opens later under the new rules; negative: earlier; 0 in one alone."""
        if self.before is None or self.after is None:
            return 0
        return self.after.opened - self.before.opened


class Difference(NamedTuple):
    """What would have been otherwise, oldest first. Empty where nothing would."""

    pairs: tuple[Pair, ...]
    same: int
    """Incidents that are equal in both."""
    people: tuple[tuple[str, int, int], ...]
    """(person, messages before, after) of everybody who was told, most changed first."""
    missed: tuple[tuple[Category, int, int], ...]
    """(category, time limits missed before, after) of every category with any."""

    @property
    def is_any(self) -> bool:
        """Whether anything differs at all."""
        counts = (*self.people, *self.missed)
        return bool(self.pairs) or any(before != after for _, before, after in counts)


def compare(
    before: Sequence[Case], after: Sequence[Case], totals: tuple[Totals, Totals], since: int
) -> Difference:
    """The two lists of cases in order of opening; ``since`` is arrival ns."""
    pairs: list[Pair] = []
    same = 0
    for one, other in _paired(before, after):
        shown = other or one
        if shown is None or not _counts(one, other, since):
            continue
        if one is None or other is None:
            pairs.append(Pair(shown, one, other, ()))
        elif differs := _differs(one, other, since):
            pairs.append(Pair(shown, one, other, differs))
        else:
            same += 1
    pairs.sort(key=lambda pair: (pair.shown.opened, pair.shown.group, pair.shown.same))
    people = _both(totals[0].told, totals[1].told)
    people.sort(key=lambda row: (-abs(row[2] - row[1]), row[0]))
    missed = _both(totals[0].missed, totals[1].missed)
    missed.sort(key=lambda row: list(Category).index(row[0]))
    return Difference(tuple(pairs), same, tuple(people), tuple(missed))


def _counts(one: Case | None, other: Case | None, since: int) -> bool:
    cases = [case for case in (one, other) if case is not None]
    return any(case.opened >= since or case.told or case.missed for case in cases)


def _differs(one: Case, other: Case, since: int) -> tuple[str, ...]:
    opened_since = max(one.opened, other.opened) >= since
    found = {
        "severity": opened_since and one.severity != other.severity,
        "opened": opened_since and abs(one.opened - other.opened) >= _NOTICED,
        "rule": opened_since and one.rule != other.rule,
        "told": one.told != other.told,
        "missed": one.missed != other.missed,
    }
    return tuple(name for name, does in found.items() if does)


def _paired(
    before: Sequence[Case], after: Sequence[Case]
) -> Iterator[tuple[Case | None, Case | None]]:
    places: dict[tuple[str, str], tuple[list[Case], list[Case]]] = {}
    for side, cases in enumerate((before, after)):
        for case in cases:
            places.setdefault((case.group, case.same), ([], []))[side].append(case)
    for ones, others in places.values():
        yield from _merged(ones, others)


def _merged(ones: list[Case], others: list[Case]) -> Iterator[tuple[Case | None, Case | None]]:
    """Of one group and place, where incidents never overlap: those that meet in time."""
    i = j = 0
    while i < len(ones) and j < len(others):
        one, other = ones[i], others[j]
        if _are_one(one, other):
            yield one, other
            i, j = i + 1, j + 1
        elif _end(one) <= _end(other):
            yield one, None
            i += 1
        else:
            yield None, other
            j += 1
    yield from ((one, None) for one in ones[i:])
    yield from ((None, other) for other in others[j:])


def _are_one(one: Case, other: Case) -> bool:
    if one.real is not None and other.real is not None:
        return one.real.key == other.real.key
    return one.opened < _end(other) and other.opened < _end(one)


def _end(case: Case) -> int:
    return _FOREVER if case.closed is None else max(case.closed, case.opened + 1)


def _both(before: Counter[_K], after: Counter[_K]) -> list[tuple[_K, int, int]]:
    keys: Iterable[_K] = dict.fromkeys([*before, *after])
    return [(key, before[key], after[key]) for key in keys]
