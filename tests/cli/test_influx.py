"""``gridwarden influx`` on real databases, over stores that a real gateway wrote."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Inside
from tests.conftest import MakeDatabase
from tests.influxdb import Database, opened
from tests.replay.history import KEYS
from tests.servers import InfluxDB

_DAY = ("--since", "2026-01-05", "--until", "2026-01-08")
_CASES = ("incident", "message")


@pytest.fixture
def grid(influxdb: InfluxDB) -> Database:
    return opened(influxdb, name="grid")


@pytest.fixture
def site(day: Path, grid: Database) -> Path:
    """The configuration of a lived day, with a sink."""
    return with_sink(day, grid.options)


def with_sink(day: Path, options: dict[str, Any]) -> Path:
    sink = json.dumps({"influx": {"type": "influxdb", **options}})
    day.write_text(f"{day.read_text()}\nsinks: {sink}\n")
    return day


def points(database: Database) -> dict[str, list[dict[str, Any]]]:
    """All of them, by measurement."""
    return {name: database.points(name) for name in database.measurements()}


def counted(database: Database) -> dict[str, int]:
    """Points of every measurement."""
    return {name: len(database.points(name)) for name in database.measurements()}


def test_backfill_brings_readings_and_cases_and_twice_the_same(
    day: Path, database: Database, inside: Inside
) -> None:
    site = with_sink(day, database.options)
    done = inside("--lang", "en", "influx", "backfill", str(site), *_DAY)
    assert done.returncode == 0, done.stderr
    assert "readings and" in done.stdout
    first = counted(database)
    assert {each["key"] for each in database.points("incident")} == set(KEYS)
    assert first["smoke"] > 0
    assert set(_CASES) <= set(first)
    again = inside("--lang", "zh", "influx", "backfill", str(site), *_DAY)
    assert again.returncode == 0, again.stderr
    assert "已写入" in again.stdout
    assert counted(database) == first


def test_backfill_in_parts_is_the_whole(
    day: Path, make_database: MakeDatabase, inside: Inside
) -> None:
    at_once, in_parts = make_database(), make_database()
    plain = day.read_text()
    inside("influx", "backfill", str(with_sink(day, at_once.options)), *_DAY)
    day.write_text(plain)
    site = with_sink(day, in_parts.options)
    for since, until in (
        ("2026-01-05", "2026-01-05T16:30"),
        ("2026-01-05T17:00", "2026-01-08"),
        ("2026-01-05T16:30", "2026-01-05T17:00"),
    ):
        done = inside("influx", "backfill", str(site), "--since", since, "--until", until)
        assert done.returncode == 0, done.stderr
    assert "incident" in at_once.measurements()
    for name in at_once.measurements():
        assert in_parts.points(name) == at_once.points(name), name


def test_backfill_from_a_copy_and_from_half_of_one(
    day: Path, database: Database, inside: Inside, tmp_path: Path
) -> None:
    site = with_sink(day, database.options)
    data = site.parent / "data"
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(data / "journal.db", copy)
    for path in data.iterdir():
        if path.is_file():
            path.unlink()
    done = inside("influx", "backfill", str(site), *_DAY, "--from", str(copy))
    assert done.returncode == 0, done.stderr
    assert "incident" not in counted(database)
    assert counted(database)["smoke"] > 0
    (tmp_path / "empty").mkdir()
    done = inside("--lang", "en", "influx", "backfill", str(site), *_DAY, "--from",
                  str(tmp_path / "empty"))  # fmt: skip
    assert done.returncode == 1
    assert "neither journal.db nor cases.db" in done.stderr


def test_backfill_says_what_is_wrong_in_one_line(
    day: Path, site: Path, influxdb: InfluxDB, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.cli._influx_backfill._PATIENCE", 0.0)
    done = inside("--lang", "en", "influx", "backfill", str(site), *_DAY, "--sink", "inflx")
    assert done.returncode == 1
    assert "no sink inflx of type influxdb; did you mean influx?" in done.stderr
    done = inside("--lang", "en", "influx", "backfill", str(site), "--since", "1h", "--until", "2h")
    assert done.returncode == 2
    influxdb.kill()
    done = inside("--lang", "en", "influx", "backfill", str(site), *_DAY)
    assert done.returncode == 1
    assert "go on with --since 2026-01-05T00:00:00" in done.stderr
    assert "can not be reached" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def export(site: Path, inside: Inside, tmp_path: Path) -> Path:
    """The file of the lived day."""
    path = tmp_path / "day.jsonl.gz"
    done = inside("--lang", "en", "export", "period", str(site), *_DAY, "-o", str(path))
    assert done.returncode == 0, done.stderr
    assert "readings," in done.stdout
    assert path.stat().st_mode & 0o077 == 0
    return path


def test_backfill_from_an_export_is_the_backfill_from_the_stores(
    site: Path, export: Path, grid: Database, inside: Inside
) -> None:
    inside("influx", "backfill", str(site), *_DAY)
    whole = points(grid)
    assert {"smoke", "climate", "incident", "stage", "cases", "message"} <= set(whole)
    shutil.rmtree(site.parent / "data")
    grid.query("DROP DATABASE grid")
    done = inside("--lang", "en", "influx", "backfill", str(site), "--from", str(export))
    assert done.returncode == 0, done.stderr
    assert points(grid) == whole
    grid.query("DROP DATABASE grid")
    for since, until in (
        ("2026-01-05T16:10", "2026-01-08"),
        ("2026-01-01", "2026-01-05T16:05"),
        ("2026-01-05T16:05", "2026-01-05T16:10"),
    ):
        done = inside("--lang", "zh", "influx", "backfill", str(site), "--from", str(export),
                      "--since", since, "--until", until)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert ("文件只有 2026-01-05 00:00:00 到" in done.stderr) == (since == "2026-01-01")
    assert points(grid) == whole


@pytest.mark.parametrize(
    ("spoil", "zh", "en"),
    [
        (lambda body: b"PK" + body, "不是时间段的导出文件", "no export of a period"),
        (lambda body: body[:-9], "行损坏:文件不完整", "damaged in line"),
        (lambda body: body[:900] + b"?" + body[901:], "损坏", "damaged in line"),
        (lambda body: gzip.compress(gzip.decompress(body).replace(b'"n":5,', b'"n":"5",')),
         "行损坏:无法理解", "Expected `int`, got `str`"),
        (lambda body: gzip.compress(gzip.decompress(body).replace(b'"format":1', b'"format":9')),
         "请安装那个版本", "install that version"),
    ],
)  # fmt: skip
def test_an_export_that_is_not_whole_is_refused_in_one_line(
    site: Path, export: Path, grid: Database, inside: Inside,
    spoil: Callable[[bytes], bytes], zh: str, en: str,
) -> None:  # fmt: skip
    export.write_bytes(spoil(export.read_bytes()))
    for language, said in (("zh", zh), ("en", en)):
        done = inside("--lang", language, "influx", "backfill", str(site), "--from", str(export))
        assert done.returncode == 1
        (line,) = [each for each in done.stderr.splitlines() if str(export) in each]
        assert said in line
    assert grid.measurements() == []


def test_a_period_that_the_export_has_nothing_of_is_refused(
    site: Path, export: Path, grid: Database, inside: Inside
) -> None:
    done = inside("--lang", "en", "influx", "backfill", str(site), "--from", str(export),
                  "--since", "2026-02-01", "--until", "2026-02-02")  # fmt: skip
    assert done.returncode == 1
    assert "has only what was from 2026-01-05 00:00:00 to 2026-01-08 00:00:00" in done.stderr
    done = inside("influx", "backfill", str(site))
    assert done.returncode == 2
    assert grid.measurements() == []


def test_an_export_that_breaks_off_leaves_no_file(
    site: Path, inside: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gateway.series.period.Writer.journal", full)
    target = tmp_path / "out" / "day.jsonl.gz"
    target.parent.mkdir()
    done = inside("--lang", "en", "export", "period", str(site), *_DAY, "-o", str(target))
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert list(target.parent.iterdir()) == []
