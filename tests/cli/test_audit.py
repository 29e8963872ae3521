"""``gridwarden audit`` over stores that a real gateway wrote."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest

from gateway.record.log import FILE
from gateway.store.chain import short
from tests.cli.conftest import Inside
from tests.project.tree import ROOT
from tests.replay.history import KEYS


def spoil(day: Path, statement: str) -> None:
    connection = sqlite3.connect(day.parent / "data" / "cases.db")
    with connection:
        assert connection.execute(statement).rowcount
    connection.close()


@pytest.mark.parametrize(("language", "whole"), [("zh", "记录完整"), ("en", "the record is whole")])
def test_an_untouched_record_is_0_and_says_what_was_looked_at(
    inside: Inside, day: Path, language: str, whole: str
) -> None:
    done = inside("--lang", language, "audit", str(day))
    assert (done.returncode, done.stderr) == (0, "")
    assert whole in done.stdout
    assert re.search(r"3 .*12 .*\d+", done.stdout.splitlines()[0])


@pytest.mark.parametrize(("language", "line"), [
    ("zh", "✗ 事件 F20260105-0001:第 2 个环节被改动;请保留现状"),
    ("en", "✗ incident F20260105-0001: event 2 was changed; touch nothing"),
])  # fmt: skip
def test_a_changed_event_is_1_with_one_line_that_says_what_to_do(
    inside: Inside, day: Path, language: str, line: str
) -> None:
    spoil(day, f"UPDATE event SET wall = wall - 1 WHERE incident = '{KEYS[0]}' AND seq = 2")
    done = inside("--lang", language, "audit", str(day))
    assert done.returncode == 1
    assert [each for each in done.stdout.splitlines() if each.startswith("✗")] == [
        next(each for each in done.stdout.splitlines() if each.startswith(line))
    ]


def test_a_stopped_gateway_has_signed_everything(inside: Inside, day: Path) -> None:
    found = json.loads(inside("audit", str(day), "--json").stdout)
    assert (found["sound"], found["unsigned"], found["incidents"]) == (True, 0, 3)


def test_the_json_has_the_keys_of_the_readme(inside: Inside, day: Path) -> None:
    spoil(day, f"UPDATE event SET wall = wall - 1 WHERE incident = '{KEYS[0]}' AND seq = 2")
    done = inside("audit", str(day), "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["sound"] is False
    readme = (ROOT / "gateway" / "record" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([a-z_\[\].]+)`", readme, re.M))
    paths = {*found} | {f"findings[].{key}" for key in found["findings"][0]}
    assert paths - {"findings"} <= named


def test_the_copy_outside_shows_that_the_folder_is_an_older_one(
    inside: Inside, day: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.log"
    outside.write_bytes((day.parent / "data" / FILE).read_bytes())
    spoil(day, "DELETE FROM anchor WHERE n = (SELECT max(n) FROM anchor)")
    done = inside("--lang", "en", "audit", str(day), "--against", str(outside))
    assert done.returncode == 1
    assert "an older copy took its place" in done.stdout


def test_the_key_is_shown_and_another_key_is_a_finding(inside: Inside, day: Path) -> None:
    shown = inside("--lang", "en", "audit", str(day), "--key").stdout
    (own,) = re.findall(r"fingerprint ([A-Z2-7-]{24})$", shown, re.M)
    assert inside("audit", str(day), "--trust", own.lower()).returncode == 0
    other = inside("--lang", "en", "audit", str(day), "--trust", "AAAA-BBBB-CCCC-DDDD-EEEE")
    assert other.returncode == 1
    assert f"another key signs: {own}; if you replaced the key" in other.stdout


def test_the_code_of_a_message_is_found_or_is_1(inside: Inside, day: Path) -> None:
    connection = sqlite3.connect(day.parent / "data" / "cases.db")
    ((digest,),) = connection.execute(
        f"SELECT hash FROM event WHERE incident = '{KEYS[0]}' AND seq = 3"
    )
    connection.close()
    for arguments in ([], ["--incident", KEYS[0].lower()]):
        done = inside("--lang", "en", "audit", str(day), "--head", short(digest), *arguments)
        assert done.returncode == 0
        assert f"incident {KEYS[0]}, event 3, 2026-01-05" in done.stdout
    wrong = inside("audit", str(day), "--head", short(digest), "--incident", KEYS[1])
    assert wrong.returncode == 1
    spoil(day, f"UPDATE event SET wall = wall - 1 WHERE incident = '{KEYS[0]}' AND seq = 2")
    done = inside("--lang", "en", "audit", str(day), "--head", short(digest))
    assert done.returncode == 1
    assert "event 2 was changed" in done.stdout


def test_incidents_from_before_a_moment_are_left_out(inside: Inside, day: Path) -> None:
    spoil(day, f"UPDATE event SET wall = wall - 1 WHERE incident = '{KEYS[0]}' AND seq = 2")
    assert inside("audit", str(day), "--since", "2026-01-05T16:10").returncode == 0
    assert inside("audit", str(day), "--since", "2026-01-05").returncode == 1


@pytest.mark.parametrize(
    "arguments", [["--incident", "X"], ["--since", "soon"], ["--against", "/"]]
)
def test_wrong_usage_is_2(inside: Inside, day: Path, arguments: list[str]) -> None:
    done = inside("audit", str(day), *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_site_that_never_ran_is_told_in_one_line(inside: Inside, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("site: {name: x, data: nowhere}\n", encoding="utf-8")
    for arguments in ([], ["--key"], ["--head", "AAAA-AAAA-AAAA"]):
        done = inside("--lang", "en", "audit", str(file), *arguments)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
