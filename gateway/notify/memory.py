"""What the teller remembers of each person: what went out lately, what is held, what is merged.

All of it can be read from the outbox again (``resume``): a restart in the middle of a storm goes
on with the same message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from gateway.model import SECOND, Category, Incident, OutboxRow, Site, TellingLimits
from gateway.notify.facts import QUIET, QUOTA, Look, Verdict
from gateway.notify.storm import key_of, kind_of
from gateway.store.telling import Member

MOST_MERGED: Final = 1_000
"""Rows in one message: the next one begins another."""
_MOST_KEYS: Final = 10_000
"""Beyond it what is old is looked for and forgotten."""

Key = tuple[str, str, str]


class Batch(NamedTuple):
    """What is merged into one row."""

    rows: dict[int, str]
    """Merged row -> its incident."""
    key: Key | None


class Memory:
    """Not for two tasks: nothing here waits."""

    def __init__(self, limits: TellingLimits) -> None:
        self._limits = limits
        self._single: dict[tuple[Key, Category], deque[int]] = {}
        self._digests: dict[Key, int] = {}
        self._leaders: dict[Key, int] = {}
        self._behind: dict[Key, dict[int, None]] = {}
        """(person, urgency, kind) -> rows that a quota holds."""
        self._merged: dict[int, dict[int, str]] = {}
        self._homes: dict[int, tuple[Key, Key]] = {}
        self._asleep: set[int] = set()
        """Those that quiet hours hold."""

    def look(self, row: OutboxRow, incident: Incident, site: Site, now: int) -> Look:
        """What the storm stage has to know for this row."""
        key = key_of(row, incident, site)
        leader = self._leaders.get(key, 0)
        if len(self._merged.get(leader, ())) >= MOST_MERGED:
            leader = 0
        life = incident.category is Category.life
        rest = int((self._limits.life if life else self._limits.later) * SECOND)
        last = self._digests.get(key)
        digest = last if last is not None and now - last < rest else None
        asleep = leader in self._asleep
        return Look(self._recent(key, incident.category, now), digest, leader, asleep)

    def behind(self, row: OutboxRow, incident: Incident) -> list[int]:
        """Rows of this person and kind that a quota holds, the oldest first."""
        return [
            each
            for each in self._behind.get(_line(row, incident), ())
            if len(self._merged.get(each, ())) < MOST_MERGED
        ]

    def count(self, row: OutboxRow, incident: Incident, site: Site, now: int) -> None:
        """The row goes out by itself."""
        if len(self._single) >= _MOST_KEYS:
            self._forget(now)
        key = key_of(row, incident, site), incident.category
        self._single.setdefault(key, deque(maxlen=self._limits.first)).append(now)

    def hold(self, row: OutboxRow, incident: Incident, site: Site, verdict: Verdict) -> None:
        """The row waits, and others may be merged into it."""
        key, line = key_of(row, incident, site), _line(row, incident)
        if verdict.held == QUOTA:
            self._behind.setdefault(line, {})[row.id] = None
        if verdict.held != QUOTA or row.id in self._merged:
            self._leaders[key] = row.id
        self._homes[row.id] = key, line
        if verdict.held == QUIET:
            self._asleep.add(row.id)

    def again(self, row: int, batch: Batch) -> None:
        """``row`` was not told: what is merged into it stays, and more may be."""
        if batch.rows:
            self._merged[row] = batch.rows | self._merged.get(row, {})
            if batch.key is not None:
                self._leaders.setdefault(batch.key, row)
                self._homes.setdefault(row, (batch.key, batch.key))

    def merge(self, row: OutboxRow, leader: int) -> None:
        """``row`` is told with ``leader``."""
        self._merged.setdefault(leader, {})[row.id] = row.incident

    def lead(
        self, row: OutboxRow, rest: Iterable[OutboxRow], incident: Incident, site: Site
    ) -> None:
        """``row`` waits in the place of the one that led, and ``rest`` is merged into it."""
        self._merged[row.id] = {each.id: each.incident for each in rest}
        self.hold(row, incident, site, Verdict(None, "", held=row.held))

    def begin(self, row: int) -> Batch:
        """``row`` is told now: nothing more is merged into it; what is."""
        self._asleep.discard(row)
        key, line = self._homes.pop(row, (None, None))
        if key is not None and self._leaders.get(key) == row:
            del self._leaders[key]
        if line is not None and row in (behind := self._behind.get(line, {})):
            del behind[row]
            if not behind:
                del self._behind[line]
        return Batch(self._merged.pop(row, {}), key)

    def told_many(self, row: OutboxRow, incident: Incident, site: Site, now: int) -> None:
        """A merged message went out."""
        if len(self._digests) >= _MOST_KEYS:
            self._forget(now)
        self._digests[key_of(row, incident, site)] = now

    def resume(
        self,
        held: Iterable[OutboxRow],
        members: Sequence[Member],
        told: Iterable[tuple[OutboxRow, bool]],
        incidents: Mapping[str, Incident],
        site: Site,
    ) -> None:
        """As the outbox has it: what waits, what is merged into it, and what was told lately.

        ``told`` says of each row whether others were merged into it.
        """
        for member in members:
            self._merged.setdefault(member.digest, {})[member.row] = member.incident
        for row in held:
            if (incident := incidents.get(row.incident)) is not None:
                self.hold(row, incident, site, Verdict(None, "", held=row.held))
        for row, leads in told:
            if (incident := incidents.get(row.incident)) is None:
                continue
            if leads:
                self.told_many(row, incident, site, row.due)
            else:
                self.count(row, incident, site, row.due)

    def clear(self) -> None:
        """Forget everything: it will be read again."""
        known = self._single, self._digests, self._leaders, self._behind, self._merged, self._homes
        for each in known:
            each.clear()
        self._asleep.clear()

    def _recent(self, key: Key, category: Category, now: int) -> int:
        since = now - int(self._limits.within * SECOND)
        return sum(at > since for at in self._single.get((key, category), ()))

    def _forget(self, now: int) -> None:
        since = now - int(max(self._limits.within, self._limits.later) * SECOND)
        self._single = {key: at for key, at in self._single.items() if at[-1] > since}
        self._digests = {key: at for key, at in self._digests.items() if at > since}


def _line(row: OutboxRow, incident: Incident) -> Key:
    """What waits for a quota together."""
    urgency = "life" if incident.category is Category.life else ""
    return row.person, urgency, kind_of(row.purpose)
