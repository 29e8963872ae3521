"""``gridwarden explain`` over stores that a real gateway wrote."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.cli.test_commands import gridwarden
from tests.cli.test_replay import documented, paths
from tests.replay.history import KEYS, RULES, lived, written

_CHANGED = RULES.replace("> 40", "> 70")


def account(config: Path, key: str = KEYS[0], code: int = 0) -> Any:
    """As JSON."""
    done = gridwarden("explain", key, str(config), "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def told(config: Path, key: str = KEYS[0], language: str = "en") -> str:
    done = gridwarden("--lang", language, "explain", key, str(config))
    for line in done.stdout.splitlines():
        assert cell_len(line) <= 100
        assert line == line.rstrip()
    return done.stdout


def test_it_says_what_happened_in_order(day: Path) -> None:
    found = account(day)
    assert [event["what"] for event in found["events"]] == [
        "opened", "received", "cleared", "closed",
    ]  # fmt: skip
    assert found["events"][3]["comment"] == "已开窗散热"
    assert found["events"][1]["by"] == "person:chen"
    assert found["opened"].startswith("2026-01-05T16:01:00")
    text = told(day)
    assert re.search(r"1 +01-05 16:01:00 +Opened: .*temperature 42 °C above 40", text)
    assert re.search(r"4 +01-05 16:04:20 +Closed: 陈静 \(chen\) — Real — 已开窗散热", text)


def test_the_reading_that_opened_it_is_marked_among_its_neighbours(day: Path) -> None:
    readings = account(day, KEYS[1])["readings"]
    assert [(one["values"]["temperature"], one["trigger"]) for one in readings] == [
        (20, False), (42, False), (30, False), (43, True), (46, False), (30, False),
    ]  # fmt: skip
    assert re.search(r"> +01-05 16:15:00 +temperature 43 °C", told(day, KEYS[1]))


async def test_what_a_time_opened_says_so(tmp_path: Path) -> None:
    waits = RULES.replace("    clear:", "    for: 90s\n    clear:")
    async with lived(tmp_path) as history:
        await history.begin((60, "climate1", {"temperature": 42}), rules=waits)
        await history.at(200)
        found = await asyncio.to_thread(account, history.config)
        assert found["opened"].startswith("2026-01-05T16:02:30")
        assert [one["values"]["temperature"] for one in found["readings"]] == [20, 42]
        assert not any(one["trigger"] for one in found["readings"])
        text = await asyncio.to_thread(told, history.config)
        assert re.search(r"> +01-05 16:02:30 +a time ran out", text)


def test_the_rule_is_the_one_of_that_time(day: Path) -> None:
    written(day.parent / "rules", _CHANGED)
    found = account(day)
    assert found["rule_of_that_time"] is True
    assert found["rule_text"]["line"] == 3
    assert "when: temperature > 40" in found["rule_text"]["text"]
    assert found["rule_text"]["text"].startswith("- name: room_hot\n  title:")
    assert "The rule as it was then: room_hot" in told(day)


def test_an_edition_that_is_lost_is_said_and_the_present_rule_shown(day: Path) -> None:
    journal = sqlite3.connect(day.parent / "data" / "journal.db")
    with journal:
        journal.execute("DELETE FROM edition")
    journal.close()
    written(day.parent / "rules", _CHANGED)
    found = account(day)
    assert found["rule_of_that_time"] is False
    assert "when: temperature > 70" in found["rule_text"]["text"]
    assert "as it is now; the journal does not have it of then" in told(day)


def test_every_message_has_its_end_and_its_moment(day: Path) -> None:
    messages = account(day)["messages"]
    assert [(one["purpose"], one["person"], one["end"]) for one in messages] == [
        ("opened", "chen", "told"), ("cleared", "chen", "told"),
    ]  # fmt: skip
    assert messages[0]["ended"].startswith("2026-01-05T16:01:0")
    assert re.search(
        r"#1 +01-05 16:01:00 +陈静 \(chen\) +first message +Told; phone: 204", told(day)
    )


def test_limits_are_kept_or_missed(day: Path) -> None:
    assert [(one["until"], one["end"]) for one in account(day)["limits"]] == [
        ("received", "kept"), ("handling", "kept"),
    ]  # fmt: skip
    assert [(one["until"], one["end"]) for one in account(day, KEYS[2])["limits"]] == [
        ("received", "missed"), ("received", "running"),
    ]  # fmt: skip
    assert re.search(r"应在 01-05 16:26:40 前签收 +超时", told(day, KEYS[2], "zh"))


def test_a_changed_record_is_found_and_is_1(day: Path) -> None:
    assert "a chain of 4 links holds" in told(day)
    cases = sqlite3.connect(day.parent / "data" / "cases.db")
    with cases:
        cases.execute(
            "UPDATE event SET wall = wall - 60000000000 WHERE incident = ? AND seq = 2", (KEYS[0],)
        )
    cases.close()
    found = account(day, code=1)
    assert found["record"]["sound"] is False
    assert found["record"]["broken_at"] == 2
    assert "BROKEN at event 2" in told(day)


def test_readings_that_are_gone_are_said_to_be(day: Path) -> None:
    journal = sqlite3.connect(day.parent / "data" / "journal.db")
    with journal:
        journal.execute("DELETE FROM chunk WHERE first < (SELECT max(first) FROM chunk)")
    journal.close()
    found = account(day)
    assert found["readings_gone"] is True
    assert found["readings"] == []
    assert "The journal no longer has them" in told(day)
    assert "日志中已没有那时的读数" in told(day, language="zh")


def test_an_unknown_key_is_one_line_with_the_nearest(day: Path) -> None:
    done = gridwarden("--lang", "en", "explain", "F20260105-0003", str(day))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: there is no incident F20260105-0003; the nearest are F20260105-")
    assert done.stdout == ""


def test_a_key_may_be_written_small(day: Path) -> None:
    assert account(day, KEYS[2].lower())["incident"] == KEYS[2]


def test_the_json_has_the_keys_of_the_readme(day: Path) -> None:
    known = documented("explain")
    for key in KEYS:
        assert {path for path in paths(account(day, key)) if path not in known} == set()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["What happened", "Who was told", "Time limits", "Life safety", "Waiting"]),
        ("zh", ["经过", "通知", "时限", "生命安全", "待签收", "探测器报警", "超时提醒"]),
    ],
)
def test_it_speaks_both_languages(day: Path, language: str, words: list[str]) -> None:
    text = told(day, KEYS[2], language)
    assert [word for word in words if word not in text] == []


async def test_it_runs_beside_the_gateway(tmp_path: Path) -> None:
    async with lived(tmp_path) as history:
        await history.begin((60, "climate1", {"temperature": 42}))
        await history.at(70)
        found = await asyncio.to_thread(account, history.config)
        assert (found["state"], found["record"]["sound"]) == ("open", True)
        assert found["limits"][-1]["end"] == "running"
        await history.at(90)
        assert len(await history.house.incidents()) == 1
