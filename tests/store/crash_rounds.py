"""Kill a store in the middle of its commits, again and again, and look at what is left.

    python -m tests.store.crash_rounds FOLDER ROUNDS SEED

Each round forks a child that opens the journal, sends again what was never acknowledged, as
a broker would, goes on with new readings, and kills itself (SIGKILL) before or after a random
SQL statement of a commit. The parent then opens the file and compares it with what the child
acknowledged before it died. Prints one line of JSON; exit code 1 and the reason when wrong.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import struct
import sys
from pathlib import Path
from typing import Any

from gateway.clock import SystemClock
from gateway.model import Lane, Reading
from gateway.store.group import Limits
from gateway.store.journal_file import JournalFile
from tests.store.house import store

_FRESH = 250
"""Rounds on one file: a new one keeps each start short."""
_NUMBER = struct.Struct("<q")


class Mortal:
    """A connection whose owner dies at its ``deadly``-th statement, before or after it."""

    def __init__(self, connection: sqlite3.Connection, deadly: int, after: bool) -> None:
        self._connection = connection
        self._left = deadly
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def __enter__(self) -> Any:
        return self._connection.__enter__()

    def __exit__(self, *arguments: Any) -> Any:
        return self._connection.__exit__(*arguments)

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        self._left -= 1
        if self._left == 0 and not self._after:
            os.kill(os.getpid(), signal.SIGKILL)
        cursor = self._connection.execute(*arguments)
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return cursor


async def child(folder: Path, first: int, pipe: int, chance: random.Random) -> None:
    deadly, after = chance.randint(1, 25), chance.random() < 0.5
    opened = JournalFile.open

    def open_mortal(file: JournalFile, wall: int, new_id: str) -> Any:
        start = opened(file, wall, new_id)
        file.writer = Mortal(file.writer, deadly, after)  # type: ignore[assignment]
        return start

    JournalFile.open = open_mortal  # type: ignore[method-assign]
    async with store(folder, SystemClock("always"), Limits(group=0.0005)) as s:
        lane = s.journal.lane("sink", Lane.rest)
        door = s.intake.door("d", window=20)

        async def send(numbers: range) -> None:
            await door([Reading("s", "smoke", {"density": float(n)}, key=str(n)) for n in numbers])
            for n in numbers:
                os.write(pipe, _NUMBER.pack(n))

        number = first
        while True:
            sizes = [chance.randint(1, 6) for _ in range(3)]
            starts = [number + sum(sizes[:i]) for i in range(3)]
            await asyncio.gather(
                *(send(range(a, a + size)) for a, size in zip(starts, sizes, strict=True))
            )
            number += sum(sizes)
            records, upto, _ = await s.journal.read(Lane.rest, lane.n, 10)
            s.journal.done(lane, lane.n, upto, len(records), type(lane.dropped)())


def acknowledged(pipe: int) -> list[int]:
    data = b""
    while piece := os.read(pipe, 65536):
        data += piece
    return [number for (number,) in _NUMBER.iter_unpack(data[: len(data) // 8 * 8])]


def main(top: Path, rounds: int, seed: int) -> int:
    chance = random.Random(seed)
    acked = 0
    stored: list[int] = []
    all_stored = all_acked = all_repeats = 0
    for round_ in range(rounds):
        if round_ % _FRESH == 0:
            folder, acked, duplicates = top / str(round_), 0, 0
            folder.mkdir()
            all_stored += len(stored)
            stored = []
        reading_end, writing_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading_end)
            asyncio.run(child(folder, acked + 1, writing_end, random.Random(chance.random())))
            os._exit(3)
        chance.random()
        os.close(writing_end)
        before, acked = acked, max([acked, *acknowledged(reading_end)])
        all_acked += acked - before
        os.close(reading_end)
        _, status = os.waitpid(pid, 0)
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            return wrong(round_, f"the child ended by itself: {status}")
        file = JournalFile(folder / "journal.db")
        start = file.open(0, "unused")
        if start.put_aside is not None:
            return wrong(round_, "the file was broken")
        for chunk in file.chunks(len(stored), Lane.everything, 10**9):
            for record in chunk.records:
                if record.n > len(stored):
                    stored.append(int(record.item.key))  # type: ignore[union-attr]
        totals, mark = start.totals, start.bookmarks.get(("sink", Lane.rest))
        gaps = file.verify() if round_ % 50 == 0 or round_ == rounds - 1 else []
        file.close()
        all_repeats += totals.refused.get("duplicate", 0) - duplicates
        duplicates = totals.refused.get("duplicate", 0)
        if stored != list(range(1, len(stored) + 1)):
            return wrong(round_, f"keys are not each there once: …{stored[-20:]}")
        if len(stored) < acked:
            return wrong(round_, f"{acked} acknowledged, {len(stored)} stored")
        if totals.stored != len(stored) or totals.received != totals.stored + duplicates:
            return wrong(round_, f"the ledger does not add up: {totals}")
        if mark is not None and mark.n > totals.stored:
            return wrong(round_, f"the bookmark is ahead of the journal: {mark}")
        if gaps:
            return wrong(round_, "; ".join(gaps))
    all_stored += len(stored)
    print(
        json.dumps(
            {
                "rounds": rounds,
                "stored": all_stored,
                "acknowledged": all_acked,
                "repeats": all_repeats,
            }
        )
    )
    return 0


def wrong(round_: int, reason: str) -> int:
    print(f"round {round_}: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
