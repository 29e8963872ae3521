"""Recordings are played line by line at their moments, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from drivers.replay.driver import Driver
from drivers.replay.options import Options
from gateway.model import SECOND, Item, Reading, Undecodable
from gateway.ports import Unavailable
from tests.virtual import START, VirtualClock


class Heard:
    """What was emitted, and when."""

    def __init__(self, clock: VirtualClock) -> None:
        self.items: list[Item] = []
        self.at: list[float] = []
        self._clock = clock
        self._start = clock.mono

    async def emit(self, items: Sequence[Item]) -> None:
        self.items.extend(items)
        self.at.extend([(self._clock.mono - self._start) / SECOND] * len(items))

    @property
    def readings(self) -> list[Reading]:
        return [item for item in self.items if isinstance(item, Reading)]


@asynccontextmanager
async def playing(path: Path, clock: VirtualClock, **more: Any) -> AsyncIterator[Heard]:
    heard = Heard(clock)
    driver = Driver("demo", Options.model_validate({"path": path} | more), clock)
    task = asyncio.create_task(driver.run(heard.emit))
    try:
        await clock.advance(0)
        yield heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def recording(folder: Path, *lines: object) -> Path:
    path = folder / "site.ndjson"
    written = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("\n".join(written) + "\n", "utf-8")
    return path


def line(t: float, device: str = "d", **more: Any) -> dict[str, Any]:
    return {"t": t, "device": device, "kind": "smoke", "values": {"alarm": False}} | more


async def test_lines_come_at_their_moments(tmp_path: Path) -> None:
    clock = VirtualClock()
    path = recording(tmp_path, line(100), line(101.5), line(101.5), line(110))
    async with playing(path, clock) as heard:
        assert heard.at == [0]
        await clock.advance(9)
        assert heard.at == [0, 1.5, 1.5]
        await clock.advance(3600)
    assert heard.at == [0, 1.5, 1.5, 10]
    assert [reading.observed_at for reading in heard.readings] == [None] * 4


async def test_speed_divides_the_waits_and_max_has_none(tmp_path: Path) -> None:
    path = recording(tmp_path, line(0), line(60), line(3600))
    clock = VirtualClock()
    async with playing(path, clock, speed=60) as heard:
        await clock.advance(61)
    assert heard.at == [0, 1, 60]
    async with playing(path, clock, speed="max") as heard:
        assert heard.at == [0, 0, 0]


async def test_a_loop_plays_again_with_keys_of_its_own(tmp_path: Path) -> None:
    clock = VirtualClock()
    path = recording(tmp_path, line(0, key="1"), line(10, key="2"))
    async with playing(path, clock, loop=True) as heard:
        await clock.advance(25)
    keys = [reading.key for reading in heard.readings]
    assert len(keys) == len(set(keys)) >= 5


async def test_recorded_time_is_the_lines_own(tmp_path: Path) -> None:
    clock = VirtualClock()
    at = START - 3600 * SECOND
    path = recording(
        tmp_path, line(at / SECOND, key="7"), line(at / SECOND + 1, observed_at=at + 5)
    )
    async with playing(path, clock, start_at="recorded", speed="max") as heard:
        pass
    assert [reading.observed_at for reading in heard.readings] == [at, at + 5]
    assert heard.readings[0].key == "7"


async def test_bad_lines_are_kept_with_their_place_and_the_rest_plays(tmp_path: Path) -> None:
    clock = VirtualClock()
    path = recording(
        tmp_path,
        line(0),
        "{",
        "",
        {"t": 1, "device": "d"},
        line(1, values={"alarm": "perhaps"}),
        line(1, values={"smok": 1}),
        line(2, values={"alarm": True, "battery": None}),
    )
    async with playing(path, clock, speed="max") as heard:
        pass
    wrong = [item for item in heard.items if isinstance(item, Undecodable)]
    assert [item.source for item in wrong] == [f"site.ndjson:{n}" for n in (2, 4, 5, 6)]
    assert heard.readings[-1].values == {"alarm": True}


async def test_a_missing_or_empty_recording_is_unavailable(tmp_path: Path) -> None:
    clock = VirtualClock()
    driver = Driver("demo", Options(path=tmp_path / "none.ndjson"), clock)
    with pytest.raises(Unavailable, match="No such file"):
        await driver.run(Heard(clock).emit)
    with pytest.raises(Unavailable, match="No such file"):
        await driver.check()
    empty = recording(tmp_path)
    with pytest.raises(Unavailable, match="holds no lines"):
        await Driver("demo", Options(path=empty, loop=True), clock).run(Heard(clock).emit)


CSV = {
    "device_column": "device",
    "kind": "climate",
    "values": {"temperature": {"field": "temp", "scale": 0.1}, "extra.light": "light"},
    "time": {"field": "ts", "unit": "s"},
}


async def test_a_csv_file_is_mapped_by_its_columns(tmp_path: Path) -> None:
    clock = VirtualClock()
    path = tmp_path / "rooms.csv"
    path.write_text("ts,device,temp,light\n1000,a,215,true\n1002,b,,x\n1003,c,warm,\n", "utf-8")
    async with playing(path, clock, csv=CSV) as heard:
        await clock.advance(5)
    assert heard.at == [0, 2, 2]
    assert [(r.device, r.values) for r in heard.readings] == [
        ("a", {"temperature": 21.5, "extra.light": "true"}),
        ("b", {"extra.light": "x"}),
    ]
    (wrong,) = (item for item in heard.items if isinstance(item, Undecodable))
    assert wrong.source == "rooms.csv:4"
    assert "temperature: 'warm' is no number" in wrong.reason


async def test_a_csv_file_without_time_comes_at_even_steps(tmp_path: Path) -> None:
    clock = VirtualClock()
    path = tmp_path / "level.csv"
    path.write_text("level\n1\n2\n3\n", "utf-8")
    mapped = {"device": "well", "kind": "water", "values": {"level": "level"}, "every": "10s"}
    async with playing(path, clock, csv=mapped) as heard:
        await clock.advance(100)
    assert heard.at == [0, 10, 20]


def test_a_csv_recording_needs_its_mapping() -> None:
    with pytest.raises(ValueError, match="needs csv: with values"):
        Options.model_validate({"path": "x.csv"})
    both = CSV | {"device": "d"}
    with pytest.raises(ValueError, match="one of the two"):
        Options.model_validate({"path": "x.csv", "csv": both})


def test_the_sample_is_valid() -> None:
    import yaml

    sample = Path(__file__).parents[2] / "drivers" / "replay" / "sample.yaml"
    for options in yaml.safe_load(sample.read_text("utf-8"))["drivers"].values():
        assert options.pop("type") == "replay"
        Options.model_validate(options)
