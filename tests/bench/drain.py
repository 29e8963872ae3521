"""What waited while the database was away, brought over: points a second and CPU for each.

    python -m tests.bench.drain [--readings 100000] [--events 20000]

Readings: a journal of detectors' reports, one point each, from disk through the pump and the sink to a
real influxd on the same machine. Events: the points of a record made by the incident machine, through
the same fold and sink. CPU is of this process alone. Limit: 20,000 points/s. An influxd 1.x, and a 2.x
where GRIDWARDEN_INFLUXD2 names one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gateway.clock import Signal, SystemClock, cpu_seconds, spin_ns
from gateway.model import Lane, Reading
from gateway.model.series import Point
from gateway.pump import pump
from gateway.series.gauges import NEVER
from gateway.series.story import Story
from gateway.series.stream import PORTION
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.sink import Sink
from gateway.store.group import Limits
from gateway.store.series import Happening
from tests.cases import build
from tests.influxdb import PROGRAM, Database, InfluxDB2, opened
from tests.series.made import record_of
from tests.servers import InfluxDB
from tests.store.house import store
from tests.virtual import START

READINGS = 100_000
EVENTS = 20_000
LIMIT = 20_000
"""Points a second."""
_BATCH = 5_000
_GROUP = 500
_DEVICES = 500


class Drained(NamedTuple):
    """One row."""

    what: str
    points: int
    rate: float
    """Points a second."""
    cpu: float
    """µs of this process for each."""


async def readings(database: Database, count: int) -> Drained:
    """A backlog in the journal."""
    clock = SystemClock("always")
    options = Options.model_validate(database.options | {"batch": _BATCH})
    with tempfile.TemporaryDirectory(prefix="gridwarden-drain-") as folder:
        async with (
            store(Path(folder), clock, Limits(group=0.01, rows=_GROUP)) as kept,
            Sink("influx", options, clock) as sink,
        ):
            state = kept.journal.lane("influx", Lane.rest)
            door = kept.intake.door("m")
            for start in range(0, count, _GROUP):
                await door([_report(n) for n in range(start, start + _GROUP)])
            cpu, began = cpu_seconds(), spin_ns()
            task = asyncio.create_task(
                pump(
                    kept.journal,
                    "influx",
                    Lane.rest,
                    sink,
                    clock,
                    batch=_BATCH,
                    flush=0.0,
                    proof=Signal(),
                )
            )
            while state.n < kept.journal.last:
                await clock.sleep(0.002)
            spent, took = cpu_seconds() - cpu, (spin_ns() - began) / 1e9
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            found = database.counted("climate", "temperature")
            if found != count:
                raise RuntimeError(f"{found:,} of {count:,} readings arrived")
    return Drained("readings, from the journal on disk", count, count / took, spent / count * 1e6)


def _report(n: int) -> Reading:
    values = {"temperature": 20.0 + n % 70 / 10, "humidity": 40.0 + n % 30, "battery": 87.0}
    return Reading(f"sensor-{n % _DEVICES:04}", "climate", dict(values), key=str(n))


async def events(database: Database, count: int) -> Drained:
    """A backlog of the record: fold, points, sink."""
    record = record_of(["r", "h", "s", "s", "c", "o"] * (count // 6))
    options = Options.model_validate(database.options | {"batch": _BATCH})
    story, sent = Story(0, build.site, listed_from=NEVER, begins=START), 0
    async with Sink("influx", options, SystemClock("always")) as sink:
        await sink.check()
        cpu, began = cpu_seconds(), spin_ns()
        portion: list[Point] = []
        for n, event in enumerate(record, 1):
            portion += story.take(Happening(n, event))
            if len(portion) >= PORTION:
                await sink.write_points(portion)
                sent, portion = sent + len(portion), []
        await sink.write_points(portion)
        sent += len(portion)
        spent, took = cpu_seconds() - cpu, (spin_ns() - began) / 1e9
    return Drained("events of cases, fold included", sent, sent / took, spent / sent * 1e6)


async def measured(database: Database, count: int, of_events: int) -> list[Drained]:
    """Both rows on one server."""
    return [await readings(database, count), await events(database, of_events)]


def servers() -> Iterator[tuple[str, InfluxDB | InfluxDB2]]:
    """Every version that is here, running."""
    with InfluxDB() as server:
        yield "1.x", server
    if os.environ.get(PROGRAM):
        with InfluxDB2() as second:
            yield "2.x", second


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.drain")
    parser.add_argument("--readings", type=int, default=READINGS)
    parser.add_argument("--events", type=int, default=EVENTS)
    asked = parser.parse_args()
    print(f"| after an outage | points | points/s (limit {LIMIT:,}) | CPU µs per point |")
    print("|---|---|---|---|")
    for version, server in servers():
        for row in asyncio.run(measured(opened(server), asked.readings, asked.events)):
            what = f"{row.what}, to a {version}"
            print(f"| {what} | {row.points:,} | {row.rate:,.0f} | {row.cpu:.1f} |")


if __name__ == "__main__":
    main()
