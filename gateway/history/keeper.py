"""The charts' reader of the journal, and the answers it can give.

    journal ─▶ cells of the newest hours, in memory ─▶ a stretch in history.db, with the bookmark
                        └──────────────┬────────────────────────┘
                              cells of one value ─▶ buckets

A request first folds what is new, so that an answer ends with the newest reading. What is asked
for in steps below a minute is read from the journal itself, as far as that is quickly done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import structlog

from gateway.history.buckets import step_for
from gateway.history.cells import (
    MINUTE,
    Cell,
    Columns,
    Damaged,
    fold,
    gathered,
    packed,
    unpacked,
)
from gateway.history.picture import Asked, History, picture
from gateway.model import SECOND, Reading, Record
from gateway.ports import Clock, Unavailable
from gateway.pump import timed
from gateway.store.history import HistoryFile, Stretch
from gateway.store.journal import Journal

_SLICE: Final = 2_000
"""Records that are folded at once: some ten milliseconds of one core."""
_PAUSE: Final = 0.4
"""Seconds between two slices: whoever is behind takes no more than a twentieth of one core."""
_EVERY: Final = 60.0
"""Seconds that new records wait before they are folded, unless somebody asks."""
_CATCH_UP: Final = 10
"""Slices that a request folds at most; the answer says what is missing then."""
_CELLS_MOST: Final = 60_000
"""Cells in memory, 56 bytes each: then they are written."""
_AGE_MOST: Final = 6 * 3_600 * SECOND
"""Ns on the monotonic clock until they are written anyway."""
_RECORDS_MOST: Final = 300_000
"""Records that a start would have to fold again: then they are written anyway."""
_RECHECK: Final = 30.0
_READINGS_MOST: Final = 50_000
"""Readings of one device that are taken from the journal itself for one answer."""
_SHARE: Final = 10
"""The file may have this part of what the journal may have."""

_T = TypeVar("_T")

log = structlog.get_logger("history")


class Keeper:
    """``run`` keeps up with the journal until cancelled; ``ask`` answers meanwhile.

    ``keep`` is in seconds and ``most`` in bytes: what the journal itself is bounded by.
    """

    def __init__(self, path: Path, journal: Journal, clock: Clock, keep: float, most: int) -> None:
        self._file = HistoryFile(path)
        self._journal = journal
        self._clock = clock
        self._keep = int(keep * SECOND)
        self._most = most // _SHARE
        self._thread: ThreadPoolExecutor | None = None
        self._turn = asyncio.Lock()
        self._devices: dict[str, Columns] = {}
        self._cells = 0
        self._n = 0
        """Everything up to this record is folded."""
        self._kept = 0
        """And up to this one it is on disk."""
        self._begun = 0
        """Monotonic ns of the first cell in memory."""

    async def run(self) -> None:
        """Fold what the journal gets. Raises ``Unavailable``: begun anew, it goes on."""
        with ThreadPoolExecutor(1, "history") as thread:
            await self._open(thread)
            self._thread = thread
            try:
                await self._keep_up()
            finally:
                self._thread = None
                thread.submit(self._end)

    async def _open(self, thread: ThreadPoolExecutor) -> None:
        stamp, journal = self._clock.now(), self._journal
        self._n = self._kept = await asyncio.get_running_loop().run_in_executor(
            thread, self._file.open, stamp.wall, journal.id, journal.last
        )
        self._devices, self._cells, self._begun = {}, 0, stamp.mono

    async def _keep_up(self) -> None:
        journal, clock = self._journal, self._clock
        while True:
            seen = journal.news.count
            if await self._slice():
                await clock.sleep(_PAUSE)
            elif self._n < journal.last:
                await clock.sleep(_RECHECK)  # until the right time of records is known
            else:
                await journal.news.wait(seen)
                await clock.sleep(_EVERY)

    def _end(self) -> None:
        """What is in memory goes to disk: the next start need not fold it again."""
        try:
            self._write()
        except Unavailable as error:
            log.warning("history_not_written", reason=error.reason)
        self._file.close()

    async def _slice(self) -> bool:
        """Fold the next records; whether there may be more at once."""
        async with self._turn:
            after = self._n
            records, upto, _ = await self._journal.browse(after, _SLICE)
            ready, upto = timed(self._journal, records, upto, self._clock)
            if upto == after:
                return False
            mono = self._clock.now().mono
            await self._in_thread(partial(self._fold, ready, after, upto, mono))
            return self._n < self._journal.last

    def _fold(self, records: list[Record], after: int, upto: int, mono: int) -> None:
        """Unless an asker who has left meanwhile had it done already."""
        if self._n != after:
            return
        for record in records:
            item = record.item
            if isinstance(item, Reading):
                columns = self._devices.setdefault(item.device, {})
                self._cells += fold(columns, item, MINUTE)
        self._n = upto
        old = mono - self._begun >= _AGE_MOST
        if old or self._cells >= _CELLS_MOST or upto - self._kept >= _RECORDS_MOST:
            self._write()
            self._begun = mono

    def _write(self) -> None:
        """One stretch and the bookmark behind it, then what is too old or too much goes."""
        if self._n == self._kept:
            return
        self._file.put(_stretch(self._devices), self._journal.id, self._n)
        self._devices, self._cells, self._kept = {}, 0, self._n
        self._file.retain(self._clock.now().wall - self._keep, self._most)

    # --- answers ----------------------------------------------------------------------------

    async def ask(self, asked: Asked) -> History:
        """The newest picture of one value. Raises ``Unavailable``."""
        step = step_for(asked.until - asked.since, asked.points)
        if step < MINUTE:
            found = await self._from_journal(asked, step)
            if found is not None:
                return found
        return await self._from_cells(asked, max(step, MINUTE))

    async def _from_journal(self, asked: Asked, step: int) -> History | None:
        """In steps of seconds; None where that would be too much to read."""
        before = asked.since - asked.hold
        records, whole = await self._journal.records_of(
            asked.device, asked.since - 2 * MINUTE, _READINGS_MOST
        )
        if not whole:
            return None
        columns: Columns = {}
        for record in records:
            if isinstance(record.item, Reading):
                fold(columns, record.item, step)
        column = columns.get(asked.value)
        if column is None:
            return None
        earlier: list[Cell] = []
        if column.yes:  # what it said last, before the span
            _, cells = await self._stored(asked, before, asked.since)
            earlier = [_at_its_end(cell, step) for cell in cells]
        cells = [*earlier, *column.cells()]
        return picture(asked, step, step, cells, yes=column.yes, now=self._clock.now().wall)

    async def _from_cells(self, asked: Asked, step: int) -> History:
        before = asked.since - asked.hold
        yes, cells = await self._stored(asked, before // step * step, asked.until + step)
        found = picture(asked, MINUTE, step, cells, yes=yes, now=self._clock.now().wall)
        oldest = await self._in_thread(self._oldest)
        return found._replace(oldest=oldest, behind=self.behind)

    async def catch_up(self) -> None:
        """Fold what is new, as far as nobody would mind the wait. Raises ``Unavailable``."""
        for _ in range(_CATCH_UP):
            if not self.behind or not await self._slice():
                break

    @property
    def behind(self) -> int:
        """Records that are not folded yet."""
        return max(0, self._journal.last - self._n)

    async def _stored(self, asked: Asked, since: int, until: int) -> tuple[bool, list[Cell]]:
        """The cells of the value from disk and memory, with the newest record in them."""
        await self.catch_up()
        return await self._in_thread(partial(self._look, asked.device, asked.value, since, until))

    def _look(self, device: str, value: str, since: int, until: int) -> tuple[bool, list[Cell]]:
        parts = []
        for body in self._file.bodies(device, since, until):
            try:
                part = unpacked(body, value)
            except Damaged:
                log.warning("cells_damaged", device=device)
                continue
            if part is not None:
                parts.append(part)
        column = self._devices.get(device, {}).get(value)
        if column is not None:
            parts.append((column.yes, list(column.cells())))
        yes, cells = gathered(parts)
        first, end = since // MINUTE, until // MINUTE
        return yes, [cell for cell in cells if first <= cell.slot < end]

    def _oldest(self) -> int | None:
        return self._file.oldest()

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        if self._thread is None:
            raise Unavailable("history: the charts' reader does not run now; try again in a minute")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _at_its_end(cell: Cell, width: int) -> Cell:
    """A cell of a minute as the last one of ``width`` in it."""
    last = cell.last
    return Cell((cell.slot + 1) * (MINUTE // width) - 1, 1, last, last, last, last, 0)


def _stretch(devices: dict[str, Columns]) -> Stretch | None:
    bodies: list[tuple[str, bytes]] = []
    slots: list[int] = []
    for device, columns in devices.items():
        if columns:
            bodies.append((device, packed(columns)))
            for column in columns.values():
                slots += column.ends()
    if not bodies:
        return None
    return Stretch(min(slots) * MINUTE, (max(slots) + 1) * MINUTE, bodies)
