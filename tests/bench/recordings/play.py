"""A recording told to the rules at its own times, as a gateway would have told it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import rules
from gateway.model import SECOND, Arming, Change, Device, Place, Reading, Record, Site, Turn, Value
from tests.bench.recordings.score import Alarm

ARRIVAL: Final = 1_000 * SECOND
AFTERWARDS: Final = 60.0
"""Seconds that the timers go on after the last report: its end is no silence."""
FOLDER: Final = Path(__file__).parent
PLACES: Final = {
    "C": Place("C", "", "community", "community"),
    "CG": Place("CG", "C", "grid", "grid"),
    "CGB": Place("CGB", "CG", "building", "building"),
}


class Report(NamedTuple):
    """What a device said; ``at`` in seconds since 1970."""

    at: float
    device: str
    values: dict[str, Value]


class Armed(NamedTuple):
    """Somebody set the building to a mode."""

    at: float
    mode: str


Told = Report | Armed


def device(id: str, kind: str, silence: float = 0, tags: tuple[str, ...] = ()) -> Device:  # noqa: A002
    """A device of the recorded building; ``silence`` in seconds, 0: not watched."""
    return Device(
        id, "recording", id, kind, id, "CGB", max_silence=int(silence * SECOND), tags=tags
    )


def site(*devices: Device) -> Site:
    return Site(1, PLACES, {one.id: one for one in devices})


def ruleset(*files: str, zone: str = "UTC") -> rules.Ruleset:
    """All shipped packs, with the rule files beside this one that are named."""
    own = [(name, (FOLDER / name).read_text(encoding="utf-8")) for name in files]
    return rules.load([*rules.packs(rules.pack_names()), *own], zone)


def play(loaded: rules.Ruleset, at: Site, told: Iterable[Told]) -> list[Alarm]:
    """Every ``alarmed`` change, in the order of the records and timers."""
    state = rules.State()
    ordered = sorted(told, key=lambda one: one.at)
    start = ordered[0].at
    changes: list[Change] = []
    for number, one in enumerate(ordered, 1):
        changes += rules.step(loaded, at, state, _record(number, one, start, at))
    end = ARRIVAL + int((ordered[-1].at - start + AFTERWARDS) * SECOND)
    changes += rules.tick(loaded, at, state, end)
    return list(_alarms(loaded, changes, start))


def _alarms(loaded: rules.Ruleset, changes: Iterable[Change], start: float) -> Iterator[Alarm]:
    standing: set[tuple[str, str]] = set()
    for change in changes:
        over_a_place = loaded.by_name[change.rule].confirm is not None
        key = (change.rule, change.same if over_a_place else change.device)
        if change.turn is Turn.alarmed:
            seconds = start + (change.now - ARRIVAL) / SECOND
            yield Alarm(seconds, change.rule, change.device, key in standing)
            standing.add(key)
        elif change.turn is Turn.cleared:
            standing.discard(key)


def _record(number: int, one: Told, start: float, at: Site) -> Record:
    offset = int((one.at - start) * SECOND)
    wall = int(start * SECOND) + offset
    item: Reading | Arming
    if isinstance(one, Armed):
        item = Arming("CGB", one.mode, "person:resident", received_at=wall)
    else:
        kind = at.devices[one.device].kind
        item = Reading(one.device, kind, one.values, received_at=wall, at=wall)
    return Record(number, ARRIVAL + offset, "recording", offset, wall, True, item)
