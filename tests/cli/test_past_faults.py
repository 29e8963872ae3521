"""``gridwarden replay`` and ``explain`` where stores, folders or files are not as they should be."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.cli.test_commands import gridwarden
from tests.cli.test_explain import account, told
from tests.cli.test_replay import found, replay
from tests.replay.history import KEYS, RULES, lived, written

_ESCAPE = "\x1b[2J"


def change(day: Path, store: str, *statements: str) -> None:
    connection = sqlite3.connect(day.parent / "data" / f"{store}.db")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def only_line(config: Path, *arguments: str) -> str:
    """What a command says that can do nothing."""
    done = gridwarden("--lang", "en", *arguments, str(config))
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


# --- replay ----------------------------------------------------------------------------------


def test_a_time_without_records_is_no_agreement(day: Path) -> None:
    done = replay(day, day.parent / "rules", "--since", "2030-01-01", "--fail-on-difference")
    assert done.returncode == 1
    assert "! no record lies in this time: nothing was compared" in done.stdout


def test_what_retention_took_of_the_time_asked_for_is_said(day: Path) -> None:
    assert found(day, day.parent / "rules")["records"]["begin_later"] is False
    change(day, "journal", "DELETE FROM chunk WHERE first < 20")
    assert found(day, day.parent / "rules")["records"]["begin_later"] is True
    assert "! older records are past retention" in replay(day, day.parent / "rules").stdout
    late = found(day, day.parent / "rules", "--since", "2026-01-05T16:20")
    assert late["records"]["begin_later"] is False


def test_damage_at_the_end_counts_whether_until_is_said_or_not(day: Path) -> None:
    newest = "(SELECT max(first) FROM chunk)"
    change(day, "journal", f"UPDATE chunk SET body = x'00' WHERE first = {newest}")
    for until in ((), ("--until", "2026-01-06")):
        assert found(day, day.parent / "rules", *until)["records"]["damaged"] > 0


def test_a_damaged_incident_hides_no_other(day: Path) -> None:
    change(day, "cases", f"UPDATE event SET data = 'x' WHERE incident = '{KEYS[0]}'")
    outcome = found(day, day.parent / "rules")
    # Nobody is known to have closed it, so that the next of its place is played into it.
    assert outcome["recorded"] == {"incidents": 2, "reproduced": 1, "unreadable": 1}
    assert "! 1 real incidents are damaged" in replay(day, day.parent / "rules").stdout


def test_a_journal_without_records_has_nothing_to_compare(day: Path) -> None:
    change(day, "journal", "DELETE FROM chunk")
    outcome = found(day, day.parent / "rules")
    assert (outcome["records"]["played"], outcome["different"]) == (0, False)


def test_where_json_can_not_be_written_is_said_before_the_work(day: Path, tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "x.json"
    done = replay(day, day.parent / "rules", "--json", str(target))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"error: no such folder {target.parent}"]


def test_a_folder_is_read_as_check_reads_it(day: Path, tmp_path: Path) -> None:
    folder = written(tmp_path / "many", RULES)
    (folder / ".#site.yaml").symlink_to("somebody@desk")
    assert replay(day, folder).returncode == 0
    (folder / "empty.yaml").mkdir()
    assert "empty.yaml:1:1: no such file" in replay(day, folder).stderr
    shutil.rmtree(folder)
    written(folder, RULES)
    for number in range(200):
        (folder / f"more{number}.yaml").write_text("pack: x\n", encoding="utf-8")
    assert "many:1:1: more than 200 rule files in" in replay(day, folder).stderr


# --- explain ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("DELETE FROM event WHERE incident = '{}' AND seq = 1", 1),
        ("DELETE FROM event WHERE incident = '{}' AND seq = 2", 2),
        ("UPDATE event SET data = '{{}}' WHERE incident = '{}'", 1),
    ],
)
def test_a_record_with_holes_is_shown_as_far_as_it_goes(
    day: Path, statement: str, broken_at: int
) -> None:
    change(day, "cases", statement.format(KEYS[0]))
    assert account(day, code=1)["record"]["broken_at"] == broken_at
    for language in ("zh", "en"):
        assert "4  01-05 16:04:20" in told(day, language=language)


def test_a_record_that_can_not_be_read_is_one_line_with_its_file(day: Path) -> None:
    change(day, "cases", f"UPDATE event SET what = 'x' WHERE incident = '{KEYS[0]}'")
    line = only_line(day, "explain", KEYS[0])
    assert f"cases.db: the record of {KEYS[0]} is damaged" in line


@pytest.mark.parametrize(
    ("store", "version", "said"),
    [
        ("cases", 1, "by an earlier gridwarden; start the gateway once"),
        ("cases", 999, "by a newer gridwarden"),
        ("journal", 999, "by a newer gridwarden"),
    ],
)
def test_stores_of_another_version_are_said_to_be(
    day: Path, store: str, version: int, said: str
) -> None:
    change(day, store, f"PRAGMA user_version = {version}")
    line = only_line(day, "explain", KEYS[0])
    assert said in line
    assert f"{store}.db" in line


def test_a_wrong_rule_file_hides_no_incident(day: Path) -> None:
    (day.parent / "rules" / "site.yaml").write_text("rules: 3\n", encoding="utf-8")
    done = gridwarden("--lang", "en", "explain", KEYS[0], str(day), "--json")
    assert done.returncode == 0, done.stderr
    assert "the configuration has errors" in done.stderr
    assert "when: temperature > 40" in json.loads(done.stdout)["rule_text"]["text"]


def test_a_configuration_that_is_no_yaml_is_shown_as_check_shows_it(day: Path) -> None:
    day.write_text("site: [", encoding="utf-8")
    done = gridwarden("--lang", "en", "explain", KEYS[0], str(day))
    assert done.returncode == 1
    assert "gridwarden.yaml:1:" in done.stderr


async def test_what_devices_and_people_send_moves_no_terminal(tmp_path: Path) -> None:
    async with lived(tmp_path) as history:
        hot = {"temperature": 42, "extra.note": f"a{_ESCAPE}\nThe record"}
        await history.begin((60, "climate1", hot))
        await history.at(100)
        await history.house.act(KEYS[0], "receive", "chen", comment=f"b{_ESCAPE}\n\nThe record")
        text = await asyncio.to_thread(told, history.config)
    assert "\x1b" not in text
    assert [line for line in text.splitlines() if line.startswith("The record")] == ["The record"]


@pytest.mark.long
async def test_a_night_of_flapping_is_shown_by_its_two_ends(tmp_path: Path) -> None:
    async with lived(tmp_path) as history:
        flaps = [
            (60 + 20 * n, "climate1", {"temperature": 42 if n % 2 == 0 else 20}) for n in range(250)
        ]
        await history.begin(*flaps)
        await history.at(5_300)
        text = await asyncio.to_thread(told, history.config)
        events = (await asyncio.to_thread(account, history.config))["events"]
    assert len(events) == 250
    assert "… 190 more; --json has them all" in text
    assert len(text.splitlines()) < 300


async def test_what_the_gateway_itself_says_ran_out_of_no_time(tmp_path: Path) -> None:
    async with lived(tmp_path) as history:
        await history.begin(packs="[system]")
        journal = history.house.running.view._journal  # type: ignore[attr-defined]
        for pragma in ("ON", "OFF"):
            said = f"PRAGMA query_only = {pragma}"
            await journal._in_writer(journal._file.writer.execute, said)
            await history.clock.advance(60)
        found = [i for i in await history.house.incidents() if i["rule"] == "journal_failing"]
        text = await asyncio.to_thread(told, history.config, found[0]["key"])
    assert "no reading opened it: the gateway itself did" in text
