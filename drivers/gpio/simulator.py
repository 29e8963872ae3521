"""A chip without a board: a folder of lines whose door opens and closes.

The folder is the driver's own second way to lines, so what is simulated is a board that offers
them as files, not the library of the character device.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from gateway.ports import Clock

_TURN: Final = 2.0
"""Seconds that the door stays open, and closed."""
OPTIONS: Final[dict[str, Any]] = {
    "inputs": [
        {"line": "17", "device": "roof-door", "kind": "contact", "value": "open"},
        {"line": "27", "device": "cabinet", "kind": "contact", "value": "tamper"},
    ],
    "outputs": {"siren": {"line": "22", "at_most": "10s"}},
}


@asynccontextmanager
async def simulator(wanted: Mapping[str, Any], clock: Clock) -> AsyncIterator[dict[str, Any]]:
    """The folder; yields the options that read it."""
    with tempfile.TemporaryDirectory(prefix="gridwarden-gpio-") as name:
        lines = {line: Path(name, line) for line in ("17", "27", "22")}
        for path in lines.values():
            _put(path, "0\n")
        moving = asyncio.create_task(_move(lines["17"], clock))
        try:
            yield {"chip": name, "every": "50ms"} | OPTIONS
        finally:
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)


async def _move(door: Path, clock: Clock) -> None:
    while True:
        for level in ("1\n", "0\n"):
            await clock.sleep(_TURN)
            _put(door, level)


def _put(line: Path, level: str) -> None:
    line.write_text(level, encoding="ascii")
