"""What is looked at now and then, as points: who has duty, the ledger, channels, devices. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from gateway.model import SECOND, Device, Place, Reading, Site, Text, Value
from gateway.model.series import Point
from gateway.registry.duty import on_duty, shifts, with_rosters

DOOR: Final = "door"
"""The ledger's reader that stands for the intake."""
_LEFT: Final = ("planned", "retired")
"""States of a device that is not there, or no more."""
_WATCHED: Final = ("accepted", "installed")
"""States in which its silence means something."""
_DEAD_AFTER: Final = 3
"""Times its maximum silence."""
_EMPTY: Final = 1.0
"""Per cent: a battery that says so is, or its device does not measure it."""
_LEAST_SPAN: Final = 10
_LEAST_DAYS: Final = 3
"""Samples, and days between the first and the last, that a forecast rests on at least."""
_SLOWEST: Final = 0.005
"""Per cent a day: below it a battery does not run down, it drifts."""
LONGEST: Final = 3_650.0
"""Days: what is farther is said to be that far."""


class OnDuty(NamedTuple):
    """Who has duty for a role at a place, as it is shown."""

    point: Point
    until: int
    """Wall ns; 0: no roster says."""


def posts(site: Site) -> list[tuple[str, str]]:
    """Every (place, role) that somebody may have duty for."""
    found = set(with_rosters(site))
    for person in site.people.values():
        found.update((code, person.role) for code in (person.grid, *person.areas))
    return sorted(each for each in found if each[0] in site.places)


def duty(site: Site, code: str, role: str, wall: int) -> OnDuty:
    """Who has duty there at ``wall`` ns."""
    people = on_duty(site, code, role, wall)
    held = [shift for shift in shifts(site, code, role, wall, wall + 1) if shift.begin <= wall]
    until = held[-1].end if held else 0
    fields: dict[str, Value] = {
        "person": people[0].id if people else "",
        "name": people[0].name if people else "",
        "more": float(max(len(people) - 1, 0)),
    }
    if until:
        fields["until"] = float(until // 1_000_000)
    return OnDuty(Point("duty", {"place": code, "role": role}, fields, wall), until)


def ledger(book: Mapping[str, Any], wall: int) -> Iterator[Point]:
    """Where every item went so far: the door's side, and each reader's."""
    sums: dict[str, Value] = {
        "received": float(book["received"]),
        "stored": float(book["stored"]),
        "refused": float(sum(book["refused"].values())),
    }
    yield Point("ledger", {"reader": DOOR}, sums, wall)
    for name, reader in sorted(book["readers"].items()):
        fields: dict[str, Value] = {
            "delivered": float(reader["delivered"]),
            "waiting": float(reader["waiting"]),
            "dropped": float(sum(reader["dropped"].values())),
        }
        yield Point("ledger", {"reader": name}, fields, wall)


def channels(states: Mapping[str, str], held: Mapping[str, int], wall: int) -> Iterator[Point]:
    """Whether each channel takes messages, and how many wait for it."""
    for name, state in sorted(states.items()):
        fields: dict[str, Value] = {
            "up": 1.0 if state == "ok" else 0.0,
            "held": float(held.get(name, 0)),
        }
        yield Point("channel", {"channel": name}, fields, wall)


class Heard(NamedTuple):
    """What is known of a device."""

    age: float | None
    """Seconds since its last report; None: never heard."""
    latest: Reading | None
    past: Sequence[tuple[int, float]] = ()
    """(day, battery in per cent), oldest first."""
    day: int = 0
    """The day it is."""


def is_expected(device: Device) -> bool:
    """Whether it is somewhere, so that its state is worth a point."""
    return device.state not in _LEFT


def is_silent(device: Device, age: float | None) -> bool:
    """Whether it is silent for longer than it should be."""
    if not device.max_silence or device.state not in _WATCHED:
        return False
    return age is None or age * SECOND > device.max_silence


def device(known: Device, heard: Heard, wall: int, where: str) -> Point:
    """The state of one registered device; ``where`` is the names of the places it lies in."""
    silent = is_silent(known, heard.age)
    why = dead(known, heard)
    fields: dict[str, Value] = {
        "silent": silent,
        "silent_n": float(silent),
        "dead_n": float(why is not None),
        "name": known.name,
        "state": known.state,
        "where": where,
    }
    if why is not None:
        fields |= {"dead_why": why.zh, "dead_why_en": why.en}
    if heard.age is not None:
        fields["age"] = round(heard.age, 1)
    values = heard.latest.values if heard.latest is not None else {}
    fields |= {
        name: values[name]
        for name in ("battery", "link", "rssi")
        if type(values.get(name)) is float
    }
    left = battery_days([*heard.past, *_present(values, heard.day)])
    if left is not None:
        fields["battery_days"] = left
    tags = {"device": known.id, "place": known.place, "kind": known.kind}
    return Point("device_state", tags, fields, wall)


def path(site: Site, code: str) -> str:
    """The names of a place and of those that it lies in, the largest first."""
    return " ".join(place.name for place in reversed(site.chain(code))) or code


def place(known: Place, wall: int) -> Point:
    """What a place is called: people know names, the other series have codes."""
    fields: dict[str, Value] = {
        "name": known.name,
        "label": f"{known.code} {known.name}",
        "n": 1.0,
    }
    if known.parent:
        fields["parent"] = known.parent
    if known.latitude is not None and known.longitude is not None:
        fields |= {"latitude": known.latitude, "longitude": known.longitude}
    return Point("place", {"place": known.code, "level": known.level}, fields, wall)


def _present(values: Mapping[str, Value], day: int) -> list[tuple[int, float]]:
    battery = values.get("battery")
    return [(day, battery)] if isinstance(battery, float) and day else []


def dead(known: Device, heard: Heard) -> Text | None:
    """Why a device is probably dead; None when it is not."""
    if known.state != "accepted":
        return None  # planned, under installation, bypassed, retired: nobody relies on it
    if heard.age is None:
        return Text("从未收到报告", "never heard") if known.max_silence else None
    hours = heard.age / 3600
    if known.max_silence and heard.age * SECOND > _DEAD_AFTER * known.max_silence:
        return Text(f"已失联 {hours:.0f} 小时", f"silent for {hours:.0f} h")
    values = heard.latest.values if heard.latest is not None else {}
    battery = values.get("battery")
    if isinstance(battery, float) and battery <= _EMPTY:
        return Text(f"电池 {battery:g} %", f"battery at {battery:g} %")
    if values.get("fault") is True:
        return Text("设备自报故障", "reports a fault of its own")
    return None


def battery_days(past: Sequence[tuple[int, float]]) -> float | None:
    """Days until the battery is empty, by the straight line through (day, per cent).

    None where too little is known, or where it does not run down.
    """
    fresh = list(past)
    for at in range(len(fresh) - 1, 0, -1):  # a new battery: what was before is of another one
        if fresh[at][1] > fresh[at - 1][1] + 20:
            fresh = fresh[at:]
            break
    if len(fresh) < _LEAST_DAYS or fresh[-1][0] - fresh[0][0] < _LEAST_SPAN:
        return None
    days = sum(day for day, _ in fresh) / len(fresh)
    level = sum(percent for _, percent in fresh) / len(fresh)
    spread = sum((day - days) ** 2 for day, _ in fresh)
    slope = sum((day - days) * (percent - level) for day, percent in fresh) / spread
    if slope > -_SLOWEST:
        return None
    return round(min(max(fresh[-1][1], 0.0) / -slope, LONGEST), 1)
