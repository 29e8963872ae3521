"""A child that opens incidents, acts on them and anchors as fast as it can, until it is killed."""

import asyncio
import sys
from pathlib import Path

import structlog

from gateway.clock import Arrival, SystemClock
from gateway.incidents.desk import Desk
from gateway.record.anchorer import Anchorer
from gateway.store.cases import Cases
from tests.cases import build


async def main(data: Path) -> None:
    clock = SystemClock("always")
    async with Cases(data / "cases.db", clock) as cases:
        stamp = clock.now()
        arrival = Arrival(cases.last_arrival or stamp.wall, stamp)
        desk = Desk(
            cases,
            lambda _rows, _incidents: None,
            build.site,
            deadlines=build.DEADLINES,
            fallback=build.DUTY,
        )
        anchorer = Anchorer(cases, data, clock, arrival, lambda _device, _values: None)
        await anchorer.open()
        number = len(await cases.incidents(False, 10_000))
        while True:
            number += 1
            now = clock.now()
            change = build.alarmed("s1", same=f"device:{number}")
            await desk.take([change], None, {}, arrival(now), now, build.site())
            await anchorer.anchor()
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
asyncio.run(main(Path(sys.argv[1])))
