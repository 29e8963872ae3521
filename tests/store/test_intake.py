from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import (
    CANARY_DEVICE,
    SECOND,
    Device,
    DeviceSeen,
    Evidence,
    Quality,
    Reading,
    Site,
    Stamp,
    Value,
)
from gateway.recall import Ring
from tests.store.house import adds_up, committed, everything, smoke, store
from tests.virtual import START, VirtualClock

SITE = Site(
    1,
    {},
    {
        "smoke-3": Device(
            "smoke-3",
            "zigbee",
            "hall/3",
            "smoke",
            "三楼烟感",
            "g1",
            ranges={"temperature": (-40.0, 125.0)},
        )
    },
)


async def admit(
    folder: Path, *readings: Reading, clock: VirtualClock | None = None
) -> list[Reading]:
    clock = clock or VirtualClock()
    async with store(folder, clock) as s:
        s.intake.follow(SITE)
        await committed(clock, s.intake.door("zigbee")(list(readings)))
        return [r.item for r in await everything(s.journal)]  # type: ignore[misc]


async def test_address_becomes_the_registrys_device_and_kind(tmp_path: Path) -> None:
    known, unknown = await admit(tmp_path, Reading("hall/3", "", {"alarm": False}), smoke("hall/4"))
    assert (known.device, known.kind) == ("smoke-3", "smoke")
    assert (unknown.device, unknown.kind) == ("zigbee/hall/4", "smoke")


async def test_names_outside_the_tables_are_kept_as_extra(tmp_path: Path) -> None:
    (reading,) = await admit(
        tmp_path, Reading("x", "smoke", {"alarm": True, "lux": 3, "note": "a"})
    )
    assert reading.values == {"alarm": True, "extra.lux": 3.0, "extra.note": "a"}


@pytest.mark.parametrize(
    ("observed", "at", "quality", "late"),
    [
        (None, START, Quality.good, False),
        (START - 10 * SECOND, START - 10 * SECOND, Quality.good, False),
        (START - 600 * SECOND, START - 600 * SECOND, Quality.good, True),
        (0, START, Quality.clock_suspect, False),  # 1970
        (START + 73 * 365 * 86_400 * SECOND, START, Quality.clock_suspect, False),  # 2099
        (START - 25 * 3600 * SECOND, START, Quality.clock_suspect, False),
        (START + 30 * SECOND, START + 30 * SECOND, Quality.good, False),
    ],
)
async def test_event_time(
    tmp_path: Path, observed: int | None, at: int, quality: Quality, late: bool
) -> None:
    (reading,) = await admit(tmp_path, smoke(observed_at=observed))
    assert (reading.at, reading.quality, reading.late) == (at, quality, late)


async def test_two_reports_of_one_instant_are_set_apart_also_out_of_order(tmp_path: Path) -> None:
    earlier, later = START - 9 * SECOND, START - 5 * SECOND
    reports = [smoke(observed_at=at) for at in (later, earlier, later, earlier)]
    admitted = await admit(tmp_path, *reports)
    assert [reading.at for reading in admitted] == [later, earlier, later + 1, earlier + 1]


async def test_a_burst_of_one_instant_stays_distinct_however_long(tmp_path: Path) -> None:
    burst = await admit(tmp_path, *(smoke(key=str(n)) for n in range(500)))
    assert len({reading.at for reading in burst}) == 500
    assert max(reading.at for reading in burst) - START < 1000


async def test_values_out_of_the_devices_range_are_suspect_and_kept(tmp_path: Path) -> None:
    (reading,) = await admit(tmp_path, Reading("hall/3", "smoke", {"temperature": 900.0}))
    assert reading.quality is Quality.suspect


async def test_a_whole_window_of_one_device_is_refused_when_it_comes_again(tmp_path: Path) -> None:
    """More readings under way than the device's own ring holds: a logger that flushes."""
    clock = VirtualClock()
    burst = [smoke(key=str(n)) for n in range(300)]
    for _ in range(2):  # again after a restart
        async with store(tmp_path, clock, recent_keys=8) as s:
            await committed(clock, s.intake.door("d", window=1000)(burst))
            await committed(clock, s.intake.door("d", window=1000)(burst[100:]))
            assert s.journal.ledger()["stored"] == 300
            assert adds_up(s.journal)


async def test_a_constantly_slow_clock_is_seen_as_one_and_its_reports_are_live(
    tmp_path: Path,
) -> None:
    clock = VirtualClock()
    slow = 8 * 3600 * SECOND
    async with store(tmp_path, clock) as s:
        for n in range(6):
            await committed(
                clock, s.intake.door("d")([smoke(observed_at=clock.now().wall - slow, key=str(n))])
            )
            await clock.advance(60)
        readings = [r.item for r in await everything(s.journal)]
    assert [r.late for r in readings] == [True, True, True, False, False, False]  # type: ignore[union-attr]
    assert readings[-1].quality is Quality.clock_suspect  # type: ignore[union-attr]


async def test_what_can_not_be_stored_is_refused_at_the_door(tmp_path: Path) -> None:
    clock = VirtualClock()
    half = "\ud800"
    hostile = [
        Reading("s", "smoke", {"extra.a": half}),
        Reading("s", "smoke", {"alarm": True}, key=half),
        Reading("s" + half, "smoke", {"alarm": True}),
        Reading("s", "smoke", {"density": 10**400}),
        smoke("s", observed_at=2**70),
    ]
    async with store(tmp_path, clock) as s:
        assert await committed(clock, s.intake.door("d")(hostile)) == [None]
        assert s.journal.ledger()["refused"] == {"bad_value": 4}
        assert s.journal.ledger()["stored"] == 1
        assert await s.journal.verify() == []


