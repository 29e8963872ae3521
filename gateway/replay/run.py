"""The replay: the record once through two simulations, and what came out differently."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import rules
from gateway.incidents.machine import World
from gateway.model import SECOND, Site
from gateway.replay.axis import Axis
from gateway.replay.difference import Difference, compare
from gateway.replay.past import Past
from gateway.replay.simulation import SAME_MOMENT, Editions, Simulation
from gateway.replay.source import Lost, Source

WARM_UP: Final = 7 * 86_400.0
"""Seconds before ``since`` that are played without being counted: a device reports at least once
a day, and the longest windows of rules are shorter."""

Play = Callable[[int], None]
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


class Side(NamedTuple):
    """One of the two: the rules it begins with, its world, whether it follows their editions."""

    ruleset: rules.Ruleset
    site: Site
    world: Callable[[Site], World]
    follows_rules: bool
    known: bool = False
    """The rules come from an edition of the journal."""


class Outcome(NamedTuple):
    """Everything a replay found out."""

    span: Span
    records: int
    lost: Lost
    before: Simulation
    after: Simulation
    difference: Difference
    recorded: int
    """Real incidents that opened in the time that counts."""
    reproduced: int
    """Of them, those that the rules as they were open again at their moment."""
    past: Past
    axis: Axis
    knew_rules: bool
    """Whether the journal says which rules were in force, from the first record on."""


def span(source: Source, since: int, until: int | None, warm_up: float, now: int) -> Span:
    """From wall ``since`` to wall ``until`` (None: arrival ``now``, the last sign of life)."""
    counted = source.first_since(since)
    first = source.first_since(since - int(warm_up * SECOND))
    last = source.upto if until is None else source.first_since(until) - 1
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
    )


def replay(
    source: Source,
    editions: Editions,
    past: Past,
    sides: tuple[Side, Side],
    over: Span,
    played: Play,
) -> Outcome:
    """Play ``over`` for both; ``played`` hears of the progress."""
    before, after = (
        Simulation(
            side.ruleset,
            side.site,
            side.world,
            past,
            source.axis,
            over.since,
            editions,
            follows_rules=side.follows_rules,
        )
        for side in sides
    )
    records = 0
    for page in source.pages(over.first, over.last):
        before.feed(page)
        after.feed(page)
        records += len(page)
        played(len(page))
    for each in (before, after):
        each.finish(over.end)
    totals = (before.totals, after.totals)
    difference = compare(before.cases, after.cases, totals, over.since)
    met = set(_met(before))
    recorded = [one for one in past.reals if over.since <= one.opened <= over.end]
    reproduced = sum(one.key in met for one in recorded)
    return Outcome(
        over,
        records,
        source.lost,
        before,
        after,
        difference,
        len(recorded),
        reproduced,
        past,
        source.axis,
        sides[0].known,
    )


def _met(simulation: Simulation) -> Iterator[str]:
    """Real incidents that ``simulation`` opened at their own moment."""
    for case in simulation.cases:
        if case.real is not None and abs(case.opened - case.real.opened) <= SAME_MOMENT:
            yield case.real.key
