"""A real InfluxDB 2.x: ``gridwarden influx setup``, what its tokens may do, its task, its answers."""

from __future__ import annotations

import json
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gateway.clock import SystemClock
from gateway.ports import Unavailable
from gateway.sinks.influxdb.options import Options
from gateway.sinks.influxdb.sink import Sink
from tests.cli.conftest import Inside, inside
from tests.influxdb import ORG, Api, InfluxDB2, opened
from tests.sinks.influx2 import SmallInflux2
from tests.sinks.test_influxdb_servers import into, records
from tests.sinks.test_influxdb_setup import written

__all__ = ["inside"]
_HOUR = 3_600
_DAY = 86_400


class Installer:
    """Runs ``influx setup`` for one bucket as who has the operator's token."""

    def __init__(self, server: Api, inside: Inside, folder: Path, bucket: str) -> None:
        self.server, self.bucket, self.folder = server, bucket, folder / bucket
        self.folder.mkdir()
        self._inside = inside
        self._config = written(
            self.folder, server.url, version=2, org=ORG, bucket=bucket, token="not yet"
        )  # fmt: skip

    def setup(self, *more: str) -> Any:
        tokens = str(self.folder / "tokens")
        return self._inside(
            "--lang", "en", "influx", "setup", str(self._config), "--tokens", tokens, *more
        )

    def token(self, what: str) -> str:
        return (self.folder / "tokens" / f"{self.bucket}.{what}.token").read_text().strip()

    def buckets(self, what: str = "everySeconds") -> dict[str, int]:
        """Name -> seconds of it."""
        where = f"/api/v2/buckets?limit=100&orgID={self.server.org_id}"
        found = self.server.api(where)["buckets"]
        return {
            each["name"]: each["retentionRules"][0][what]
            for each in found
            if each["name"].startswith(self.bucket)
        }

    def task(self) -> dict[str, Any]:
        found = self.server.api("/api/v2/tasks?limit=500")["tasks"]
        (mine,) = (each for each in found if f'from(bucket: "{self.bucket}")' in each["flux"])
        return dict(mine)


Installers = Callable[[Api], Installer]


