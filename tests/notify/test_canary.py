"""The canary's own decisions: whose turn it is, what is said of a walk, and where one stops."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import Signal
from gateway.model import Duty, Incident, IncidentEvent, OutboxRow, Person, Reading, Site
from gateway.notify.canary import FIRST, HOPS, Canary, Walk, report, whose_turn
from gateway.ports import Unavailable
from tests.virtual import START, VirtualClock

MS = 1_000_000


def people(*ids: str) -> Site:
    found = {one: Person(one, one, "G1", "officer") for one in ids}
    return Site(people=found)


def test_everybody_is_tried_in_turn_and_who_is_gone_is_no_place_to_stop() -> None:
    site = people("li", "wu", "zhao")
    assert [whose_turn(site, last, START) for last in ("", "li", "wu", "zhao", "gone")] == [
        "li", "wu", "zhao", "li", "li",
    ]  # fmt: skip
    assert whose_turn(Site(), "li", START) == ""


def test_a_roster_says_who_is_passed_over_and_without_the_time_nobody_is() -> None:
    line = Duty("G1", "officer", people=(("zhao",),))
    site = Site(people=people("li", "wu", "zhao").people, rosters=(line,))
    assert whose_turn(site, "", START) == "zhao"
    assert whose_turn(site, "zhao", START) == "zhao"
    assert whose_turn(site, "", 0) == "li"


@given(st.sets(st.sampled_from([*HOPS])), st.lists(st.integers(0, 10**10), min_size=4, max_size=4))
def test_the_report_names_the_first_hop_that_was_not_passed(hops: set[str], at: list[int]) -> None:
    walk = Walk(0)
    walk.passed = {hop: ns for hop, ns in zip(HOPS, sorted(at), strict=True) if hop in hops}
    walk.reason = "x" * 1_000
    said = report(walk, "li")
    missing = [hop for hop in HOPS if hop not in hops]
    assert said["extra.hop"] == (missing[0] if missing else "")
    assert said["canary_lost"] is bool(missing)
    assert (said["extra.reason"] == "") is not bool(missing)
    assert len(str(said["extra.reason"])) <= 200
    assert ("extra.total" in said) is not bool(missing)


def test_hops_are_timed_one_by_one() -> None:
    walk = Walk(5 * MS)
    walk.passed = dict(zip(HOPS, (25 * MS, 26 * MS, 36 * MS, 136 * MS), strict=True))
    said = report(walk, "li")
    assert [said[f"extra.{hop}"] for hop in (*HOPS, "total")] == [20.0, 1.0, 10.0, 100.0, 131.0]


class Stores:
    """A door and a store of which either may be away; nothing is ever decided."""

    def __init__(self) -> None:
        self.news = Signal()
        self.emitted: list[Reading] = []
        self.full = False
        self.failing = False
        self.at = 0

    async def emit(self, items: Any) -> None:
        if self.full:
            raise Unavailable("journal.db: no space left")
        self.emitted += items

    def has(self, rule: str) -> bool:
        return rule == "canary"

    async def open_incident(self, group: str, same: str) -> Incident | None:
        if self.failing:
            raise Unavailable("cases.db: no space left")
        return None

    async def events(self, key: str) -> list[IncidentEvent]:
        return []

    async def outbox(self, key: str) -> list[OutboxRow]:
        return []


async def fly(
    stores: Stores, clock: VirtualClock, said: dict[str, Any], every: float = 3600.0
) -> Any:
    canary = Canary(
        stores, stores.emit, stores, lambda: len(stores.emitted), lambda: people("li"), clock,
        lambda stamp: stamp.mono, lambda part: said, every=every, within=60.0,
    )  # fmt: skip
    return asyncio.create_task(canary.run())


async def end(task: Any) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_journal_that_takes_nothing_is_said_when_it_takes_again() -> None:
    stores, clock = Stores(), VirtualClock()
    stores.full = True
    task = await fly(stores, clock, {})
    await clock.advance(FIRST + 70)
    assert stores.emitted == []
    stores.full = False
    await clock.advance(6)
    (said,) = stores.emitted
    assert (said.values["canary"], said.values["canary_lost"]) == (False, True)
    assert said.values["extra.hop"] == "stored"
    assert said.values["extra.reason"] == "journal.db: no space left"
    await end(task)


async def test_cases_that_can_not_be_read_or_rules_that_lag_lose_it_at_their_hop() -> None:
    for failing, at, reason in (
        (True, 0, "cases.db: no space left"),
        (False, 0, "the rules have not seen it"),
        (False, 9, "the rules have seen it, and there is no incident"),
    ):
        stores, clock = Stores(), VirtualClock()
        task = await fly(stores, clock, {})
        await clock.advance(FIRST - 1)
        stores.at = at
        await clock.advance(1)
        stores.failing = failing
        await clock.advance(61)
        assert [each.values["canary"] for each in stores.emitted] == [True, False]
        last = stores.emitted[-1].values
        assert (last["extra.hop"], last["extra.reason"]) == ("decided", reason)
        assert last["extra.stored"] == 0.0
        await end(task)


async def test_a_start_ends_what_was_left_and_forgets_a_loss_when_there_are_no_more() -> None:
    stores, clock = Stores(), VirtualClock()
    task = await fly(stores, clock, {"canary": True, "canary_lost": True})
    await clock.advance(1)
    assert [each.values for each in stores.emitted] == [{"canary": False}]
    await end(task)
    task = await fly(stores, clock, {"canary": False, "canary_lost": True}, every=0.0)
    await clock.advance(7_200)
    assert [each.values for each in stores.emitted[1:]] == [{"canary_lost": False}]
    await end(task)