async def test_snapshot_is_on_disk_before_the_reading_points_at_it(tmp_path: Path) -> None:
    clock = VirtualClock()
    picture = b"\xff\xd8\xff" + bytes(1000)
    async with store(tmp_path, clock) as s:
        shot = Reading(
            "cam", "camera", {"motion": True}, evidence=Evidence("image/jpeg", content=picture)
        )
        await committed(clock, s.intake.door("cams")([shot]))
        (record,) = await everything(s.journal)
        evidence = record.item.evidence  # type: ignore[union-attr]
        assert evidence is not None
        assert evidence.content == b""
        path = s.evidence.path(evidence.sha256)
        assert path is not None
        assert path.read_bytes() == picture
        assert s.evidence.path("../../etc/passwd") is None


async def test_wall_clock_jumps_lose_nothing_and_arrival_never_goes_back(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        for jump in (0, -14 * 86_400, 86_400, 14 * 86_400):
            clock.jump(jump)
            await committed(clock, s.intake.door("d")([smoke(key=str(jump))]))
        records = await everything(s.journal)
        assert len(records) == 4
        steps = [b.arrival - a.arrival for a, b in itertools.pairwise(records)]
        assert all(0 <= step < 2 * SECOND for step in steps)


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(1, 12))
def test_ring_remembers_exactly_the_last_n(marks: list[int], most: int) -> None:
    ring = Ring(most)
    kept: list[int] = []
    for mark in marks:
        as_bytes = (mark * 0x0101010101010101 + 1).to_bytes(8, "little")
        assert (as_bytes in ring) == (mark in kept)
        if mark not in kept:
            ring.add(as_bytes)
            kept = [*kept, mark][-most:]


async def test_the_newest_of_each_value_is_known_also_after_a_restart(tmp_path: Path) -> None:
    clock = VirtualClock()
    reports = [smoke(), Reading("s1", "smoke", {"battery": 90.0}), smoke(alarm=True)]
    async with store(tmp_path, clock) as s:
        for report in reports:
            await committed(clock, s.intake.door("d")([report]))
        assert s.intake.latest["d/s1"].values == {"alarm": True, "battery": 90.0}
    async with store(tmp_path, clock) as s:
        assert s.intake.latest["d/s1"].values == {"alarm": True, "battery": 90.0}


async def test_what_was_announced_is_known_by_the_registrys_id_also_after_a_restart(
    tmp_path: Path,
) -> None:
    clock = VirtualClock()
    seen = [DeviceSeen("hall/3", "smoke", "M", "三楼"), DeviceSeen("new", "", "M", "新设备" * 200)]
    async with store(tmp_path, clock) as s:
        s.intake.follow(SITE)
        await committed(clock, s.intake.door("zigbee")(seen))
        live = dict(s.intake.announced)
    assert {id_: each.name[:3] for id_, each in live.items()} == {
        "smoke-3": "三楼",
        "zigbee/new": "新设备",
    }
    assert len(live["zigbee/new"].name) == 200
    async with store(tmp_path, clock) as s:
        assert s.intake.announced == live


async def test_a_counter_that_began_again_loses_no_alarm_and_its_repeat_is_refused(
    tmp_path: Path,
) -> None:
    clock = VirtualClock()
    async with store(tmp_path, clock) as s:
        for report in (
            smoke(key="1"),
            smoke(key="2"),
            smoke(key="1", alarm=True),
            smoke(key="1", alarm=True),
        ):
            await committed(clock, s.intake.door("d")([report]))
        assert s.journal.ledger()["refused"] == {"duplicate": 1}
        assert s.intake.latest["d/s1"].values["alarm"] is True
    async with store(tmp_path, clock) as s:
        for report in (smoke(key="1", alarm=True), smoke(key="2")):
            await committed(clock, s.intake.door("d")([report]))
        assert s.journal.ledger()["refused"] == {"duplicate": 3}


class Sent:
    """Waits for one report of the canary, sent through ``zigbee``."""

    def __init__(self) -> None:
        self.kept_as: list[int] = []

    def heard(self, driver: str, token: str, stamp: Stamp) -> dict[str, Value] | None:
        is_ours = (driver, token) == ("zigbee", "t1")
        return {"canary": True, "extra.person": "li"} if is_ours else None

    def kept(self, record: int) -> None:
        self.kept_as.append(record)


async def test_the_canarys_report_is_taken_by_its_token_and_stored_as_the_canary_says(
    tmp_path: Path,
) -> None:
    def said(token: str, **values: Value) -> Reading:
        return Reading(
            CANARY_DEVICE, "smoke", {"alarm": True, **values}, START - SECOND, token, True,
            origin=("below",),
        )  # fmt: skip

    clock, sent = VirtualClock(), Sent()
    async with store(tmp_path, clock) as s:
        s.intake.follow(SITE)
        await committed(clock, s.intake.door("zigbee")([said("t1")]))
        assert sent.kept_as == []
        s.intake.canary = sent
        for driver in ("zigbee", "other"):
            door = s.intake.door(driver)
            await committed(clock, door([said("t1"), said("t2"), said("", canary=False)]))
        (one,) = await everything(s.journal)
        reading = one.item
        assert isinstance(reading, Reading)
        assert (reading.device, reading.kind, reading.values) == (
            CANARY_DEVICE, "gateway", {"canary": True, "extra.person": "li"},
        )  # fmt: skip
        assert (reading.key, reading.retained, reading.origin) == ("", False, ())
        assert sent.kept_as == [one.n]
        assert s.journal.ledger()["refused"] == {"canary_token": 6}
        assert set(s.intake.latest) == {CANARY_DEVICE}
        assert adds_up(s.journal)
        s.intake.forget([one])
        assert sent.kept_as == [one.n, 0]
