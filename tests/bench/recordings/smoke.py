"""Smoke Detection IoT: a room sensor at 1 Hz with temperature, humidity, eCO2 and "Fire Alarm".

The copy has no smoke, particle or gas column and no time; a row is a second. Its second half
has the humidity, eCO2 and label of its first half once more, beside another temperature: there
is one fire in it, told twice.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.model import Value
from tests.bench.recordings.case import Case
from tests.bench.recordings.play import Report, device, site
from tests.bench.recordings.score import Event, runs

TITLE: Final = "Smoke Detection IoT: a room sensor, 1/s, with 'Fire Alarm'"
FILES: Final = ("smoke_detection_iot_rows_00000_49987.csv",)
TRAINED: Final = 2_700.0
"""The first 45 minutes, without a fire: the site's own rule has its threshold from them."""
_LIFE: Final = frozenset({"life"})
_COLUMNS: Final = {
    "temperature": "Temperature[C]",
    "humidity": "Humidity[%]",
    "co2": "eCO2[ppm]",
}


def cases(folder: Path) -> Iterator[Case]:
    with (folder / FILES[0]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    times = [float(number) for number in range(len(rows))]
    fire = [row["Fire Alarm"] == "1" for row in rows]
    events = runs(times, fire, "fire", 1)
    hours = len(rows) / 3_600
    measured: list[dict[str, Value]] = [
        {name: float(row[column]) for name, column in _COLUMNS.items()} for row in rows
    ]
    told = [Report(at, "room", values) for at, values in zip(times, measured, strict=True)]
    alarming = [
        Report(at, "room", values | {"alarm": burning})
        for at, values, burning in zip(times, measured, fire, strict=True)
    ]
    detector = site(device("room", "smoke"))
    yield Case(
        "what it measures, as a smoke detector",
        detector,
        told,
        _LIFE,
        hours,
        events,
        note="not visible to the packs: no column has smoke, and the temperature falls in the fire",
    )
    yield Case(
        "and its own alarm (the label is told)",
        detector,
        alarming,
        _LIFE,
        hours,
        events,
        note="what the rules add to a detector's word, or take from it",
    )
    yield Case(
        "a site's own rule on humidity",
        site(device("room", "climate")),
        told,
        frozenset({"humid_suddenly"}),
        hours - TRAINED / 3_600,
        events,
        ("smoke_room.yaml",),
        watched=[Event(TRAINED, times[-1] + 3_600)],
        note="both fires are the same one; a false alarm at 25,039 s is the seam of the two halves",
    )
