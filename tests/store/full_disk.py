"""A process whose files may not grow past a limit: a journal that must go on all the same."""

from __future__ import annotations

import asyncio
import random
import resource
import signal
from pathlib import Path

from gateway.clock import SystemClock
from gateway.model import Lane, Reading
from gateway.ports import Unavailable
from gateway.store.group import Limits
from tests.store.house import adds_up, store


async def fill(folder: Path, limit: int) -> str:
    """Write three times what fits; "ok", or what went wrong."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    taken = refused = 0
    async with store(folder, SystemClock("always"), Limits(group=0.001)) as s:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        reader = s.journal.lane("sink", Lane.everything)
        door = s.intake.door("d")
        for n in range(250):
            noise = "".join(random.Random(n).choices("abcdefghijklmnop", k=1000))
            values = [{"extra.note": f"{i}{noise[i:]}"} for i in range(60)]
            try:
                async with asyncio.timeout(10):
                    await door([Reading(f"s{i}", "smoke", {**v}) for i, v in enumerate(values)])
                taken += 1
            except Unavailable:
                refused += 1
        if not adds_up(s.journal):
            return f"the ledger does not add up: {s.journal.ledger()}"
        waiting = await s.journal.waiting(reader)
        if waiting != s.journal.ledger()["readers"]["sink"]["waiting"]:
            return f"{waiting} wait on disk, the ledger says {s.journal.ledger()}"
        if wrong := await s.journal.verify():
            return "; ".join(wrong)
    if not reader.dropped["retention"]:
        return "the limit was never reached"
    return "ok" if taken > 240 else f"{taken} groups taken, {refused} refused"
