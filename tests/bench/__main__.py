"""``make bench``: speed and memory as a table. Medians; every figure beside a limit or a peer.

    python -m tests.bench [ROWS] [--quick] [--runs N]

ROWS pick from: throughput latency memory written start camera influx clients dialects modbus
rules replay history telling drain cases boards. Peers' figures without "same run" were measured on a
machine like the one this was written on; ratios count.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections.abc import Callable

from tests.bench import boards, cases, gateway, mqtt_clients
from tests.bench import history as charts
from tests.bench import replay as past
from tests.bench.gateway import Row

Rows = list[Row]


def throughput(runs: int, quick: bool) -> Rows:
    count = 60_000 if quick else 200_000
    ours, bare = [], {"paho": [], "link": []}  # type: ignore[var-annotated]
    for _ in range(runs):
        ours.append(gateway.throughput(count))
        for client, rates in bare.items():
            rates.append(mqtt_clients.bare(client, count // 2))
    rate = statistics.median(rate for rate, _ in ours)
    cpu = statistics.median(cpu for _, cpu in ours)
    paho, link = (statistics.median(bare[name]) for name in ("paho", "link"))
    return [
        Row("broker → journal → rules → sink, nothing lost", f"{rate:,.0f} readings/s",
            "above 18,000, aim 30,000", "Node-RED 18,000/s in memory"),
        Row("  CPU per reading in the flood", f"{cpu:.1f} µs", "", ""),
        Row("  of bare paho (same run)", f"{rate / paho:.2f}", "0.5", f"{paho:,.0f}/s"),
        Row("  of our bare link (same run)", f"{rate / link:.2f}", "0.5", f"{link:,.0f}/s"),
    ]  # fmt: skip


def latency(runs: int, quick: bool) -> Rows:
    rows: Rows = []
    seconds = 8.0 if quick else 20.0
    for per_second, peer in ((200, "Node-RED 5.5 / 7-9 ms"), (2_000, "Node-RED 0.8 / 9 ms")):
        found = [gateway.latency(per_second, seconds) for _ in range(runs)]
        p50, p99 = (statistics.median(run[i] for run in found) for i in (0, 1))
        rows.append(Row(f"alarm published → webhook called, {per_second}/s",
                        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms", "p99 under 10 ms", peer))  # fmt: skip
    cpu = statistics.median(gateway.calm_cpu(2_000, seconds) for _ in range(runs))
    rows.append(Row("CPU per reading at 2,000/s", f"{cpu:.0f} µs", "under 100 µs",
                    "Node-RED 140-160, ThingsBoard 500-900"))  # fmt: skip
    return rows


def memory(runs: int, quick: bool) -> Rows:
    seconds = 60.0 if quick else 600.0
    found = gateway.memory(seconds)
    course = ", ".join(f"{value:.1f}" for value in found)
    return [Row(f"resident memory over {seconds / 60:.0f} min at 200/s", f"{course} MB",
                "under 70 MB, flat", "Node-RED 120-350, ThingsBoard 63-75")]  # fmt: skip


def written(runs: int, quick: bool) -> Rows:
    seconds = 20.0 if quick else 60.0
    return [
        Row(f"bytes written per reading at 50/s, group {group}",
            f"{gateway.written(group, seconds):,.0f}", limit, "SQLite row by row 8,200")
        for group, limit in (("200ms", "under 2,000"), ("2s", "under 500"))
    ]  # fmt: skip


def start(runs: int, quick: bool) -> Rows:
    seconds = statistics.median(gateway.start() for _ in range(runs))
    return [Row("start → first reading accepted", f"{seconds:.2f} s", "under 1.5 s",
                "Node-RED 1.1 s of CPU")]  # fmt: skip


def replay(runs: int, quick: bool) -> Rows:
    readings = 60_000 if quick else 300_000
    costs = past.costs(readings, runs)
    seconds, cpu = (statistics.median(cost[i] for cost in costs) for i in (0, 1))
    return [
        Row("records through two sets of rules", f"{readings / seconds * 60:,.0f} readings/min",
            "aim 1,000,000", ""),
        Row("  each on a core of its own", f"{readings / cpu * 60:,.0f} readings/min", "", ""),
    ]  # fmt: skip


def history(runs: int, quick: bool) -> Rows:
    found = charts.costs(10 if quick else charts.DEVICES, charts.DAYS, runs)
    limits = {"30 d": "under 1 s on a Raspberry Pi"}
    return [
        Row("charts: CPU to fold a reading of four values", f"{found.fold:.1f} µs", "", ""),
        Row("  bytes kept of it", f"{found.bytes:.1f}", "", ""),
        *(
            Row(f"  {span} of one detector, 800 points",
                f"{cpu * 1e3:.0f} ms of CPU, slowest {found.answer[span] * 1e3:.0f} ms",
                limits.get(span, ""), "")
            for span, cpu in found.cpu.items()
        ),
    ]  # fmt: skip


def incidents(runs: int, quick: bool) -> Rows:
    count, steps = (10_000, 300) if quick else (cases.CASES, 2_000)
    return [
        row for server in (False, True) for row in cases.rows(count, runs, steps, server)
    ]  # fmt: skip


def own(module: str) -> Callable[[int, bool], Rows]:
    """A bench with a table of its own."""

    def run(runs: int, quick: bool) -> Rows:
        subprocess.run([sys.executable, "-m", f"tests.bench.{module}"], check=True)
        return []

    return run


BENCHES: dict[str, Callable[[int, bool], Rows]] = {
    "throughput": throughput,
    "latency": latency,
    "start": start,
    "written": written,
    "memory": memory,
    "camera": own("camera"),
    "influx": own("influx"),
    "clients": own("mqtt_clients"),
    "dialects": own("dialects"),
    "modbus": own("modbus"),
    "rules": own("rules_cost"),
    "replay": replay,
    "history": history,
    "telling": own("telling"),
    "drain": own("drain"),
    "cases": incidents,
    "boards": boards.rows,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench")
    parser.add_argument("rows", nargs="*", choices=[[], *BENCHES], help="which; all without")
    parser.add_argument("--quick", action="store_true", help="short runs: a look, not a figure")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print(f"{'what':52} {'figure':34} {'limit':26} peer", flush=True)
    for name in options.rows or BENCHES:
        for row in BENCHES[name](options.runs, options.quick):
            print(f"{row.what:52} {row.figure:34} {row.limit:26} {row.peer}", flush=True)


if __name__ == "__main__":
    main()
