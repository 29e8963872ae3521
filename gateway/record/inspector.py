"""The gateway's own audit: once a day, and soon after a start. What it finds is an incident."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from gateway.model import Value
from gateway.ports import Clock, Unavailable
from gateway.record.audit import audit
from gateway.record.terms import Terms
from gateway.store.cases import Cases

FIRST: Final = 600.0
"""Seconds after the start: what is waiting then goes first."""
EVERY: Final = 86_400.0
_DEVICE: Final = "record:audit"
_MOST_NAMED: Final = 3

log = structlog.get_logger("record")


class Inspector:
    """Files beside the database are not read through for it: `gridwarden audit` does that."""

    def __init__(
        self,
        cases: Cases,
        data: Path,
        clock: Clock,
        note: Callable[[str, dict[str, Value]], None],
    ) -> None:
        self._cases = cases
        self._data = data
        self._clock = clock
        self._note = note
        self._said: list[str] | None = None

    async def run(self) -> None:
        """Live until cancelled. Raises ``Unavailable``."""
        await self._clock.sleep(FIRST)
        while True:
            await self.look()
            await self._clock.sleep(EVERY)

    async def look(self) -> None:
        """Audit once, and say what came of it when that has changed."""
        terms = Terms(self._data, files=False)
        try:
            report = await audit(self._cases.read, terms)
        except OSError as error:
            raise Unavailable(f"{error.filename}: {error.strerror}; look at the disk") from None
        # A key that was lost was said at the start after it, and stays in the anchors for years.
        found = [each.text.en for each in report.findings if each.what != "anchor_stranger"]
        if found == self._said:
            return
        self._said = found
        values: dict[str, Value] = {"record_broken": bool(found)}
        if found:
            log.error("audit_found", findings=len(found) + report.more, first=found[0])
            values["extra.reason"] = "; ".join(found[:_MOST_NAMED])
        self._note(_DEVICE, values)
