"""What the gateway knows of itself, as readings of kind ``gateway``: rules treat them alike.

A task that falls, a store that was put aside or a disk that fills up becomes an incident by
the ordinary way, not by a special one.
"""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path
from typing import Final, NamedTuple

from gateway.clock import Signal, at_most, cpu_seconds
from gateway.model import (
    SECOND,
    Category,
    Change,
    Reading,
    Severity,
    Stamp,
    Text,
    Turn,
    Value,
)
from gateway.ports import Clock, Emit, Unavailable
from gateway.store.journal import Journal

DRIVER: Final = "gateway"
"""The name of this source of readings: its devices are ``gateway/…``."""
_EVERY: Final = 60.0
_MOST_PENDING: Final = 1_000
_FULL_BELOW: Final = 3.0
"""Per cent of the disk free: less, and the disk counts as full."""
_IO: Final = Path("/proc/self/io")
_THERMAL: Final = Path("/sys/class/thermal/thermal_zone0/temp")


class Usage(NamedTuple):
    """CPU seconds used and when that was seen, to make a percentage of."""

    cpu: float
    mono: int


class Vitals:
    """Collects what happened to the gateway and emits it, with its measurements, as readings."""

    def __init__(self, journal: Journal, clock: Clock, data: Path) -> None:
        self._journal = journal
        self._clock = clock
        self._data = data
        self._pending: dict[str, dict[str, Value]] = {}
        self._signal = Signal()
        self._failures = 0

    def note(self, device: str, values: dict[str, Value]) -> None:
        """Report ``values`` of part ``device`` soon; the newest state of a part wins."""
        if len(self._pending) < _MOST_PENDING or device in self._pending:
            self._pending[device] = self._pending.get(device, {}) | values
            self._signal.notify()

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled."""
        used = Usage(cpu_seconds(), self._clock.now().mono)
        due = self._clock.now().mono
        while True:
            seen = self._signal.count
            now = self._clock.now().mono
            if now >= due:
                due = now + int(_EVERY * SECOND)
                latest = Usage(cpu_seconds(), now)
                self.note("self", self._measure(used, latest))
                used = latest
            await self._send(emit)
            if seen == self._signal.count or not self._pending:
                left = (due - self._clock.now().mono) / SECOND
                await at_most(left, self._clock, self._signal.wait(self._signal.count))

    async def _send(self, emit: Emit) -> None:
        pending, self._pending = self._pending, {}
        if not pending:
            return
        try:
            await emit([Reading(device, "gateway", values) for device, values in pending.items()])
        except Unavailable:
            # The disk is full, which is what would be said: kept for when it is well again.
            for device, values in pending.items():
                self._pending[device] = values | self._pending.get(device, {})
            await self._clock.sleep(_EVERY / 12)

    def _measure(self, before: Usage, now: Usage) -> dict[str, Value]:
        stamp = self._clock.now()
        disk = shutil.disk_usage(self._data)
        free = 100.0 * disk.free / disk.total
        # Counted: on a full disk a small commit may still succeed between those that do not.
        failures = self._journal.failures
        refused, self._failures = failures > self._failures, failures
        waiting = [reader["waiting"] for reader in self._journal.ledger()["readers"].values()]
        values: dict[str, Value] = {
            "memory": resident_mib(),
            "disk_free": round(free, 1),
            "disk_full": free < _FULL_BELOW or refused or bool(self._journal.failing),
            "backlog": float(max(waiting, default=0)),
            "clock_trusted": stamp.trusted,
        }
        written = written_mib()
        if written is not None:
            values["disk_written"] = written
        if now.mono > before.mono:
            share = (now.cpu - before.cpu) * SECOND / (now.mono - before.mono)
            values["cpu"] = round(100.0 * share, 1)
        if _THERMAL.exists():
            values["temperature"] = int(_THERMAL.read_text(encoding="ascii")) / 1_000
        return values


def journal_change(failing: bool, reason: str, place: str, stamp: Stamp, arrival: int) -> Change:
    """That the journal takes nothing, or takes again, as the rules would say it if they could."""
    why = Text(
        f"日志库无法写入:{reason}" if failing else "日志库恢复写入",
        reason if failing else "the journal can be written again",
    )
    return Change(
        turn=Turn.alarmed if failing else Turn.cleared,
        rule="journal_failing",
        device=f"{DRIVER}/store:journal",
        kind="gateway",
        same=f"device:{DRIVER}/store:journal",
        place=place,
        category=Category.system,
        severity=Severity.critical,
        title=Text("网关无法保存数据", "The gateway can not store anything"),
        why=why,
        at=stamp.wall,
        now=arrival,
        record=0,
    )


def resident_mib() -> float:
    """Resident memory of this process, MiB."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
    except (OSError, ValueError):
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def written_mib() -> float | None:
    """MiB that this process has sent to storage since it began: what wears a card out.

    None where the kernel does not say.
    """
    try:
        lines = _IO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    said = dict(line.split(": ", 1) for line in lines)
    return round(int(said["write_bytes"]) / 2**20, 1)
