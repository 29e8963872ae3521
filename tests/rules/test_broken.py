"""Broken rule files: each gives the lines of ``broken/expected.txt``, in two languages, and no
traceback; whatever is done to sound ones, only positioned problems come of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rules
from gateway import cli
from gateway.cli import _say
from gateway.cli._problems import in_chinese
from gateway.document import MAX_BYTES, Problem, Problems
from gateway.model import Site
from rules.review import review
from rules.ruleset import conditions_of
from tests.cli.test_problems import is_whole
from tests.rules.told import device, site

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = Path(__file__).parent / "broken"
SAMPLES: Final = sorted(FOLDER.glob("*.yaml"))
CALENDARS: Final = sorted(FOLDER.glob("*.ics"))
SHOWN: Final = 8
"""So many messages of a file stand in the list; one has dozens."""
_CONFIGURATION: Final = "site: {name: a, data: data}\nrules: {packs: [], dir: rules}\n"
_OURS: Final = "not UTF-8"
"""Begins the message about bytes that never reach the loader of rules."""


def expected() -> dict[str, list[str]]:
    """File -> ``line:column: message`` of its first problems."""
    found: dict[str, list[str]] = {}
    for line in (FOLDER / "expected.txt").read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(":")
        found.setdefault(name, []).append(rest)
    return found


EXPECTED: Final = expected()


def one_line(message: str) -> str:
    """A message as the command shows it: one line of bounded length."""
    message = " ".join(message.split())
    return message if len(message) <= 400 else message[:399] + "…"


def calendars(text: str) -> list[Path]:
    """The calendars that a file names."""
    return [path for path in CALENDARS if path.name in text]


def test_there_are_more_than_a_hundred_files_that_are_broken_in_different_ways() -> None:
    assert [path.name for path in SAMPLES] == sorted(EXPECTED)
    assert len(SAMPLES) >= 200
    first = {lines[0].split(": ", 1)[1] for lines in EXPECTED.values()}
    assert len(first) >= 150


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_loader_says_what_is_wrong_and_where(sample: Path) -> None:
    wanted = EXPECTED[sample.name]
    if _OURS in wanted[0]:
        with pytest.raises(UnicodeDecodeError):
            sample.read_text(encoding="utf-8")
        return
    text = sample.read_text(encoding="utf-8")
    files = [(path.name, path.read_text(encoding="utf-8")) for path in (sample, *calendars(text))]
    with pytest.raises(Problems) as caught:
        rules.load(files)
    found = [f"{p.line}:{p.column}: {one_line(p.message)}" for p in caught.value.problems]
    assert list(dict.fromkeys(found))[:SHOWN] == wanted
    assert_inside(text, caught.value.problems)


def assert_inside(text: str, problems: list[Problem]) -> None:
    """Each position is one that an editor can go to."""
    lines = text.splitlines()
    for problem in problems:
        assert 1 <= problem.line <= len(lines) + 1, problem
        width = len(lines[problem.line - 1]) if problem.line <= len(lines) else 0
        assert 1 <= problem.column <= width + 1, problem


@pytest.fixture
def check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """``gridwarden check`` of a configuration with one rule file: what it prints."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(_say, "_chosen", "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.yaml").write_text(_CONFIGURATION, encoding="utf-8")
    (tmp_path / "rules").mkdir()

    def command(sample: Path, language: str) -> list[str]:
        raw = sample.read_bytes()
        for path in (sample, *calendars(raw.decode("utf-8", "replace"))):
            (tmp_path / "rules" / path.name).write_bytes(path.read_bytes())
        with pytest.raises(SystemExit) as left:
            cli.main(["--lang", language, "check", "site.yaml"])
        said = capsys.readouterr()
        assert left.value.code == 1
        assert said.out == ""
        return said.err.splitlines()

    return command


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_command_says_the_same_in_both_languages(sample: Path, check: Any) -> None:
    name = sample.name
    wanted = [f"{name}:{line}" for line in EXPECTED[name]]
    *english, count = [line.replace(f"rules/{name}", name) for line in check(sample, "en")]
    assert english[:SHOWN] == wanted
    assert count == f"{len(english)} error{'s' if len(english) > 1 else ''}"
    *chinese, count = [line.replace(f"rules/{name}", name) for line in check(sample, "zh")]
    assert count == f"共 {len(english)} 处错误"
    for line, said in zip(english, chinese, strict=True):
        where, message = line.split(": ", 1)
        assert said == f"{where}: {in_chinese(message)}"
        assert is_whole(message, in_chinese(message)), message


