"""A record as the gateway writes it: incidents in virtual time, an anchor whenever a test says."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from gateway.clock import SystemClock
from gateway.model import Value
from gateway.record.anchorer import Anchorer
from gateway.record.audit import audit
from gateway.record.terms import Report, Terms
from gateway.replay.casebook import Casebook
from tests.cases.build import alarmed, cleared
from tests.cases.house import House, Phone, StoryClock, living

FIRST = "L20260105-0001"


class Signed:
    """A house with its anchorer; ``notes`` is what it reported of itself."""

    def __init__(self, house: House, anchorer: Anchorer, notes: list[dict[str, Value]]) -> None:
        self.house = house
        self.anchorer = anchorer
        self.notes = notes

    async def report(self, **terms: Any) -> Report:
        return await audit(self.house.cases.read, Terms(self.anchorer._data, **terms))


@contextlib.asynccontextmanager
async def signed(data: Path, clock: StoryClock | None = None) -> AsyncIterator[Signed]:
    """Opened, and not yet anchored."""
    clock = clock or StoryClock()
    await asyncio.to_thread(data.mkdir, exist_ok=True)
    notes: list[dict[str, Value]] = []
    async with living(data / "cases.db", clock, {"phone": Phone()}) as house:
        anchorer = Anchorer(
            house.cases, data, clock, house.arrival, lambda _device, values: notes.append(values)
        )
        await anchorer.open()
        yield Signed(house, anchorer, notes)


async def a_record(data: Path) -> None:
    """Four incidents, three anchors, one comment; the last anchor speaks of everything."""
    clock = StoryClock()
    async with signed(data, clock) as record:
        house = record.house
        for number in range(3):
            await house.take(alarmed(same=f"device:{number}"), cleared(same=f"device:{number}"))
            await clock.advance(1)
        await record.anchorer.anchor()
        await house.act("L20260105-0002", "receive", comment="王家 302")
        await clock.advance(60)
        await record.anchorer.anchor()
        await house.act("L20260105-0002", "close", outcome="real")
        await house.take(alarmed(same="device:9"))
        await clock.advance(60)
        await record.anchorer.last()


async def audited(data: Path, **terms: Any) -> Report:
    """Of a record whose gateway does not run."""
    async with Casebook(data / "cases.db", SystemClock()) as cases:
        return await audit(cases.read, Terms(data, **terms))


def found(report: Report) -> set[str]:
    """The names of what was found."""
    return {finding.what for finding in report.findings}


def copied(data: Path, to: Path) -> Path:
    """A copy that a test may spoil."""
    shutil.copytree(data, to)
    return to


def spoil(data: Path, *statements: str) -> None:
    """Change the database as somebody with a shell would."""
    connection = sqlite3.connect(data / "cases.db")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
