"""``gridwarden influx`` on real databases, over stores that a real gateway wrote."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Inside
from tests.replay.history import KEYS
from tests.servers import InfluxDB

_DAY = ("--since", "2026-01-05", "--until", "2026-01-08")
_CASES = ("incident", "message")


@pytest.fixture
def site(day: Path, influxdb: InfluxDB) -> Path:
    """The configuration of a lived day, with a sink."""
    sink = f'\nsinks:\n  influx: {{type: influxdb, url: "{influxdb.url}", database: grid}}\n'
    day.write_text(day.read_text() + sink)
    return day


def counted(server: InfluxDB) -> dict[str, int]:
    """Points of every measurement."""
    found = server.query("SHOW MEASUREMENTS", "grid")
    names = [row[0] for row in found[0]["values"]] if found else []
    return {name: len(server.points("grid", name)) for name in names}


def test_backfill_brings_readings_and_cases_and_twice_the_same(
    site: Path, influxdb: InfluxDB, inside: Inside
) -> None:
    done = inside("--lang", "en", "influx", "backfill", str(site), *_DAY)
    assert done.returncode == 0, done.stderr
    assert "readings and" in done.stdout
    first = counted(influxdb)
    assert {each["key"] for each in influxdb.points("grid", "incident")} == set(KEYS)
    assert first["smoke"] > 0
    assert set(_CASES) <= set(first)
    again = inside("--lang", "zh", "influx", "backfill", str(site), *_DAY)
    assert again.returncode == 0, again.stderr
    assert "已写入" in again.stdout
    assert counted(influxdb) == first


def test_backfill_in_parts_is_the_whole(site: Path, influxdb: InfluxDB, inside: Inside) -> None:
    inside("influx", "backfill", str(site), *_DAY)
    whole = {name: influxdb.points("grid", name) for name in counted(influxdb)}
    influxdb.query("DROP DATABASE grid")
    for since, until in (
        ("2026-01-05", "2026-01-05T16:30"),
        ("2026-01-05T17:00", "2026-01-08"),
        ("2026-01-05T16:30", "2026-01-05T17:00"),
    ):
        done = inside("influx", "backfill", str(site), "--since", since, "--until", until)
        assert done.returncode == 0, done.stderr
    for name, points in whole.items():
        assert influxdb.points("grid", name) == points, name


def test_backfill_from_a_copy_and_from_half_of_one(
    site: Path, influxdb: InfluxDB, inside: Inside, tmp_path: Path
) -> None:
    data = site.parent / "data"
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(data / "journal.db", copy)
    for path in data.iterdir():
        if path.is_file():
            path.unlink()
    done = inside("influx", "backfill", str(site), *_DAY, "--from", str(copy))
    assert done.returncode == 0, done.stderr
    assert "incident" not in counted(influxdb)
    assert counted(influxdb)["smoke"] > 0
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
