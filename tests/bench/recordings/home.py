"""UCI ADL, home B: PIR detectors and the main door of a home for 21 days, with what was done.

The resident arms ``away`` when a labelled "Leaving" begins and ``home`` when "Sleeping" does: what
alarms then is false. Labels are to the minute, and the main door opens in the last minute of
nearly every absence; so the end of one is told twice: disarmed when the label ends, and
``_TO_THE_PANEL`` after the door opened. The packs ask for words of the registry: the door is on
the entry route, and in one run also the detectors that saw who came in during the first week
(which is not scored). Seats, bed, fridge, cupboard, flush and microwave are no devices of an
alarm system and stay away.

Intrusions are made (seeded): in each long enough absence somebody comes by the door or a window
and walks from room to room; how long a detector then says "motion" is drawn from the recording.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from gateway.model import Site
from tests.bench.recordings.case import Case, seconds
from tests.bench.recordings.play import Armed, Report, Told, device, site
from tests.bench.recordings.score import Event

TITLE: Final = "UCI ADL, home B: 5 PIR positions and the main door, 21 days, with activities"
FILES: Final = ("uci_adl_OrdonezB_Sensors.txt", "uci_adl_OrdonezB_ADLs.txt")
MODES: Final = {"Leaving": "away", "Sleeping": "home"}
ROUNDS: Final = 5
"""How often the recording is told, each time with other intrusions."""
_DOOR: Final = "Maindoor_Entrance"
_INTRUSION: Final = frozenset({"intrusion"})
LEARNT: Final = 7 * 86_400.0
"""Seconds; in the first week these detectors saw who came in, before the keypad."""
_DOOR_ALONE: Final = {_DOOR: "entry_route"}
_ON_THE_WAY: Final = dict.fromkeys((_DOOR, "Door_Living", "Door_Kitchen"), "entry_route")
_TO_THE_PANEL: Final = 20.0
"""Seconds from opening the door to disarming."""
_LABELS: Final = 120.0
"""How far, in seconds, a label may be from the moment that it is about."""
_SETTLED: Final = 900.0
"""Seconds at both ends of an absence in which nobody breaks in: the labels are that exact."""
_WALKS: Final = (120.0, 600.0)
_STAY: Final = 15.0
"""Mean seconds between two detectors seeing an intruder."""
_BY_DOOR: Final = 0.6
_SEEN: Final = 0.9
"""The chance that a detector sees who passes it."""
_TOLD_AFTER: Final = 60.0
"""Seconds after the last report in which an alarm still finds the intrusion."""
_ROOMS: Final = {
    "Door_Living": ("Door_Kitchen", "Door_Bedroom", "Basin_Bathroom"),
    "Door_Kitchen": ("Door_Living",),
    "Door_Bedroom": ("Door_Living", "Basin_Bathroom"),
    "Basin_Bathroom": ("Door_Living", "Door_Bedroom", "Shower_Bathroom"),
    "Shower_Bathroom": ("Basin_Bathroom",),
}


class Interval(NamedTuple):
    """A line of the recording."""

    start: float
    end: float
    what: str


def cases(folder: Path) -> Iterator[Case]:
    sensors = [one for one in read(folder / FILES[0], 4, 6) if one.what in (_DOOR, *_ROOMS)]
    labels = [one for one in read(folder / FILES[1], 4) if one.what in MODES]
    doors = [one.start for one in sensors if one.what == _DOOR]
    coming = [disarmed_inside(one, doors) for one in labels]
    start, end = sensors[0].start, max(one.end for one in sensors)
    learnt = start + LEARNT
    for run, written, words, since, note in (
        (
            "away, disarmed as labelled",
            labels,
            _DOOR_ALONE,
            start,
            "the label ends up to a minute after the resident came in",
        ),
        ("away, disarmed by who comes in", coming, _DOOR_ALONE, start, ""),
        (
            "  the way to the keypad is tagged",
            coming,
            _ON_THE_WAY,
            learnt,
            "of 22 November the label begins nine minutes before the resident leaves",
        ),
    ):
        told = [*reports(sensors), *arming(written)]
        times = [one for one in in_mode(written, "away") if one.start >= since]
        yield Case(run, devices(words), told, _INTRUSION, hours(times), watched=times, note=note)
    home = [*reports(sensors), *arming(coming)]
    away, asleep = in_mode(coming, "away"), in_mode(coming, "home")
    at = devices(_ON_THE_WAY)
    for run, times in (
        ("home (asleep)", asleep),
        ("disarmed", between([*away, *asleep], start, end)),
    ):
        yield Case(run, at, home, _INTRUSION, hours(times), watched=times)
    rounds = (end - start) // 86_400 * 86_400 + 2 * 86_400
    told, intrusions, watched = with_intrusions(home, sensors, away, rounds)
    confirmed = frozenset({"intrusion_confirmed"})
    for run, judged, named, note in (
        ("away, intrusions made", _INTRUSION, "", ""),
        ("  intrusion_confirmed, by the door", confirmed, "door", ""),
        ("  intrusion_confirmed, by a window", confirmed, "window", "no window has a contact"),
    ):
        yield Case(
            run,
            at,
            told,
            judged,
            hours(watched),
            intrusions,
            after=_TOLD_AFTER,
            watched=watched,
            named=named,
            note=note,
        )


def devices(words: Mapping[str, str]) -> Site:
    """The main door and the detectors, each with its word of the registry, if it has one."""
    kinds = {_DOOR: "contact"} | dict.fromkeys(_ROOMS, "infrared")
    return site(
        *(device(n, kind, tags=(words[n],) if n in words else ()) for n, kind in kinds.items())
    )


def in_mode(labels: Sequence[Interval], mode: str) -> list[Event]:
    return [Event(one.start, one.end) for one in labels if MODES[one.what] == mode]


def disarmed_inside(label: Interval, doors: Sequence[float]) -> Interval:
    """An absence that ends ``_TO_THE_PANEL`` after the door opened in its last minutes, if it did."""
    if MODES[label.what] != "away":
        return label
    opened = [at for at in doors if max(label.start, label.end - _LABELS) < at <= label.end]
    return label._replace(end=opened[0] + _TO_THE_PANEL) if opened else label


def hours(times: Sequence[Event]) -> float:
    return sum(one.end - one.start for one in times) / 3_600


def read(path: Path, *columns: int) -> list[Interval]:
    """Start, end, and ``columns`` joined, of every line after the two of the heading."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines()[2:]:
        words = line.split()
        if len(words) > max(columns):
            what = "_".join(words[column] for column in columns)
            start, end = seconds(" ".join(words[:2])), seconds(" ".join(words[2:4]))
            found.append(Interval(start, max(end, start + 1), what))
    return sorted(found)


