"""An awaited result, or what went wrong instead, as a value."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from gateway.ports import Clock, Refused, Unavailable

_T = TypeVar("_T")


def reason_of(error: BaseException) -> str:
    """An unforeseen error gives its type alone: its words may hold an address with a token."""
    if isinstance(error, (Unavailable, Refused)):
        return error.reason
    return f"unexpected {type(error).__name__}"


async def settled(
    awaited: Coroutine[Any, Any, _T], seconds: float | None = None, clock: Clock | None = None
) -> _T | BaseException:
    """The result of ``awaited``, or the exception it ended with, as a value.

    With ``seconds`` on ``clock``: ``Unavailable`` when it takes longer.
    """
    task = asyncio.ensure_future(awaited)
    waits: list[asyncio.Future[Any]] = [task]
    if seconds is not None and clock is not None:
        waits.append(asyncio.ensure_future(clock.sleep(seconds)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            return Unavailable(f"no answer within {seconds:g} s")
        if task.cancelled():
            return Unavailable("it was cancelled from within")
        return task.exception() or task.result()
    finally:
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
