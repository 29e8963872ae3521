"""A real InfluxDB 2.x for tests, and one database of a 1.x or a 2.x, asked in the same words.

No package index has a 2.x, so ``GRIDWARDEN_INFLUXD2`` names its program (``/usr/local/bin/influxd``);
without that a test that wants one is skipped and says so. It is made ready as an installer does
it: ``/api/v2/setup`` once, then what ``gridwarden influx setup`` does for each bucket.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import pytest

from gateway.sinks.influxdb.options import Options
from tests.servers import HOST, InfluxDB, InfluxQL, MissingServerError

PROGRAM: Final = "GRIDWARDEN_INFLUXD2"
"""Environment variable with the path of an influxd 2.x."""
ORG: Final = "云河 社区"
_LONG: Final = 100 * 365 * 86_400
_numbers = count(1)
_JSON: Final = "application/json"
_ADMIN: Final = {"username": "root", "password": "a long enough one", "org": ORG, "bucket": "first"}


def skip_without() -> None:
    """Skip the test that asks for a 2.x where there is none."""
    if not os.environ.get(PROGRAM):
        pytest.skip(f"no InfluxDB 2.x here: {PROGRAM} does not name an influxd")


class Prepared(NamedTuple):
    """A bucket after ``gridwarden influx setup``: its tokens."""

    bucket: str
    writer: str
    reader: str


class Api:
    """Something that speaks ``/api/v2``."""

    token = ""
    """Of the operator, who may do everything."""
    org_id = ""

    @property
    def url(self) -> str:
        """Where it serves, without a path."""
        raise NotImplementedError

    def send(self, path: str, body: Any = None, method: str = "") -> tuple[int, Any]:
        """GET, or POST ``body`` as JSON; status and answer."""
        raw = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": _JSON} | (_with(self.token) if self.token else {})
        request = urllib.request.Request(self.url + path, raw, headers, method=method or None)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def api(self, path: str, body: Any = None, method: str = "") -> Any:
        """The answer, which has to be a good one."""
        status, said = self.send(path, body, method)
        assert status < 300, said
        return said


class InfluxDB2(InfluxQL, Api):
    """Set up by its first start. ``headers`` have the operator's token, which may do everything."""

    program = "influxd2"
    package = f"an influxd 2.x, and name it in {PROGRAM}"
    probe = "/health"

    def __init__(self, extra: Sequence[str] = (), port: int | None = None) -> None:
        super().__init__(port)
        self._extra = extra

    def executable(self) -> str:
        path = os.environ.get(PROGRAM, "")
        if not Path(path).is_file():
            raise MissingServerError(f"{path or self.program} is not here: install {self.package}")
        return path

    def arguments(self) -> list[str]:
        return [
            f"--http-bind-address={HOST}:{self.port}",
            f"--bolt-path={self.directory}/influxd.bolt",
            f"--sqlite-path={self.directory}/influxd.sqlite",
            f"--engine-path={self.directory}/engine",
            "--reporting-disabled",
            "--log-level=error",
            *self._extra,
        ]

    def __enter__(self) -> Self:
        super().__enter__()
        made = self.api("/api/v2/setup", _ADMIN)
        self.token, self.org_id = made["auth"]["token"], made["org"]["id"]
        self.headers = _with(self.token)
        return self

    def prepare(self, bucket: str, keep: int | None = None) -> Prepared:
        """What ``gridwarden influx setup`` makes for ``bucket``; ``keep`` in seconds."""
        from gateway.sinks.influxdb.ready2 import Ready2  # its library takes 27 MB

        tokens: dict[str, str] = {}
        options = Options.model_validate(self.sink(bucket, self.token))
        server = Ready2(options, self.token, lambda _text: None)
        try:
            server.prepare(keep, None, tokens.__setitem__)
        finally:
            server.close()
        return Prepared(bucket, tokens["writer"], tokens["reader"])

    def sink(self, bucket: str, token: str) -> dict[str, Any]:
        """The options of a sink that writes to ``bucket`` with ``token``."""
        path = self.directory / f"{abs(hash(token))}.token"
        path.write_text(token + "\n", encoding="utf-8")
        mine = {"url": self.url, "version": 2, "org": ORG, "bucket": bucket}
        return mine | {"token": {"file": str(path)}}

    def asked_with(self, token: str) -> InfluxQL:
        """The same server for whoever has only ``token``; it can only be asked."""
        found = InfluxQL(self.port)
        found.headers = _with(token)
        return found


class Database(NamedTuple):
    """One database of a 1.x, or one prepared bucket of a 2.x: written and read with its tokens."""

    server: InfluxDB | InfluxDB2
    name: str
    options: dict[str, Any]
    """Of a sink that writes here."""
    asked: InfluxQL

    def query(self, text: str) -> list[dict[str, Any]]:
        """InfluxQL; see ``InfluxQL.query``."""
        return self.asked.query(text, self.name)

    def points(self, measurement: str) -> list[dict[str, Any]]:
        """Every point of a measurement; see ``InfluxQL.points``."""
        return self.asked.points(self.name, measurement)

    def counted(self, measurement: str, field: str) -> int:
        """How many points have ``field``."""
        return self.asked.count(self.name, measurement, field)

    def measurements(self) -> list[str]:
        """Their names."""
        found = self.query("SHOW MEASUREMENTS")
        return [row[0] for row in found[0]["values"]] if found else []


def opened(server: InfluxDB | InfluxDB2, keep: int | None = None, name: str = "") -> Database:
    """A new one, under a name that no other has, that keeps ``keep`` seconds; None: what tests write is long ago, and stays."""
    name = name or f"site-{next(_numbers)}"
    if isinstance(server, InfluxDB):
        duration = f" WITH DURATION {keep}s" if keep else ""
        server.query(f'CREATE DATABASE "{name}"{duration}')
        return Database(server, name, {"url": server.url, "database": name}, server)
    prepared = server.prepare(name, keep or _LONG)
    options = server.sink(name, prepared.writer)
    return Database(server, name, options, server.asked_with(prepared.reader))


def _with(token: str) -> dict[str, str]:
    return {"Authorization": f"Token {token}"}
