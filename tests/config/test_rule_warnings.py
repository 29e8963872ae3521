"""Rules that load and are odd are told of by the check, at their place, in two languages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config import Settings, load, summary
from gateway.demo.scene import Far, write
from gateway.document import Problems

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "deploy" / "sample"
CONFIGURATION = """\
site: {name: 云河, data: data}
registry: {places: places.csv, devices: devices.csv, people: people.csv}
rules: {packs: [fire, lamps], dir: rules}
drivers: {zigbee: {type: mqtt, host: 127.0.0.1, client_id: a, dialects: [zigbee2mqtt: {}]}}
notifiers: {duty-phone: {type: log}, journal: {type: log}}
"""
RULES = """\
rules:
  - {name: hot, title: T, on: smoke, when: temperature > 60 and temperature < 50, severity: alarm,
     category: facility}
  - {name: yard, title: T, on: camera, when: motion, tag: closed_area, severity: alarm,
     category: intrusion}
settings:
  - {rule: hot, grid: [nowhere], set: {for: 5s}}
plans:
  - {name: offices, title: T, week: {daily: ["19:00-07:00"]}}
keypads:
  - {device: door, grid: [nowhere]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A site with odd rules of its own, and a camera whose tag is misspelt."""
    for name in ("places", "devices", "people"):
        shutil.copy(SAMPLE / f"{name}.csv", tmp_path)
    devices = (tmp_path / "devices.csv").read_text(encoding="utf-8").splitlines()
    rows = [f"{row}," for row in devices]
    rows[0] = f"{devices[0]},标签"
    rows = [f"{row}closed_aera" if "摄像头" in row else row for row in rows]
    (tmp_path / "devices.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.yaml").write_text(RULES, encoding="utf-8")
    (tmp_path / "site.yaml").write_text(CONFIGURATION, encoding="utf-8")
    return tmp_path


def of_rules(settings: Settings) -> list[str]:
    """The warnings that are about rules."""
    words = ("rule", "pack", "tag", "keypad")
    found = [w for w in settings.warnings if any(word in w.message for word in words)]
    return [str(w._replace(file=Path(w.file).name)) for w in found]


def test_odd_rules_settings_packs_and_tags_are_told_of(folder: Path) -> None:
    assert of_rules(load(folder / "site.yaml")) == [
        "own.yaml:2:12: rule 'hot': 'when' can never hold",
        "own.yaml:4:12: rule 'yard': no device has the tag 'closed_area';"
        " did you mean 'closed_aera'?",
        "own.yaml:7:12: rule 'hot': there is no place 'nowhere'",
        "own.yaml:11:14: keypad 'door': there is no device 'door'; did you mean 'door-a2-roof'?",
        "own.yaml:11:14: keypad 'door': there is no place 'nowhere'",
        "site.yaml:3:23: pack 'lamps' has nothing to do: no lamp or power is registered",
        "site.yaml:2:41: no rule asks for the tag 'closed_aera' of a device;"
        " did you mean 'closed_area'?",
    ]


def test_the_demo_has_none_of_them(tmp_path: Path) -> None:
    far = Far(mqtt=1883, serial="/dev/null", phone="http://127.0.0.1:1/phone", influx="")
    settings = load(write(tmp_path, far, 8080))
    assert len(settings.ruleset.rules) > 30
    assert [str(warning) for warning in settings.warnings] == []


def test_packs_that_nobody_chose_may_have_nothing_to_do(folder: Path) -> None:
    text = CONFIGURATION.replace("packs: [fire, lamps], dir: rules", "")
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    assert [line for line in of_rules(load(folder / "site.yaml")) if "pack" in line] == []


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("zh", "注意: rules/own.yaml:2:12: 规则 hot:when 永远不会成立"),
        ("en", "warning: rules/own.yaml:2:12: rule 'hot': 'when' can never hold"),
    ],
)
def test_the_command_shows_warnings_and_all_is_well(folder: Path, language: str, line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "--lang", language, "check", "site.yaml"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert line in done.stdout.splitlines()


def test_the_summary_counts_what_the_rules_say(folder: Path) -> None:
    settings = load(folder / "site.yaml")
    counts = len(settings.ruleset.rules), 1, 1, 1
    assert "{} rules, {} settings, {} plans of arming, {} keypads".format(*counts) in summary(
        settings, "en"
    )
    assert "规则 {} 条,设置 {} 项,布防计划 {} 项,布防键盘 {} 个".format(*counts) in summary(
        settings, "zh"
    )


def test_a_file_that_can_not_be_read_hides_no_fault_of_the_others(folder: Path) -> None:
    (folder / "rules" / "a.yaml").write_bytes("rules: # 烟".encode("gbk"))
    (folder / "rules" / "b.yaml").write_text(
        "rules:\n  - {name: x, title: T, on: smoke, when: alarm, inhibit: in_a, sevrity: alarm,"
        " category: trouble}\n",
        encoding="utf-8",
    )
    with pytest.raises(Problems) as caught:
        load(folder / "site.yaml")
    found = [f"{Path(p.file).name}: {p.message}" for p in caught.value.problems]
    assert any(line.startswith("a.yaml: not UTF-8") for line in found)
    assert any("'sevrity'" in line for line in found)
    assert not any("in_a" in line for line in found)  # it may stand in the other file
