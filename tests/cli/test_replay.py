"""``gridwarden replay`` over stores that a real gateway wrote."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from gateway.replay.shape import VERSION
from tests.cli.test_commands import gridwarden
from tests.replay.history import KEYS, RULES, lived, written
from tests.stories.house import PEOPLE

_DAY = "2026-01-05"
_README = Path(__file__).parents[2] / "gateway" / "replay" / "README.md"


def replay(
    config: Path, folder: Path, *more: str, language: str = "en"
) -> subprocess.CompletedProcess[str]:
    arguments = ("replay", str(config), "--since", _DAY, "--rules", str(folder))
    return gridwarden("--lang", language, *arguments, *more)


def found(config: Path, folder: Path, *more: str) -> Any:
    """The outcome as JSON."""
    done = replay(config, folder, "--json", "-", *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def brief(outcome: Any) -> list[tuple[str, list[str], str | None]]:
    """(change, what differs, the real incident) of every incident listed."""
    return [
        (one["change"], one["differs"], (one["after"] or one["before"])["incident"])
        for one in outcome["incidents"]
    ]


def test_the_same_rules_give_no_difference_and_0(day: Path) -> None:
    done = replay(day, day.parent / "rules", "--fail-on-difference")
    assert done.returncode == 0, done.stdout
    assert "No difference." in done.stdout
    outcome = found(day, day.parent / "rules")
    assert outcome["different"] is False
    assert outcome["incidents"] == []
    count = len(KEYS)
    assert outcome["recorded"] == {"incidents": count, "reproduced": count, "unreadable": 0}
    assert outcome["totals"]["before"] == outcome["totals"]["after"]
    assert outcome["rules"]["before"] == "editions"


def test_a_threshold_changed_shows_exactly_the_incidents_that_differ(
    day: Path, tmp_path: Path
) -> None:
    higher = written(tmp_path / "higher", RULES.replace("> 40", "> 45"))
    outcome = found(day, higher)
    assert brief(outcome) == [("only_before", [], KEYS[0]), ("differs", ["opened"], KEYS[1])]
    assert outcome["incidents"][1]["later"] == pytest.approx(120, abs=0.1)
    assert outcome["incidents"][0]["before"]["why"]["en"].startswith("temperature 42 °C")
    totals = outcome["totals"]
    assert totals["after"]["incidents"] == totals["before"]["incidents"] - 1
    # Of the first incident chen was told twice: that it opened and that it was over.
    changed = {one["person"]: one["after"] - one["before"] for one in outcome["people"]}
    assert {person: change for person, change in changed.items() if change} == {"chen": -2}
    assert replay(day, higher, "--fail-on-difference").returncode == 1


def test_an_incident_that_never_was_is_met_as_its_category_is(day: Path, tmp_path: Path) -> None:
    renamed = RULES.replace("room_hot", "room_warm")
    outcome = found(day, written(tmp_path / "renamed", renamed))
    assert sorted(brief(outcome)) == [
        ("only_after", [], None),
        ("only_after", [], None),
        ("only_before", [], KEYS[0]),
        ("only_before", [], KEYS[1]),
    ]
    pace = outcome["assumed"]["facility"]
    assert (pace["incidents"], pace["median_of"]) == (2, 2)
    assert pace["received_after"] == pytest.approx(30, abs=1)
    assert pace["closed_after"] == pytest.approx(200, abs=1)
    assert pace["handling_after"] is None
    done = replay(day, tmp_path / "renamed", language="zh")
    assert "设施 × 2: 30 秒后签收、3.3 分钟后办结(2 起真实事件的中位数)" in done.stdout


def test_where_nobody_ever_came_nobody_comes(day: Path, tmp_path: Path) -> None:
    quiet = RULES.replace("category: facility", "category: trouble").replace("hot", "warm")
    outcome = found(day, written(tmp_path / "trouble", quiet))
    pace = outcome["assumed"]["trouble"]
    assert (pace["received_after"], pace["closed_after"], pace["median_of"]) == (None, None, 0)
    assert "never received" in replay(day, tmp_path / "trouble").stdout


def test_severity_and_missed_limits_show(day: Path, tmp_path: Path) -> None:
    life = RULES.replace("category: facility", "category: life").replace("warning", "critical")
    outcome = found(day, written(tmp_path / "life", life))
    one = next(one for one in outcome["incidents"] if one["after"]["incident"] == KEYS[1])
    assert one["differs"] == ["severity", "told", "missed"]
    assert (one["before"]["severity"], one["after"]["severity"]) == ("warning", "critical")
    # Life has to be handled within 5 minutes of being received; it was closed after 9.
    assert (one["before"]["missed"], one["after"]["missed"]) == (0, 1)
    (missed,) = outcome["missed"]
    assert missed["category"] == "life"
    assert missed["after"] - missed["before"] == 1


def test_another_roster_tells_others(day: Path, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(PEOPLE.replace("chen,陈静", "ma,马丽"), encoding="utf-8")
    outcome = found(day, day.parent / "rules", "--roster", str(roster))
    assert {change for change, _, _ in brief(outcome)} == {"differs"}
    told = {one["person"]: (one["before"], one["after"]) for one in outcome["people"]}
    assert told["chen"] == (told["ma"][1], 0)
    assert told["ma"] == (0, told["chen"][0])
    assert "马丽 (ma)" in {one["name"] for one in outcome["people"]}


def test_a_roster_with_a_fault_is_refused_with_its_place(day: Path, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(PEOPLE.replace("chen,陈静,9901010101", "chen,陈静,777"), encoding="utf-8")
    done = replay(day, day.parent / "rules", "--roster", str(roster))
    assert done.returncode == 1
    assert "roster.csv:2:" in done.stderr


async def test_it_runs_beside_the_gateway(tmp_path: Path) -> None:
    async with lived(tmp_path) as history:
        await history.begin((60, "climate1", {"temperature": 42}))
        await history.at(100)
        outcome = await asyncio.to_thread(found, history.config, tmp_path / "rules")
        assert outcome["recorded"] == {"incidents": 1, "reproduced": 1, "unreadable": 0}
        await history.at(130)
        assert len(await history.house.incidents()) == 1  # and the gateway goes on


def test_it_leaves_no_trace(day: Path) -> None:
    def content() -> list[str]:
        stores = [day.parent / "data" / name for name in ("journal.db", "cases.db")]
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in stores]

    before = content()
    found(day, day.parent / "rules")
    assert content() == before


def test_a_damaged_commit_is_counted_and_said(day: Path) -> None:
    journal = sqlite3.connect(day.parent / "data" / "journal.db")
    with journal:
        middle = "SELECT first FROM chunk WHERE first > 20 ORDER BY first LIMIT 1"
        journal.execute(f"UPDATE chunk SET body = x'00' WHERE first = ({middle})")
        (lost,) = journal.execute("SELECT count FROM chunk WHERE body = x'00'").fetchone()
    journal.close()
    assert found(day, day.parent / "rules")["records"]["damaged"] == lost > 0
    assert f"! {lost} records are damaged" in replay(day, day.parent / "rules").stdout


def test_where_editions_are_lost_the_configured_rules_stand_in(day: Path) -> None:
    journal = sqlite3.connect(day.parent / "data" / "journal.db")
    with journal:
        journal.execute("DELETE FROM edition")
    journal.close()
    outcome = found(day, day.parent / "rules")
    assert outcome["rules"]["before"] == "configuration"
    assert outcome["records"]["unknown_editions"] == 2
    assert outcome["recorded"]["reproduced"] == len(KEYS)
    assert "as configured now" in replay(day, day.parent / "rules").stdout


def test_what_counts_begins_with_since_and_the_rest_warms_up(day: Path, tmp_path: Path) -> None:
    # It began at 16:00; the first incident opened at 16:01, the second at 16:15.
    higher = written(tmp_path / "higher", RULES.replace("> 40", "> 45"))
    late = found(day, higher, "--since", "2026-01-05T16:10")
    assert late["since"].startswith("2026-01-05T16:10")
    assert late["warm_up_since"].startswith("2026-01-05T16:00")
    assert late["records"]["warm_up"] > 0
    assert brief(late) == [("differs", ["opened"], KEYS[1])]
    between = ("--since", "2026-01-05T16:10", "--until", "2026-01-05T16:12")
    assert found(day, higher, *between)["incidents"] == []


def test_the_json_has_the_keys_of_the_readme(day: Path, tmp_path: Path) -> None:
    renamed = RULES.replace("room_hot", "room_warm")
    outcome = found(day, written(tmp_path / "renamed", renamed))
    assert outcome["version"] == VERSION
    known = documented("replay")
    assert {path for path in paths(outcome) if path not in known} == set()


def paths(value: Any, prefix: str = "") -> set[str]:
    """Every key of a JSON object as ``incidents[].before.rule``; names that are data as ``*``."""
    if isinstance(value, list):
        return {path for each in value for path in paths(each, f"{prefix}[]")} or {f"{prefix}[]"}
    if not isinstance(value, dict):
        return {prefix}
    free = re.sub(r".*\.", "", prefix) in ("told", "assumed", "values", "data") or prefix in (
        "assumed", "failures.before", "failures.after",
    )  # fmt: skip
    found: set[str] = set()
    for name, each in value.items():
        key = "*" if free else name
        found |= paths(each, f"{prefix}.{key}" if prefix else key)
    return found or {prefix}


def documented(command: str) -> set[str]:
    """The keys that the README lists for a command, and what lies above them."""
    text = _README.read_text(encoding="utf-8")
    section = text.split(f"### JSON of `{command}`")[1].split("\n### ")[0].split("\n## ")[0]
    keys = set(re.findall(r"^\| `([^`]+)`", section, re.MULTILINE))
    return keys | {key.rpartition(".")[0] for key in keys}


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ["incidents", "Totals", "Messages by person"]), ("zh", ["合计", "事件", "通知到人"])],
)
def test_the_table_fits_and_speaks(
    day: Path, tmp_path: Path, language: str, words: list[str]
) -> None:
    higher = written(tmp_path / "higher", RULES.replace("> 40", "> 45"))
    done = replay(day, higher, language=language)
    assert all(word in done.stdout for word in words)
    for line in done.stdout.splitlines():
        assert cell_len(line) <= 100
        assert line == line.rstrip()


def test_more_incidents_than_asked_for_are_counted(day: Path, tmp_path: Path) -> None:
    higher = written(tmp_path / "higher", RULES.replace("> 40", "> 45"))
    assert "1 more; --show" in replay(day, higher, "--show", "1").stdout


def test_a_wrong_rule_is_shown_as_check_shows_it(day: Path, tmp_path: Path) -> None:
    wrong = written(tmp_path / "wrong", RULES.replace("temperature > 40", "temprature > 40"))
    done = replay(day, wrong)
    assert done.returncode == 1
    assert re.search(r"wrong/site\.yaml:6:\d+: .*temprature", done.stderr), done.stderr
    assert "Traceback" not in done.stderr


def test_without_stores_it_says_so(day: Path) -> None:
    (day.parent / "data" / "journal.db").unlink()
    done = replay(day, day.parent / "rules")
    assert done.returncode == 1
    assert "has the gateway run?" in done.stderr


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-01", "30"])
def test_a_moment_that_is_none_is_wrong_usage(tmp_path: Path, moment: str) -> None:
    done = gridwarden("replay", "x.yaml", "--rules", str(tmp_path), "--since", moment)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
