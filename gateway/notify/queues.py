"""Which row is told next: life first, each person's rows in order, nobody in anybody's way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from gateway.model import Category, Incident, OutboxRow

MOST: Final = 1_000
"""Rows in memory; further ones wait on disk."""
_PER_PERSON: Final = 4
"""Under way at once to one person, and as many again for life safety: a slow phone takes at
most half of a channel."""


class _Lane:
    """One person's rows of one urgency."""

    def __init__(self) -> None:
        self.waiting: deque[OutboxRow] = deque()
        self.flying: dict[int, str] = {}
        """Row -> incident."""


class Queues:
    """Rows waiting in memory or under way, each exactly once."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[bool, str], _Lane] = {}
        self._lane_of: dict[int, tuple[bool, str]] = {}
        self._uses: dict[str, int] = {}
        self._known: dict[str, Incident] = {}
        self._done_in_scan: set[int] | None = None
        self._scanned_to = 0

    @property
    def has_room(self) -> bool:
        """Whether a scan of the disk makes sense."""
        return len(self._lane_of) < MOST // 2

    def holds(self, row: int) -> bool:
        """Whether this row waits here or is under way."""
        return row in self._lane_of

    def known(self, key: str) -> Incident | None:
        """The incident as it was offered last; None if only the disk knows."""
        return self._known.get(key)

    def add_fresh(self, row: OutboxRow, incident: Incident) -> bool:
        """Queue a new row; False when it has to come from the disk."""
        if self.holds(row.id):
            return True
        if len(self._lane_of) >= MOST or row.id <= self._scanned_to:
            return False
        self._add(row, incident.category is Category.life)
        return True

    def update(self, incidents: Iterable[Incident]) -> None:
        """Remember the newest state of incidents that rows here are about."""
        for incident in incidents:
            if incident.key in self._uses:
                self._known[incident.key] = incident

    def startable(self) -> Iterator[OutboxRow]:
        """Rows whose turn it is, life first; each counts as under way from here on."""
        for place in sorted(self._lanes, key=lambda place: not place[0]):
            lane = self._lanes[place]
            while lane.waiting and len(lane.flying) < _PER_PERSON:
                if lane.waiting[0].incident in lane.flying.values():
                    break
                row = lane.waiting.popleft()
                lane.flying[row.id] = row.incident
                yield row

    def done(self, row: OutboxRow) -> None:
        """The row's result is on disk."""
        place = self._lane_of.pop(row.id)
        lane = self._lanes[place]
        del lane.flying[row.id]
        if not lane.flying and not lane.waiting:
            del self._lanes[place]
        self._uses[row.incident] -= 1
        if not self._uses[row.incident]:
            del self._uses[row.incident]
            self._known.pop(row.incident, None)
        if self._done_in_scan is not None:
            self._done_in_scan.add(row.id)

    def scan_limit(self) -> int:
        """How many rows to ask the disk for: it still counts those that are here."""
        return len(self._lane_of) + MOST // 2

    def scan_begins(self) -> None:
        """From here on the disk's answer may be older than what ends meanwhile."""
        self._done_in_scan = set()

    def scan_ends(self, rows: Sequence[OutboxRow], lives: Mapping[str, bool]) -> bool:
        """Queue what is new; whether rows ended meanwhile, so that another scan is due."""
        done, self._done_in_scan = self._done_in_scan or set(), None
        for row in rows:
            self._scanned_to = max(self._scanned_to, row.id)
            if row.id not in done and not self.holds(row.id):
                self._add(row, lives[row.incident])
        return bool(done)

    def _add(self, row: OutboxRow, life: bool) -> None:
        place = (life, row.person)
        self._lanes.setdefault(place, _Lane()).waiting.append(row)
        self._lane_of[row.id] = place
        self._uses[row.incident] = self._uses.get(row.incident, 0) + 1
