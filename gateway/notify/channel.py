"""Stage ``channel``: there has to be a way to tell; and which ways, in which order. Pure.

The person's list, from the rung on that was not tried yet; channels known to be away last. A
resolve goes first where the alarm went. That a channel is broken is told through the others.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from gateway.incidents.people import FIXTURE
from gateway.model import SECOND, Category, End, Incident, OutboxRow, Person, TellingLimits
from gateway.notify.facts import ALARMS, ASKS, UNSEEN, Facts, Verdict

TROUBLE: Final = "gateway/channel:"
"""With the name of a notifier: the part of the gateway that is its channel."""


def channel(facts: Facts) -> Verdict | None:
    """There has to be a way to tell."""
    if facts.notifiers:
        return None
    return Verdict(End.failed_all_channels, "no notifier is configured")


def channels_of(person: Person, notifiers: Collection[str]) -> list[str]:
    """The person's configured channels in order; every notifier for a person without any."""
    own = [name for name in person.channels if name in notifiers]
    return own or list(notifiers)


def in_order(
    names: list[str],
    row: OutboxRow,
    incident: Incident,
    *,
    others: Collection[str] = (),
    told_by: str = "",
    away: Collection[str] = (),
) -> list[str]:
    """``names`` as they are to be tried for this row; ``others``: whatever tells people."""
    broken = incident.device.removeprefix(TROUBLE) if incident.device.startswith(TROUBLE) else ""
    if broken in names and not row.person.startswith(FIXTURE):
        rest = [name for name in [*names, *others] if name != broken]
        return [*dict.fromkeys(rest), broken]
    rung = max(row.rung, 0) % len(names) if names else 0
    turned = names[rung:] + names[:rung]
    turned.sort(key=lambda name: (name != told_by, name in away))
    return turned


def unseen(
    row: OutboxRow, incident: Incident, names: list[str], limits: TellingLimits, now: int
) -> OutboxRow | None:
    """The row for when nobody has received the incident by then: the next channel of ``names``.

    ``row`` was just told. None: it was the last channel, or asks for nothing.
    """
    if row.purpose not in ASKS or row.person.startswith(FIXTURE) or row.channel not in names:
        return None
    if row.purpose not in ALARMS and row.person != incident.owner:
        return None  # it was only to be known
    rung = names.index(row.channel) + 1
    if rung >= len(names) or rung <= row.rung:
        return None
    seconds = limits.unseen_life if incident.category is Category.life else limits.unseen
    due = now + int(seconds * SECOND)
    return OutboxRow(
        id=0,
        incident=row.incident,
        seq=row.seq,
        purpose=row.purpose,
        person=row.person,
        due=due,
        since=due,
        held=UNSEEN,
        rung=rung,
    )
