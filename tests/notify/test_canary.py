"""The canary's own decisions: whose turn it is, what is said of a walk, and where one stops."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import Signal
from gateway.model import Duty, Incident, IncidentEvent, OutboxRow, Person, Reading, Site
from gateway.notify.canary import FIRST, Canary
from gateway.notify.walk import HOPS, Walk, report, whose_turn
from gateway.ports import Echo, Unavailable
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


@given(
    st.sets(st.sampled_from([*HOPS])),
    st.lists(st.integers(0, 10**10), min_size=5, max_size=5),
    st.sampled_from(["", "site"]),
)
def test_the_report_names_the_first_hop_that_was_not_passed(
    hops: set[str], at: list[int], driver: str
) -> None:
    walk = Walk(0, driver)
    walk.passed = {hop: ns for hop, ns in zip(HOPS, sorted(at), strict=True) if hop in hops}
    walk.reason = "x" * 1_000
    said = report(walk, "li")
    missing = [hop for hop in walk.hops if hop not in hops]
    assert len(walk.hops) == (5 if driver else 4)
    assert said["extra.hop"] == (missing[0] if missing else "")
    assert said["canary_lost"] is bool(missing)
    assert (said["extra.reason"] == "") is not bool(missing)
    assert len(str(said["extra.reason"])) <= 200
    assert ("extra.total" in said) is not bool(missing)


def test_hops_are_timed_one_by_one() -> None:
    walk = Walk(5 * MS)
    walk.passed = dict(zip(HOPS[1:], (25 * MS, 26 * MS, 36 * MS, 136 * MS), strict=True))
    said = report(walk, "li")
    assert [said[f"extra.{hop}"] for hop in (*HOPS[1:], "total")] == [20.0, 1.0, 10.0, 100.0, 131.0]


class Stores:
    """A door and a store of which either may be away; nothing is ever decided."""

    def __init__(self) -> None:
        self.news = Signal()
        self.emitted: list[Reading] = []
        self.full = False
        self.failing = False
        self.at = 0
        self.canary: Canary

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
    stores: Stores,
    clock: VirtualClock,
    said: dict[str, Any],
    every: float = 3600.0,
    echoes: dict[str, Echo] | None = None,
) -> Any:
    canary = Canary(
        stores, stores.emit, stores, lambda: len(stores.emitted), lambda: people("li"), clock,
        lambda stamp: stamp.mono, lambda part: said, echoes or {}, every=every, within=60.0,
    )  # fmt: skip
    stores.canary = canary
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


class Far:
    """A driver whose far end gives back what it is sent, or does not."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.away = ""

    async def echo(self, token: str) -> None:
        if self.away:
            raise Unavailable(self.away)
        self.sent.append(token)


async def verdicts(stores: Stores) -> list[tuple[object, ...]]:
    names = ("canary_lost", "extra.hop", "extra.driver", "extra.through", "extra.reason")
    return [tuple(each.values[name] for name in names) for each in stores.emitted]


async def test_a_token_counts_once_for_its_driver_while_its_walk_lasts() -> None:
    stores, clock, far = Stores(), VirtualClock(), Far()
    task = await fly(stores, clock, {}, echoes={"site": far})
    canary = stores.canary
    assert canary.heard("site", "", clock.now()) is None
    await clock.advance(FIRST)
    (token,) = far.sent
    assert len(token) == 32
    for driver, wrong in (("other", token), ("site", token[:-1]), ("site", ""), ("site", "\ud800")):
        assert canary.heard(driver, wrong, clock.now()) is None
    assert canary.heard("site", token, clock.now()) == {
        "canary": True, "extra.person": "li", "extra.through": "site",
    }  # fmt: skip
    assert canary.heard("site", token, clock.now()) is None
    canary.kept(0)  # the journal did not take it: it comes again
    await clock.advance(1)
    assert canary.heard("site", token, clock.now()) is not None
    canary.kept(9)
    canary.kept(0)
    assert canary.heard("site", token, clock.now()) is None
    await clock.advance(60)
    assert canary.heard("site", token, clock.now()) is None
    assert far.sent == [token]
    assert await verdicts(stores) == [
        (True, "decided", "site", "site", "the rules have not seen it"),
    ]  # fmt: skip
    await clock.advance(600)
    assert far.sent[1] != token
    assert canary.heard("site", token, clock.now()) is None
    await end(task)


async def test_a_driver_that_is_away_is_asked_again_and_one_that_hears_nothing_is_not() -> None:
    stores, clock, far = Stores(), VirtualClock(), Far()
    far.away = "no broker at 10.0.0.9:1883"
    task = await fly(stores, clock, {}, echoes={"site": far})
    await clock.advance(FIRST + 61)
    assert await verdicts(stores) == [(True, "heard", "site", "site", far.away)]
    assert stores.emitted[0].values["extra.reason_zh"] == (
        "停在“驱动接收”（驱动 site）：no broker at 10.0.0.9:1883"
    )
    await clock.advance(600)
    far.away = ""
    await clock.advance(10)
    assert len(far.sent) == 1
    await clock.advance(50)
    assert len(far.sent) == 1
    assert (await verdicts(stores))[1:] == [
        (True, "heard", "site", "site", "it was sent, and did not come in"),
    ]  # fmt: skip
    await end(task)


async def test_a_deaf_driver_stays_lost_until_it_hears_also_after_a_restart() -> None:
    stores, clock = Stores(), VirtualClock()
    said = {
        "canary_lost": True, "extra.hop": "heard", "extra.driver": "a", "extra.through": "a",
        "extra.reason": "gone",
    }  # fmt: skip
    task = await fly(stores, clock, said, echoes={"a": Far(), "b": Far()})
    canary = stores.canary
    await clock.advance(FIRST)
    walk = Walk(0, "b")
    walk.passed = dict.fromkeys(HOPS, 1)
    found = canary._judged(walk, "li")
    assert (found["canary_lost"], found["extra.driver"], found["extra.reason"]) == (
        True, "a", "gone",
    )  # fmt: skip
    walk.driver = "a"
    assert canary._judged(walk, "li")["canary_lost"] is False
    walk.driver = "b"
    assert canary._judged(walk, "li")["canary_lost"] is False
    await end(task)
    task = await fly(stores, clock, said, echoes={"b": Far()})  # a was taken out
    await clock.advance(1)
    assert stores.canary._judged(walk, "li")["canary_lost"] is False
    await end(task)
