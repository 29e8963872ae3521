"""Which place is in which mode: plans, and what people said. 布防, 撤防.

The newest word wins: of the arming records for the place or one above it, and of the switches
of the plan of the nearest place that has one. Where there is no word at all, a place is ``away``.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from gateway.model import Site, Text
from rules.ruleset import Ruleset

ARMED: Final = "away"
"""Of a place that nobody ever armed or disarmed."""
PLAN: Final = "plan"
"""The mode in an arming record that means: as the plan says again."""


class Said(msgspec.Struct, array_like=True):
    """An arming record, kept for its place."""

    mode: str
    by: str
    wall: int
    """When it was said; 0 where no clock could be trusted then."""
    arrival: int
    until: int = 0
    """Wall ns, as people were told; 0 for none."""
    ends: int = 0
    """The same on the arrival axis: an hour is over after an hour, whatever a clock says."""


class Mode(NamedTuple):
    """The mode of a place now."""

    mode: str
    by: str
    """``person:ID``, ``device:ID``, ``plan:NAME``, or "" where nobody ever said one."""
    since: int
    """Arrival ns; 0 where it always was so, as far as is known."""
    wall: int = 0
    """The same on the wall clock; 0 for not known."""
    until: int = 0
    """Wall ns at which the word that counts runs out; 0 for never by itself."""


class PlaceMode(NamedTuple):
    """A row of ``modes``: what people are shown. Times in wall ns, 0 for none."""

    place: str
    mode: str
    by: str
    since: int
    plan: str
    next: int
    until: int


def mode_of(
    ruleset: Ruleset, site: Site, said: dict[str, Said], place: str, wall: int | None, now: int
) -> Mode:
    """The mode of ``place`` at arrival ``now``; ``wall`` is None while no clock can be trusted.

    Without a clock no plan counts: what people said still does.
    """
    chain = [found.code for found in site.chain(place)]
    newest: Said | None = None
    for code in (*chain, ""):
        one = said.get(code)
        if one is None or _ran_out(one, wall, now):
            continue
        if newest is None or one.arrival > newest.arrival:
            newest = one
    plan = ruleset.plan_for(place, site) if wall is not None else None
    if plan is not None and wall is not None:
        switched = plan.last_switch(wall)
        over = newest is not None and switched is not None and _is_over(newest, switched, wall, now)
        if newest is None or newest.mode == PLAN or (over and not newest.until):
            at = switched or 0
            return Mode(plan.mode_at(wall), f"plan:{plan.name}", at and now - (wall - at), at)
    if newest is None or newest.mode == PLAN:
        return Mode(ARMED, "", 0)
    return Mode(newest.mode, newest.by, newest.arrival, newest.wall, newest.until)


def _ran_out(said: Said, wall: int | None, now: int) -> bool:
    """Whether the word's own end has come, by either axis: a power cut stops the one of them."""
    if said.ends and now >= said.ends:
        return True
    by_clock = bool(said.wall) or not said.ends
    return bool(said.until) and by_clock and wall is not None and wall >= said.until


def _is_over(said: Said, switched: int, wall: int, now: int) -> bool:
    """Whether the plan switched (wall ns) since that was said."""
    if said.wall:
        return switched >= said.wall
    return now - (wall - switched) >= said.arrival


def next_switch(ruleset: Ruleset, said: dict[str, Said], wall: int | None, now: int) -> int:
    """The first arrival ns after ``now`` at which some place may change its mode; 0 for none."""
    found = [one.ends for one in said.values() if one.ends > now]
    if wall is not None:
        found += [now + one.until - wall for one in said.values() if one.until > wall]
        switches = [plan.next_switch(wall) for plan in ruleset.plans]
        found += [now + at - wall for at in switches if at is not None]
    return min(found, default=0)


def who_said(by: str, ruleset: Ruleset, site: Site) -> Text:
    """Whose word a mode is, as people call it; "" where it is nobody's."""
    kind, _, who = by.partition(":")
    if kind == "plan":
        plan = next((plan for plan in ruleset.plans if plan.name == who), None)
        title = plan.title if plan is not None else Text(who, who)
        return Text(f"按计划“{title.zh}”", f"by plan “{title.en}”")
    known = site.people.get(who) if kind == "person" else site.devices.get(who)
    name = known.name if known is not None else who
    return Text(name, f"by {name}" if name else "")
