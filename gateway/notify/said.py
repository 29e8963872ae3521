"""What a person wrote with the deed that a message is about: it is kept apart from the event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from gateway.model import IncidentEvent, OutboxRow
from gateway.ports import Unavailable

_SPOKEN: Final = ("closed", "transferred", "supervised", "reopened", "answer")
"""Purposes whose event may hold a person's words, or words for one person."""


class Archive(Protocol):
    """What of ``cases.db`` is asked."""

    async def events(self, key: str) -> list[IncidentEvent]:
        """An incident's chain."""

    async def texts(self, digests: Sequence[str]) -> dict[str, str]:
        """Personal texts by SHA-256; purged ones are absent."""


async def said_with(row: OutboxRow, archive: Archive) -> str:
    """The words that belong to ``row``'s event; "" where there are none, or none can be read.

    A message goes out without its reason rather than not at all.
    """
    if row.purpose not in _SPOKEN:
        return ""
    try:
        events = await archive.events(row.incident)
        event = next((event for event in events if event.seq == row.seq), None)
        digest = event.data.get("comment", "") if event is not None else ""
        if not isinstance(digest, str) or not digest:
            return ""
        return (await archive.texts([digest])).get(digest, "")
    except Unavailable:
        return ""
