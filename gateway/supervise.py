"""Keeps tasks running: back-off with jitter; one log line when it falls, one when it is back.

This is the one place that catches every exception: a driver's bug must not end the gateway.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from gateway.model import SECOND
from gateway.ports import Clock, Unavailable

_FIRST_WAIT: Final = 1.0
"""Seconds: a broker that restarts is back within a few."""
_LONGEST_WAIT: Final = 60.0
"""Seconds: long enough to cost nothing, short enough that nobody waits for a repair to show."""
_WELL_AFTER: Final = 10 * SECOND
"""A task that lived this long has recovered: the next fall starts from the first wait."""


class Health:
    """The state of one supervised task, as the console shows it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.up = False
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
    return float(min(_LONGEST_WAIT, _FIRST_WAIT * 2**min(attempt, 10)) * (0.5 + jitter / 2))


async def keep_running(
    name: str,
    live: Callable[[], Awaitable[None]],
    clock: Clock,
    health: Health,
    changed: Callable[[Health], None] = lambda _health: None,
) -> None:
    """Run ``live`` again and again until cancelled; ``changed`` hears of each fall and return."""
    log = structlog.get_logger(name)
    attempt = 0
    while True:
        started = clock.now()
        fell_before = attempt > 0
        if not fell_before:
            _turn(health, True, "", started.wall, changed)
        try:
            await live()
            reason, wait_at_least = "it ended by itself", None
        except Unavailable as error:
            reason, wait_at_least = error.reason, error.retry_after
        except Exception as error:  # the supervisor's duty: see the module's first lines
            reason, wait_at_least = f"{type(error).__name__}: {error}", None
            log.debug("task_traceback", exc_info=True)
        ended = clock.now()
        if ended.mono - started.mono >= _WELL_AFTER:
            attempt = 0
        if health.up or not fell_before:
            log.warning("task_fell", reason=reason)
        health.falls += 1
        _turn(health, False, reason, ended.wall, changed)
        await clock.sleep(max(waits(attempt, random.random()), wait_at_least or 0.0))
        attempt += 1


def _turn(
    health: Health, up: bool, reason: str, wall: int, changed: Callable[[Health], None]
) -> None:
    differs = health.up != up
    health.reason = reason
    if differs:
        health.up = up
        health.since = wall
        changed(health)
