"""Three water level loggers, a report every 12 h for years, with outliers and level shifts.

The labels are what a package for such loggers flagged afterwards, with the whole series before
it; a flag is an event of 12 h. Levels go from cm of water to m. A site's threshold is the level
that 99.9 % of the first fifth of a series do not exceed; that fifth is not scored.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.bench.recordings.case import Case, seconds
from tests.bench.recordings.play import Report, device, site
from tests.bench.recordings.score import Event, covered

TITLE: Final = "Water levels: three loggers, every 12 h, with flagged outliers and level shifts"
WELLS: Final = ("DYLS014X_B5261", "ZWAP215A_M3181", "ZWAP033X_W1549")
FILES: Final = tuple(
    f"water_level_{well}_detect_{what}.csv"
    for well in WELLS
    for what in ("outliers", "levelshifts")
)
LEARNT: Final = 0.2
"""The share of a series that the site's thresholds come from."""
_BETWEEN: Final = 43_200.0
_LONGEST_GAP: Final = 86_400.0


def cases(folder: Path) -> Iterator[Case]:
    for well in WELLS:
        rows, outliers = series(folder / f"water_level_{well}_detect_outliers.csv")
        _, shifts = series(folder / f"water_level_{well}_detect_levelshifts.csv")
        told = [Report(at, well, {"water_level": level}) for at, level in rows]
        learnt = rows[int(len(rows) * LEARNT)][0]
        hours = covered([at for at, _ in rows if at >= learnt], _LONGEST_GAP) / 3_600
        watched = [Event(learnt, rows[-1][0] + _BETWEEN)]
        at = site(device(well, "manhole"))
        every = sorted({*outliers, *shifts})
        for run, judged, note in (
            (f"{well}: flooding", "manhole_flooding", "threshold of the site"),
            ("  the site's own rule for jumps", "level_jump", "threshold from the first fifth"),
            ("  trouble: silence by its own rhythm", "trouble", ""),
        ):
            yield Case(
                run,
                at,
                told,
                frozenset({judged}),
                hours,
                () if judged == "trouble" else every,
                ("wells.yaml",),
                watched=watched,
                note=note,
            )


def series(path: Path) -> tuple[list[tuple[float, float]], list[Event]]:
    """Seconds and metres of every report, and the flagged ones."""
    rows, flagged = [], []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = seconds(row["TIMESTAMP"])
            rows.append((at, float(row["VALUE"]) / 100))
            if row["RESULT"] == "TRUE":
                flagged.append(Event(at, at + _BETWEEN - 1, "flagged"))
    return rows, flagged
