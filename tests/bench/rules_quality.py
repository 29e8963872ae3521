"""``make bench-rules``: what the shipped packs find in recordings with known truth, and make up.

    python -m tests.bench.rules_quality [RECORDINGS] [--json] [--rules]

RECORDINGS pick from: smoke boards home office machine wells. How each figure is counted stands
in README.md of this folder; ``--rules`` shows the rule files that a site adds.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.bench.recordings.case import Row, run
from tests.bench.recordings.play import FOLDER
from tests.shared import DATA

RECORDINGS = ("smoke", "boards", "home", "office", "machine", "wells")
WIDTH = 110
COLUMNS = ("events", "found", "missed", "false", "/day", "median", "worst", "hours", "readings")
WIDTHS = (8, 6, 7, 7, 8, 8, 8, 8, 9)

UNITS = (("h", 3_600), ("min", 60), ("s", 1))


def lacking(module: ModuleType, folder: Path) -> str:
    """The first file of a recording that is not there, or ""."""
    return next((name for name in module.FILES if not (folder / name).exists()), "")


def line(row: Row) -> str:
    score, case = row.score, row.case
    events = len(case.events) and len(score.found) + len(score.missed)
    cells = (
        str(events) if events else "-",
        str(len(score.found)) if events else "-",
        str(len(score.missed)) if events else "-",
        str(len(score.false)),
        rate(row.false_per_day),
        span(score.median),
        span(score.worst),
        f"{case.hours:,.0f}",
        f"{row.readings:,}",
    )
    name = f"  {case.run}"
    return f"{name:41}" + "".join(f"{c:>{w}}" for c, w in zip(cells, WIDTHS, strict=True))


def rate(per_day: float) -> str:
    """Two figures more where it is nearly none: 0.004 is one in eight months."""
    return f"{per_day:.3f}" if 0 < per_day < 0.1 else f"{per_day:.2f}"


def span(seconds: float | None) -> str:
    """``12 s``, ``4.5 min`` or ``2.3 h``; ``-`` for none."""
    if seconds is None:
        return "-"
    unit, length = next((u, n) for u, n in UNITS if abs(seconds) >= 2 * n or n == 1)
    much = seconds / length
    return f"{much:.0f} {unit}" if unit == "s" or abs(much) >= 10 else f"{much:.1f} {unit}"


def remarks(row: Row) -> Iterable[str]:
    """Which rules did it, and what to know of the run."""
    said = [
        f"{what}: {counted(names)}"
        for what, names in (
            ("found by", row.score.first_by),
            ("false by", row.score.by_rule),
            ("others, not judged here", row.others),
        )
        if names
    ]
    if row.score.again:
        said.append(f"said once more while standing: {row.score.again:,}")
    if row.case.note:
        said.append(row.case.note)
    return textwrap.wrap("; ".join(said), WIDTH - 6)


def counted(names: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in names.most_common())


def as_json(recording: str, row: Row) -> dict[str, Any]:
    score, case = row.score, row.case
    return {
        "recording": recording,
        "run": case.run.strip(),
        "rule_files": list(case.files),
        "judged": sorted(case.judged),
        "events": len(score.found) + len(score.missed),
        "detected": len(score.found),
        "missed": len(score.missed),
        "false_alarms": len(score.false),
        "said_once_more": score.again,
        "false_alarms_per_day": round(row.false_per_day, 4),
        "seconds_to_alarm_median": score.median,
        "seconds_to_alarm_worst": score.worst,
        "hours": round(case.hours, 2),
        "readings": row.readings,
        "found_by": dict(score.first_by),
        "false_by": dict(score.by_rule),
        "others": dict(row.others),
        "found": [
            {"start": one.event.start, "alarm": one.alarm.at, "rule": one.alarm.rule}
            for one in score.found
        ],
        "not_found": [one.start for one in score.missed],
        "note": case.note,
    }


def show_rules() -> None:
    for path in sorted(FOLDER.glob("*.yaml")):
        print(f"--- {path.name}\n{path.read_text(encoding='utf-8')}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench.rules_quality")
    parser.add_argument("recordings", nargs="*", choices=[[], *RECORDINGS], help="all without")
    parser.add_argument("--json", action="store_true", help="everything, also each event")
    parser.add_argument("--rules", action="store_true", help="show the sites' own rule files")
    parser.add_argument("--data", type=Path, default=DATA / "timeseries")
    asked = parser.parse_args()
    if asked.rules:
        show_rules()
        return
    out = sys.stderr if asked.json else sys.stdout
    heads = "".join(f"{head:>{width}}" for head, width in zip(COLUMNS, WIDTHS, strict=True))
    print(f"{'':41}{heads}", file=out)
    collected = []
    for name in asked.recordings or RECORDINGS:
        module = importlib.import_module(f"tests.bench.recordings.{name}")
        print(module.TITLE, file=out)
        if missing := lacking(module, asked.data):
            print(f"  left out: {missing} is not in {asked.data}", file=out)
            continue
        for case in module.cases(asked.data):
            row = run(case)
            collected.append(as_json(name, row))
            print(line(row), file=out)
            for remark in remarks(row):
                print(f"      {remark}", file=out, flush=True)
    if asked.json:
        print(json.dumps(collected, indent=2))


if __name__ == "__main__":
    main()
