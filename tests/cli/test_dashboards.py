"""``gridwarden dashboards``: what is asked for, what is said, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import dashboards
from tests.cli.conftest import Inside
from tests.grafana.boards import BOARDS, Board
from tests.grafana.server import TOKEN, Grafana, running, said
from tests.servers import free_port

CONFIG = """
site: {name: 云河社区, data: data}
sinks:
  broken: {type: nothing}
  influx: {type: influxdb, url: http://10.0.0.5:8086, database: week}
messages: {link: https://desk.example.cn}
"""


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the builders were last asked for."""
    asked: dict[str, str] = {}

    def boards(**words: Any) -> list[Board]:
        asked.update(words)
        return BOARDS

    monkeypatch.setattr(dashboards, "all", boards, raising=False)
    return asked


@pytest.fixture
def grafana(monkeypatch: pytest.MonkeyPatch) -> Iterator[Grafana]:
    monkeypatch.setenv("GRIDWARDEN_GRAFANA_TOKEN", TOKEN)
    monkeypatch.delenv("GRIDWARDEN_INFLUX_READER_PASSWORD", raising=False)
    with running(Grafana()) as started:
        yield started


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "site.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    return file


def test_push_says_what_it_did_and_the_second_time_that_nothing_changed(
    inside: Inside, grafana: Grafana, given: dict[str, str], config: Path
) -> None:
    asked = ("dashboards", "push", "--url", grafana.url, "--config", str(config))
    first = inside("--lang", "zh", *asked)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines() == [
        "Gridwarden InfluxDB:已新建", "社区安全:已新建", "指挥大屏:已新建", "消防:已新建",
    ]  # fmt: skip
    assert given == {
        "language": "zh", "console": "https://desk.example.cn", "tiles": "",
        "zone": "Asia/Shanghai",
    }  # fmt: skip
    second = inside("--lang", "en", *asked, "--language", "zh")
    assert second.stdout.count(": unchanged\n") == 4
    source = grafana.sources["gridwarden-influxdb"]
    assert (source["url"], source["jsonData"]["dbName"]) == ("http://10.0.0.5:8086", "week")


def test_push_tells_of_edits_and_a_dry_run_marks_what_would_change(
    inside: Inside, grafana: Grafana, given: dict[str, str]
) -> None:
    asked = ("dashboards", "push", "--url", grafana.url, "--influx", "http://127.0.0.1:8086")
    inside("--lang", "en", *asked)
    grafana.edit("gw-wall", refresh="5s")
    grafana.asked.clear()
    dry = inside("--lang", "en", *asked, "--dry-run")
    (line,) = [line for line in dry.stdout.splitlines() if line.startswith("+ ")]
    assert line.startswith("+ 指挥大屏: somebody edited it, so it stays; ours is beside it")
    assert grafana.changed == []
    assert "有人修改过,保持不动;新版另存在旁边" in inside("--lang", "zh", *asked).stdout


def test_what_grafana_does_not_take_is_a_line_and_code_1(
    inside: Inside, grafana: Grafana, given: dict[str, str]
) -> None:
    grafana.faults["POST", "/api/dashboards/db"] = said(412, "x", "plugin-dashboard")
    asked = ("dashboards", "push", "--url", grafana.url, "--influx", "http://127.0.0.1:8086")
    done = inside("--lang", "zh", *asked)
    assert (done.returncode, done.stderr) == (1, "")
    assert "! 指挥大屏: 它属于某个 Grafana 插件,不能改写" in done.stdout


def test_a_database_that_grafana_can_not_read_is_a_line_and_code_1(
    inside: Inside, grafana: Grafana, given: dict[str, str]
) -> None:
    grafana.influx = "dial tcp 127.0.0.1:8086: connection refused"
    asked = ("dashboards", "push", "--url", grafana.url, "--influx", "http://127.0.0.1:8086")
    done = inside("--lang", "en", *asked)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("! Gridwarden InfluxDB: Grafana can not read")


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "不接受这个令牌"), ("en", "does not accept the token")]
)
def test_a_wrong_token_is_one_line(
    inside: Inside, grafana: Grafana, given: dict[str, str], language: str, words: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    token = tmp_path / "token"
    token.write_text("glsa_wrong\n", encoding="utf-8")
    done = inside(
        "--lang", language, "dashboards", "push", "--url", grafana.url,
        "--influx", "http://x:1", "--token-file", str(token),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert "glsa_wrong" not in done.stderr + done.stdout


def test_secrets_come_from_files(
    inside: Inside, grafana: Grafana, given: dict[str, str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv("GRIDWARDEN_GRAFANA_TOKEN")
    for name, text in (("token", TOKEN), ("password", "reads-only")):
        (tmp_path / name).write_text(text + "\n", encoding="utf-8")
    done = inside(
        "dashboards", "push", "--url", grafana.url, "--influx", "http://x:1", "--reader", "reader",
        "--token-file", str(tmp_path / "token"), "--reader-secret", str(tmp_path / "password"),
    )  # fmt: skip
    assert done.returncode == 0, done
    assert grafana.secrets["gridwarden-influxdb"] == {"password": "reads-only"}
    assert "reads-only" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["push"], 2, "--url"),
        (["push", "--url", "ftp://x"], 2, "--url"),
        (["push", "--url", "http://u:p@x"], 2, "no user or password"),
        (["push", "--url", "http://x", "--token-file", "/nowhere"], 1, "secret file /nowhere"),
        (["push", "--url", "http://x", "--token", "t"], 2, "--token"),
        (["push", "--url", "http://x", "--influx", "x"], 2, "--influx"),
        (["push", "--url", "http://x", "--config", "/nowhere"], 1, "where is InfluxDB?"),
        (["push", "--url", "https://x", "--ca", "/nowhere"], 2, "--ca"),
        (["write"], 2, "DIR"),
        (["write", "/nowhere", "--language", "fr", "--influx", "http://x"], 2, "--language"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    inside: Inside, given: dict[str, str], monkeypatch: pytest.MonkeyPatch, arguments: list[str],
    code: int, words: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("GRIDWARDEN_GRAFANA_TOKEN", TOKEN)
    done = inside("--lang", "en", "dashboards", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr


def test_what_is_no_token_is_said_in_chinese(
    inside: Inside, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDWARDEN_GRAFANA_TOKEN", "two words")
    asked = ("dashboards", "push", "--url", "http://x", "--influx", "http://x")
    assert (
        inside("--lang", "zh", *asked).stderr == "错误: 这不是令牌:应为由字母和数字组成的一个词\n"
    )


def test_no_token_is_one_line(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRIDWARDEN_GRAFANA_TOKEN", raising=False)
    done = inside("--lang", "zh", "dashboards", "push", "--url", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert done.stderr.startswith("错误: 没有令牌")


def test_write_makes_the_files_of_provisioning(
    inside: Inside, given: dict[str, str], tmp_path: Path, config: Path
) -> None:
    folder = tmp_path / "provisioning"
    asked = (
        "dashboards", "write", str(folder), "--config", str(config), "--language", "en",
        "--reader", "grafana", "--reader-secret", "/run/secrets/influx_read",
        "--seen-at", "/etc/grafana/provisioning", "--console", "http://10.0.0.5:8080/",
    )  # fmt: skip
    done = inside("--lang", "en", *asked)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(": written\n") == 4
    assert given["console"] == "http://10.0.0.5:8080"
    (source,) = yaml.safe_load((folder / "datasources/gridwarden.yaml").read_text())["datasources"]
    assert source["user"] == "grafana"
    assert source["secureJsonData"]["password"] == "$__file{/run/secrets/influx_read}"
    board = json.loads(
        (folder / "dashboards/gridwarden/gridwarden-en/gw-wall.json").read_text(encoding="utf-8")
    )
    assert board["tags"] == ["en", "gridwarden", "wall"]
    assert inside("--lang", "zh", *asked, "--dry-run").stdout.count(":无变化\n") == 4
