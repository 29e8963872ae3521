"""``gridwarden influx setup`` on a real InfluxDB 1.x, a real VictoriaMetrics, and the references."""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.sinks.influxdb import setup1
from gateway.sinks.influxdb.setup1 import There, User, Wanted
from tests.cli.conftest import Inside, inside
from tests.servers import InfluxDB, VictoriaMetrics

__all__ = ["inside"]
_SECRETS = ("adm'in\\pw", 'wr"ite pw', "r'ead pw")


def written(folder: Path, url: str, **options: Any) -> Path:
    """A configuration with one sink; its secrets in files."""
    sink = {"type": "influxdb", "url": url, **options}
    for name in ("password", "token"):
        if name in sink:
            (folder / name).write_text(sink[name])
            sink[name] = {"file": str(folder / name)}
    path = folder / "site.yaml"
    path.write_text(
        f"site: {{name: 云河, data: {folder}/data}}\nsinks:\n  influx: {json.dumps(sink)}\n"
    )
    return path


def as_user(server: InfluxDB, query: str, user: str, password: str, database: str = "") -> Any:
    """What ``user`` is answered."""
    form = urlencode({"q": query, "db": database}).encode()
    request = urllib.request.Request(f"{server.url}/query", form)
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    request.add_header("Authorization", f"Basic {login}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


def test_setup_of_a_locked_1x_from_nothing_and_twice(
    tmp_path: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, writer, reader = _SECRETS
    monkeypatch.setenv("GRIDWARDEN_INFLUX_ADMIN_PASSWORD", admin)
    monkeypatch.setenv("GRIDWARDEN_INFLUX_READER_PASSWORD", reader)
    with InfluxDB("  auth-enabled = true\n") as server:
        config = written(
            tmp_path, server.url, database="grid", username="writer",
            password=writer,
        )  # fmt: skip
        done = inside("--lang", "en", "influx", "setup", str(config), "--admin", "root")
        assert done.returncode == 0, done.stderr
        for secret in _SECRETS:
            assert secret not in done.stdout + done.stderr
        assert "WITH PASSWORD '***'" in done.stdout
        again = inside("--lang", "en", "influx", "setup", str(config), "--admin", "root")
        assert again.stdout == "everything is there, nothing was changed\n"
        policies = as_user(server, "SHOW RETENTION POLICIES ON grid", "root", admin)
        rows = {row[0]: row for row in policies["results"][0]["series"][0]["values"]}
        assert rows.keys() == {"raw", "years"}
        assert rows["raw"][1] == "2160h0m0s"
        assert rows["raw"][-1] is True
        assert rows["years"][1] == "43800h0m0s"
        queries = json.dumps(as_user(server, "SHOW CONTINUOUS QUERIES", "root", admin))
        assert "gridwarden_years" in queries
        # who reads may not write, who writes may not read, neither may do anything else
        read = as_user(server, "SELECT * FROM smoke", "grafana", reader, "grid")
        assert "error" not in json.dumps(read)
        for user, password in (("grafana", reader), ("writer", writer)):
            assert "error" in json.dumps(as_user(server, "DROP DATABASE grid", user, password))
        assert "error" in json.dumps(
            as_user(server, "SELECT * FROM smoke", "writer", writer, "grid")
        )
        for keep, shard in (("2h", "1h0m0s"), ("400d", "168h0m0s"), ("30d", "24h0m0s")):
            changed = inside("influx", "setup", str(config), "--admin", "root", "--keep", keep)
            assert changed.returncode == 0, changed.stderr
            assert changed.stdout.count("ALTER RETENTION POLICY") == 1
            policies = as_user(server, "SHOW RETENTION POLICIES ON grid", "root", admin)
            assert policies["results"][0]["series"][0]["values"][0][2] == shard
        monkeypatch.setenv("GRIDWARDEN_INFLUX_ADMIN_PASSWORD", "wrong")
        wrong = inside("--lang", "en", "influx", "setup", str(config), "--admin", "root")
        assert wrong.returncode == 1
        assert "refuses the administrator" in wrong.stderr
        assert len(wrong.stderr.splitlines()) == 1
        wrong = inside("--lang", "zh", "influx", "setup", str(config), "--admin", "root")
        assert "不接受管理员的密码(401: authorization failed)" in wrong.stderr


def test_hourly_values_of_the_past_are_means_and_extremes(
    tmp_path: Path, inside: Inside, influxdb: InfluxDB
) -> None:
    config = written(tmp_path, influxdb.url, database="grid")
    done = inside("--lang", "en", "influx", "setup", str(config))
    assert done.returncode == 0, done.stderr
    assert "no user that writes is made" in done.stdout
    hour = int(time.time()) // 3_600 * 3_600 - 7_200
    lines = [f"smoke,device=a temperature={n},alarm=t {(hour + n * 60) * 10**9}" for n in range(60)]
    lines.append(f'incident,what=opened n=1,key="k" {hour * 10**9}')
    influxdb.request("/write?db=grid", "\n".join(lines).encode())
    again = inside("influx", "setup", str(config), "--hourly-since", "1d")
    assert again.returncode == 0, again.stderr
    (series,) = influxdb.query("SELECT * FROM grid.years.smoke", "grid")
    row = dict(zip(series["columns"], series["values"][0], strict=True))
    assert (row["mean_temperature"], row["min_temperature"], row["max_temperature"]) == (
        29.5, 0, 59,
    )  # fmt: skip
    assert row["device"] == "a"
    assert influxdb.query("SELECT * FROM grid.years.incident", "grid") == []


def test_setup_leaves_a_database_that_was_there_and_says_where_its_points_are(
    tmp_path: Path, inside: Inside, influxdb: InfluxDB
) -> None:
    influxdb.query("CREATE DATABASE grid")
    config = written(tmp_path, influxdb.url, database="grid")
    done = inside("--lang", "zh", "influx", "setup", str(config))
    assert done.returncode == 0, done.stderr
    assert "旧的数据仍在保留策略 autogen 中" in done.stdout
    (series,) = influxdb.query("SHOW RETENTION POLICIES ON grid")
    assert {row[0] for row in series["values"]} == {"autogen", "raw", "years"}


def test_print_connects_to_nothing_and_shows_no_secret(
    tmp_path: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = written(tmp_path, "http://127.0.0.1:9", database="grid", username="w",
                     password="s3cret")  # fmt: skip
    done = inside("--lang", "en", "influx", "setup", str(config), "--print")
    assert done.returncode == 0, done.stderr
    assert "CREATE DATABASE" in done.stdout
    assert done.stdout.count("GRANT") == 2
    assert "s3cret" not in done.stdout
    refused = inside("--lang", "en", "influx", "setup", str(config))
    assert refused.returncode == 1
    assert "can not be reached" in refused.stderr


def test_victoria_metrics_needs_nothing(
    tmp_path: Path, inside: Inside, victoria: VictoriaMetrics
) -> None:
    config = written(tmp_path, victoria.url, database="grid")
    done = inside("--lang", "en", "influx", "setup", str(config))
    assert done.returncode == 0, done.stderr
    assert "this is VictoriaMetrics: nothing to prepare" in done.stdout


def test_statements_are_only_what_is_missing() -> None:
    wanted = Wanted("g", users=(User("w", "WRITE", "p"),))
    every = setup1.statements(wanted, There())
    assert [each.text.split(" ", 2)[:2] for each in every] == [
        ["CREATE", "DATABASE"], ["CREATE", "RETENTION"], ["CREATE", "CONTINUOUS"],
        ["CREATE", "USER"], ["GRANT", "WRITE"],
    ]  # fmt: skip
    there = There(
        frozenset({"g"}), {"raw": 1, "years": 1}, "raw", frozenset({setup1.QUERY}),
        frozenset({"w"}), frozenset({("w", "WRITE")}),
    )  # fmt: skip
    assert setup1.statements(wanted, there) == []
    assert setup1.seconds("2160h0m0s") == 90 * 86_400
    assert setup1.seconds("0s") == 0


# --- what no server at hand is: a small one that follows the reference of 3.x


class Reference:
    """``/api/v3/configure/database``; keeps what it is asked to make."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []
        self.status = 0

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, str]]:
        if self.status:
            return self.status, {"code": "x", "message": "some reason"}
        if any(each["db"] == body["db"] for each in self.made):
            return 409, {"error": "already exists"}
        self.made.append(body)
        return 200, {}


@contextmanager
def served(reference: Reference) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            status, said = reference.answer(json.loads(self.rfile.read(size)))
            raw = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_POST = _do  # noqa: N815 - as the library calls it

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_setup_of_a_3x_makes_the_database_once(
    tmp_path: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDWARDEN_INFLUX_ADMIN_TOKEN", "4dmin")
    reference = Reference()
    with served(reference) as url:
        config = written(tmp_path, url, version=3, database="d", token="x")
        done = inside("--lang", "en", "influx", "setup", str(config))
        assert done.returncode == 0, done.stderr
        assert reference.made == [{"db": "d", "retention_period": "90d"}]
        again = inside("--lang", "en", "influx", "setup", str(config))
        assert "nothing was changed" in again.stdout
        reference.status = 403
        failed = inside("--lang", "en", "influx", "setup", str(config))
        assert failed.returncode == 1
        assert "refuses the administrator's token (403: some reason)" in failed.stderr
    monkeypatch.delenv("GRIDWARDEN_INFLUX_ADMIN_TOKEN")
    missing = inside("--lang", "en", "influx", "setup", str(config))
    assert missing.returncode == 1
    assert "set GRIDWARDEN_INFLUX_ADMIN_TOKEN" in missing.stderr
