"""A commit group in the making, and the limits that close it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import NamedTuple

from gateway.model import Record
from gateway.store.journal_file import Quarantined


class Limits(NamedTuple):
    """When a group closes, and how much is kept. Seconds, rows, seconds, bytes."""

    group: float = 0.2
    rows: int = 2_000
    keep: float = 30 * 86_400.0
    max_size: int = 2_000_000_000


class Group:
    """What will be committed together."""

    __slots__ = ("by_sender", "closing", "done", "opened", "quarantined", "records", "refused")

    def __init__(self, opened: int) -> None:
        self.opened = opened
        self.records: list[Record] = []
        self.refused: Counter[str] = Counter()
        self.quarantined: list[Quarantined] = []
        self.by_sender: Counter[str] = Counter()
        self.closing = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Nobody may be left waiting when the gateway stops: an unread error is no news then.
        self.done.add_done_callback(lambda future: future.cancelled() or future.exception())