def test_all_of_them_in_one_folder_are_one_list(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (tmp_path / "site.yaml").write_text(_CONFIGURATION, encoding="utf-8")
    readable = [path for path in SAMPLES if _OURS not in EXPECTED[path.name][0]][::2]
    for path in readable:
        (folder / path.name).write_bytes(path.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "--lang", "zh", "check", "site.yaml"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    *lines, count = done.stderr.splitlines()
    assert count == f"共 {len(lines)} 处错误"
    # Who names a rule that may stand in a broken file is not told of it.
    assert len({line.split(":")[0] for line in lines}) >= len(readable) * 0.9
    assert all(line.startswith("rules/") for line in lines)


def test_a_file_of_more_than_a_megabyte_is_refused_unread() -> None:
    with pytest.raises(Problems, match=r"r\.yaml:1:1: larger than 1,000,000 bytes; split it"):
        rules.load([("r.yaml", "rules:\n" + "#" * MAX_BYTES)])


# --- whatever is done to sound files ------------------------------------------------------

EVERYTHING: Final = """\
rules:
  - name: heat_rising
    title: {zh: 温度骤升, en: Temperature rising fast}
    on: [heat, smoke]
    tag: kitchen
    not_tag: [sauna]
    grid: [CG1]
    origin: here
    when: rate(temperature, 3m) > fast and temperature > warm and not test
    clear: rate(temperature, 3m) < 3 and temperature < 45 °C
    with: {fast: 8.3 °C/min, warm: 30 °C}
    for: 10s
    keep: 1m
    again: never
    same: building
    severity: alarm
    category: intrusion
    raise:
      - {after: 10m, severity: critical}
      - {when: temperature > 57 °C, severity: critical}
    armed: [home, away]
    exit: 60s
    entry: 30s
    inhibit: [driver_gone]
    inhibit_in: driver
  - {name: driver_gone, title: T, on: gateway, when: driver_down, severity: alarm,
     category: system, late: ring}
  - {name: quiet, title: T, on: any, absent: rhythm, severity: notice, category: trouble}
  - name: heat_confirmed
    title: T
    confirm: [heat_rising]
    within: 10m
    devices: 2
    kinds: 2
    same: building
    severity: critical
    category: intrusion
settings:
  - {rule: heat_rising, grid: [CG1], set: {fast: 9, keep: 2m, severity: warning}, because: oven}
  - {rule: quiet, device: [h1], set: {off: true}}
plans:
  - name: offices
    title: {zh: 办公区, en: Offices}
    grid: [CG1]
    mode: away
    week: {mon-fri: ["19:00-07:30"], sat-sun: ["00:00-24:00"]}
keypads:
  - {device: s1, grid: [CG1], mode: home}
"""
SOUND: Final = [EVERYTHING, *(text for _, text in rules.packs(rules.pack_names()))]
SITE: Final = site(device("s1"), device("h1", "heat"))
_WORDS: Final = [
    *("rules", "settings", "plans", "keypads", "name", "title", "zh", "on", "when", "clear", "with", "for"),
    *("raise", "after", "armed", "confirm", "within", "inhibit", "set", "rule", "grid", "device"),
    *("smoke", "any", "alarm", "life", "home", "device", "rhythm", "never", "true", "null", "~"),
    *("5s", "5", "-1", "1e999", ".nan", "0x10", "9" * 30, "5 °C", "19:00-07:30", "mon", "densty"),
    *("alarm and", "rate(density, 3m) > 5", "density > 5 m", "((((", "'", '"', "[", "{", "&a", "*a"),
    *("!x", "- ", ": ", "# ", "\t", "\n", "\r", "\0", "\x85", "\u2028", "\ud800", "全", "：", "é"),
]  # fmt: skip
_LEAVES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(_WORDS),
    st.text(max_size=10),
)
_VALUES: Final = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(_WORDS), inner, max_size=3)
    ),
    max_leaves=6,
)
_FUZZ: Final = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


def load_or_complain(text: str) -> None:
    """Only ``Problems`` may come of ``text``, and of rules that load nothing at all."""
    try:
        ruleset = rules.load([("r.yaml", text)])
    except Problems as error:
        found = error.problems
    else:
        odd_but_harmless(text, ruleset)
        return
    assert found
    assert_inside(text, found)
    assert all(p.file == "r.yaml" and p.message.strip() for p in found)


def odd_but_harmless(text: str, ruleset: rules.Ruleset) -> None:
    """What loads can be reviewed and asked, whatever it is."""
    for at in (SITE, Site()):
        assert_inside(text, [p for p in review(ruleset, at) if p.line > 1])
    for rule in ruleset.rules:
        for condition in conditions_of(rule):
            assert condition.holds({}.get) in (True, False)
            assert condition.holds({"temperature": 3.0, "density": 9.0}.get) in (True, False)


@_FUZZ
@given(st.sampled_from(SOUND), st.data())
def test_any_bytes_put_in_or_taken_out_give_problems_or_rules(text: str, data: Any) -> None:
    raw = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=4))
    load_or_complain(raw.decode("utf-8", "replace"))


@_FUZZ
@given(st.sampled_from(SOUND), st.data())
def test_any_words_put_in_or_taken_out_give_problems_or_rules(text: str, data: Any) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        end = at + data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(st.sampled_from(_WORDS)) + text[end:]
    load_or_complain(text)


@_FUZZ
@given(st.sampled_from(SOUND), st.data())
def test_lines_moved_doubled_and_left_out_give_problems_or_rules(text: str, data: Any) -> None:
    lines = text.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 5))):
        one, other = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        match data.draw(st.integers(0, 3)):
            case 0:
                lines[one], lines[other] = lines[other], lines[one]
            case 1:
                lines.insert(one, lines[other])
            case 2:
                lines[one] = " " * data.draw(st.integers(0, 9)) + lines[one].lstrip()
            case _:
                lines[one] = ""
    load_or_complain("".join(lines))


@_FUZZ
@given(st.sampled_from(SOUND), st.data())
def test_any_value_in_the_place_of_another_gives_problems_or_rules(text: str, data: Any) -> None:
    tree = yaml.load(text, Loader=yaml.BaseLoader)
    for _ in range(data.draw(st.integers(1, 3))):
        within = tree
        while True:
            keys = range(len(within)) if isinstance(within, list) else sorted(within)
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(within[key], list | dict) and data.draw(st.integers(0, 3)):
                within = within[key]
                continue
            within[key] = data.draw(_VALUES)
            break
    load_or_complain(yaml.safe_dump(tree, allow_unicode=data.draw(st.booleans()), width=90))


def test_the_sound_file_is_sound() -> None:
    assert len(rules.load([("r.yaml", EVERYTHING)]).rules) == 4
    load_or_complain(EVERYTHING)
