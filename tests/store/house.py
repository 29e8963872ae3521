"""A journal with its door on a virtual clock, as the tests of this folder use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from gateway.clock import Arrival
from gateway.intake import Intake
from gateway.model import Lane, Reading, Record
from gateway.ports import Clock
from gateway.store.evidence import EvidenceStore
from gateway.store.group import Limits
from gateway.store.journal import Journal
from tests.virtual import VirtualClock

_DEFAULT = Limits()


class Store(NamedTuple):
    journal: Journal
    intake: Intake
    evidence: EvidenceStore


@asynccontextmanager
async def store(
    folder: Path, clock: Clock, limits: Limits = _DEFAULT, *, recent_keys: int = 64
) -> AsyncIterator[Store]:
    async with (
        Journal(folder / "journal.db", limits, clock) as journal,
        EvidenceStore(folder / "evidence") as evidence,
    ):
        stamp = clock.now()
        arrival = Arrival(journal.arrival or stamp.wall, stamp)
        intake = Intake(journal, evidence, clock, arrival, recent_keys)
        await intake.resume()
        task = asyncio.create_task(journal.run())
        try:
            yield Store(journal, intake, evidence)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def committed(clock: VirtualClock, *emits: object) -> list[object]:
    """Let the emits join the group in the making, then let its grouping time pass."""
    tasks = [asyncio.ensure_future(emit) for emit in emits]  # type: ignore[call-overload]
    for _ in range(40):
        if all(task.done() for task in tasks):
            break
        await clock.advance(0.25)
    return await asyncio.gather(*tasks, return_exceptions=True)


def smoke(device: str = "s1", *, alarm: bool = False, key: str = "", **more: object) -> Reading:
    return Reading(device, "smoke", {"alarm": alarm}, key=key, **more)  # type: ignore[arg-type]


async def everything(journal: Journal, lane: Lane = Lane.everything) -> list[Record]:
    found: list[Record] = []
    after = 0
    while after < journal.last:
        records, after, _ = await journal.read(lane, after, 100)
        found += records
    return found


def adds_up(journal: Journal) -> bool:
    ledger = journal.ledger()
    left = ledger["received"] == ledger["stored"] + sum(ledger["refused"].values())
    return left and all(
        r["waiting"] >= 0
        and ledger["stored"] == r["delivered"] + r["waiting"] + sum(r["dropped"].values())
        for r in ledger["readers"].values()
    )
