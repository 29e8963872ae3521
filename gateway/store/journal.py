"""The journal: one append-only list of records, shared commits, and readers with bookmarks.

    add() ─▶ open group ─▶ one commit (fsynced) ─▶ emits return ─▶ readers are woken
                 closes on: an urgent reading · the grouping time · a count ·
                            half of a sender's in-flight window

Records are numbered when they join the group and commits run one after the other, so the
numbers are dense. When a commit fails, the group in the making fails with it: whoever waits
is told ``Unavailable``, acknowledges nothing, and the numbers are given out again.
"""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import structlog

from gateway.clock import Signal, at_most
from gateway.model import SECOND, Lane, Reading, Record, Stamp, Stored
from gateway.ports import Clock, Unavailable, in_words
from gateway.store.group import Group, Limits
from gateway.store.journal_editions import InForce
from gateway.store.journal_file import (
    Bookmark,
    Chunk,
    JournalFile,
    Quarantined,
    Start,
    Totals,
    ledger,
)
from gateway.store.lanes import LaneState, Read, Tail, pick, put_right
from gateway.store.schema import trouble

_NO_ROOM: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
"""A quota or a file-size limit shows as an I/O error, a full disk as either."""

_T = TypeVar("_T")
_P = ParamSpec("_P")

_OPEN_MOST: Final = 50_000
"""Items in a group in the making; beyond it ``room`` keeps drivers waiting."""
_SAVE_EVERY: Final = 5.0
"""Seconds until a bookmark that no commit carried is written by itself."""
_CARRY_EVERY: Final = SECOND
_RETENTION_EVERY: Final = 60.0
_PROMISED: Final = 8
"""Editions put last, which retention spares: the record that names them may be under way."""

log = structlog.get_logger("journal")


