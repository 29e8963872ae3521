"""What a good configuration becomes, and what only shows when its parts are seen together."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Settings, load, plugins, summary
from gateway.document import Problems, parse
from gateway.model import SECOND, Category, Limit
from gateway.ports import Unavailable

_ROOT = Path(__file__).parents[2]
_SAMPLE = _ROOT / "deploy" / "gridwarden.sample.yaml"

Load = Callable[[str], Settings]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    def loader(text: str) -> Settings:
        file = tmp_path / "gridwarden.yaml"
        file.write_text(text, encoding="utf-8")
        return load(file)

    return loader


def said(load_text: Load, text: str) -> list[str]:
    with pytest.raises(Problems) as caught:
        load_text(text)
    return [f"{p.line}:{p.column}: {p.message}" for p in caught.value.problems]


def test_the_shipped_sample_is_right() -> None:
    settings = load(_SAMPLE)
    assert settings.warnings == ()
    assert settings.drivers["zigbee"].type == "mqtt"
    assert settings.drivers["zigbee"].options.window == 2000
    assert settings.imported.devices["smoke-a1-301"].place == "13090300100701A1"
    assert len(settings.digest) == 64
    assert settings.ruleset.rules
    assert settings.registry is not None
    assert settings.registry.places == _ROOT / "deploy" / "sample" / "places.csv"


def test_a_summary_counts_and_holds_no_secret() -> None:
    lines = "\n".join(summary(load(_SAMPLE), "zh") + summary(load(_SAMPLE), "en"))
    assert "12 devices" in lines
    assert "烟雾 2" in lines or "烟感 2" in lines
    assert "secrets" not in lines


def test_a_name_alone_is_enough_and_warns(load_text: Load) -> None:
    settings = load_text("site: {name: 云河}")
    assert settings.journal.group == 0.2
    assert settings.journal.keep == 30 * 86400
    assert settings.deadlines.by_category()[Category.life] == 300
    assert settings.limits == ()
    assert settings.console.port == 8080
    assert settings.site.data == Path("/var/lib/gridwarden")
    assert [warning.message.split(":")[0] for warning in settings.warnings] == [
        "no driver is configured",
        "no notifier is configured",
        "there is no registry yet",
    ]


def test_paths_are_relative_to_the_file(load_text: Load, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    settings = load_text("site: {name: a, data: var}\nrules: {dir: own}")
    assert settings.site.data == tmp_path / "var"
    assert settings.rules.dir == tmp_path / "own"


PLUGIN_PATHS = """site: {name: a}
drivers:
  r: {type: replay, path: recordings/a.ndjson}
  c: {type: camera, source: clips/yard.mp4}
  s: {type: camera, address: s, source: "rtsp://10.0.0.8/1"}
  m:
    type: mqtt
    tls: {ca: tls/ca.pem, cert: /etc/own.pem, key: own.key}
    username: u
    password: {file: secrets/mqtt}
    dialects: [{zigbee2mqtt: {}}]
notifiers:
  l: {type: log, file: told.ndjson}
