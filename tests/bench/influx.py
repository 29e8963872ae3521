"""The line protocol encoder and the sink, beside a raw http.client, on a real influxd.

    python -m tests.bench.influx

CPU is of this process alone; influxd shares the machine. Medians of interleaved rounds.
"""

from __future__ import annotations

import asyncio
import http.client
import random
import statistics
from collections.abc import Callable
from typing import Final

from gateway.clock import SystemClock, cpu_seconds, spin_ns
from gateway.model import Reading, Record
from gateway.sinks.influxdb.lines import Encoder
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.sink import Sink
from tests.servers import HOST, InfluxDB

AT: Final = 1_767_225_600_000_000_000
POINTS: Final = 50_000
ROUNDS: Final = 5


def records(count: int, offset: int) -> list[Record]:
    """Readings of 100 sensors with four fields, as they come from sensors (few digits)."""
    chance = random.Random(offset)
    return [
        Record(
            n,
            n,
            "boot",
            n,
            AT,
            True,
            Reading(
                f"sensor-{n % 100:04}",
                "climate",
                {
                    "temperature": round(chance.uniform(-10, 40), 1),
                    "humidity": round(chance.uniform(20, 90), 1),
                    "battery": 87.0,
                    "co2": round(chance.uniform(400, 900), 0),
                },
                at=AT + (offset + n) * 1_000_000,
            ),
        )
        for n in range(count)
    ]


def measured(points: int, work: Callable[[], object]) -> tuple[float, float]:
    """Points per second and CPU µs per point."""
    cpu, started = cpu_seconds(), spin_ns()
    work()
    return points / (spin_ns() - started) * 1e9, (cpu_seconds() - cpu) / points * 1e6


def encode(batch: list[Record]) -> list[str]:
    """What the sink does before it sends."""
    line = Encoder({"site": "bench"}).line
    return [line(record.item) for record in batch if isinstance(record.item, Reading)]


def raw(server: InfluxDB, bodies: list[bytes]) -> None:
    """Finished bodies over one kept-alive connection."""
    connection = http.client.HTTPConnection(HOST, server.port)
    for body in bodies:
        connection.request("POST", "/write?db=raw", body)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 204:
            raise RuntimeError(f"influxd answers {answer.status}")
    connection.close()


async def write(server: InfluxDB, batch: list[Record], size: int, gzip: int) -> None:
    """The sink itself, batch after batch as the pump does."""
    given = {"url": server.url, "database": "sink", "gzip": gzip, "tags": {"site": "bench"}}
    async with Sink("influx", Options.model_validate(given), SystemClock()) as sink:
        for start in range(0, len(batch), size):
            await sink.write(batch[start : start + size])


def round_of(server: InfluxDB, size: int, number: int) -> dict[str, tuple[float, float]]:
    """One round of every row with batches of ``size``."""
    points = min(POINTS, size * 400)
    batch = records(points, number * POINTS)
    lines = encode(batch)
    bodies = ["\n".join(lines[n : n + size]).encode() for n in range(0, points, size)]
    return {
        "encoder": measured(points, lambda: encode(batch)),
        "raw http.client, lines built before": measured(points, lambda: raw(server, bodies)),
        "sink.write, plain": measured(points, lambda: asyncio.run(write(server, batch, size, 0))),
        "sink.write, gzip 1": measured(points, lambda: asyncio.run(write(server, batch, size, 1))),
    }


def main() -> None:
    """Print the table."""
    print("| batch | what | points/s | CPU µs per point |\n|---|---|---|---|")
    with InfluxDB() as server:
        for database in ("raw", "sink"):
            server.query(f"CREATE DATABASE {database}")
        for size in (1, 50, 500, 5_000):
            rounds = [round_of(server, size, number) for number in range(ROUNDS)]
            for what in rounds[0]:
                rate = statistics.median(found[what][0] for found in rounds)
                cpu = statistics.median(found[what][1] for found in rounds)
                print(f"| {size} | {what} | {rate:,.0f} | {cpu:.2f} |")


if __name__ == "__main__":
    main()
