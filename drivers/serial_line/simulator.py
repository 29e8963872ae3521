"""A beam detector on a line without a cable: ready, alarm, end; its lines come in two pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from gateway.ports import Clock
from gateway.simulate import SerialPair, serial_pair

_LINES: Final = (b"BEAM1,1,OK,215\n", b"BEAM1,2,ALARM,216\n", b"BEAM1,3,OK,217\n")
OPTIONS: Final[dict[str, Any]] = {
    "line": {"terminator": "\n", "max": 64},
    "reports": [
        {
            "pattern": r"(?P<id>[A-Z0-9]{1,8}),(?P<n>\d+),(?P<state>\w+),(?P<t>-?\d+)",
            "device": {"group": "id"},
            "kind": "infrared",
            "values": {
                "alarm": {"group": "state", "true": ["ALARM"], "false": ["OK"]},
                "temperature": {"group": "t", "scale": 0.1},
            },
        }
    ],
}


@asynccontextmanager
async def simulator(wanted: Mapping[str, Any], clock: Clock) -> AsyncIterator[dict[str, Any]]:
    """A line on which a detector speaks twice a second; yields the options that read it."""
    with serial_pair() as line:
        speaking = asyncio.create_task(_speak(line, clock))
        try:
            yield {"port": line.port} | OPTIONS
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)


async def _speak(line: SerialPair, clock: Clock) -> None:
    while True:
        for said in _LINES:
            await clock.sleep(0.4)
            line.send(said[:7])
            await clock.sleep(0.1)
            line.send(said[7:])
