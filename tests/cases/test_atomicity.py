"""A step survives SIGKILL whole or not at all, and an acknowledged one always."""

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from gateway.store.cases import Cases
from tests.virtual import VirtualClock

KILLS = 6


def run_and_kill(path: Path, lines: int) -> int:
    """The last step that the child had been told is on disk when it was killed."""
    command = [sys.executable, "-m", "tests.cases.crasher", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        last = 0
        for _ in range(lines):
            last = int(child.stdout.readline())
        child.kill()
        for line in child.stdout.read().split("\n")[:-1]:
            last = int(line)
    return last


async def test_killed_writer_leaves_whole_steps(tmp_path: Path) -> None:
    path, chance = tmp_path / "cases.db", random.Random(11)
    for _ in range(KILLS):
        acknowledged = run_and_kill(path, chance.randrange(1, 30))
        async with Cases(path, VirtualClock()) as cases:
            assert cases.put_aside is None
            position, state = await cases.rules_start()
            assert position is not None
            assert position.n >= acknowledged
            assert state["n"] == str(position.n).encode()
            assert ("old" in state) is (position.n % 2 == 0)
            assert await cases.verify() == []
            counts = await cases.outbox_counts()
        with closing(sqlite3.connect(path)) as connection:
            for table in ("incident", "timer", "outbox"):
                (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
                assert rows == position.n, table
            (events,) = connection.execute("SELECT count(*) FROM event").fetchone()
            assert events == 2 * position.n
        assert counts == {"waiting": position.n}
