"""Store, desk and teller put together as the program does it, on a real file in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from gateway.clock import Arrival
from gateway.incidents.desk import Desk
from gateway.incidents.numbers import CHINA
from gateway.incidents.people import FIXTURE
from gateway.model import (
    SECOND,
    Action,
    Category,
    Change,
    Deed,
    Incident,
    Notification,
    Position,
    Receipt,
    Site,
    TellingLimits,
    Value,
)
from gateway.notify.silences import Silences
from gateway.notify.teller import Teller
from gateway.ports import Notifier
from gateway.store.cases import Cases
from gateway.store.databases import Database
from gateway.supervise import Health, keep_running
from tests.cases import build
from tests.virtual import VirtualClock, jobs

ONE_BY_ONE = TellingLimits(first=1_000_000)
"""Nothing is merged."""


class Phone:
    """Keeps what it was told; raises what ``answers`` holds for the next calls."""

    def __init__(self) -> None:
        self.heard: list[Notification] = []
        self.asked: list[Notification] = []
        self.answers: list[Exception] = []
        self.always: Exception | None = None
        self.delay = 0.0
        self.clock: VirtualClock | None = None

    async def tell(self, notification: Notification) -> Receipt:
        self.asked.append(notification)
        if self.clock is not None and self.delay:
            await self.clock.sleep(self.delay)
        if self.answers:
            raise self.answers.pop(0)
        if self.always is not None:
            raise self.always
        self.heard.append(notification)
        return Receipt("200 OK")

    def said(self) -> list[tuple[str, str]]:
        return [(each.purpose, each.person) for each in self.heard]


class WatchedCases(Cases):
    """Knows whether a statement is under way, so that virtual time waits for the real disk."""

    def __init__(self, where: Path | Database, clock: VirtualClock) -> None:
        super().__init__(where, clock)
        self.under_way = 0
        for side in (self._writer, self._reader):
            side.call = self._counted(side.call)  # type: ignore[method-assign]

    def _counted(self, call: Any) -> Any:
        async def counted(*args: Any, **kwargs: Any) -> Any:
            self.under_way += 1
            try:
                return await call(*args, **kwargs)
            finally:
                self.under_way -= 1

        return counted


class StoryClock(VirtualClock):
    """Moves on only when nothing is left to do at the present moment, database and files included."""

    cases: WatchedCases | None = None

    async def settle(self) -> None:
        pending = jobs()
        calm = 0
        while calm < 20:
            await asyncio.sleep(0)
            calm += 1
            if pending or (self.cases is not None and self.cases.under_way):
                calm = 0
                await asyncio.sleep(0.0002)

    async def advance(self, seconds: float) -> None:
        end = self.mono + int(seconds * SECOND)
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self._move_to(due)
                future.set_result(None)
                await self.settle()
        self._move_to(end)
        await self.settle()


class House:
    """One running gateway's decision half."""

    def __init__(
        self,
        cases: Cases,
        clock: VirtualClock,
        notifiers: dict[str, Notifier],
        site: Site,
        limits: TellingLimits = ONE_BY_ONE,
    ) -> None:
        self.cases = cases
        self.clock = clock
        self.site = site
        self.arrival = Arrival(cases.last_arrival, clock.now())
        self.teller = Teller(
            cases,
            notifiers,
            lambda: self.site,
            clock,
            self.arrival,
            fallback=build.DUTY,
            zone=CHINA,
            limits=limits,
            silences=lambda now: self.silences.standing(now),
            cause=lambda incident: self.causes.get(incident.rule, ""),
            note=lambda part, values: self.noted.append((part, values)),
        )
        self.causes: dict[str, str] = {}
        """Rule -> the one that holds it back."""
        self.noted: list[tuple[str, dict[str, Value]]] = []
        self.silences = Silences(
            cases.read,
            cases.write,
            lambda: self.site,
            clock,
            self.arrival,
            lambda: self.teller.offer((), ()),
        )
        self.desk = Desk(
            cases,
            self.teller.offer,
            lambda: self.site,
            deadlines=build.DEADLINES,
            fallback=build.DUTY,
            fixtures={
                FIXTURE + name: {Category.life}
                for name, each in notifiers.items()
                if getattr(each, "is_fixture", False)
            },
        )
        self._n = 0

    @property
    def now(self) -> int:
        return self.arrival(self.clock.now())

    async def take(self, *changes: Change | Action) -> None:
        self._n += 1
        stamp = self.clock.now()
        await self.desk.take(
            changes, Position("j", self._n), {}, self.arrival(stamp), stamp, self.site
        )

    async def act(
        self,
        key: str,
        verb: str,
        person: str = "zhang",
        outcome: str = "",
        comment: str = "",
        **more: Any,
    ) -> Incident:
        stamp = self.clock.now()
        deed = Deed(verb, person, outcome, comment, **more)
        return await self.desk.act(key, deed, stamp, self.arrival(stamp))

    async def one(self) -> Incident:
        """The newest incident."""
        return (await self.cases.incidents(False, 1))[0]

    async def ends(self, key: str) -> list[tuple[str, str, str]]:
        return [(row.purpose, row.person, row.end) for row in await self.cases.outbox(key)]


@contextlib.asynccontextmanager
async def living(
    where: Path | Database,
    clock: StoryClock,
    notifiers: dict[str, Notifier],
    site: Site | None = None,
    limits: TellingLimits = ONE_BY_ONE,
    supervised: bool = False,
) -> AsyncIterator[House]:
    """``supervised``: the desk's loop is brought back when the store failed it, as by the program."""
    async with WatchedCases(where, clock) as cases:
        clock.cases = cases
        house = House(cases, clock, notifiers, site or build.site(), limits)
        await house.silences.load()
        ringing = partial(house.desk.run, clock, house.arrival)
        if supervised:
            ringing = partial(
                keep_running, ringing, clock, Health("incidents"), lambda _health: None
            )
        tasks = [
            asyncio.create_task(house.teller.run()),
            asyncio.create_task(house.teller.channels.run()),
            asyncio.create_task(ringing()),
        ]
        try:
            yield house
            broken: Sequence[asyncio.Task[None]] = [task for task in tasks if task.done()]
            assert not broken, broken
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            clock.cases = None
