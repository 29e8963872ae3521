"""Keeps on disk what became of rows, several at once; while it takes nothing they wait here."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

import structlog

from gateway.model import OutboxRow, Sent, Stamp
from gateway.ports import Clock, Unavailable
from gateway.store.step import Step

SAVE_AGAIN: Final = 5.0
"""Seconds between attempts to save results while the disk takes nothing."""
_MOST_SENT: Final = 5_000
"""Messages that wait to be counted on disk; beyond it the oldest count in memory alone."""


class Turned(NamedTuple):
    """What became of a row, the rows that follow from that, and what becomes of others by it."""

    row: OutboxRow
    further: Sequence[OutboxRow] = ()
    others: Sequence[OutboxRow] = ()


class Committed(Protocol):
    """Where it is kept."""

    async def commit(self, step: Step) -> object:
        """All of ``step`` or nothing. Raises ``Unavailable``."""


class Keeper:
    """Who waits for the lock finds its result saved with others."""

    def __init__(
        self,
        cases: Committed,
        clock: Clock,
        arrival: Callable[[Stamp], int],
    ) -> None:
        self._cases = cases
        self._clock = clock
        self._arrival = arrival
        self._results: list[Turned] = []
        self._sent: deque[Sent] = deque(maxlen=_MOST_SENT)
        self._saving = asyncio.Lock()
        self._down = False
        self._log = structlog.get_logger("notify")

    async def keep(self, turned: Turned) -> None:
        """Returned: it is on disk. So nobody is told twice."""
        self._results.append(turned)
        while True:
            async with self._saving:
                if not any(each is turned for each in self._results):
                    return
                if await self._saved():
                    return
            await self._clock.sleep(SAVE_AGAIN)

    async def reserve(self, sent: Sent) -> None:
        """``sent`` counts on disk before it goes out; a disk that takes nothing stops nobody."""
        self._sent.append(sent)
        if self._down:
            return
        async with self._saving:
            if any(each is sent for each in self._sent):
                await self._saved()

    def forget(self) -> None:
        """The loop ends: what it did not save is read from the disk again."""
        self._results.clear()
        self._sent.clear()

    def note(self, reason: str) -> None:
        """Log once when the store takes or gives nothing, once when it does again."""
        if reason and not self._down:
            self._log.warning("results_wait_for_the_store", reason=reason)
        elif self._down and not reason:
            self._log.info("store_back")
        self._down = bool(reason)

    async def _saved(self) -> bool:
        """Whether the disk took everything there is."""
        batch, self._results = self._results, []
        sent = list(self._sent)
        self._sent.clear()
        step = Step(
            arrival=self._arrival(self._clock.now()),
            ended_rows=[row for each in batch for row in (each.row, *each.others)],
            further_rows=[row for each in batch for row in each.further],
            sent=sent,
        )
        try:
            await self._cases.commit(step)
        except Unavailable as error:
            self._results = batch + self._results
            self._sent.extendleft(reversed(sent))
            self.note(error.reason)
            return False
        self.note("")
        return True
