"""Keeps tasks running: back-off with jitter; one log line when it falls, one when it is back.

This is the one place that catches every exception: a driver's bug must not end the gateway.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from gateway.clock import Signal
from gateway.ports import Clock, Unavailable

_FIRST_WAIT: Final = 1.0
"""Seconds: a broker that restarts is back within a few."""
_LONGEST_WAIT: Final = 60.0
"""Seconds: long enough to cost nothing, short enough that nobody waits for a repair to show."""
_WELL_AFTER: Final = 25.0
"""Seconds a task must live to count as recovered: until then it is still the same fall. Longer than
drivers wait for an answer (10 s to connect, 10 s to subscribe): they live that long, too.

Of a task that can prove itself only the proof counts.
"""

Live = Callable[[], Coroutine[Any, Any, None]]
Changed = Callable[["Health"], None]


class Health:
    """The state of one supervised task, as the console shows it."""

    def __init__(self, name: str, proof: Signal | None = None) -> None:
        self.name = name
        self.proof = proof
        """Moves on when the task has done what it is for."""
        self.up = True
        self.reason = ""
        self.falls = 0
        self.since = 0
        """Wall ns of the last change of ``up``."""

    def as_dict(self) -> dict[str, str | bool | int]:
        """For the API."""
        return {
            "name": self.name,
            "up": self.up,
            "reason": self.reason,
            "falls": self.falls,
            "since": self.since,
        }


def waits(attempt: int, jitter: float) -> float:
    """Seconds before attempt ``attempt`` (from 0); ``jitter`` in 0..1 spreads a herd."""
    return float(min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(attempt, 10)) * (0.5 + jitter / 2))


async def keep_running(live: Live, clock: Clock, health: Health, changed: Changed) -> None:
    """Run ``live`` again and again until cancelled; ``changed`` hears of each fall and return."""
    log = structlog.get_logger(health.name)
    health.since = clock.now().wall
    attempt = 0
    while True:
        task = asyncio.ensure_future(live())
        try:
            if health.up or await _recovers(task, clock, health.proof):
                if not health.up:
                    attempt = 0
                    log.info("task_back", after_falls=health.falls)
                    _turn(health, True, "", clock, changed)
                await asyncio.wait((task,))
        finally:
            task.cancel()
            reason, at_least = await _end_of(task, log)
        if health.up:
            log.warning("task_fell", reason=reason)
        health.falls += 1
        _turn(health, False, reason, clock, changed)
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        await clock.sleep(max(waits(attempt, jitter), at_least or 0.0))
        attempt += 1


async def _recovers(task: asyncio.Future[None], clock: Clock, proof: Signal | None) -> bool:
    """Whether ``task`` is still alive after the time, or with the proof, that counts as that."""
    enough = clock.sleep(_WELL_AFTER) if proof is None else proof.wait(proof.count)
    timer = asyncio.ensure_future(enough)
    try:
        await asyncio.wait((task, timer), return_when=asyncio.FIRST_COMPLETED)
        return not task.done()
    finally:
        timer.cancel()
        await asyncio.gather(timer, return_exceptions=True)


async def _end_of(task: asyncio.Future[None], log: Any) -> tuple[str, float | None]:
    """Why ``task`` ended, in one line, and when the other end says to come again."""
    try:
        await task
    except asyncio.CancelledError:
        return "cancelled", None
    except Unavailable as error:
        return error.reason, error.retry_after
    except Exception as error:
        log.debug("task_traceback", exc_info=True)
        return f"{type(error).__name__}: {error}", None
    return "it ended by itself", None


def _turn(health: Health, up: bool, reason: str, clock: Clock, changed: Changed) -> None:
    differs = health.up != up
    health.reason = reason
    if differs:
        health.up = up
        health.since = clock.now().wall
        changed(health)
