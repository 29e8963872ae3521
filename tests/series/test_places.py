"""What places and devices are called, as points."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from gateway.model import Device, Place, Reading, Site
from gateway.model.series import SERIES, SERIES_FIELDS
from gateway.series import samples
from gateway.series.sampler import Sampler
from gateway.series.stream import Samples
from tests.virtual import VirtualClock

HOME = Site(
    1,
    {
        "1309": Place("1309", "", "city", "沧州市"),
        "130903": Place("130903", "1309", "district", "运河区"),
    },
)
AT = 1_767_225_600_000_000_000


def test_a_place_says_its_name_and_where_it_is() -> None:
    point = samples.place(Place("130903", "1309", "district", "运河区", "", 38.3, 116.8), AT)
    assert point.measurement == "place"
    assert point.tags == {"place": "130903", "level": "district"}
    assert point.fields == {
        "name": "运河区", "label": "130903 运河区", "parent": "1309", "n": 1.0,
        "latitude": 38.3, "longitude": 116.8,
    }  # fmt: skip
    assert set(point.tags) == set(SERIES["place"])
    assert set(point.fields) <= SERIES_FIELDS


def test_a_topmost_place_without_position_has_neither() -> None:
    point = samples.place(Place("1309", "", "city", "沧州市"), AT)
    assert point.fields == {"name": "沧州市", "label": "1309 沧州市", "n": 1.0}


def test_a_device_says_its_name_and_where_it_stands_in_its_life() -> None:
    known = Device("s-1", "x", "s-1", "smoke", "一楼烟感", "130903", state="installed")
    point = samples.device(known, samples.Heard(5.0, None), AT, samples.path(HOME, known.place))
    said = [point.fields[name] for name in ("name", "where", "state")]
    assert said == ["一楼烟感", "沧州市 运河区", "installed"]
    assert set(point.fields) <= SERIES_FIELDS


class Around:
    """A gateway with a registry and nothing else."""

    def __init__(self, *names: str) -> None:
        self.now = site(*names)

    def site(self) -> Site:
        return self.now

    def ledger(self) -> Mapping[str, Any]:
        return {"received": 0, "stored": 0, "refused": {}, "readers": {}}

    def states(self) -> Mapping[str, str]:
        return {}

    def latest(self) -> Mapping[str, Reading]:
        return {}

    def heard(self) -> Mapping[str, int]:
        return {}


def site(*names: str) -> Site:
    return Site(1, {name: Place(name, "", "grid", name) for name in names})


async def test_places_are_said_every_hour_and_when_the_registry_changed() -> None:
    clock, around, kept = VirtualClock(), Around("g1"), Samples()

    async def nothing(*_: object) -> dict[str, Any]:
        return {}

    sampler = Sampler(around, nothing, nothing, [kept], clock, lambda stamp: stamp.wall)
    task = asyncio.create_task(sampler.run())

    async def said(minutes: int) -> list[str]:
        await clock.advance(60 * minutes)
        points = kept.take(10_000)
        return [point.tags["place"] for point in points if point.measurement == "place"]

    try:
        assert await said(1) == ["g1"]
        assert await said(60) == ["g1"]
        around.now = site("g1", "g2")
        assert (await said(1)).count("g2") == 1
        assert sorted(await said(60)) == ["g1", "g2"]
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
