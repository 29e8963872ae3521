"""The compose file, by what the Compose Specification says, and what its services are handed.

No Docker is at hand in the tests: what Compose itself would refuse is looked for here.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import urllib.error
import urllib.parse
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from click.testing import CliRunner

from gateway.cli._influx_setup import command as setup
from gateway.cli.dashboards import command
from gateway.config import load
from tests.servers import InfluxDB

ROOT: Final = Path(__file__).parents[2]
HOME: Final = ROOT / "deploy" / "compose"
TOP: Final = {"name", "services", "volumes", "secrets", "networks", "configs"}
SERVICE: Final = {
    "build", "cap_drop", "command", "depends_on", "entrypoint", "environment", "healthcheck",
    "image", "network_mode", "ports", "restart", "secrets", "security_opt", "stop_grace_period",
    "volumes",
}  # fmt: skip
"""The keys of the specification that the file uses: another one is a slip, or belongs here."""
CONDITIONS: Final = {"service_started", "service_healthy", "service_completed_successfully"}
DURATION: Final = re.compile(r"(\d+(us|ms|s|m|h))+")
VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+)(?::(?P<how>[-?])(?P<word>[^}]*))?\}")


def compose() -> dict[str, Any]:
    whole: dict[str, Any] = yaml.safe_load((HOME / "compose.yaml").read_text(encoding="utf-8"))
    return whole


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def service_texts(service: dict[str, Any]) -> list[str]:
    """Every text of a service that Compose puts variables into."""
    return re.findall(r"[^\n]+", yaml.safe_dump(service, width=10_000))


def words(service: str) -> list[str]:
    """The command of a service, with only what has to be said in .env."""
    said = {"?": "http://10.0.0.2:8080"}
    return [
        VARIABLE.sub(lambda found: said.get(found["how"], found["word"]), str(word))
        for word in services()[service]["command"]
    ]


def test_every_key_is_one_of_the_specification() -> None:
    assert set(compose()) <= TOP
    for name, service in services().items():
        assert set(service) <= SERVICE, name
        assert isinstance(service["image"], str)
        assert service.get("restart", "no") in {"no", "on-failure", "unless-stopped"}
        if health := service.get("healthcheck"):
            assert set(health) == {"test", "interval", "timeout", "retries", "start_period"}
            assert health["test"][0] == "CMD"
            spans = (health[key] for key in ("interval", "timeout", "start_period"))
            assert all(DURATION.fullmatch(span) for span in spans)
        assert all(isinstance(value, str) for value in service.get("environment", {}).values())


def test_what_services_name_is_there() -> None:
    whole = compose()
    for name, service in services().items():
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS
            assert other in whole["services"]
            if how["condition"] == "service_healthy":
                assert "healthcheck" in whole["services"][other]
        assert set(service.get("secrets", ())) <= set(whole["secrets"]), name
        for volume in service.get("volumes", ()):
            source, target, *mode = volume.split(":")
            assert target.startswith("/")
            assert mode in ([], ["ro"])
            if source.startswith("."):
                assert (HOME / source).exists()
            else:
                assert source in whole["volumes"]
        if "build" in service:
            assert (HOME / service["build"]["context"]).resolve() == ROOT
            assert (ROOT / service["build"]["dockerfile"]).is_file()
        mentioned = set(re.findall(r"/run/secrets/(\w+)", "\n".join(service_texts(service))))
        used = mentioned - ({"influx_read"} if name == "dashboards" else set())
        assert used <= set(service.get("secrets", ())), name


def test_no_image_is_whatever_is_newest() -> None:
    for service in services().values():
        assert re.search(r":(\d+\.\d+\.\d+|local)$", service["image"])


def test_no_password_is_written_and_none_has_a_default() -> None:
    text = (HOME / "compose.yaml").read_text(encoding="utf-8")
    for name, service in services().items():
        for key, value in service.get("environment", {}).items():
            if "PASSWORD" in key or "TOKEN" in key:
                assert key.endswith("__FILE"), (name, key)
                assert value.startswith("/run/secrets/")
    assigned = re.findall(r"(\w*PASSWORD\w*)=(\S+)", text)
    assert len(assigned) == 1
    assert all(value.startswith("$$(cat") for _, value in assigned)
    for secret in compose()["secrets"].values():
        assert secret["file"].startswith("./secrets/")
    assert services()["influxdb"]["environment"]["INFLUXDB_HTTP_AUTH_ENABLED"] == "true"


def test_what_must_be_said_has_no_default_and_nothing_is_open_unasked() -> None:
    found: dict[str, set[str]] = {}
    for service in services().values():
        for text in service_texts(service):
            for variable in VARIABLE.finditer(text):
                found.setdefault(variable["name"], set()).add(variable["how"])
    assert found == {
        "CONSOLE": {"?"}, "DASHBOARDS_LANGUAGE": {"-"}, "GRAFANA_LANGUAGE": {"-"},
        "GRAFANA_LISTEN": {"-"}, "CONSOLE_LISTEN": {"-"},
    }  # fmt: skip
    assert "ports" not in services()["influxdb"]
    for service in services().values():
        assert all(":-127.0.0.1}:" in port for port in service.get("ports", ()))


def test_gateway_writes_and_grafana_reads_by_users_of_their_own(tmp_path: Path) -> None:
    settings = load(HOME / "gridwarden.yaml")
    options: Any = settings.sinks["influx"].options
    assert (options.url, options.database) == ("http://influxdb:8086", "gridwarden")
    mounted = {"/provisioning": str(tmp_path)}
    arguments = [mounted.get(word, word) for word in words("dashboards")[1:]]
    config = f"--config={HOME / 'gridwarden.yaml'}"
    done = CliRunner().invoke(command, [*arguments, config], standalone_mode=False)
    assert done.exception is None, done.output
    (source,) = yaml.safe_load((tmp_path / "datasources/gridwarden.yaml").read_text())[
        "datasources"
    ]
    assert (source["url"], source["user"]) == (options.url, "grafana")
    assert source["secureJsonData"]["password"] == "$__file{/run/secrets/influx_read}"
    assert "influx_read" in services()["grafana"]["secrets"]
    (provider,) = yaml.safe_load((tmp_path / "dashboards/gridwarden.yaml").read_text())["providers"]
    seen = provider["options"]["path"]
    assert f"{seen.split('/dashboards/')[0]}" == "/etc/grafana/provisioning"
    assert "provisioning:/etc/grafana/provisioning:ro" in services()["grafana"]["volumes"]
    assert list(Path(seen.replace("/etc/grafana/provisioning", str(tmp_path))).glob("*.json"))


def test_setup_is_given_options_that_there_are_and_secrets_that_it_may_read(
    tmp_path: Path,
) -> None:
    service = services()["setup"]
    secrets = {f"/run/secrets/{name}": tmp_path / name for name in service["secrets"]}
    for path in secrets.values():
        path.touch()
    asked = words("setup")
    assert asked[:2] == ["influx", "setup"]
    for inside, path in secrets.items():
        asked = [word.replace(inside, str(path)) for word in asked]
    given = setup.make_context("setup", asked[2:]).params
    assert given["admin"] == services()["influxdb"]["environment"]["INFLUXDB_ADMIN_USER"]
    assert given["reader"] == "grafana"
    assert given["admin_secret"] == secrets["/run/secrets/influx_admin"]
    assert given["reader_secret"] == secrets["/run/secrets/influx_read"]
    sink = yaml.safe_load((HOME / "gridwarden.yaml").read_text(encoding="utf-8"))["sinks"]["influx"]
    assert sink["password"]["file"] in secrets


def test_what_setup_makes_lets_grafana_read_and_do_nothing_else(tmp_path: Path) -> None:
    """The services ``setup`` and ``dashboards`` one after the other, on a real InfluxDB."""
    for name in compose()["secrets"]:
        (tmp_path / name).write_text(f"{name}-s3cret", encoding="utf-8")

    with InfluxDB("auth-enabled = true") as influx:
        influx.query("CREATE USER admin WITH PASSWORD 'influx_admin-s3cret' WITH ALL PRIVILEGES")
        text = (HOME / "gridwarden.yaml").read_text(encoding="utf-8")
        text = text.replace("http://influxdb:8086", influx.url).replace(
            "/run/secrets", str(tmp_path)
        )
        config = tmp_path / "gridwarden.yaml"
        config.write_text(text, encoding="utf-8")
        asked = [word.replace("/run/secrets", str(tmp_path)) for word in words("setup")[3:]]
        made = CliRunner().invoke(setup, [str(config), *asked], standalone_mode=False)
        assert made.exception is None, made.output
        asked = [str(tmp_path / "provisioning"), *words("dashboards")[3:], f"--config={config}"]
        wrote = CliRunner().invoke(command, ["write", *asked], standalone_mode=False)
        assert wrote.exception is None, wrote.output
        text = (tmp_path / "provisioning/datasources/gridwarden.yaml").read_text(encoding="utf-8")
        (source,) = yaml.safe_load(text)["datasources"]
        assert source["secureJsonData"]["password"] == "$__file{/run/secrets/influx_read}"

        def grafana(query: str) -> dict[str, Any]:
            who = {"u": source["user"], "p": "influx_read-s3cret"}
            where = urllib.parse.urlencode(who | {"db": source["jsonData"]["dbName"]})
            body = urllib.parse.urlencode({"q": query}).encode()
            found: dict[str, Any] = json.loads(influx.request(f"/query?{where}", body))
            return found["results"][0]

        assert grafana('SELECT * FROM "incident"') == {"statement_id": 0}
        with pytest.raises(urllib.error.HTTPError, match="403"):
            grafana('DROP SERIES FROM "incident"')


def test_dockerfile_installs_extras_that_there_are_and_copies_what_it_needs() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extras,) = re.findall(r'"/src\[([a-z0-9,]+)\]"', text)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    kept = set(re.findall(r"^!(\S+)$", ignored, re.MULTILINE))
    packages = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()} - {
        "tests"
    }
    files = {project["readme"], *project["license-files"], "pyproject.toml", "constraints.txt"}
    assert kept == packages | files


class TestSecrets:
    """secrets.sh in a copy of its folder."""

    @pytest.fixture
    def home(self, tmp_path: Path) -> Path:
        shutil.copy(HOME / "secrets.sh", tmp_path)
        return tmp_path

    def run(self, home: Path) -> str:
        done = subprocess.run(
            ["sh", home / "secrets.sh"], capture_output=True, text=True, timeout=30, check=True
        )
        return done.stdout

    def test_every_secret_of_the_compose_file_is_made_and_no_two_are_alike(
        self, home: Path
    ) -> None:
        out = self.run(home)
        texts = [(home / each["file"]).read_text() for each in compose()["secrets"].values()]
        assert len(set(texts)) == len(texts) == len(list((home / "secrets").iterdir()))
        assert all(re.fullmatch(r"[A-Za-z0-9]{30,40}", text) for text in texts)
        assert not any(text in out for text in texts)
        assert stat.S_IMODE((home / "secrets").stat().st_mode) == 0o700

    def test_a_password_that_is_there_stays(self, home: Path) -> None:
        self.run(home)
        (home / "secrets" / "grafana_admin").write_text("mine", encoding="utf-8")
        before = {path.name: path.read_text() for path in (home / "secrets").iterdir()}
        self.run(home)
        assert {path.name: path.read_text() for path in (home / "secrets").iterdir()} == before


def test_the_notes_for_debian_name_commands_and_options_that_there_are() -> None:
    text = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"gridwarden dashboards write (/etc/[^\n]+(?:\\\n[^\n]+)*)", text)
    words = line.replace("\\\n", " ").split()
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "--lang", "en", "dashboards", "write", "--help"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert all(word in done.stdout for word in words if word.startswith("--"))
