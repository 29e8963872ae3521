"""The clocks: the only module that asks the machine what time it is, or waits.

``wall`` may jump, so nothing counts on it. ``Arrival`` is the axis that rules, time limits
and retries count on: the speed of the monotonic clock, continued after a boot where the
last saved sign of life left it. Time switched off does not count: a gateway that was dark for an
hour has not heard silence for an hour.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
import uuid
from collections import deque
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from gateway.model import Stamp
from gateway.ports import Clock

_BUILT: Final = 1_767_225_600 * 1_000_000_000
"""2026-01-01: a wall clock before this program was written is wrong whatever NTP says."""
_UNSYNCHRONISED: Final = 5
"""TIME_ERROR of adjtimex(2)."""
_TRUST_EVERY: Final = 1_000_000_000
_RTC: Final = Path("/dev/rtc0")
_BATTERY: Final = Path("/sys/class/rtc/rtc0/battery_voltage")
_CHARGED: Final = 2_000_000
"""Microvolts below which a coin cell keeps no time."""


class SystemClock:
    """The machine's clocks. ``trust`` is ``auto`` or ``always``.

    ``auto`` believes the wall clock once the kernel reports it disciplined (NTP), or
    when the machine has a battery-backed clock and the date is not before 2026.
    """

    def __init__(self, trust: str = "auto") -> None:
        self._always = trust == "always"
        self._boot = _boot_id()
        self._has_rtc = has_battery_clock()
        self._trusted = False
        self._looked = -_TRUST_EVERY

    def now(self) -> Stamp:
        """One look at the clocks; asks the kernel about trust once a second at most."""
        mono = time.monotonic_ns()
        wall = time.time_ns()
        if mono - self._looked >= _TRUST_EVERY:
            self._looked = mono
            self._trusted = wall >= _BUILT and (
                self._always or self._has_rtc or _kernel_is_synchronised()
            )
        return Stamp(self._boot, mono, wall, self._trusted)

    async def sleep(self, seconds: float) -> None:
        """Wait on the monotonic clock."""
        await asyncio.sleep(seconds)


def has_battery_clock(device: Path = _RTC, battery: Path = _BATTERY) -> bool:
    """Whether the machine keeps time while it is off.

    A Raspberry Pi 5 has the clock on board and the battery only where somebody plugged one in; it
    shows the voltage. Where nothing is shown, as on a PC, the battery is part of the board.
    """
    if not device.exists():
        return False
    try:
        return int(battery.read_text(encoding="ascii")) >= _CHARGED
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False


def cpu_seconds() -> float:
    """CPU time this process has used, user and system."""
    return time.process_time()


def spin_ns() -> int:
    """Monotonic ns for measuring a stretch of code; never for deciding anything."""
    return time.perf_counter_ns()


class Arrival:
    """Maps a ``Stamp`` of this run onto the arrival axis; never goes back."""

    def __init__(self, resumed_at: int, start: Stamp) -> None:
        self._base = resumed_at - start.mono
        self._last = resumed_at

    def __call__(self, stamp: Stamp) -> int:
        """Arrival ns of ``stamp``."""
        self._last = max(self._last, stamp.mono + self._base)
        return self._last


class Signal:
    """Tells any number of waiters that something moved on; a count, so that none is missed."""

    def __init__(self) -> None:
        self.count = 0
        self._waiters: deque[asyncio.Future[None]] = deque()

    def notify(self) -> None:
        """Wake everybody who waits."""
        self.count += 1
        waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, seen: int, *, first: bool = False) -> int:
        """Return once ``count`` differs from ``seen``; ``first`` is woken before the others."""
        while self.count == seen:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            (self._waiters.appendleft if first else self._waiters.append)(waiter)
            try:
                await waiter
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        return self.count


async def at_most(seconds: float, clock: Clock, awaited: Coroutine[Any, Any, Any]) -> bool:
    """Wait for ``awaited``, but no longer than ``seconds`` on ``clock``; whether it came."""
    if seconds <= 0:
        awaited.close()
        return False
    task = asyncio.ensure_future(awaited)
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((task, timer), return_when=asyncio.FIRST_COMPLETED)
        return task.done()
    finally:
        for each in (task, timer):
            if not each.done():
                each.cancel()
        await asyncio.gather(task, timer, return_exceptions=True)


def _boot_id() -> str:
    """Twelve hex digits that change with every boot."""
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        return text.strip().replace("-", "")[:12]
    except OSError:
        return uuid.UUID(int=time.time_ns() - time.monotonic_ns()).hex[-12:]


def _kernel_is_synchronised() -> bool:
    """Ask adjtimex(2) without changing anything; False where it can not be asked."""
    if os.name != "posix":
        return False
    try:
        library = ctypes.CDLL(None, use_errno=True)
        buffer = ctypes.create_string_buffer(512)
        return int(library.adjtimex(buffer)) not in (-1, _UNSYNCHRONISED)
    except (OSError, AttributeError):
        return False
