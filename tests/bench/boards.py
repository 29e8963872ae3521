"""Every query of every dashboard over a week of a community, on real InfluxDBs.

The week is dense: each gauge as often as the gateway writes it. Figures are of one look at the
board: its queries one after the other, as a single core would answer them.
"""

from __future__ import annotations

import statistics
import time
import urllib.parse
from pathlib import Path
from typing import Final

import dashboards
from tests.bench.drain import servers
from tests.bench.gateway import Row
from tests.dashboards.filled import DATABASE, Filled
from tests.dashboards.grafana import EVERYWHERE, queries, substituted
from tests.dashboards.week import Week

GRIDS: Final = 24
"""A district of 57 communities has 1,375 grids."""
SCALE: Final = 2
_TICKS: Final = 100.0


def rows(runs: int, quick: bool) -> list[Row]:
    """One row for each board."""
    week = Week(grids=6 if quick else GRIDS, scale=SCALE, dense=True)
    size = f"{len(week.streamed):,} points of {len(week.devices)} devices"
    found = [Row(f"a week of a community: {size}", "", "", "")]
    for version, server in servers():
        filled = Filled(server, week)
        for board in dashboards.all("zh"):
            texts = [
                substituted(query.text, EVERYWHERE, query.start, query.width)
                for query in queries(board.json)
            ]
            looks = [look(filled, texts) for _ in range(runs)]
            seconds, cpu = (statistics.median(each[i] for each in looks) for i in (0, 1))
            what = f"  board {board.uid.split('-')[1]}, {len(texts)} queries of a {version}"
            figure = f"{seconds:.2f} s, influxd {cpu:.2f} s of CPU"
            found.append(Row(what, figure, "under 1 s", ""))
    return found


def look(filled: Filled, texts: list[str]) -> tuple[float, float]:
    """Seconds, and influxd's CPU seconds, for all of them."""
    began, used = time.monotonic(), _cpu(filled.server.pid)
    for text in texts:
        asked = urllib.parse.urlencode({"q": text, "db": DATABASE, "epoch": "ms"})
        filled.database.asked.request(f"/query?{asked}")
    return time.monotonic() - began, _cpu(filled.server.pid) - used


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
