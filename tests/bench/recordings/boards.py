"""Two boards for a day: co, lpg and smoke of uncalibrated MQ sensors, temperature, light, motion.

Nothing is labelled and nothing happened, as far as is known: every alarm is false. The source
writes the unit of its gases as "ppm (%)"; both are told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gateway.model import Value
from tests.bench.recordings.case import Case
from tests.bench.recordings.play import Report, device, site
from tests.bench.recordings.score import covered

TITLE: Final = "Two boards for a day: co, lpg, smoke, temperature, light, motion (nothing labelled)"
FILES: Final = ("env_gas_smoke_motion_devices_01_02.ndjson",)
_LONGEST_GAP: Final = 600.0
_LEL: Final = 2.1
"""The lower explosive limit of propane, % by volume."""


def cases(folder: Path) -> Iterator[Case]:
    with (folder / FILES[0]).open(encoding="utf-8") as file:
        rows: list[Any] = sorted((json.loads(line) for line in file), key=lambda row: row["ts"])
    boards = sorted({row["device"] for row in rows})
    hours = sum(
        covered([row["ts"] for row in rows if row["device"] == board], _LONGEST_GAP)
        for board in boards
    )
    detectors = site(*(device(board, "co") for board in boards))
    for unit, factor in (("ppm", 1.0), ("%", 10_000.0)):
        yield Case(
            f"co, lpg, temperature; gases read as {unit}",
            detectors,
            [Report(row["ts"], row["device"], _gases(row["data"], factor)) for row in rows],
            frozenset({"life"}),
            hours / 3_600,
            note=f"read as {unit} a CO of {_most(rows, 'co') * factor:.3g} ppm at the most",
        )
    yield Case(
        "trouble: silence by their own rhythm",
        detectors,
        [Report(row["ts"], row["device"], _gases(row["data"], 1.0)) for row in rows],
        frozenset({"trouble"}),
        hours / 3_600,
    )
    moving = [boards[1]]  # the other one never saw anything move
    for run, files in (("motion, never disarmed", ()), ("motion, armed at night", ("night.yaml",))):
        yield Case(
            run,
            site(*(device(board, "infrared") for board in moving)),
            [
                Report(row["ts"], row["device"], {"alarm": row["data"]["motion"]})
                for row in rows
                if row["device"] in moving
            ],
            frozenset({"intrusion"}),
            hours / len(boards) / 3_600,
            files=files,
            zone="America/New_York",
        )


def _gases(data: dict[str, Any], factor: float) -> dict[str, Value]:
    """``factor`` makes ppm of what was written."""
    return {
        "co": data["co"] * factor,
        "lel": data["lpg"] * factor / 10_000 / _LEL * 100,
        "temperature": data["temp"],
        "extra.smoke": data["smoke"],
    }


def _most(rows: list[Any], name: str) -> float:
    return max(float(row["data"][name]) for row in rows)
