"""The replay: the record through a simulation for each side, and what came out differently."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import rules
from gateway.incidents.machine import World
from gateway.model import SECOND, Site
from gateway.replay.axis import Axis
from gateway.replay.difference import Difference, compare
from gateway.replay.past import Past
from gateway.replay.simulation import SAME_MOMENT, Case, Editions, Simulation, Totals
from gateway.replay.source import Lost, Source

WARM_UP: Final = 7 * 86_400.0
"""Seconds before ``since`` that are played without being counted: a device reports at least once
a day, and the longest windows of rules are shorter."""

Heard = Callable[[int], None]
"""Told how many more records were played."""


class Span(NamedTuple):
    """What is played: record ``first`` to ``last``, and then time alone until ``end``."""

    first: int
    counted: int
    """The first record that counts; before it is the warm-up."""
    last: int
    start: int
    """Arrival ns of the first record, ``since`` of the first that counts, ``end`` of the end."""
    since: int
    end: int
    begins_later: bool = False
    """The journal does not reach back to ``since`` any more."""

    @property
    def is_empty(self) -> bool:
        """No record counts: two sides that agree say nothing."""
        return self.counted > self.last

    @property
    def warm_up(self) -> int:
        """How many records come before those that count."""
        return max(min(self.counted, self.last + 1) - self.first, 0)


class Side(NamedTuple):
    """One of the two: the rules it begins with, its world, whether it follows their editions."""

    ruleset: rules.Ruleset
    site: Site
    world: Callable[[Site], World]
    follows_rules: bool
    known: bool = False
    """The rules come from an edition of the journal."""


class Played(NamedTuple):
    """What one side made of the records."""

    cases: list[Case]
    totals: Totals
    site: Site
    """The registry at the end."""
    records: int
    lost: Lost
    over_limit: int
    unknown_editions: int
    refused: int
    """Readings for which the engine had no room."""
    failures: dict[str, int]
    """How often each rule raised, of those that did."""


class Outcome(NamedTuple):
    """Everything a replay found out."""

    span: Span
    before: Played
    after: Played
    difference: Difference
    recorded: int
    """Real incidents that opened in the time that counts."""
    reproduced: int
    """Of them, those that the rules as they were open again at their moment."""
    past: Past
    axis: Axis
    knew_rules: bool
    """Whether the journal says which rules were in force, from the first record on."""

    @property
    def records(self) -> int:
        """How many were played."""
        return self.after.records

    @property
    def lost(self) -> Lost:
        """Those that could not be, of the side that lost more."""
        before, after = self.before.lost, self.after.lost
        return Lost(max(before.damaged, after.damaged), max(before.gone, after.gone))


def span(source: Source, since: int, until: int | None, warm_up: float, now: int) -> Span:
    """From wall ``since`` to wall ``until`` (None: arrival ``now``, the last sign of life)."""
    counted = source.first_since(since)
    first = source.first_since(since - int(warm_up * SECOND))
    last = source.upto if until is None else source.first_since(until) - 1
    if source.next_from(last + 1) is None:
        last = source.upto  # what follows is damaged: it is counted, if not played
    opening, newest = source.next_from(counted), source.record(last)
    start = source.next_from(first)
    end = max(now, source.arrival)
    if until is not None and newest is not None:
        end = min(end, newest.arrival + max(until - source.axis.wall_of(newest), 0))
    return Span(
        first,
        counted,
        last,
        start.arrival if start is not None else end,
        opening.arrival if opening is not None else end,
        end,
        source.oldest > 1
        and opening is not None
        and counted <= source.oldest
        and source.axis.wall_of(opening) > since,
    )


def play(
    source: Source, editions: Editions, past: Past, side: Side, over: Span, played: Heard
) -> Played:
    """Play ``over`` for one side; ``played`` hears of the progress."""
    simulation = Simulation(
        side.ruleset,
        side.site,
        side.world,
        past,
        source.axis,
        over.since,
        editions,
        follows_rules=side.follows_rules,
    )
    records = 0
    for page in source.pages(over.first, over.last):
        simulation.feed(page)
        records += len(page)
        played(len(page))
    simulation.finish(over.end)
    return Played(
        simulation.cases,
        simulation.totals,
        simulation.site,
        records,
        source.lost,
        simulation.over_limit,
        simulation.unknown_editions,
        simulation.refused.total(),
        simulation.failures,
    )


def outcome(
    before: Played, after: Played, past: Past, over: Span, axis: Axis, *, knew_rules: bool
) -> Outcome:
    """The two compared; ``axis`` is that of a side, after it was played."""
    totals = (before.totals, after.totals)
    difference = compare(before.cases, after.cases, totals, over.since)
    met = set(_met(before))
    recorded = [one for one in past.reals if over.since <= one.opened <= over.end]
    reproduced = sum(one.key in met for one in recorded)
    return Outcome(
        over, before, after, difference, len(recorded), reproduced, past, axis, knew_rules
    )


def _met(side: Played) -> Iterator[str]:
    """Real incidents that ``side`` opened at their own moment."""
    for case in side.cases:
        if case.real is not None and abs(case.opened - case.real.opened) <= SAME_MOMENT:
            yield case.real.key
