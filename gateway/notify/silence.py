"""Stage ``silence``: somebody works on it, and has said so. Pure.

A device that is bypassed or retired rings nobody; nor does what a maintenance silence covers: a
place with all that lies in it, a device, a rule, a category. Resolves still go to who was told,
answers to who wrote.
For life safety only a silence of one device or one building counts, and of 24 hours at most: an
installer may work on a panel, nobody may silence the fires of a grid.
"""

from __future__ import annotations

from typing import Final

from gateway.model import SECOND, Category, End, Silence, Site
from gateway.notify.facts import ANSWER, RESOLVES, Facts, Verdict

LONGEST: Final = 30 * 86_400
"""Seconds that a silence may last."""
LONGEST_LIFE: Final = 86_400
"""Seconds that one of life safety may last."""
_OUT_OF_USE: Final = ("bypassed", "retired")


def silence(facts: Facts) -> Verdict | None:
    """Whether every device concerned is out of use or silenced."""
    if facts.row.purpose in (*RESOLVES, ANSWER):
        return None
    by: Silence | None = None
    for device in facts.incident.alarming or (facts.incident.device,):
        known = facts.site.devices.get(device)
        if known is not None and known.state in _OUT_OF_USE:
            continue
        covering = (each for each in facts.silences if _covers(each, device, facts))
        by = next(covering, None)
        if by is None:
            return None
    if by is None:
        return Verdict(End.silenced, "the device is bypassed or retired")
    return Verdict(End.silenced, f"maintenance silence {by.id} by {by.by}: {by.because}")


def is_for_life(silence: Silence, site: Site) -> bool:
    """Whether it is narrow and short enough to count for life safety."""
    narrow = bool(silence.device) or bool(site.level(silence.place, "building"))
    return narrow and silence.until - silence.since <= LONGEST_LIFE * SECOND


def _covers(silence: Silence, device: str, facts: Facts) -> bool:
    incident, site = facts.incident, facts.site
    if incident.category is Category.life and not is_for_life(silence, site):
        return False
    known = site.devices.get(device)
    place = known.place if known is not None else incident.place
    return (
        silence.device in ("", device)
        and silence.rule in ("", incident.rule)
        and silence.category in ("", incident.category.value)
        and (not silence.place or any(silence.place == each.code for each in site.chain(place)))
    )
