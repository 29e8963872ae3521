"""``gridwarden export incident``: one file, the same every time, verified by a fresh Python."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gateway.record import verify
from tests.cli.conftest import Inside
from tests.cli.test_commands import gridwarden
from tests.replay.history import KEYS


@pytest.fixture(scope="session")
def box(lived_day: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case file of the first incident."""
    target = tmp_path_factory.mktemp("box") / "case.zip"
    done = gridwarden(
        "export", "incident", KEYS[0], str(lived_day / "gridwarden.yaml"), "-o", str(target)
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(target.parent.iterdir()) == [target]
    return target


def contents(box: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(box) as file:
        return {name: file.read(name) for name in file.namelist()}


def fresh(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A Python that knows nothing of the program and none of its libraries."""
    return subprocess.run(
        [sys.executable, "-I", "-S", *arguments],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        env={"PYTHONUTF8": "1", "PATH": os.environ["PATH"]},
        timeout=60,
        check=False,
    )


def test_it_holds_everything_about_the_incident(box: Path) -> None:
    files = contents(box)
    assert {*files} == {
        "README.txt", "report.html", "verify.py", "incident.json", "events.jsonl", "anchors.log",
        "messages.json", "texts.json", "registry.json", "readings.jsonl", "rules/site.yaml",
        "rules/fire.yaml", "manifest.json", "manifest.sig",
    }  # fmt: skip
    assert json.loads(files["incident.json"])["key"] == KEYS[0]
    readings = [json.loads(line) for line in files["readings.jsonl"].splitlines()]
    assert [each["values"] for each in readings if each["device"] == "climate1"] == [
        {"temperature": 20.0}, {"temperature": 42.0}, {"temperature": 30.0},
    ]  # fmt: skip
    assert [row["end"] for row in json.loads(files["messages.json"])] == ["told", "told"]
    assert list(json.loads(files["texts.json"]).values()) == ["已开窗散热"]
    assert b"temperature > 40" in files["rules/site.yaml"]
    people = json.loads(files["registry.json"])["people"]
    assert people["chen"]["name"] == "陈静"
    assert b"138000" not in b"".join(files.values())  # how to reach somebody is not in it


def test_the_neighbours_of_the_building_are_in_it(
    inside: Inside, lived_day: Path, tmp_path: Path
) -> None:
    target = tmp_path / "fire.zip"
    config = str(lived_day / "gridwarden.yaml")
    assert inside("export", "incident", KEYS[2], config, "-o", str(target)).returncode == 0
    lines = contents(target)["readings.jsonl"].splitlines()
    assert {json.loads(line)["device"] for line in lines} == {"s301", "climate1"}


def test_the_same_state_gives_the_same_bytes(
    inside: Inside, box: Path, lived_day: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.zip"
    config = str(lived_day / "gridwarden.yaml")
    done = inside("--lang", "zh", "export", "incident", KEYS[0].lower(), config, "-o", str(again))
    assert done.returncode == 0
    assert again.read_bytes() == box.read_bytes()


def test_a_fresh_python_verifies_it_offline(box: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(box) as file:
        file.extractall(tmp_path)
    for arguments in (["verify.py"], ["verify.py", str(box)]):
        done = fresh(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert "档案完整,未被改动 / the case file is whole" in done.stdout
        assert "events 1-4 are signed by anchor" in done.stdout
    (tmp_path / "texts.json").write_text("{}", encoding="utf-8")
    done = fresh("verify.py", cwd=tmp_path)
    assert done.returncode == 1
    assert "file texts.json was changed" in done.stdout


def test_audit_verifies_it_too_and_asks_for_the_right_key(inside: Inside, box: Path) -> None:
    done = inside("--lang", "en", "audit", str(box))
    assert done.returncode == 0
    assert "the case file is whole" in done.stdout
    other = inside("--lang", "en", "audit", str(box), "--trust", "AAAA-BBBB-CCCC-DDDD-EEEE")
    assert other.returncode == 1
    assert "the anchors are of another key" in other.stdout


@pytest.mark.parametrize(
    "name",
    ["events.jsonl", "anchors.log", "texts.json", "incident.json", "report.html", "manifest.json"],
)
def test_any_file_that_was_changed_is_named(box: Path, tmp_path: Path, name: str) -> None:
    files = contents(box)
    files[name] = files[name].replace(b"1", b"7", 1) + b"\n"
    target = tmp_path / "changed.zip"
    with zipfile.ZipFile(target, "w") as changed:
        for each, data in files.items():
            changed.writestr(each, data)
    said = verify.check(target)
    assert any(not each.ok for each in said), said


def forged(box: Path, target: Path, *, anew: bool) -> Path:
    """Another person has received it; without the gateway's key the manifest is not signed.

    ``anew``: every later hash is computed again.
    """
    files = contents(box)
    events = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    events[1][6] = "person:lin"
    for before, event in itertools.pairwise(events):
        if anew:
            event[8] = before[9]
            event[9] = verify.link_hash(event)
    files["events.jsonl"] = b"".join(json.dumps(e).encode() + b"\n" for e in events)
    incident = json.loads(files["incident.json"]) | {"head": events[-1][9]}
    files["incident.json"] = json.dumps(incident).encode()
    del files["manifest.sig"]
    manifest = json.loads(files.pop("manifest.json"))
    manifest["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    files["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(target, "w") as written:
        for name, data in files.items():
            written.writestr(name, data)
    return target


def test_a_forger_who_writes_the_manifest_anew_is_found_by_the_chain(
    box: Path, tmp_path: Path
) -> None:
    said = verify.check(forged(box, tmp_path / "one.zip", anew=False))
    assert [each.en for each in said if not each.ok] == ["event 2 was changed"]
    said = verify.check(forged(box, tmp_path / "two.zip", anew=True))
    wrong = [each.en for each in said if not each.ok]
    assert wrong
    assert all("is not the one that anchor" in each for each in wrong)


def test_who_may_not_read_the_key_still_gets_all_of_it(
    inside: Inside, day: Path, tmp_path: Path
) -> None:
    (day.parent / "data" / "record.key").unlink()
    target = tmp_path / "case.zip"
    done = inside("--lang", "en", "export", "incident", KEYS[0], str(day), "-o", str(target))
    assert done.returncode == 0
    assert "so the manifest is not signed" in done.stderr
    assert all(each.ok for each in verify.check(target))


def test_an_incident_whose_readings_are_gone_is_exported_as_far_as_it_goes(
    inside: Inside, day: Path, tmp_path: Path
) -> None:
    journal = sqlite3.connect(day.parent / "data" / "journal.db")
    with journal:
        journal.execute("DELETE FROM chunk WHERE first < (SELECT max(first) FROM chunk)")
        journal.execute("DELETE FROM edition")
    journal.close()
    target = tmp_path / "case.zip"
    done = inside("--lang", "en", "export", "incident", KEYS[0], str(day), "-o", str(target))
    assert done.returncode == 0
    assert "the journal has no readings of that time" in done.stderr
    assert all(each.ok for each in verify.check(target))
    assert "日志中没有" in contents(target)["report.html"].decode()


def test_an_unknown_incident_is_one_line_with_the_nearest(
    inside: Inside, day: Path, tmp_path: Path
) -> None:
    target = tmp_path / "case.zip"
    done = inside("--lang", "en", "export", "incident", "F1", str(day), "-o", str(target))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: there is no incident F1; the nearest are ")
    assert not target.exists()
