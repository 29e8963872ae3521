"""Outputs that end by themselves, in virtual time: whatever happens, none stays on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from drivers._outputs import Outputs
from gateway.model import Item, Reading
from gateway.ports import Refused, Unavailable
from tests.virtual import VirtualClock

ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a machine that is busy with other tests an example may take its time."""

AT_MOST = 60.0


class Limits(NamedTuple):
    at_most: float = AT_MOST
    kind: str = "power"


class Far:
    """The far end, and a door that takes what is reported."""

    def __init__(self, clock: VirtualClock) -> None:
        self.on = False
        self.since = 0
        self.away = False
        self.said: list[bool] = []
        self.reported: list[object] = []
        self._clock = clock

    async def put(self, name: str, on: bool) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("the far end is away")
        self.is_now(on)
        self.said.append(on)

    def is_now(self, on: bool) -> None:
        if on:
            self.since = self._clock.mono
        self.on = on

    async def emit(self, items: Sequence[Item]) -> None:
        self.reported += [each.values["on"] for each in items if isinstance(each, Reading)]


@asynccontextmanager
async def running(clock: VirtualClock, far: Far) -> AsyncIterator[Outputs]:
    outputs = Outputs("the bench", {"horn": Limits()}, far.put, clock)
    lives = [
        asyncio.create_task(outputs.end_in_time()),
        asyncio.create_task(outputs.report(far.emit)),
    ]
    try:
        yield outputs
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def far(clock: VirtualClock) -> Far:
    return Far(clock)


async def test_on_ends_after_at_most_and_again_begins_anew(clock: VirtualClock, far: Far) -> None:
    async with running(clock, far) as outputs:
        await outputs.switch("horn", True)
        await clock.advance(40)
        await outputs.switch("horn", True)
        await clock.advance(59)
        assert far.on
        await clock.advance(2)
        assert far.said == [True, True, False]


async def test_what_may_be_on_since_before_the_start_ends_in_time(
    clock: VirtualClock, far: Far
) -> None:
    async with running(clock, far) as outputs:
        outputs.begin()
        await clock.advance(59)
        assert far.said == []
        await clock.advance(2)
        assert far.said == [False]


async def test_what_says_that_it_is_off_is_left_alone(clock: VirtualClock, far: Far) -> None:
    async with running(clock, far) as outputs:
        outputs.begin()
        outputs.found("horn", False)
        await clock.advance(600)
        assert far.said == []


async def test_what_is_found_on_ends_in_time(clock: VirtualClock, far: Far) -> None:
    async with running(clock, far) as outputs:
        outputs.found("horn", False)
        await clock.advance(600)
        outputs.found("horn", True)
        await clock.advance(61)
        assert far.said == [False]


async def test_what_can_not_be_ended_is_tried_until_it_is(clock: VirtualClock, far: Far) -> None:
    async with running(clock, far) as outputs:
        await outputs.switch("horn", True)
        far.away = True
        await clock.advance(300)
        assert far.on
        far.away = False
        await clock.advance(6)
        assert not far.on


async def test_an_answer_that_is_lost_makes_nothing_endless(clock: VirtualClock, far: Far) -> None:
    async with running(clock, far) as outputs:
        far.away = True
        with pytest.raises(Unavailable):
            await outputs.switch("horn", True)
        far.away = False
        far.is_now(True)  # it had arrived all the same
        await clock.advance(61)
        assert not far.on


async def test_changes_are_reported_at_once_and_the_rest_every_minute(
    clock: VirtualClock, far: Far
) -> None:
    async with running(clock, far) as outputs:
        await clock.advance(200)
        assert far.reported == []
        await outputs.switch("horn", True)
        await clock.advance(1)
        assert far.reported == [True]
        await outputs.switch("horn", False)
        await clock.advance(1)
        assert far.reported == [True, False]
        await clock.advance(130)
        assert far.reported == [True, False, False, False]


async def test_an_unknown_output_is_refused_and_the_known_named(
    clock: VirtualClock, far: Far
) -> None:
    async with running(clock, far) as outputs:
        with pytest.raises(Refused, match="no output 'bell' on the bench; there is horn"):
            await outputs.switch("bell", True)


class Bench(RuleBasedStateMachine):
    """Any order of words, losses, strangers' hands and time: nothing is on for longer."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = VirtualClock()
        self.far = Far(self.clock)
        self.reached = self.clock.mono
        self.entered = running(self.clock, self.far)
        self.outputs = self.run(self.entered.__aenter__())

    def run(self, awaited):  # type: ignore[no-untyped-def]
        return self.loop.run_until_complete(awaited)

    @rule(on=st.booleans())
    def switch(self, on: bool) -> None:
        try:
            self.run(self.outputs.switch("horn", on))
        except Unavailable:
            assert self.far.away

    @rule(away=st.booleans())
    def goes_or_comes(self, away: bool) -> None:
        self.far.away = away
        self.reached = self.clock.mono

    @rule(on=st.booleans())
    def by_hand(self, on: bool) -> None:
        self.far.is_now(on)
        self.outputs.found("horn", on)

    @rule(seconds=st.sampled_from([0.5, 5.0, 30.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.run(self.clock.advance(seconds))

    @invariant()
    def nothing_stays_on(self) -> None:
        if self.far.on and not self.far.away:
            began = max(self.far.since, self.reached)
            assert self.clock.mono - began <= (AT_MOST + 6) * 10**9

    def teardown(self) -> None:
        self.run(self.entered.__aexit__(None, None, None))
        self.loop.close()


def test_nothing_stays_on_whatever_happens() -> None:
    run_state_machine_as_test(
        Bench, settings=settings(ANY, max_examples=25, stateful_step_count=25)
    )
