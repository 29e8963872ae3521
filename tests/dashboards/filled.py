"""A real InfluxDB, 1.x or 2.x, with the simulated week in it, written by the gateway's own sink."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any, Final

from gateway.clock import SystemClock
from gateway.model import KINDS, Device, Place, Quality, Reading, Record, Site
from gateway.model.series import Point
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.sink import Sink
from tests.dashboards.week import Week
from tests.influxdb import InfluxDB2, opened
from tests.servers import InfluxDB

DATABASE: Final = "gridwarden"
SITES: Final = ("yunhe", "donghuan")
"""The two gateways of the week, by the tag that each gives its points."""
_BATCH: Final = 5_000
_FLAGS: Final = ("late", "suspect", "clock_suspect")
_numbers = count(1)


class Filled:
    """The server, and what is in it. A 2.x is prepared by setup, and each token does its own part."""

    def __init__(self, server: InfluxDB | InfluxDB2, week: Week) -> None:
        self.server = server
        self.week = week
        self.database = opened(server, name=DATABASE)
        asyncio.run(self._fill())

    def ask(self, text: str) -> list[dict[str, Any]]:
        """The series of one query."""
        return self.database.query(text)

    async def _fill(self) -> None:
        for site in SITES:
            options = Options.model_validate(self.database.options | {"tags": {"site": site}})
            async with Sink("influx", options, SystemClock()) as sink:
                registry = self._registry(site)
                sink.follow(lambda known=registry: known)  # type: ignore[misc]
                mine = [_without_site(p) for p in self.week.streamed if p.tags["site"] == site]
                readings = [record(p) for p in mine if p.measurement in KINDS]
                for start in range(0, len(readings), _BATCH):
                    await sink.write(readings[start : start + _BATCH])
                series = [p for p in mine if p.measurement not in KINDS]
                for start in range(0, len(series), _BATCH):
                    await sink.write_points(series[start : start + _BATCH])

    def _registry(self, site: str) -> Site:
        """Of one gateway: its community is the topmost place."""
        mine = [p for p in self.week.places if p.site == site and p.level in ("community", "grid")]
        return Site(
            1,
            {p.code: Place(p.code, p.code[:-2], p.level, p.name) for p in mine},
            {
                d.id: Device(d.id, "x", d.id, d.kind, d.name, d.place)
                for d in self.week.devices
                if d.site == site
            },
        )


def _without_site(point: Point) -> Point:
    tags = {name: value for name, value in point.tags.items() if name != "site"}
    return point._replace(tags=tags)


def record(point: Point) -> Record:
    """A device's report as the journal has it: its place is looked up, flags are its quality."""
    values = {name: value for name, value in point.fields.items() if name not in _FLAGS}
    quality = Quality.good
    for flag in (Quality.suspect, Quality.clock_suspect):
        quality = flag if point.fields.get(flag.value) is True else quality
    reading = Reading(
        point.tags["device"], point.measurement, values, received_at=point.at, at=point.at,
        quality=quality, late=point.fields.get("late") is True,
    )  # fmt: skip
    return Record(next(_numbers), point.at, "boot", point.at, point.at, True, reading)
