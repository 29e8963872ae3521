"""The one loop: read after a bookmark, hand over, move the bookmark.

Every sink has two: alarms, which wait for nothing, and the rest, which is sent in company. The
rules have their own reader (``gateway.detect``), whose bookmark lies where its effect lies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import structlog

from gateway.clock import Signal, at_most
from gateway.model import SECOND, Lane, Reading, Record
from gateway.ports import Clock, Refused, Sink
from gateway.store.journal import Journal
from gateway.store.journal_file import Quarantined
from gateway.store.lanes import LaneState

_HOLD: Final = 3_600 * SECOND
"""How long records of a clock that nobody believes wait for the right time."""
_RECHECK: Final = 30.0
_AFTER_PEOPLE: Final = 0.02
"""Seconds an alarm's series waits while its message is on the way to a person."""

log = structlog.get_logger("pump")


async def pump(
    journal: Journal,
    name: str,
    lane: Lane,
    sink: Sink,
    clock: Clock,
    *,
    batch: int,
    flush: float,
    proof: Signal,
) -> None:
    """Feed ``sink`` from its bookmark until cancelled. Raises what the sink raises.

    ``proof`` moves on whenever the sink has a batch, or nothing waits for it.

    ``Unavailable`` goes up to the supervisor, which waits and comes back here: the bookmark
    has not moved, so the same records are offered again.
    """
    state = journal.lane(name, lane)
    while True:
        seen = journal.news.count
        records, upto, damaged = await journal.read(lane, state.n, batch)
        if upto == state.n:
            proof.notify()
            await journal.news.wait(seen)
            await clock.sleep(flush if lane is not Lane.alarms else _AFTER_PEOPLE)
            continue
        known = journal.timed.count
        ready, upto = timed(journal, records, upto, clock)
        if not ready and records:
            await at_most(_RECHECK, clock, journal.timed.wait(known))
            continue
        await _hand_over(journal, state, sink, ready, upto, damaged)
        proof.notify()


def timed(
    journal: Journal, records: list[Record], upto: int, clock: Clock
) -> tuple[list[Record], int]:
    """The records whose time is known, or that have waited long enough for it to be."""
    if not records or (records[0].trusted and records[-1].trusted):
        return records, upto
    now = clock.now()
    for index, record in enumerate(records):
        waits = record.boot == now.boot and now.mono - record.mono < _HOLD
        if waits and not journal.knows_time_of(record):
            return records[:index], records[index].n - 1
    return records, upto


async def _hand_over(
    journal: Journal,
    state: LaneState,
    sink: Sink,
    records: Sequence[Record],
    upto: int,
    damaged: int,
) -> None:
    """One batch. What the sink refuses for good is set aside with the reason."""
    came_from = state.n
    dropped: Counter[str] = Counter()
    batch = [record for record in records if isinstance(record.item, Reading)]
    if len(batch) < len(records):
        dropped["not_a_reading"] = len(records) - len(batch)
    try:
        if batch:
            await sink.write(batch)
    except Refused as refused:
        indices = refused.indices or dict.fromkeys(range(len(batch)), refused.reason)
        dropped["refused"] = len(indices)
        journal.set_aside([_row(state, batch[i], reason) for i, reason in indices.items()])
        log.warning("sink_refused", sink=state.reader, records=len(indices), reason=refused.reason)
    delivered = len(records) - dropped.total()
    if damaged:
        dropped["damaged"] = damaged
    journal.done(state, came_from, upto, delivered, dropped)


def _row(state: LaneState, record: Record, reason: str) -> Quarantined:
    return Quarantined(record.wall, f"sink {state.reader}", record.n, reason, b"")