"""


def test_paths_of_plugins_are_relative_to_the_file(load_text: Load, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "mqtt").write_text("pw\n")
    settings = load_text(PLUGIN_PATHS)
    options: dict[str, Any] = {name: each.options for name, each in settings.drivers.items()}
    assert options["r"].path == tmp_path / "recordings" / "a.ndjson"
    assert options["c"].source == str(tmp_path / "clips" / "yard.mp4")
    assert options["s"].source == "rtsp://10.0.0.8/1"
    tls = options["m"].tls
    assert (tls.ca, tls.cert) == (tmp_path / "tls" / "ca.pem", Path("/etc/own.pem"))
    assert tls.key == tmp_path / "own.key"
    assert options["m"].password.reveal() == "pw"
    told: Any = settings.notifiers["l"].options
    assert told.file == tmp_path / "told.ndjson"


def test_a_path_that_names_no_file_is_said_at_its_place(load_text: Load) -> None:
    text = 'site: {name: a}\ndrivers: {r: {type: replay, path: "a\\0b"}}'
    assert said(load_text, text) == ["2:35: no file can be called that"]
    text = 'site: {name: a}\ndrivers: {r: {type: replay, path: ""}}'
    assert said(load_text, text) == ["2:35: the name of a file is expected"]


def test_empty_sections_mean_their_defaults(load_text: Load) -> None:
    settings = load_text("site: {name: a}\njournal:\ndrivers:\nregistry:\nlog:\n")
    assert settings.registry is None
    assert settings.drivers == {}
    assert settings.log.level == "info"


def test_a_console_open_to_the_network_is_warned_of(load_text: Load) -> None:
    settings = load_text("site: {name: a}\nconsole: {host: 0.0.0.0}")
    assert any("no login" in str(warning) for warning in settings.warnings)
    assert "2:17" in str(next(w for w in settings.warnings if "no login" in w.message))


def test_settings_are_frozen(load_text: Load) -> None:
    settings = load_text("site: {name: a}")
    with pytest.raises(ValueError, match="frozen"):
        settings.journal.rows = 1  # type: ignore[misc]


def test_a_secret_prints_as_stars(load_text: Load) -> None:
    settings = load_text(
        "site: {name: a}\nnotifiers: {p: {type: webhook, url: {file: /run/secrets/key}}}"
    )
    assert "/run/secrets" not in repr(settings)
    assert "****" in repr(settings)


@pytest.mark.parametrize(
    ("url", "revealed"),
    [
        ('"postgresql://gw@db/grid?sslmode=require"', "postgresql://gw@db/grid?sslmode=require"),
        ("{file: secret}", "postgresql://gw:s3cret@db.example/grid"),
    ],
)
def test_incidents_may_be_kept_at_a_url(
    load_text: Load, tmp_path: Path, url: str, revealed: str
) -> None:
    (tmp_path / "secret").write_text("postgresql://gw:s3cret@db.example/grid\n", encoding="utf-8")
    settings = load_text(f"site: {{name: a, cases: {{url: {url}}}}}\n")
    assert "s3cret" not in repr(settings)
    assert settings.site.cases.reveal() == revealed


def test_a_secret_that_is_not_there_is_said_when_it_is_needed(load_text: Load) -> None:
    settings = load_text("site: {name: a, cases: {url: {env: GRIDWARDEN_NO_SUCH}}}\n")
    with pytest.raises(
        Unavailable, match=r"site\.cases\.url: the environment has no GRIDWARDEN_NO"
    ):
        settings.site.cases.reveal()


def test_every_problem_of_every_part_comes_at_once(load_text: Load) -> None:
    found = said(
        load_text,
        "site: {nam: a}\nregistry: {places: x.csv, devices: y.csv, people: z.csv}\n"
        "rules: {packs: [fir]}\njournal: {group: 5}\nsinks: {i: {type: influx}}\nlgo: 1\n",
    )
    assert {line.split(":")[0] for line in found} == {"1", "2", "3", "4", "5", "6"}
    assert len([line for line in found if line.startswith("2:")]) == 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_a_character_that_is_not_allowed_is_said_in_its_line(end: str) -> None:
    with pytest.raises(Problems) as caught:
        parse("f.yaml", f"a: 1{end}b: \0")
    assert [(p.line, p.column) for p in caught.value.problems] == [(2, 4)]


def test_an_entry_without_type_lists_the_types(load_text: Load) -> None:
    (line,) = said(load_text, "site: {name: a}\ndrivers: {m: {host: h}}")
    assert line.startswith("2:14: 'type' is missing; known: ")
    assert "mqtt" in line


def test_a_message_is_one_line_of_bounded_length(load_text: Load) -> None:
    (line,) = said(load_text, f'site: {{name: a}}\njournal: {{group: "{"x" * 5000}\\n"}}')
    assert len(line) < 420
    assert "\n" not in line


def test_a_plugin_folder_is_found_without_being_registered() -> None:
    assert {"mqtt", "camera"} <= set(plugins.types("drivers"))
    assert "influxdb" in plugins.types("sinks")
    assert {"log", "webhook"} <= set(plugins.types("notifiers"))


def test_checking_imports_no_library_of_a_plugin() -> None:
    libraries = "paho cv2 serial influxdb_client aiohttp sqlalchemy amqtt"
    code = (
        "import sys; from gateway.config import load; load(sys.argv[1]);"
        "found = set(sys.argv[2].split()) & set(sys.modules); sys.exit(str(found) if found else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(_SAMPLE), libraries],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


_LIMITS = """
site: {name: 云河}
limits:
  - {category: life, within: 5m, warn: 1m}
  - {place: "9901", severity: critical, stage: receive, within: 90s}
"""


def test_time_limits_are_rows_in_ns(load_text: Load) -> None:
    minute = 60 * SECOND
    assert load_text(_LIMITS).limits == (
        Limit(5 * minute, minute, category="life"),
        Limit(90 * SECOND, 0, "9901", severity="critical", stage="receive"),
    )
    assert load_text("site: {name: 云河}\nlimits:\n").limits == ()


@pytest.mark.parametrize(
    ("limits", "problems"),
    [
        ("{category: fire, within: 5m}", ["3:16: 'fire' is none of them"]),
        ("{within: 5m, warn: 5m}", ["3:5: warn must be shorter than within"]),
        ("{witin: 5m}", ["3:5: 'within' is missing", "3:6: unknown name 'witin'"]),
        ("{within: 5}", ["3:14: 5 is no duration"]),
        ("{place: 9901, within: 5m}", ["3:13: place: a text is expected"]),
        ("{within: 5m}\n  - {within: 6m}", ["4:5: two limits for everything"]),
    ],
)
def test_a_wrong_time_limit_is_named_at_its_place(
    load_text: Load, limits: str, problems: list[str]
) -> None:
    found = said(load_text, f"site: {{name: 云河}}\nlimits:\n  - {limits}\n")
    assert len(found) == len(problems)
    for line, start in zip(found, problems, strict=True):
        assert line.startswith(start)


def test_a_limit_of_a_place_that_is_not_there_is_worth_a_look(tmp_path: Path) -> None:
    text = _SAMPLE.read_text(encoding="utf-8").replace("sample/", f"{_SAMPLE.parent}/sample/")
    text = text.replace("{category: facility, stage", '{place: "77", category: facility, stage')
    file = tmp_path / "gridwarden.yaml"
    file.write_text(text, encoding="utf-8")
    (warning,) = load(file).warnings
    assert "the registry has no place '77'" in warning.message
