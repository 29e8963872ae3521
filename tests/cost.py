"""What a call costs, so that a parser whose time grows with the square of its input is found."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")
_LOOKS = 3
"""A shared machine makes one look dear now and then; a square makes all of them."""


def affordable(ns: int, work: Callable[[], _T]) -> _T:
    """The result of ``work``, which may be called again: CPU time of this thread under ``ns``."""
    spent = []
    for _ in range(_LOOKS):
        start = time.thread_time_ns()
        result = work()
        spent.append(time.thread_time_ns() - start)
        if spent[-1] < ns:
            return result
    raise AssertionError(f"{spent} ns of CPU; {ns} may be spent")
