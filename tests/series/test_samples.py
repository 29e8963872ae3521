"""What is sampled: who has duty, the ledger, channels, silent and probably dead devices."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import Arrival
from gateway.model import SECOND, Duty, Reading, Site
from gateway.series import samples
from gateway.series.sampler import Sampler
from gateway.series.samples import Heard, battery_days, dead
from gateway.series.stream import Samples
from gateway.store.cases import Cases
from gateway.store.databases import SqliteFile
from tests.cases import build
from tests.cases.store import Store
from tests.virtual import START, VirtualClock

_HOUR = 3_600
_BOOK = {
    "received": 10, "stored": 8, "refused": {"duplicate": 2}, "in_flight": 0,
    "readers": {"influx": {"delivered": 5, "waiting": 2, "dropped": {"retention": 1}}},
}  # fmt: skip


class Around:
    """A site whose devices are as the test says."""

    def __init__(self, site: Site) -> None:
        self.there = site
        self.newest: dict[str, Reading] = {}
        self.arrivals: dict[str, int] = {}

    def site(self) -> Site:
        return self.there

    def ledger(self) -> Mapping[str, Any]:
        return _BOOK

    def states(self) -> Mapping[str, str]:
        return {"phone": "ok", "paper": "down"}

    def latest(self) -> Mapping[str, Reading]:
        return self.newest

    def heard(self) -> Mapping[str, int]:
        return self.arrivals


def test_the_ledgers_sums_are_in_its_points() -> None:
    door, influx = samples.ledger(_BOOK, START)
    assert (door.tags, door.fields) == (
        {"reader": "door"}, {"received": 10.0, "stored": 8.0, "refused": 2.0},
    )  # fmt: skip
    assert influx.fields == {"delivered": 5.0, "waiting": 2.0, "dropped": 1.0}


def test_duty_is_of_the_roster_and_ends_when_the_shift_does() -> None:
    lines = (
        Duty("130101", "assistant", people=(("zhang",),), begin=0, end=20 * 60),
        Duty("130101", "assistant", people=(("li",),), begin=20 * 60, end=1_440),
    )
    site = msgspec.structs.replace(build.site(), rosters=lines)
    day = START // (86_400 * SECOND) * 86_400 * SECOND - 8 * _HOUR * SECOND  # midnight there
    noon = samples.duty(site, "130101", "assistant", day + 12 * _HOUR * SECOND)
    assert noon.point.fields["name"] == "张三"
    assert noon.until == day + 20 * _HOUR * SECOND
    late = samples.duty(site, "130101", "assistant", day + 21 * _HOUR * SECOND)
    assert late.point.fields["person"] == "li"
    # where no roster is, everybody registered has it, and no end is known
    officer = samples.duty(site, "130101", "officer", START)
    assert (officer.point.fields["person"], officer.until) == ("li", 0)
    assert "until" not in officer.point.fields
    assert samples.posts(site) == [
        ("1301", "supervisor"), ("130101", "assistant"), ("130101", "officer"),
    ]  # fmt: skip


def said(**values: Any) -> Reading:
    return Reading("s1", "smoke", values)


@pytest.mark.parametrize(
    ("silence", "heard", "why"),
    [
        (_HOUR, Heard(10.0, said(battery=50.0)), ""),
        (_HOUR, Heard(_HOUR * 2.0, None), ""),
        (_HOUR, Heard(_HOUR * 4.0, None), "silent for 4 h"),
        (_HOUR, Heard(None, None), "never heard"),
        (0, Heard(None, None), ""),
        (0, Heard(1e9, None), ""),
        (_HOUR, Heard(10.0, said(battery=0.0)), "battery at 0 %"),
        (_HOUR, Heard(10.0, said(fault=True)), "reports a fault of its own"),
        (_HOUR, Heard(10.0, said(fault=False, battery=2.0)), ""),
    ],
)
def test_a_device_is_probably_dead_for_a_reason(silence: int, heard: Heard, why: str) -> None:
    known = build.device("s1", max_silence=silence * SECOND)
    found = dead(known, heard)
    assert (found.en if found else "") == why
    for state in ("planned", "bypassed", "retired", "installed"):
        assert dead(msgspec.structs.replace(known, state=state), heard) is None
    fields = samples.device(known, heard, START, "3号楼").fields
    assert fields["dead_n"] == float(bool(why))
    assert ("dead_why" in fields) == bool(why)


def test_a_battery_that_loses_one_per_cent_a_day_lasts_as_many_days_as_it_has() -> None:
    past = [(day, 90.0 - day) for day in range(0, 40, 5)]
    assert battery_days(past) == pytest.approx(55.0)
    assert battery_days(past[:2]) is None
    assert battery_days([(0, 80.0), (5, 80.0), (20, 80.0)]) is None
    assert battery_days([(0, 80.0), (5, 79.9), (400, 79.0)]) is None  # it drifts
    # a new battery: the old one says nothing of it
    assert battery_days([*past, (41, 100.0), (45, 99.0)]) is None
    assert battery_days([*past, (41, 100.0), (46, 97.5), (51, 95.0)]) == pytest.approx(190.0)


@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0, 100)), unique_by=lambda each: each[0]))
def test_a_forecast_is_within_its_bounds(past: list[tuple[int, float]]) -> None:
    found = battery_days(sorted(past))
    assert found is None or 0 <= found <= samples.LONGEST


async def sampled(store: Store, around: Around, minutes: int) -> Samples:
    clock, to = VirtualClock(), Samples()
    async with Cases(store.where, clock) as cases:
        arrival = Arrival(clock.wall, clock.now())
        for device, age in around.arrivals.items():
            around.arrivals[device] = clock.wall - age * SECOND
        sampler = Sampler(around, cases.read, cases.note, [to], clock, arrival)
        task = asyncio.create_task(sampler.run())
        await clock.advance(minutes * 60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return to


async def test_every_minute_and_every_device_once_an_hour(store: Store) -> None:
    devices = [build.device(f"d{n}", max_silence=30 * 60 * SECOND) for n in range(40)]
    around = Around(build.site(*devices))
    around.arrivals = {f"d{n}": 60 for n in range(40)}
    around.newest = {"d7": Reading("d7", "smoke", {"battery": 64.0, "rssi": -70.0})}
    to = await sampled(store, around, 60)
    points = to.take(10_000)
    assert sum(point.measurement == "ledger" for point in points) == 2 * 60
    assert {point.at % (60 * SECOND) for point in points} == {0}
    ups = {(p.tags["channel"], p.fields["up"]) for p in points if p.measurement == "channel"}
    assert ups == {("phone", 1.0), ("paper", 0.0)}
    states = [point for point in points if point.measurement == "device_state"]
    hourly = [p for p in states if p.tags["device"] == "d7"]
    assert [p.fields["battery"] for p in hourly] == [64.0] * len(hourly)
    silent = [p for p in states if p.fields["silent"]]
    assert {p.tags["device"] for p in silent} == {f"d{n}" for n in range(40)}
    first = min(p.at for p in silent)  # within the minute after the 30 that it may be
    assert 28 <= (first - START) / SECOND / 60 <= 31
    assert len(states) <= 2 * 40
    duties = [point for point in points if point.measurement == "duty"]
    assert len(duties) == 4 * 3 + 3  # every quarter of an hour, and at the beginning


async def test_what_a_battery_was_is_kept_over_a_restart(store: Store) -> None:
    around = Around(build.site())
    around.newest = {"s1": Reading("s1", "smoke", {"battery": 64.0})}
    await sampled(store, around, 61)
    rows = store.sql("SELECT device, percent FROM battery_past")
    assert [tuple(row) for row in rows] == [("s1", 64.0)]
    await sampled(store, around, 61)
    assert len(store.sql("SELECT * FROM battery_past")) == 1  # one in five days


async def test_nothing_is_sampled_by_a_clock_that_nobody_believes(tmp_path: Path) -> None:
    clock, to = VirtualClock(trusted=False), Samples()
    async with Cases(SqliteFile(tmp_path / "cases.db"), clock) as cases:
        sampler = Sampler(
            Around(build.site()), cases.read, cases.note, [to], clock,
            Arrival(clock.wall, clock.now()),
        )  # fmt: skip
        task = asyncio.create_task(sampler.run())
        await clock.advance(300)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert len(to) == 0
