"""A recording of one smoke detector, written anew each time."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.ports import Clock


@asynccontextmanager
async def simulator(wanted: Mapping[str, Any], clock: Clock) -> AsyncIterator[dict[str, Any]]:
    """A file with an alarm and its end, one line per second."""
    with tempfile.TemporaryDirectory(prefix="gridwarden-") as folder:
        yield {"path": _write(Path(folder, "smoke.ndjson")), "speed": 10, "loop": True}


def _write(path: Path) -> str:
    path.write_text("".join(map(_line, range(6))), encoding="utf-8")
    return str(path)


def _line(second: int) -> str:
    values = {"alarm": second in (2, 3), "temperature": 21.0 + second}
    return json.dumps({"t": second, "device": "烟感-1", "kind": "smoke", "values": values}) + "\n"
