"""How much each channel was asked to take: its documented limits, exactly as they are written.

A limit counts messages in *any* span of its length, as the far end sees them. A message may be
seen at any moment between the asking and the answer, so it counts until its span has passed
since the answer. After a restart one counts from when it was begun, plus the longest an answer
may take.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.model import SECOND, Quota, Sent

_ENDLESS: Final = 1 << 62
"""Under way: it has not begun to be forgotten."""
_MOST_PEOPLE: Final = 5_000
"""Of a limit for each person, people who are remembered before the old ones are looked for."""


class _Ticket:
    """One message that counts."""

    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at


class Meters:
    """Ask ``wait``; at 0 ``take`` at once, tell, and ``done``."""

    def __init__(self, quotas: Mapping[str, Sequence[Quota]]) -> None:
        self._quotas = {channel: tuple(each) for channel, each in quotas.items() if each}
        self._counted: dict[tuple[str, int, str], list[_Ticket]] = {}
        self._queued: dict[str, dict[int, None]] = {}

    @property
    def longest(self) -> int:
        """Ns after which no quota counts a message any more."""
        spans = [quota.per for quotas in self._quotas.values() for quota in quotas]
        return int(max(spans, default=0) * SECOND)

    def counts(self, channel: str) -> bool:
        """Whether the channel has a limit."""
        return channel in self._quotas

    def wait(self, channel: str, person: str, *, life: bool, now: int) -> int:
        """Ns until the channel takes one more for this person; behind those that wait already."""
        ahead = 0 if life else len(self._queued.get(channel, ()))
        waits = [0]
        for index, quota in enumerate(self._quotas.get(channel, ())):
            tickets = self._live(channel, index, quota, person, now)
            most = quota.most if life else max(quota.most - quota.spare, 1)
            missing = len(tickets) + 1 - most
            if missing > 0:
                span = int(quota.per * SECOND)
                ends = sorted(min(ticket.at, now) + span for ticket in tickets)
                place = missing - 1 + ahead
                rounds, place = divmod(place, len(ends))
                waits.append(ends[place] + rounds * span - now)
        return max(waits)

    def take(self, channel: str, person: str, now: int) -> tuple[_Ticket, Sent]:
        """It is asked now: what to hand to ``done``, and what to keep on disk before that."""
        ticket = _Ticket(_ENDLESS)
        for index, quota in enumerate(self._quotas.get(channel, ())):
            key = channel, index, person if quota.each else ""
            self._counted.setdefault(key, []).append(ticket)
        if len(self._counted) > _MOST_PEOPLE:
            self._forget(now)
        return ticket, Sent(channel, person, now)

    def done(self, ticket: _Ticket, now: int) -> None:
        """The channel has answered, or never will."""
        ticket.at = now

    def queue(self, channel: str, row: int) -> None:
        """``row`` is held for this channel."""
        self._queued.setdefault(channel, {})[row] = None

    def unqueue(self, row: int) -> None:
        """It is not held any more."""
        for queue in self._queued.values():
            queue.pop(row, None)

    def resume(self, sent: Iterable[Sent], patience: int, now: int) -> None:
        """What was asked before a restart; ``patience`` is the ns that an answer may take."""
        for each in sent:
            ticket, _ = self.take(each.channel, each.person, now)
            ticket.at = min(each.at + patience, now)

    def clear(self) -> None:
        """Forget everything: it will be read again."""
        self._counted.clear()
        self._queued.clear()

    def _live(self, channel: str, index: int, quota: Quota, person: str, now: int) -> list[_Ticket]:
        key = channel, index, person if quota.each else ""
        since = now - int(quota.per * SECOND)
        found = [ticket for ticket in self._counted.get(key, ()) if ticket.at > since]
        if key in self._counted:
            self._counted[key] = found
        return found

    def _forget(self, now: int) -> None:
        for channel, index, person in list(self._counted):
            quota = self._quotas[channel][index]
            if not self._live(channel, index, quota, person, now):
                del self._counted[channel, index, person]
