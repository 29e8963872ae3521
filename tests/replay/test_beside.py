"""Work in another process: what it gives comes back, and so does what went wrong."""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import time

import pytest

from gateway.ports import Unavailable
from gateway.replay.beside import Beside


def test_what_it_gives_comes_back_from_another_process() -> None:
    offset = 7
    with Beside(lambda: (os.getpid(), offset)) as beside:
        pid, given = beside.result()
    assert given == offset
    assert pid != os.getpid()


@pytest.mark.parametrize(
    "error", [OSError(5, "can not be read", "journal.db"), Unavailable("cases.db: away")]
)
def test_what_it_raises_is_raised_here(error: Exception) -> None:
    def work() -> None:
        raise error

    with Beside(work) as beside, pytest.raises(type(error), match=r"read|away"):
        beside.result()


def test_when_it_is_killed_that_is_said() -> None:
    with (
        Beside(lambda: os.kill(os.getpid(), signal.SIGKILL)) as beside,
        pytest.raises(Unavailable, match="killed"),
    ):
        beside.result()


def test_when_who_began_it_is_killed_it_ends() -> None:
    ours, theirs = os.pipe()
    starter = os.fork()
    if starter == 0:
        with Beside(lambda: time.sleep(600)):
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(theirs)
    os.waitpid(starter, 0)
    ended, _, _ = select.select([ours], [], [], 10)  # the last that holds the other end is gone
    os.close(ours)
    assert ended


def test_too_little_memory_is_said_in_one_line() -> None:
    def work() -> None:
        raise MemoryError

    with Beside(work) as beside, pytest.raises(Unavailable, match="memory"):
        beside.result()


def test_leaving_early_ends_it() -> None:
    with pytest.raises(ValueError, match="mine"), Beside(lambda: time.sleep(600)):
        raise ValueError("mine")
    assert multiprocessing.active_children() == []
