"""A child that commits numbered steps as fast as it can, until it is killed."""

import asyncio
import sys
from pathlib import Path

from gateway.clock import SystemClock
from gateway.incidents.desk import Desk
from gateway.model import Position
from gateway.store.cases import Cases
from tests.cases import build


async def main(path: Path) -> None:
    clock = SystemClock("always")
    async with Cases(path, clock) as cases:
        desk = Desk(
            cases,
            lambda _rows, _incidents: None,
            build.site,
            deadlines=build.DEADLINES,
            fallback=build.DUTY,
        )
        position, _ = await cases.rules_start()
        number = position.n if position else 0
        while True:
            number += 1
            same = f"device:{number}"
            await desk.take(
                [build.alarmed("s1", same=same), build.alarmed("s2", same=same)],
                Position("j", number),
                {"n": str(number).encode(), "old": None if number % 2 else b"x"},
                number,
                clock.now(),
                build.site(),
            )
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


asyncio.run(main(Path(sys.argv[1])))
