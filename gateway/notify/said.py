"""What a person wrote with the deed that a message is about: it is kept apart from the event."""

from __future__ import annotations

from typing import Final, Protocol

from gateway.model import OutboxRow
from gateway.ports import Unavailable

_SPOKEN: Final = ("closed", "transferred", "supervised", "reopened", "answer")
"""Purposes whose event may hold a person's words, or words for one person."""


class Archive(Protocol):
    """What of ``cases.db`` is asked."""

    async def said(self, key: str, seq: int) -> str:
        """The words that event ``seq`` of an incident came with; "" for none, or purged ones."""


async def said_with(row: OutboxRow, archive: Archive) -> str:
    """The words that belong to ``row``'s event; "" where there are none, or none can be read.

    A message goes out without its reason rather than not at all.
    """
    if row.purpose not in _SPOKEN:
        return ""
    try:
        return await archive.said(row.incident, row.seq)
    except Unavailable:
        return ""
