"""What a field is, found by its name: made once per name and remembered. Pure."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from drivers.mqtt.lorawan import names
from drivers.mqtt.lorawan.words import snake
from gateway.model import EXTRA

MOST_NAMES: Final = 8_192
"""Names whose plan is kept; a network of every maker's devices has a few hundred."""
LONGEST: Final = 64
"""Characters of a name that is kept."""
_INDEX: Final = re.compile(r"_?\d{1,2}$")


class Role(IntEnum):
    """How a field is read."""

    quantity = 1
    battery = 2
    truth = 3
    press = 4
    state = 5
    alarm = 6
    event = 7
    flag = 8
    hot = 9
    axis = 10
    model = 11
    other = 12


class Plan(NamedTuple):
    """One field's."""

    role: Role
    extra: str
    """Its name among the values outside the tables."""
    row: int = 0
    """Which quantity, truth or axis."""
    rank: int = 0
    """Of two fields for one quantity the one with the smaller rank counts."""
    unit: str = ""
    """From the field or the end of its name; "" where neither says one."""
    inverted: bool = False
    numbered: bool = False
    """One of several: kept under its own name as well."""
    loose: bool = False
    """A number is no truth value here."""
    name: str = ""
    """As in the table."""


def _table() -> dict[str, Plan]:
    found: dict[str, Plan] = {}

    def add(every: str, role: Role, row: int = 0, *, inverted: bool = False) -> None:
        for rank, name in enumerate(every.split()):
            loose = name in names.LOOSE
            found[name] = Plan(role, "", row, rank, inverted=inverted, loose=loose, name=name)

    for row, truth in enumerate(names.TRUTHS):
        for ending in ("", *names.ENDINGS):
            add(" ".join(each + ending for each in truth.names.split()), Role.truth, row)
        for ending in ("", *names.ENDINGS):
            opposites = " ".join(each + ending for each in truth.inverted.split())
            add(opposites, Role.truth, row, inverted=True)
    for role, group in (
        (Role.press, names.PRESSES),
        (Role.state, names.STATES),
        (Role.alarm, names.ALARMS),
        (Role.event, names.EVENTS),
        (Role.flag, names.FLAGS),
        (Role.hot, names.HOT),
        (Role.model, names.NAMES_OF_MODELS),
        (Role.battery, names.BATTERY),
    ):
        add(" ".join(sorted(group)), role)
    for row, quantity in enumerate(names.QUANTITIES):
        add(quantity.names, Role.quantity, row)
    for row, axis in enumerate(names.AXES):
        add(" ".join(axis), Role.axis, row)
    return found


_TABLE: Final = _table()


@lru_cache(maxsize=MOST_NAMES)
def plan_of(path: tuple[str, ...], unit: str) -> Plan | None:
    """The plan of a field by the names on the way to it; None where the name is too long."""
    parts = [snake(each) for each in path]
    full = "_".join(part for part in parts if part)
    if not full or len(full) > LONGEST:
        return None
    extra = EXTRA + full
    for depth in range(len(parts)):
        left = "_".join(parts[:depth]).split("_")
        if depth and names.QUALIFIERS.intersection(left):
            break
        found = _look("_".join(parts[depth:]), unit.lower())
        if found is not None:
            return found._replace(extra=extra, rank=found.rank + 100 * depth)
    if full.endswith(names.FAULTS):
        return _TABLE["fault"]._replace(extra=extra, numbered=True)
    return Plan(Role.other, extra, unit=unit.lower())


def _look(name: str, unit: str) -> Plan | None:
    """By the name, then without the unit at its end, then without the number at its end."""
    for beginning in ("is_", "has_"):
        name = name.removeprefix(beginning)
    found = _exact(name, unit)
    if found is None and name.startswith("alarm_"):
        found = _exact(name.removeprefix("alarm_") + "_alarm", unit)
    if found is not None:
        return found
    bare = _INDEX.sub("", name)
    if bare != name and (found := _exact(bare, unit)) is not None:
        return found._replace(rank=found.rank + 10 + int(name[-1]), numbered=True)
    for words in (1, 2):
        parts = name.rsplit("_", words)
        if len(parts) <= words:
            break
        written, base = "_".join(parts[1:]), parts[0]
        bare = _INDEX.sub("", base)
        for each, more in ((base, 0), (bare, 10)):
            plan = _TABLE.get(each)
            if plan is not None and written in units_of(plan):
                return plan._replace(unit=written, rank=plan.rank + more, numbered=more > 0)
    return None


def _exact(name: str, unit: str) -> Plan | None:
    plan = _TABLE.get(name)
    if plan is None or not unit:
        return plan
    if plan.role in (Role.quantity, Role.battery):
        return plan._replace(unit=unit) if unit in units_of(plan) else None
    return plan


def units_of(plan: Plan) -> dict[str, tuple[float, float]]:
    """The units that a field may have, with factor and offset to ours."""
    if plan.role is Role.quantity:
        return names.UNITS[names.QUANTITIES[plan.row].dimension]
    if plan.role is Role.battery:
        return _BATTERY_UNITS
    return {}


_BATTERY_UNITS: Final = names.UNITS["voltage"] | names.UNITS["ratio"]
