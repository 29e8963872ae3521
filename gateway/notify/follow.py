"""The rows that follow from what became of one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from gateway.model import End, OutboxRow
from gateway.notify.facts import ASKS, STORM, UNSEEN


class Handed(NamedTuple):
    """What becomes of the rows of a merged message whose leader is not told."""

    lead: OutboxRow
    """Leads from now on, and is due."""
    rest: list[OutboxRow]
    """Merged into it."""
    own: list[OutboxRow]
    """About the incident of the one that led: they end as it does."""


def anew(row: OutboxRow, person: str, now: int) -> OutboxRow:
    """The same for ``person``, due at ``now``."""
    return OutboxRow(
        id=0,
        incident=row.incident,
        seq=row.seq,
        purpose=row.purpose,
        person=person,
        due=now,
        since=now,
    )


def after_silence(rows: Iterable[OutboxRow], until: int) -> list[OutboxRow]:
    """Those that ask for somebody, for when nobody has taken the incident on by ``until``."""
    asking = [row for row in rows if until and row.purpose in ASKS]
    return [
        msgspec.structs.replace(
            anew(row, row.person, until), held=UNSEEN, rung=min(row.rung, 0) - 1
        )
        for row in asking
    ]


def handed_on(
    led: OutboxRow, merged: Sequence[OutboxRow], worth: Collection[str], now: int
) -> Handed | None:
    """``merged`` without ``led``: the oldest row about an incident in ``worth`` leads them now.

    None: there is none.
    """
    own = [row for row in merged if row.incident == led.incident]
    first = next((row for row in merged if row.incident in worth), None)
    if first is None:
        return None
    lead = msgspec.structs.replace(
        first, due=now, end="", detail="", ended_at=0, held=STORM, digest=0
    )
    rest = [
        msgspec.structs.replace(
            row,
            end=End.merged.value,
            held="",
            digest=lead.id,
            detail=f"told with message {lead.id}",
        )
        for row in merged
        if row.id != lead.id and row.incident != led.incident
    ]
    return Handed(lead, rest, own)
