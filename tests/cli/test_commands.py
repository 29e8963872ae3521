"""The command line: exit codes, one-line errors, two languages, and what is imported when."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from gateway.cli import COMMANDS, lines, module_of
from gateway.document import Problem, Problems
from gateway.ports import Refused, Unavailable
from tests.servers import Mosquitto, free_port

_ROOT = Path(__file__).parents[2]
GROUPS = ("dashboards", "export", "influx", "patrol", "silence")
_SAMPLE = _ROOT / "deploy" / "gridwarden.sample.yaml"


def gridwarden(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=_ROOT,
        env=inherited | {"PYTHONUTF8": "1"} | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_the_listing_names_every_command_in_both_languages() -> None:
    for language, environment in (("zh", "zh_CN.UTF-8"), ("en", "en_GB.UTF-8")):
        done = gridwarden("--help", LANG=environment)
        assert done.returncode == 0
        for name, text in COMMANDS.items():
            assert name in done.stdout
            assert text.say(language)[:8] in done.stdout


_WALK = """
import json, click
from gateway.cli import group

def walk(command, context):
    if isinstance(command, click.Group):
        yield context.command_path, command.get_help(context)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            yield from walk(inner, click.Context(inner, context, name, terminal_width=80))

print(json.dumps(dict(walk(group, click.Context(group, info_name="gridwarden", terminal_width=80)))))
"""
"""Every group and subgroup -> its help on a terminal of 80 columns."""


def columns(line: str) -> int:
    """On a terminal a Chinese sign takes two."""
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in line)


@pytest.mark.parametrize("locale", ["zh_CN.UTF-8", "en_GB.UTF-8"])
def test_no_listing_of_commands_is_cut_off(locale: str) -> None:
    walked = subprocess.run(
        [sys.executable, "-c", _WALK], cwd=_ROOT, env=os.environ | {"LC_ALL": locale},
        capture_output=True, encoding="utf-8", check=True, timeout=60,
    )  # fmt: skip
    helps: dict[str, str] = json.loads(walked.stdout)
    assert set(helps) >= {"gridwarden", *(f"gridwarden {name}" for name in GROUPS)}
    for path, text in helps.items():
        listing = re.split(r"^(?:命令|Commands):\n", text, flags=re.MULTILINE)[1]
        assert [line for line in listing.splitlines() if line.endswith(("...", "…"))] == [], path
        assert [line for line in listing.splitlines() if columns(line) > 80] == [], path
        assert all(len(line.split(maxsplit=1)) == 2 for line in listing.splitlines() if line), path


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_an_example(name: str) -> None:
    module = importlib.import_module(f"gateway.cli.{module_of(name)}")
    text = str(module.command.help)
    assert f"gridwarden {name}" in text
    assert "Example: " in text or "例:" in text


def test_help_speaks_chinese_by_option_or_locale() -> None:
    assert "例:" in gridwarden("--lang", "zh", "check", "--help").stdout
    assert "例:" in gridwarden("check", "--help", LC_ALL="zh_CN.UTF-8").stdout
    assert "Example: " in gridwarden("check", "--help", LC_ALL="C", LANG="zh_CN").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["chekc"],
        ["check", "--conect"],
        ["--lang", "fr", "check"],
        ["try", "mqtt", "--for", "ten"],
        ["try", "mqtt", "--option", "host"],
        ["try", "mqqt"],
        ["test", "no-such-file.test.yaml"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    done = gridwarden(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_check_of_the_sample_is_a_summary_and_0() -> None:
    done = gridwarden("check", str(_SAMPLE))
    assert done.returncode == 0
    assert "12 devices" in done.stdout
    assert done.stdout.endswith("the configuration is right\n")


def test_check_of_a_missing_file_is_one_line_and_1() -> None:
    done = gridwarden("check", "/nowhere/gridwarden.yaml")
    assert done.returncode == 1
    assert done.stderr == "/nowhere/gridwarden.yaml:1:1: no such file\n1 error\n"


def test_check_connect_says_of_each_far_end_whether_it_answers(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    entry = {"type": "mqtt", "host": "127.0.0.1", "dialects": [{"zigbee2mqtt": {}}]}
    drivers = {"here": entry | {"port": mosquitto.port}, "away": entry | {"port": free_port()}}
    file = tmp_path / "site.yaml"
    file.write_text(json.dumps({"site": {"name": "a"}, "drivers": drivers}), encoding="utf-8")
    done = gridwarden("check", str(file), "--connect")
    assert done.returncode == 1
    assert "+ drivers.here: " in done.stdout
    assert "! drivers.away: " in done.stdout
    assert "Traceback" not in done.stderr


def test_check_connect_says_whether_the_database_of_incidents_answers(
    tmp_path: Path, postgresql: str
) -> None:
    file = tmp_path / "site.yaml"
    site = {"name": "a", "cases": {"url": postgresql}}
    file.write_text(json.dumps({"site": site}), encoding="utf-8")
    done = gridwarden("--lang", "en", "check", str(file), "--connect")
    (line,) = [line for line in done.stdout.splitlines() if " site.cases: " in line]
    assert line.startswith("+ site.cases: PostgreSQL 127.0.0.1:")
    assert line.endswith(": can be reached, schema 0")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["journal", "ledger"])
def test_a_journal_that_can_not_be_read_is_one_line_with_its_path(
    tmp_path: Path, name: str
) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("site: {name: a, data: .}\n", encoding="utf-8")
    (tmp_path / "journal.db").write_bytes(b"no database at all" * 1_000)
    done = gridwarden("--lang", "en", name, str(file))
    assert done.returncode == 1
    assert done.stderr.startswith("error: can not be read: ")
    assert done.stderr.endswith(f"{tmp_path}/journal.db\n")
    assert done.stderr.count("\n") == 1


def test_try_prints_readings_and_stores_nothing(tmp_path: Path) -> None:
    recording = tmp_path / "recording.ndjson"
    report = {"t": 0, "device": "s1", "kind": "smoke", "values": {"alarm": True, "density": 0.31}}
    recording.write_text(json.dumps(report) + "\n", encoding="utf-8")
    done = gridwarden("try", "replay", "--option", f"path={recording}", "--for", "1s")
    assert done.returncode == 0, done.stderr
    assert " s1 smoke alarm=true density=0.31\n" in done.stdout
    assert done.stdout.endswith("1 items, 0 undecodable; nothing was stored\n")
    assert [path.name for path in tmp_path.iterdir()] == ["recording.ndjson"]


def test_try_of_a_configured_driver_needs_no_other_part_to_be_right(tmp_path: Path) -> None:
    recording = tmp_path / "recording.ndjson"
    recording.write_text("", encoding="utf-8")
    file = tmp_path / "site.yaml"
    file.write_text(
        "sinks: {x: {type: nothing}}\ndrivers: {r: {type: replay, path: recording.ndjson}}\n",
        encoding="utf-8",
    )
    assert gridwarden("try", "r", "--config", str(file), "--for", "100ms").returncode == 0
    done = gridwarden("try", "q", "--config", str(file))
    assert (done.returncode, "there is no driver 'q'" in done.stderr) == (1, True)


def test_an_interrupted_try_ends_with_its_total_and_130(tmp_path: Path) -> None:
    recording = tmp_path / "recording.ndjson"
    rows = [{"t": t, "device": "s1", "values": {"alarm": False}} for t in (0, 3600)]
    recording.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = ["try", "replay", "--option", f"path={recording}", "--for", "1h"]
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "gateway", "--lang", "en", *command],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "s1" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, err.strip()) == (130, "")
    assert out == "1 items, 0 undecodable; nothing was stored\n"


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    command = f"{sys.executable} -m gateway check {_SAMPLE} | true"
    done = subprocess.run(
        ["bash", "-c", command], cwd=_ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""


def test_a_terminal_of_another_encoding_gets_text_and_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "--lang", "zh", "check", str(_SAMPLE)],
        cwd=_ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_try_names_a_wrong_option_by_its_place() -> None:
    done = gridwarden("try", "mqtt", "--option", "hots=127.0.0.1")
    assert done.returncode == 1
    assert "unknown name 'hots'; did you mean 'host'?" in done.stderr


def test_try_never_takes_the_gateways_session() -> None:
    from gateway.config.plugins import options_class

    mqtt = options_class("drivers", "mqtt")
    options = mqtt.model_validate({"client_id": "gateway-1", "dialects": [{"zigbee2mqtt": {}}]})
    assert getattr(options.for_trial(), "client_id", "") not in ("", "gateway-1")


def test_test_runs_the_shipped_packs_stories() -> None:
    done = gridwarden("test")
    assert done.returncode == 0, done.stdout
    assert ", 0 failed" in done.stdout


def test_test_of_a_failing_story_exits_with_1(tmp_path: Path) -> None:
    story = tmp_path / "own.test.yaml"
    story.write_text("rules: [own.yaml]\nstories: []\n", encoding="utf-8")
    done = gridwarden("test", str(tmp_path))
    assert done.returncode == 1
    assert "own.test.yaml:" in done.stdout


def test_a_bug_is_one_line_and_debug_shows_where(tmp_path: Path) -> None:
    code = (
        "import gateway.cli.check as c, sys; from gateway.cli import main;"
        "c.load = lambda path: {}['x']; main(sys.argv[1:])"
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code, *arguments, "--lang", "en", "check", "x"]
        return subprocess.run(
            command, cwd=_ROOT, capture_output=True, text=True, timeout=60, check=False
        )

    done = run()
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "KeyError" in done.stderr
    assert "Traceback" in run("--debug").stderr


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        ("ExceptionGroup('g', [Unavailable('broker away')])", 1, "error: broker away\n"),
        ("ExceptionGroup('g', [KeyError('x')])", 1, "a bug"),
        ("BaseExceptionGroup('g', [KeyboardInterrupt()])", 130, ""),
        ("Refused('never')", 1, "error: never\n"),
        ("Unavailable('a\\nb')", 1, "error: a b\n"),
        (
            "sqlite3.OperationalError('disk I/O\\nerror')",
            1,
            "error: database: disk I/O error; the ",
        ),
        ("SchemaError('/d/cases.db: written by a newer gridwarden')", 1, "error: /d/cases.db: wr"),
        ("ExceptionGroup('g', [ExceptionGroup('h', [SchemaError('x')])])", 1, "error: x\n"),
    ],
)
def test_an_error_that_ends_a_command_is_said_in_one_line(
    error: str, status: int, said: str
) -> None:
    code = (
        "import sqlite3, gateway.cli.check as c; from gateway.cli import main;"
        "from gateway.store.schema import SchemaError;"
        "from gateway.ports import Refused, Unavailable\n"
        f"def load(path): raise {error}\n"
        "c.load = load; main(['--lang', 'en', 'check', 'x'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status
    assert said in done.stderr
    assert done.stderr.count("\n") <= 1


def test_every_error_is_a_line_of_its_own() -> None:
    problems = Problems([Problem("f", 1, 2, "m"), Problem("f", 3, 4, "n")])
    assert lines(problems) == ["f:1:2: m", "f:3:4: n", "2 errors"]
    assert lines(Unavailable("broker away")) == ["error: broker away"]
    assert lines(ExceptionGroup("g", [Refused("no"), ValueError("a\nb")])) == [
        "error: no",
        "error: a b",
    ]
    (said,) = lines(ExceptionGroup("g", [sqlite3.DatabaseError("malformed")]))
    assert said.startswith("error: database: malformed; ")
    assert lines(FileNotFoundError(2, "No such file", "x")) == ["error: No such file x"]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def test_the_frame_imports_no_subcommand() -> None:
    code = (
        "import gateway.cli, sys;"
        "found = [m for m in sys.modules if m.startswith(('gateway.app', 'gateway.config',"
        " 'sqlalchemy', 'aiohttp', 'rules', 'rich'))]; sys.exit(str(found) if found else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments", [("drivers", "mqt"), ("try", "mqt"), ("try", "mqtt/tasmoda", "--simulator")]
)
def test_a_driver_that_is_none_is_one_line_in_either_language(arguments: tuple[str, ...]) -> None:
    for language, said in (("en", "there is no driver"), ("zh", "没有驱动")):
        done = gridwarden("--lang", language, *arguments)
        assert done.returncode == 2
        assert said in done.stderr.splitlines()[-1]
        assert ("did you mean" in done.stderr) is (language == "en")