class Journal:
    """Opened with ``async with``; ``run`` commits until cancelled."""

    def __init__(self, path: Path, limits: Limits, clock: Clock) -> None:
        self._path = path
        self._file = JournalFile(path)
        self._limits = limits
        self._clock = clock
        self._writer = ThreadPoolExecutor(1, "journal-writer")
        self._reader = ThreadPoolExecutor(1, "journal-reader")
        self._browser = ThreadPoolExecutor(1, "journal-browser")
        self._group: Group | None = None
        self._committing: Group | None = None
        self._urge = Signal()
        self._room = Signal()
        self.news = Signal()
        """Moves on with every commit."""
        self.timed = Signal()
        """Moves on when the right time of earlier records has become known."""
        self._tail = Tail()
        self._lanes: dict[tuple[str, Lane], LaneState] = {}
        self._unsaved: set[tuple[str, Lane]] = set()
        self._set_aside: list[Quarantined] = []
        self._promised: deque[str] = deque(maxlen=_PROMISED)
        self._next = 1
        self._received = 0
        self._refused: Counter[str] = Counter()
        self._start: Start
        self.failing = ""
        """Why the last commit failed; "" when it did not."""
        self.failures = 0
        """Commits that failed since the start."""
        self.commits = 0
        self._marked = 0
        self._last_arrival = 0
        self.damaged = 0
        """Records that some reader found unreadable since opening."""

    # --- opening ------------------------------------------------------------------

    async def __aenter__(self) -> Journal:
        stamp = self._clock.now()
        self._start = await self._in_writer(self._open, stamp.wall)
        if stamp.trusted and self._start.untimed == stamp.boot not in self._start.offsets:
            await self._trust_since_then(stamp)
        totals = self._start.totals
        self._next = totals.stored + 1
        self._received = totals.received
        self._refused = Counter(totals.refused)
        return self

    async def _trust_since_then(self, stamp: Stamp) -> None:
        """The clock was put right while nobody looked: what was stored before need not wait."""
        try:
            await self.trust(stamp)
        except sqlite3.Error as error:  # memory has it, and the next start learns it again
            log.warning("time_not_kept", reason=trouble(self._path, error))

    def _open(self, wall: int) -> Start:
        """Raises ``Unavailable`` with the path and what to do."""
        try:
            return self._file.open(wall, uuid.uuid4().hex[:16])
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(trouble(self._path, error)) from None

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.save_bookmarks()
        except Unavailable:
            log.warning("bookmarks_not_saved", reason=self.failing)
        await self._in_writer(self._file.close)
        self._writer.shutdown()
        self._reader.shutdown()
        self._browser.shutdown()

    @property
    def id(self) -> str:
        """A random name of this file: a position means nothing in another one."""
        return self._start.journal_id

    @property
    def put_aside(self) -> Path | None:
        """Where a broken predecessor was put, if opening found one."""
        return self._start.put_aside

    @property
    def last(self) -> int:
        """The number of the newest committed record."""
        waiting = len(self._group.records) if self._group else 0
        in_commit = len(self._committing.records) if self._committing else 0
        return self._next - 1 - waiting - in_commit

    @property
    def arrival(self) -> int:
        """The arrival time of the newest record at opening; 0 for a new journal."""
        return self._start.arrival

    def horizon(self, now: int) -> int:
        """The arrival up to which everything is committed: ``now``, or the oldest in flight."""
        groups = (self._committing, self._group)
        waiting = [group.records[0].arrival for group in groups if group and group.records]
        return min([now, *waiting])

    # --- the door's side --------------------------------------------------------------

    async def room(self) -> None:
        """Wait while the group in the making is at its bound."""
        while self._group is not None and len(self._group.records) >= _OPEN_MOST:
            await self._room.wait(self._room.count)

    def group(self, stamp: Stamp) -> Group:
        """The group in the making; ``await group.done`` returns when it is on disk."""
        if self._group is None:
            self._group = Group(stamp.mono)
            self._urge.notify()
        return self._group

    def add(self, group: Group, stamp: Stamp, arrival: int, item: Stored, urgent: bool) -> None:
        """Give ``item`` its number."""
        boot, mono, wall, trusted = stamp
        group.records.append(Record(self._next, arrival, boot, mono, wall, trusted, item, urgent))
        self._next += 1

    def refuse(self, group: Group, reason: str, kept: Quarantined | None = None) -> None:
        """Count what is not taken, in the same commit as its neighbours."""
        group.refused[reason] += 1
        if kept is not None:
            group.quarantined.append(kept)

    def added(self, group: Group, sender: str, count: int, window: int | None, now: bool) -> None:
        """Close the group if what was just added is reason enough."""
        group.by_sender[sender] += count
        half = window is not None and group.by_sender[sender] * 2 >= window
        if (now or half or len(group.records) >= self._limits.rows) and not group.closing:
            group.closing = True
            self._urge.notify()

    # --- committing -------------------------------------------------------------------

    async def run(self) -> None:
        """Commit groups, save lagging bookmarks and enforce the bounds, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._save_lazily())
            tasks.create_task(self._retain())
            try:
                while True:
                    await self._commit(await self._closed_group())
            finally:
                self._fail(self._group, "the gateway is stopping")

    async def _closed_group(self) -> Group:
        """Wait until there is a group and a reason to close it."""
        while self._group is None:
            await self._urge.wait(self._urge.count)
        group = self._group
        while not group.closing:
            seen = self._urge.count
            passed = (self._clock.now().mono - group.opened) / SECOND
            left = self._limits.group - passed
            if left <= 0 or not await at_most(left, self._clock, self._urge.wait(seen, first=True)):
                break
        return group

    async def _commit(self, group: Group) -> None:
        self._group, self._committing = None, group
        received = self._received + len(group.records) + group.refused.total()
        refused = self._refused + group.refused if group.refused else None
        marks = self._take_unsaved() if self._marks_are_due() else {}
        try:
            await self._write_group(group, received, refused, marks)
        except sqlite3.Error as error:
            self._unsaved.update(marks)
            self._broke(group, f"the journal can not be written: {error}")
            return
        except BaseException as error:
            # Stopping, or a bug: either way nobody may be left waiting or counted twice.
            self._unsaved.update(marks)
            self._broke(group, f"the journal was interrupted: {in_words(error)}")
            raise
        self._committing = None
        self._received = received
        self._refused = Counter(refused) if refused is not None else self._refused
        self._well_again()
        if group.records:
            self._last_arrival = group.records[-1].arrival
            self._tail.add(group.records)
            self._forget()
        if not group.done.done():
            group.done.set_result(None)
        self.commits += 1
        self._room.notify()
        self.news.notify()

    async def _write_group(
        self,
        group: Group,
        received: int,
        refused: Counter[str] | None,
        marks: Mapping[tuple[str, Lane], Bookmark],
    ) -> None:
        arguments = (group.records, received, refused, group.quarantined, marks)
        await self._with_room(partial(self._file.append, *arguments))

    async def _with_room(self, write: Callable[[], object]) -> None:
        """Write; when the disk is full, let the oldest tenth go and try once more."""
        try:
            await self._to_its_end(self._in_writer(write))
        except sqlite3.Error as error:
            if _primary(error) not in _NO_ROOM:
                raise
            if not self.failing:
                log.warning("disk_full", action="the oldest tenth of the journal is let go")
            await self._make_room()
            await self._to_its_end(self._in_writer(write))

    async def _to_its_end(self, write: Coroutine[Any, Any, object]) -> None:
        """Await ``write``; cancelled, leave it to end by itself, its error no news any more."""
        task = asyncio.ensure_future(write)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(task)

    async def _make_room(self) -> None:
        """Free the ballast, then the oldest tenth of the file. Raises ``sqlite3.Error``."""
        await self._in_writer(self._file.drop_ballast)
        size = await self._in_reader(self._file.size)
        await self._cut(await self._in_reader(self._file.expired, 0, int(size * 0.9)))

    def _broke(self, group: Group, reason: str) -> None:
        """Fail what was being committed and what joined since: their numbers are taken back."""
        following, self._group, self._committing = self._group, None, None
        numbered = [*group.records[:1], *(following.records[:1] if following else ())]
        if numbered:
            self._next = numbered[0].n
        if not self.failing:
            log.error("commit_failed", reason=reason)
        self.failing = reason
        self.failures += 1
        for failed in (group, following):
            self._fail(failed, reason)
        self._room.notify()

    def _well_again(self) -> None:
        if self.failing:
            log.info("commit_well_again")
            self.failing = ""

    def _fail(self, group: Group | None, reason: str) -> None:
        if group is not None and not group.done.done():
            group.done.set_exception(Unavailable(reason))

    # --- readers ----------------------------------------------------------------------

    def lane(self, reader: str, lane: Lane) -> LaneState:
        """The reader's bookmark; a reader never seen begins at the end, and the ledger says so."""
        key = (reader, lane)
        if key not in self._lanes:
            mark = self._start.bookmarks.get(key)
            if mark is None:
                before = self.last if lane is not Lane.alarms else 0
                mark = Bookmark(self.last, 0, {"before_start": before} if before else {})
            self._lanes[key] = LaneState(reader, lane, mark)
            self._unsaved.add(key)
        return self._lanes[key]

    async def read(self, lane: Lane, after: int, most: int) -> Read:
        """About ``most`` records of ``lane`` numbered above ``after``, and how far was looked.

        From memory while the reader keeps up, from disk when it lags.
        """
        if after >= self.last:
            return Read([], after, 0)
        if self._tail.holds(after):
            return self._right(pick(self._tail.after(after), lane, after, most))
        last = self.last
        chunks = await self._in_reader(self._file.chunks, after, lane, most)
        return self._picked(chunks, lane, after, last, most)

    def _picked(self, chunks: list[Chunk], lane: Lane, after: int, last: int, most: int) -> Read:
        """Of what is on disk: a commit of which nobody has heard yet may be there already."""
        known = [chunk for chunk in chunks if chunk.first <= last]
        return self._right(pick(known, lane, after, most)) if known else Read([], last, 0)

    def _right(self, read: Read) -> Read:
        """With the right wall times, where they were learnt later; damage is said and counted."""
        if read.damaged:
            self.damaged += read.damaged
            log.error("records_damaged", records=read.damaged, upto=read.upto)
        records = read.records
        if self._start.offsets or (records and not records[-1].trusted):
            return read._replace(
                records=[put_right(record, self._start.offsets) for record in records]
            )
        return read

    def _forget(self) -> None:
        passed = min((lane.n for lane in self._lanes.values()), default=self._next)
        self._tail.forget(passed)

    def done(
        self, state: LaneState, came_from: int, upto: int, delivered: int, dropped: Counter[str]
    ) -> None:
        """The reader has dealt with everything up to ``upto``.

        ``came_from`` is where it began: when retention overtook it meanwhile, those records
        are in the ledger as dropped already.
        """
        if state.n != came_from:
            return
        state.n = upto
        state.delivered += delivered
        state.dropped += dropped
        self._unsaved.add((state.reader, state.lane))
        self._forget()

    def set_aside(self, rows: list[Quarantined]) -> None:
        """What a sink refused, saved with its bookmark."""
        self._set_aside += rows

    async def save_bookmarks(self) -> None:
        """Write the bookmarks that no commit carried. Raises ``Unavailable``."""
        marks, rows = self._take_unsaved(), self._set_aside
        if not marks and not rows:
            return
        self._set_aside = []
        try:
            await self._in_writer(self._file.save, marks, rows)
        except sqlite3.Error as error:
            self._unsaved.update(marks)
            self._set_aside = rows + self._set_aside
            self.failing = f"the journal can not be written: {error}"
            raise Unavailable(self.failing) from None

    def _marks_are_due(self) -> bool:
        """Once a second a commit carries the bookmarks; each time would cost every alarm."""
        now = self._clock.now().mono
        if now - self._marked < _CARRY_EVERY:
            return False
        self._marked = now
        return True

    def _take_unsaved(self) -> dict[tuple[str, Lane], Bookmark]:
        marks = {key: self._lanes[key].bookmark() for key in self._unsaved}
        self._unsaved.clear()
        return marks

    async def _save_lazily(self) -> None:
        while True:
            await self._clock.sleep(_SAVE_EVERY)
            try:
                await self.save_bookmarks()
            except Unavailable:
                log.debug("bookmarks_not_saved", reason=self.failing)

    # --- editions -----------------------------------------------------------------------

    async def put_edition(self, what: str, digest: str, body: bytes) -> None:
        """Keep what ``rules`` or ``registry`` say, before a record names it by its ``digest``.

        Raises ``Unavailable``.
        """
        self._promised.append(digest)
        try:
            await self._with_room(partial(self._file.put_edition, what, digest, body))
        except sqlite3.Error as error:
            raise Unavailable(trouble(self._path, error)) from None

    async def edition(self, digest: str) -> bytes | None:
        """The content put under ``digest``; None where it is not kept or can not be read."""
        try:
            return await self._in_reader(self._file.edition, digest)
        except sqlite3.Error as error:
            log.error("edition_unreadable", digest=digest, reason=trouble(self._path, error))
            return None

    async def editions_at(self, n: int) -> dict[str, InForce]:
        """By ``rules`` and ``registry``, what is in force once record ``n`` is done."""
        return await self._in_reader(self._file.editions_at, n)

    # --- time ---------------------------------------------------------------------------

    async def trust(self, stamp: Stamp) -> None:
        """The wall clock is right now: say what this boot's clock was worth before."""
        offset = stamp.wall - stamp.mono
        self._start.offsets[stamp.boot] = offset
        await self._in_writer(self._file.set_offset, stamp.boot, offset)
        self.timed.notify()

    def knows_time_of(self, record: Record) -> bool:
        """Whether the record's wall time is right, or was put right on reading."""
        return record.trusted or record.boot in self._start.offsets

    # --- bounds -------------------------------------------------------------------------

    async def _retain(self) -> None:
        while True:
            await self._clock.sleep(_RETENTION_EVERY)
            try:
                await self.retain()
            except (sqlite3.Error, Unavailable) as error:
                log.warning("retention_failed", reason=str(error))

    async def retain(self) -> None:
        """Let go what is past its age or over the size; readers that lag are told."""
        too_old = (self._last_arrival or self._start.arrival) - int(self._limits.keep * SECOND)
        keep = await self._in_reader(self._file.expired, too_old, self._limits.max_size)
        await self._cut(keep)
        await self._in_writer(self._file.keep_ballast)

    async def _cut(self, keep_from: int) -> None:
        """Delete the chunks before record ``keep_from`` and account for whoever lagged.

        The bookmarks move in the transaction that deletes; when it fails they move back.
        """
        gone = keep_from - 1
        if gone <= 0:
            return
        moved = [(state, await self._overtake(state, gone)) for state in self._lanes.values()]
        try:
            spared = list(self._promised)
            await self._in_writer(self._file.cut, keep_from, self._take_unsaved(), spared)
        except sqlite3.Error:
            for state, before in moved:
                if before is not None and state.n == gone:
                    state.n, state.dropped = before.n, Counter(before.dropped)
            raise
        self._forget()

    async def _overtake(self, state: LaneState, gone: int) -> Bookmark | None:
        """Move a lagging lane to ``gone``, counting what it will never see; where it was."""
        while state.n < gone:
            before = state.bookmark()
            urgent, rest = await self._in_reader(self._file.between, before.n, gone)
            if state.n != before.n:
                continue  # it moved on meanwhile: count again from there
            lost = {Lane.alarms: urgent, Lane.rest: rest}.get(state.lane, urgent + rest)
            if lost:
                state.dropped["retention"] += lost
                log.warning("retention_overtook", reader=state.reader, records=lost)
            state.n = gone
            self._unsaved.add((state.reader, state.lane))
            return before
        return None

    async def oldest(self) -> int:
        """The number of the oldest record that is kept; 1 for an empty journal."""
        return await self._in_reader(self._file.oldest)

    # --- looking --------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """Items in an unfinished commit: outside the ledger's sums."""
        groups = (self._group, self._committing)
        return sum(len(g.records) + g.refused.total() for g in groups if g is not None)

    def ledger(self) -> dict[str, Any]:
        """Where every item went, as of the last commit; the sums hold at every moment."""
        totals = Totals(self._received, self.last, self._refused)
        marks = {key: lane.bookmark() for key, lane in self._lanes.items()}
        return ledger(totals, marks, self.in_flight)

    async def waiting(self, state: LaneState) -> int:
        """Counted, not computed: records of the lane behind its bookmark. For tests and verify."""
        urgent, rest = await self._in_reader(self._file.between, state.n, self.last)
        return {Lane.alarms: urgent, Lane.rest: rest}.get(state.lane, urgent + rest)

    async def totals(self) -> Totals:
        """The ledger's left side as the file has it."""
        return await self._in_reader(lambda: self._file.totals(self._file.reader))

    async def readings(self, device: str, since: int, limit: int) -> list[Reading]:
        """Readings of ``device`` received since ``since`` (wall ns), oldest first."""
        return await self._in_browser(self._file.readings, device, since, limit)

    async def records_of(self, device: str, since: int, limit: int) -> tuple[list[Record], bool]:
        """See ``JournalFile.records_of``; with the right wall times, where they were learnt."""
        records, whole = await self._in_browser(self._file.records_of, device, since, limit)
        return [put_right(record, self._start.offsets) for record in records], whole

    async def browse(self, after: int, most: int) -> Read:
        """As ``read`` with every lane, for a reader that nobody waits for and that may lag."""
        last = self.last
        if after >= last:
            return Read([], after, 0)
        chunks = await self._in_browser(self._file.past, after, most)
        return self._picked(chunks, Lane.everything, after, last, most)

    async def look_back(self, most: int, see: Callable[[Record], None]) -> None:
        """Show ``see`` the newest records, newest first, in the reader's thread.

        One commit at a time: nothing is gathered, whatever ``most`` is.
        """

        def look() -> None:
            left = most
            for chunk in self._file.newest_first():
                for record in reversed(chunk.records):
                    see(record)
                left -= chunk.size
                if left <= 0:
                    break

        await self._in_reader(look)

    async def is_whole(self) -> bool:
        """See ``JournalFile.is_whole``."""
        return await self._in_reader(self._file.is_whole)

    async def quarantined(self, limit: int) -> list[Quarantined]:
        """The newest rows of the quarantine."""
        return await self._in_reader(self._file.quarantined, limit)

    async def verify(self) -> list[str]:
        """What is wrong with the file."""
        return await self._in_reader(self._file.verify)

    async def size(self) -> int:
        """Bytes on disk."""
        return await self._in_reader(self._file.size)

    async def limit_pages(self, pages: int) -> None:
        """See ``JournalFile.limit_pages``."""
        await self._in_writer(self._file.limit_pages, pages)

    async def _in_writer(
        self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs
    ) -> _T:
        return await asyncio.get_running_loop().run_in_executor(
            self._writer, partial(function, *arguments, **named)
        )

    async def _in_browser(
        self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs
    ) -> _T:
        return await asyncio.get_running_loop().run_in_executor(
            self._browser, partial(function, *arguments, **named)
        )

    async def _in_reader(
        self, function: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs
    ) -> _T:
        return await asyncio.get_running_loop().run_in_executor(
            self._reader, partial(function, *arguments, **named)
        )


def _primary(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