@pytest.fixture
def installs(tmp_path: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> Installers:
    """Somebody who installs on a server, with a bucket of his own."""

    def one(server: Api) -> Installer:
        monkeypatch.setenv("GRIDWARDEN_INFLUX_ADMIN_TOKEN", server.token)
        return Installer(server, inside, tmp_path, f"云河 {time.monotonic_ns()}")

    return one


@pytest.fixture(params=["small", "real"])
def either(request: pytest.FixtureRequest) -> Iterator[Api]:
    """The small server, which stands in where there is no real one, and the real one."""
    if request.param == "real":
        yield request.getfixturevalue("influxdb2")
    else:
        with SmallInflux2() as server:
            yield server


@pytest.fixture
def installer(installs: Installers, influxdb2: InfluxDB2) -> Installer:
    """On the real one."""
    return installs(influxdb2)


def refused(server: InfluxDB2, token: str, path: str, body: bytes | None = None) -> int:
    """The status with which ``token`` is refused; 0 when it is not."""
    try:
        server.asked_with(token).request(path, body, "application/json")
    except urllib.error.HTTPError as error:
        return error.code
    return 0


def run(server: InfluxDB2, task: dict[str, Any], at: int) -> None:
    """The task as it is run at ``at`` (s), to its end."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    path = f"/api/v2/tasks/{task['id']}/runs"
    begun = server.api(path, {"scheduledFor": when})
    deadline = time.monotonic() + 60
    status, state = 0, begun
    while status != 200 or state["status"] in ("scheduled", "started"):
        assert time.monotonic() < deadline, state
        status, state = server.send(f"{path}/{begun['id']}")  # 404 while it is put away
    assert state["status"] == "success", server.send(f"{path}/{begun['id']}/logs")


def test_setup_makes_everything_once_and_shows_no_token(installs: Installers, either: Api) -> None:
    installer = installs(either)
    server, bucket = installer.server, installer.bucket
    done = installer.setup()
    assert done.returncode == 0, done.stderr
    assert installer.buckets() == {bucket: 90 * _DAY, f"{bucket}_years": 5 * 365 * _DAY}
    assert installer.task()["status"] == "active"
    mapped = server.api(f"/api/v2/dbrps?orgID={server.org_id}")["content"]
    assert {
        (each["retention_policy"], each["default"])
        for each in mapped
        if each["database"] == bucket and not each.get("virtual")
    } == {("raw", True), ("years", False)}
    for secret in (server.token, installer.token("writer"), installer.token("reader")):
        assert secret not in done.stdout + done.stderr
    before = [server.api(f"/api/v2/{each}?orgID={server.org_id}")
              for each in ("buckets", "tasks", "dbrps", "authorizations")]  # fmt: skip
    again = installer.setup()
    assert again.stdout == "everything is there, nothing was changed\n"
    after = [server.api(f"/api/v2/{each}?orgID={server.org_id}")
             for each in ("buckets", "tasks", "dbrps", "authorizations")]  # fmt: skip
    assert before == after
    for raw, long in ((2 * _HOUR, 730 * _DAY), (400 * _DAY, 30 * _HOUR)):
        changed = installer.setup("--keep", f"{raw}s", "--keep-hourly", f"{long}s")
        assert changed.returncode == 0, changed.stderr
        assert changed.stdout.count("made: retention of bucket") == 2
        assert installer.buckets() == {bucket: raw, f"{bucket}_years": long}
    assert installer.buckets("shardGroupDurationSeconds") == {
        bucket: 7 * _DAY,
        f"{bucket}_years": _HOUR,
    }


def test_each_token_may_do_its_own_part_and_no_more(
    installs: Installers, influxdb2: InfluxDB2
) -> None:
    mine, other = installs(influxdb2), installs(influxdb2)
    for each in (mine, other):
        assert each.setup().returncode == 0
    server, org = influxdb2, influxdb2.org_id
    writer, reader = mine.token("writer"), mine.token("reader")
    line = f"smoke,device=a density=0.5 {time.time_ns()}".encode()

    def write(bucket: str, token: str) -> int:
        return refused(server, token, f"/api/v2/write?orgID={org}&bucket={_id(bucket)}", line)

    def _id(bucket: str) -> str:
        found = server.api("/api/v2/buckets?limit=100")["buckets"]
        return str(next(each["id"] for each in found if each["name"] == bucket))

    assert write(mine.bucket, writer) == 0
    assert write(f"{mine.bucket}_years", writer) == 403
    assert write(other.bucket, writer) in (403, 404)
    assert write(mine.bucket, reader) == 403
    assert write(f"{mine.bucket}_years", reader) == 403

    def read(bucket: str, token: str) -> list[Any]:
        return server.asked_with(token).query("SELECT * FROM smoke", bucket)

    assert len(read(mine.bucket, reader)) == 1
    assert server.asked_with(reader).query("SELECT * FROM years.smoke", mine.bucket) == []
    with pytest.raises(RuntimeError):
        read(mine.bucket, writer)
    with pytest.raises(RuntimeError):
        read(other.bucket, reader)
    for token in (writer, reader):
        for path, body in (
            ("/api/v2/buckets", {"orgID": org, "name": "x", "retentionRules": []}),
            ("/api/v2/tasks", {"orgID": org, "flux": 'option task = {name: "x", every: 1h}'}),
            ("/api/v2/authorizations", {"orgID": org, "permissions": [
                {"action": "read", "resource": {"type": "buckets", "orgID": org}}]}),
            ("/api/v2/users", {"name": "x"}),
        ):  # fmt: skip
            assert refused(server, token, path, json.dumps(body).encode()) >= 401, path


def test_task_draws_the_numbers_together_hour_by_hour_as_a_1x_does(
    installer: Installer, influxdb2: InfluxDB2
) -> None:
    server, bucket = influxdb2, installer.bucket
    assert installer.setup().returncode == 0
    hour = int(time.time()) // _HOUR * _HOUR - 30 * _HOUR
    lines = [f"smoke,device=a temperature={n},alarm=t {(hour + n * 60) * 10**9}" for n in range(60)]
    lines += [f"smoke,device=b temperature=5 {(hour - 26 * _HOUR) * 10**9}"]
    lines += [f'camera,device=c zone="z",area=0.5,extra_a=1 {(hour + _HOUR) * 10**9}']
    lines += [f'camera,device=c,place=11 extra_a=3,extra_b="text" {(hour + _HOUR) * 10**9 + 1}']
    lines += [f'incident,what=opened n=1,battery=1,extra_a=1,key="k" {hour * 10**9}']
    where = f"/api/v2/write?orgID={server.org_id}&bucket={quote(bucket)}"
    server.request(where, "\n".join(lines).encode())
    # by hand in the middle of an hour, and as the server does it: each gives the same
    for at in (hour + _HOUR + 1_800, hour + 2 * _HOUR, hour + 2 * _HOUR):
        run(server, installer.task(), at)
        asked = server.asked_with(installer.token("reader"))
        (series,) = asked.query("SELECT * FROM years.smoke", bucket)
        (row,) = (dict(zip(series["columns"], row, strict=True)) for row in series["values"])
        assert row == {
            "time": hour * 10**9, "device": "a",
            "mean_temperature": 29.5, "min_temperature": 0, "max_temperature": 59,
        }  # fmt: skip
        assert asked.query("SELECT * FROM years.incident", bucket) == []
    found = asked.query("SELECT * FROM years.camera GROUP BY *", bucket)
    fields = [
        "time",
        "max_area",
        "max_extra_a",
        "mean_area",
        "mean_extra_a",
        "min_area",
        "min_extra_a",
    ]
    next_hour = (hour + _HOUR) * 10**9
    assert [(each["tags"], each["columns"], each["values"]) for each in found] == [
        ({"device": "c", "place": ""}, fields, [[next_hour, 0.5, 1, 0.5, 1, 0.5, 1]]),
        ({"device": "c", "place": "11"}, fields, [[next_hour, None, 3, None, 3, None, 3]]),
    ]
    # a run in the middle of an hour must not spoil the oldest one that it still sees
    run(server, installer.task(), hour + 24 * _HOUR + 1_800)
    (series,) = asked.query("SELECT mean_temperature FROM years.smoke", bucket)
    assert series["values"] == [[hour * 10**9, 29.5]]


def test_hourly_values_of_the_past_are_means_and_extremes(
    installer: Installer, influxdb2: InfluxDB2
) -> None:
    server, bucket = influxdb2, installer.bucket
    assert installer.setup().returncode == 0
    hour = int(time.time()) // _HOUR * _HOUR - 50 * _HOUR
    lines = [f"smoke,device=a temperature={n},alarm=t {(hour + n * 60) * 10**9}" for n in range(60)]
    server.request(
        f"/api/v2/write?orgID={server.org_id}&bucket={quote(bucket)}", "\n".join(lines).encode()
    )
    done = installer.setup("--hourly-since", "3d")
    assert done.returncode == 0, done.stderr
    assert "nothing was changed" not in done.stdout
    (series,) = server.asked_with(installer.token("reader")).query(
        "SELECT mean_temperature, min_temperature, max_temperature FROM years.smoke", bucket
    )
    assert series["values"] == [[hour * 10**9, 29.5, 0, 59]]


def test_token_that_can_not_be_kept_is_made_again(installs: Installers, either: Api) -> None:
    installer = installs(either)
    tokens = installer.folder / "tokens"
    in_the_way = tokens / f"{installer.bucket}.writer.token"
    in_the_way.mkdir(parents=True)
    failed = installer.setup()
    assert failed.returncode == 1
    assert str(in_the_way) in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    in_the_way.rmdir()
    assert installer.setup().stdout.count("made: token") == 2
    assert installer.token("writer") != installer.token("reader")
    for what in ("writer", "reader"):
        assert (tokens / f"{installer.bucket}.{what}.token").stat().st_mode & 0o077 == 0
    found = either.api(f"/api/v2/authorizations?orgID={either.org_id}")["authorizations"]
    mine = [each for each in found if each["description"].endswith(f": {installer.bucket}")]
    assert len(mine) == 2


def test_setup_keeps_to_its_organization(installs: Installers, either: Api) -> None:
    installer = installs(either)
    server = installer.server
    other = server.api("/api/v2/orgs", {"name": installer.bucket})["id"]
    theirs = {"orgID": other, "name": installer.bucket, "retentionRules": []}
    server.api("/api/v2/buckets", theirs)
    done = installer.setup()
    assert done.returncode == 0, done.stderr
    assert f"made: bucket {installer.bucket}\n" in done.stdout
    assert installer.buckets() == {installer.bucket: 90 * _DAY,
                                   f"{installer.bucket}_years": 5 * 365 * _DAY}  # fmt: skip
    assert server.api(f"/api/v2/tasks?orgID={other}")["tasks"] == []


def test_bucket_that_was_made_anew_gets_tokens_and_mappings_anew(
    installer: Installer, influxdb2: InfluxDB2
) -> None:
    server = influxdb2
    assert installer.setup().returncode == 0
    old = installer.token("writer")
    found = server.api("/api/v2/buckets?limit=100")["buckets"]
    (bucket,) = (each["id"] for each in found if each["name"] == installer.bucket)
    server.api(f"/api/v2/buckets/{bucket}", method="DELETE")
    again = installer.setup()
    assert again.returncode == 0, again.stderr
    where = f"/api/v2/write?orgID={server.org_id}&bucket={quote(installer.bucket)}"
    line = f"smoke,device=a density=0.5 {time.time_ns()}".encode()
    assert refused(server, old, where, line) in (403, 404)
    assert refused(server, installer.token("writer"), where, line) == 0
    reader = server.asked_with(installer.token("reader"))
    assert reader.count(installer.bucket, "smoke", "density") == 1
    assert installer.setup().stdout == "everything is there, nothing was changed\n"


def test_setup_says_what_is_wrong_in_one_line(
    installs: Installers, either: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    inside: Inside,
) -> None:  # fmt: skip
    installer = installs(either)
    elsewhere = written(
        tmp_path, installer.server.url, version=2, org="nobody", bucket="b", token="x"
    )
    unknown = inside("--lang", "en", "influx", "setup", str(elsewhere))
    assert unknown.returncode == 1
    assert "has no organization nobody; check org" in unknown.stderr
    monkeypatch.setenv("GRIDWARDEN_INFLUX_ADMIN_TOKEN", "wrong")
    wrong = installer.setup()
    assert wrong.returncode == 1
    assert "refuses the administrator's token (401: unauthorized access)" in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 1


def test_setup_says_that_the_server_is_away_or_fails(installs: Installers) -> None:
    with SmallInflux2() as server:
        installer = installs(server)
        server.failing = True
        failed = installer.setup()
    for done, words in ((failed, "can not do it now (500: An internal error"),
                        (installer.setup(), "can not be reached")):  # fmt: skip
        assert done.returncode == 1
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1


async def test_what_the_operator_has_to_mend_waits(influxdb2: InfluxDB2, tmp_path: Path) -> None:
    database = opened(influxdb2)
    secret = tmp_path / "token"
    secret.write_text("wrong")
    options = database.options | {"token": {"file": str(secret)}}
    right = influxdb2.token
    async with Sink("influx", Options.model_validate(options), SystemClock()) as to:
        with pytest.raises(Unavailable, match=r"refuses our credentials \(401.*check token"):
            await to.write(records(1))
        secret.write_text(right)
        await to.write(records(1))
    for wrong, words in (
        ({"bucket": "none"}, r"does not know where to write \(404: bucket .*none.* not found\)"),
        ({"org": "none"}, r"(does not know|refuses our credentials)"),
        ({"bucket": f"{database.name}_years"}, r"does not know where|refuses our credentials"),
    ):
        async with into(database, **wrong) as to:
            with pytest.raises(Unavailable, match=words):
                await to.write(records(1))
    assert database.counted("climate", "temperature") == 1


async def test_check_says_who_answers(influxdb2: InfluxDB2) -> None:
    async with into(opened(influxdb2)) as to:
        version = influxdb2.api("/health")["version"]
        assert version.startswith("v2.")
        assert await to.check() == f"InfluxDB {version} at {influxdb2.url} answers"
