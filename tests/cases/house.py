"""Store, desk and teller put together as the program does it, on a real file in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from gateway.clock import Arrival
from gateway.incidents.desk import CHINA, Desk
from gateway.model import Change, Incident, Notification, Position, Receipt, Site
from gateway.notify.teller import Teller
from gateway.ports import Notifier
from gateway.store.cases import Cases
from tests.cases import build
from tests.virtual import VirtualClock


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


class House:
    """One running gateway's decision half."""

    def __init__(
        self, cases: Cases, clock: VirtualClock, notifiers: dict[str, Notifier], site: Site
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
        )
        self.desk = Desk(
            cases,
            self.teller.offer,
            lambda: self.site,
            deadlines=build.DEADLINES,
            fallback=build.DUTY,
        )
        self._n = 0

    @property
    def now(self) -> int:
        return self.arrival(self.clock.now())

    async def take(self, *changes: Change) -> None:
        self._n += 1
        stamp = self.clock.now()
        await self.desk.take(
            changes, Position("j", self._n), {}, self.arrival(stamp), stamp, self.site
        )

    async def act(
        self, key: str, verb: str, person: str = "zhang", outcome: str = "", comment: str = ""
    ) -> Incident:
        stamp = self.clock.now()
        return await self.desk.act(key, verb, person, outcome, comment, stamp, self.arrival(stamp))

    async def ends(self, key: str) -> list[tuple[str, str, str]]:
        return [(row.purpose, row.person, row.end) for row in await self.cases.outbox(key)]


@contextlib.asynccontextmanager
async def living(
    path: Path,
    clock: VirtualClock,
    notifiers: dict[str, Notifier],
    site: Site | None = None,
) -> AsyncIterator[House]:
    async with Cases(path, clock) as cases:
        house = House(cases, clock, notifiers, site or build.site())
        tasks = [
            asyncio.create_task(house.teller.run()),
            asyncio.create_task(house.desk.run(clock, house.arrival)),
        ]
        try:
            yield house
            broken: Sequence[asyncio.Task[None]] = [task for task in tasks if task.done()]
            assert not broken, broken
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
