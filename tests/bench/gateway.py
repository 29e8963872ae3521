"""The gateway as a whole: what it takes, how fast an alarm is told, what it costs."""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

from tests.house import House, house
from tests.load import Publisher, alarm


class Row(NamedTuple):
    """A line of the table."""

    what: str
    figure: str
    limit: str
    peer: str


def throughput(count: int) -> tuple[float, float]:
    """A flood through broker, journal, rules and sink: readings/s, and CPU µs per reading.

    The sink does not wait for company here: the last batch would wait longer than the flood.
    """
    with house(flush="100ms") as h, Publisher(h.broker.port) as load:
        time.sleep(1.0)
        before = h.cpu()
        began = load.flood(count)
        ended = h.wait_delivered(count, 120)
        if (points := _points(h)) != count:
            raise RuntimeError(f"{count} published, {points} in InfluxDB")
        return count / (ended - began), (h.cpu() - before) / count * 1e6


def _points(h: House) -> int:
    answer = h.influx.query('SELECT count("temperature") FROM smoke', database="bench")
    return int(answer[0]["values"][0][1])


class Latency(NamedTuple):
    """Milliseconds from publishing an alarm to the webhook being called; µs per reading."""

    p50: float
    p99: float
    cpu: float


def latency(rate: int, seconds: float) -> Latency:
    """Alarms ten times a second among ``rate`` readings a second."""
    sent: dict[str, float] = {}

    def with_alarm(number: int) -> bytes | None:
        if number % (rate // 10):
            return None
        name = f"a{number}"
        sent[name] = time.monotonic()
        return alarm(name, number)

    with house() as h, Publisher(h.broker.port) as load:
        load.steady(rate, 3.0)
        before = h.cpu()
        count = load.steady(rate, seconds, start=10_000_000, each=with_alarm)
        used = h.cpu() - before
        deadline = time.monotonic() + 30
        came: dict[str, float] = {}
        while len(came) < len(sent) and time.monotonic() < deadline:
            time.sleep(0.1)
            came = {
                device.removeprefix("bench/"): when
                for (device, purpose), when in h.phone.messages.copy().items()
                if purpose == "opened"
            }
        if len(came) < len(sent):
            raise RuntimeError(f"{len(sent)} alarms, {len(came)} told")
    delays = sorted((came[name] - moment) * 1e3 for name, moment in sent.items())
    return Latency(statistics.median(delays), delays[int(len(delays) * 0.99)], used / count * 1e6)


def calm_cpu(rate: int, seconds: float) -> float:
    """CPU µs per reading at ``rate``, no alarms."""
    with house() as h, Publisher(h.broker.port) as load:
        load.steady(rate, 3.0)
        before = h.cpu()
        count = load.steady(rate, seconds, start=10_000_000)
        return (h.cpu() - before) / count * 1e6


def memory(seconds: float) -> list[float]:
    """Resident MB at 200 readings/s, at five moments."""
    found = []
    with house() as h, Publisher(h.broker.port) as load:
        for part in range(5):
            load.steady(200, seconds / 5, start=part * 1_000_000)
            found.append(h.memory())
    return found


def written(group: str, seconds: float) -> float:
    """Bytes written to disk per reading at 50 readings/s, all files of the gateway."""
    with house(group) as h, Publisher(h.broker.port) as load:
        load.steady(50, 5.0, sensors=50)
        before = h.written()
        count = load.steady(50, seconds, start=1_000_000, sensors=50)
        time.sleep(2.5)
        return (h.written() - before) / count


def start() -> float:
    """Seconds from starting the process to its first reading on disk, with a full configuration."""
    with house() as h, Publisher(h.broker.port) as load:
        h.get("health")
        h.stop()
        load.send(alarm("first", 1))  # waits in the broker's queue for the persistent session
        began = time.monotonic()
        h.start()
        while not any(d["address"] == "first" for d in h.get("devices")):
            time.sleep(0.005)
        return time.monotonic() - began