def reports(sensors: Sequence[Interval]) -> list[Report]:
    told: list[Report] = []
    for start, end, what in sensors:
        name = "open" if what == _DOOR else "alarm"
        told += [Report(start, what, {name: True}), Report(end, what, {name: False})]
    return told


def arming(labels: Sequence[Interval]) -> list[Told]:
    """Armed when an activity begins, disarmed when it ends, as the recording's labels say."""
    told: list[Told] = []
    for start, end, what in labels:
        told += [Armed(start, MODES[what]), Armed(end, "disarmed")]
    first = min(one.start for one in labels)
    return [Armed(first - 86_400, "disarmed"), *told]


def between(times: Sequence[Event], start: float, end: float) -> list[Event]:
    """What ``times`` leave of ``start`` to ``end``."""
    left, at = [], start
    for one in sorted(times):
        if one.start > at:
            left.append(Event(at, one.start))
        at = max(at, one.end)
    return [*left, Event(at, end)] if at < end else left


# --- intrusions ----------------------------------------------------------------------------


def with_intrusions(
    home: Sequence[Told], sensors: Sequence[Interval], away: Sequence[Event], length: float
) -> tuple[list[Told], list[Event], list[Event]]:
    """The recording ``ROUNDS`` times, one intrusion in each absence; those, and the absences."""
    chance = random.Random(21)
    lasting = [one.end - one.start for one in sensors if one.what in _ROOMS]
    told: list[Told] = []
    made: list[Event] = []
    watched: list[Event] = []
    for number in range(ROUNDS):
        shift = number * length
        told += [one._replace(at=one.at + shift) for one in home]
        for absence in away:
            later = Event(absence.start + shift, absence.end + shift)
            watched.append(later)
            latest = later.end - _SETTLED - _WALKS[1] - _TOLD_AFTER
            if latest > later.start + _SETTLED:
                walk = intrusion(chance, chance.uniform(later.start + _SETTLED, latest), lasting)
                told += walk
                way = "door" if walk[0].device == _DOOR else "window"
                made.append(Event(walk[0].at, walk[-1].at, way))
    return told, made, watched


def intrusion(chance: random.Random, start: float, lasting: Sequence[float]) -> list[Report]:
    """Somebody comes in and goes from room to room for some minutes; what the detectors say."""
    seen: list[Interval] = []
    until = start + chance.uniform(*_WALKS)
    room = "Door_Living"
    if chance.random() < _BY_DOOR:
        seen.append(Interval(start, start + chance.uniform(3, 20), _DOOR))
    else:
        room = chance.choice(["Door_Kitchen", "Door_Bedroom"])
    at = start + chance.expovariate(1 / _STAY)
    while at < until:
        if chance.random() < _SEEN:
            seen.append(Interval(at, at + chance.choice(lasting), room))
        room = chance.choice(_ROOMS[room])
        at += chance.expovariate(1 / _STAY)
    told = sorted(reports(seen), key=lambda one: one.at)
    return [one for one in told if one.at <= until] or [Report(start, room, {"alarm": True})]
