"""Signs the heads of the chains that moved, once a minute and at the end, and writes them down.

    moved incidents ─▶ do their chains hold? ─▶ one transaction: anchor, nothing left to do
                                                   └▶ anchors.log ─▶ outside (``outside.py``)

What does not hold is not signed and is said: an anchor vouches for what it names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import structlog

from gateway.clock import Signal
from gateway.model import SECOND, Stamp, Value
from gateway.ports import Clock, Unavailable
from gateway.record import anchor as anchors
from gateway.record import key as keys
from gateway.record.anchor import Signed
from gateway.record.key import Key
from gateway.record.log import FILE, AnchorLog
from gateway.store import record
from gateway.store.cases import KEPT, Cases
from gateway.store.record import AnchorRow, Present

RHYTHM: Final = 60.0
"""Seconds: what was written later than that before somebody's hand reached it may be lost."""
AT_ONCE: Final = 200
"""Incidents of one anchor: an alarm's transaction waits for no more, and a line stays short."""
_PAGE: Final = 100
_DEVICE: Final = "record"
_MOST_NAMED: Final = 3

_T = TypeVar("_T")
Note = Callable[[str, dict[str, Value]], None]

log = structlog.get_logger("record")


class Anchorer:
    """``run`` lives until cancelled; ``anchor`` may be called once more after it."""

    def __init__(
        self,
        cases: Cases,
        data: Path,
        clock: Clock,
        arrival: Callable[[Stamp], int],
        note: Note,
    ) -> None:
        self._cases = cases
        self._data = data
        self._clock = clock
        self._arrival = arrival
        self._note = note
        self._log = AnchorLog(data / FILE)
        self._key: Key | None = None
        self._ahead: AnchorRow | None = None
        """What ``anchors.log`` has beyond the database: an older copy took its place."""
        self._wrong: Mapping[str, str] | None = None
        """What was said last to be wrong, by where; None: nothing yet."""
        self._at_start: dict[str, str] = {}
        """The same, of what was found when it began: it stays until the next start."""
        self.news = Signal()
        """Moves on with every anchor."""

    async def run(self) -> None:
        """Sign what moves. Raises ``Unavailable`` when the disk does not take it now."""
        await self.open()
        while True:
            await self.anchor()
            await self._clock.sleep(RHYTHM)

    async def open(self) -> None:
        """The key, and what a crash has left undone."""
        newest = await self._cases.read(record.newest_anchor)
        found = await asyncio.to_thread(keys.opened, self._data / keys.FILE)
        self._key = found.key
        written = await self._in_thread(self._log.newest)
        wrong = await self._compared(newest, written)
        if found.made:
            log.info("record_key_made", fingerprint=keys.fingerprint(found.key.public))
            if newest is not None or written is not None:
                wrong["key"] = "the record's key was lost; a new one signs from now on"
        await self._catch_up(written, newest)
        self._at_start = wrong

    async def last(self) -> None:
        """The anchor at a stop: what is not signed now waits for the next start."""
        if self._key is None:
            return
        try:
            await self.anchor()
        except Unavailable as error:
            log.warning("last_anchor_not_written", reason=error.reason)

    async def anchor(self) -> None:
        """Sign everything that moved and whose chain holds."""
        broken: dict[str, str] = {}
        after = ""
        while found := await self._cases.read(record.moved, after, AT_ONCE):
            after = found[-1]
            flaws = await self._cases.read(record.flaws, found)
            broken |= flaws
            if sound := [key for key in found if key not in flaws]:
                await self._write(sound)
        self._say(self._at_start | broken)

    async def _write(self, sound: list[str]) -> None:
        if self._key is None:
            raise RuntimeError("an anchor is written before the key is opened")
        stamp = self._clock.now()
        make = partial(_make, self._ahead, self._key, stamp, self._arrival(stamp))
        old = partial(_old, self._arrival(stamp) - int(KEPT * SECOND))
        row = await self._cases.write(record.write_anchor, sound, make, old)
        self._ahead = None
        await self._in_thread(partial(self._log.append, [anchors.parsed(row)]))
        self.news.notify()

    async def _compared(self, newest: AnchorRow | None, written: Signed | None) -> dict[str, str]:
        """What the two places of the anchors say of each other."""
        if written is None:
            return {}
        row, last = written.row, newest.n if newest is not None else 0
        if row.n > last:
            self._ahead = row
            said = f"cases.db ends at anchor {last} and {FILE} at {row.n}: an older copy took"
            return {"log": f"{said} its place"}
        same = await self._cases.read(record.anchors, row.n - 1, 1)
        if same and same[0] != row:
            return {"log": f"anchor {row.n} of {FILE} is not the one of cases.db"}
        return {}

    async def _catch_up(self, written: Signed | None, newest: AnchorRow | None) -> None:
        """Write into the log what the database has beyond it: a crash came between the two."""
        after = written.anchor.n if written is not None else 0
        while newest is not None and after < newest.n:
            rows = await self._cases.read(record.anchors, after, _PAGE)
            if not rows:
                return
            await self._in_thread(partial(self._log.append, [anchors.parsed(r) for r in rows]))
            after = rows[-1].n

    def _say(self, wrong: Mapping[str, str]) -> None:
        """To people, as a reading of the gateway's own; only what has changed."""
        if wrong == self._wrong:
            return
        self._wrong = wrong
        values: dict[str, Value] = {"record_broken": bool(wrong)}
        if wrong:
            values["extra.reason"] = "; ".join(list(wrong.values())[:_MOST_NAMED])
            log.error("record_broken", found=len(wrong), first=next(iter(wrong.values())))
        self._note(_DEVICE, values)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise Unavailable(f"{self._log.path}: {error.strerror}; look at the disk") from None


def _make(
    ahead: AnchorRow | None, key: Key, stamp: Stamp, arrival: int, present: Present
) -> AnchorRow:
    """Runs in the writer's thread."""
    newest = present.newest
    if ahead is not None and (newest is None or ahead.n > newest.n):
        newest = ahead
    return anchors.made(present, newest, key, stamp, arrival)


def _old(before: int, row: AnchorRow) -> list[tuple[str, int]] | None:
    """Of an anchor made before arrival ``before``, what it speaks of; None while it is younger."""
    try:
        found = anchors.parsed(row).anchor
    except ValueError:  # somebody changed it: it stays, so that the audit can say so
        return None
    if found.arrival >= before:
        return None
    return [(head.incident, head.events) for head in found.heads]
