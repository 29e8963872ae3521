"""Telling against a model: whatever happens in whatever order, nobody is forgotten or flooded.

Everything is real but the far ends: store, desk and teller on a file, in virtual time.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.incidents.machine import NotAllowed
from gateway.model import (
    SECOND,
    Category,
    End,
    OutboxRow,
    Person,
    Quota,
    Site,
    State,
    TellingLimits,
)
from gateway.notify.silences import Wish
from gateway.ports import Refused, Unavailable
from gateway.store import telling
from tests.cases.build import alarmed, cleared, device
from tests.cases.house import House, StoryClock, living
from tests.notify.test_quotas import Robot
from tests.notify.test_storms import grids

ROBOT = Quota(12, 60.0, spare=2)
EACH = Quota(4, 30.0, each=True)
DAY = 86_400.0
_ENDS = {end.value for end in End}
_MOODS = {
    "well": None,
    "away": Unavailable("no carrier"),
    "refuses": Refused("93000"),
    "busy": Unavailable("429", retry_after=20),
}
numbers = st.integers(0, 30)
categories = st.sampled_from([Category.life, Category.intrusion, Category.trouble])


def place() -> Site:
    """Three grids; the second's assistant sleeps at night, the third's has two channels."""
    where = grids(3)
    people = {
        "p0": Person("p0", "甲", "1300", "assistant", channels=("robot",)),
        "p1": Person("p1", "乙", "1301", "assistant", channels=("robot",), quiet="22:00-06:00"),
        "p2": Person("p2", "丙", "1302", "assistant", channels=("sms", "robot")),
        "chief": Person("chief", "丁", "13", "supervisor", channels=("sms",)),
    }
    devices = {f"ir{n}": device(f"ir{n}", place=f"130{n % 3}") for n in range(31)}
    return Site(1, where.places, devices, people)


class Telling(RuleBasedStateMachine):
    """One gateway, its channels and its people."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gridwarden-model-"))
        self.loop = asyncio.new_event_loop()
        self.clock = StoryClock()
        self.site = place()
        self.robot = Robot(self.clock, ROBOT)
        self.sms = Robot(self.clock, EACH)
        self.stack = contextlib.AsyncExitStack()
        self.keys: list[str] = []
        self._do(self._start())

    # --- what happens -------------------------------------------------------------------

    @rule(first=numbers, count=st.sampled_from([1, 2, 7, 30]), category=categories)
    def alarms(self, first: int, count: int, category: Category) -> None:
        changes = [self._change((first + n) % 31, category) for n in range(count)]
        self._do(self.house.take(*changes))

    @rule(first=numbers, count=st.sampled_from([1, 15]), category=categories)
    def clears(self, first: int, count: int, category: Category) -> None:
        changes = [
            self._change((first + n) % 31, category, turn=cleared().turn) for n in range(count)
        ]
        self._do(self.house.take(*changes))

    @rule(seconds=st.sampled_from([0.5, 3.0, 11.0, 60.0, 290.0]))
    def time_passes(self, seconds: float) -> None:
        self._do(self.clock.advance(seconds))

    @rule(days=st.sampled_from([-14.0, -1 / 24, 1 / 24, 14.0]))
    def the_wall_clock_is_set(self, days: float) -> None:
        self.clock.jump(days * DAY)

    @rule(mood=st.sampled_from(sorted(_MOODS)), takes=st.sampled_from([0.0, 2.0, 40.0]))
    def the_robot_turns(self, mood: str, takes: float) -> None:
        self.robot.always, self.robot.delay = _MOODS[mood], takes

    @rule(mood=st.sampled_from(sorted(_MOODS)))
    def the_modem_turns(self, mood: str) -> None:
        self.sms.always = _MOODS[mood]

    @rule()
    def the_power_goes(self) -> None:
        """What was not on disk is gone; no sign of life is left."""
        self._do(self.stack.aclose())
        self._do(self._start())

    @rule(number=numbers, state=st.sampled_from(["accepted", "bypassed", "retired"]))
    def a_device_changes(self, number: int, state: str) -> None:
        name = f"ir{number}"
        self.site.devices[name] = device(name, place=f"130{number % 3}", state=state)

    @rule(person=st.sampled_from(["p0", "p2"]))
    def somebody_leaves(self, person: str) -> None:
        self.site.people.pop(person, None)

    @rule(grid=st.sampled_from(["1300", "1301"]), hours=st.sampled_from([0.01, 2.0]))
    def a_grid_is_silenced(self, grid: str, hours: float) -> None:
        self._do(self.house.silences.add(Wish("chief", "检修", hours * 3_600, place=grid)))

    @rule(which=st.integers(0, 60), verb=st.sampled_from(["receive", "close"]))
    @precondition(lambda self: self.keys)
    def somebody_acts(self, which: int, verb: str) -> None:
        key = self.keys[which % len(self.keys)]
        with contextlib.suppress(NotAllowed):
            self._do(self.house.act(key, verb, "chief", "real" if verb == "close" else ""))

    # --- what always holds ----------------------------------------------------------------

    @invariant()
    def no_limit_is_exceeded_in_any_window(self) -> None:
        assert self.robot.most(ROBOT) <= ROBOT.most
        assert self.sms.most(EACH) <= EACH.most

    @invariant()
    def every_row_has_an_end_or_a_due_time(self) -> None:
        rows = self._rows()
        by_id = {row.id: row for row in rows}
        for row in rows:
            soon = self.house.now + 1.1 * DAY * SECOND
            assert row.end in _ENDS if row.end else 0 <= row.due <= soon
            assert (row.end == End.merged.value) is bool(row.digest)
            if row.digest:
                leader = by_id[row.digest]
                assert leader.person == row.person
                assert leader.end != End.merged.value, "merged into what is merged itself"
            assert not (row.end and row.held)

    def teardown(self) -> None:
        """All is well again, everybody is done: then nothing waits, and nobody was forgotten."""
        try:
            self.robot.always = self.sms.always = None
            self.robot.delay = 0.0
            self._do(self.clock.advance(900))
            self.the_power_goes()
            for key in self.keys:
                for verb in ("receive", "close"):
                    with contextlib.suppress(NotAllowed):
                        outcome = "real" if verb == "close" else ""
                        self._do(self.house.act(key, verb, "chief", outcome))
            self._do(self.clock.advance(1.1 * DAY))
            self.every_row_has_an_end_or_a_due_time()
            self.no_limit_is_exceeded_in_any_window()
            self._check_everybody()
        finally:
            self._do(self.stack.aclose())
            self.loop.close()
            shutil.rmtree(self.folder)

    def _check_everybody(self) -> None:
        rows = self._rows()
        assert [row for row in rows if not row.end] == []
        by_id = {row.id: row for row in rows}
        heard = {each.key: each for each in [*self.robot.heard, *self.sms.heard]}
        for row in rows:
            leader = by_id[row.digest] if row.digest else row
            if leader.end != End.told.value:
                continue
            message = heard[f"{leader.incident}/{leader.seq}/{leader.person}/{leader.channel}"]
            assert not row.digest or message.count >= 1
        for key in self.keys:
            mine = [row for row in rows if row.incident == key]
            assert mine, "nobody was to be told"
            told = {r.person for r in mine if self._was_told(r, by_id) and r.purpose == "opened"}
            if told:  # who heard of it hears of its end
                over = {r.person for r in mine if r.purpose in ("cleared", "closed")}
                assert told - {"chief"} <= over

    def _was_told(self, row: OutboxRow, by_id: dict[int, OutboxRow]) -> bool:
        return (by_id[row.digest] if row.digest else row).end == End.told.value

    # --- what it stands on ------------------------------------------------------------------

    def _change(self, number: int, category: Category, **more: Any) -> Any:
        name = f"ir{number}"
        return alarmed(
            name, rule=category.value, same=f"device:{name}", category=category,
            place=f"130{number % 3}", **more,
        )  # fmt: skip

    async def _start(self) -> None:
        self.stack = contextlib.AsyncExitStack()
        notifiers = {"robot": self.robot, "sms": self.sms}
        home = living(
            self.folder / "c.db", self.clock, notifiers, self.site, TellingLimits(first=2)
        )
        self.house: House = await self.stack.enter_async_context(home)
        await self.clock.settle()

    def _do(self, awaited: Any) -> Any:
        async def settled() -> Any:
            result = await awaited
            if self.house.cases.last_arrival >= 0 and self.clock.cases is not None:
                await self.clock.settle()
            return result

        return self.loop.run_until_complete(settled())

    def _rows(self) -> list[OutboxRow]:
        async def read() -> list[OutboxRow]:
            incidents = await self.house.cases.incidents(False, 1_000)
            self.keys = sorted(each.key for each in incidents)
            assert all(each.deadline or each.state is State.closed for each in incidents)
            found = await self.house.cases.read(telling.rows, range(1, 5_000))
            return list(found)

        found: list[OutboxRow] = self.loop.run_until_complete(read())
        return found


Telling.TestCase.settings = settings(
    max_examples=6,
    stateful_step_count=12,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
)
test_nobody_is_forgotten_and_no_limit_exceeded = Telling.TestCase
