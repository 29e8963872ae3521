"""Work in a process of its own, beside this one: the two sides of a replay share nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Generic, Self, TypeVar

from gateway.ports import Unavailable

_T = TypeVar("_T")


class Beside(Generic[_T]):
    """``work`` runs while entered; ``result`` waits for it. Leaving early ends it.

    Forked, because compiled rules can not be sent: no thread may run and no database be open
    at that moment. What ``work`` gives, or raises, has to be picklable.
    """

    def __init__(self, work: Callable[[], _T]) -> None:
        context = multiprocessing.get_context("fork")
        self._ours, self._theirs = context.Pipe(duplex=False)
        self._gone, self._here = context.Pipe(duplex=False)
        ends = (self._theirs, self._gone, self._here)
        self._process = context.Process(target=_run, args=(*ends, work), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._theirs.close()  # so that its end is seen here
        self._gone.close()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()  # it has sent everything, or nobody wants it any more
        self._process.join()
        self._process.close()
        self._ours.close()
        self._here.close()

    def result(self) -> _T:
        """What ``work`` gave. Raises what it raised, and ``Unavailable`` if it was killed."""
        try:
            given, raised = self._ours.recv()
        except EOFError:
            raise Unavailable("half of the work was killed; is there enough memory?") from None
        if raised is not None:
            raise raised
        found: _T = given
        return found


def _run(to: Connection, gone: Connection, here: Connection, work: Callable[[], object]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began it hears of it, and ends this
    here.close()  # now the parent alone has it
    threading.Thread(target=_end_with, args=(gone,), daemon=True).start()
    given: object = None
    raised: BaseException | None = None
    try:
        given = work()
    except (OSError, ValueError, sqlite3.Error, Unavailable) as error:
        raised = error
    except MemoryError:
        raised = Unavailable("half of the work found not enough memory")
    to.send((given, raised))
    to.close()


def _end_with(parent: Connection) -> None:
    """Who was killed could not say so, and nobody wants the half hour of work any more."""
    wait([parent])
    os._exit(1)
