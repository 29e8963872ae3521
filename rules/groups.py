"""Rules over a place: alarms of several devices or kinds in one place, close together.

A fire is confirmed when two detectors of a building say so within ten minutes. What is known of
each (rule, place) is bounded; the engine asks again when an alarm begins, ends or grows old.
"""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.model import Severity
from rules.rule import Confirm

MOST_MEMBERS: Final = 64
"""Alarms of one place that are remembered for one rule; the oldest that is over goes first."""
LONGEST_STAND: Final = 24 * 3_600 * 1_000_000_000
"""Ns after which an alarm that stands confirms nothing any more: a stuck detector would turn every
burnt pan of its building into a confirmed fire."""
MOST_GROUPS: Final = 10_000


class Member(msgspec.Struct, array_like=True):
    """The alarm of one rule for one device in the place."""

    kind: str
    began: int
    """Arrival ns of the newest ``alarmed`` change."""
    stands: bool = True
    since: int = 0
    """Arrival ns of the first change since it did not stand."""


class Group(msgspec.Struct, array_like=True):
    """What one rule over a place has seen in one place."""

    members: dict[str, Member] = {}
    """By ``rule|device``."""
    device: str = ""
    """The device whose alarm confirmed it, while it stands; "" while it does not."""
    kind: str = ""
    place: str = ""
    digest: str = ""
    told: tuple[str, str, str] | None = None
    severity: str = Severity.alarm.value


def key_of(rule: str, device: str) -> str:
    """Of a member."""
    return f"{rule}|{device}"


def counting(group: Group, confirm: Confirm, now: int) -> list[tuple[str, Member]]:
    """The members that count at arrival ``now``: standing, or begun within the time."""
    since, stuck = now - confirm.within, now - LONGEST_STAND
    return [
        (key, member)
        for key, member in group.members.items()
        if (member.since > stuck if member.stands else member.began > since)
    ]


def holds(group: Group, confirm: Confirm, now: int) -> bool:
    """Whether enough different devices of enough kinds count, one of which stands."""
    found = counting(group, confirm, now)
    devices = {key.partition("|")[2] for key, _ in found}
    kinds = {member.kind for _, member in found}
    if not any(member.stands for _, member in found):
        return False
    return len(devices) >= confirm.devices and len(kinds) >= confirm.kinds


def next_due(group: Group, confirm: Confirm, now: int) -> int | None:
    """When the next alarm stops counting by itself, arrival ns; None for none."""
    dues = [
        m.since + LONGEST_STAND if m.stands else m.began + confirm.within
        for m in group.members.values()
    ]
    return min((due for due in dues if due > now), default=None)


def trim(group: Group, confirm: Confirm, now: int) -> int:
    """Drop what counts no more, and the oldest beyond the bound; how many found no room."""
    kept = dict(counting(group, confirm, now))
    # One that is stuck stays known as long as it stands, or its next word would count anew.
    kept |= {key: member for key, member in group.members.items() if member.stands}
    dropped = 0
    while len(kept) > MOST_MEMBERS:
        oldest = min(kept, key=lambda key: (kept[key].stands, kept[key].began))
        del kept[oldest]
        dropped += 1
    group.members.clear()
    group.members.update(kept)
    return dropped
