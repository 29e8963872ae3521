"""NAB: a machine's temperature every 5 minutes for 79 days, with four labelled anomalies.

The unit is not said; the figures are told as they are. The site's thresholds come from the
first week, in which nothing is labelled; that week is not scored.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.bench.recordings.case import Case, seconds
from tests.bench.recordings.play import Report, device, site
from tests.bench.recordings.score import Event, covered

TITLE: Final = "NAB: a machine's temperature, every 5 min, 79 days, 4 labelled windows"
FILES: Final = (
    "nab_machine_temperature_system_failure.csv",
    "nab_machine_temperature_system_failure_labels.json",
)
LEARNT: Final = seconds("2013-12-09 21:15:00")
_LONGEST_GAP: Final = 1_800.0


def cases(folder: Path) -> Iterator[Case]:
    with (folder / FILES[0]).open(encoding="utf-8", newline="") as file:
        rows = [(seconds(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
    written = json.loads((folder / FILES[1]).read_text(encoding="utf-8"))["anomaly_windows"]
    windows = [Event(seconds(start), seconds(end), "anomaly") for start, end in written]
    told = [Report(at, "machine", {"temperature": value}) for at, value in rows]
    hours = covered([at for at, _ in rows if at >= LEARNT], _LONGEST_GAP) / 3_600
    watched = [Event(LEARNT, rows[-1][0] + 3_600)]
    at = site(device("machine", "heat"))
    life = frozenset({"life"})
    for run, judged, files, note in (
        ("packs as shipped, as a heat detector", life, (), "57 °C is for rooms: it stands all day"),
        ("thresholds of the site", life, ("machine.yaml",), "from the week before"),
        (
            "  and the site's own rule for cold",
            life | {"machine_cold"},
            ("machine.yaml",),
            "from the week before",
        ),
        ("trouble: silence by its own rhythm", frozenset({"trouble"}), ("machine.yaml",), ""),
    ):
        events = () if "trouble" in judged else windows
        yield Case(run, at, told, judged, hours, events, files, watched=watched, note=note)
