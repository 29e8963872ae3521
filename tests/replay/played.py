"""A replay through the same functions as the command, and what the stores themselves have."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from gateway.app import DUTY
from gateway.cli._past import fixtures, opened
from gateway.clock import SystemClock
from gateway.config import load
from gateway.incidents.limits import Limits
from gateway.incidents.machine import World
from gateway.model import Category, Happened, Site
from gateway.replay.archive import BEGINNING, Archive
from gateway.replay.casebook import Casebook
from gateway.replay.run import Outcome, Side, outcome, play, span
from gateway.replay.simulation import Case

Opening = tuple[str, str, str, str, int]
"""(group, same, rule, device, arrival ns)."""


class Recorded(NamedTuple):
    """What the gateway itself did."""

    openings: list[Opening]
    told: Counter[str]
    missed: Counter[Category]


async def played(config: Path, since: int = 0) -> Outcome:
    """The whole past through the rules as they were, twice."""
    settings = load(config)
    async with opened(settings.site, settings.imported) as stores:
        source, archive = stores.source, Archive(stores.source.edition)
        past = await stores.cases.past(since)
        over = span(source, since, None, 0.0, await stores.cases.last_arrival())
        told = source.editions_at(max(over.first - 1, BEGINNING))
        ruleset, site = archive.rules(told["rules"]), archive.registry(told["registry"])
        assert ruleset is not None
        assert site is not None

        def world(site: Site) -> World:
            limits = Limits(settings.limits)
            deadlines = settings.deadlines.by_category()
            return World(site, deadlines, DUTY, fixtures(settings), limits)

        side = Side(ruleset, site, world, follows_rules=True, known=True)
        found = play(source, archive, past, side, over, lambda _: None)
        return outcome(found, found, past, over, source.axis, knew_rules=True)


async def recorded(data: Path) -> Recorded:
    """From ``cases.db`` alone."""
    openings: list[Opening] = []
    told, missed = Counter[str](), Counter[Category]()
    async with Casebook(data / "cases.db", SystemClock()) as cases:
        for one in (await cases.past(0)).reals:
            file = await cases.file(one.key)
            assert file is not None
            first = file.events[0].data
            openings.append(
                (one.group, one.same, str(first["rule"]), str(first["device"]), one.opened)
            )
            told.update(row.person for row in file.outbox)
            overdue = sum(event.what is Happened.overdue for event in file.events)
            missed[one.category] += overdue
    return Recorded(openings, told, +missed)


def opening(case: Case) -> tuple[str, str, str, str]:
    """What an incident is told apart by."""
    return case.group, case.same, case.rule, case.device
