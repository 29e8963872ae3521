"""UCI occupancy: a climate sensor in an office, 1/min for six days, with true occupancy."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.bench.recordings.case import Case, seconds
from tests.bench.recordings.play import Report, device, site
from tests.bench.recordings.score import Event, covered, runs

TITLE: Final = "UCI occupancy: an office's climate sensor, 1/min, with true occupancy"
FILES: Final = ("uci_occupancy_datatraining.csv",)
LEARNT: Final = seconds("2015-02-06 00:00:00")
"""The site's own rule has its threshold from the days before."""
SHORTEST: Final = 300.0
"""Seconds; shorter visits and absences are no event of their own."""
_LONGEST_GAP: Final = 600.0


def cases(folder: Path) -> Iterator[Case]:
    with (folder / FILES[0]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    times = [seconds(row[1]) for row in rows]
    occupied = runs(times, [row[7] == "1" for row in rows], "occupied", 60)
    told = [
        Report(
            at,
            "office",
            {
                "temperature": float(row[2]),
                "humidity": float(row[3]),
                "co2": float(row[5]),
                "extra.light": float(row[4]),
            },
        )
        for at, row in zip(times, rows, strict=True)
    ]
    sensor = site(device("office", "climate"))
    yield Case(
        "packs alone: every category",
        sensor,
        told,
        frozenset({"life", "intrusion", "facility", "trouble"}),
        covered(times, _LONGEST_GAP) / 3_600,
        note="not visible to the packs: none infers presence from light or air",
    )
    after = [at for at in times if at >= LEARNT]
    yield Case(
        "a site's own rule on light",
        sensor,
        told,
        frozenset({"room_in_use"}),
        covered(after, _LONGEST_GAP) / 3_600,
        [event for event in joined(occupied) if event.end - event.start >= SHORTEST],
        ("office.yaml",),
        before=120,
        watched=[Event(LEARNT, times[-1])],
        note="threshold from the two days before",
    )
    yield Case(
        "  the same, only while armed by a plan",
        sensor,
        told,
        frozenset({"light_while_armed"}),
        covered(after, _LONGEST_GAP) / 3_600,
        (),
        ("office.yaml",),
        watched=[Event(LEARNT, times[-1])],
        note="nobody came in the armed hours: each alarm is false",
    )


def joined(events: list[Event]) -> list[Event]:
    """Stays with an absence shorter than ``SHORTEST`` between them as one."""
    found: list[Event] = []
    for event in events:
        if found and event.start - found[-1].end < SHORTEST:
            found[-1] = found[-1]._replace(end=event.end)
        else:
            found.append(event)
    return found
